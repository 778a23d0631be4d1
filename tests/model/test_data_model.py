"""A DataModel is a frozen dataclass; other kinds of models say themselves what they are."""

import copy
import dataclasses
import functools
import math
import pickle
import re
import types
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, FrozenInstanceError, InitVar, dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array, dok_array

from artigraph import (
    ArtifactFilter,
    BaseModel,
    DataModel,
    ModelDefinitionError,
    ModelFilter,
    RemoteArtifact,
    SerializationError,
    allow_model_type_overwrites,
    create_model,
    model_field,
    read_artifacts,
    read_model,
    read_models,
    write_model,
)
from artigraph.serializer.json import json_serializer, json_sorted_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.storage.file import FileSystemStorage, temp_file_storage
from tests.model import postponed

T = TypeVar("T")


class Simple(DataModel, version=1, name="data.Simple"):
    """Two fields, one with a default."""

    x: int
    y: list[int] = field(default_factory=list)


class Pickled(DataModel, version=1, name="data.Pickled", kw_only=True):
    """At module level, as pickle wants it."""

    x: int = 1
    array: Any = None


def define(class_name: str, /, *bases: type[Any], **options: Any) -> Any:
    """A model class without fields, as a class statement with these options makes it."""
    return types.new_class(class_name, bases or (DataModel,), options)


async def write_and_read(model: BaseModel) -> Any:
    written = await write_model(label="m", model=model)
    return (await read_model(ModelFilter(node_id=written.artifact.node_id))).value


# ----------------------------------------------------------- frozen dataclass


def test_a_model_is_a_frozen_dataclass() -> None:
    """The functions of dataclasses see one, and it cannot be changed."""
    model = Simple(1)
    assert dataclasses.is_dataclass(model)
    assert [f.name for f in dataclasses.fields(model)] == ["x", "y"]
    assert dataclasses.asdict(model) == {"x": 1, "y": []}
    assert dataclasses.astuple(model) == (1, [])
    assert dataclasses.replace(model, x=2) == Simple(2)
    assert Simple.__match_args__ == ("x", "y")
    assert repr(model) == "Simple(x=1, y=[])"
    for name in ("x", "z"):
        with pytest.raises(FrozenInstanceError):
            setattr(model, name, 2)
    with pytest.raises(FrozenInstanceError):
        del model.x
    assert model == Simple(1)


def test_instances_compare_and_hash_as_frozen_dataclasses() -> None:
    """Equal fields are equal and hash alike; other classes never are."""

    class One(DataModel, version=1):
        x: int
        y: Any = None

    class Two(DataModel, version=1):
        x: int
        y: Any = None

    class Sub(One, version=1):
        pass

    assert One(1) == One(1) != One(2)
    assert hash(One(1)) == hash(One(1))
    assert len({One(1), One(1), One(2)}) == 2
    others: list[object] = [Two(1), Sub(1), (1, None), 1]
    assert all(One(1) != other for other in others)
    with pytest.raises(TypeError, match="unhashable"):
        hash(One(1, []))


def test_every_option_of_dataclass_is_taken() -> None:
    """Each option does what it does for a dataclass."""

    class Quiet(DataModel, version=1, repr=False):
        x: int = 1

    assert "x=1" not in repr(Quiet())

    class Ordered(DataModel, version=1, order=True):
        x: int
        y: int = 0

    assert Ordered(1) < Ordered(2) <= Ordered(2, 0)
    assert sorted([Ordered(3), Ordered(1)])[0] == Ordered(1)

    class Identity(DataModel, version=1, eq=False):
        x: int = 1

    one = Identity()
    assert one != Identity()
    assert one == one  # that is the point
    assert len({one, Identity()}) == 2

    class Keywords(DataModel, version=1, kw_only=True, match_args=False):
        x: int = 1
        y: int

    assert Keywords(y=2).x == 1
    with pytest.raises(TypeError):
        Keywords(1, 2)  # type: ignore[call-arg]  # that is the point

    class Mine(DataModel, version=1, init=False):
        x: int

        def __init__(self, text: str) -> None:
            object.__setattr__(self, "x", int(text))

    assert Mine("5").x == 5

    class Unsafe(DataModel, version=1, unsafe_hash=True):
        x: int = 1

    assert hash(Unsafe()) == hash(Unsafe())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"frozen": False}, "frozen=False"),
        ({"slots": True}, "slots=True"),
        ({"weakref_slot": True}, "weakref_slot=True"),
    ],
)
def test_options_that_would_break_a_model_are_refused(options: dict[str, Any], text: str) -> None:
    """A model is frozen and has no slots; saying otherwise names the option and the way out."""
    with pytest.raises(ModelDefinitionError, match=re.escape(text)):
        define("Bad", version=1, **options)


