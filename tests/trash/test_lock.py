"""Nodes that are locked, with all below them."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from artigraph import (
    DataModel,
    LabelExistsError,
    LockedError,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    SerializationError,
    delete_nodes,
    get_engine,
    lock_nodes,
    new_node,
    new_session,
    read_node,
    read_nodes,
    read_notes,
    read_tree,
    restore_nodes,
    trash_nodes,
    unlock_nodes,
    write_model,
    write_node,
    write_note,
    write_parent_child_relationships,
)
from artigraph.dialect.guard import LOCKED
from artigraph.orm.base import utc_now
from tests.conftest import Statements
from tests.trash.invariants import assert_closed_below
from tests.trash.test_trash import one, tree

pytestmark = pytest.mark.usefixtures("store")


class LockedNumbers(DataModel, version=1):
    """Something to write."""

    number: int


async def test_locked_and_unlocked_again() -> None:
    """All below as well; a second time finds nothing to do, and times stay."""
    top, run, leaf = await tree()
    before = (await read_node(one(leaf))).node_updated_at
    assert await lock_nodes(one(run)) == 2
    assert await lock_nodes(one(run)) == 0
    assert await lock_nodes(one(top)) == 1
    await assert_closed_below()
    locked = await read_node(one(leaf))
    assert locked.node_locked_at is not None
    assert locked.node_updated_at == before
    assert await unlock_nodes(one(top)) == 3
    assert await unlock_nodes(one(top)) == 0
    leaf = await read_node(one(leaf))
    leaf.node_label = "changed"
    await write_node(leaf)


Change = Callable[[int, int, int], Coroutine[Any, Any, object]]


async def rename(top: int, run: int, leaf: int) -> None:
    """Change a row."""
    node = await read_node(NodeFilter(node_id=leaf))
    node.node_label = "changed"
    await write_node(node)


async def chosen(top: int, run: int, leaf: int) -> None:
    """Change a row by an id that was chosen."""
    await write_node(new_node(node_id=leaf, node_label="changed"))


async def move(top: int, run: int, leaf: int) -> None:
    """Move a row."""
    await write_parent_child_relationships([(top, leaf)])


async def move_object(top: int, run: int, leaf: int) -> None:
    """Move an object."""
    node = await read_node(NodeFilter(node_id=leaf))
    node.node_parent_id = top
    await write_node(node)


async def move_below(top: int, run: int, leaf: int) -> None:
    """Move something below a locked row."""
    other = await write_node(new_node())
    await write_parent_child_relationships([(leaf, other.node_id)])


async def move_object_below(top: int, run: int, leaf: int) -> None:
    """Move an object below a locked row."""
    other = await write_node(new_node())
    other.node_parent_id = leaf
    await write_node(other)


async def hang(top: int, run: int, leaf: int) -> None:
    """Hang something below a locked row."""
    await write_node(new_node(node_parent_id=leaf))


async def hang_model(top: int, run: int, leaf: int) -> None:
    """Hang a model below a locked row."""
    await write_model(parent_id=leaf, label="model", model=LockedNumbers(number=1))


async def delete(top: int, run: int, leaf: int) -> None:
    """Delete a tree with a locked row in it."""
    await delete_nodes(NodeFilter(node_id=top))


async def trash(top: int, run: int, leaf: int) -> None:
    """Throw a tree away with a locked row in it."""
    await trash_nodes(NodeFilter(node_id=top))


async def restore(top: int, run: int, leaf: int) -> None:
    """Give something back below a locked row."""
    other = await write_node(new_node())
    await trash_nodes(one(other))
    await restore_nodes(other, parent_id=leaf)


async def unlock_below(top: int, run: int, leaf: int) -> None:
    """Unlock what is locked with what it hangs on."""
    await unlock_nodes(NodeFilter(node_id=leaf))


CHANGES = [
    rename,
    chosen,
    move,
    move_object,
    move_below,
    move_object_below,
    hang,
    hang_model,
    delete,
    trash,
    restore,
    unlock_below,
]


OF_SESSION = (rename, move_object)
"""Changes of an object that is the session's, which sends them once more by itself."""


