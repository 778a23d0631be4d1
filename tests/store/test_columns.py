"""What columns of node classes keep, what they refuse, and what becomes of tables made before."""

from __future__ import annotations

import enum
import math
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from artigraph import (
    ModelGroup,
    Node,
    NodeFilter,
    NodeTypeError,
    SchemaError,
    SerializationError,
    create_current,
    engine_context,
    get_engine,
    iter_nodes,
    new_node,
    new_session,
    read_node,
    read_nodes,
    set_engine,
    write_node,
    write_nodes,
)
from tests.conftest import Statements


class ColumnsColor(enum.Enum):
    red = 1
    blue = 2


class ColumnsRun(Node):
    __mapper_args__ = {"polymorphic_identity": "columns_run"}  # noqa: RUF012  # SQLAlchemy types it
    columns_bool: Mapped[bool]
    columns_bytes: Mapped[bytes]
    columns_color: Mapped[ColumnsColor]
    columns_date: Mapped[date]
    columns_decimal: Mapped[Decimal]
    columns_dict: Mapped[dict[str, Any]]
    columns_float: Mapped[float]
    columns_int: Mapped[int]
    columns_list: Mapped[list[int]]
    columns_moment: Mapped[datetime]
    columns_text: Mapped[str]
    columns_time: Mapped[time]
    columns_took: Mapped[timedelta]
    columns_uuid: Mapped[UUID]


def class_of(mapped: Any, *, name: str = "", identity: str = "columns_cell") -> type[Any]:
    """The class of a cell that is run again with another annotation of one column."""
    body: dict[str, Any] = {
        "__mapper_args__": {"polymorphic_identity": identity},
        "__module__": "columns_cell",
        "__qualname__": f"Cell_{identity}",
    }
    if isinstance(mapped, type | str) or hasattr(mapped, "__args__"):
        body["__annotations__"] = {name: Mapped[mapped]}
    else:
        body["__annotations__"] = {name: Mapped[Any]}
        body[name] = mapped_column(mapped)
    return type(f"Cell_{identity}", (Node,), body)


def fresh() -> str:
    """A column's name that no table has."""
    return f"columns_{uuid4().hex[:10]}"


async def again(node: Any) -> Any:
    """The node as the database has it."""
    return await read_node(NodeFilter(node_id=node.node_id))


# ------------------------------------------------------------------ kept as given


MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
CLEAN = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | CLEAN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CLEAN, inner, max_size=3),
    max_leaves=8,
)
KEPT = {
    "columns_bool": st.booleans(),
    "columns_bytes": st.binary(max_size=40),
    "columns_color": st.sampled_from(ColumnsColor),
    "columns_date": st.dates(),
    "columns_decimal": st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10
    )
    | st.sampled_from([Decimal("1E-9"), Decimal("1E+5"), Decimal("0.1"), Decimal("-0")]),
    "columns_dict": st.dictionaries(CLEAN, JSON_VALUES, max_size=4),
    "columns_float": st.floats(allow_nan=False, allow_infinity=False),
    "columns_int": st.integers(-(2**63), 2**63 - 1),
    "columns_list": st.lists(JSON_VALUES, max_size=4),
    "columns_moment": MOMENTS,
    "columns_text": CLEAN.map(lambda s: s + "  ") | CLEAN,
    "columns_time": st.times(),
    "columns_took": st.timedeltas(timedelta(days=-700_000), timedelta(days=2_900_000)),
    "columns_uuid": st.uuids(version=4),
}
ORDERED = {
    *("columns_date", "columns_decimal", "columns_float", "columns_int"),
    *("columns_moment", "columns_time", "columns_took"),
}


