"""Nodes thrown away, and given back."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from artigraph import (
    CellRun,
    CycleError,
    DatabaseRefusedError,
    FilterError,
    LabelExistsError,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    ParentNotFoundError,
    ValueFilter,
    delete_nodes,
    empty_trash,
    new_node,
    new_session,
    nodes_exist,
    read_node,
    read_nodes,
    read_path,
    read_trash,
    restore_nodes,
    trash_nodes,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.trash import TrashRecord
from tests.conftest import Statements
from tests.trash.invariants import assert_closed_below

pytestmark = pytest.mark.usefixtures("store")


async def tree(label: str = "project", **columns: Any) -> tuple[Node, Node, Node]:
    """Three nodes below one another."""
    top = await write_node(new_node(node_label=label, **columns))
    run = await write_node(new_node(CellRun, node_label="run", node_parent_id=top.node_id))
    leaf = await write_node(new_node(node_label="leaf", node_parent_id=run.node_id))
    return top, run, leaf


def one(node: Node | int) -> NodeFilter:
    """The filter that finds a node."""
    return NodeFilter(node_id=node if isinstance(node, int) else node.node_id)


async def labels() -> list[str | None]:
    """What is found of all nodes."""
    return [node.node_label for node in await read_nodes(NodeFilter())]


async def test_what_is_thrown_away_comes_back_where_it_was() -> None:
    """Rows, label, parent and times are what they were."""
    top, run, leaf = await tree()
    before = await read_node(one(run))
    assert await trash_nodes(one(run)) == 2
    assert await labels() == ["project"]
    assert await trash_nodes(one(run)) == 0
    assert await restore_nodes(run.node_id) == 2
    after = await read_node(one(run))
    assert (after.node_parent_id, after.node_label) == (top.node_id, "run")
    assert after.node_updated_at == before.node_updated_at
    assert [node.node_id for node in await read_path(leaf)] == [
        top.node_id,
        run.node_id,
        leaf.node_id,
    ]
    assert await read_trash() == []


async def test_label_is_free_at_once() -> None:
    """Another node takes it; then the first comes back under another label, or elsewhere."""
    top, run, _ = await tree()
    await trash_nodes(one(run))
    await write_node(new_node(node_label="run", node_parent_id=top.node_id))
    with pytest.raises(LabelExistsError, match=rf"restore_nodes\({run.node_id}, label=") as told:
        await restore_nodes(run.node_id)
    assert "'run'" in str(told.value)
    assert len(await read_trash()) == 1
    assert await restore_nodes(run.node_id, label="run again") == 2
    assert (await read_node(one(run))).node_label == "run again"
    await assert_closed_below()


@pytest.mark.parametrize("kind", ["id", "node", "entry", "filter"])
async def test_what_is_restored_may_be_told_in_any_way(kind: str) -> None:
    """An id, a node, an entry of the trash or a filter."""
    _, run, _ = await tree()
    await trash_nodes(one(run))
    what: Any = {
        "id": run.node_id,
        "node": run,
        "entry": (await read_trash())[0],
        "filter": NodeFilter(label="run"),
    }[kind]
    assert await restore_nodes(what) == 2
    assert await labels() == ["project", "run", "leaf"]


async def test_several_are_restored_as_they_are_listed() -> None:
    """Entries, ids and nodes side by side; one that is not there keeps the others there."""
    _, _, leaf = await tree()
    others = [await write_node(new_node(node_label=f"other {n}")) for n in range(2)]
    for node in (leaf, *others):
        await trash_nodes(one(node))
    with pytest.raises(NodeNotFoundError, match=f"Node {2**40} is neither here nor in the trash"):
        await restore_nodes([*await read_trash(), 2**40])
    assert len(await read_trash()) == 3
    first, *rest = await read_trash()
    assert await restore_nodes([first, rest[0].node_id, leaf]) == 3
    assert await restore_nodes(await read_trash()) == 0
    with pytest.raises(FilterError, match=r"takes an entry of read_trash\(\), an id, a node"):
        await restore_nodes("run")  # type: ignore[arg-type]


async def test_restored_elsewhere_or_as_a_root() -> None:
    """``parent_id`` says where; ``None`` is nowhere."""
    _, run, leaf = await tree()
    other = await write_node(new_node(node_label="other"))
    await trash_nodes(one(leaf))
    await restore_nodes(leaf, parent_id=other)
    assert (await read_node(one(leaf))).node_parent_id == other.node_id
    await trash_nodes(one(run))
    await restore_nodes(run, parent_id=None)
    assert (await read_node(one(run))).node_parent_id is None


async def test_old_parent_that_was_deleted() -> None:
    """The error says so, and what it says to type works."""
    top, run, _ = await tree()
    await trash_nodes(one(run))
    await delete_nodes(one(top))
    with pytest.raises(ParentNotFoundError, match="was deleted") as told:
        await restore_nodes(run)
    assert f"restore_nodes({run.node_id}, parent_id=None)" in str(told.value)
    assert await restore_nodes(run.node_id, parent_id=None) == 2


async def test_old_parent_in_the_trash_itself() -> None:
    """The error names what is to be restored first; both at once go as well."""
    top, run, leaf = await tree()
    for node in (leaf, run, top):
        await trash_nodes(one(node))
    with pytest.raises(ParentNotFoundError, match=rf"restore_nodes\({run.node_id}\)"):
        await restore_nodes(leaf)
    assert len(await read_trash()) == 3
    assert await restore_nodes(NodeFilter(), everything=True) == 3
    assert [node.node_id for node in await read_path(leaf)] == [
        node.node_id for node in (top, run, leaf)
    ]


async def test_old_parent_below_what_is_in_the_trash() -> None:
    """What hung inside of a tree that was thrown away later waits for that tree."""
    top, _, leaf = await tree()
    await trash_nodes(one(leaf))
    await trash_nodes(one(top))
    with pytest.raises(ParentNotFoundError, match=rf"restore_nodes\({top.node_id}\)"):
        await restore_nodes(leaf)
    await restore_nodes(top)
    assert await restore_nodes(leaf) == 1


async def test_what_is_not_topmost_names_what_is() -> None:
    """An inner node is restored with its tree."""
    _, run, leaf = await tree()
    await trash_nodes(one(run))
    for what in (leaf, NodeFilter(label="leaf")):
        with pytest.raises(NodeNotFoundError, match=rf"restore_nodes\({run.node_id}\)"):
            await restore_nodes(what)
    assert len(await read_trash()) == 1


async def test_what_is_not_there_is_not_restored() -> None:
    """An id that is no row's, or is not in the trash; a filter that finds nothing gives 0."""
    top, _, _ = await tree()
    with pytest.raises(NodeNotFoundError, match="not in the trash"):
        await restore_nodes(top)
    with pytest.raises(NodeNotFoundError, match="neither here nor in the trash"):
        await restore_nodes(top.node_id + 1000)
    assert await restore_nodes(NodeFilter(label="no such")) == 0


