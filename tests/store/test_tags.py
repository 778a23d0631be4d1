"""Tags: set, changed, taken away and asked for, on every database."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import select, update

from artigraph import (
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    MultipleNodesFoundError,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    TagError,
    TagFilter,
    ValueFilter,
    count_nodes,
    delete_nodes,
    list_tags,
    new_node,
    new_session,
    read_frame,
    read_models,
    read_nodes,
    read_tags,
    set_user,
    tag_nodes,
    untag_nodes,
    write_model,
    write_node,
    write_nodes,
)
from artigraph.db.session import read, write
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.tag import tag_table
from tests.conftest import Statements


class TagsFit(DataModel, version=1):
    loss: float
    depth: Any = None


async def nodes(count: int, parent: Node | None = None) -> list[Node]:
    """Some new nodes."""
    below = {} if parent is None else {"node_parent_id": parent.node_id}
    return await write_nodes([new_node(node_label=f"n{i}", **below) for i in range(count)])


def of(*found: Node) -> NodeFilter:
    return NodeFilter(node_id=[node.node_id for node in found])


async def names(filter: Filter) -> list[str | None]:
    return [node.node_label for node in await read_nodes(filter)]


VALUES: dict[str, Any] = {
    "nothing": None,
    "text": "prod",
    "empty text": "",
    "hostile text": "<b>\x00\u202e'\";--%_\\",
    "long text": "x" * 9_000,
    "whole": 3,
    "large": 2**62 + 1,
    "larger": 10**40,
    "fraction": 0.93,
    "small": 5e-324,
    "endless": inf,
    "true": True,
    "false": False,
    "naive": datetime(2024, 1, 2, 3, 4, 5, 6),
    "aware": datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "day": date(2024, 1, 2),
    "span": timedelta(days=3),
    "money": Decimal("0.10"),
    "list": [1, "two", None, [3.5]],
    "dict": {"zeta": 1, "a": {"b": [True]}},
    "tuple": (1, 2),
}


async def test_values_come_back_equal(store: str) -> None:
    """Each value is read as it was set, of the type that it had."""
    (node,) = await nodes(1)
    assert await tag_nodes(of(node), VALUES) == 1
    assert await tag_nodes(of(node), {"no number": nan}) == 1
    read = (await read_tags(of(node)))[node.node_id]
    assert read.pop("no number") != 0
    assert read == VALUES
    assert {name: type(value) for name, value in read.items()} == {
        name: type(value) for name, value in VALUES.items()
    }


_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes()
    | st.dates()
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(_values, min_size=1, max_size=20))
async def test_any_value_comes_back_equal(store: str, values: list[Any]) -> None:
    """Whatever is taken comes back equal, and is found by itself where it compares."""
    (node,) = await write_nodes([new_node()])
    tags = {f"t{at}": value for at, value in enumerate(values)}
    assert await tag_nodes(of(node), tags) == 1
    assert await read_tags(of(node)) == {node.node_id: tags}
    for name, value in tags.items():
        if isinstance(value, list | dict) or (isinstance(value, str) and "\x00" in value):
            continue
        if isinstance(value, int) and abs(value) >= 2**63:
            continue
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            continue
        asked = TagFilter(name=name, value=ValueFilter(eq=value))
        assert await count_nodes(asked & of(node)) == 1, (name, value)


async def test_setting_again_changes_the_value(store: str) -> None:
    """A name is there once; others stay as they are."""
    one, two = await nodes(2)
    assert await tag_nodes(of(one, two), {"stage": "prod", "best": None}) == 2
    assert await tag_nodes(of(two), {"stage": "old"}) == 1
    assert await read_tags(of(one, two)) == {
        one.node_id: {"best": None, "stage": "prod"},
        two.node_id: {"best": None, "stage": "old"},
    }
    assert await tag_nodes(TagFilter(name="stage", value="old"), {"stage": "new"}) == 1
    assert await names(TagFilter(name="stage", value="new")) == ["n1"]


async def test_tags_are_taken_away(store: str) -> None:
    """By a name, by several, or all where that is said."""
    one, two = await nodes(2)
    await tag_nodes(of(one, two), {"a": 1, "b": 2, "c": 3})
    assert await untag_nodes(of(one), "a") == 1
    assert await untag_nodes(TagFilter(name="a"), ["b", "missing"]) == 1
    assert await untag_nodes(of(one), []) == 0
    assert await read_tags(of(one, two)) == {
        one.node_id: {"b": 2, "c": 3},
        two.node_id: {"a": 1, "c": 3},
    }
    with pytest.raises(TagError, match="all_names=True"):
        await untag_nodes(of(one))
    assert await untag_nodes(of(one), all_names=True) == 2
    assert await read_tags(of(one)) == {}
    with pytest.raises(FilterError, match="everything=True"):
        await untag_nodes(NodeFilter(), all_names=True)
    assert await untag_nodes(NodeFilter(), all_names=True, everything=True) == 2


async def test_one_statement_tags_many(store: str, database: str, statements: Statements) -> None:
    """How many statements there are does not grow with the rows."""
    parent = await write_node(new_node())
    await nodes(300, parent)
    below = NodeRelationshipFilter(child_of=parent)
    statements.clear()
    assert await tag_nodes(below, {"a": 1, "b": 2}) == 300
    assert len(statements) == (2 if database == "mariadb" else 1)
    statements.clear()
    found = await read_tags(below)
    assert len(found) == 300
    assert len(statements) == 1
    statements.clear()
    assert await untag_nodes(below, ["a", "b"]) == 600
    assert len(statements) == 1


async def test_a_filter_that_limits_nothing_wants_everything(store: str) -> None:
    """No node is tagged unless all of them are meant."""
    await nodes(2)
    for nothing in (NodeFilter(), ModelFilter(), TagFilter()):
        with pytest.raises(FilterError, match="everything=True"):
            await tag_nodes(nothing, {"a": 1})
    assert await list_tags() == {}
    assert await tag_nodes(NodeFilter(), {"a": 1}, everything=True) == 2
    assert await list_tags() == {"a": 2}
    with pytest.raises(FilterError, match="no filter"):
        await tag_nodes(cast(Any, None), {"a": 1})


REFUSED: dict[str, tuple[Any, str]] = {
    "no dict": (["best"], "dict of names"),
    "no tags": ({}, "1 to 100 tags"),
    "many tags": ({f"t{i}": i for i in range(101)}, "1 to 100 tags"),
    "no text": ({3: 1}, "is a text, not 3"),
    "empty name": ({"": 1}, "1 to 100 characters"),
    "long name": ({"x" * 101: 1}, "1 to 100 characters"),
    "sign": ({"#best": 1}, "Call it 'best'"),
    "blank": ({" best": 1}, "Call it 'best'"),
    "unseen": ({"be\u202est": 1}, "Call it 'best'"),
    "nul": ({"be\0st": 1}, "Call it 'best'"),
    "operator": ({"stage=prod": 1}, "{'stage': 'prod'}"),
    "object": ({"a": object()}, "A tag's value is a text"),
    "a set of objects": ({"a": {object()}}, "A tag's value is a text"),
    "a model": ({"a": TagsFit(0.5)}, "write_model"),
    "a model inside": ({"a": [TagsFit(0.5)]}, "write_model"),
    "long value": ({"a": "x" * 10_001}, "as a model or an artifact"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_no_tag_is_refused(store: str, case: str) -> None:
    """The error says how it would do, and nothing is changed."""
    tags, told = REFUSED[case]
    (node,) = await nodes(1)
    with pytest.raises(TagError, match=told) as caught:
        await tag_nodes(of(node), tags)
    assert "Nothing was" in str(caught.value)
    assert "changed" in str(caught.value)
    assert await read_tags(of(node)) == {}


async def test_values_compare_as_fields_do(store: str) -> None:
    """A condition finds by a tag what it finds by a field that may be anything."""
    values: list[Any] = [
        *VALUES.values(), nan, 1, 1.0, Decimal(1), "1", "a%b", "aXb", "ü", "Prod", "x" * 260,
        -1, -0.5, 2**53, 2**53 + 1, float(2**53), -inf, "x" * 254, "x" * 255,
        datetime(2025, 1, 1), datetime(2025, 1, 1, tzinfo=UTC), timedelta(-1),
    ]  # fmt: skip
    values = [v for v in values if not (isinstance(v, str) and "\x00" in v)]
    parent = await write_node(new_node())
    for at, value in enumerate(values):
        row = await write_model(parent_id=parent.node_id, label=f"m{at}", model=TagsFit(0.0, value))
        await tag_nodes(NodeFilter(node_id=row.artifact.node_id), {"t": value})
    asked: list[Any] = [
        1, 1.0, True, "prod", "", 0.93, Decimal("0.1"), date(2024, 1, 2),
        datetime(2024, 1, 2, 3, 4, 5, 6), datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC), inf,
        [1, "x"][:1], [1, 0.93, None], ["prod", "Prod"], timedelta(days=1), "x" * 9_000, "x" * 254,
        ValueFilter(gt=0), ValueFilter(ge=0, lt=2), ValueFilter(lt=-0.5),
        ValueFilter(gt="prod"), ValueFilter(le="prod"), ValueFilter(gt="x" * 259),
        ValueFilter(lt="x" * 256), ValueFilter(ne=1), ValueFilter(ne="prod"), ValueFilter(ne=None),
        ValueFilter(eq=None), ValueFilter(not_in=[1, 3]), ValueFilter(not_in=[1, None]),
        ValueFilter(not_in=[]), ValueFilter(in_=[]), ValueFilter(eq=nan), ValueFilter(ne=nan),
        ValueFilter(like="p%"), ValueFilter(ilike="p%"), ValueFilter(like="a\\%b"),
        ValueFilter(like="%x"), ValueFilter(like="x%y"), ValueFilter(like="%"),
        ValueFilter(is_=True), ValueFilter(is_not=None), ValueFilter(gt=datetime(2024, 6, 1)),
        ValueFilter(lt=datetime(2024, 6, 1, tzinfo=UTC)),
        ValueFilter(in_=list(range(600))),
    ]  # fmt: skip
    for one in asked:
        by_field = await names(ModelFilter(model_type=TagsFit, where={"depth": one}))
        by_tag = await names(TagFilter(name="t", value=one))
        assert by_tag == by_field, one


async def test_large_integers_are_told_apart(store: str) -> None:
    """Exactly, on every database, though a float would round them."""
    (node,) = await nodes(1)
    large = {"a": 2**53, "b": 2**53 + 1, "c": float(2**53), "d": 2**63 - 1}
    await tag_nodes(of(node), large)

    async def found(value: Any) -> set[str]:
        hits = {n: await count_nodes(TagFilter(name=n, value=value)) for n in large}
        return {name for name, count in hits.items() if count}

    assert await found(2**53) == {"a", "c"}
    assert await found(2**53 + 1) == {"b"}
    assert await found(ValueFilter(gt=2**53)) == {"b", "d"}
    assert await found(ValueFilter(lt=2**63 - 1)) == {"a", "b", "c"}


async def test_tags_compose(store: str) -> None:
    """With and, or, not, relations and other filters; in reads, counts and deletes."""
    parent = await write_node(new_node(node_label="top"))
    one, two, three = await nodes(3, parent)
    await tag_nodes(of(one, two), {"best": None})
    await tag_nodes(of(two), {"stage": "prod"})
    best, prod = TagFilter(name="best"), TagFilter(name="stage", value="prod")
    below = NodeRelationshipFilter(child_of=parent)
    assert await names(best & prod) == ["n1"]
    assert await names(best | of(three)) == ["n0", "n1", "n2"]
    assert await names(~best & below) == ["n2"]
    assert await names(~(best & prod) & below) == ["n0", "n2"]
    assert await names(NodeRelationshipFilter(parent_of=prod)) == ["top"]
    assert await names(NodeRelationshipFilter(sibling_of=prod) & best) == ["n0"]
    assert await names(TagFilter(name=["stage", "other"])) == ["n1"]
    assert await names(TagFilter(name=ValueFilter(like="b%"))) == ["n0", "n1"]
    assert await names(TagFilter(value="prod")) == ["n1"]
    assert await names(TagFilter()) == ["n0", "n1"]
    assert await names(TagFilter(name="stage", value=ValueFilter(eq=None))) == []
    assert await names(TagFilter(name="best", value=ValueFilter(eq=None))) == ["n0", "n1"]
    assert await delete_nodes(prod) == 1
    assert await count_nodes(best) == 1
    assert await list_tags() == {"best": 1}


async def test_questions_that_make_no_sense(store: str) -> None:
    """Each is refused where it is written, and says what to write."""
    with pytest.raises(FilterError, match="eq=None"):
        TagFilter(name="a", value=None)
    with pytest.raises(FilterError, match="Leave name out"):
        TagFilter(name=cast(Any, None))
    with pytest.raises(FilterError, match="value="):
        TagFilter(name=cast(Any, 3))
    with pytest.raises(FilterError, match="not compared"):
        TagFilter(name="a", value={"b": 1})
    with pytest.raises(FilterError, match="is a text"):
        TagFilter(name="a", value=ValueFilter(like=cast(Any, 3)))
    with pytest.raises(FilterError, match="no order"):
        TagFilter(name="a", value=ValueFilter(gt=True))
    assert str(TagFilter(name="stage", value="prod")) == "nodes with tag stage = 'prod'"
    assert str(~TagFilter(name="best")) == "nodes that are not (nodes with tag best)"
    assert str(TagFilter(value=ValueFilter(gt=1))) == "nodes with any tag and value > 1"


async def test_order_by_a_tag(store: str) -> None:
    """The largest first or last; rows without the tag come last; pages go on."""
    from artigraph import iter_models, read_first_model, read_first_node

    for at, value in enumerate([0.5, 3, -1, None, "text", 0.93]):
        row = await write_model(label=f"m{at}", model=TagsFit(float(at)))
        if value is not None:
            await tag_nodes(NodeFilter(node_id=row.artifact.node_id), {"score": value})
    every = ModelFilter(model_type=TagsFit)
    up = [m.artifact.node_label for m in await read_models(every, order_by="tag:score")]
    down = [m.artifact.node_label for m in await read_models(every, order_by="-tag:score")]
    assert up == ["m2", "m0", "m5", "m1", "m4", "m3"]
    assert down == ["m4", "m1", "m5", "m0", "m2", "m3"]
    paged = [
        m.artifact.node_label async for m in iter_models(every, order_by="-tag:score", page_size=2)
    ]
    assert paged == down
    best = await read_first_model(
        TagFilter(name="score", value=ValueFilter(gt=0)) & every, order_by="-tag:score"
    )
    assert best is not None
    assert best.artifact.node_label == "m1"
    first = await read_first_node(every, order_by=["-tag:other", "tag:score"])
    assert first is not None
    assert first.node_label == "m2"
    with pytest.raises(FilterError, match="tag:score"):
        await read_nodes(every, order_by="tag:")


async def test_sessions_share_a_transaction(store: str) -> None:
    """What a session has set, it sees, and takes back."""
    (node,) = await nodes(1)
    with suppress(RuntimeError):
        async with new_session():
            await tag_nodes(of(node), {"a": 1})
            assert await names(TagFilter(name="a")) == ["n0"]
            raise RuntimeError("stop")
    assert await list_tags() == {}
    async with new_session():
        await asyncio.gather(*(tag_nodes(of(node), {f"t{i}": i}) for i in range(5)))
        with pytest.raises(TagError):
            await tag_nodes(of(node), {"": 1})
    assert await list_tags() == {f"t{i}": 1 for i in range(5)}


async def test_many_writers_at_once(store: str) -> None:
    """Tasks that tag the same rows at once all come through."""
    some = await nodes(20)
    await asyncio.gather(*(tag_nodes(of(*some), {"n": i, f"w{i}": i}) for i in range(12)))
    found = await read_tags(of(*some))
    assert all(len(tags) == 13 for tags in found.values())
    assert len({tags["n"] for tags in found.values()}) == 1


async def test_locked_rows_take_tags(store: str) -> None:
    """A tag is said of a row, and does not change it."""
    (node,) = await nodes(1)
    async with write() as transaction:
        await transaction.connection.execute(
            update(node_table)
            .where(node_table.c.node_id == node.node_id)
            .values(node_locked_at=utc_now())
        )
    assert await tag_nodes(of(node), {"a": 1}) == 1
    assert await untag_nodes(of(node), "a") == 1
    async with write() as transaction:
        await transaction.connection.execute(update(node_table).values(node_locked_at=None))


async def test_what_is_in_the_trash_has_no_tags(store: str) -> None:
    """It is not tagged, not read and not counted."""
    one, two = await nodes(2)
    await tag_nodes(of(one, two), {"a": 1})
    async with write() as transaction:
        await transaction.connection.execute(
            update(node_table)
            .where(node_table.c.node_id == one.node_id)
            .values(node_trashed_at=utc_now())
        )
    assert await tag_nodes(of(one, two), {"b": 1}) == 1
    assert await list_tags() == {"a": 1, "b": 1}
    assert list(await read_tags(of(one, two))) == [two.node_id]


async def test_who_set_it(store: str, database: str) -> None:
    """The row says who set it last, and when."""
    (node,) = await nodes(1)
    reset = set_user("ada")
    try:
        await tag_nodes(of(node), {"a": 1})
    finally:
        reset()
    async with read() as connection:
        row = (await connection.execute(select(tag_table))).one()
    assert row.tag_by == {"sqlite": "ada", "postgresql": "postgres", "mariadb": "root"}[database]
    assert abs(utc_now() - row.tag_at) < timedelta(minutes=5)


async def test_reading_is_bounded(store: str) -> None:
    """More tags than the limit are an error, so that none is left out unseen."""
    some = await nodes(3)
    await tag_nodes(of(*some), {"a": 1, "b": 2})
    assert len(await read_tags(of(*some), limit=6)) == 3
    with pytest.raises(FilterError, match="limit=50"):
        await read_tags(of(*some), limit=5)
    assert await list_tags(limit=1) == {"a": 3}


# ----------------------------------------------------------------- one below a node


async def holders(name: str, value: Any = None) -> list[str | None]:
    return await names(TagFilter(name=name, value=ValueFilter(eq=value)))


async def test_an_alias_moves(store: str) -> None:
    """Only one below a node has it; others lose it in the same transaction."""
    top = await write_node(new_node(node_label="family"))
    one, two, three = await nodes(3, top)
    other = await write_node(new_node(node_label="elsewhere"))
    await tag_nodes(of(other, three), {"stage": "prod"})
    assert await tag_nodes(of(one), {"stage": "prod"}, unique_below=top) == 1
    assert await holders("stage", "prod") == ["n0", "elsewhere"]
    assert await tag_nodes(of(two), {"stage": "prod"}, unique_below=top.node_id) == 1
    assert await holders("stage", "prod") == ["n1", "elsewhere"]
    # Another value is another alias.
    await tag_nodes(of(one), {"stage": "test"}, unique_below=top)
    assert await holders("stage", "prod") == ["n1", "elsewhere"]
    # The same again changes nothing, and it goes on to be moved.
    await tag_nodes(of(two), {"stage": "prod"})
    await tag_nodes(of(two), {"stage": "prod"}, unique_below=top)
    await tag_nodes(of(three), {"stage": "prod"}, unique_below=top)
    assert await holders("stage", "prod") == ["n2", "elsewhere"]
    # Below a node further down it may be as well.
    below = await write_node(new_node(node_label="below", node_parent_id=one.node_id))
    await tag_nodes(of(below), {"latest": None}, unique_below=one)
    await tag_nodes(of(two), {"latest": None}, unique_below=top)
    assert await holders("latest") == ["n1"]


async def test_what_cannot_be_an_alias(store: str) -> None:
    """Several nodes, one elsewhere, and no node: each says what was found; nothing changes."""
    top = await write_node(new_node(node_label="family"))
    one, two = await nodes(2, top)
    other = await write_node(new_node(node_label="elsewhere"))
    await tag_nodes(of(one), {"prod": None}, unique_below=top)
    with pytest.raises(MultipleNodesFoundError, match="Narrow the filter"):
        await tag_nodes(of(one, two), {"prod": None}, unique_below=top)
    for away in (other, top):
        with pytest.raises(TagError, match="not below node"):
            await tag_nodes(of(away), {"prod": None}, unique_below=top)
    with pytest.raises(NodeNotFoundError, match="no node 999999"):
        await tag_nodes(of(one), {"prod": None}, unique_below=999999)
    for wrong in (None, [top], "family", new_node()):
        with pytest.raises(FilterError):
            await tag_nodes(of(one), {"prod": None}, unique_below=cast(Any, wrong))
    assert await tag_nodes(NodeFilter(label="nobody"), {"prod": None}, unique_below=top) == 0
    assert await holders("prod") == ["n0"]


async def test_an_alias_under_many_writers(store: str) -> None:
    """However many move it at once, exactly one has it in the end."""
    top = await write_node(new_node(node_label="family"))
    some = await nodes(8, top)

    async def move(at: int) -> None:
        for turn in range(3):
            await tag_nodes(
                of(some[(at + turn) % 8]), {"stage": "prod", "live": True}, unique_below=top
            )

    await asyncio.gather(*(move(at) for at in range(8)))
    assert len(await holders("stage", "prod")) == 1
    assert len(await holders("live", True)) == 1
    async with read() as connection:
        scopes = (await connection.execute(select(tag_table.c.tag_scope_id))).scalars().all()
    assert scopes == [top.node_id] * 2


async def test_the_index_sees_that_there_are_not_two(store: str, database: str) -> None:
    """A second row of one alias, whoever writes it, is refused by the database."""
    from sqlalchemy.exc import IntegrityError

    from artigraph import DatabaseRefusedError

    top = await write_node(new_node(node_label="family"))
    one, two = await nodes(2, top)
    await tag_nodes(of(one), {"prod": None}, unique_below=top)
    async with read() as connection:
        row = (await connection.execute(select(tag_table))).one()._asdict()
    with pytest.raises((DatabaseRefusedError, IntegrityError)):
        async with write() as transaction:
            await transaction.connection.execute(
                tag_table.insert().values({**row, "tag_node_id": two.node_id})
            )
    assert await holders("prod") == ["n0"]


async def test_an_alias_outlives_the_node_above(store: str) -> None:
    """Where the one that has it was hung elsewhere, it keeps its tag."""
    from artigraph import write_parent_child_relationships

    top = await write_node(new_node(node_label="family"))
    (one,) = await nodes(1, top)
    await tag_nodes(of(one), {"prod": None}, unique_below=top)
    await write_parent_child_relationships([(None, one.node_id)])
    await delete_nodes(of(top))
    assert await holders("prod") == ["n0"]


# ---------------------------------------------------------------------- as columns


async def test_tags_are_columns_of_frames(store: str, statements: Statements) -> None:
    """By name or all of them, typed as fields are, in one more statement."""
    ids = []
    for at in range(4):
        row = await write_model(label=f"m{at}", model=TagsFit(float(at)))
        ids.append(NodeFilter(node_id=row.artifact.node_id))
    await tag_nodes(ids[0], {"stage": "prod", "score": 3, "best": None})
    await tag_nodes(ids[1], {"stage": "test", "score": 0.5, "odd": 1})
    await tag_nodes(ids[3], {"odd": "one", "when": datetime(2024, 1, 1, tzinfo=UTC)})
    every = ModelFilter(model_type=TagsFit)
    await read_frame(every, ["node_label"])
    statements.clear()
    await read_frame(every, ["node_label"])
    plain = len(statements)
    statements.clear()
    frame = await read_frame(every, ["node_label"], tags=["stage", "score", "missing"])
    # The last one looks for what a missing tag may have meant.
    assert len(statements) == plain + 2
    assert list(frame.columns) == ["node_label", "tag:missing", "tag:score", "tag:stage"]
    assert frame["tag:stage"].tolist()[:2] == ["prod", "test"]
    assert frame["tag:stage"].isna().tolist() == [False, False, True, True]
    assert frame["tag:score"].tolist()[:2] == [3.0, 0.5]
    assert frame["tag:missing"].isna().all()
    all_tags = await read_frame(every, tags=True)
    assert [name for name in all_tags.columns if name.startswith("tag:")] == [
        "tag:best", "tag:odd", "tag:score", "tag:stage", "tag:when",
    ]  # fmt: skip
    assert all_tags["tag:best"].tolist()[0] is True
    assert all_tags["tag:odd"].tolist()[1] == 1
    assert all_tags["tag:odd"].tolist()[3] == "one"
    assert all_tags["tag:when"].tolist()[3] == datetime(2024, 1, 1, tzinfo=UTC)
    assert "tag:best" not in await read_frame(every)
    empty = await read_frame(every & TagFilter(name="nobody"), tags=["stage"])
    assert list(empty.columns)[-1] == "tag:stage"
    for wrong in ("stage", None, [3], {"a": 1}):
        with pytest.raises(FilterError, match="tags="):
            await read_frame(every, tags=cast(Any, wrong))


async def test_what_no_tag_has_is_refused_without_advice_for_fields(store: str) -> None:
    """A tag has no annotation that a serializer could stand in."""
    (node,) = await nodes(1)
    with pytest.raises(TagError, match=r"JSON cannot hold it.*below the node as a model") as told:
        await tag_nodes(NodeFilter(node_id=node.node_id), {"of": object()})
    assert "Annotate" not in str(told.value)


async def test_a_misspelt_tag_of_a_frame_is_told(store: str) -> None:
    """A column of a tag that nobody has is empty; a warning names the nearest one."""
    model = await write_model(parent_id=None, label="framed", model=TagsFit(1))
    here = NodeFilter(node_id=model.artifact.node_id)
    await tag_nodes(here, {"stage": "prod"})
    with pytest.warns(UserWarning, match="No node has the tag 'stgae'.*Did you mean 'stage'"):
        frame = await read_frame(here, tags=["stgae", "stage"])
    assert list(frame["tag:stage"]) == ["prod"]
    assert list((await read_frame(here, tags=["unlike"])).columns)[-1] == "tag:unlike"


async def test_a_filter_by_the_tree_is_counted(store: str) -> None:
    """How many were tagged is told of a filter that walks the tree, too, on every database."""
    top = await write_node(new_node(node_label="top"))
    for label in ("a", "b"):
        await write_node(new_node(node_label=label, node_parent_id=top.node_id))
    below = NodeRelationshipFilter(descendant_of=top.node_id)
    assert await tag_nodes(below, {"best": None, "stage": "prod"}) == 2
    assert await tag_nodes(below & NodeFilter(label="nobody"), {"best": None}) == 0
    assert await untag_nodes(below, "best") == 2
    assert await untag_nodes(below & NodeFilter(label="nobody"), "stage") == 0