def test_frozen_and_no_slots_may_be_said() -> None:
    """What a model is anyway may be said."""

    class Said(DataModel, version=1, frozen=True, slots=False):
        x: int = 1

    assert Said().x == 1


def test_ones_own_methods_are_kept() -> None:
    """A class that defines __eq__, __hash__, __repr__ or __init__ keeps its own, its heirs too."""

    class Own(DataModel, version=1):
        x: int
        note: str = ""

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and self.x == other.x

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    assert Own(1, "a") == Own(1, "b")
    assert hash(Own(1)) == 7
    assert repr(Own(1)) == "own"
    decorated = dataclass(Own)
    assert decorated(1, "a") == Own(1, "b")
    assert hash(decorated(1)) == 7


def test_a_field_may_be_left_out_of_comparison_and_repr() -> None:
    """field(compare=False, repr=False, hash=False) means what it does for dataclasses."""

    class Noted(DataModel, version=1):
        x: int
        note: str = field(default="", compare=False, repr=False)

    assert Noted(1, "a") == Noted(1, "b")
    assert hash(Noted(1, "a")) == hash(Noted(1, "b"))
    assert "note" not in repr(Noted(1, "a"))


FRAME = {"x": [1.0, math.nan]}


def arrow_column(values: list[Any], kind: Any = None) -> Any:
    """A column of pandas that Arrow holds."""
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, kind)))


def cells(*values: Any) -> pd.DataFrame:
    """A frame of one object column."""
    return pd.DataFrame({"x": pd.Series(list(values), dtype=object)})