@pytest.mark.parametrize(
    ("change", "inside"),
    [
        *((change, "alone") for change in CHANGES),
        *((change, "session") for change in CHANGES if change not in OF_SESSION),
    ],
)
async def test_changes_are_refused_by_name(change: Change, inside: str) -> None:
    """The error says which row, since when, and what to type; that works, and then all goes."""
    top, run, leaf = await tree()
    await lock_nodes(one(run))
    ids = top.node_id, run.node_id, leaf.node_id
    if inside == "session":
        async with new_session():
            with pytest.raises(LockedError) as told:
                await change(*ids)
            assert len(await read_nodes(NodeFilter(label=["project", "run", "leaf"]))) == 3
    else:
        with pytest.raises(LockedError) as told:
            await change(*ids)
    assert " is locked " in str(told.value)
    assert " since 20" in str(told.value)
    assert any(f"Node {node_id} (" in str(told.value) for node_id in ids[1:])
    line = f"unlock_nodes(NodeFilter(node_id={run.node_id}))"
    assert line in str(told.value)
    await assert_closed_below()
    assert len(await read_nodes(NodeFilter(label=["project", "run", "leaf"]))) == 3
    await unlock_nodes(one(run))
    await change(*ids)


async def test_group_does_not_remove_what_is_locked() -> None:
    """The error names the model's row."""
    async with ModelGroup(new_node(node_label="group")) as group:
        group.add_model("numbers", LockedNumbers(number=1))
    (model,) = await read_nodes(ModelFilter(model_type=LockedNumbers))
    await lock_nodes(one(group.node))
    with pytest.raises(LockedError, match=f"Node {model.node_id} .'numbers'. is locked with"):
        await group.remove_model("numbers")
    group.add_model("more", LockedNumbers(number=2))
    with pytest.raises(LockedError, match=f"node_id={group.node.node_id}"):
        await group.save()


async def test_database_itself_refuses(store: str) -> None:
    """Whoever sends a statement past artigraph is refused as well."""
    from sqlalchemy import text

    _, _, leaf = await tree()
    await lock_nodes(one(leaf))
    engine = await get_engine()
    for sent in (
        f"UPDATE artigraph_node SET node_label = 'x' WHERE node_id = {leaf.node_id}",
        f"DELETE FROM artigraph_node WHERE node_id = {leaf.node_id}",
    ):
        with pytest.raises(Exception, match="locked row"):
            async with engine.begin() as connection:
                await connection.execute(text(sent))


async def test_it_is_shown() -> None:
    """A badge in the repr of a row, and a word in trees."""
    top, _, leaf = await tree()
    await lock_nodes(one(leaf))
    assert "locked" in (await read_node(one(leaf)))._repr_html_()
    assert "locked" not in (await read_node(one(top)))._repr_html_()
    assert "locked" in (await read_tree(top))._repr_html_()


async def test_nothing_more_is_asked_where_nothing_is_locked(statements: Statements) -> None:
    """Who is locked is looked for once the database has refused."""
    top, _, leaf = await tree()
    statements.clear()
    leaf.node_label = "changed"
    await write_node(leaf)
    assert len(statements) == 1
    statements.clear()
    await delete_nodes(one(top))
    assert len(statements) <= 3


async def test_locked_while_others_write() -> None:
    """Whoever comes later is refused; whoever came first is locked as well."""
    for _ in range(5):
        top, run, _ = await tree()

        async def write(number: int, above: int = run.node_id) -> None:
            for step in range(3):
                await write_node(new_node(node_label=f"{number} {step}", node_parent_id=above))

        results = await asyncio.gather(
            *map(write, range(4)),
            lock_nodes(one(top)),
            *map(write, range(4, 8)),
            return_exceptions=True,
        )
        assert all(r is None or isinstance(r, int | LockedError) for r in results), results
        await assert_closed_below()
        await unlock_nodes(one(top))


