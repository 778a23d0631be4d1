"""Mermaid source: the guide's look, nothing that a label could break out of, no limit passed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from artigraph.display.escape import visible
from artigraph.display.forest import mermaid_tree
from artigraph.display.tree import TreeItem
from tests.display.test_tree import WINE, items

HOSTILE = [
    'a"] --> b["c',
    '"]\nclick n0 call alert()',
    "%%{init: {'theme': 'dark'}}%%",
    "%% a comment",
    "---\ntitle: x\n---",
    "```\n# heading",
    "<b>bold</b><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[link](javascript:alert(1))",
    "javascript:alert(1)//",
    "`**markdown**`",
    "1. one",
    "23) two",
    "- item",
    "+ item",
    "* item",
    "# heading",
    "#quot;",
    "#35;",
    "&quot;&#34;&lt;b&gt;",
    "20 °C, §3 ¶2",
    "$$x^2$$",
    "a|b|c",
    "a;b:c{d}e[f](g)/h\\",
    "style n0 fill:#f00;",
    "classDef more fill:#f00;",
    "subgraph",
    "end",
    "x" * 1_000_000,
    "木" * 60,
    "one\ntwo\u2028three\r\x85",
    "run\u202egnp.exe\u2066\u200b\ufeff",
    "\x00\x1b[31m\x7f",
    "\ud800",
    "😀👩‍👩‍👧",
    "",
    " ",
]
"""Labels that mean to end a line, a quote or a fence, or to be more than text."""

BOX = re.compile(
    r'    (?P<name>n[0-9]+)(?:\(\["(?P<node>[^"]*)"\]\)(?P<more>:::more)?'
    r'|\["(?P<model>[^"]*)"\]|\[/"(?P<artifact>[^"]*)"/\])'
)
EDGE = re.compile(r'    (?P<above>n[0-9]+) --> (?:\|"(?P<label>[^"]*)"\| )?(?P<below>n[0-9]+)')


@dataclass
class Parsed:
    """What mermaid would draw."""

    boxes: dict[str, tuple[str, str]]
    """Kind and text by name."""
    edges: list[tuple[str, str, str]]
    """From, to, label."""


def parse(source: str) -> Parsed:
    """Read the little of mermaid's language that is written; anything else fails."""
    first, *lines = source.split("\n")
    assert first == "graph LR"
    assert len(source) < 50_000
    parsed = Parsed({}, [])
    for line in lines:
        if line == "    classDef more stroke-dasharray: 3 3":
            continue
        if edge := EDGE.fullmatch(line):
            parsed.edges.append((edge["above"], edge["below"], decode(edge["label"] or "")))
            continue
        box = BOX.fullmatch(line)
        assert box, line
        assert box["name"] not in parsed.boxes
        (kind,) = (k for k in ("node", "model", "artifact") if box[k] is not None)
        parsed.boxes[box["name"]] = ("more" if box["more"] else kind, decode(box[kind]))
    assert len(parsed.edges) < 500
    # Each box but the roots hangs on one that was drawn before it.
    assert [below for _, below, _ in parsed.edges] == list(
        dict.fromkeys(b for _, b, _ in parsed.edges)
    )
    for above, below, _ in parsed.edges:
        assert int(above[1:]) < int(below[1:])
        assert {above, below} <= parsed.boxes.keys()
    return parsed


def decode(text: str) -> str:
    """A text as it is shown; what would mean something to mermaid must be encoded."""
    for part in re.split(r"#[0-9]+;", text):
        for c in part:
            assert c.isalnum() or c in " ,.-_+=()…" or c > "\x7f", c
            assert c in "\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp")
    return re.sub(r"#([0-9]+);", lambda code: chr(int(code[1])), text)


def test_the_guides_look() -> None:
    """Rounded nodes, square models with labelled edges, slanted artifacts, and what is left out."""
    assert mermaid_tree([WINE]) == "\n".join(
        [
            "graph LR",
            '    n0(["wine"])',
            '    n1(["run 1 · forest"])',
            '    n2(["run 2"])',
            '    n3["Fit · loss=0.12"]',
            '    n4(["+7 more"]):::more',
            '    n5[/"frame · 3 rows"/]',
            "    n0 --> n1",
            "    n0 --> n2",
            '    n1 --> |"fit"| n3',
            "    n1 --> n4",
            '    n3 --> |"predictions"| n5',
            "    classDef more stroke-dasharray: 3 3",
        ]
    )