PAIRS = pa.map_(pa.string(), pa.float64())
RECORDS = [("a", "f8"), ("b", "i4")]
NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (lambda: pd.DataFrame(FRAME), lambda: pd.DataFrame({"x": [1.0, 2.0]})),
        (lambda: pl.DataFrame({"x": [1]}), lambda: pl.DataFrame({"x": [2]})),
        (lambda: pa.table({"x": [1]}), lambda: pa.table({"x": [2]})),
        (lambda: pd.Series([1.0, math.nan]), lambda: pd.Series([1.0])),
        (lambda: np.array([1.0, math.nan]), lambda: np.array([1.0, 2.0])),
        (lambda: np.array([1.0, math.nan]), lambda: np.array([1.0])),
        (lambda: np.array(["a"]), lambda: np.array(["b"])),
        (lambda: np.array(["a"]), lambda: np.array([1])),
        (lambda: np.array(["2024"], "M8[D]"), lambda: np.array([1.5])),
        (lambda: np.array(["NaT"], "M8[D]"), lambda: np.array(["2024"], "M8[D]")),
        (lambda: np.zeros(2, "i4,f8"), lambda: np.ones(2, "i4,f8")),
        (lambda: np.zeros(2, "i4,f8"), lambda: np.zeros(2)),
        (lambda: np.array([]), lambda: np.array([1.0])),
        (lambda: np.float64("nan"), lambda: np.float64(1)),
        (lambda: np.array(1.0), lambda: None),
        (lambda: np.array(1.0), lambda: "text"),
        (lambda: pd.DataFrame(FRAME), lambda: np.array([1.0, math.nan])),
        (lambda: pd.DataFrame(FRAME), lambda: None),
        (lambda: pd.DataFrame(FRAME), lambda: []),
        (lambda: [math.nan, 1], lambda: [math.nan, 2]),
        (lambda: float("nan"), lambda: 1.0),
        (lambda: pd.NA, lambda: 1),
        (lambda: np.array([(NAN, 1)], RECORDS), lambda: np.array([(NAN, 2)], RECORDS)),
        (lambda: np.array([[NAN], "a"], object), lambda: np.array([[NAN], "b"], object)),
        (lambda: pa.table(FRAME), lambda: pa.table({"x": [1.0, None]})),
        (lambda: pa.table(FRAME), lambda: pa.table({"y": [1.0, math.nan]})),
        (lambda: pa.table({"x": [[1.0, NAN], None]}), lambda: pa.table({"x": [[1.0], [NAN]]})),
        (lambda: pa.table({"x": [{"a": NAN}, None]}), lambda: pa.table({"x": [{"a": 1.0}, None]})),
        (
            lambda: pa.table({"x": pa.array([[("a", NAN)], None], PAIRS)}),
            lambda: pa.table({"x": pa.array([[("b", NAN)], None], PAIRS)}),
        ),
        (
            lambda: pa.record_batch([pa.array(np.array([NAN, 1.0], np.float16))], ["x"]),
            lambda: pa.record_batch([pa.array(np.array([NAN, 2.0], np.float16))], ["x"]),
        ),
        (
            lambda: pa.array([NAN, 1.0, NAN]).dictionary_encode(),
            lambda: pa.array([NAN, 1.0, 1.0]).dictionary_encode(),
        ),
        (lambda: arrow_column([1.0, NAN, None]), lambda: arrow_column([1.0, None, NAN])),
        (lambda: pd.Index(arrow_column([1.0, NAN])), lambda: pd.Index(arrow_column([1.0, 2.0]))),
        (
            lambda: pd.DataFrame(FRAME, index=pd.Index(arrow_column([1.0, NAN]))),
            lambda: pd.DataFrame(FRAME, index=pd.Index(arrow_column([NAN, 1.0]))),
        ),
        (
            lambda: cells([0.1, float("nan")], {"a": float("nan")}),
            lambda: cells([0.1, float("nan")], {"a": 1.0}),
        ),
        (lambda: cells(np.array([0.1, NAN])), lambda: cells(np.array([0.1, 1.0]))),
        (lambda: csr_array([[NAN, 0], [0, 2.0]]), lambda: csr_array([[NAN, 0], [3.0, 2.0]])),
        (lambda: dok_array(np.eye(2)), lambda: dok_array(np.ones((2, 2)))),
        (lambda: np.zeros((2, 1), [("x", "f8")]), lambda: pd.DataFrame({"x": [0.0, 0.0]})),
    ],
)
def test_models_with_frames_and_arrays_compare(make: Any, other: Any) -> None:
    """Frames and arrays compare by content wherever they are, NaN with NaN; the rest differs."""
    for wrap in (
        lambda value: value,
        lambda value: [value],
        lambda value: {"k": (value, 1)},
        lambda value: Pickled(array=value),
    ):
        one, equal, unequal = (Pickled(array=wrap(made())) for made in (make, make, other))
        assert (one == equal) is True
        assert (one == unequal) is False
        assert (unequal == one) is False
        assert (one != unequal) is True


def test_models_are_copied_and_pickled() -> None:
    """copy, deepcopy and pickle give equal models of the same class."""
    model = Pickled(x=2, array=np.arange(3))
    for made in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert made == model
        assert type(made) is Pickled
        with pytest.raises(FrozenInstanceError):
            made.x = 5  # type: ignore[misc]  # that is the point


