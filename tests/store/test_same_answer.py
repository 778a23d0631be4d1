"""Of any type, on every database and by every way of reading, the same question has one answer."""

from __future__ import annotations

import math
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from artigraph import (
    DataModel,
    Filter,
    ModelFilter,
    NodeFilter,
    ValueFilter,
    delete_nodes,
    read_frame,
    read_models,
    write_models,
)
from artigraph.frame.frame import StoredFrame
from artigraph.frame.query import Condition
from artigraph.frame.view import FrameView
from artigraph.serializer.pandas import dataframe_serializer


class Answer(DataModel, version=1, kw_only=True):
    """A value of each kind, where an annotation tells what it is and where none does."""

    number: float | None = None
    integer: int | None = None
    text: str | None = None
    truth: bool | None = None
    day: date | None = None
    moment: datetime | None = None
    took: timedelta | None = None
    price: Decimal | None = None
    key: UUID | None = None
    free: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    frame: Annotated[pd.DataFrame, dataframe_serializer] | None = None


words = st.text("ab0 -_%\\é\U0001f600", max_size=5)
integers = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "number": st.floats(-1e300, 1e300) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0]),
    "integer": integers | st.sampled_from([0, 2**53 + 1, -(2**63)]),
    "text": words,
    "truth": st.booleans(),
    "day": st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    "moment": moments | moments.map(lambda moment: moment.replace(tzinfo=UTC)),
    "took": st.timedeltas(timedelta(-(10**5)), timedelta(10**5)),
    "price": st.decimals(-(10**6), 10**6, places=3),
    "key": st.uuids(),
    "numpy": st.floats(-1e300, 1e300).map(np.float64)
    | st.integers(-100, 100).map(np.int16)
    | st.sampled_from([np.float64("nan"), np.float32("-inf"), np.uint8(7)]),
}
FREELY_ORDERED = ("number", "integer", "text", "price", "numpy")


def is_nan(value: Any) -> bool:
    """Whether a value equals nothing in Python; `==` with NaN finds it."""
    return bool(value != value)


def equal(one: Any, other: Any) -> bool:
    """Whether a question for one value finds the other."""
    return bool(one == other) or (is_nan(one) and is_nan(other))


def less(one: Any, other: Any) -> bool:
    """Whether the one is smaller; naive and aware moments have no order."""
    if isinstance(one, datetime) and (one.tzinfo is None) != (other.tzinfo is None):
        return False
    return bool(one < other)


async def found(filter: Filter, order_by: str | None = None) -> list[int]:
    """The places of the models that a filter finds."""
    models = await read_models(filter, order_by=order_by)
    return [int(str(one.artifact.node_label)) for one in models]


def paths(kind: str) -> list[str]:
    """The fields that hold values of a kind."""
    return [*([] if kind == "numpy" else [kind]), "free", "params.a"]


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=4, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_one_answer(store: str, kind: str, data: st.DataObject) -> None:
    """Values, handles' models, conditions, orders and frames agree with what was written."""
    values: list[Any] = data.draw(st.lists(KINDS[kind], min_size=2, max_size=5))
    await delete_nodes(NodeFilter(), everything=True)
    given = [] if kind == "numpy" else [kind]
    await write_models(
        models={
            str(i): Answer(**dict.fromkeys(given, v), free=v, params={"a": v})
            for i, v in enumerate(values)
        }
    )
    everything = ModelFilter(model_type=Answer)
    places = list(range(len(values)))
    for lazy in (False, True):
        for one, value in zip(await read_models(everything, lazy=lazy), values, strict=True):
            for read in (
                one.value.free,
                one.value.params["a"],
                *(vars(one.value)[n] for n in given),
            ):
                assert type(read) is type(value)
                assert equal(read, value)
    for path in paths(kind):
        for value in values[:2]:
            ask = {path: ValueFilter(eq=value)}
            same = [i for i in places if equal(values[i], value)]
            assert await found(Answer.where(ask)) == same, str(Answer.where(ask))
            ask = {path: ValueFilter(ne=value)}
            others = [i for i in places if i not in same]
            assert await found(Answer.where(ask)) == others, str(Answer.where(ask))
            if not is_nan(value):
                ask = {path: ValueFilter(in_=[value, value])}
                assert await found(Answer.where(ask)) == same, str(Answer.where(ask))
            if kind not in ("text", "truth", "key") and not is_nan(value):
                ask = {path: ValueFilter(lt=value)}
                smaller = [i for i in places if less(values[i], value)]
                assert await found(Answer.where(ask)) == smaller, str(Answer.where(ask))
    mixed = kind == "moment" and len({value.tzinfo for value in values}) > 1
    for path in paths(kind):
        if kind in ("truth", "key") or mixed or (path != kind and kind not in FREELY_ORDERED):
            continue
        ordered = sorted((i for i in places if not is_nan(values[i])), key=lambda i: values[i])
        last = [i for i in places if is_nan(values[i])]
        assert await found(everything, path) == ordered + last
    table = await read_frame(everything, columns=["node_id", "free", "params.a", *given])
    for name in ("free", "params.a", *given):
        if kind in ("number", "integer", "text", "truth"):
            assert all(map(equal, table[name].tolist(), values))