def test_nothing_cut_needs_no_class() -> None:
    """Without anything left out the source is nodes and edges alone."""
    assert mermaid_tree([TreeItem("a", children=[TreeItem("b")])]) == (
        'graph LR\n    n0(["a"])\n    n1(["b"])\n    n0 --> n1'
    )
    assert mermaid_tree([]) == "graph LR"


def test_a_root_model_keeps_its_label() -> None:
    """A model that nothing leads to has its label in the box."""
    fit = TreeItem("Fit", kind="model", edge="fit")
    assert parse(mermaid_tree([fit])).boxes == {"n0": ("model", "fit · Fit")}


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_text_stays_text(hostile: str) -> None:
    """As label, title or edge of any kind of box, a text is shown as it is, and does no more."""
    shown = visible(hostile, 44)
    for kind in ("node", "model", "artifact"):
        tree = TreeItem("top", children=[TreeItem(hostile, kind, hostile, hostile)])
        parsed = parse(mermaid_tree([tree]))
        expected = f"{shown} · {shown}" if hostile else " "
        assert parsed.boxes == {"n0": ("node", "top"), "n1": (kind, expected)}
        assert parsed.edges == [("n0", "n1", shown)]


@pytest.mark.parametrize("text", ["1. one", "23) two", "- item", "+ item", "* item", "# x", "> q"])
def test_no_text_begins_a_list(text: str) -> None:
    """Mermaid refuses labels that Markdown would take for lists; ours begin otherwise."""
    source = mermaid_tree([TreeItem(text)])
    assert re.search(r'"(\d+[.)]|[-+*#>]) ', source) is None
    assert parse(source).boxes["n0"][1] == text


def test_mermaids_own_marks_are_written_out() -> None:
    """What mermaid puts in the place of encoded characters decodes to nothing else."""
    source = mermaid_tree([TreeItem("ﬂ°°34¶ß")])
    assert parse(source).boxes["n0"][1] == r"\ufb02°°34\xb6ß"


@given(st.lists(items(st.text(max_size=30)), max_size=4), st.integers(0, 3))
def test_any_tree_is_drawn_whole(roots: list[TreeItem], more: int) -> None:
    """Every item is one box of its kind, under its parent, and what is left out is counted."""
    parsed = parse(mermaid_tree(roots, more=more))
    expected: list[str] = []
    ahead = list(roots)
    while ahead:
        item = ahead.pop()
        expected += [item.kind, *(["more"] if item.more else [])]
        ahead += item.children
    expected += ["more"] if more else []
    assert sorted(kind for kind, _ in parsed.boxes.values()) == sorted(expected)
    assert len(parsed.edges) == len(expected) - len(roots) - bool(more)


@pytest.mark.parametrize(
    "label", ["run", "木" * 44, "#" * 44, "\U0001f600" * 44], ids=lambda text: ascii(text[:1])
)
@pytest.mark.parametrize("shape", ["fan", "chain", "bushy", "roots"])
def test_mermaids_limits_are_kept(label: str, shape: str) -> None:
    """However large a tree: fewer than 500 edges, 50,000 characters, and all others counted."""
    roots = {
        "fan": [TreeItem(label, children=[TreeItem(label)] * 50_000)],
        "chain": [chain(label, 3000)],
        "bushy": [bushy(label, 4, 7)],
        "roots": [bushy(label, 2, 3)] * 2_000,
    }[shape]
    source = mermaid_tree(roots, more=5)
    assert len(source.encode("utf-16-le")) // 2 < 50_000
    parsed = parse(source)
    assert sum(kind == "more" for kind, _ in parsed.boxes.values()) >= 1
    assert len(parsed.boxes) > 50
    if shape == "fan":
        drawn = sum(kind == "node" for kind, _ in parsed.boxes.values()) - 1
        left = [text for kind, text in parsed.boxes.values() if kind == "more"]
        assert left == ["+5 more", f"+{50_000 - drawn:,} more"]


def chain(label: str, length: int) -> TreeItem:
    item = TreeItem(label)
    for _ in range(length):
        item = TreeItem(label, children=[item])
    return item


def bushy(label: str, width: int, depth: int) -> TreeItem:
    below = [bushy(label, width, depth - 1)] * width if depth else []
    return TreeItem(label, children=below, more=1)
