"""Looking around in a tree: pages by key, counts, paths, types and searches."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pandas as pd
import pytest

from artigraph import (
    DataModel,
    FilterError,
    Node,
    delete_nodes,
    new_node,
    new_session,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.filter.node import NodeFilter
from artigraph.node.move import write_parent_child_relationships
from artigraph.outline.page import (
    COUNT_LIMIT,
    Narrowing,
    browse_children,
    browse_labels,
    browse_node,
    browse_path,
    browse_search,
    browse_types,
    count_matches,
)
from artigraph.outline.search import LONGEST_SEARCH, search_clause
from artigraph.outline.summary import NodeSummary
from artigraph.serializer.pandas import dataframe_serializer
from tests.conftest import Statements


class SoughtFit(DataModel, version=1):
    loss: float
    name: str = "adam"
    params: dict[str, Any] = field(default_factory=dict)


class Data(DataModel, version=3):
    rows: int
    frame: Annotated[pd.DataFrame, dataframe_serializer]


async def fan(count: int, label: str = "root") -> Node:
    """A root with children called ``child 0`` and so on."""
    root = await write_node(new_node(node_label=label))
    await write_nodes(
        [new_node(node_label=f"child {n}", node_parent_id=root.node_id) for n in range(count)]
    )
    return root


def labels(nodes: tuple[NodeSummary, ...]) -> list[str | None]:
    return [node.label for node in nodes]


async def test_pages_by_key_meet_without_gap_or_overlap(store: str, statements: Statements) -> None:
    """Pages follow each other to the end, one statement each, however far down."""
    root = await fan(25)
    statements.clear()
    seen: list[str | None] = []
    after: int | None = 0
    pages = 0
    while after is not None:
        page = await browse_children(root.node_id, after=after, limit=10)
        seen += labels(page.nodes)
        after, pages = page.after, pages + 1
    assert seen == [f"child {n}" for n in range(25)]
    assert pages == len(statements) == 3


async def test_rows_of_a_page_are_counted_in_its_statement(
    store: str, statements: Statements
) -> None:
    """Every row tells how many hang right below it, at the price of one statement."""
    roots = [await fan(count, f"root {count}") for count in (0, 1, 7)]
    statements.clear()
    page = await browse_children()
    assert [node.child_count for node in page.nodes] == [0, 1, 7]
    assert [node.node_id for node in page.nodes] == [root.node_id for root in roots]
    assert len(statements) == 1


async def test_counts_end_at_a_limit(store: str) -> None:
    """A row with very many children is not counted to the end, a page's total is."""
    root = await fan(COUNT_LIMIT + 5)
    (row,) = (await browse_children()).nodes
    assert row.child_count == COUNT_LIMIT
    assert await count_matches(root.node_id) == COUNT_LIMIT + 5
    assert await count_matches(root.node_id, most=10) == 10


async def test_no_value_and_no_document_is_read(store: str, statements: Statements) -> None:
    """Neither stored bytes nor a model's document is in any statement of a walk."""
    await write_model(label="data", model=Data(1, pd.DataFrame({"x": [1]})))
    statements.clear()
    (model,) = (await browse_children()).nodes
    (part,) = (await browse_children(model.node_id)).nodes
    assert len(await browse_path(part.node_id)) == 2
    assert await browse_node(model.node_id) == model
    assert (model.model_name, model.model_version, model.child_count) == (Data.model_name, 3, 1)
    assert part.serializer == "artigraph-pandas"
    assert part.size is not None
    assert part.size > 0
    for column in ("database_artifact_value", "model_artifact_data", "artifact_summary"):
        assert not any(column in statement for statement in statements)


async def test_filter_clause_begins_anywhere(store: str) -> None:
    """The first page may be what a filter finds, at any depth."""
    root = await fan(3)
    page = await browse_children(NodeFilter(label=["child 1", "root"]).clause())
    assert labels(page.nodes) == ["root", "child 1"]
    assert await count_matches(NodeFilter(label="child 1").clause()) == 1
    assert (await browse_children(root.node_id, label="CHILD 2")).nodes[0].label == "child 2"


async def test_narrowing_hides_models_only(store: str) -> None:
    """Models of other types and times go, and out of the counts; nodes stay."""
    root = await write_node(new_node(node_label="root"))
    await write_node(new_node(node_label="inner", node_parent_id=root.node_id))
    await write_models(parent_id=root.node_id, models={"a": SoughtFit(0.1), "b": SoughtFit(0.2)})
    frame = pd.DataFrame({"x": [1]})
    await write_model(parent_id=root.node_id, label="c", model=Data(1, frame))
    narrowing = Narrowing(model_types=(Data.model_name,))
    page = await browse_children(root.node_id, narrowing=narrowing)
    assert labels(page.nodes) == ["inner", "c"]
    (top,) = (await browse_children(narrowing=narrowing)).nodes
    assert top.child_count == 2
    assert await count_matches(root.node_id, narrowing=narrowing) == 2
    later = datetime.now(UTC) + timedelta(hours=1)
    for none in (
        Narrowing(created_after=later),
        Narrowing(created_before=later.replace(year=2000)),
    ):
        page = await browse_children(root.node_id, narrowing=none)
        assert labels(page.nodes) == ["inner"]
    all_of_them = Narrowing(created_before=later)
    assert len((await browse_children(root.node_id, narrowing=all_of_them)).nodes) == 4


async def test_path_leads_from_root_to_node(store: str, statements: Statements) -> None:
    """A node's path is one statement at any depth; there is none to a node that is gone."""
    parent: int | None = None
    for level in range(30):
        node = await write_node(new_node(node_label=f"level {level}", node_parent_id=parent))
        parent = node.node_id
    assert parent is not None
    statements.clear()
    path = await browse_path(parent)
    assert labels(path) == [f"level {level}" for level in range(30)]
    assert [node.child_count for node in path] == [1] * 29 + [0]
    assert len(statements) == 1
    assert await browse_path(10**12) == ()
    assert await browse_node(10**12) is None