@pytest.mark.parametrize("kind", ["number", "integer", "text", "day", "moment"])
@settings(deadline=None, max_examples=2, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_a_view_of_a_frame_answers_alike(store: str, kind: str, data: st.DataObject) -> None:
    """A stored frame's rows are found by the viewer as models are by their fields."""
    kept = KINDS[kind]
    if kind == "text":
        kept = st.text("ab0", min_size=1, max_size=5)
    elif kind == "moment":
        kept = moments
    values = data.draw(st.lists(kept.filter(lambda v: not is_nan(v)), min_size=2, max_size=5))
    await delete_nodes(NodeFilter(), everything=True)
    models: dict[str, Any] = {str(i): Answer(**{kind: v}) for i, v in enumerate(values)}
    models["frame"] = Answer(frame=pd.DataFrame({"a": values}))
    await write_models(models=models)
    (holder,) = await read_models(ModelFilter(model_type=Answer, label="frame"), lazy=True)
    assert isinstance(holder.value.frame, StoredFrame)
    view = await FrameView.open(holder.value.frame)
    number = [column.label for column in view.columns].index("a")
    asked = values[0]
    text = asked.isoformat() if kind in ("day", "moment") else str(asked)
    for operator in ("eq", "ne", *(() if kind == "text" else ("lt", "ge"))):
        ask = Answer.where({kind: ValueFilter(**{operator: asked})})
        seen = await view.arrange(conditions=[Condition(number, operator, text)])
        assert seen.num_rows == len(await found(ask)), (operator, values)


async def test_a_dict_keeps_its_order(store: str) -> None:
    """A dict comes back in the order that it was written in, by every way of reading."""
    steps: dict[str, Any] = {"standardise": 1, "pca": {"zz": 1, "a": [{"bb": 2, "a": 1}]}, "fit": 3}
    steps |= {"$o": [1, 0], "é": {"$o": {"own": 1, "order": [0]}}, "": 0}
    await write_models(models={"a": Answer(params=steps, free=[steps])})
    filter = ModelFilter(model_type=Answer)
    (read,) = await read_models(filter)
    assert repr(read.value.params) == repr(steps)
    assert repr(read.value.free) == repr([steps])
    (lazy,) = await read_models(filter, lazy=True)
    assert repr(lazy.value.params) == repr(steps)
    table = await read_frame(filter)
    assert repr(table["free"][0]) == repr([steps])
    assert [name for name in table if str(name).startswith("params.")][:2] == [
        "params.standardise",
        "params.pca.zz",
    ]
    assert await found_labels(Answer.where({"params.pca.zz": 1})) == ["a"]


async def found_labels(filter: Filter) -> list[str]:
    """The labels of the models that a filter finds."""
    return [str(one.artifact.node_label) for one in await read_models(filter)]