async def test_all_or_nothing() -> None:
    """One of several that cannot come back keeps the others in the trash."""
    top, run, leaf = await tree()
    other = await write_node(new_node(node_label="other", node_parent_id=top.node_id))
    await trash_nodes(NodeFilter(node_id=[run.node_id, other.node_id]))
    await write_node(new_node(node_label="other", node_parent_id=top.node_id))
    found = NodeFilter(node_id=[run.node_id, other.node_id])
    with pytest.raises(LabelExistsError, match=f"Node {other.node_id} "):
        await restore_nodes(found)
    assert len(await read_trash()) == 2
    with pytest.raises(FilterError, match="One label is for one node"):
        await restore_nodes(found, label="both")
    assert not await nodes_exist(one(leaf))


async def test_nothing_stands_for_everything() -> None:
    """Neither ``None`` nor a filter that limits nothing, nor what is no filter."""
    await tree()
    calls: list[Any] = [trash_nodes, restore_nodes]
    for call in calls:
        with pytest.raises(FilterError, match="everything=True"):
            await call(NodeFilter())
        with pytest.raises(FilterError):
            await call(None)
    with pytest.raises(FilterError):
        await restore_nodes(new_node())
    with pytest.raises(FilterError):
        await restore_nodes(True)
    with pytest.raises(FilterError, match="is a time that has passed"):
        await empty_trash(older_than=timedelta(days=-1))
    assert await trash_nodes(NodeFilter(), everything=True) == 3
    assert await labels() == []


