# ruff: noqa: RUF001 letters of other alphabets are the point
"""Searches with an index of labels: the same answers, and few rows looked at."""

from __future__ import annotations

import asyncio
import string
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import text as sql

from artigraph import (
    DataModel,
    FilterError,
    Node,
    NodeFilter,
    create_label_index,
    delete_nodes,
    get_engine,
    new_node,
    new_session,
    set_engine,
    write_model,
    write_node,
    write_nodes,
)
from artigraph.dialect.base import LABEL_INDEX
from artigraph.dialect.sqlite import label as sqlite_label
from artigraph.errors import ReadOnlyError
from artigraph.outline import label_index as label_index_module
from artigraph.outline.page import browse_search
from artigraph.outline.search import search_clause, words_in
from tests.conftest import Statements

LETTERS = string.ascii_letters + string.digits + " \"%_/\\'*-#.éÉßİıſKσςΣ\U0001f600漢字"
"""What labels are made of: what patterns and phrases are written with, and letters that
have another case in one alphabet and none in another."""

TEXTS = [
    *("abc", "ABC", "abcd", "xabcy", "ab", "a%c", "a_c", "a/c", "a\\c", "100% sure", 'say "abc"'),
    *("Épée", "épée", "ÉPÉE", "Straße", "STRASSE", "İstanbul", "istanbul", "ıstanbul", "Kelvin"),
    *("kelvin", "\U0001f600\U0001f600abc", "漢字漢字", "ΣΊΣΥΦΟΣ", "σίσυφος", "''''", "***", "   "),
    *("AND", "OR NOT", "NEAR(a b)", "a AND b", "node_label:abc", "abc*", "^abc", "-abc", "///"),
]


async def drop_index() -> None:
    """Take the index away: databases of servers are there for other tests as well."""
    engine = await get_engine()
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(sql(f"DROP INDEX IF EXISTS {LABEL_INDEX}"))