@pytest.mark.parametrize("name", KEPT)
@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_values_come_back_equal(store: str, name: str, data: st.DataObject) -> None:
    """Every database gives back what it was given, of its type, and orders by it."""
    values = data.draw(st.lists(KEPT[name], min_size=1, max_size=25))
    written = await write_nodes([ColumnsRun(**{name: value}) for value in values])
    read: list[Any] = await read_nodes(NodeFilter(node_id=[node.node_id for node in written]))
    assert [getattr(node, name) for node in read] == values
    assert all(
        isinstance(getattr(node, name), type(v)) for node, v in zip(read, values, strict=True)
    )
    assert [getattr(node, name) for node in written] == values
    if name in ORDERED:
        here = NodeFilter(node_id=[node.node_id for node in written])
        for sign, reverse in (("", False), ("-", True)):
            ordered: list[Any] = await read_nodes(here, order_by=f"{sign}{name}")
            assert [getattr(node, name) for node in ordered] == sorted(values, reverse=reverse)
        paged: list[Any] = [n async for n in iter_nodes(here, order_by=name, page_size=7)]
        assert [getattr(node, name) for node in paged] == sorted(values)


async def test_the_ends_of_each_range_come_back(store: str) -> None:
    """The first and the last of each type, and a long text, are kept."""
    for name, value in [
        ("columns_date", date.min),
        ("columns_date", date.max),
        ("columns_moment", datetime(1, 1, 1, tzinfo=UTC)),
        ("columns_moment", datetime.max.replace(tzinfo=UTC)),
        ("columns_took", timedelta(days=-719_162)),
        ("columns_float", 1.7976931348623157e308),
        ("columns_float", 5e-324),
        ("columns_text", "é" * 70_000),
        ("columns_bytes", bytes(70_000)),
        ("columns_dict", {"deep": [[[{"a": 1e300}]]], "text": "\U0001f600", "quote": '\\u0000"'}),
    ]:
        node = await write_node(ColumnsRun(**{name: value}))
        assert getattr(await again(node), name) == value


async def test_values_of_a_close_type_are_taken_for_it(store: str) -> None:
    """What is equal to a value of the column's type becomes that, in memory as in the row."""
    for name, value, expected in [
        ("columns_int", np.int64(3), 3),
        ("columns_int", 3.0, 3),
        ("columns_int", True, 1),
        ("columns_float", 3, 3.0),
        ("columns_float", np.float32(0.1), float(np.float32(0.1))),
        ("columns_bool", np.bool_(True), True),
        ("columns_decimal", 0.1, Decimal("0.1")),
        ("columns_decimal", 7, Decimal(7)),
        ("columns_bytes", bytearray(b"x"), b"x"),
        ("columns_moment", pd.Timestamp("2020-01-01T00:00:00.000001Z"), None),
        ("columns_color", "red", ColumnsColor.red),
        ("columns_text", np.str_("x"), "x"),
    ]:
        node: Any = await write_node(ColumnsRun(**{name: value}))
        expected = value if expected is None else expected
        read = getattr(await again(node), name)
        assert read == getattr(node, name) == expected
        assert isinstance(read, type(getattr(node, name))) or name == "columns_moment"


# ------------------------------------------------------------------------ refused


