"""What the stores in this folder hold: every kind of value, and what makes it anew.

Written in public names only, since the package of then runs it as well as that of now.
Nothing here is ever changed: it says what the rows were, not what they should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import PIL.Image
import plotly.graph_objects as go
import polars as pl
import pyarrow as pa
from scipy import sparse
from sqlalchemy.orm import Mapped

from artigraph import CellRun, DataModel, Log, Node
from artigraph.serializer.datetime import datetime_serializer, timedelta_serializer
from artigraph.serializer.json import json_serializer, json_sorted_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.serializer.pyarrow import feather_serializer, record_batch_serializer
from artigraph.storage.file import FileSystemStorage

files = FileSystemStorage(Path(__file__).parent / "files", name="tests-data-v0-1")
"""Beside this module, wherever that is: rows know the name alone."""


class Colour(Enum):
    """A plain enumeration."""

    RED = 1
    GREEN = (2, 3)


class Level(IntEnum):
    """Members that are integers."""

    LOW = 1
    HIGH = 2


class Mode(StrEnum):
    """Members that are texts."""

    TRAIN = "train"
    TEST = "test"


class Access(Flag):
    """Flags."""

    READ = 1
    WRITE = 2


class Bits(IntFlag):
    """Flags that are integers."""

    A = 1
    B = 2


class Scalars(DataModel, version=1, name="v0_1.Scalars"):
    """A field for each type that has no inner values."""

    boolean: bool
    integer: int
    huge: int
    real: float
    odd: list[float]
    text: str
    nasty: list[str]
    raw: bytes
    moment: datetime
    second_of_two: datetime
    zoned: datetime
    naive: datetime
    day: date
    clock: time
    span: timedelta
    number: Decimal
    key: UUID
    path: Path
    posix: PurePosixPath
    windows: PureWindowsPath
    colour: Colour
    level: Level
    mode: Mode
    access: Access
    bits: Bits
    word: Literal["a", "b"]
    nothing: None
    float32: np.float32
    int16: np.int16
    moment64: np.datetime64
    missing: int | None = None


class Leaf(DataModel, version=1, name="v0_1.Leaf"):
    """What others hold."""

    x: int
    frame: pd.DataFrame | None = None


class Containers(DataModel, version=1, name="v0_1.Containers"):
    """Values with inner values, and models with inner models."""

    numbers: list[int]
    pair: tuple[int, str]
    many: tuple[float, ...]
    names: set[str]
    frozen: frozenset[int]
    by_name: dict[str, float]
    by_day: dict[date, int]
    deep: dict[str, list[dict[str, int]]]
    either: list[int | str | None]
    anything: Any
    leaf: Leaf
    leaves: list[Leaf]
    by_leaf: dict[str, Leaf]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class InRow(DataModel, version=1, name="v0_1.InRow"):
    """What a serializer writes, kept in the database; each of those that come with artigraph."""

    array: np.ndarray
    frame: pd.DataFrame
    polars: pl.DataFrame
    parquet: pa.Table
    feather: Annotated[pa.Table, feather_serializer]
    batch: Annotated[pa.RecordBatch, record_batch_serializer]
    image: PIL.Image.Image
    plot: go.Figure
    matrix: sparse.csr_array
    json: Annotated[Any, json_serializer]
    json_sorted: Annotated[Any, json_sorted_serializer]
    moment: Annotated[datetime, datetime_serializer]
    span: Annotated[timedelta, timedelta_serializer]


class InFiles(DataModel, version=1, name="v0_1.InFiles"):
    """The same, kept in a folder."""

    array: Annotated[np.ndarray, files]
    frame: Annotated[pd.DataFrame, files]
    table: Annotated[pa.Table, feather_serializer, files]
    nested: Annotated[dict[str, np.ndarray], files]
    text: Annotated[str, json_serializer, files]


class Migrated(DataModel, version=2, name="v0_1.Migrated"):
    """Its rows are of version 1, which had ``depth`` rather than ``params``."""

    loss: float
    params: dict[str, Any]

    @classmethod
    def model_migrate(cls, version: int, data: dict[str, Any]) -> Migrated:
        """Read version 1."""
        assert version == 1
        return cls(data["loss"], {"depth": data["depth"]})


class Trial(Node):
    """A node with a column of each type that columns have."""

    __mapper_args__ = {"polymorphic_identity": "v0_1_trial"}  # noqa: RUF012  # SQLAlchemy types it as an instance's
    v0_1_by: Mapped[str]
    v0_1_count: Mapped[int]
    v0_1_loss: Mapped[float]
    v0_1_good: Mapped[bool]
    v0_1_at: Mapped[datetime]
    v0_1_raw: Mapped[bytes]
    v0_1_note: Mapped[str | None]


MOMENT = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

TRIAL: dict[str, Any] = {
    "v0_1_by": "ada ☃ \\ ' %",
    "v0_1_count": 2**40,
    "v0_1_loss": 0.1,
    "v0_1_good": True,
    "v0_1_at": MOMENT,
    "v0_1_raw": b"\x00\xff'%\n",
    "v0_1_note": None,
}
CELL: dict[str, Any] = {
    "cell_run_status": "finished",
    "cell_run_started_at": MOMENT,
    "cell_run_ended_at": MOMENT + timedelta(seconds=1),
    "cell_run_error": None,
    "cell_run_source": "%%artigraph run\nloss = 0.1  # 'ä' % \\",
    "cell_run_digest": "0" * 64,
    "cell_run_count": 7,
    "cell_run_params": {"depth": 4, "rate": 0.5},
    "cell_run_saved": {"loss": 3},
}
COLUMNS: dict[str, tuple[type[Node], dict[str, Any]]] = {
    "trial": (Trial, TRIAL),
    "cell": (CellRun, CELL),
}
"""Rows of subclasses of ``Node``, by label."""


def frame() -> pd.DataFrame:
    """A frame with columns of several types, and what they lack."""
    made = pd.DataFrame(
        {
            "n": pd.Series([1, 2, 3], dtype="int64"),
            "x": [0.5, None, -1.0],
            "text": pd.Series(["a", "ä", ""], dtype="str"),
            "at": pd.to_datetime(pd.Series(["2024-01-01", None, "2024-01-03"])),
            "level": pd.Categorical(["low", "high", "low"]),
            "whole": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    made.index = pd.Index([10, 20, 30], name="key")
    return made


def models() -> Mapping[str, Any]:
    """The models that were written below the node ``"models"``, by label."""
    table = pa.table({"x": [1, 2, None], "s": ["a", None, "c"]})
    image = PIL.Image.new("RGB", (3, 2), (10, 20, 30))
    image.putpixel((1, 1), (200, 0, 7))
    return {
        "scalars": Scalars(
            boolean=True,
            integer=-(2**63),
            huge=10**30,
            real=0.1,
            odd=[1e22, -0.0, 5e-324, float("inf"), float("-inf"), float("nan")],
            text="plain",
            nasty=["", "$", "a\x00b", "\ud800", "😀", "' \\ % ; \n\r", "\u2028"],
            raw=b"\x00\xff",
            moment=MOMENT,
            second_of_two=datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
            zoned=MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45))),
            naive=datetime(2024, 1, 1, 12),
            day=date(1, 2, 3),
            clock=time(1, 2, 3, 4, fold=1),
            span=timedelta(days=-1, microseconds=3),
            number=Decimal("1.50"),
            key=UUID(int=2**100 + 7),
            path=Path("a/b c"),
            posix=PurePosixPath("/etc/x"),
            windows=PureWindowsPath("C:\\x"),
            colour=Colour.GREEN,
            level=Level.HIGH,
            mode=Mode.TEST,
            access=Access.READ | Access.WRITE,
            bits=Bits(7),
            word="b",
            nothing=None,
            float32=np.float32(0.1),
            int16=np.int16(-3),
            moment64=np.datetime64("2024-01-02T03:04:05", "s"),
        ),
        "containers": Containers(
            numbers=[1, 2**70, -3],
            pair=(1, "b"),
            many=(0.5, 1e16),
            names={"a", "b"},
            frozen=frozenset({1, 2}),
            by_name={"b": 1.0, "a": 2.5, "$": 3.0},
            by_day={date(2024, 1, 2): 1},
            deep={"a": [{"b": 1}, {}], "c": []},
            either=[1, "one", None],
            anything={
                "tuple": (1, "a", None),
                "set": {1, 2},
                "keys": {(1, 2): "t", 3: "i", None: "n"},
                "days": [date(2024, 1, 2), MOMENT, timedelta(1), Decimal("2.0")],
                "numpy": [np.float64(0.25), np.int8(1), np.str_("s"), np.bool_(True)],
                "model": Leaf(3),
                "bytes": b"\x01",
                "$": {"v": 1},
                "paths": [Path("x"), UUID(int=5)],
                "array": np.arange(3),
            },
            leaf=Leaf(1, frame()),
            leaves=[Leaf(2), Leaf(3)],
            by_leaf={"a b": Leaf(4)},
            arrays={"ones": np.ones((2, 2), "f4"), "none": np.zeros((0, 3))},
        ),
        "in row": InRow(
            array=np.arange(6, dtype=">i4").reshape(2, 3),
            frame=frame(),
            polars=pl.DataFrame({"x": [1, None], "s": ["a", "b"]}),
            parquet=table,
            feather=table,
            batch=pa.record_batch({"x": pa.array([1, 2])}),
            image=image,
            plot=go.Figure(go.Scatter(x=[1, 2], y=np.array([0.5, 1.5]))),
            matrix=sparse.csr_array(np.array([[0, 1.5], [2, 0]])),
            json={"b": [1, None, "x"], "a": 0.5},
            json_sorted={"b": 1, "a": [True]},
            moment=datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=BERLIN),
            span=timedelta(days=3, microseconds=1),
        ),
        "in files": InFiles(
            array=np.linspace(0, 1, 5),
            frame=frame(),
            table=table,
            nested={"a": np.arange(3), "b": np.array(["x", "yz"])},
            text="in a file",
        ),
        "log": Log(loss=0.1, step=3, note="ä", when=MOMENT),
    }


MIGRATED = Migrated(0.21, {"depth": 4})
"""How the row ``"migrated"`` is read."""


ARTIFACTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "json": ({"a": [1, None]}, {"serializer": json_serializer}),
    "array": (np.arange(4.0), {"serializer": array_serializer}),
    "array in a file": (np.arange(9), {"serializer": array_serializer, "storage": files}),
    "frame in a file": (frame(), {"serializer": dataframe_serializer, "storage": files}),
}
"""Artifacts below the node ``"artifacts"``: the value, and how it was stored."""

GROUP = {"first": Leaf(10), "second": Leaf(11)}
"""The models of the group on the node ``"group"``, below ``"models"``."""