@pytest.fixture
async def indexed(store: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """An empty store that has the index, if its database has one at all."""
    if store == "mariadb":
        yield store
        return
    # So that of few rows some are indexed, and some are only noted.
    monkeypatch.setattr(sqlite_label, "_TOGETHER", 3)
    await create_label_index()
    yield store
    await drop_index()


async def found(text: str, *, with_index: bool = True) -> list[str]:
    """The labels that a search finds, all of them."""
    words = words_in(text) if with_index else ()
    page = await browse_search(search_clause(text), words=words, limit=10_000)
    assert page.after is None
    return [str(node.label) for node in page.nodes]


async def unlike(texts: list[str]) -> list[str]:
    """The texts of which searches with and without the index find other rows."""
    return [one for one in texts if await found(one) != await found(one, with_index=False)]


async def write_labels(labels: list[str]) -> list[Node]:
    """Nodes of these labels, each below a parent of its own: labels of siblings are unique."""
    return await write_nodes([new_node(node_label=label) for label in labels])


# ------------------------------------------------------------------ the same answers


@pytest.mark.usefixtures("indexed")
async def test_the_same_is_found_with_the_index() -> None:
    """Whatever is special in a pattern, a phrase or an alphabet means what it does without."""
    await write_labels(TEXTS)
    quoted = [f'"{one}"' for one in TEXTS]
    parts = [one[at : at + 4] for one in TEXTS for at in range(len(one) - 3)]
    assert await unlike([*TEXTS, *quoted, *parts, *(one.swapcase() for one in TEXTS)]) == []
    assert await found("ABC") == await found("abc") != []
    assert await found("a%c") == ["a%c"]


@pytest.mark.usefixtures("indexed")
async def test_the_same_is_found_of_any_labels(indexed: str) -> None:
    """Of any labels, any text finds the same rows with the index and without."""
    loop = asyncio.get_running_loop()
    labels = st.text(LETTERS, min_size=1, max_size=12)

    @given(st.lists(labels, max_size=6), st.lists(labels, min_size=1, max_size=4), st.data())
    def check(names: list[str], asked: list[str], data: st.DataObject) -> None:
        for name in names:
            start = data.draw(st.integers(0, len(name)))
            asked.append(name[start : start + data.draw(st.integers(1, 8))])

        async def compare() -> None:
            await delete_nodes(NodeFilter(), everything=True)
            await write_labels(names)
            assert await unlike([*asked, *(f'"{one}"' for one in asked if '"' not in one)]) == []

        asyncio.run_coroutine_threadsafe(compare(), loop).result()

    # Its examples wait for this loop, which therefore must not wait for them.
    await asyncio.to_thread(check)


class SoughtByType(DataModel, version=1):
    """A model that is found by its type's name."""

    loss: float


@pytest.mark.usefixtures("indexed")
async def test_types_are_found_beside_labels() -> None:
    """A word finds the rows of types that it names as well, and comparisons narrow them."""
    await write_model(label="one", model=SoughtByType(0.1))
    await write_model(label="two", model=SoughtByType(0.9))
    await write_labels(["SoughtByType too", "nothing of it"])
    assert await found("soughtby") == ["SoughtByType too", "two", "one"]
    assert await found("soughtby loss<0.5") == ["one"]
    assert await found("sought too") == ["SoughtByType too"]
    assert await found("sought nowhere") == []


@pytest.mark.usefixtures("indexed")
async def test_many_rows_are_found_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """What more rows have than are looked up by id is found all the same."""
    monkeypatch.setattr(label_index_module, "FEW", 3)
    await write_labels([f"trial {n}" for n in range(10)])
    await write_model(label="last", model=SoughtByType(0.1))
    for n in range(4):
        await write_model(label=f"more {n}", model=SoughtByType(0.1))
    assert len(await found("trial")) == 10
    assert await found("trial 7") == ["trial 7"]
    assert len(await found("sought")) == 5


# --------------------------------------------------------------- kept right by writes


@pytest.mark.usefixtures("indexed")
async def test_the_index_follows_every_write() -> None:
    """Renamed, taken away, given, moved, deleted one by one or together: searches know."""
    root = await write_node(new_node(node_label="the root"))
    # So many that they are indexed in several parts.
    many = [new_node(node_label=f"child {n}", node_parent_id=root.node_id) for n in range(3000)]
    nodes = await write_nodes(many)
    nameless = await write_node(new_node())
    assert await found("child 1234") == ["child 1234"]
    nodes[0].node_label, nodes[2999].node_label, nodes[1].node_label = "renamed", "anew", None
    nameless.node_label = "named"
    await write_nodes([nodes[0], nodes[2999], nodes[1], nameless])
    for text, expected in [("renamed", 1), ("anew", 1), ("named", 2), ("child 2999", 0)]:
        assert len(await found(text)) == expected
    assert "child 0" not in await found("child 0")
    nodes[0].node_label = "child 0"
    await write_node(nodes[0])
    assert "child 0" in await found("child 0")
    await delete_nodes(NodeFilter(node_id=[nodes[5].node_id, nodes[2998].node_id]))
    assert await found("child 2998") == []
    assert await unlike(["child 5", "child 29", "renamed", "anew", "child"]) == []
    await delete_nodes(NodeFilter(node_id=root.node_id))
    assert await found("child 1234") == await found("the root") == []
    assert await found("named") == ["named"]


@pytest.mark.usefixtures("indexed")
async def test_what_is_rolled_back_is_not_found() -> None:
    """Rows that were undone are not found, and those that were to be changed are as before."""
    (kept, other) = await write_labels(["kept here", "other here"])

    class UndoError(Exception):
        """To leave a block by."""

    with pytest.raises(UndoError):  # noqa: PT012  # the block is the point
        async with new_session():
            await write_labels([f"undone {n}" for n in range(2000)])
            assert len(await found("undone 199")) == 12
            await delete_nodes(NodeFilter(node_id=kept.node_id))
            other.node_label = "changed here"
            await write_node(other)
            assert await found("here") == ["changed here"]
            raise UndoError
    assert await found("undone") == await found("changed") == []
    assert await found("here") == ["other here", "kept here"]
    assert await unlike(["undone", "here", "kept", "other"]) == []


async def test_rows_that_were_there_are_indexed(store: str) -> None:
    """An index that is made later knows the earlier rows; made again, it stays as it is."""
    if store == "mariadb":
        with pytest.raises(FilterError, match="MariaDB has no index that finds a part of a text"):
            await create_label_index()
        return
    await write_labels([f"earlier {n}" for n in range(50)])
    await write_node(new_node())
    try:
        await create_label_index()
        await write_labels(["later"])
        await create_label_index()
        assert await found("earlier 49") == ["earlier 49"]
        assert await found("later") == ["later"]
        assert await unlike(["earlier", "lat", "er 4"]) == []
    finally:
        await drop_index()


# ------------------------------------------------------------------ what is looked at


@pytest.mark.usefixtures("indexed")
async def test_a_search_that_finds_nothing_reads_little(
    indexed: str, statements: Statements
) -> None:
    """No statement of it reads a table of nodes without an index; without one it does."""
    if indexed != "sqlite":
        pytest.skip("only SQLite says of each statement how it goes about it")
    await write_labels([f"trial {n}" for n in range(2000)])
    engine = await get_engine()

    async def scans(text: str, *, with_index: bool = True) -> list[str]:
        statements.clear()
        assert await found(text, with_index=with_index) == []
        assert len(statements) <= 3
        sent = [one for one in statements if "artigraph_node" in one]
        lines: list[str] = []
        async with engine.connect() as connection:
            for one in sent:
                plan = f"EXPLAIN QUERY PLAN {one}"
                values = (1,) * one.count("?")
                lines += [row[-1] for row in await connection.exec_driver_sql(plan, values)]
        return [line for line in lines if line.startswith("SCAN artigraph_node")]

    assert await scans("nowhere", with_index=False) == ["SCAN artigraph_node"]
    assert await scans("nowhere") == []
    # Two characters are fewer than the index knows.
    assert await scans("zz") == ["SCAN artigraph_node"]


async def test_a_store_without_the_index_answers(
    database: str, database_url: str, tmp_path: Path
) -> None:
    """One that is only read and has no index is searched as ever, and none is made there."""
    if database != "sqlite":
        pytest.skip("of servers the rights of a user say who may write")
    reset = set_engine(database_url, create_tables=True)
    await write_labels(["some label"])
    reset()
    reset = set_engine(f"sqlite+aiosqlite:///file:{tmp_path / 'test.db'}?mode=ro&uri=true")
    try:
        assert await found("me lab") == ["some label"]
        with pytest.raises(ReadOnlyError):
            await create_label_index()
    finally:
        reset()


@pytest.mark.usefixtures("indexed")
async def test_chosen_ids_are_found(indexed: str) -> None:
    """Rows whose ids were chosen, below and above all others, are found like them."""
    await write_labels([f"usual {n}" for n in range(3)])
    for node_id in (2_000_000, 1_500_000, 2_048_000):
        await write_node(new_node(node_id=node_id, node_label=f"chosen {node_id}"))
    assert await found("chosen") == ["chosen 2048000", "chosen 2000000", "chosen 1500000"]
    assert await unlike(["chosen", "usual", "n 15"]) == []
