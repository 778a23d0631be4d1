"""Saved questions: kept under names, alike in every database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from IPython.lib.pretty import pretty
from sqlalchemy import ColumnElement, insert, text, update

from artigraph import (
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    NameTakenError,
    NodeFilter,
    NodeRelationshipFilter,
    Order,
    SavedQuery,
    UnknownNameError,
    current_session,
    delete_query,
    get_engine,
    new_node,
    new_session,
    read_models,
    read_nodes,
    read_queries,
    read_query,
    register_filter,
    save_query,
    write_model,
    write_node,
)
from artigraph.filter import known
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.query import QueryRecord
from artigraph.query.store import known_queries
from tests.conftest import Statements


class SavedFit(DataModel, version=1):
    loss: float


GOOD = ModelFilter(model_type=SavedFit) & ~NodeFilter(label="baseline")
LOW = SavedFit.where({"loss": 0.5})


async def put(name: str, question: object) -> None:
    """A row as somebody else may have written it."""
    async with (await get_engine()).begin() as connection:
        values = {"query_name": name, "query_question": question, "query_at": utc_now()}
        await connection.execute(insert(QueryRecord).values(**values))


async def test_saved_question_is_read_with_its_order(store: str) -> None:
    """A question comes back equal, with who saved it and when, and its parts are asked."""
    saved = await save_query("good", GOOD, order_by=["-loss", Order(("node_id",), True)])
    found = await read_query("good")
    assert found == saved
    assert (found.filter, found.order_by) == (GOOD, ("-loss", Order(("node_id",), True)))
    assert found.by
    assert found.at is not None
    await write_model(parent_id=None, label="a", model=SavedFit(loss=1))
    await write_model(parent_id=None, label="b", model=SavedFit(loss=2))
    await write_model(parent_id=None, label="baseline", model=SavedFit(loss=3))
    models = await read_models(found.filter, order_by=found.order_by)
    assert [one.artifact.node_label for one in models] == ["b", "a"]


async def test_taken_name_is_refused_unless_it_shall_be_replaced(store: str) -> None:
    """A second question of a name is an error that says what to type, which works."""
    await save_query("good", GOOD)
    with pytest.raises(NameTakenError, match=r"save_query\('good', …, replace=True\)"):
        await save_query("good", LOW)
    assert (await read_query("good")).filter == GOOD
    await save_query("good", LOW, replace=True)
    assert (await read_query("good")).filter == LOW
    await save_query("new", LOW, replace=True)
    assert [one.name for one in await read_queries()] == ["good", "new"]


async def test_names_differ_by_case_and_sort_alike(store: str) -> None:
    """Names are compared by their characters in every database."""
    for name in ("b", "B", "a.1", "é"):
        await save_query(name, GOOD)
    assert [one.name for one in await read_queries()] == ["B", "a.1", "b", "é"]
    assert [one.name for one in await read_queries(limit=2)] == ["B", "a.1"]


@pytest.mark.parametrize("name", ["", "1a", "a b", "@good", "a" * 101, "a\x00", "a;", None, 7])
async def test_name_that_could_not_be_typed_is_refused(store: str, name: Any) -> None:
    """A name is a word; what is none is refused by every function, and nothing is saved."""
    for ask in (
        lambda: save_query(name, GOOD),
        lambda: read_query(name),
        lambda: delete_query(name),
    ):
        with pytest.raises(FilterError, match="a name is a letter"):
            await ask()
    assert await read_queries() == []


async def test_name_that_is_not_saved_names_the_nearest(store: str) -> None:
    """A misspelt name is an error that tells which there are."""
    with pytest.raises(UnknownNameError, match=r"None is saved: save_query\('god', filter\)"):
        await read_query("god")
    await save_query("good", GOOD)
    for ask in (read_query, delete_query):
        with pytest.raises(UnknownNameError, match="Did you mean 'good'"):
            await ask("god")


async def test_what_is_no_question_is_not_saved(store: str) -> None:
    """Filters and orders are looked at before anything is written."""
    loose: Any = save_query
    bad: list[tuple[object, object, str]] = [
        (None, None, "None is no filter"),
        (SavedFit, None, "For all of the class write"),
        (NodeFilter(), "los", "no such column"),
        (ModelFilter(model_type=SavedFit), "los", "no field 'los'"),
        (NodeFilter(), 7, "order_by"),
    ]
    for filter, order_by, told in bad:
        with pytest.raises((FilterError, TypeError), match=told):
            await loose("bad", filter, order_by=order_by)
    assert await read_queries() == []


async def test_question_is_refused_where_a_filter_is_wanted(store: str) -> None:
    """A question given for a filter is an error that says what to give, which works."""
    saved: Any = await save_query("good", GOOD)
    with pytest.raises(FilterError, match=r"Give its filter: \.filter"):
        await read_nodes(saved)
    assert await read_nodes(saved.filter) == []


@dataclass(frozen=True, kw_only=True)
class SavedOwn(Filter):
    def clause(self) -> ColumnElement[bool]:
        """All rows."""
        return node_table.c.node_id > 0


DAMAGED: list[object] = [
    7,
    [],
    {},
    {"version": 99, "filter": {}},
    {"version": 1, "filter": {"is": "os.system", "command": "true"}},
    {"version": 1, "filter": {"is": "NodeFilter"}, "order_by": 7},
    {"version": 1, "filter": {"is": "NodeFilter", "label": ["x" * 100] * 50_000}},
]


@pytest.mark.parametrize("question", DAMAGED, ids=lambda one: str(one)[:40])
async def test_damaged_question_says_so_and_blocks_nothing(store: str, question: object) -> None:
    """A row that is no question is told of, listed, replaced and deleted; others are read."""
    await save_query("good", GOOD)
    await put("bad", question)
    with pytest.raises(FilterError, match="@bad cannot be read here") as caught:
        await read_query("bad")
    assert len(str(caught.value)) < 2_000
    bad, good = await read_queries()
    assert (good.fault, good.filter) == ("", GOOD)
    assert "cannot be read here" in bad.fault
    assert "cannot be read here" in pretty(bad)
    with pytest.raises(FilterError, match="@bad cannot be read here"):
        await read_nodes(bad.filter)
    with pytest.raises(FilterError, match="is not registered"):
        await save_query("again", bad.filter)
    await save_query("bad", LOW, replace=True)
    assert (await read_query("bad")).filter == LOW
    await delete_query("bad")
    assert [one.name for one in await read_queries()] == ["good"]


async def test_bytes_and_numbers_for_questions_block_nothing(store: str) -> None:
    """SQLite keeps anything in any column; what is no question is told of or left out."""
    if store != "sqlite":
        pytest.skip("only SQLite keeps anything in any column")
    await save_query("good", GOOD)
    cells = ["x'00ff'", "7", "'{no json'", f"'{'[' * 5_000}'", "1e999", "CAST(x'ff' AS TEXT)"]
    async with (await get_engine()).begin() as connection:
        for number, cell in enumerate(cells):
            rest = f"VALUES ('bad{number}', {cell}, {cell}, {cell})"
            await connection.execute(text(f"INSERT INTO artigraph_query {rest}"))
            rest = f"VALUES ({cell}, '{{}}', 'a', '2024-01-01 00:00:00.000000')"
            await connection.execute(text(f"INSERT INTO artigraph_query {rest}"))
    found = await read_queries()
    assert {one.name for one in found if not one.fault} == {"good"}
    assert len(found) == len(cells) + 2  # "Inf" is a name
    assert "bad3" in pretty(found)
    assert found._repr_html_()  # type: ignore[attr-defined]  # a list that shows itself
    assert (await read_query("good")).filter == GOOD


async def test_name_that_nobody_could_type_is_left_out(store: str) -> None:
    """A row whose name is none is somebody else's, and is not shown."""
    await put("<b>; drop", {"version": 1, "filter": {"is": "NodeFilter"}})
    assert await read_queries() == []


