"""Models as frames and tables: one row a model, its fields as typed columns."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import text, update

from artigraph import (
    BaseModel,
    DataModel,
    DeserializationError,
    FilterError,
    ModelArtifact,
    ModelFilter,
    NodeFilter,
    NodeRelationshipFilter,
    UnfitModelWarning,
    allow_model_type_overwrites,
    create_model,
    get_engine,
    new_node,
    new_session,
    read_frame,
    read_models,
    read_table,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.model import base as model_base
from artigraph.orm.node import node_table
from artigraph.serializer.json import json_serializer
from artigraph.storage.file import FileSystemStorage
from tests.conftest import Statements

ROW = [
    "node_id",
    "node_label",
    "node_parent_id",
    "node_created_at",
    "node_updated_at",
    "model_type",
    "model_version",
    "path",
]


class Kind(Enum):
    GOOD = 1
    BAD = "b"


class Leaf(DataModel, version=1, name="frames.Leaf"):
    x: int
    when: datetime | None = None


class Fit(DataModel, version=1, name="frames.Fit"):
    depth: int
    loss: float
    name: str = "fit"
    done: bool = True
    params: dict[str, Any] | None = None
    layers: list[int] | None = None


class Typed(DataModel, version=1, name="frames.Typed"):
    """Every kind of single value."""

    at: datetime = datetime(2024, 1, 31, 12, 30, 0, 5, tzinfo=UTC)
    local: datetime = datetime(2024, 1, 31, 12, 30)
    day: date = date(1, 1, 1)
    clock: time = time(23, 59, 59, 999999)
    took: timedelta = timedelta(days=-3, microseconds=1)
    price: Decimal = Decimal("12.50")
    kind: Kind = Kind.BAD
    key: UUID = UUID(int=7)
    file: Path = Path("data/x.csv")
    raw: bytes = b"\x00\xff"
    pair: tuple[float, ...] = (1.0, math.inf)


ARROW = {
    "at": pa.timestamp("us", "UTC"),
    "local": pa.timestamp("us"),
    "day": pa.date32(),
    "clock": pa.time64("us"),
    "took": pa.duration("us"),
    "price": pa.decimal128(4, 2),
    "kind": pa.string(),
    "key": pa.string(),
    "file": pa.string(),
    "raw": pa.binary(),
    "pair": pa.list_(pa.float64()),
}


async def write(*models: Any, parent_id: int | None = None) -> None:
    """Write models under their numbers."""
    await write_models(parent_id=parent_id, models={str(i): m for i, m in enumerate(models)})


def fields(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame without the columns that every one has."""
    return frame.drop(columns=ROW)


async def test_a_row_a_model(store: str) -> None:
    """The row's own columns come first, then the fields in the class's order, typed."""
    top = await write_node(new_node(node_label="top"))
    await write(Fit(3, 0.5), Fit(4, math.nan, "b", False), parent_id=top.node_id)
    written = await read_models(ModelFilter(model_type=Fit))
    frame = await read_frame(ModelFilter(model_type=Fit))
    rows = [one.artifact for one in written]
    assert list(frame.columns) == [*ROW, "depth", "loss", "name", "done", "params", "layers"]
    assert list(frame.index) == [0, 1]
    assert frame["node_id"].tolist() == [row.node_id for row in rows]
    assert frame["node_label"].tolist() == ["0", "1"]
    assert frame["node_parent_id"].tolist() == [top.node_id, top.node_id]
    assert frame["node_created_at"].tolist() == [row.node_created_at for row in rows]
    assert frame["node_updated_at"].tolist() == [row.node_updated_at for row in rows]
    assert frame["model_type"].tolist() == ["frames.Fit"] * 2
    assert frame["model_version"].tolist() == [1, 1]
    assert frame["path"].tolist() == ["top/0", "top/1"]
    expected = pd.DataFrame(
        {
            "depth": [3, 4],
            "loss": [0.5, math.nan],
            "name": pd.Series(["fit", "b"], dtype=pd.Series(["fit"]).dtype),
            "done": [True, False],
            "params": pd.Series([None, None], dtype=object),
            "layers": pd.Series([None, None], dtype=object),
        }
    )
    assert_frame_equal(fields(frame), expected)
    assert [str(frame[name].dtype) for name in ROW] == [
        "int64",
        str(expected["name"].dtype),
        "int64",
        "datetime64[us, UTC]",
        "datetime64[us, UTC]",
        str(expected["name"].dtype),
        "int64",
        str(expected["name"].dtype),
    ]