def test_a_class_works_with_match_and_cached_properties() -> None:
    """Patterns match by place, and functools.cached_property is no field."""

    class Cached(DataModel, version=1):
        kind: ClassVar[str] = "k"
        x: int

        @functools.cached_property
        def double(self) -> int:
            return 2 * self.x

    model = Cached(2)
    assert model.double == 4
    assert model.model_data() == {"x": 2}
    assert model == Cached(2)
    match model:
        case Cached(x):
            assert x == 2


async def test_what_is_no_field_is_not_stored(store: str) -> None:
    """A cached property, a ClassVar and an unset field are not stored, and the model comes back."""

    class Partly(DataModel, version=1):
        kind: ClassVar[str] = "k"
        x: int
        late: int = field(init=False)

        @functools.cached_property
        def double(self) -> int:
            return 2 * self.x

    model = Partly(2)
    assert model.double == 4
    back = await write_and_read(model)
    assert back.x == 2
    assert "double" not in vars(back)
    assert "late" not in vars(back)


# ------------------------------------------------------- @dataclass above it


def test_a_plain_dataclass_above_changes_nothing() -> None:
    """@dataclass above a model leaves defaults, factories, order and methods as they are."""

    @dataclass
    class Decorated(DataModel, version=1):
        a: int
        b: list[int] = field(default_factory=list)
        c: str = "c"
        d: int = field(default=5, repr=False, compare=False)
        kind: ClassVar[int] = 3
        seed: InitVar[int] = 0
        _: KW_ONLY
        e: int = 6
        weights: Any = model_field(default=None, storage=temp_file_storage)  # noqa: RUF009  # a field

        def __post_init__(self, seed: int) -> None:  # type: ignore[override]  # mypy loses the InitVar
            assert seed == 0

    model = Decorated(1)
    assert (model.a, model.b, model.c, model.d, model.e) == (1, [], "c", 5, 6)
    assert Decorated(1).b is not model.b
    assert Decorated.kind == 3
    assert "d=" not in repr(model)
    assert model == Decorated(1, d=7)
    assert hash(Decorated(1, b=())) == hash(Decorated(1, b=()))  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        model.a = 2  # type: ignore[misc]  # that is the point
    with pytest.raises(TypeError):
        Decorated(1, [], "c", 5, 0, 6)  # type: ignore[call-arg]  # e is keyword-only
    assert [f.name for f in dataclasses.fields(Decorated)] == ["a", "b", "c", "d", "e", "weights"]
    assert not any(isinstance(value, dataclasses.Field) for value in vars(Decorated).values())
    assert list(Decorated._model_codecs().encoders) == ["a", "b", "c", "d", "e", "weights"]


def test_a_plain_dataclass_above_keeps_the_options() -> None:
    """What the class statement said (kw_only, eq, order, repr) stays so under @dataclass."""

    @dataclass
    class Keywords(DataModel, version=1, kw_only=True, order=True, repr=False):
        x: int = 1
        y: int  # type: ignore[misc]  # mypy looks at the decorator alone

    assert Keywords(y=2) < Keywords(y=3)
    assert "y=2" not in repr(Keywords(y=2))
    with pytest.raises(TypeError):
        Keywords(1, 2)  # type: ignore[call-arg]  # that is the point

    @dataclass
    class Identity(DataModel, version=1, eq=False):
        x: int = 1

    assert Identity() != Identity()
    assert len({Identity(), Identity()}) == 2


def test_decorated_and_bare_classes_inherit_from_each_other() -> None:
    """A subclass of a subclass, with and without @dataclass, has all fields and is frozen."""

    @dataclass
    class First(DataModel):
        a: int
        b: list[int] = field(default_factory=list)

    class Second(First, version=1):
        c: int = 3

    @dataclass
    class Third(Second, version=1):  # type: ignore[misc]  # mypy wants it to say frozen=True
        a: int = 10
        d: dict[str, int] = field(default_factory=dict)

    class Fourth(Third, version=2, kw_only=True):
        e: int

    model = Fourth(1, e=5)
    assert dataclasses.asdict(model) == {"a": 1, "b": [], "c": 3, "d": {}, "e": 5}
    assert Third().a == 10
    assert Second(1).c == 3
    for made in (First(1), Second(1), Third(), model):
        with pytest.raises(FrozenInstanceError):
            made.b = []  # type: ignore[misc]  # that is the point
    assert Third.model_version == 1
    assert First.model_version is None


