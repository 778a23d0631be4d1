"""Graphs for Graphviz: the source is there without its program, which is asked for by name."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path

import graphviz
import pytest

from artigraph import (
    ArtigraphError,
    FilterError,
    MissingLibraryError,
    ModelFilter,
    engine_context,
    new_node,
    to_graphviz,
    write_node,
    write_nodes,
)
from artigraph.display.escape import visible
from artigraph.orm.base import is_clean
from tests.conftest import Statements
from tests.display.test_mermaid import HOSTILE
from tests.export.experiment import write_experiment

LINE = re.compile(r"\t(?P<name>n\d+)(?: -> (?P<below>n\d+))?(?: \[(?P<attributes>.*)\])?")
LABEL = re.compile(r'label=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[\w.]+))(?= |$)')


def labels(source: str) -> dict[str, str]:
    """Labels by name of node or edge, as Graphviz would draw them."""
    found = {}
    for line in source.split("\n")[4:]:
        if match := LINE.fullmatch(line):
            label = LABEL.search(match["attributes"] or "")
            text = (label["quoted"] or label["plain"] or "") if label else ""
            text = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)
            found[f"{match['name']}-{match['below'] or ''}"] = text.replace("&amp;", "&")
        else:
            assert line in ("}", ""), line
    return found


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Graphviz's programs."""
    monkeypatch.setenv("PATH", str(tmp_path))


async def test_source(statements: Statements, tmp_path: Path) -> None:
    """Boxes and labelled edges from left to right; one statement a level and no blob."""
    wine = await write_experiment(tmp_path)
    statements.clear()
    graph = await to_graphviz(wine)
    assert len(statements) == 4
    assert isinstance(graph, graphviz.Digraph)
    assert "rankdir=LR" in graph.source
    assert labels(graph.source) == {
        "n0-": "wine",
        "n1-": "one\ngraph_run",
        "n0-n1": "",
        "n2-": "StoredFit",
        "n1-n2": "fit",
        "n3-": "frame\n5,000 × 1",  # noqa: RUF001
        "n2-n3": "frame",
        "n4-": "two\ngraph_run",
        "n0-n4": "",
    }


async def test_what_is_left_out_is_counted(store: str, tmp_path: Path) -> None:
    """Depth, children and size are bounded, and a dashed node counts the others."""
    wine = await write_experiment(tmp_path)
    await write_nodes([new_node(node_parent_id=wine.node_id) for _ in range(2_000)])
    for graph, left in (
        (await to_graphviz(wine, max_depth=0), 2_002),
        (await to_graphviz(wine, max_children=1), 2_001),
        (await to_graphviz(wine, max_nodes=101, max_children=None), 1_902),
    ):
        assert f"+{left:,} more" in labels(graph.source).values()
        assert graph.source.count("dashed") == graph.source.count(' more"')
    await write_node(new_node())
    assert "+1 more" in labels((await to_graphviz(max_nodes=1)).source).values()
    assert (await to_graphviz(ModelFilter())).source.count("note") == 1


async def test_hostile_labels_stay_text() -> None:
    """Quotes, backslashes, entities, HTML and line ends are drawn, and end nothing."""
    kept = {"".join(c for c in text[:200] if is_clean(c)) for text in HOSTILE} - {""}
    with engine_context("sqlite+aiosqlite:///:memory:", create_tables=True):
        top = await write_node(new_node(node_label="top"))
        await write_nodes([new_node(node_parent_id=top.node_id, node_label=x) for x in kept])
        source = (await to_graphviz(top, max_children=None)).source
    drawn = labels(source)
    assert {drawn[name] for name in drawn if name.endswith("-")} == {
        "top", *(visible(label, 44) for label in kept),
    }  # fmt: skip
    assert len(source.split("\n")) == 7 + 2 * len(kept)


@pytest.mark.usefixtures("no_programs")
async def test_without_dot_the_error_says_what_to_install(store: str, tmp_path: Path) -> None:
    """Pictures name the program and how to install it, and the source stays in reach."""
    graph = await to_graphviz(await write_experiment(tmp_path / "blobs"))
    asks: list[Callable[[], object]] = [
        graph.pipe,
        lambda: graph.pipe(format="png"),
        lambda: graph.render(tmp_path / "graph"),
        lambda: graph.view(tmp_path / "graph"),
        lambda: graph.copy().pipe(),
    ]
    for ask in asks:
        with pytest.raises(MissingLibraryError, match=r"'dot' is not installed\..*apt-get install"):
            ask()
    with pytest.raises(MissingLibraryError, match="'unflatten' is not installed"):
        graph.unflatten()
    assert issubclass(MissingLibraryError, ArtigraphError)
    assert graph.source.startswith("digraph {")


@pytest.mark.usefixtures("no_programs")
async def test_without_dot_a_notebook_shows_the_source(store: str, tmp_path: Path) -> None:
    """The repr never fails: it falls back to the source, and says what is missing."""
    graph = await to_graphviz(await write_experiment(tmp_path))
    bundle = graph._repr_mimebundle_(include=None, exclude=None)
    assert list(bundle) == ["text/plain"]
    assert bundle["text/plain"].startswith("digraph {")
    assert "apt-get install graphviz" in bundle["text/plain"]


async def test_with_dot_a_notebook_shows_a_picture(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a program of that name is found, what it draws is shown."""
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ncat >/dev/null\necho '<svg/>'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    graph = await to_graphviz(await write_experiment(tmp_path / "blobs"))
    assert graph._repr_mimebundle_()["image/svg+xml"].strip() == "<svg/>"
    assert graph.pipe(format="svg").strip() == b"<svg/>"


async def test_bad_requests(store: str) -> None:
    """A limit that is no count is refused."""
    with pytest.raises(FilterError, match="max_nodes is a count from 1 on"):
        await to_graphviz(max_nodes=0)