async def test_every_kind_of_value_has_its_arrow_type(store: str) -> None:
    """Dates, times, durations, decimals and the like are what they are in Arrow."""
    await write(Typed(), Typed(at=datetime.fromisoformat("2024-06-01T00:00:00+02:00")))
    table = await read_table(ModelFilter(model_type=Typed))
    assert {name: table.schema.field(name).type for name in ARROW} == ARROW
    first = table.slice(0, 1).to_pylist()[0]
    plain = {"kind": "BAD", "key": str(UUID(int=7)), "file": "data/x.csv", "pair": [1.0, math.inf]}
    for name in ARROW:
        assert first[name] == plain.get(name, getattr(Typed(), name)), name
    assert table["at"].to_pylist()[1] == datetime(2024, 5, 31, 22, tzinfo=UTC)


async def test_pandas_types(store: str) -> None:
    """A frame has pandas' types for times, and Python's values where pandas has none."""
    await write(Typed(), Typed())
    frame = await read_frame(ModelFilter(model_type=Typed))
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    assert str(frame["local"].dtype) == "datetime64[us]"
    assert str(frame["took"].dtype) == "timedelta64[us]"
    assert frame["took"][0] == timedelta(days=-3, microseconds=1)
    for name in ("day", "clock", "price", "raw"):
        assert frame[name].tolist() == [getattr(Typed(), name)] * 2
    assert frame["pair"].tolist() == [[1.0, math.inf]] * 2


async def test_missing_values(store: str) -> None:
    """Integers and bools with missing ones are nullable; floats are NaN, and null in Arrow."""
    cls: Any = create_model(
        "FramesMaybe", i=int | None, f=float | None, b=bool | None, s=str | None, d=date | None
    )
    await write(cls(i=2**60 + 1, f=math.nan, b=True, s="x", d=date(2024, 1, 1)), cls(*[None] * 5))
    frame = await read_frame(ModelFilter(model_type="FramesMaybe"))
    text_type = str(pd.Series(["x"]).dtype)
    types = {name: str(frame[name].dtype) for name in "ifbs"}
    assert types == {"i": "Int64", "f": "float64", "b": "boolean", "s": text_type}
    assert frame["i"][0] == 2**60 + 1
    assert frame["i"].isna().tolist() == frame["b"].isna().tolist() == [False, True]
    table = await read_table(ModelFilter(model_type="FramesMaybe"), ["f", "d"])
    assert [column.null_count for column in table.columns] == [1, 1]


async def test_odd_floats(store: str) -> None:
    """NaN, infinities, -0.0 and numbers that databases write as integers are floats."""
    values = [math.nan, math.inf, -math.inf, -0.0, 1e16, -1e300, 1e15, 5e-324, 3.0]
    await write(*(Fit(0, value) for value in values))
    frame = await read_frame(ModelFilter(model_type=Fit), ["loss"])
    assert str(frame["loss"].dtype) == "float64"
    assert list(map(repr, frame["loss"].tolist())) == list(map(repr, values))


async def test_numpy_scalars(store: str) -> None:
    """A number of numpy's is that number, whatever its width."""
    cls: Any = create_model("FramesNumpy", a=Any, b=Any, c=Any)
    await write(
        cls(np.float32(0.5), np.int16(3), np.str_("x")), cls(np.float64("nan"), np.uint8(1), "y")
    )
    frame = await read_frame(ModelFilter(model_type="FramesNumpy"), ["a", "b", "c"])
    assert [str(kind) for kind in frame.dtypes[["a", "b"]]] == ["float64", "int64"]
    assert frame["a"][0] == 0.5
    assert math.isnan(frame["a"][1])
    assert frame["c"].tolist() == ["x", "y"]


async def test_dicts_are_dotted_columns(store: str) -> None:
    """Keys become columns, however deep; a list in them stays a list."""
    await write(
        Fit(1, 0.0, params={"depth": 3, "adam": {"lr": 0.1, "betas": [0.9, 0.99]}}),
        Fit(2, 0.0, params={"depth": 4, "note": "x"}),
        Fit(3, 0.0, params={}),
    )
    frame = await read_frame(ModelFilter(model_type=Fit), ["params"])
    assert set(frame.columns) == {
        "params.depth",
        "params.adam.lr",
        "params.adam.betas",
        "params.note",
    }
    assert frame["params.depth"].tolist() == [3, 4, pd.NA]
    assert frame["params.adam.betas"].tolist() == [[0.9, 0.99], None, None]
    assert frame["params.note"].isna().tolist() == [True, False, True]