def test_a_frozen_dataclass_above_is_harmless() -> None:
    """@dataclass(frozen=True) says what a model is anyway, and does no harm either."""

    @dataclass(frozen=True)
    class Frozen(DataModel, version=1):
        x: int = 1
        y: list[int] = field(default_factory=list)

    assert Frozen().y == []
    with pytest.raises(FrozenInstanceError):
        Frozen().x = 2  # type: ignore[misc]  # that is the point


# ------------------------------------------------------------ what is read back


async def test_init_false_fields_and_post_init(store: str) -> None:
    """__post_init__ runs on reading, and fields that it sets come back as they were stored."""
    runs: list[int] = []

    class Post(DataModel, version=1):
        x: int
        double: int = field(init=False)
        when: date = field(init=False, default=date(2024, 1, 1))
        scale: InitVar[int] = 2

        def __post_init__(self, scale: int) -> None:
            runs.append(scale)
            object.__setattr__(self, "double", self.x * scale)

    model = Post(3, scale=10)
    assert model.double == 30
    back = await write_and_read(model)
    assert runs == [10, 2]
    assert back == model
    assert back.double == 30
    assert back.when == date(2024, 1, 1)


async def test_a_post_init_that_raises_says_so_itself(store: str) -> None:
    """An error of the class's own __post_init__ is not taken for one of the store's."""

    class Strict(DataModel, version=1):
        x: int
        allowed: ClassVar[bool] = True

        def __post_init__(self) -> None:
            if not self.allowed:
                raise TypeError("my own reason")

    written = await write_model(label="m", model=Strict(1))
    Strict.allowed = False
    with pytest.raises(TypeError, match="my own reason"):
        await read_model(ModelFilter(node_id=written.artifact.node_id))


def test_an_init_var_that_could_not_be_given_again_is_refused() -> None:
    """A class that cannot be made of its fields alone could never be read, so it is refused."""
    with pytest.raises(ModelDefinitionError, match="'seed'"):

        class NeedsSeed(DataModel, version=1):
            x: int
            seed: InitVar[int]


async def test_generic_and_mixed_classes_come_back(store: str) -> None:
    """A model may be generic, abstract, and derive from classes that know nothing of models."""

    class Sized:
        @abstractmethod
        def size(self) -> int: ...

    class Box(DataModel, Generic[T]):
        content: T
        more: list[T] = field(default_factory=list)

    class Filled(Box[date], Sized, version=1):
        def size(self) -> int:
            return 1 + len(self.more)

    class Bag(DataModel, Generic[T], version=1):
        items: dict[str, T]

    filled = Filled(date.min, [date.max])
    assert await write_and_read(filled) == filled
    bag: Bag[int] = Bag[int]({"a": 1})
    back = await write_and_read(Pickled(array=bag))
    assert back.array == bag
    assert type(back.array) is Bag

    class Shape(DataModel):
        @abstractmethod
        def area(self) -> float: ...

    class Square(Shape, version=1):
        side: float

        def area(self) -> float:
            return self.side**2

    with pytest.raises(TypeError, match="abstract"):
        Shape()  # type: ignore[abstract]  # that is the point
    assert (await write_and_read(Square(2.0))).area() == 4.0