async def test_path_follows_moved_nodes(store: str) -> None:
    """A node that was moved below a younger one still has its path in order."""
    older = await write_node(new_node(node_label="older"))
    younger = await write_node(new_node(node_label="younger"))
    await write_parent_child_relationships([(younger.node_id, older.node_id)])
    assert labels(await browse_path(older.node_id)) == ["younger", "older"]


async def test_types_are_found_once_each(store: str, statements: Statements) -> None:
    """The names of all models, in order, by one statement; none in an empty store."""
    assert await browse_types() == ()
    await write_models(models={f"fit {n}": SoughtFit(n) for n in range(20)})
    await write_model(label="data", model=Data(1, pd.DataFrame({"x": [1]})))
    statements.clear()
    assert await browse_types() == tuple(sorted([SoughtFit.model_name, Data.model_name]))
    assert len(await browse_types(limit=1)) == 1
    assert len(statements) == 2


async def test_labels_of_many_nodes_at_once(store: str, statements: Statements) -> None:
    """Labels by id, in one statement; an id that is gone is left out."""
    root = await fan(2)
    unnamed = await write_node(new_node())
    statements.clear()
    found = await browse_labels([root.node_id, unnamed.node_id, 10**12])
    assert found == {root.node_id: "root", unnamed.node_id: None}
    assert len(statements) == 1


class SoughtPart(DataModel, version=1):
    depth: int
    extra: dict[str, int] = field(default_factory=dict)


class SoughtWhole(DataModel, version=1):
    part: SoughtPart
    parts: dict[str, SoughtPart] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("part.depth>=3", ["deep"]),
        ("part.depth=1", ["flat"]),
        ("part.extra.n=7", ["deep"]),
        ("parts.a.depth=9", ["flat"]),
        ("parts.a.extra.n=*", []),
        ("part.nothing=*", []),
        ("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p=1", []),
    ],
)
async def test_search_looks_into_nested_models(store: str, text: str, found: list[str]) -> None:
    """A path leads through nested models to a field of theirs; the outer model is found."""
    await write_model(label="deep", model=SoughtWhole(SoughtPart(4, {"n": 7})))
    flat = SoughtWhole(SoughtPart(1), {"a": SoughtPart(9)})
    await write_model(label="flat", model=flat)
    page = await browse_search(search_clause(text))
    assert labels(page.nodes) == found


@pytest.fixture
async def fits(store: str) -> list[int]:
    """Ids of three models called a, b and C."""
    models = {
        "a": SoughtFit(0.1, "adam", {"depth": 3, "dry": True}),
        "b": SoughtFit(0.5, "sgd", {"depth": 10}),
        "C": SoughtFit(float("nan"), "100% pure", {"depth": 5, "note": "7"}),
    }
    return [(await write_model(label=k, model=m)).artifact.node_id for k, m in models.items()]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "Cba"),
        ("c", "C"),
        ("FIT", "Cba"),
        ("fit b", "b"),
        ("model_artifact", ""),
        ("loss<0.3", "a"),
        ("loss>=0.1", "ba"),
        ("loss=0.5", "b"),
        ("loss!=0.5", "Ca"),
        ("name=sgd", "b"),
        ('name="100% pure"', "C"),
        ("params.depth>4", "Cb"),
        ("params.note=7", "C"),
        ("params.dry=true", "a"),
        ("params.dry=*", "a"),
        ("params.nothing=*", ""),
        ("%", ""),
        ("_", ""),
        ("'; DROP TABLE artigraph_node", ""),
        ("loss<", ""),
        ("loss.<1", ""),
        ("params..depth>4", ""),
        ("loss<1e999", "ba"),
        ("loss=nan", ""),
    ],
)
@pytest.mark.usefixtures("fits")
async def test_search_finds_labels_types_and_fields(text: str, found: str) -> None:
    """Words look in labels and types, comparisons in fields; nothing else has a meaning."""
    page = await browse_search(search_clause(text))
    assert "".join(node.label or "" for node in page.nodes) == found


async def test_search_takes_an_id(fits: list[int]) -> None:
    """``#`` and a number is that node alone."""
    page = await browse_search(search_clause(f"#{fits[1]}"))
    assert labels(page.nodes) == ["b"]


async def test_search_pages_from_newest_to_oldest(store: str, statements: Statements) -> None:
    """A search goes on where its last page ended, one statement a page."""
    await fan(25)
    statements.clear()
    seen: list[str | None] = []
    before: int | None = None
    while True:
        page = await browse_search(search_clause("child"), before=before, limit=10)
        seen += labels(page.nodes)
        if page.after is None:
            break
        before = page.after
    assert seen == [f"child {n}" for n in reversed(range(25))]
    assert len(statements) == 3


@pytest.mark.parametrize("text", ["x" * (LONGEST_SEARCH + 1), "a\x00b", "\ud800"])
async def test_search_refuses_what_no_database_takes(store: str, text: str) -> None:
    """A text that is too long, or is no text, is refused before the database sees it."""
    with pytest.raises(FilterError):
        await browse_search(search_clause(text))


async def test_walk_sees_its_own_session(store: str) -> None:
    """Inside a session, what it has written is seen; after a deletion it is gone."""
    async with new_session():
        root = await fan(2)
        assert len((await browse_children(root.node_id)).nodes) == 2
    await delete_nodes(NodeFilter(label="child 0"))
    assert labels((await browse_children(root.node_id)).nodes) == ["child 1"]