REFUSED: list[tuple[str, Any, str]] = [
    ("columns_int", 0.5, "the float is no integer"),
    ("columns_int", "007", "the str is no integer"),
    ("columns_int", 2**63, "does not fit into 64 bits"),
    ("columns_float", 2**53 + 1, r"is not the float 9007199254740992\.0"),
    ("columns_float", Decimal("0.1"), "is not the float"),
    ("columns_float", "0.5", "is no number"),
    ("columns_bool", 2, "is not True or False"),
    ("columns_decimal", "1", "is no number"),
    ("columns_text", 5, "is no text"),
    ("columns_text", "\ud800", "lone surrogate"),
    ("columns_bytes", "x", "is no bytes"),
    ("columns_date", datetime(2020, 1, 1), "is no date"),
    ("columns_time", time(1, tzinfo=UTC), "has a time zone"),
    ("columns_moment", "2020-01-01", "is no datetime"),
    ("columns_moment", datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "no moment"),
    ("columns_moment", pd.Timestamp("2020-01-01T00:00:00.000000001Z"), "has nanoseconds"),
    ("columns_took", 3, "is no timedelta"),
    ("columns_uuid", "x", "is no UUID"),
    ("columns_color", "green", "is no ColumnsColor"),
    (
        "columns_dict",
        {"shape": (3, 4)},
        r"\['shape'\] is \(3, 4\), and would come back as \[3, 4\]",
    ),
    ("columns_dict", {"a": [{"loss": math.nan}]}, r"\['a'\]\[0\]\['loss'\] is nan, .* as None"),
    ("columns_dict", {1: 2}, "key must be str"),
    ("columns_dict", {"at": date(2020, 1, 1)}, "would come back as '2020-01-01'"),
    ("columns_dict", {"tags": {1}}, "is no JSON"),
    ("columns_dict", {"n": 2**70}, "64-bit"),
    ("columns_list", [1, math.inf], r"\[1\] is inf"),
    ("columns_list", (1, 2), r"it is \(1, 2\)"),
]


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED)
async def test_what_would_come_back_otherwise_is_refused(
    store: str, name: str, value: Any, reason: str
) -> None:
    """The error names class, column, value and reason; neither insert nor update is done."""
    node: Any = new_node(ColumnsRun, **{name: value})
    with pytest.raises(SerializationError, match=rf"ColumnsRun\.{name} = .*{reason}"):
        await write_nodes([new_node(), node])
    assert await read_nodes(NodeFilter()) == []
    setattr(node, name, None)
    await write_node(node)
    setattr(node, name, value)
    with pytest.raises(SerializationError, match=reason):
        await write_node(node)
    assert getattr(await again(node), name) is None
    setattr(node, name, None)
    await write_node(node)


@pytest.mark.parametrize(
    ("name", "value", "kept_by"),
    [
        ("columns_float", math.inf, {"sqlite", "postgresql"}),
        ("columns_float", math.nan, {"postgresql"}),
        ("columns_decimal", Decimal("NaN"), {"postgresql"}),
        ("columns_decimal", Decimal("12345678901234567890.123456789"), {"postgresql", "mariadb"}),
        ("columns_decimal", Decimal("1E-40"), {"postgresql", "sqlite"}),
        ("columns_took", timedelta.max, {"postgresql"}),
        ("columns_text", "a\x00b", set()),
        ("columns_dict", {"a": "\x00"}, set()),
        ("columns_dict", {"a": "\\u0000"}, {"sqlite", "mariadb", "postgresql"}),
        ("columns_dict", {"a": [1e16, 1e300]}, {"sqlite", "mariadb", "postgresql"}),
        ("columns_list", [{"a": 5.328988670375706e16}], {"sqlite", "mariadb"}),
        ("columns_uuid", UUID(int=0xC << 76), {"sqlite", "postgresql"}),
    ],
)
async def test_each_database_keeps_what_it_can(
    store: str, name: str, value: Any, kept_by: set[str]
) -> None:
    """What only some databases keep is kept there, and refused by the others."""
    node: Any = new_node(ColumnsRun, **{name: value})
    if store not in kept_by:
        with pytest.raises(SerializationError, match=f"would not come back equal from {store}"):
            await write_node(node)
        return
    await write_node(node)
    read = getattr(await again(node), name)
    assert read == value or (read != read and value != value)


# -------------------------------------------------------- documents changed in place


CHANGES: list[Callable[[Any], object]] = [
    lambda d: d.update(b=1),
    lambda d: d["a"].update(b=2),
    lambda d: d["a"]["list"].append(3),
    lambda d: d.pop("a"),
    lambda d: d["a"].update(b=1.0),
    lambda d: d["a"].update(b=True),
    lambda d: d.clear(),
]


