"""Whatever a field may hold comes back equal and of the same type, in every database."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NewType, Optional

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from typing_extensions import TypeAliasType

from artigraph import (
    ArtifactFilter,
    DataModel,
    ModelDefinitionError,
    ModelFilter,
    RemoteArtifact,
    SerializationError,
    Serializer,
    allow_model_type_overwrites,
    create_model,
    delete_models,
    get_engine,
    read_artifacts,
    read_model,
    read_models,
    set_engine,
    write_model,
    write_models,
)
from artigraph.model.document import encode_model
from artigraph.serializer.json import json_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage
from tests.model.values import (
    ANNOTATIONS,
    ANYTHING,
    TYPED_VALUES,
    Access,
    Bits,
    Color,
    Leaf,
    Level,
    Mode,
    Tree,
    Word,
    alike,
    draw,
    same,
)

Example = list[tuple[Any, Any]]


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[None]:
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}", create_tables=True)
    yield
    await (await get_engine()).dispose()
    reset()


def model_of(example: Example, name: str = "Random") -> DataModel:
    """A model with a field for each annotation and its value."""
    fields = {f"f{i}": annotation for i, (annotation, _) in enumerate(example)}
    with allow_model_type_overwrites():
        cls: type[DataModel] = create_model(name, **fields)
    return cls(**{f"f{i}": value for i, (_, value) in enumerate(example)})


def assert_same(example: Example, back: object, compare: Callable[[Any, Any], bool] = same) -> None:
    for i, (annotation, value) in enumerate(example):
        came = getattr(back, f"f{i}")
        assert compare(value, came), f"{annotation}: {value!r} came back as {came!r}"


async def write_and_read(model: DataModel) -> Any:
    written = await write_model(label="m", model=model)
    return (await read_model(ModelFilter(node_id=written.artifact.node_id))).value


async def write_and_read_all(models: Mapping[str, DataModel]) -> dict[str, Any]:
    await write_models(models=models)
    found = await read_models(ModelFilter(label=list(models)))
    return {str(one.artifact.node_label): one.value for one in found}


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(example=st.lists(TYPED_VALUES, min_size=1, max_size=4))
async def test_what_matches_its_annotation_comes_back(sqlite: None, example: Example) -> None:
    """Any value that matches its field's annotation comes back equal and of the same types."""
    assert_same(example, await write_and_read(model_of(example)))


@pytest.mark.filterwarnings("ignore::artigraph.UnfitValueWarning")
@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(annotation=ANNOTATIONS, value=ANYTHING)
async def test_what_does_not_match_comes_back_or_is_refused(
    sqlite: None, annotation: Any, value: Any
) -> None:
    """A value of another type than its annotation's comes back equal, or is refused."""
    example = [(annotation, value)]
    try:
        back = await write_and_read(model_of(example))
    except SerializationError:
        assert not await read_models(ModelFilter(label="m"))
    else:
        assert_same(example, back, alike)
        await delete_models(ModelFilter(label="m"))


async def test_many_random_models_come_back(store: str) -> None:
    """Many models of random fields come back from every database as they were."""
    examples = draw(st.lists(TYPED_VALUES, min_size=1, max_size=4), 150, seed=1)
    models = {str(i): model_of(example, f"Random{i}") for i, example in enumerate(examples)}
    back = await write_and_read_all(models)
    assert len(back) == len(examples)
    for i, example in enumerate(examples):
        assert_same(example, back[str(i)])
        # As in any dataclass, one NaN is not another, and a signalling one cannot be compared.
        assert "nan" in repr(example).lower() or models[str(i)] == back[str(i)]


BERLIN_SECOND = datetime(2024, 10, 27, 2, 30, fold=1).astimezone(UTC)

