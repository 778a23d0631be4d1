"""Who has written a row, and what of a row may be chosen: its times and its uid."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import make_url, text

from artigraph import (
    DataModel,
    FilterError,
    LabelError,
    ModelFilter,
    NameTakenError,
    NodeFilter,
    SerializationError,
    ValueFilter,
    delete_nodes,
    get_engine,
    new_artifact,
    new_node,
    new_session,
    read_frame,
    read_model,
    read_node,
    read_nodes,
    read_table,
    set_user,
    write_artifacts,
    write_model,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.orm.node import Node
from artigraph.serializer.json import json_serializer
from tests.conftest import SERVERS, Statements

LONG_AGO = datetime(2019, 2, 3, 4, 5, 6, 123456, tzinfo=UTC)


class WhoFit(DataModel, version=1):
    loss: float


@pytest.fixture
def me(store: str) -> Iterator[str]:
    """Who writes here: ada where no server knows, and the server's user otherwise."""
    reset = set_user("ada")
    yield "ada" if store == "sqlite" else str(make_url(SERVERS[store]).username)
    reset()


async def stored(node_id: int) -> tuple[object, object]:
    """Who has written a row, as the table says."""
    query = text("SELECT node_created_by, node_updated_by FROM artigraph_node WHERE node_id = :id")
    async with (await get_engine()).connect() as connection:
        created, updated = (await connection.execute(query, {"id": node_id})).one()
    return created, updated


async def test_who_writes_is_kept_and_shown(me: str) -> None:
    """The row and the object know it, and what shows them says it beside the time."""
    node = await write_node(new_node(node_label="x"))
    assert (node.node_created_by, node.node_updated_by) == (me, me)
    assert await stored(node.node_id) == (me, me)
    model = await write_model(label="fit", model=WhoFit(0.5), parent_id=node.node_id)
    for one in (node, await read_node(NodeFilter(node_id=node.node_id)), model):
        assert f"UTC by {me}" in one._repr_html_()


async def test_a_name_is_shown_for_what_it_is(store: str) -> None:
    """A name out of a database is escaped and cut; where none is known none is told."""
    node = Node(node_id=1, node_created_at=LONG_AGO, node_created_by="<b>" + "x" * 500)
    assert "<b>" not in node._repr_html_()
    assert "by &lt;b&gt;xxx" in node._repr_html_()
    assert "x" * 100 not in node._repr_html_()
    nameless = Node(node_id=1, node_created_at=LONG_AGO)
    assert "by" not in nameless._repr_html_().partition("created")[2].partition("<")[0]


async def test_set_user_counts_for_files_only(store: str, me: str) -> None:
    """With SQLite it is who writes; a server knows better, and nothing changes there."""
    first = await write_node(new_node())
    back = set_user("bob")
    first.node_label = "renamed"
    await write_node(first)
    second = await write_node(new_node(node_parent_id=first.node_id))
    then = "bob" if store == "sqlite" else me
    assert await stored(first.node_id) == (me, then)
    assert (first.node_created_by, first.node_updated_by) == (me, then)
    assert await stored(second.node_id) == (then, then)
    assert f"by {then}" in first._repr_html_().partition("updated")[2]
    back()
    await write_parent_child_relationships([(None, second.node_id)])
    assert await stored(second.node_id) == (then, me)
    set_user(None)
    third = await write_node(new_node())
    account = getpass.getuser() if store == "sqlite" else me
    assert await stored(third.node_id) == (account, account)


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", 7, b"ada"])
def test_names_that_are_none(name: object) -> None:
    """A user is named by a text that every database keeps."""
    with pytest.raises(LabelError, match=r"set_user\('ada'\)"):
        set_user(name)  # type: ignore[arg-type]  # what is tested