@pytest.mark.parametrize("change", range(len(CHANGES)))
async def test_a_document_changed_in_place_is_written(store: str, change: int) -> None:
    """At any depth, on a node that was written, read, or filled before it was written."""
    info: dict[str, Any] = {"a": {"b": 1, "list": []}}
    node: Any = await write_node(new_node(ColumnsRun, columns_dict=info))
    for one in (node, await again(node)):
        one.columns_dict = {"a": {"b": 1, "list": []}}
        await write_node(one)
        CHANGES[change](one.columns_dict)
        expected = one.columns_dict
        await write_node(one)
        assert repr((await again(node)).columns_dict) == repr(expected)


async def test_a_document_is_changed_through_another_name(store: str) -> None:
    """Whoever still has the dict that was written may change it there."""
    info: dict[str, Any] = {"rate": 0.1}
    node: Any = await write_node(new_node(ColumnsRun, columns_dict=info, columns_list=[]))
    info["accuracy"] = 0.93
    await write_node(node)
    assert (await again(node)).columns_dict == {"rate": 0.1, "accuracy": 0.93}
    # A copy of what was changed is equal to it, but not to what is stored.
    info["more"] = 1
    node.columns_dict = dict(info)
    await write_node(node)
    assert (await again(node)).columns_dict == info
    node.columns_list.append(1)
    await write_node(node)
    assert (await again(node)).columns_list == [1]


async def test_groups_and_current_nodes_write_changed_documents(store: str) -> None:
    """A group saves its node's document; so does write_node inside create_current."""
    run = ColumnsRun(columns_dict={"a": []})
    async with ModelGroup(run) as group:
        await group.save()
        run.columns_dict["a"].append(1)
    assert (await again(run)).columns_dict == {"a": [1]}
    async with create_current(ColumnsRun, columns_dict={}) as node:
        node.columns_dict["b"] = 2
        await write_node(node)
    assert (await again(node)).columns_dict == {"b": 2}


async def write_and_fail(node: Node) -> None:
    """Write a node in a session that is rolled back."""
    async with new_session():
        await write_node(node)
        raise RuntimeError("the rest failed")


async def test_a_rolled_back_change_is_sent_again(store: str) -> None:
    """After a session failed, the next write has what memory has, None included."""
    node: Any = await write_node(
        new_node(ColumnsRun, columns_dict={"a": [1]}, columns_list=[1], columns_int=1)
    )
    for rounds in range(2):
        node.columns_dict["a"].append(2)
        node.columns_list.append(rounds)
        node.columns_int = None
        with pytest.raises(RuntimeError):
            await write_and_fail(node)
        read = await again(node)
        assert len(read.columns_dict["a"]) == rounds + 1
        await write_node(node)
        read = await again(node)
        assert read.columns_dict == node.columns_dict == {"a": [1, *[2] * (rounds + 1)]}
        assert (read.columns_list, read.columns_int) == (node.columns_list, None)
        node.columns_int = 1
        await write_node(node)


async def test_unchanged_documents_are_not_sent(statements: Statements) -> None:
    """A node whose documents were only looked at is not updated, nor what others wrote undone."""
    node: Any = await write_node(new_node(ColumnsRun, columns_dict={"a": [1, {}]}))
    (mine,) = await read_nodes(NodeFilter())
    assert isinstance(mine, ColumnsRun)
    assert mine.columns_dict["a"] == [1, {}]
    node.columns_dict["theirs"] = 1
    await write_node(node)
    statements.clear()
    await write_node(mine)
    assert statements == []
    mine.node_label = "x"
    await write_node(mine)
    assert len(statements) == 1
    assert (await again(node)).columns_dict == {"a": [1, {}], "theirs": 1}