async def test_nothing_is_hung_on_what_is_in_the_trash() -> None:
    """Not by a write, nor by a move; the error says what to type, and that works."""
    _, run, leaf = await tree()
    other = await write_node(new_node(node_label="other"))
    await trash_nodes(one(run))
    told = rf"in the trash.*restore_nodes\({run.node_id}\)"
    with pytest.raises(ParentNotFoundError, match=told):
        await write_node(new_node(node_parent_id=leaf.node_id))
    with pytest.raises(ParentNotFoundError, match=told):
        await write_parent_child_relationships([(leaf.node_id, other.node_id)])
    other.node_parent_id = leaf.node_id
    with pytest.raises(ParentNotFoundError, match=told):
        await write_node(other)
    await restore_nodes(run.node_id)
    await write_node(other)
    assert (await read_node(one(other))).node_parent_id == leaf.node_id


async def test_what_is_in_the_trash_is_neither_written_nor_moved() -> None:
    """An object of it, or its id."""
    top, run, leaf = await tree()
    await trash_nodes(one(run))
    leaf.node_label = "changed"
    told = rf"in the trash since .*restore_nodes\({run.node_id}\)"
    with pytest.raises(NodeNotFoundError, match=told):
        await write_node(leaf)
    with pytest.raises(NodeNotFoundError, match=told):
        await write_node(new_node(node_id=leaf.node_id, node_label="chosen"))
    with pytest.raises(NodeNotFoundError, match=told):
        await write_parent_child_relationships([(top.node_id, leaf.node_id)])
    await restore_nodes(run)
    assert (await read_node(one(leaf))).node_label == "leaf"


async def test_trash_tells_what_is_in_it(statements: Statements) -> None:
    """Label, type, path, who, when and how many, in one statement."""
    top, run, leaf = await tree()
    bare = await write_node(new_node(node_parent_id=leaf.node_id))
    below = await write_node(new_node(node_label="<b>", node_parent_id=bare.node_id))
    await trash_nodes(one(below))
    await trash_nodes(NodeFilter(node_id=[run.node_id, leaf.node_id]))
    await trash_nodes(one(top))
    statements.clear()
    found = await read_trash()
    assert len(statements) == 1
    assert [(entry.label, entry.node_type, entry.count) for entry in found] == [
        ("project", "node", 1),
        ("run", "artigraph_cell_run", 3),
        ("<b>", "node", 1),
    ]
    assert [entry.path for entry in found] == [
        (),
        ("project",),
        ("run", "leaf", f"#{bare.node_id}"),
    ]
    assert all(entry.trashed_by for entry in found)
    html, text = found._repr_html_(), repr(found[2])  # type: ignore[attr-defined]  # a ResultList
    assert "3 trees" in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "run / leaf" in html
    assert "'<b>'" in text
    statements.clear()
    assert found[0]._repr_html_()
    assert not statements


async def test_counts_of_several_trees_and_topmost_ones() -> None:
    """A filter that finds nodes below one another throws one tree away."""
    roots = [await tree(f"project {number}") for number in range(3)]
    found = NodeFilter(label=ValueFilter(like="%e%"))
    assert await trash_nodes(found) == 9
    entries = await read_trash()
    assert {entry.node_id: entry.count for entry in entries} == {
        top.node_id: 3 for top, _, _ in roots
    }
    assert await restore_nodes(found) == 9
    assert len(await labels()) == 9