NAMED: dict[str, tuple[Any, Any]] = {
    "huge int": (int, 10**5000),
    "huge int without annotation": (Any, -(10**5000)),
    "huge int as key": (dict[int, str], {10**5000: "a", 1: "b"}),
    "huge int as key without annotation": (Any, {10**5000: 1, (10**5000,): 2}),
    "first int beyond 64 bits": (list[int], [2**63, -(2**63) - 1, 2**63 - 1, -(2**63), 2**64]),
    "float that JSON calls an integer": (list[float], [1e15, 1e16, 1e22, 1e300, -1e17]),
    "the same without annotation": (Any, [1e15, 1e16, 1e22, 1e300, -1e17, 1.0]),
    "minus zero": (tuple[float, Any], (-0.0, -0.0)),
    "subnormal": (float, 5e-324),
    "not a number": (list[Any], [math.nan, math.inf, -math.inf]),
    "infinite key": (dict[float, float], {math.inf: math.nan, -0.0: 1.0}),
    "texts": (list[str], ["", "\x00", "\ud800", "😀", "$", '"', "\\u0000", "null", "e\u0301"]),
    "dollar keys": (dict[str, int], {"$": 1, "v": 2}),
    "dollar keys without annotation": (Any, {"$": "ref", "v": "x", "n": {"$": None}}),
    "NUL and lone surrogate keys": (dict[str, int], {"\x00": 1, "\ud800": 2}),
    "bad keys without annotation": (Any, {"\x00": 1, "\ud800": 2}),
    "models below keys that are no labels": (
        Any,
        {"\x00": Leaf(1), "\ud800": Leaf(2), "": Leaf(3), " ": Leaf(4), "a": {"b": Leaf(5)}},
    ),
    "models below keys that read alike": (
        Any,
        {1: Leaf(1), "1": Leaf(2), "a": Leaf(3), "A": Leaf(4), "a ": Leaf(5), "ä": Leaf(6)},
    ),
    "models below long keys": (dict[str, Leaf], {"x" * 300 + c: Leaf(1) for c in "ab"}),
    "models in a set": (set[Leaf], {Leaf(1), Leaf(2)}),
    "models as keys": (dict[Leaf, int], {Leaf(1): 1}),
    "models of models": (Tree, Tree("a", many=[Tree("b", one=Leaf(1)), Tree("c")])),
    "enumerations": (
        tuple[Color, Level, Mode, Word],
        (Color.BLUE, Level.HIGH, Mode.TEST, Word.NO),
    ),
    "enumeration keys": (dict[Color | Mode, int], {Color.RED: 1, Mode.TEST: 2}),
    "flags": (list[Access], [Access(0), Access.READ | Access.WRITE, Access.FAR]),
    "integer flags": (list[Bits], [Bits(0), Bits(8), ~Bits.A, Bits.A | Bits.B]),
    "tuples of several lengths": (
        list[tuple[int, int] | tuple[date, ...]],
        [(1, 2), (date(2024, 1, 1),), (date(2024, 1, 1),) * 3],
    ),
    "tuples of one length or another": (
        list[tuple[date, date] | tuple[time, time, time]],
        [(date(2024, 1, 1),) * 2, (time(1),) * 3],
    ),
    "empty tuple": (tuple[()], ()),
    "an artifact or a number": (
        list[Annotated[list[int], json_serializer] | int | date],
        [[1], 2, date(2024, 1, 1)],
    ),
    "dates": (
        list[date | datetime | time | timedelta],
        [date.min, datetime.max, BERLIN_SECOND, time.max, timedelta.min, timedelta.max],
    ),
    "second of two naive times": (datetime, datetime(2024, 10, 27, 2, 30, fold=1)),
    "numbers of other kinds": (
        list[Decimal],
        [Decimal("-0"), Decimal("1E+400"), Decimal("1.10"), Decimal("sNaN123"), Decimal("-Inf")],
    ),
    "numpy texts": (
        Any,
        [np.str_("a"), np.str_(""), np.str_("a\x00"), np.bytes_(b""), np.bytes_(b"a\x00")],
    ),
    "numpy numbers": (
        Any,
        [np.float16(-0.0), np.float64("nan"), np.uint64(2**64 - 1), np.complex64(1j), np.True_],
    ),
    "arrays and frames in containers": (
        Any,
        {"a": [np.eye(2), pd.DataFrame({"x": [1.5]})], "b": (np.array(5), np.array([]))},
    ),
    "a list of frames": (list[pd.DataFrame], [pd.DataFrame({"x": [1]}), pd.DataFrame()]),
    "an alias of an alias": (
        NewType("Alias", NewType("Inner", datetime)),
        datetime(2024, 1, 1),
    ),
}


async def test_values_that_some_database_would_change_come_back(store: str) -> None:
    """Each value that a database or a JSON parser is known to change comes back unchanged."""
    models = {name: model_of([example], name) for name, example in _named_models().items()}
    back = await write_and_read_all(models)
    for name, example in _named_models().items():
        assert_same([example], back[name])