async def test_documents_in_a_session_follow_the_database(store: str) -> None:
    """What a session reads again is not taken for a change of one's own."""
    node: Any = await write_node(new_node(ColumnsRun, columns_dict={"a": 1}))
    async with new_session():
        mine = await again(node)
        assert mine.columns_dict == {"a": 1}
        node.columns_dict["a"] = 2
        await write_node(node)
        assert (await again(node)) is mine
        before = mine.node_updated_at
        await write_node(mine)
        assert mine.columns_dict == {"a": 2}
        assert mine.node_updated_at == before


class Texts(TypeDecorator[Any]):
    """A user's own type, of sets in a text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value and ",".join(sorted(value))

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value and set(value.split(","))


async def test_other_values_that_change_in_place(store: str) -> None:
    """SQLAlchemy's own mutable dicts and a user's types of sets are seen as well."""

    class Other(Node):
        __mapper_args__ = {"polymorphic_identity": "columns_other"}  # noqa: RUF012  # SQLAlchemy types it
        columns_mutable: Mapped[Any] = mapped_column(MutableDict.as_mutable(sa.JSON))
        columns_set: Mapped[Any] = mapped_column(Texts)

    node: Any = await write_node(Other(columns_mutable={"a": {}}, columns_set={"x"}))
    for read_it in (False, True):
        one = await again(node) if read_it else node
        one.columns_mutable["a"]["n"] = one.columns_mutable["a"].get("n", 0) + 1
        one.columns_set.add(f"y{one.columns_mutable['a']['n']}")
        await write_node(one)
    read = await again(node)
    assert (read.columns_mutable, read.columns_set) == ({"a": {"n": 2}}, {"x", "y1", "y2"})


# ------------------------------------------------------------- tables made before


CHANGED = [(int, float), (int, str), (float, int), (str, int), (Decimal, int), (date, datetime)]


@pytest.mark.parametrize(("before", "after"), CHANGED)
async def test_a_changed_type_is_told(
    store: str, database_url: str, before: type[Any], after: type[Any]
) -> None:
    """The error names both types; another name, as it says, and the older class go on working."""
    if store == "sqlite" and (before, after) in [(int, float), (Decimal, int), (date, datetime)]:
        pytest.skip("SQLite keeps such values in such a column")
    name = fresh()
    old = await write_node(class_of(before, name=name)())
    class_of(after, name=name)
    for create in (True, False):
        reset = set_engine(database_url, create_tables=create)
        with pytest.raises(
            SchemaError,
            match=rf"Cell_columns_cell\.{name} is of type .*, but the table 'artigraph_node' of .* "
            rf"has the column '{name}' as .* give the new one another name, as in {name}_2",
        ):
            await read_node(NodeFilter(node_id=old.node_id))
        reset()
    # The engine that was in use before tells it, too.
    with pytest.raises(SchemaError, match="another name"):
        await write_node(new_node())
    class_of(after, name=f"{name}_2")
    assert (await again(old)).node_id == old.node_id
    class_of(after, name=name)
    with pytest.raises(SchemaError, match="another name"):
        await write_node(new_node())
    class_of(before, name=name)
    await write_node(new_node())


async def test_sqlite_keeps_floats_in_a_column_of_integers(tmp_path: Any) -> None:
    """Where a changed annotation changes no value, nothing is refused."""
    with engine_context(f"sqlite+aiosqlite:///{tmp_path}/x.db", create_tables=True):
        name = fresh()
        await write_node(class_of(int, name=name)(**{name: 3}))
        node = await write_node(class_of(float, name=name)(**{name: 2.5}))
        assert getattr(await again(node), name) == 2.5


TYPES: list[Any] = [
    *(sa.Integer(), sa.SmallInteger(), sa.BigInteger(), sa.Boolean(), sa.Float(), sa.Double()),
    *(sa.Numeric(), sa.Numeric(10, 2), sa.REAL(), sa.String(20), sa.Text(), sa.Unicode(20)),
    *(sa.CHAR(4), sa.LargeBinary(), sa.Date(), sa.Time(), sa.DateTime(), sa.Interval()),
    *(sa.DateTime(timezone=True), sa.JSON(), sa.JSON(none_as_null=True), sa.Uuid(), Texts()),
    *(sa.Uuid(as_uuid=False), sa.Uuid(native_uuid=False), sa.Interval(native=False)),
    *(sa.Enum("x", "y", name="columns_xy"), sa.Enum("x", "y", native_enum=False)),
    *(sa.PickleType(), sa.Numeric(asdecimal=False), sa.TIMESTAMP(), sa.LargeBinary(4)),
    sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
    sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"),
    sa.Integer().with_variant(mysql.TINYINT(), "mysql", "mariadb"),
    sa.Text().with_variant(postgresql.ARRAY(sa.Integer), "postgresql"),
]


async def test_nothing_is_refused_of_what_a_class_has_made(store: str, database_url: str) -> None:
    """A table with a column of each of SQLAlchemy's types opens again, with and without making."""
    for number, type_ in enumerate(TYPES):
        class_of(type_, name=fresh(), identity=f"columns_type_{number}")
    await write_node(new_node())
    for create in (True, False):
        reset = set_engine(database_url, create_tables=create)
        assert len(await read_nodes(NodeFilter())) == 1
        reset()