async def test_notes_on_locked_nodes() -> None:
    """They may be written, for they are no part of the node; those in the trash are not read."""
    _, _, leaf = await tree()
    await lock_nodes(one(leaf))
    await write_note(leaf, "kept as it is")
    assert [note.text for note in await read_notes(leaf)] == ["kept as it is"]
    await unlock_nodes(one(leaf))
    await trash_nodes(one(leaf))
    assert await read_notes(leaf.node_id) == []
    await restore_nodes(leaf)
    assert len(await read_notes(leaf.node_id)) == 1


async def test_the_traceback_is_short(store: str) -> None:
    """What has refused it is the database, whose driver's frames tell nobody anything."""
    node = await write_node(new_node(node_label="short"))
    await lock_nodes(NodeFilter(node_id=node.node_id))
    node.node_label = "renamed"
    refused = (
        write_node(node),
        delete_nodes(NodeFilter(node_id=node.node_id)),
        write_node(new_node(node_label="below", node_parent_id=node.node_id)),
    )
    for call in refused:
        with pytest.raises(LockedError) as told:
            await call
        shown = "".join(traceback.format_exception(told.value))
        assert "sqlalchemy" not in shown
        assert shown.count("\n") < 50
    await unlock_nodes(NodeFilter(node_id=node.node_id))


SET = [
    ("node_locked_at", True, "lock_nodes"),
    ("node_locked_at", None, "unlock_nodes"),
    ("node_trashed_at", True, "trash_nodes"),
    ("node_uid", None, "without its identity"),
]


@pytest.mark.parametrize(("name", "value", "told"), SET)
async def test_no_write_of_a_node_locks_or_throws_away(name: str, value: Any, told: str) -> None:
    """What says something of other rows as well is set by what sees to those; and uids stay."""
    node = await write_node(new_node(node_label="top"))
    await write_node(new_node(node_label="below", node_parent_id=node.node_id))
    if (name, value) == ("node_locked_at", None):
        await lock_nodes(NodeFilter(node_id=node.node_id))
    node = await read_node(NodeFilter(node_id=node.node_id))
    before = getattr(node, name)
    setattr(node, name, value and utc_now())
    with pytest.raises(SerializationError, match=rf"{name}.*{told}.*Nothing was written"):
        await write_node(node)
    assert getattr(await read_node(NodeFilter(label="top")), name) == before
    if value:
        chosen: dict[str, Any] = {name: utc_now()}
        with pytest.raises(SerializationError, match=told):
            await write_node(new_node(node_label="new", **chosen))
    else:  # a copy says nothing of it
        await unlock_nodes(NodeFilter(label="top"))
        copied: dict[str, Any] = {name: None}
        await write_node(new_node(node_id=node.node_id, node_label="top", **copied))
        assert (await read_node(NodeFilter(label="top"))).node_uid is not None


async def test_a_label_that_says_what_the_database_says() -> None:
    """Its error is that of a label."""
    top = await write_node(new_node(node_label="top"))
    await write_node(new_node(node_label=LOCKED, node_parent_id=top.node_id))
    with pytest.raises(LabelExistsError):
        await write_node(new_node(node_label=LOCKED, node_parent_id=top.node_id))


async def test_what_is_locked_with_its_parent_says_so() -> None:
    """Unlocking it alone names what to unlock, and not what nobody tried."""
    _, run, leaf = await tree()
    await lock_nodes(one(run))
    with pytest.raises(LockedError, match="is unlocked with it only") as told:
        await unlock_nodes(one(leaf))
    assert "nothing is hung on it" not in str(told.value)
    assert f"unlock_nodes(NodeFilter(node_id={run.node_id}))" in str(told.value)
