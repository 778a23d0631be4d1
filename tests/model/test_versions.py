"""Stored models outlive their classes: migrations, unknown classes, and rows that were changed."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text, update

from artigraph import (
    ArtifactFilter,
    DataModel,
    DeserializationError,
    ModelFilter,
    ModelVersionError,
    UnfitValueWarning,
    UnknownModel,
    UnknownModelError,
    UnknownSerializerError,
    allow_model_type_overwrites,
    create_model,
    get_engine,
    model_field,
    new_artifact,
    read_artifacts,
    read_model,
    read_model_or_none,
    read_models,
    write_artifacts,
    write_model,
)
from artigraph.model import base as model_base
from artigraph.orm.node import node_table
from artigraph.serializer.json import json_serializer
from artigraph.storage.file import temp_file_storage
from tests.model.values import same


class Color(Enum):
    """Known when the data is written."""

    RED = 1
    BLUE = 2


class Access(Flag):
    """Flags, which are stored by value."""

    READ = 1
    WRITE = 2


class Inner(DataModel, version=1, name="versions.Inner"):
    """A nested model."""

    day: date


def forget(*names: str) -> None:
    """What happens when a process ends: classes are not defined any more."""
    for name in names:
        del model_base.models_by_name[name]


async def change_document(node_id: int, document: Any) -> None:
    """Change a model's document behind the store's back, whatever it is."""
    engine = await get_engine()
    value = "CAST(:document AS JSONB)" if engine.dialect.name == "postgresql" else ":document"
    statement = f"UPDATE artigraph_node SET model_artifact_data = {value} WHERE node_id = :id"
    async with engine.begin() as connection:
        await connection.execute(text(statement), {"document": json.dumps(document), "id": node_id})


async def change(node_id: int, **columns: Any) -> None:
    """Change a row behind the store's back."""
    engine = await get_engine()
    async with engine.begin() as connection:
        await connection.execute(
            update(node_table).where(node_table.c.node_id == node_id).values(**columns)
        )


def old_class() -> Any:
    """A class of version 1 with fields of every kind."""

    class Old(DataModel, version=1, name="versions.Kept"):
        at: datetime
        zoned: datetime
        days: list[date]
        by_day: dict[date, timedelta]
        by_number: dict[int, tuple[UUID, ...]]
        pair: tuple[Decimal, bytes]
        places: set[Path]
        either: date | Decimal | list[date]
        maybe: timedelta | None
        color: Color
        colors: dict[Color, Color]
        access: Access
        numbers: list[float]
        dollars: dict[str, int]
        anything: Any
        inner: Inner
        inners: dict[str, Inner]
        frame: pd.DataFrame
        stored: Annotated[np.ndarray, temp_file_storage]
        json: Annotated[dict[date, int], json_serializer, temp_file_storage]
        huge: int = 10**30

    return Old


def old_fields() -> dict[str, Any]:
    """The values of the old class's fields."""
    return {
        "at": datetime(2024, 1, 1, 12),
        "zoned": datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")),
        "days": [date.min, date.max],
        "by_day": {date.min: timedelta(microseconds=1)},
        "by_number": {1: (UUID(int=5),), 2: ()},
        "pair": (Decimal("1.10"), b"\x00"),
        "places": {Path("a"), Path("b/c")},
        "either": [date.min],
        "maybe": None,
        "color": Color.RED,
        "colors": {Color.RED: Color.BLUE},
        "access": Access.READ | Access.WRITE,
        "numbers": [1.0, 1e17, -0.0, float("nan"), 1e300],
        "dollars": {"$": 1, "\x00": 2},
        "anything": {"k": (datetime(2024, 1, 1, tzinfo=UTC), np.float32(1), {1: {2}})},
        "inner": Inner(date.min),
        "inners": {"a": Inner(date.max)},
        "frame": pd.DataFrame({"x": [1.5]}),
        "stored": np.arange(3),
        "json": {date.min: 1},
    }