async def test_typed_keys_and_values(store: str) -> None:
    """Keys that are integers or dates name columns too, and values keep their types."""
    cls: Any = create_model(
        "FramesKeys", by_int=dict[int, datetime], by_day=dict[date, int], by_pair=dict[Any, int]
    )
    moment = datetime(2024, 1, 31, tzinfo=UTC)
    await write(cls({7: moment}, {date(2024, 1, 31): 3}, {(1, 2): 3}))
    table = await read_table(ModelFilter(model_type="FramesKeys"))
    assert table["by_int.7"].to_pylist() == [moment]
    assert table.schema.field("by_int.7").type == pa.timestamp("us", "UTC")
    assert table["by_day.2024-01-31"].to_pylist() == [3]
    frame = await read_frame(ModelFilter(model_type="FramesKeys"), ["by_pair"])
    assert frame["by_pair"].tolist() == [{(1, 2): 3}]


async def test_nested_models_are_dotted_columns(store: str) -> None:
    """A nested model's fields are columns, models within models too; in lists they are dicts."""
    inner: Any = create_model("FramesInner", leaf=Leaf, n=int)
    outer: Any = create_model("FramesOuter", inner=inner | None, leaves=list[Leaf], rest=Any)
    when = datetime(2024, 1, 31, tzinfo=UTC)
    await write(
        outer(inner(Leaf(1, when), 5), [Leaf(8), Leaf(9, when)], {"leaf": Leaf(3)}),
        outer(None, [], None),
    )
    wanted = ModelFilter(model_type="FramesOuter")
    frame = await read_frame(wanted)
    assert list(fields(frame).columns) == [
        "inner.leaf.x",
        "inner.leaf.when",
        "inner.n",
        "leaves",
        "rest.leaf.when",
        "rest.leaf.x",
    ]
    assert frame["inner.leaf.x"].tolist() == [1, pd.NA]
    assert frame["inner.leaf.when"][0] == when
    assert frame["rest.leaf.x"][0] == 3
    assert frame["leaves"].tolist() == [[{"x": 8, "when": None}, {"x": 9, "when": when}], []]
    assert len(await read_frame(wanted, ["inner.n"])) == 2


async def test_types_that_disagree(store: str) -> None:
    """A field of several types is of object in pandas and JSON in Arrow, and nothing fails."""
    values = [
        1,
        "a",
        None,
        True,
        datetime(2024, 1, 31, tzinfo=UTC),
        [1, "x"],
        Decimal("NaN"),
        2**70,
    ]
    cls: Any = create_model("FramesAny", v=Any)
    await write(*map(cls, values))
    table = await read_table(ModelFilter(model_type="FramesAny"), ["v"])
    field = table.schema.field("v")
    assert (field.type, field.metadata) == (pa.string(), {b"artigraph": b"json"})
    texts = table["v"].to_pylist()
    assert texts[:4] == ["1", '"a"', None, "true"]
    assert all(one is None or orjson.loads(one) is not None for one in texts)
    frame = await read_frame(ModelFilter(model_type="FramesAny"), ["v"])
    assert frame["v"].dtype == object
    came = frame["v"].tolist()
    assert [type(one) for one in came] == [type(one) for one in values]
    assert came[:6] == values[:6]
    assert came[-1] == values[-1]


async def test_integers_among_floats(store: str) -> None:
    """Integers and floats are floats together, unless a float would round one."""
    cls: Any = create_model("FramesNumber", exact=Any, large=Any)
    await write(cls(1, 2**53 + 1), cls(0.5, 0.5))
    frame = await read_frame(ModelFilter(model_type="FramesNumber"), ["exact", "large"])
    assert str(frame["exact"].dtype) == "float64"
    assert frame["large"].tolist() == [2**53 + 1, 0.5]
    assert frame["large"].dtype == object


