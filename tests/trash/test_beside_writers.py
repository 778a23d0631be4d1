"""Trash and locks beside many who write, move and delete at the same time."""

from __future__ import annotations

import asyncio
import random

import pytest

from artigraph import (
    CycleError,
    LabelExistsError,
    LockedError,
    NodeFilter,
    NodeNotFoundError,
    ParentNotFoundError,
    count_nodes,
    delete_nodes,
    empty_trash,
    lock_nodes,
    new_node,
    new_session,
    read_nodes,
    read_trash,
    restore_nodes,
    trash_nodes,
    unlock_nodes,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from tests.trash.invariants import assert_closed_below

pytestmark = pytest.mark.usefixtures("store")

EXPECTED = (
    NodeNotFoundError,
    ParentNotFoundError,
    LabelExistsError,
    LockedError,
    CycleError,
)


async def act(dice: random.Random) -> None:
    """Do something with some node."""
    found = [node.node_id for node in await read_nodes(NodeFilter())]
    if not found:
        await write_node(new_node(node_label="anew"))
        return
    here, there = dice.choice(found), dice.choice(found)
    at = NodeFilter(node_id=here)
    what = dice.choice("wwwwsmmoTTTrreLLud")
    if what == "w":
        above = await write_node(new_node(node_parent_id=here))
        await write_nodes(new_node(node_parent_id=above.node_id) for _ in range(3))
    elif what == "s":
        async with new_session():
            above = await write_node(new_node(node_parent_id=here))
            await asyncio.sleep(0.005)
            await write_node(new_node(node_parent_id=above.node_id))
    elif what == "m":
        await write_parent_child_relationships([(there, here)])
    elif what == "o":
        node = (await read_nodes(at))[0]
        node.node_parent_id = there
        await write_node(node)
    elif what == "T":
        await trash_nodes(at)
    elif what == "r":
        if entries := await read_trash():
            await restore_nodes(dice.choice(entries))
    elif what == "e":
        await empty_trash()
    elif what == "L":
        await lock_nodes(at)
    elif what == "u":
        await unlock_nodes(at)
    else:
        await delete_nodes(at)


async def work(seed: int) -> None:
    """Do some of it, one after the other."""
    dice = random.Random(seed)
    for _ in range(12):
        try:
            await act(dice)
        except EXPECTED:
            pass
        except IndexError:
            pass  # it was gone before it was read


@pytest.mark.parametrize("seed", range(2))
async def test_no_row_that_is_found_hangs_below_one_in_the_trash(seed: int) -> None:
    """Nor an unlocked one below a locked one, and each tree in the trash is as it is said."""
    tops = [await write_node(new_node(node_label=f"top {n}")) for n in range(3)]
    for top in tops:
        for _ in range(2):
            below = await write_node(new_node(node_parent_id=top.node_id))
            await write_nodes(new_node(node_parent_id=below.node_id) for _ in range(2))
    await asyncio.gather(*(work(100 * seed + number) for number in range(8)))
    await assert_closed_below()
    while entries := await read_trash():
        await unlock_nodes(NodeFilter(), everything=True)
        for entry in entries:
            try:
                await restore_nodes(entry)
            except ParentNotFoundError:
                await restore_nodes(entry, parent_id=None)
    await assert_closed_below()
    assert await count_nodes(NodeFilter()) == len(await read_nodes(NodeFilter()))


async def test_what_is_written_meanwhile_goes_as_well() -> None:
    """Or is refused: nothing stays behind, and all of it comes back."""
    for _ in range(5):
        top = await write_node(new_node(node_label="top"))
        run = await write_node(new_node(node_parent_id=top.node_id))

        async def write(number: int, above: int = run.node_id) -> int:
            done = 0
            for _ in range(3):
                try:
                    await write_node(new_node(node_parent_id=above))
                except ParentNotFoundError:
                    return done
                done += 1
            return done

        writers = [write(number) for number in range(8)]
        *written, trashed = await asyncio.gather(
            *writers[:4], *writers[4:], trash_nodes(NodeFilter(node_id=top.node_id))
        )
        assert trashed == 2 + sum(written)
        await assert_closed_below()
        assert await restore_nodes(top) == trashed
        await delete_nodes(NodeFilter(node_id=top.node_id))
