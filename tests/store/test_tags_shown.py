"""Tags where rows are shown: in reprs, trees and pages, read along with the rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from artigraph import (
    DataModel,
    NodeFilter,
    NodeRelationshipFilter,
    new_artifact,
    new_node,
    new_session,
    read_artifact,
    read_model,
    read_models,
    read_node,
    read_tree,
    tag_nodes,
    write_artifact,
    write_model,
    write_node,
)
from artigraph.db.session import write
from artigraph.display.shown import as_text
from artigraph.orm.base import utc_now
from artigraph.orm.tag import tag_table
from artigraph.outline.page import browse_children, browse_node
from artigraph.serializer.json import json_serializer
from tests.conftest import Statements


class TagsShownFit(DataModel, version=1):
    loss: float


def html(shown: Any) -> str:
    return str(shown._repr_html_())


def text(shown: Any) -> str:
    return as_text(shown, 300)


async def test_what_is_read_alone_shows_its_tags(store: str, statements: Statements) -> None:
    """A node, a model and an artifact, each in the statement that it was read by anyway."""
    node = await write_node(new_node(node_label="top"))
    model = await write_model(parent_id=node.node_id, label="fit", model=TagsShownFit(0.5))
    value = await write_artifact(new_artifact("raw", [1], json_serializer, parent_id=node.node_id))
    ids = [node.node_id, model.artifact.node_id, value.artifact.node_id]
    found: Any
    reads: tuple[Any, ...] = (read_node, read_model, read_artifact)
    for read, node_id in zip(reads, ids, strict=True):
        found = await read(NodeFilter(node_id=node_id))
        assert "#" not in text(found)
    await tag_nodes(NodeFilter(node_id=ids), {"best": None, "stage": "prod", "score": 0.93})
    for read, node_id in zip(reads, ids, strict=True):
        statements.clear()
        found = await read(NodeFilter(node_id=node_id))
        assert len(statements) == 1
        for shown in (text(found), html(found)):
            for chip in ("#best", "#stage=prod", "#score=0.93"):
                assert chip in shown
        assert "ag-tag" in html(found)
        if read is read_model:
            assert found.artifact is not None
            assert "#best" in text(found)
            assert "#best" in text(found.artifact)
        assert len(statements) == 1
    async with new_session():
        assert "#best" in text(await read_node(NodeFilter(node_id=ids[0])))


async def test_trees_and_pages_show_tags(store: str, statements: Statements) -> None:
    """In every drawing, in no more statements than without any."""
    node = await write_node(new_node(node_label="top"))
    await write_model(parent_id=node.node_id, label="fit", model=TagsShownFit(0.5))
    statements.clear()
    await read_tree(node)
    untagged = len(statements)
    await tag_nodes(NodeRelationshipFilter(child_of=node), {"best": None})
    await tag_nodes(NodeFilter(node_id=node.node_id), {"stage": "prod"})
    statements.clear()
    tree = await read_tree(node)
    bundle: Any = tree._repr_mimebundle_()
    assert len(statements) == untagged
    for drawn in (tree._forest().text(), bundle["text/html"], tree._repr_svg_()):
        assert "#best" in drawn
        assert "#stage=prod" in drawn
    assert [one.tags for one in tree] == [("#stage=prod",), ("#best",)]
    statements.clear()
    page = await browse_children(node.node_id)
    assert len(statements) == 1
    assert page.nodes[0].tags == ("#best",)
    row = await browse_node(node.node_id)
    assert row is not None
    assert row.tags == ("#stage=prod",)


async def test_lists_read_no_tags(store: str) -> None:
    """Reading many rows is to cost what it did; they are shown by a frame's columns."""
    for label in "abcdef":
        made = await write_model(label=label, model=TagsShownFit(0.5))
        await tag_nodes(NodeFilter(node_id=made.artifact.node_id), {"best": None})
    found = await read_models(NodeFilter())
    assert "#best" not in text(found)


VALUES: dict[str, tuple[Any, str]] = {
    "none": (None, "#t"),
    "text": ("prod", "#t=prod"),
    "number": (3, "#t=3"),
    "bool": (True, "#t=true"),
    "moment": (datetime(2024, 1, 2, tzinfo=UTC), "#t=2024-01-02T00:00:00.000000Z"),
    "list": ([1, "a"], '#t=[1,"a"]'),
    "umlaut": ("ü", "#t=ü"),
    "long": ("x" * 9_000, "#t=" + "x" * 39 + "…"),
    "long list": (list(range(900)), "#t=[0"),
    "markup": ("<b>&", "#t=<b>&"),
    "direction": ("a\u202eb", "#t=a\\u202eb"),
    "newline": ("a\nb", "#t=a\\nb"),
}


@pytest.mark.parametrize("case", VALUES)
async def test_values_in_chips(store: str, case: str) -> None:
    """Each as it is typed; long ones are cut, and nothing hides or becomes markup."""
    value, chip = VALUES[case]
    node = await write_node(new_node())
    await tag_nodes(NodeFilter(node_id=node.node_id), {"t": value})
    found = await read_node(NodeFilter(node_id=node.node_id))
    assert chip in text(found)
    assert "<b>" not in html(found)
    assert len(text(found)) < 500


async def test_hostile_rows(store: str) -> None:
    """What somebody else has written into the table is shown as text, and bounded."""
    node = await write_node(new_node())
    rows = [
        {
            "tag_node_id": node.node_id,
            "tag_name": f"{at:03}<script>\u202e" + "n" * 200,
            "tag_value": value,
            "tag_key": "",
            "tag_digest": "0",
            "tag_at": utc_now(),
        }
        for at, value in enumerate(
            [{"other": 1}, {"value": {"$": "nonsense"}}, *[{"value": "v" * 99_000}] * 40]
        )
    ]
    async with write() as transaction:
        await transaction.connection.execute(insert(tag_table), rows)
    found = await read_node(NodeFilter(node_id=node.node_id))
    for shown in (text(found), html(found), (await read_tree(node))._repr_svg_()):
        assert shown.startswith("Node") or "<script" not in shown
        assert "\u202e" not in shown
        assert len(shown) < 12_000
    row = await browse_node(node.node_id)
    assert row is not None
    assert len(row.tags) == 13
    assert row.tags[-1] == "…"