async def test_types_that_disagree_between_chunks(store: str) -> None:
    """What is read in parts is one column, whichever part brings another type or column."""
    cls: Any = create_model("FramesLong", a=Any, b=Any, c=Any, d=Decimal)
    count = 9_000
    await write(
        *(
            cls(
                i if i < 8_999 else "last",
                i if i < 5_000 else i / 2,
                {"k": i} if i > 8_500 else None,
                Decimal(i) if i < 5_000 else Decimal("0.001"),
            )
            for i in range(count)
        )
    )
    frame = await read_frame(ModelFilter(model_type="FramesLong"))
    assert list(fields(frame).columns) == ["a", "b", "c.k", "d"]
    assert frame["a"].tolist() == [*range(count - 1), "last"]
    assert frame["b"].tolist() == [i if i < 5_000 else i / 2 for i in range(count)]
    assert frame["c.k"].dropna().tolist() == list(range(8_501, count))
    assert frame["d"].tolist() == [Decimal(i) for i in range(5_000)] + [Decimal("0.001")] * 4_000
    assert frame["node_label"].tolist() == [str(i) for i in range(count)]


# ------------------------------------------------------------------------ paths


async def test_paths(store: str) -> None:
    """A path is the labels from the root; a node without one is its id; ``/`` is escaped."""
    root = await write_node(new_node())
    odd = await write_node(new_node(node_parent_id=root.node_id, node_label="a/b\\c"))
    await write_model(parent_id=odd.node_id, label="#1", model=Fit(0, 0))
    await write_model(parent_id=root.node_id, label="run", model=Fit(1, 0))
    await write_model(label="alone", model=Fit(2, 0))
    frame = await read_frame(ModelFilter(model_type=Fit))
    top = f"#{root.node_id}"
    assert frame["path"].tolist() == [rf"{top}/a\/b\\c/\#1", f"{top}/run", "alone"]
    assert frame["node_parent_id"].tolist() == [odd.node_id, root.node_id, pd.NA]


async def test_paths_of_a_deep_tree(store: str) -> None:
    """The path of a node far down is whole."""
    parent_id = None
    for i in range(60):
        node = await write_node(new_node(node_parent_id=parent_id, node_label=str(i)))
        parent_id = node.node_id
    await write_model(parent_id=parent_id, label="end", model=Fit(0, 0))
    frame = await read_frame(ModelFilter(model_type=Fit), ["path"])
    assert frame["path"].tolist() == ["/".join(map(str, range(60))) + "/end"]


async def test_paths_below_many_nodes(statements: Statements) -> None:
    """However many parents there are, their paths are one query."""
    nodes = await write_nodes([new_node(node_label=str(i)) for i in range(700)])
    columns: dict[str, Any] = {
        "model_artifact_type": "frames.Fit",
        "model_artifact_version": 1,
        "model_artifact_data": {"depth": 1},
    }
    await write_nodes(
        [ModelArtifact(node_parent_id=n.node_id, node_label="m", **columns) for n in nodes]
    )
    statements.clear()
    frame = await read_frame(ModelFilter(model_type=Fit), ["path"])
    assert frame["path"].tolist() == [f"{i}/m" for i in range(700)]
    assert len(statements) == 2


async def test_a_cycle_ends(store: str) -> None:
    """Nodes that somebody hung on themselves in the database end a path, not the program."""
    one = await write_node(new_node(node_label="one"))
    two = await write_node(new_node(node_parent_id=one.node_id, node_label="two"))
    await write_model(parent_id=two.node_id, label="m", model=Fit(0, 0))
    engine = await get_engine()
    column = node_table.c.node_id
    async with engine.begin() as connection:
        await connection.execute(
            update(node_table).where(column == one.node_id).values(node_parent_id=two.node_id)
        )
    frame = await read_frame(ModelFilter(model_type=Fit), ["path"])
    assert frame["path"][0].endswith("two/m")
    async with engine.begin() as connection:
        await connection.execute(
            update(node_table).where(column == one.node_id).values(node_parent_id=None)
        )


# ---------------------------------------------------------------------- columns


async def test_chosen_columns(store: str) -> None:
    """``columns`` chooses and orders; a dict stands for all of its columns."""
    await write(Fit(1, 0.5, params={"a": 1, "b": {"c": 2}}))
    wanted = ModelFilter(model_type=Fit)
    frame = await read_frame(wanted, ["params.b", "loss", "node_label", "params"])
    assert list(frame.columns) == ["params.b.c", "loss", "node_label", "params.a"]
    assert list((await read_frame(wanted, ("layers",))).columns) == ["layers"]