async def test_defaults_are_stored_with_the_model(store: str) -> None:
    """A field that had its default comes back as it was then, whatever the default is now."""

    class Old(DataModel, version=1, name="data.Default"):
        x: int = 1
        y: list[int] = field(default_factory=lambda: [1])

    written = await write_model(label="m", model=Old())
    with allow_model_type_overwrites():

        class New(DataModel, version=1, name="data.Default"):
            x: int = 2
            y: list[int] = field(default_factory=lambda: [2])
            z: int = 3

    back = (await read_model(ModelFilter(node_id=written.artifact.node_id))).value
    assert back == New(1, [1], 3)


# --------------------------------------------------------------- annotations


async def test_postponed_annotations_are_resolved(store: str, tmp_path: Path) -> None:
    """Annotations that are text are understood, those of a function's own names too."""
    later = postponed.Later(postponed.Below(date.min), [postponed.Later()])
    assert await write_and_read(later) == later
    local: Any = postponed.make_local(tmp_path)
    color: Any = inspect_color(local)
    model = local(color, [1, 2])
    assert model.count == 5
    back = await write_and_read(model)
    assert back == model
    assert back.color is color
    rows = await read_artifacts(ArtifactFilter())
    assert any(isinstance(row.artifact, RemoteArtifact) for row in rows)


def inspect_color(cls: type[DataModel]) -> Any:
    """The first member of the enumeration that a field is annotated with."""
    return list(cls.model_annotations()["color"])[0]  # noqa: RUF015  # an Enum is no iterator


async def test_an_annotation_that_nobody_defines_is_named(store: str) -> None:
    """A name that cannot be resolved is told with its class and what to do."""
    missing: Any = postponed.make_missing()
    with pytest.raises(ModelDefinitionError, match=r"Missing names 'NoSuchType'.*module level"):
        await write_model(label="m", model=missing(1))
    assert await read_models(ModelFilter()) == []


def test_names_of_models_are_no_fields() -> None:
    """A field that would hide what every model has is refused when the class is defined."""

    def made(field_name: str) -> Any:
        fields: dict[str, Any] = {field_name: int}
        return create_model("Hiding", **fields)

    for name in ("model_name", "model_version", "model_data", "model_init", "model_migrate"):
        with pytest.raises(ModelDefinitionError, match=f"a field '{name}'"):
            made(name)


# ------------------------------------------------------- versions and names


@pytest.mark.parametrize("version", ["1", 1.0, True, None.__class__, (1,)])
def test_a_version_is_an_integer(version: Any) -> None:
    """Anything else is refused, with what to write."""
    with pytest.raises(ModelDefinitionError, match=r"The version of Bad is an integer"):
        define("Bad", version=version)


@pytest.mark.parametrize("version", [2**31, -(2**31) - 1, 202401011200])
def test_a_version_fits_the_column(version: int) -> None:
    """A version that a database could not hold is refused when the class is defined."""
    with pytest.raises(ModelDefinitionError, match="databases count to 2147483647"):
        define("Bad", version=version)


async def test_a_class_without_a_version_is_not_written(store: str) -> None:
    """It is there to be subclassed; the error shows how to declare a version."""

    class Base(DataModel):
        x: int = 1

    with pytest.raises(SerializationError, match=r"class Base\(…, version=1\)"):
        await write_model(label="m", model=Base())
    assert await read_models(ModelFilter()) == []

    class Derived(Base, version=0):
        y: int = 2

    assert await write_and_read(Derived()) == Derived(1, 2)


async def test_a_name_of_its_own(store: str) -> None:
    """name= is what rows are called, so that the class may be renamed."""

    class Renamed(DataModel, version=1, name="data/old name ä"):
        x: int

    written = await write_model(label="m", model=Renamed(1))
    assert written.artifact.model_artifact_type == "data/old name ä"
    assert await read_models(ModelFilter(model_type=Renamed)) != []
    with pytest.raises(ModelDefinitionError, match="'data/old name ä' belongs to"):
        define("Other", version=1, name="data/old name ä")


