"""Trees drawn as text and as SVG: the same facts, nothing hidden, nothing on top of another."""

from __future__ import annotations

import itertools
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from artigraph.display.tree import NodeKind, TreeItem, svg_tree, text_tree

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"

FIT = TreeItem(
    "Fit",
    kind="model",
    title="loss=0.12",
    edge="fit",
    children=[TreeItem("frame", kind="artifact", title="3 rows", edge="predictions")],
)
WINE = TreeItem(
    "wine",
    children=[TreeItem("run 1", title="forest", children=[FIT], more=7), TreeItem("run 2")],
)

HOSTILE = [
    "<b>",
    "</text></svg><script>alert(1)</script>",
    "\"'&amp;<!--",
    "]]>",
    "\x00\x1b[31m\x7f",
    "one\ntwo\u2028three",
    "run\u202egnp.exe",
    "\u2066a\u2069\u200b\ufeff\u00ad",
    "\ud800",
    "\ufffe",
    "x" * 1_000_000,
    "木" * 60,
    "a\u0301" * 60,
    "\ufdfd" * 10,
]
"""Labels that mean to break out, hide, reorder or overflow."""


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parse(svg).iter(f"{SVG}text")]


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # our own drawing, without a DTD


def rectangles(svg: str) -> list[tuple[str, float, float, float, float]]:
    """Of each: its class, and its left, top, right and bottom edge."""
    found = []
    for element in parse(svg).iter(f"{SVG}rect"):
        x, y, width, height = (float(element.attrib[k]) for k in ("x", "y", "width", "height"))
        found.append((element.attrib["class"], x, y, x + width, y + height))
    return found


def test_text_shows_kinds_edges_titles_and_what_is_left_out() -> None:
    """Each item is a line, with brackets for its kind."""
    assert text_tree(WINE) == "\n".join(
        [
            "(wine)",
            "├── (run 1)  forest",
            "│   ├── fit: [Fit]  loss=0.12",
            "│   │   └── predictions: {frame}  3 rows",
            "│   └── … 7 more",
            "└── (run 2)",
        ]
    )


def items(names: st.SearchStrategy[str]) -> st.SearchStrategy[TreeItem]:
    kinds: st.SearchStrategy[NodeKind] = st.sampled_from(["node", "model", "artifact"])
    leaves = st.builds(TreeItem, names, kind=kinds, title=names, edge=names)
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            TreeItem,
            names,
            kind=kinds,
            title=names,
            edge=names,
            children=st.lists(inner, max_size=6),
            more=st.integers(0, 3),
        ),
        max_leaves=25,
    )


@given(items(st.text(max_size=50)))
def test_text_and_svg_tell_the_same(item: TreeItem) -> None:
    """Every box is a line, and what is written in and before it stands in that line."""
    shown = text_tree(item, max_children=4, max_depth=3)
    svg = svg_tree(item, max_children=4, max_depth=3)
    boxes = [kind for kind, *_ in rectangles(svg) if kind != "ag-tree-paper"]
    assert len(boxes) == len(shown.split("\n"))
    assert all(text in shown for text in texts(svg))
    for kind, opening in {"node": "(", "model": "[", "artifact": "{"}.items():
        assert shown.count(opening) >= boxes.count(f"ag-tree-{kind}")


@given(items(st.text(alphabet="aW木 \u0301", max_size=60)))
def test_nothing_is_drawn_on_top_of_another(item: TreeItem) -> None:
    """No two boxes or edge labels overlap, and none is outside the picture."""
    svg = svg_tree(item, max_children=5)
    width, height = (float(parse(svg).attrib[name]) for name in ("width", "height"))
    found = rectangles(svg)
    for _, left, top, right, bottom in found:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    for (_, l1, t1, r1, b1), (_, l2, t2, r2, b2) in itertools.combinations(found, 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("place", ["label", "title", "edge"])
def test_hostile_text_stays_text(text: str, place: str) -> None:
    """Whatever a label holds, the SVG is whole, and no character hides or reorders others."""
    hostile = {
        "label": replace(FIT, label=text, children=()),
        "title": replace(FIT, title=text, children=()),
        "edge": replace(FIT, edge=text, children=()),
    }[place]
    tree = TreeItem("wine", children=[hostile])
    svg, shown = svg_tree(tree), text_tree(tree)
    allowed = {"svg", "style", "path", "rect", "text"}
    assert {element.tag.removeprefix(SVG) for element in parse(svg).iter()} <= allowed
    for drawing in (svg, shown):
        drawing.encode()
        assert len(drawing) < 10_000
        assert not [
            c for c in drawing if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
        ]
    assert len(shown.split("\n")) == 2
    assert all(text in shown for text in texts(svg))


def test_svg_loads_and_runs_nothing() -> None:
    """No script, no handler, no identifier, and no address but the namespace's."""
    svg = svg_tree(WINE)
    for element in parse(svg).iter():
        for name in element.attrib:
            assert not name.startswith("on")
            assert name not in ("id", "href", "style")
    assert svg.count("http") == 1
    assert "url(" not in svg
    assert "@import" not in svg


def test_kinds_are_told_by_shape() -> None:
    """Nodes are round, models and artifacts square, artifacts with a folded corner."""
    radius = {
        element.attrib["class"]: float(element.attrib["rx"])
        for element in parse(svg_tree(WINE)).iter(f"{SVG}rect")
    }
    assert radius["ag-tree-node"] > 10 > radius["ag-tree-model"] == radius["ag-tree-artifact"]
    assert svg_tree(WINE).count("ag-tree-fold") - svg_tree(TreeItem("w")).count("ag-tree-fold") == 1


def test_big_fan_is_capped() -> None:
    """Of 50,000 children twenty are drawn, and the others counted."""
    fan = TreeItem("root", children=[TreeItem(f"run {n}") for n in range(50_000)], more=3)
    for lines in (text_tree(fan).split("\n"), texts(svg_tree(fan))):
        assert len(lines) == 22
        assert lines[-1].endswith("… 49,983 more")
    assert text_tree(fan, max_children=1).endswith("(run 0)\n└── … 50,002 more")


def test_deep_tree_is_cut() -> None:
    """A chain of 10,000 is drawn twelve levels deep, and the next one counted."""
    chain = TreeItem("leaf")
    for _ in range(10_000):
        chain = TreeItem("node", children=[chain])
    assert text_tree(chain).split("\n")[-1].strip() == "└── … 1 more"
    assert len(texts(svg_tree(chain))) == 14


def test_committed_picture_is_what_make_tree_makes(tmp_path: Path) -> None:
    """The README's picture is drawn by the package as it is now."""
    made = tmp_path / "tree.svg"
    script = ROOT / "docs" / "images" / "make_tree.py"
    subprocess.run([sys.executable, "-W", "error", script, made], check=True, cwd=ROOT)
    committed = (ROOT / "docs" / "images" / "tree.svg").read_text(encoding="utf-8")
    assert made.read_text(encoding="utf-8") == committed, f"Run: python {script.relative_to(ROOT)}"