async def test_wrong_columns(store: str) -> None:
    """What is no list of columns that there are is refused, with the nearest names."""
    await write(Fit(1, 0.5, params={"depth": 1}))
    wanted = ModelFilter(model_type=Fit)
    for columns, message in [
        (["los"], r"No model found has a column 'los'\. Did you mean 'loss'"),
        (["params.dept"], r"'params\.dept'\. Did you mean 'params\.depth'"),
        (["loss.x"], "No model found has a column 'loss.x'"),
        (["loss", "loss"], "names 'loss' twice"),
        ([], r"names no column\. Leave it out"),
        ([1], r"takes names, not 1 \(int\)"),
        ("loss", r"give a list: \['loss'\]"),
        (3, "takes a list of names, not 3"),
    ]:
        with pytest.raises(FilterError, match=message):
            await read_frame(wanted, columns)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(FilterError, match="is no filter"):
        await read_frame("fit")  # type: ignore[arg-type]  # as above


async def test_hostile_names(store: str) -> None:
    """Keys with dots, quotes, dollars or nothing in them name columns of their own."""
    params = {
        "a.b": 1,
        "a": {"b": 2},
        "": 3,
        "$": 4,
        "'; DROP TABLE artigraph_node; --": 5,
        '"': 6,
        "back\\slash": 7,
        "é😀": 8,
    }
    await write(Fit(1, 0, params=params))
    frame = await read_frame(ModelFilter(model_type=Fit), ["params"])
    assert frame.iloc[0].to_dict() == {
        r"params.a\.b": 1,
        "params.a.b": 2,
        r"params.\0": 3,
        "params.$": 4,
        "params.'; DROP TABLE artigraph_node; --": 5,
        'params."': 6,
        r"params.back\\slash": 7,
        "params.é😀": 8,
    }
    chosen = await read_frame(ModelFilter(model_type=Fit), [r"params.a\.b", "params.$"])
    assert chosen.iloc[0].tolist() == [1, 4]


async def test_a_field_called_like_a_column_of_the_row(store: str) -> None:
    """A field called ``path`` has a dot before it, and hides nothing."""
    cls: Any = create_model("FramesNamed", path=str, node_id=dict[str, int])
    await write(cls("mine", {"x": 1}))
    frame = await read_frame(ModelFilter(model_type="FramesNamed"))
    assert list(fields(frame).columns) == [".path", ".node_id.x"]
    assert frame[".path"].tolist() == ["mine"]
    assert frame["path"].tolist() == ["0"]
    chosen = await read_frame(ModelFilter(model_type="FramesNamed"), [".node_id", "path"])
    assert chosen.iloc[0].tolist() == [1, "0"]


async def test_no_models(store: str) -> None:
    """Nothing found is an empty frame, with the class's columns and types if it is named."""
    await write(Fit(1, 0.5), parent_id=(await write_node(new_node())).node_id)
    full = await read_frame(ModelFilter(model_type=Fit))
    for wanted in (
        ModelFilter(model_type=Fit, label="none"),
        NodeFilter(label="none") & ModelFilter(model_type="frames.Fit"),
    ):
        frame = await read_frame(wanted)
        assert len(frame) == 0
        same = ["depth", "loss", "name", "done", "layers", *ROW]
        # A dict's keys are not known.
        assert set(frame.columns) == set(same)
        assert list(map(str, frame.dtypes[same])) == list(map(str, full.dtypes[same]))
    assert list((await read_frame(NodeFilter(label="none"))).columns) == ROW
    typed = await read_table(ModelFilter(model_type=Typed))
    for name, kind in ARROW.items():
        if name not in ("local", "price"):
            assert typed.schema.field(name).type == kind


async def test_chosen_columns_of_no_models(store: str) -> None:
    """Columns can be chosen before there is a model; a field that the class lacks is refused."""
    wanted = ModelFilter(model_type=Fit)
    frame = await read_frame(wanted, ["loss", "params.depth", "path"])
    assert list(frame.columns) == ["loss", "params.depth", "path"]
    assert str(frame["loss"].dtype) == "float64"
    with pytest.raises(FilterError, match="Did you mean 'loss'"):
        await read_frame(wanted, ["los"])
    assert list((await read_frame(NodeFilter(label="none"), ["any"])).columns) == ["any"]


# ---------------------------------------------------- classes, versions, nobody's


async def test_two_versions(store: str) -> None:
    """Models of two versions are rows of one frame, each with the fields that it has."""
    with allow_model_type_overwrites():
        old: Any = create_model("FramesGrown", loss=float, when=datetime)
        await write_model(label="old", model=old(0.5, datetime(2024, 1, 31)))

        class Grown(DataModel, version=2, name="FramesGrown"):
            seed: int
            loss: str
            extra: int | None = None

    await write_model(label="new", model=Grown(3, "low"))
    frame = await read_frame(ModelFilter(model_type="FramesGrown"))
    assert list(fields(frame).columns) == ["seed", "loss", "extra", "when"]
    assert frame["model_version"].tolist() == [1, 2]
    assert frame["loss"].tolist() == [0.5, "low"]
    assert frame["seed"].tolist() == [pd.NA, 3]
    assert str(frame["when"].dtype) == "datetime64[us]"