@pytest.mark.parametrize("name", ["x" * 256, "a\x00b", "\ud800", 5])
def test_a_name_that_no_database_holds_is_refused(name: Any) -> None:
    """A name is a text of at most 255 characters."""
    with pytest.raises(ModelDefinitionError, match="at most 255 characters"):
        define("Bad", version=1, name=name)


# --------------------------------------------------------------- model_field


async def test_model_field_is_annotated_in_another_place(store: str, tmp_path: Path) -> None:
    """model_field() names serializer and storage, and takes what dataclasses.field() takes."""
    files = FileSystemStorage(tmp_path, name="test-model-field")

    class Fielded(DataModel, version=1):
        plain: int = model_field(default=1)
        array: Any = model_field(
            serializer=array_serializer, storage=files, default_factory=lambda: np.zeros(2)
        )
        note: str | None = model_field(
            storage=files, default=None, repr=False, compare=False, metadata={"unit": "m"}
        )
        both: Annotated[dict[str, date], json_serializer] = model_field(
            storage=files, default_factory=dict, kw_only=True
        )
        late: int = model_field(init=False, default=7)

    model = Fielded(note="n", both={"a": date.min})
    assert "note" not in repr(model)
    assert Fielded(note="m") == Fielded(note=None)
    assert Fielded().array is not Fielded().array
    note = next(f for f in dataclasses.fields(Fielded) if f.name == "note")
    assert note.metadata["unit"] == "m"
    back = await write_and_read(model)
    assert back == model
    assert back.note == "n"
    assert back.late == 7
    rows = {row.artifact.node_label: row.artifact for row in await read_artifacts(ArtifactFilter())}
    remote = {label for label, row in rows.items() if isinstance(row, RemoteArtifact)}
    assert remote == {"array", "note", "both"}
    assert rows["array"].artifact_serializer == "artigraph-numpy"


def test_model_field_refuses_what_it_cannot_use() -> None:
    """Something that is no serializer or no storage is named; two serializers are refused."""
    with pytest.raises(ModelDefinitionError, match="'json' is no serializer"):
        model_field(serializer="json")  # type: ignore[call-overload]  # that is the point
    with pytest.raises(ModelDefinitionError, match="'/tmp' is no storage"):
        model_field(storage="/tmp")  # type: ignore[call-overload]  # that is the point
    with pytest.raises(ValueError, match="default"):
        model_field(default=1, default_factory=int)

    class Twice(DataModel, version=1):
        x: Annotated[int, json_serializer] = model_field(
            serializer=json_sorted_serializer, default=1
        )

    with pytest.raises(ModelDefinitionError, match="several serializers"):
        Twice._model_codecs()


# -------------------------------------------------------------- create_model


async def test_create_model_makes_a_class(store: str) -> None:
    """Types, defaults, factories, a version and a base make a class like any other."""

    class Base(DataModel):
        a: int

        def twice(self) -> int:
            return 2 * self.a

    made: Any = create_model(
        "Made",
        version=3,
        base=Base,
        b=(list[date], field(default_factory=list)),
        c=(str, "c"),
        d=(Any, model_field(default=None, storage=temp_file_storage)),
        e=("int | None", None),
    )
    assert issubclass(made, Base)
    assert made.__name__ == made.__qualname__ == made.model_name == "Made"
    assert made.__module__ == __name__
    assert made.model_version == 3
    model = made(a=1, b=[date.min], d=np.zeros(1))
    assert model.twice() == 2
    assert model.c == "c"
    assert await write_and_read(model) == model
    with pytest.raises(FrozenInstanceError):
        model.a = 2
    empty: type[DataModel] = create_model("Empty")
    assert empty() == empty()


def test_create_model_takes_a_field_called_name() -> None:
    """A name by keyword is the class's only where there is no other."""
    made: Any = create_model("Named", name=str, size=(int, 1))
    assert (made.model_name, made(name="x").name, made("y").size) == ("Named", "x", 1)
    by_keyword: Any = create_model(name="ByKeyword", size=int)
    assert (by_keyword.model_name, by_keyword(2).size) == ("ByKeyword", 2)