async def test_nobody_claims_to_be_another(me: str) -> None:
    """What an object says of who wrote it is passed over, on insert and on update."""
    node = await write_node(new_node(node_created_by="mallory", node_updated_by="mallory"))
    assert await stored(node.node_id) == (me, me)
    assert (node.node_created_by, node.node_updated_by) == (me, me)
    node.node_created_by = node.node_updated_by = "mallory"
    node.node_label = "new"
    await write_node(node)
    assert await stored(node.node_id) == (me, me)
    assert (node.node_created_by, node.node_updated_by) == (me, me)
    again = new_node(node_id=node.node_id, node_created_by="mallory", node_label="again")
    await write_node(again)
    assert await stored(node.node_id) == (me, me)
    assert (again.node_created_by, again.node_label) == (me, "again")


async def test_who_is_asked_for(me: str) -> None:
    """Filters, orders and frames know it: a name, several, or a comparison."""
    node = await write_node(new_node(node_label="mine"))
    await write_model(label="fit", model=WhoFit(0.5), parent_id=node.node_id)
    for asked in (me, ["nobody", me], ValueFilter(like=f"{me[:2]}%"), ValueFilter(ne="nobody")):
        assert len(await read_nodes(NodeFilter(created_by=asked, updated_by=asked))) == 2
        assert await read_nodes(NodeFilter(created_by="nobody", updated_by=asked)) == []
    assert await read_nodes(NodeFilter(created_by=[])) == []
    assert (await read_model(ModelFilter(created_by=me))).value.loss == 0.5
    assert len(await read_nodes(NodeFilter(), order_by="-node_created_by")) == 2
    assert str(NodeFilter(created_by="ada", updated_by=["b", "c"])) == (
        "nodes created by = 'ada' updated by in 'b' or 'c'"
    )
    for wrong in (None, 7, [None]):
        with pytest.raises(FilterError, match="created_by"):
            NodeFilter(created_by=wrong)  # type: ignore[arg-type]  # what is tested


async def test_frames_have_it_where_it_is_asked_for(me: str) -> None:
    """``columns=`` names it; a frame without that is what it was."""
    await write_model(label="fit", model=WhoFit(0.5))
    frame = await read_frame(ModelFilter(), ["loss", "node_updated_by", "path", "node_created_by"])
    assert frame.to_dict("records") == [
        {"loss": 0.5, "node_updated_by": me, "path": "fit", "node_created_by": me}
    ]
    assert (await read_frame(ModelFilter(), ["node_created_by"])).shape == (1, 1)
    assert "node_created_by" not in (await read_table(ModelFilter())).column_names
    none = await read_table(ModelFilter(label="none"), ["node_created_by", "loss"])
    assert none.num_rows == 0


async def test_chosen_times_and_uids_are_kept(store: str) -> None:
    """A store that is filled from an older system keeps its times and its names of rows."""
    uid, other = uuid4(), uuid4()
    chosen: dict[str, Any] = {
        "node_created_at": LONG_AGO,
        "node_updated_at": LONG_AGO + timedelta(days=1),
    }
    node = await write_node(new_node(node_uid=uid, **chosen))
    many = [new_node(node_uid=uuid4(), node_parent_id=node.node_id, **chosen) for _ in range(20)]
    uids = [one.node_uid for one in many]
    await write_nodes(many)
    artifact = new_artifact("a", 1, json_serializer, parent_id=node.node_id)
    artifact.artifact.node_uid, artifact.artifact.node_created_at = other, LONG_AGO
    await write_artifacts([artifact])

    async def found(asked: NodeFilter) -> list[object]:
        rows = await read_nodes(asked)
        return [(row.node_uid, row.node_created_at, row.node_updated_at) for row in rows]

    times = (LONG_AGO, LONG_AGO + timedelta(days=1))
    assert (node.node_uid, node.node_created_at, node.node_updated_at) == (uid, *times)
    assert await found(NodeFilter(node_id=node.node_id)) == [(uid, *times)]
    assert await found(NodeFilter(node_uid=uids)) == [(one, *times) for one in uids]
    assert (await read_node(NodeFilter(node_uid=other))).node_created_at == LONG_AGO
    changed = uuid4()
    node.node_uid, node.node_label = changed, "again"
    node.node_created_at, node.node_updated_at = times[1], times[1]
    await write_node(node)
    assert await found(NodeFilter(node_id=node.node_id)) == [(changed, times[1], times[1])]
    await write_node(new_node(node_id=node.node_id, node_uid=str(uid), node_updated_at=LONG_AGO))
    assert await found(NodeFilter(node_uid=uid)) == [(uid, times[1], LONG_AGO)]