async def test_without_the_class(store: str) -> None:
    """Models whose class is not defined here are typed as well."""
    await write(Typed(), Typed())
    with_class = await read_table(ModelFilter(model_type=Typed))
    del model_base.models_by_name["frames.Typed"]
    without = await read_table(ModelFilter(model_type="frames.Typed"))
    names = with_class.column_names
    assert set(names) == set(without.column_names)
    assert without.select(names).equals(with_class)


async def test_a_field_that_became_a_frame(store: str) -> None:
    """What an older version stored plainly is shown, though the class has a frame there now."""
    with allow_model_type_overwrites():
        old: Any = create_model("FramesTurned", data=list[int])
        await write_model(label="old", model=old([1, 2]))
        create_model("FramesTurned", version=2, data=pd.DataFrame)
    frame = await read_frame(ModelFilter(model_type="FramesTurned"))
    assert frame["data"].tolist() == [[1, 2]]


async def test_subclasses_together(store: str) -> None:
    """Models of a class and of its subclasses share its columns, and have their own."""

    class Base(DataModel, version=1, name="frames.Base"):
        a: int

    class Sub(Base, version=1, name="frames.Sub"):
        b: str = "b"

    class Other(Base, version=1, name="frames.Other"):
        c: float = 1.5

    await write(Base(1), Sub(2), Other(3))
    frame = await read_frame(ModelFilter(model_type=Base))
    assert list(fields(frame).columns) == ["a", "b", "c"]
    assert frame["a"].tolist() == [1, 2, 3]
    assert frame["b"].isna().tolist() == [True, False, True]
    assert frame["model_type"].tolist() == ["frames.Base", "frames.Sub", "frames.Other"]
    assert list(fields(await read_frame(ModelFilter(model_type=Sub))).columns) == ["a", "b"]


async def test_any_kind_of_model(store: str) -> None:
    """A model that is no dataclass is a row too, and other nodes are none."""

    class Point(BaseModel, version=1, name="frames.Point"):
        def __init__(self, x: int) -> None:
            self.x = x

        def model_data(self) -> dict[str, Any]:
            return {"x": self.x}

    await write_node(new_node(node_label="node"))
    await write_model(label="p", model=Point(3))
    frame = await read_frame(NodeFilter(label=["node", "p"]))
    assert fields(frame).to_dict("list") == {"x": [3]}


# ------------------------------------------------------------- costs and safety


async def test_statements(statements: Statements) -> None:
    """Two statements for models, one more for nested models, one without paths; however many."""
    for size in (3, 300):
        top = await write_node(new_node(node_label="top"))
        for i in range(2):
            parent = await write_node(new_node(node_parent_id=top.node_id, node_label=str(i)))
            await write(*(Fit(n, 0.5) for n in range(size)), parent_id=parent.node_id)
        below = NodeRelationshipFilter(descendant_of=top)
        statements.clear()
        assert len(await read_frame(below)) == 2 * size
        assert len(statements) == 2
        statements.clear()
        await read_frame(below, ["loss"])
        assert len(statements) == 1

        cls: Any = create_model(f"FramesHolds{size}", leaf=Leaf)
        parent = await write_node(new_node(node_label="holds"))
        await write(*(cls(Leaf(n)) for n in range(size)), parent_id=parent.node_id)
        statements.clear()
        frame = await read_frame(ModelFilter(model_type=cls.model_name))
        assert len(statements) == 3
        assert frame["leaf.x"].tolist() == list(range(size))


async def test_columns_of_the_row_read_no_document(store: str, statements: Statements) -> None:
    """Where no field is wanted, the documents stay in the database."""
    await write(Fit(1, 0.5))
    statements.clear()
    frame = await read_frame(ModelFilter(model_type=Fit), ["node_label", "model_type"])
    assert frame.iloc[0].tolist() == ["0", "frames.Fit"]
    assert "model_artifact_data" not in "".join(statements)