WIDER: list[tuple[Any, Any]] = [
    (sa.String(20), sa.String(300)),
    (sa.String(20), str),
    (sa.Integer(), int),
    (sa.SmallInteger(), int),
    (sa.Numeric(10, 2), Decimal),
    (sa.JSON(), dict[str, Any]),
    (sa.Text(), str),
]


@pytest.mark.parametrize("at", range(len(WIDER)))
async def test_a_column_that_only_grew_is_taken(store: str, at: int) -> None:
    """Types that differ in size alone go on working; values too large are refused one by one."""
    before, after = WIDER[at]
    name = fresh()
    await write_node(class_of(before, name=name)())
    cls = class_of(after, name=name)
    small: dict[Any, Any] = {dict[str, Any]: {"a": 1}, int: 7, Decimal: Decimal("1.25")}
    value = small.get(after, "x")
    node = await write_node(cls(**{name: value}))
    assert getattr(await again(node), name) == value
    large: dict[Any, Any] = {int: 2**40, Decimal: Decimal("1.255")}
    if store != "sqlite" and after in large:
        with pytest.raises(SerializationError, match=f"{name} = .*(bits|digits)"):
            await write_node(cls(**{name: large[after]}))


NARROW: list[tuple[str, Any, list[Any], list[Any], str]] = [
    ("DECIMAL(10,0)", Decimal, [Decimal(7)], [Decimal("1.49"), Decimal(10**10)], "digits"),
    ("TIME", time, [time(1, 2, 3)], [time(1, 2, 3, 4)], "whole seconds"),
    ("DATETIME", timedelta, [timedelta(days=-3)], [timedelta(seconds=1.5)], "whole seconds"),
    ("DATETIME", datetime, [datetime(2020, 1, 1, tzinfo=UTC)], [datetime.now(UTC)], "seconds"),
    ("FLOAT", float, [0.1, 1e30, 0.0], [0.123456789, 1e300], "four bytes"),
    ("TEXT", str, ["x" * 65_535], ["é" * 40_000, "x" + " " * 65_535], "65535 bytes"),
    ("VARCHAR(3)", str, ["abc"], ["abcd", "abc "], "3 characters"),
    ("ENUM('red')", ColumnsColor, [ColumnsColor.red], [ColumnsColor.blue], "is not among"),
]


