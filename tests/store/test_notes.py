"""Notes about nodes: written, read and deleted, alike in every database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from IPython.lib.pretty import pretty
from sqlalchemy import insert, text as sql, update

from artigraph import (
    DataModel,
    FilterError,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    Note,
    delete_nodes,
    delete_note,
    get_engine,
    new_node,
    new_session,
    read_notes,
    set_user,
    write_model,
    write_node,
    write_note,
)
from artigraph.note import LONGEST_NOTE
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.note import NoteRecord
from tests.conftest import Statements


class NotedFit(DataModel, version=1):
    loss: float


async def node(label: str = "a") -> Node:
    return await write_node(new_node(node_label=label))


async def test_notes_are_read_as_they_were_written_the_oldest_first(store: str) -> None:
    """A note has its node, its text, who wrote it and when; many come in their order."""
    about = await node()
    before = datetime.now(UTC) - timedelta(seconds=1)
    written = [await write_note(about, f"note {n}") for n in range(20)]
    found = await read_notes(about)
    assert found == written
    first = found[0]
    assert (first.node_id, first.text) == (about.node_id, "note 0")
    assert first.by
    assert before < first.at < datetime.now(UTC) + timedelta(seconds=1)
    assert await read_notes(about, limit=2) == written[:2]
    assert await read_notes(about, limit=2, newest=True) == written[-2:]
    assert await read_notes(about, limit=0) == []


async def test_note_is_written_by_whoever_is_set(store: str) -> None:
    """On SQLite the name that was set is kept; servers know who is logged in."""
    reset = set_user("ada")
    try:
        note = await write_note(await node(), "hello")
    finally:
        reset()
    assert note.by == ("ada" if store == "sqlite" else note.by)
    assert (await read_notes(note.node_id))[0].by == note.by


@given(
    text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_any_text_comes_back_equal(memory: asyncio.Runner, text: str) -> None:
    """A text comes back as it was written, with its blanks and line ends."""
    if not text.strip():
        return

    async def there_and_back() -> list[str]:
        about = await write_node(new_node())
        await write_note(about, text)
        return [note.text for note in await read_notes(about)]

    assert memory.run(there_and_back()) == [text]


@pytest.fixture
def memory() -> Any:
    """An empty memory database, and a loop to ask it on."""
    from artigraph import set_engine

    reset = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    with asyncio.Runner() as runner:
        yield runner
        reset()


async def test_long_and_odd_texts_are_kept_or_refused(store: str) -> None:
    """Texts up to the bound are kept by every database; others are refused, and nothing written."""
    about = await node()
    for text in ("x" * LONGEST_NOTE, "  \r\n\u202e😀 <script>alert(1)</script>\n"):
        note = await write_note(about, text)
        assert (await read_notes(about))[-1] == note
        assert note.text == text
    bad: list[tuple[Any, str]] = [
        ("x" * (LONGEST_NOTE + 1), "100,000 characters at the most, and this one has 100,001"),
        ("", "says nothing"),
        (" \n", "says nothing"),
        ("a\x00", "without NULs"),
        ("\ud800", "without NULs and lone surrogates"),
        (None, "A note is a text, not None"),
        (b"a", "A note is a text"),
    ]
    for text, told in bad:
        with pytest.raises(FilterError, match=told):
            await write_note(about, text)
    assert len(await read_notes(about)) == 2


async def test_note_is_about_one_node_that_is_there(store: str) -> None:
    """Ids, nodes and models that were written are taken; anything else is refused in words."""
    about = await node()
    model = await write_model(parent_id=None, label="fit", model=NotedFit(loss=1))
    loose: Any = write_note
    for given_ in (about, about.node_id, [about], model):
        await loose(given_, "hello")
    bad: list[tuple[object, type[Exception], str]] = [
        (None, FilterError, "write it first"),
        (new_node(), FilterError, "write this one first"),
        (NodeFilter(), FilterError, "one node or its id"),
        ([about, model.artifact], FilterError, "one node or its id"),
        ([], FilterError, "one node or its id"),
        ("a", FilterError, r"write_note\(\) takes a node or its id, not 'a'"),
        (2**62, NodeNotFoundError, f"There is no node {2**62}"),
    ]
    for wrong, error, told in bad:
        with pytest.raises(error, match=told):
            await loose(wrong, "hello")
    assert len(await read_notes(NodeFilter())) == 4


async def test_notes_of_many_nodes_are_one_statement(store: str, statements: Statements) -> None:
    """A filter's notes are read in one statement, however many nodes it finds."""
    root = await node()
    nodes = [await write_node(new_node(node_parent_id=root.node_id)) for _ in range(5)]
    other = await node("other")
    for about in (*nodes, other, *nodes):
        await write_note(about, "hello")
    statements.clear()
    found = await read_notes(NodeRelationshipFilter(descendant_of=root))
    assert len(statements) == 1
    assert [note.node_id for note in found] == [one.node_id for one in nodes] * 2
    assert len(await read_notes(nodes)) == 10
    assert len(await read_notes([])) == 0
    statements.clear()
    await write_note(root, "hello")
    assert len(statements) == 1
    loose: Any = read_notes
    for wrong in (None, new_node(), "a"):
        with pytest.raises(FilterError):
            await loose(wrong)
    with pytest.raises(FilterError, match="limit is a count"):
        await read_notes(root, limit=-1)