async def test_uids_are_asked_for(store: str, statements: Statements) -> None:
    """A ``UUID`` or its text finds a row, several find several, in one statement."""
    first, second = await write_nodes([new_node(), new_node()])
    assert isinstance(first.node_uid, UUID)
    assert isinstance(second.node_uid, UUID)
    statements.clear()
    for asked in (first.node_uid, str(first.node_uid), str(first.node_uid).upper()):
        assert (await read_node(NodeFilter(node_uid=asked))).node_id == first.node_id
    assert len(statements) == 3
    several = NodeFilter(node_uid=[str(first.node_uid), second.node_uid])
    assert [n.node_id for n in await read_nodes(several)] == [first.node_id, second.node_id]
    assert await read_nodes(NodeFilter(node_uid=uuid4())) == []
    assert await read_nodes(NodeFilter(node_uid=[])) == []
    assert str(first.node_uid) in str(NodeFilter(node_uid=first.node_uid))
    assert await delete_nodes(NodeFilter(node_uid=first.node_uid)) == 1
    with pytest.raises(FilterError, match="None does not stand for everything"):
        NodeFilter(node_uid=None)  # type: ignore[arg-type]  # what is tested
    for wrong in ("", "abc", 7, [None], [first.node_uid, "x"], b"0123456789abcdef"):
        with pytest.raises(FilterError, match="takes a UUID, its text, or several"):
            NodeFilter(node_uid=wrong)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("wrong", ["", "abc", 7, b"0123456789abcdef", 1.5])
async def test_uids_that_are_none(store: str, wrong: object) -> None:
    """What is no UUID is refused by its name, and nothing is written."""
    with pytest.raises(SerializationError, match=r"node_uid = .* is no UUID\. Give one"):
        await write_node(new_node(node_uid=wrong))
    node = await write_node(new_node())
    node.node_uid = wrong  # type: ignore[assignment]  # what is tested
    with pytest.raises(SerializationError, match="is no UUID"):
        await write_node(node)
    assert await read_nodes(NodeFilter()) != []


async def test_a_uid_that_is_taken(store: str) -> None:
    """The error names the row that has it and what to do; nothing is written, none is lost."""
    first = await write_node(new_node(node_label="<first>"))
    second = await write_node(new_node(node_label="second"))
    told = rf"The node_uid {first.node_uid} is that of node {first.node_id} \('<first>'\)"
    with pytest.raises(NameTakenError, match=told):
        await write_node(new_node(node_uid=first.node_uid))
    with pytest.raises(NameTakenError, match=told):
        await write_nodes([new_node(), new_node(node_uid=str(first.node_uid))])
    second.node_uid = first.node_uid
    with pytest.raises(NameTakenError, match=told) as caught:
        await write_node(second)
    advice = str(caught.value).rpartition("change that node: ")[2]
    found = await eval(advice, {"read_node": read_node, "NodeFilter": NodeFilter})
    assert found.node_id == first.node_id
    uid = uuid4()
    with pytest.raises(NameTakenError, match=f"{uid} is given twice in this call"):
        await write_nodes([new_node(node_uid=uid), new_node(node_uid=uid)])
    async with new_session():
        with pytest.raises(NameTakenError, match=told):
            await write_node(new_node(node_uid=first.node_uid))
        await write_node(new_node(node_label="third"))
    assert len(await read_nodes(NodeFilter())) == 3


async def test_many_chosen_uids(store: str) -> None:
    """One that is taken among very many is found all the same."""
    first = await write_node(new_node())
    many = [new_node(node_uid=uuid4()) for _ in range(1500)]
    many[-1].node_uid = first.node_uid
    with pytest.raises(NameTakenError, match=f"is that of node {first.node_id}"):
        await write_nodes(many)
    assert len(await read_nodes(NodeFilter())) == 1