def _named_models() -> dict[str, tuple[Any, Any]]:
    return {name.title().replace(" ", ""): example for name, example in NAMED.items()}


MISMATCHES: dict[str, tuple[Any, Any, Any]] = {
    "an int in a float field is a float": (float, 3, 3.0),
    "an int that no float equals stays an int": (float, 2**53 + 1, 2**53 + 1),
    "an int above all floats stays an int": (float, 10**400, 10**400),
    "a bool in a float field stays one": (float, True, True),
    "a bool in an int field stays one": (int, True, True),
    "a float in an int field stays one": (int, 2.0, 2.0),
    "a text in a datetime field stays a text": (datetime, "2024-01-01", "2024-01-01"),
    "a number in a timedelta field stays one": (timedelta, 5, 5),
    "a huge number in a timedelta field stays one": (timedelta, 2**70, 2**70),
    "a bool in a date field stays one": (date, True, True),
    "a date in a datetime field stays a date": (datetime, date(2024, 1, 1), date(2024, 1, 1)),
    "a datetime in a date field stays one": (date, datetime(2024, 1, 1), datetime(2024, 1, 1)),
    "a member's name in its field stays a text": (Color, "RED", "RED"),
    "a number in a flag's field stays one": (Access, 2, 2),
    "a huge number in a flag's field stays one": (Access, 2**70, 2**70),
    "a list in a tuple field stays a list": (tuple[int, ...], [1], [1]),
    "a tuple in a list field stays a tuple": (list[int], (1,), (1,)),
    "a list in a set field stays a list": (set[date], [date.min], [date.min]),
    "a longer tuple stays whole": (tuple[int, int], (1, 2, 3), (1, 2, 3)),
    "text keys among integers stay": (dict[int, int], {"1": 1, 2: 2}, {"1": 1, 2: 2}),
    "bool keys among integers stay": (dict[int, int], {True: 1, 2: 2}, {True: 1, 2: 2}),
    "integer keys among texts stay": (dict[str, int], {1: 1, "2": 2}, {1: 1, "2": 2}),
    "none stays none": (tuple[int, date, Color, list[int]], (None,) * 4, (None,) * 4),
    "a StrEnum's member in a str field is its text": (str, Mode.TEST, "test"),
    "a str and Enum's member in a str field is its text": (str, Word.YES, "yes"),
    "an IntEnum's member in an int field is its number": (int, Level.HIGH, 2),
    "a numpy number in a float field is a float": (float, np.float32(0.5), 0.5),
    "a numpy number in an int field is an int": (int, np.int8(5), 5),
    "a numpy bool in a bool field is a bool": (bool, np.True_, True),
    "a numpy text in a str field is a text": (str, np.str_("a\x00"), "a\x00"),
    "a model in an int field stays a model": (int, Leaf(1), Leaf(1)),
    "an array in a list of ints stays one": (list[int], [np.eye(2), 1], [np.eye(2), 1]),
    "a list in a model's field stays one": (Leaf, [1], [1]),
    "a text in an optional path stays a text": (Optional[Path], "a/b", "a/b"),  # noqa: UP045
    "a list in a union stays a list": (set[int] | date, [date.min], [date.min]),
    "an object with the tag stays a dict": (date, {"$": "date", "v": "x"}, {"$": "date", "v": "x"}),
}


@pytest.mark.filterwarnings("ignore::artigraph.UnfitValueWarning")
async def test_what_does_not_match_keeps_its_value(store: str) -> None:
    """What is not of its annotated type keeps its own; a number or text that is, takes it."""
    names = {f"Mismatch{i}": key for i, key in enumerate(MISMATCHES)}
    models = {
        name: model_of([(MISMATCHES[key][0], MISMATCHES[key][1])], name)
        for name, key in names.items()
    }
    back = await write_and_read_all(models)
    for name, key in names.items():
        annotation, given_, wanted = MISMATCHES[key]
        assert same(wanted, back[name].f0), f"{key}: {annotation} {given_!r} {back[name].f0!r}"
        assert alike(given_, wanted)


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: [inner],
    "dict": lambda inner: {"k": inner},
    "tuple": lambda inner: (inner,),
    "pairs": lambda inner: {1: inner},
    "dollar": lambda inner: {"$": inner},
}
LEAF_VALUES = {"number": 1, "day": date.min, "numpy": np.float64(-0.0), "empty": []}