async def test_no_model_is_made(store: str) -> None:
    """Neither a class's ``__init__`` nor its migration is called."""
    made = []

    class Watched(DataModel, version=1, name="frames.Watched"):
        x: int

        def __post_init__(self) -> None:
            made.append(self)

    await write(Watched(1), Watched(2))
    made.clear()
    assert (await read_frame(ModelFilter(model_type=Watched)))["x"].tolist() == [1, 2]
    assert not made


async def test_frames_are_left_out(store: str, tmp_path: Path) -> None:
    """No blob is opened: its column is left out, and naming it says what to type instead."""
    storage = FileSystemStorage(tmp_path / "blobs", name="frames-store")
    annotation: Any = Annotated[pd.DataFrame, storage]
    noted: Any = Annotated[dict[str, int], json_serializer]
    cls: Any = create_model(
        "FramesHolder",
        x=int,
        data=annotation,
        notes=noted,
        any=Any,
        many=list[Any],
        kept=Any,
        only=Any,
    )
    frame = pd.DataFrame({"a": [1]})
    await write(
        cls(1, frame, {"k": 1}, frame, [frame], {"n": 3, "f": frame}, {"f": frame}),
        cls(2, frame, {}, 3, [], {"n": 4}, None),
    )
    for blob in (tmp_path / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    wanted = ModelFilter(model_type="FramesHolder")
    found = await read_frame(wanted)
    assert fields(found).to_dict("list") == {"x": [1, 2], "kept.n": [3, 4]}
    for column in ("data", "notes", "any", "many", "kept.f", "only", "only.f"):
        with pytest.raises(FilterError, match=r"read_models\(filter, lazy=True\)"):
            await read_frame(wanted, ["x", column])
    del model_base.models_by_name["FramesHolder"]
    with pytest.raises(FilterError, match=r"read_models\(filter, lazy=True\)"):
        await read_frame(wanted, ["data"])


async def test_a_document_that_is_none(store: str) -> None:
    """A row whose document is no JSON object is named."""
    await write(Fit(1, 0.5), Fit(2, 0.5))
    found = await read_models(ModelFilter(label="1"))
    broken = update(node_table).where(node_table.c.node_label == "1")
    async with (await get_engine()).begin() as connection:
        await connection.execute(broken.values(model_artifact_data=[1]))
    with pytest.raises(DeserializationError, match=f"node {found[0].artifact.node_id} is no JSON"):
        await read_frame(ModelFilter(model_type=Fit), strict=True)


async def test_a_model_that_holds_itself(store: str) -> None:
    """A row that somebody made a part of itself ends in an error, not in endless columns."""
    cls: Any = create_model("FramesLoop", x=Any, y=int)
    await write_model(label="x", model=cls(None, 2))
    loop = {"x": {"$": "ref", "v": "x"}, "y": 2}
    row = update(node_table).where(node_table.c.model_artifact_type == "FramesLoop")
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            row.values(
                model_artifact_data=loop,
                model_artifact_parts=1,
                node_parent_id=node_table.c.node_id,
            )
        )
    with pytest.raises(DeserializationError, match="It holds itself"):
        await read_frame(ModelFilter(model_type="FramesLoop"), strict=True)
    frame = await read_frame(ModelFilter(model_type="FramesLoop"), ["y"])
    assert frame["y"].tolist() == [2]


async def test_too_many_columns(store: str) -> None:
    """Ids as keys of a dict are refused as columns, and the other fields can be read."""
    await write(*(Fit(i, 0, params={str(100 * i + k): k for k in range(100)}) for i in range(101)))
    wanted = ModelFilter(model_type=Fit)
    with pytest.raises(FilterError, match=r"or more of them in the field 'params'\. Name other"):
        await read_frame(wanted)
    assert len(await read_frame(wanted, ["depth"])) == 101


@pytest.mark.parametrize("sizes", [[10_001], [9_999], [50_000, 3, 9_000, 6_000], [4_000] * 3])
async def test_a_model_with_too_many_columns_spoils_no_other(store: str, sizes: list[int]) -> None:
    """Its fields are missing and its row is named; those of all others are read."""
    wide = [
        Fit(n, 0, params={f"{n}-{k}" if size > 3 else str(k): k for k in range(size)})
        for n, size in enumerate(sizes)
    ]
    await write(Fit(-1, 0.5, params={"good": 1}), *wide)
    wanted = ModelFilter(model_type=Fit)
    few = sum(size < 1_000 for size in sizes)
    with pytest.warns(UnfitModelWarning, match=r"leaves no room .* columns=\[…\]") as told:
        frame = await read_frame(wanted)
    assert f"fields of {len(sizes) - few} model" in str(told[0].message)
    assert len(frame) == len(sizes) + 1
    assert frame["depth"].isna().sum() == len(sizes) - few
    assert frame["params.good"].tolist()[0] == 1
    with pytest.raises(DeserializationError, match=r"^Node \d+ \('1', frames.Fit version 1\): It"):
        await read_table(wanted, strict=True)
    assert (await read_frame(wanted, ["depth"]))["depth"].tolist() == [-1, *range(len(sizes))]