async def test_emptied_for_good() -> None:
    """All of it, or what is older."""
    top, run, _ = await tree()
    other = await write_node(new_node(node_label="other"))
    await trash_nodes(NodeFilter(node_id=[run.node_id, other.node_id]))
    assert await empty_trash(older_than=timedelta(hours=1)) == 0
    assert len(await read_trash()) == 2
    assert await empty_trash() == 3
    assert await read_trash() == []
    assert [node.node_id for node in await read_nodes(NodeFilter())] == [top.node_id]
    with pytest.raises(NodeNotFoundError):
        await restore_nodes(run)


async def test_rolled_back_with_its_session() -> None:
    """A session, or a savepoint in it, that fails leaves the trash as it was."""
    top, run, _ = await tree()
    with suppress(ZeroDivisionError):
        async with new_session():
            await trash_nodes(one(top))
            assert await labels() == []
            raise ZeroDivisionError
    assert len(await labels()) == 3
    async with new_session():
        with suppress(ZeroDivisionError):
            async with new_session():
                await trash_nodes(one(run))
                raise ZeroDivisionError
        assert len(await labels()) == 3
        await trash_nodes(one(run))
        await restore_nodes(run)
        await trash_nodes(one(run))
    assert await labels() == ["project"]
    assert (await read_trash())[0].path == ("project",)


async def test_number_of_statements_does_not_grow(statements: Statements) -> None:
    """Of a thousand rows there are as many as of three."""
    sent = []
    for count in (2, 500):
        top = await write_node(new_node(node_label=f"of {count}"))
        for _ in range(2):
            parent = await write_node(new_node(node_parent_id=top.node_id))
            await write_nodes(new_node(node_parent_id=parent.node_id) for _ in range(count))
        statements.clear()
        await trash_nodes(one(top))
        await restore_nodes(top)
        sent.append(len(statements))
        await trash_nodes(NodeFilter(relationship=NodeRelationshipFilter(descendant_of=top)))
        await restore_nodes(NodeFilter(), everything=True)
    assert sent[0] == sent[1]


async def test_what_an_older_library_hangs_on_what_is_in_the_trash() -> None:
    """It sees no trash: its row is not lost with it, nor in the way of giving it back."""
    project, _, leaf = await tree()
    await trash_nodes(one(project))
    async with new_session() as session:
        old = {"node_type": "node", "node_label": "old", "node_parent_id": leaf.node_id}
        times = dict.fromkeys(("node_created_at", "node_updated_at"), utc_now())
        await session.execute(insert(node_table).values(node_id=9000, **old, **times))
    with pytest.raises(DatabaseRefusedError, match=r"Node 9000 \('old'\).*Nothing was deleted"):
        await empty_trash()
    assert await restore_nodes(project) == 3
    assert sorted(map(str, await labels())) == ["leaf", "old", "project", "run"]
    # The other way that the error tells.
    async with new_session() as session:
        here = node_table.c.node_id == 9000
        await session.execute(update(node_table).where(here).values(node_parent_id=None))
    await trash_nodes(one(project))
    async with new_session() as session:
        await session.execute(update(node_table).where(here).values(node_parent_id=leaf.node_id))
    assert await trash_nodes(NodeFilter(node_id=9000)) == 1
    assert await empty_trash() == 4


async def test_a_row_of_the_trash_that_leads_in_a_circle() -> None:
    """Nothing comes to hang below itself, whatever the trash says; elsewhere it comes back."""
    project, _, leaf = await tree()
    await trash_nodes(one(project))
    async with new_session() as session:
        await session.execute(update(TrashRecord).values(trash_parent_id=leaf.node_id))
    with pytest.raises(CycleError, match="Nothing was changed"):
        await restore_nodes(project)
    assert await restore_nodes(project, parent_id=None) == 3