def without_classes() -> dict[str, Any]:
    """The same as somebody sees them who has no enumerations: members are names."""
    return old_fields() | {
        "color": "RED",
        "colors": {"RED": "BLUE"},
        "access": 3,
        "huge": 10**30,
    }


def assert_fields(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        assert same(value, found[name]), f"{name}: {value!r} is {found[name]!r}"


# ---------------------------------------------------------------- migrations


async def test_migrate_is_given_typed_data(store: str) -> None:
    """model_migrate gets what was stored, typed as it was, though its own class says otherwise."""
    written = await write_model(label="m", model=old_class()(**old_fields()))
    seen: list[tuple[int, dict[str, Any]]] = []
    with allow_model_type_overwrites():

        class New(DataModel, version=2, name="versions.Kept"):
            at: str
            color: int = 0
            frame: Any = None

            @classmethod
            def model_migrate(cls, version: int, data: dict[str, Any]) -> New:
                seen.append((version, data))
                return cls(at=data["at"].isoformat(), frame=data["frame"])

    found = await read_model(ModelFilter(node_id=written.artifact.node_id))
    assert type(found.value) is New
    assert found.value.at == "2024-01-01T12:00:00"
    assert found.artifact.model_artifact_version == 1
    ((version, data),) = seen
    assert version == 1
    assert_fields(without_classes(), data)


async def test_model_init_may_be_overridden_instead(store: str) -> None:
    """model_init is given the version and the data of every row, of its own version too."""
    first: Any = create_model("versions_init", version=1, x=int)
    await write_model(label="old", model=first(x=1))
    with allow_model_type_overwrites():

        class Second(DataModel, version=2, name="versions_init"):
            y: int

            @classmethod
            def model_init(cls, version: int, data: dict[str, Any]) -> Second:
                return cls(y=data["x"] * 10 if version == 1 else data["y"])

    await write_model(label="new", model=Second(5))
    values = {m.artifact.node_label: m.value for m in await read_models(ModelFilter())}
    assert values == {"old": Second(10), "new": Second(5)}


async def test_nested_models_migrate_by_themselves(store: str) -> None:
    """A nested model of an old version is migrated before the model that holds it is made."""
    inner: Any = create_model("versions_inner", version=1, x=int)
    outer: Any = create_model("versions_outer", version=1, many=list[Any])
    await write_model(label="m", model=outer(many=[inner(x=1), {"k": inner(x=2)}]))
    with allow_model_type_overwrites():

        class NewInner(DataModel, version=2, name="versions_inner"):
            y: int

            @classmethod
            def model_migrate(cls, version: int, data: dict[str, Any]) -> NewInner:
                return cls(data["x"])

    found = await read_model(ModelFilter(label="m"))
    assert found.value == outer(many=[NewInner(1), {"k": NewInner(2)}])


async def test_a_missing_migration_says_both_versions(store: str) -> None:
    """Without model_migrate the error says what was stored, what the class is, and what to add."""
    first: Any = create_model("versions_missing", version=1, x=int)
    await write_model(label="m", model=first(x=1))
    with allow_model_type_overwrites():
        create_model("versions_missing", version=7, y=int)
    with pytest.raises(ModelVersionError, match="at version 1, and its class is at version 7") as e:
        await read_model(ModelFilter(label="m"))
    assert "def model_migrate(cls, version, data)" in str(e.value)
    assert isinstance(e.value, ValueError)


async def test_a_newer_row_than_the_class_needs_a_migration_too(store: str) -> None:
    """A row of a later version is not read as if it were of the class's own."""
    later: Any = create_model("versions_later", version=3, x=int)
    await write_model(label="m", model=later(x=1))
    with allow_model_type_overwrites():
        create_model("versions_later", version=2, x=int)
    with pytest.raises(ModelVersionError, match="at version 3, and its class is at version 2"):
        await read_models(ModelFilter(), strict=True)


async def test_an_error_of_a_migration_goes_through(store: str) -> None:
    """What model_migrate raises is its own, as the guide's ValueError is, and names the row."""
    first: Any = create_model("versions_raises", version=1, x=int)
    await write_model(label="m", model=first(x=1))
    with allow_model_type_overwrites():

        class Second(DataModel, version=2, name="versions_raises"):
            @classmethod
            def model_migrate(cls, version: int, data: dict[str, Any]) -> Second:
                raise ValueError(f"Unknown version: {version}")

    with pytest.raises(ValueError, match="Unknown version: 1") as caught:
        await read_model(ModelFilter(label="m"))
    assert str(caught.value) == "Unknown version: 1"
    assert "('m', versions_raises version 1)" in caught.value.__notes__[0]


# --------------------------------------------- changes without a new version


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"x": int}, {"x": int, "y": int}, "lacks 'y'"),
        ({"x": int}, {"y": int}, "lacks 'y' and has also 'x'"),
    ],
)
async def test_fields_changed_without_a_new_version_are_named(
    store: str, before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    """Fields added without a default are told with what is there instead and the two ways out."""
    old: Any = create_model("versions_changed", **before)
    await write_model(label="m", model=old(**dict.fromkeys(before, 1)))
    with allow_model_type_overwrites():
        create_model("versions_changed", **after)
    with pytest.raises(ModelVersionError, match="stored at version 1, as the class is") as error:
        await read_model(ModelFilter(label="m"))
    assert told in str(error.value)
    assert "Give new fields a default" in str(error.value)
    assert "model_migrate" in str(error.value)


async def test_fields_that_are_gone_need_no_new_version(store: str) -> None:
    """They are left out at reading, whatever they were, and new ones take their defaults."""

    def fields() -> dict[str, Any]:
        return {"x": int, "y": list[int], "frame": pd.DataFrame, "inner": Inner}

    old: Any = create_model("versions_lost", **fields())
    frame = pd.DataFrame({"a": [1]})
    await write_model(label="m", model=old(x=1, y=[2], frame=frame, inner=Inner(date.min)))

    class Converts:
        def __post_init__(self) -> None:
            object.__setattr__(self, "x", -self.x)  # type: ignore[attr-defined]  # of what it is mixed into

    class WithMethod(DataModel):
        y: ClassVar[int] = 5

        @property
        def inner(self) -> str:
            return "made here"

    changes: list[tuple[tuple[type[Any], ...], dict[str, Any]]] = [
        ((DataModel,), {}),
        ((Converts, DataModel), {}),
        ((WithMethod,), {"z": (int, 3)}),
    ]
    for bases, more in changes:
        with allow_model_type_overwrites():
            base: Any = type("Base", bases, {})
            new: Any = create_model("versions_lost", base=base, x=int, **more)
        for lazy in (False, True):
            (found,) = await read_models(ModelFilter(label="m"), lazy=lazy)
            assert type(found.value) is new
            assert found.value.x == 1
            assert set(vars(found.value)) == {"x", *more}


CHANGED: dict[str, tuple[Any, Any, Any]] = {
    "a date becomes a text": (date, date(2024, 1, 1), str),
    "a text becomes a date": (str, "2024-01-01", date),
    "a text becomes a number": (str, "5", int),
    "a list becomes a set": (list[int], [1, 1], set[int]),
    "a tuple becomes a list": (tuple[int, ...], (1, 2), list[int]),
    "integer keys become text keys": (dict[int, int], {1: 2}, dict[str, int]),
    "a union loses an arm": (date | timedelta, timedelta(1), date),
    "a union gains an arm": (date, date.min, timedelta | date),
    "arms change places": (list[date] | set[date], {date.min}, set[date] | list[date]),
    "nothing becomes something": (Any, (1, {2}), date),
    "something becomes nothing": (bytes, b"a", Any),
    "an artifact becomes plain": (Annotated[list[date], json_serializer], [date.min], list[date]),
    "plain becomes an artifact": (list[date], [date.min], Annotated[list[date], json_serializer]),
    "an optional becomes required": (date | None, None, date),
    "a model becomes a number": (Inner, Inner(date.min), int),
}


UNFIT = {
    "a date becomes a text",
    "a text becomes a date",
    "a text becomes a number",
    "a union loses an arm",
    "nothing becomes something",
    "a model becomes a number",
}
"""Those of which a reader is told: what was written is of another scalar type."""


@pytest.mark.parametrize("name", CHANGED)
async def test_an_annotation_changed_without_a_new_version_reads_as_stored(
    store: str, name: str
) -> None:
    """What a field was annotated with when it was written decides how it is read."""
    before, value, after = CHANGED[name]
    old: Any = create_model("versions_annotation", x=before)
    await write_model(label="m", model=old(x=value))
    with allow_model_type_overwrites():
        create_model("versions_annotation", x=after)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found: Any = (await read_model(ModelFilter(label="m"))).value
    assert same(value, found.x)
    assert [one.category for one in caught] == [UnfitValueWarning] * (name in UNFIT)


def fewer_colors() -> Any:
    """The enumeration after somebody took a member away."""

    class Color(Enum):
        RED = 1

    Color.__qualname__ = "Color"
    return Color


async def test_a_removed_member_is_named(store: str) -> None:
    """A member that an enumeration lost is told with the enumeration and the ways out."""
    old: Any = create_model("versions_member", color=Color)
    await write_model(label="m", model=old(color=Color.BLUE))
    fewer = fewer_colors()
    with allow_model_type_overwrites():
        create_model("versions_member", color=fewer)
    with pytest.raises(DeserializationError, match="Color has no member 'BLUE' any more"):
        await read_model(ModelFilter(label="m"))


# ------------------------------------------------------------ unknown classes


async def test_a_listing_has_unknown_models_with_typed_data(store: str) -> None:
    """A model whose class is not defined is listed as an UnknownModel whose data is typed."""
    await write_model(label="unknown", model=old_class()(**old_fields()))
    await write_model(label="known", model=Inner(date.min))
    forget("versions.Kept")
    found = {m.artifact.node_label: m.value for m in await read_models(ModelFilter())}
    assert found["known"] == Inner(date.min)
    unknown = found["unknown"]
    assert type(unknown) is UnknownModel
    assert (unknown.name, unknown.version) == ("versions.Kept", 1)
    assert_fields(without_classes(), unknown.data)


async def test_unknown_models_may_lie_in_known_ones(store: str) -> None:
    """A known model holds an UnknownModel where it held one whose class is gone, and vice versa."""
    gone: Any = create_model("versions_gone", x=int, inner=(Any, None))
    outer: Any = create_model("versions_holder", many=list[Any])
    await write_model(label="m", model=outer(many=[gone(x=1, inner=Inner(date.min))]))
    forget("versions_gone")
    back: Any = (await read_model(ModelFilter(label="m"))).value
    expected = UnknownModel("versions_gone", 1, {"x": 1, "inner": Inner(date.min)})
    assert back.many == [expected]
    assert "versions_gone" in repr(back)


async def test_read_model_says_how_to_define_the_class(store: str) -> None:
    """read_model of an unknown class says its name and version, and the class to type."""
    await write_model(label="m", model=old_class()(**old_fields()))
    forget("versions.Kept")
    for read in (read_model, read_model_or_none):
        with pytest.raises(UnknownModelError) as error:
            await read(ModelFilter(label="m"))
        assert isinstance(error.value, LookupError)
        told = str(error.value)
        assert "'versions.Kept' of version 1 is stored" in told
        assert "Import the module that defines it" in told
        assert "(DataModel, version=1, name='versions.Kept')" in told
        assert "    at: Any\n" in told


async def test_a_class_defined_again_reads_its_rows(store: str) -> None:
    """Once the class is there, the same rows are read as its instances."""
    model = old_class()(**old_fields())
    await write_model(label="m", model=model)
    forget("versions.Kept")
    (unknown,) = await read_models(ModelFilter(label="m"))
    assert type(unknown.value) is UnknownModel
    cls = old_class()
    back: Any = (await read_model(ModelFilter(label="m"))).value
    assert type(back) is cls
    assert_fields(old_fields() | {"huge": 10**30}, vars(back))


# ------------------------------------------------------------ unknown names


async def test_an_unknown_serializer_in_a_part_is_named(store: str) -> None:
    """A part whose serializer nobody registered is told with its label and what is known."""
    cls: Any = create_model("versions_part", frame=pd.DataFrame)
    await write_model(label="m", model=cls(frame=pd.DataFrame({"x": [1]})))
    (part,) = await read_artifacts(ArtifactFilter(label="frame"))
    await change(part.artifact.node_id, artifact_serializer="os.system")
    with pytest.raises(UnknownSerializerError, match=r"'frame' cannot be read.*'os\.system'") as e:
        await read_model(ModelFilter(label="m"))
    assert isinstance(e.value, LookupError)


async def test_a_missing_part_is_named(store: str) -> None:
    """A model whose part was deleted says which one."""
    cls: Any = create_model("versions_deleted", frame=pd.DataFrame)
    await write_model(label="m", model=cls(frame=pd.DataFrame()))
    (part,) = await read_artifacts(ArtifactFilter(label="frame"))
    await change(part.artifact.node_id, node_label="another")
    with pytest.raises(DeserializationError, match="'frame' below the model is missing"):
        await read_model(ModelFilter(label="m"))


# ------------------------------------------------------- rows that were changed


class Target(DataModel, version=1, name="versions.Target"):
    """Fields of every codec."""

    anything: Any = None
    when: datetime = datetime(2024, 1, 1)  # immutable
    day: date = date(2024, 1, 1)
    span: timedelta = timedelta(0)
    number: Decimal = Decimal(0)
    data: bytes = b""
    key: UUID = UUID(int=0)
    color: Color = Color.RED
    access: Access = Access.READ
    many: set[date] = field(default_factory=set)
    pair: tuple[int, date] = (1, date(2024, 1, 1))
    by_number: dict[int, date] = field(default_factory=dict)
    by_day: dict[date, int] = field(default_factory=dict)
    either: date | list[date] = date(2024, 1, 1)
    part: Any = model_field(storage=temp_file_storage, default=None)


def tag(kind: Any, content: Any = None, **more: Any) -> dict[str, Any]:
    """A tagged object."""
    return {"$": kind, "v": content, **more}


TAMPERED: dict[str, tuple[str, Any]] = {
    "unknown kind": ("anything", tag("nonsense", 1)),
    "kind of another type": ("anything", tag(5)),
    "kind that has no hash": ("anything", tag([1])),
    "kind that is null": ("anything", tag(None)),
    "pickle": ("anything", tag("pickle", "gASVHQAAAAAAAACMBXBvc2l4lIwG")),
    "a python object": ("anything", {"$": "py/object", "py/reduce": ["os.system", ["id"]]}),
    "text without content": ("anything", tag("str")),
    "text that is a number": ("anything", tag("str", "5")),
    "text that is no JSON": ("anything", tag("str", "{")),
    "integer that is none": ("anything", tag("int", "12x")),
    "integer without content": ("anything", tag("int")),
    "float that is none": ("anything", tag("float", "one")),
    "datetime that is none": ("anything", tag("datetime", "yesterday")),
    "datetime without content": ("anything", tag("datetime")),
    "datetime of a list": ("anything", tag("datetime", [])),
    "zone outside the zones": ("anything", tag("datetime", "2024-01-01T00:00:00.000000Z[../../x]")),
    "date of a number": ("anything", tag("date", 5)),
    "uuid that is none": ("anything", tag("uuid", "x")),
    "decimal that is none": ("anything", tag("decimal", "x")),
    "bytes that are none": ("anything", tag("bytes", "x")),
    "path without content": ("anything", tag("path")),
    "timedelta too long": ("anything", tag("timedelta", "9" * 30)),
    "tuple of a number": ("anything", tag("tuple", 5)),
    "set of lists": ("anything", tag("set", [[1]])),
    "dict of a list": ("anything", tag("dict", [1])),
    "dict with list keys": ("anything", tag("dict", [[[1], 2]])),
    "pairs of three": ("anything", tag("pairs", [[1, 2, 3]])),
    "reference to nothing": ("anything", tag("ref", "no such part")),
    "reference to a list": ("anything", tag("ref", [1])),
    "a date's text": ("day", "not a date"),
    "a date's number": ("day", 5),
    "a date's object": ("day", tag("nonsense")),
    "a datetime's text": ("when", "2024-13-01T00:00:00.000000"),
    "a timedelta's text": ("span", "long"),
    "a timedelta's endless text": ("span", "9" * 30),
    "a decimal's text": ("number", "1,5"),
    "bytes' number": ("data", 5),
    "a UUID's text": ("key", "5"),
    "a member that is none": ("color", "mro"),
    "a method of the enumeration": ("color", "__class__"),
    "a member's number": ("color", 1),
    "a flag's text": ("access", "READ"),
    "a flag's unknown bits": ("access", 64),
    "a set of objects": ("many", [{"a": 1}]),
    "a set's wrong item": ("many", ["x"]),
    "a tuple that is too long": ("pair", [1, "2024-01-01", 3]),
    "a tuple that is too short": ("pair", []),
    "a key that is no number": ("by_number", {"x": "2024-01-01"}),
    "a value that is no date": ("by_number", {"1": "x"}),
    "pairs that are none": ("by_day", tag("pairs", [["2024-01-01"]])),
    "pairs without content": ("by_day", {"$": "pairs"}),
    "a union without content": ("either", {"$": "of", "t": "date"}),
    "a union of something else": ("either", tag("of", "x", t="date")),
    "a union of a wrong item": ("either", tag("of", ["x"], t="list")),
    "a part that is missing": ("part", tag("ref", "elsewhere")),
    "a deep list": ("anything", json.loads("[" * 600 + "]" * 600)),
    "a deep tag": ("anything", json.loads('{"$":"any","v":' * 600 + "1" + "}" * 600)),
    "a deep text": ("anything", tag("str", "[" * 100_000)),
} | {
    f"dtype {dtype!r}": ("anything", tag("numpy", content, t=dtype))
    for dtype in [
        "O", "|O8", "object", "V8", "|V8", "i4,O", "<f8,<f8", "(9,)f8", "<f99", "<i0", "<x8",
        "os.system", "<M8[evil]", "<M8[]", "<f8\n", "", "{'names': ['a'], 'formats': ['O']}",
    ]
    for content in ["1", tag("bytes", "AAAAAAAAAAA=")]
} | {
    "dtype without content": ("anything", {"$": "numpy", "t": "<f8"}),
    "dtype that is a list": ("anything", tag("numpy", 1, t=["<f8"])),
    "too few bytes": ("anything", tag("numpy", tag("bytes", "AA=="), t="<f8")),
    "a number too large": ("anything", tag("numpy", 300, t="|i1")),
}  # fmt: skip


async def test_a_changed_document_is_an_error_and_runs_nothing(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever somebody writes into a document is told as such; nothing is imported or called."""
    await write_model(label="m", model=Target())
    (row,) = await read_models(ModelFilter())
    node_id, document = row.artifact.node_id, row.artifact.model_artifact_data
    assert document is not None
    await write_model(label="warm", model=Target(anything=np.float32(1)))
    await read_models(ModelFilter())
    before = set(sys.modules)
    wrong: list[tuple[str, object]] = []
    for name, (target, content) in TAMPERED.items():
        if store == "mariadb" and "deep" in name and name != "a deep text":
            continue  # MariaDB itself refuses it
        await change_document(node_id, {**document, target: content})
        try:
            value = (await read_model(ModelFilter(node_id=node_id))).value
        except DeserializationError as error:
            if not str(error).strip():
                wrong.append((name, error))
        except Exception as error:
            wrong.append((name, error))
        else:
            wrong.append((name, getattr(value, target)))
    assert not wrong, wrong
    assert not {module for module in set(sys.modules) - before if "artigraph" not in module}


@pytest.mark.parametrize("document", [[], [1], 5, "text", None])
async def test_a_document_that_is_no_object_is_an_error(store: str, document: Any) -> None:
    """A document that is no JSON object, or none at all, is told as such."""
    written = await write_model(label="m", model=Inner(date.min))
    await change_document(written.artifact.node_id, document)
    with pytest.raises(DeserializationError, match=r"versions\.Inner is no JSON object"):
        await read_models(ModelFilter(), strict=True)


SCHEMAS: dict[str, Callable[[], Any]] = {
    "a text": lambda: "date",
    "a list": lambda: [1],
    "a number": lambda: 5,
    "unknown kinds": lambda: {"x": {"os.system": "id"}, "y": "nonsense", "z": 5},
    "wrong content": lambda: {
        "a": {"union": [1, [2], [[], 3]]},
        "b": {"dict": [[1], 2]},
        "c": {"places": 5},
        "d": {"enum": [1]},
        "day": {"dict": [["x"], None, None]},
    },
    "wrong kinds for what is there": lambda: {"day": {"places": [None]}, "x": {"set": None}},
    "deep": lambda: {"day": json.loads('{"list":' * 600 + "null" + "}" * 600)},
}


@pytest.mark.filterwarnings("ignore::artigraph.UnfitValueWarning")
@pytest.mark.parametrize("known", [True, False])
async def test_a_changed_schema_is_an_error_or_ignored(store: str, known: bool) -> None:
    """What a document says of itself may be anything: an error of artigraph's, or a value."""
    written = await write_model(label="m", model=Inner(date.min))
    if not known:
        forget("versions.Inner")
    for name, make in SCHEMAS.items():
        if store == "mariadb" and name == "deep":
            continue  # MariaDB itself refuses it
        document = {"day": "0001-01-01", "$": make()}
        await change_document(written.artifact.node_id, document)
        try:
            (found,) = await read_models(ModelFilter(), strict=True)
        except DeserializationError:
            continue
        assert isinstance(found.value, Inner | UnknownModel), name


async def test_a_part_that_refers_to_itself_is_an_error(store: str) -> None:
    """References that go round in a circle end in an error, not in the process's end."""
    await write_model(label="m", model=Target(part=1))
    (part,) = await read_artifacts(ArtifactFilter(label="part"))
    circle = json_serializer.serialize([tag("ref", "part")])
    await change(
        part.artifact.node_id,
        node_type="database_artifact",
        database_artifact_value=circle,
        artifact_digest=None,
    )
    with pytest.raises(DeserializationError, match="referred to twice"):
        await read_model(ModelFilter(label="m"))


async def test_a_part_is_referred_to_once(store: str) -> None:
    """Ten references to a part with ten references, and so on, are refused and not followed."""
    written = await write_model(label="m", model=Target(part=1))
    found = await read_artifacts(ArtifactFilter(label="part"))
    row = found[0].artifact.node_id
    assert row is not None
    await change(
        row,
        node_type="database_artifact",
        database_artifact_value=json_serializer.serialize([tag("ref", "next")] * 10),
        artifact_digest=None,
    )
    with pytest.raises(DeserializationError, match="'next' below the model is missing, or"):
        await read_model(ModelFilter(label="m"), lazy=True)
    # Here it is there: what no damage does is refused in lists, too.
    await write_artifacts(
        [new_artifact("next", 0, json_serializer, parent_id=written.artifact.node_id)]
    )
    with pytest.raises(
        DeserializationError, match=r"Node \d+ \('m'.*'next'.* is referred to twice"
    ):
        await read_models(ModelFilter())


async def test_a_model_below_itself_is_an_error(store: str) -> None:
    """Rows that lie below each other in a circle end in an error that names one."""
    await write_model(label="m", model=Target(part=Inner(date(2024, 1, 1))))
    outer, inner = await read_models(ModelFilter(), order_by="node_id")
    for row, parent in ((outer, inner), (inner, outer)):
        await change(
            row.artifact.node_id, node_parent_id=parent.artifact.node_id, model_artifact_parts=1
        )
    with pytest.raises(DeserializationError, match=r"Node \d+ .*: It lies below itself"):
        await read_models(ModelFilter(), strict=True)