@pytest.mark.parametrize(
    ("name", "fields", "text"),
    [
        ("not a name", {}, "cannot be called 'not a name'"),
        ("", {}, "cannot be called ''"),
        ("class", {}, "cannot be called 'class'"),
        (5, {}, "cannot be called 5"),
        ("Bad", {"not a name": int}, "cannot be called 'not a name'"),
        ("Bad", {"class": int}, "cannot be called 'class'"),
        ("Bad", {"$": int}, r"cannot be called '\$'"),
        ("Bad", {"x": (int, 1, 2)}, "a pair of a type and a default"),
        ("Bad", {"x": ()}, "a pair of a type and a default"),
        ("data.Simple", {}, "cannot be called 'data.Simple'"),
    ],
)
def test_create_model_refuses_bad_names(name: Any, fields: dict[str, Any], text: str) -> None:
    """A name that is none, and a field that is no type or pair, are named."""
    with pytest.raises(ModelDefinitionError, match=text):
        create_model(name, **fields)


def test_create_model_does_not_replace_a_class() -> None:
    """A name that another class has is refused, as in a class statement."""
    create_model("Taken", x=int)
    with pytest.raises(ModelDefinitionError, match="'Taken' belongs to"):
        create_model("Taken", x=int)


async def test_an_own_init_need_not_take_the_fields(store: str) -> None:
    """A class made of something else than its fields comes back with what was stored."""

    class Length(DataModel, version=1):
        length: float
        unit: str = "m"
        notes: list[str] = field(default_factory=list)
        family: ClassVar[str] = "sizes"

        def __init__(self, start: float, stop: float) -> None:
            object.__setattr__(self, "length", stop - start)
            object.__setattr__(self, "notes", ["measured"])

    read = await write_and_read(Length(2, 5))
    assert (read.length, read.unit, read.notes) == (3, "m", ["measured"])
    assert await write_and_read(Length(2, 5)) == Length(2, 5)
    assert Length.model_init(1, {"length": 1.0}).notes == []
    assert vars(Length.model_init(1, {"length": 1.0, "width": 2.0})).keys() == {
        "length",
        "unit",
        "notes",
    }


# ----------------------------------------------------------------- BaseModel


class Point(BaseModel, version=1, name="data.Point"):
    """The class that BaseModel's docstring shows."""

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def model_data(self) -> Mapping[str, Any]:
        return {"x": self.x, "y": self.y}

    @classmethod
    def model_init(cls, version: int, data: dict[str, Any]) -> "Point":
        return cls(**data)


class Span(BaseModel, version=2, name="data.Span"):
    """Another kind, which says what its fields are."""

    def __init__(self, days: tuple[date, date]) -> None:
        self.days = days

    def model_data(self) -> Mapping[str, Any]:
        return {"days": self.days, "more": {"$": 1}}

    @classmethod
    def model_annotations(cls) -> Mapping[str, Any]:
        return {"days": tuple[date, date]}

    @classmethod
    def model_init(cls, version: int, data: dict[str, Any]) -> "Span":
        assert data.pop("more") == {"$": 1}
        return cls(**data)


async def test_models_of_another_kind(store: str) -> None:
    """A BaseModel is whatever model_data and model_init say, alone and in other models."""
    point = await write_and_read(Point(1, 2))
    assert type(point) is Point
    assert (point.x, point.y) == (1, 2)
    span = await write_and_read(Span((date.min, date.max)))
    assert span.days == (date.min, date.max)
    box = await write_and_read(Pickled(array=[Point(3, 4)]))
    assert box.array[0].y == 4


def test_a_base_model_without_its_methods_is_abstract() -> None:
    """A class that does not say what its fields are cannot be made."""

    class Nothing(BaseModel, version=1):
        pass

    with pytest.raises(TypeError, match="model_data"):
        Nothing()  # type: ignore[abstract]  # that is the point