async def test_question_of_a_class_that_is_not_registered_here(store: str) -> None:
    """A question with somebody's own filter is read once the class is registered."""
    register_filter(SavedOwn)
    await save_query("own", SavedOwn() & NodeFilter())
    del known._registered["SavedOwn"]
    with pytest.raises(FilterError, match="No filter 'SavedOwn' is known here"):
        await read_query("own")
    register_filter(SavedOwn)
    assert (await read_query("own")).filter == SavedOwn() & NodeFilter()
    del known._registered["SavedOwn"]


async def test_questions_are_part_of_a_session(store: str) -> None:
    """What a session saves is read in it, and taken back with it; a taken name spoils nothing."""
    await save_query("good", GOOD)

    async def save_and_fail() -> None:
        async with new_session():
            await save_query("other", GOOD)
            with pytest.raises(NameTakenError):
                await save_query("good", LOW)
            assert len(await read_queries()) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await save_and_fail()
    assert [one.name for one in await read_queries()] == ["good"]
    async with new_session():
        await write_node(new_node(node_label="a"))
        with pytest.raises(NameTakenError):
            await save_query("good", LOW)
        async with current_session() as session:
            await session.execute(text("SELECT 1"))
    assert len(await read_nodes(NodeFilter(label="a"))) == 1


async def test_one_of_many_gets_a_name_and_the_last_replaces(store: str) -> None:
    """Tasks side by side: one gets the name, and those that replace all succeed."""
    tasks = [save_query("good", NodeFilter(node_id=n)) for n in range(1, 6)]
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(one, SavedQuery) for one in done) == 1
    assert sum(isinstance(one, NameTakenError) for one in done) == 4
    await asyncio.gather(*(save_query("new", LOW, replace=True) for _ in range(5)))
    assert (await read_query("new")).filter == LOW