async def test_only_models_with_too_many_columns(store: str) -> None:
    """Where no field of any would be left, it is an error that says what to type."""
    await write(*(Fit(n, 0, params={f"{n}-{k}": k for k in range(6_000)}) for n in range(2)))
    with pytest.raises(FilterError, match="more of them in the field 'params'"):
        await read_frame(ModelFilter(model_type=Fit))


async def test_a_part_that_is_referred_to_again_and_again(store: str) -> None:
    """Twenty nested models, each twice in the one above it, are no million of columns."""
    cls: Any = create_model("FramesDoubled", x=Any, y=Any)
    value: object = 1
    for _ in range(20):
        value = cls(value, None)
    await write_models(models={"doubled": value, "good": cls(3, 4)})
    twice = {"x": {"$": "ref", "v": "x"}, "y": {"$": "ref", "v": "x"}}
    row = update(node_table).where(node_table.c.model_artifact_parts > 0)
    async with (await get_engine()).begin() as connection:
        await connection.execute(row.values(model_artifact_data=twice))
    wanted = ModelFilter(model_type="FramesDoubled", label=["doubled", "good"])
    with pytest.warns(UnfitModelWarning, match="The fields of 1 model"):
        frame = await read_frame(wanted)
    assert frame["x"].tolist()[1] == 3
    assert frame["y"].isna().tolist() == [True, False]


async def test_documents_that_are_no_json(tmp_path: Path, store: str) -> None:
    """Text that is no JSON at all, where a database takes it, is refused as well."""
    if store != "sqlite":
        pytest.skip("the server refuses it already")
    await write(Fit(1, 0.5), Fit(2, 0.5))
    for damaged in ('{"depth": 1}, {"depth": 2}', '{"depth": ', ""):
        async with (await get_engine()).begin() as connection:
            await connection.execute(
                text("UPDATE artigraph_node SET model_artifact_data = :x WHERE node_label = '0'"),
                {"x": damaged},
            )
        with pytest.raises(DeserializationError, match="is no JSON object"):
            await read_frame(ModelFilter(model_type=Fit), strict=True)


async def test_damaged_values_are_shown_as_they_stand(store: str) -> None:
    """A value that cannot be what its document says is shown as it was found."""
    await write(Typed(), Typed())
    odd = {
        "at": "yesterday",
        "price": {"$": "decimal", "v": "many"},
        "raw": "é",
        "pair": {"$": "of", "t": "gone", "v": {"$": "no such kind", "v": 1}},
        "$": {"at": "datetime", "price": "decimal", "raw": "bytes", "pair": {"tuple": None}},
    }
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            update(node_table).where(node_table.c.node_label == "1").values(model_artifact_data=odd)
        )
    frame = await read_frame(ModelFilter(model_type=Typed))
    assert frame["at"].tolist() == [Typed().at, "yesterday"]
    assert frame["price"].tolist() == [Decimal("12.50"), "many"]
    assert frame["raw"].tolist() == [b"\x00\xff", "é"]
    assert frame["pair"].tolist() == [[1.0, math.inf], odd["pair"]]


async def test_inside_a_session(store: str) -> None:
    """A frame shows what its session has written, before it is committed."""
    async with new_session():
        await write(Fit(1, 0.5))
        assert (await read_frame(ModelFilter(model_type=Fit)))["depth"].tolist() == [1]


async def test_others_go_on_meanwhile(store: str) -> None:
    """Other tasks of the loop run, and read frames themselves, while one is made."""
    await write(*(Fit(n, n / 7, layers=[1, 2]) for n in range(12_000)))
    turns = 0
    done = False

    async def tick() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    one, other = await asyncio.gather(
        read_frame(ModelFilter(model_type=Fit)), read_table(ModelFilter(model_type=Fit), ["depth"])
    )
    done = True
    await ticking
    assert one["depth"].tolist() == other["depth"].to_pylist() == list(range(12_000))
    assert turns > 10