async def test_note_is_deleted_by_itself_and_with_its_node(store: str) -> None:
    """A note that is deleted is gone; those about a node go with it."""
    about, other = await node(), await node("other")
    one, two = await write_note(about, "one"), await write_note(about, "two")
    kept = await write_note(other, "kept")
    assert await delete_note(one)
    assert not await delete_note(one)
    assert not await delete_note(uuid4())
    assert await read_notes(about) == [two]
    await delete_nodes(NodeFilter(node_id=about.node_id))
    assert await read_notes(NodeFilter()) == [kept]
    assert not await delete_note(two)
    assert await delete_note(kept.uid)
    loose: Any = delete_note
    for wrong in (None, 7, "a", about):
        with pytest.raises(FilterError, match="takes a note or its uid"):
            await loose(wrong)


async def stamp(about: Node, **columns: object) -> None:
    """Change columns that no write function changes."""
    async with (await get_engine()).begin() as connection:
        here = node_table.c.node_id == about.node_id
        await connection.execute(update(node_table).where(here).values(**columns))


async def test_locked_node_takes_notes_and_trashed_one_does_not(store: str) -> None:
    """A note is said about a node, which a lock does not keep from being said."""
    locked, trashed = await node(), await node("trashed")
    await write_note(trashed, "before")
    await stamp(locked, node_locked_at=utc_now())
    await stamp(trashed, node_trashed_at=utc_now())
    try:
        note = await write_note(locked, "still true")
        assert await read_notes(locked) == [note]
        assert await delete_note(note)
    finally:
        await stamp(locked, node_locked_at=None)
    with pytest.raises(NodeNotFoundError, match="deleted or thrown away"):
        await write_note(trashed, "after")
    assert await read_notes(NodeFilter()) == []


async def test_notes_are_part_of_a_session(store: str) -> None:
    """What a session writes is read in it, and taken back with it."""
    about = await node()

    async def write_and_fail() -> None:
        async with new_session():
            await write_note(about, "one")
            inner = await write_node(new_node(node_label="inner"))
            await write_note(inner, "two")
            assert len(await read_notes(NodeFilter())) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await read_notes(NodeFilter()) == []
    await asyncio.gather(*(write_note(about, str(n)) for n in range(10)))
    assert len(await read_notes(about)) == 10


async def test_note_shows_its_text_and_nothing_of_it_is_a_page(
    store: str, statements: Statements
) -> None:
    """Text and HTML tell a note as it was written, escaped; no statement is sent."""
    hostile = (
        "# Title\n\n<img src=x onerror=alert(1)> **bold** [a](javascript:alert(1))\x1b[1m\u202e"
    )
    note = await write_note(await node(), hostile)
    several = await read_notes(note.node_id)
    statements.clear()
    for told in (pretty(note), pretty(several), repr(note)):
        assert "Title" in told
        assert "\x1b" not in told
        assert "\u202e" not in told
    assert str(note.by) in pretty(note)
    for page in (note._repr_html_(), several._repr_html_()):  # type: ignore[attr-defined]  # a list that shows itself
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "<img" not in page
        assert "href" not in page
    assert len(Note(note.uid, 1, "x\n" * 50_000, None, note.at)._repr_html_()) <= 100_000
    assert not statements


async def test_foreign_note_is_read_within_bounds(store: str) -> None:
    """A note that somebody else has written may be longer, without an author, and is shown."""
    about = await node()
    values = {"note_node_id": about.node_id, "note_at": utc_now(), "note_by": None}
    async with (await get_engine()).begin() as connection:
        long = "x" * (LONGEST_NOTE + 10)
        await connection.execute(
            insert(NoteRecord).values(note_uid=uuid4(), note_text=long, **values)
        )
    (note,) = await read_notes(about)
    assert (len(note.text), note.by) == (LONGEST_NOTE, None)
    assert "by" not in pretty(note).split("\n")[1]


async def test_bytes_and_numbers_for_notes_block_nothing(store: str) -> None:
    """SQLite keeps anything in any column; what is no note is left out, and others are read."""
    if store != "sqlite":
        pytest.skip("only SQLite keeps anything in any column")
    about = await node()
    note = await write_note(about, "kept")
    cells = ["x'00ff'", "7", "'soon'", "1e999", "CAST(x'ff' AS TEXT)"]
    async with (await get_engine()).begin() as connection:
        for number, cell in enumerate(cells):
            for columns in (
                f"{cell}, {about.node_id}, 'a', 'a', '2024-01-01 00:00:00.000000'",
                f"x'{number:032x}', {about.node_id}, {cell}, {cell}, {cell}",
                f"x'{number + 9:032x}', {about.node_id}, {cell}, {cell}, '2024-01-01 00:00:00.0'",
            ):
                await connection.execute(sql(f"INSERT INTO artigraph_note VALUES ({columns})"))
    found = await read_notes(about)
    assert note in found
    assert pretty(found)
    assert found._repr_html_()  # type: ignore[attr-defined]  # a list that shows itself