async def test_questions_are_read_in_one_statement(store: str, statements: Statements) -> None:
    """However many there are, reading them is one statement, and so is reading one."""
    for name in "abcdef":
        await save_query(name, GOOD)
    statements.clear()
    assert len(await read_queries()) == 6
    assert len(statements) == 1
    await read_query("a")
    assert len(statements) == 2


async def test_known_questions_are_those_of_the_store(store: str) -> None:
    """Names to complete are those that were saved or read here; one that is deleted is none."""
    for name in dict(known_queries()):
        del known_queries()[name]  # type: ignore[attr-defined]  # of earlier tests
    await save_query("good", GOOD)
    await put("other", {"version": 1, "filter": {"is": "NodeFilter"}})
    assert set(known_queries()) == {"good"}
    await read_queries()
    assert set(known_queries()) == {"good", "other"}
    await delete_query("good")
    assert set(known_queries()) == {"other"}


async def test_question_shows_itself_in_words(store: str, statements: Statements) -> None:
    """Text and HTML tell the question, its order and who saved it; no statement is sent."""
    hostile = NodeRelationshipFilter(child_of=NodeFilter(label="<b>\x1b[1m"))
    saved = await save_query("good", hostile, order_by="-node_id")
    statements.clear()
    told = pretty(saved)
    assert "right below (nodes with label = '<b>\\x1b[1m')" in told
    assert "order: -node_id" in told
    assert str(saved.by) in told
    assert repr(saved).startswith("<SavedQuery @good: nodes right below")
    page = saved._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    queries = await read_queries()
    statements.clear()
    assert "@good" in pretty(queries)
    assert "<b>" not in queries._repr_html_()  # type: ignore[attr-defined]  # a list that shows itself
    assert not statements


async def test_row_without_an_author_is_read(store: str) -> None:
    """Who saved a question may be unknown."""
    await save_query("good", GOOD)
    async with (await get_engine()).begin() as connection:
        await connection.execute(update(QueryRecord).values(query_by=None))
    found = await read_query("good")
    assert found.by is None
    assert "by" not in pretty(found).split("\n")[1]