@pytest.mark.parametrize("at", range(len(NARROW)))
async def test_columns_that_mariadb_made_before(store: str, database_url: str, at: int) -> None:
    """An older, narrower column keeps what it kept; a value that it would round is refused."""
    if store != "mariadb":
        pytest.skip("the other databases' columns were never narrower")
    declared, after, kept, refused, reason = NARROW[at]
    name = fresh()
    async with (await get_engine()).begin() as connection:
        await connection.execute(text(f"ALTER TABLE artigraph_node ADD COLUMN {name} {declared}"))
    cls = class_of(after, name=name)
    for value in kept:
        node = await write_node(cls(**{name: value}))
        assert getattr(await again(node), name) == value
    for value in refused:
        if isinstance(value, datetime):
            value = value.replace(microsecond=1)
        with pytest.raises(SerializationError, match=f"{name} = .*{reason}"):
            await write_node(cls(**{name: value}))


def enumeration(name: str, members: list[str]) -> Any:
    """What a cell defines, each time it runs."""
    return enum.Enum(name, members)


async def test_an_enumeration_comes_to_a_table_that_exists(store: str) -> None:
    """PostgreSQL's type is made with the column; a member that it lacks is refused there."""
    name = fresh()
    await write_node(new_node())
    members = ["red"]
    called = f"Columns{uuid4().hex[:8]}"
    for _ in range(2):
        color = enumeration(called, members)
        cls = class_of(color, name=name)
        node = await write_node(cls(**{name: color.red}))
        assert getattr(await again(node), name) is color.red
    color = enumeration(called, [*members, "blue"])
    cls = class_of(color, name=name)
    assert getattr(await again(node), name) is color.red
    blue = cls(**{name: color.blue})
    if store == "sqlite":
        assert getattr(await again(await write_node(blue)), name) is color.blue
        return
    with pytest.raises(SerializationError, match="not among those of this table's column, 'red'"):
        await write_node(blue)


async def test_a_cell_run_again_unchanged_looks_at_nothing(statements: Statements) -> None:
    """Only a class whose columns differ has the schema looked at, and only once."""
    name = fresh()
    await write_node(class_of(int, name=name)())
    statements.clear()
    await write_node(class_of(int, name=name)())
    sent = len(statements)
    await write_node(class_of(int, name=name)())
    assert len(statements) == 2 * sent <= 4


# ------------------------------------------------------- defaults and declarations


async def test_defaults_of_every_kind(store: str) -> None:
    """Memory has what the row has: of functions, of the database, and of an update."""

    class Ruled(Node):
        __mapper_args__ = {"polymorphic_identity": "columns_ruled"}  # noqa: RUF012  # SQLAlchemy types it
        columns_ruled_base: Mapped[int] = mapped_column(default=5)
        columns_ruled_next: Mapped[int] = mapped_column(
            default=lambda context: context.get_current_parameters()["columns_ruled_base"] + 1
        )
        columns_ruled_made: Mapped[int] = mapped_column(server_default=text("7"))
        columns_ruled_touched: Mapped[int] = mapped_column(default=0, onupdate=lambda: 99)

    def values(node: Any) -> list[int]:
        return [
            getattr(node, f"columns_ruled_{name}") for name in ("base", "next", "made", "touched")
        ]

    node: Any = await write_node(Ruled())
    assert values(node) == values(await again(node)) == [5, 6, 7, 0]
    node.columns_ruled_base = 8
    await write_node(node)
    assert values(node) == values(await again(node)) == [8, 6, 7, 99]
    plain = await write_node(new_node(node_label="a"))
    plain.node_label = "b"
    await write_node(plain)
    query = text("SELECT columns_ruled_touched FROM artigraph_node WHERE node_label = 'b'")
    async with (await get_engine()).connect() as connection:
        assert (await connection.execute(query)).scalar_one() is None