async def test_any_depth_comes_back_or_is_refused(store: str) -> None:
    """However deep a value is nested, it comes back from every database or is refused at write."""
    models: dict[str, DataModel] = {}
    refused = 0
    for wrapper, wrap in WRAPPERS.items():
        for leaf, inner in LEAF_VALUES.items():
            value: Any = inner
            for depth in range(1, 33):
                value = wrap(value)
                model = model_of([(Any, value)])
                label = f"{wrapper} {leaf} {depth}"
                if _is_refused(model):
                    refused += 1
                else:
                    models[label] = model
    back = await write_and_read_all(models)
    assert refused
    assert "list number 25" in back
    for label, model in models.items():
        assert same(vars(model), vars(back[label])), label


async def test_any_depth_of_annotation_comes_back_or_is_refused(store: str) -> None:
    """Nested annotations come back or are refused at write, too."""
    wrappers: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
        "pairs": (lambda a: dict[date, a], lambda v: {date.min: v}),  # type: ignore[valid-type]
        "ints": (lambda a: dict[int, a], lambda v: {1: v}),  # type: ignore[valid-type]
        "union": (lambda a: list[a] | date, lambda v: [v]),  # type: ignore[valid-type]
        "places": (lambda a: tuple[a, date], lambda v: (v, date.min)),  # type: ignore[valid-type]
    }
    models: dict[str, DataModel] = {}
    for wrapper, (annotate, wrap) in wrappers.items():
        annotation, value = date, date.max
        for depth in range(1, 17):
            annotation, value = annotate(annotation), wrap(value)
            model = model_of([(annotation, value)], f"Deep{wrapper.title()}{depth}")
            if not _is_refused(model):
                models[f"{wrapper} {depth}"] = model
    back = await write_and_read_all(models)
    for wrapper in wrappers:
        assert f"{wrapper} 4" in back
    for label, model in models.items():
        assert same(vars(model), vars(back[label])), label


def _is_refused(model: DataModel) -> bool:
    try:
        encode_model(model)
    except (SerializationError, ModelDefinitionError) as error:
        if "deep" not in str(error):
            raise
        return True
    return False


class Chain(DataModel, version=1):
    """A model that holds one of its own kind."""

    inner: Any = None


@pytest.mark.parametrize("length", [50, 500, 5000])
async def test_models_in_models_come_back_or_are_refused(sqlite: None, length: int) -> None:
    """A long chain of nested models comes back, or is refused before it is written."""
    chain = Chain()
    for _ in range(length):
        chain = Chain(chain)
    if length > 100:
        with pytest.raises(SerializationError, match="Chain cannot be stored: it lies more than"):
            await write_and_read(chain)
        assert not await read_models(ModelFilter())
        return
    back = await write_and_read(chain)
    for _ in range(length):
        back = back.inner
    assert back == Chain()


class Shout(Serializer[Any]):
    """Texts in capitals, for a type that nothing else names."""

    name = "test-shout"

    def serialize(self, value: Any, /) -> bytes:
        return str(value).upper().encode()

    def deserialize(self, data: bytes, /) -> Any:
        return data.decode().lower()


shout = Shout()


class Place(NamedTuple):
    """Where an annotation's serializer and storage should be found."""

    annotation: Any
    value: Any
    serializer: str