def test_a_computed_column(tmp_path: Path) -> None:
    """Memory has what the database computes, after an insert and after each update."""
    # A process of its own: no other test's table can have such a column everywhere.
    code = """
    import asyncio
    from sqlalchemy import Computed
    from sqlalchemy.orm import Mapped, mapped_column
    from artigraph import Node, NodeFilter, read_node, set_engine, write_node

    class Run(Node):
        __mapper_args__ = {"polymorphic_identity": "run"}
        run_base: Mapped[int]
        run_twice: Mapped[int] = mapped_column(Computed("run_base * 2"))

    async def main():
        set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
        run = await write_node(Run(run_base=2))
        assert run.run_twice == 4
        run.run_base = 3
        assert (await write_node(run)).run_twice == 6
        assert (await read_node(NodeFilter(node_id=run.node_id))).run_twice == 6

    asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


async def test_a_default_that_only_the_database_knows(store: str) -> None:
    """It is told rather than left out; what it names works."""

    class Late(Node):
        __mapper_args__ = {"polymorphic_identity": "columns_late"}  # noqa: RUF012  # SQLAlchemy types it
        columns_late_at: Mapped[int | None] = mapped_column(default=sa.func.abs(-3))

    with pytest.raises(NodeTypeError, match=r"Late\.columns_late_at .* server_default="):
        await write_node(Late())
    node = await write_node(Late(columns_late_at=4))
    assert (await again(node)).columns_late_at == 4


async def test_a_changed_default_of_a_column(store: str) -> None:
    """The newest definition's mapped_column(default=) counts, also if it has none."""
    for default in (1, 0, None):

        class Defaulted(Node):
            __mapper_args__ = {"polymorphic_identity": "columns_default"}  # noqa: RUF012  # SQLAlchemy types it
            columns_default: Mapped[int | None] = mapped_column(default=default)

        node: Any = await write_node(Defaulted())
        assert node.columns_default == (await again(node)).columns_default == default


async def test_a_mixin_brings_its_columns_to_several_classes(store: str) -> None:
    """They are the same columns of the table; the mixin's default holds in each, and below."""

    class Timed:
        columns_timed_by: Mapped[str | None] = "nobody"  # type: ignore[assignment]  # as nodes have it
        columns_timed_at: Mapped[int | None] = mapped_column(default=1)

    class One(Timed, Node):
        __mapper_args__ = {"polymorphic_identity": "columns_mixed_one"}  # noqa: RUF012  # SQLAlchemy types it

    class Below(One):
        __mapper_args__ = {"polymorphic_identity": "columns_mixed_below"}  # noqa: RUF012  # SQLAlchemy types it

    class Two(Timed, Node):
        __mapper_args__ = {"polymorphic_identity": "columns_mixed_two"}  # noqa: RUF012  # SQLAlchemy types it
        columns_timed_own: Mapped[int]

    for cls in (One, Below, Two):
        read = await again(await write_node(cls()))
        assert (type(read), read.columns_timed_by, read.columns_timed_at) == (cls, "nobody", 1)
        read = await again(await write_node(cls(columns_timed_by="ada")))
        assert read.columns_timed_by == "ada"
    assert vars(Timed)["columns_timed_by"] == "nobody"


async def test_a_column_of_another_name_than_its_attribute(store: str) -> None:
    """It is written, changed, written over by its id, and read."""

    class Named(Node):
        __mapper_args__ = {"polymorphic_identity": "columns_named"}  # noqa: RUF012  # SQLAlchemy types it
        columns_attribute: Mapped[dict[str, Any]] = mapped_column("columns_in_table", sa.JSON)

    node: Any = await write_node(Named(columns_attribute={"a": 1}))
    node.columns_attribute["b"] = 2
    await write_node(node)
    assert (await again(node)).columns_attribute == {"a": 1, "b": 2}
    over: Any = await write_node(new_node(Named, node_id=node.node_id, columns_attribute={}))
    assert over.columns_attribute == (await again(node)).columns_attribute == {}


def test_an_annotation_that_no_database_has() -> None:
    """The class is refused, with what to write instead."""
    with pytest.raises(NodeTypeError, match=r"complex.*mapped_column\(JSON\)"):
        class_of(complex, name="columns_complex", identity="columns_complex")
    assert "columns_complex" not in Node.__mapper__.polymorphic_map