async def test_serializer_and_storage_hold_in_any_order_and_nesting(
    store: str, tmp_path: Path
) -> None:
    """However Annotated is ordered and nested, the serializer and the storage named are used."""
    files = FileSystemStorage(tmp_path / "files", name="test-nesting")
    loud = Annotated[str, shout]
    frame = pd.DataFrame({"x": [1]})
    frame_alias = TypeAliasType("frame_alias", Annotated[pd.DataFrame, dataframe_serializer])
    loud_alias = TypeAliasType("loud_alias", Annotated[str, shout])
    places = {
        "serializer_first": Place(Annotated[str, shout, files], "a", "test-shout"),
        "storage_first": Place(Annotated[str, files, shout], "a", "test-shout"),
        "serializer_inside": Place(Annotated[loud, files], "a", "test-shout"),
        "storage_inside": Place(Annotated[Annotated[str, files], shout], "a", "test-shout"),
        "optional_outside": Place(Annotated[str, shout, files] | None, "a", "test-shout"),
        "optional_inside": Place(Annotated[str | None, shout, files], "a", "test-shout"),
        "optional_between": Place(Annotated[loud | None, files], "a", "test-shout"),
        "storage_within": Place(Annotated[Annotated[str, files] | None, shout], "a", "test-shout"),
        "of_an_alias": Place(Annotated[loud_alias, files], "a", "test-shout"),
        "frame_alias": Place(Annotated[frame_alias, files], frame, "artigraph-pandas"),
        "storage_only": Place(Annotated[pd.DataFrame, files], frame, "artigraph-pandas"),
        "storage_of_plain": Place(Annotated[int | None, files], 5, "artigraph-json"),
        "in_a_list": Place(list[Annotated[loud, files]], ["a"], "test-shout"),
        "in_a_union": Place(Annotated[loud, files] | int, "a", "test-shout"),
    }
    model = model_of([(place.annotation, place.value) for place in places.values()])
    back = await write_and_read(model)
    rows = await read_artifacts(ArtifactFilter())
    parts = {str(row.artifact.node_label).partition(".")[0]: row.artifact for row in rows}
    for i, (name, place) in enumerate(places.items()):
        part = parts[f"f{i}"]
        assert isinstance(part, RemoteArtifact), name
        assert part.remote_artifact_storage == "test-nesting", name
        assert part.artifact_serializer == place.serializer, name
        assert same(place.value, getattr(back, f"f{i}")), name


async def test_a_storage_takes_what_is_in_its_field(store: str, tmp_path: Path) -> None:
    """Arrays in containers and models go where the field around them says, unless they say it."""
    files = FileSystemStorage(tmp_path / "files", name="test-around")
    own = FileSystemStorage(tmp_path / "own", name="test-own")

    class Layer(DataModel, version=1, name="roundtrip.Layer"):
        weights: np.ndarray
        typed: Annotated[np.ndarray, array_serializer]
        kept: Annotated[np.ndarray, own]
        size: int = 1
        below: Any = None

    one = np.arange(3.0)
    layer = Layer(one, one, one, below=[Layer(one, one, one)])
    inside: list[tuple[Any, Any]] = [
        (Annotated[dict[str, np.ndarray], files], {"x": one}),
        (Annotated[list[np.ndarray], files], [one]),
        (Annotated[tuple[int, np.ndarray], files], (1, one)),
        (Annotated[dict[str, np.ndarray] | None, files], {"x": one}),
        (Annotated[dict[str, np.ndarray], files] | None, {"x": one}),
        (Annotated[dict[str, np.ndarray] | np.ndarray, files], {"x": one}),
        (Annotated[Any, files], {"a": [{"b": (one,)}]}),
        (Annotated[dict[str, np.ndarray], json_serializer, files], {"x": one}),
        (Annotated[list[Annotated[np.ndarray, array_serializer]], files], [one]),
        (Annotated[list[Annotated[np.ndarray, own]], files], [one]),
        (Annotated[Layer, files], layer),
        (Annotated[list[Layer], files], [layer, layer]),
    ]
    outside: list[tuple[Any, Any]] = [(dict[str, np.ndarray], {"x": one}), (Layer, layer)]
    for example in inside + outside:
        model = model_of([example])
        assert_same([example], await write_and_read(model))
        rows = [row.artifact for row in await read_artifacts(ArtifactFilter())]
        places = {
            row.remote_artifact_storage if isinstance(row, RemoteArtifact) else None
            for row in rows
            if row.artifact_serializer == "artigraph-numpy" and row.node_label != "kept"
        }
        says = "test-own" if "own" in str(example[0]) else "test-around"
        assert places == {says if example in inside else None}, example[0]
        kept = [row for row in rows if row.node_label == "kept"]
        assert all(row.remote_artifact_storage == "test-own" for row in kept)  # type: ignore[attr-defined]  # else it fails
        await delete_models(ModelFilter(), everything=True)


async def test_a_model_with_nan_equals_what_is_read(store: str) -> None:
    """A model that holds NaN anywhere compares equal to the one that was read."""
    nan = math.nan
    model = model_of(
        [
            (float, nan),
            (list[float], [nan, 1.0]),
            (dict[str, Any], {"a": nan, "b": [nan]}),
            (Any, np.float32("nan")),
            (np.ndarray, np.array([nan, 1])),
            (pd.DataFrame, pd.DataFrame({"x": [nan]})),
        ]
    )
    assert await write_and_read(model) == model
