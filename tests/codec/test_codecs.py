"""What a codec says of itself is enough to read what it wrote, without its annotation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum, Flag
from typing import Annotated, Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from artigraph import ModelDefinitionError, SerializationError
from artigraph.codec.annotation import codec_of, codec_of_schema
from artigraph.codec.base import Codec, EncodingContext, LoadedChild, LoadedChildren
from artigraph.serializer.json import json_serializer, json_sorted_serializer
from artigraph.storage.file import FileSystemStorage, temp_file_storage
from artigraph.types.annotation import read_annotation
from tests.model.values import TYPED_VALUES, Access, Color, Leaf, Level, Mode, same


def codec_for(annotation: Any) -> Codec:
    """The codec of a field with an annotation."""
    return codec_of(read_annotation(annotation))


def encode(codec: Codec, value: Any) -> tuple[Any, LoadedChildren]:
    """JSON as it comes out of a database, and the parts as they come out of their storages."""
    place = EncodingContext("Model", "field")
    document = orjson.loads(orjson.dumps(codec.encode(value, place)))
    parts = LoadedChildren()
    for label, part in place.children.items():
        takes_json = part.serializer is not None and part.serializer.takes_json
        content = part.value
        if takes_json and part.serializer is not None:
            content = part.serializer.deserialize(part.serializer.serialize(content))
        parts[label] = LoadedChild(content, takes_json)
    return document, parts


def nameless(value: Any) -> Any:
    """A value as somebody sees it who lacks the enumerations: members are names, flags numbers."""
    if isinstance(value, Flag):
        number = value.value
        return number if -(2**63) <= number < 2**63 else str(number)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(map(nameless, value))
    if isinstance(value, Mapping):
        return {nameless(k): nameless(v) for k, v in value.items()}
    return value


def collides(value: Any) -> bool:
    """Whether two members, or a member and a text, become one where members are names."""
    if isinstance(value, set | frozenset | dict):
        return len(nameless(value)) != len(value)
    if isinstance(value, list | tuple):
        return any(map(collides, value))
    return False


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(example=TYPED_VALUES)
def test_a_schema_reads_what_its_codec_wrote(example: tuple[Any, Any]) -> None:
    """For every annotation the codec of its schema decodes what its codec encoded."""
    annotation, value = example
    codec = codec_for(annotation)
    document, parts = encode(codec, value)
    assert same(value, codec.decode(document, LoadedChildren(parts)))
    schema = orjson.loads(orjson.dumps(codec.schema))
    if not collides(value):
        assert same(nameless(value), codec_of_schema(schema).decode(document, parts))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(example=TYPED_VALUES)
def test_the_codec_of_a_schema_has_that_schema(example: tuple[Any, Any]) -> None:
    """A codec that was made of a schema says the same of itself, or that JSON tells it."""
    schema = codec_for(example[0]).schema
    assert codec_of_schema(schema).schema in (schema, _without_nothing(schema))


def _without_nothing(schema: Any) -> Any:
    return codec_of_schema(codec_of_schema(schema).schema).schema


PLAIN: dict[str, tuple[Any, Any, Any]] = {
    "a number": (int, 5, 5),
    "a float": (float, 1.5, 1.5),
    "a text": (str, "a", "a"),
    "a date": (date, date(2024, 1, 2), "2024-01-02"),
    "a datetime": (datetime, datetime(2024, 1, 2), "2024-01-02T00:00:00.000000"),
    "a timedelta": (timedelta, timedelta(seconds=1), 1_000_000),
    "a member": (Color, Color.RED, "RED"),
    "a flag": (Access, Access.READ, 1),
    "a StrEnum's member": (Mode, Mode.TEST, "TEST"),
    "an IntEnum's member": (Level, Level.HIGH, "HIGH"),
    "a list": (list[date], [date(2024, 1, 2)], ["2024-01-02"]),
    "a tuple": (tuple[int, date], (1, date(2024, 1, 2)), [1, "2024-01-02"]),
    "a set": (set[int], {1}, [1]),
    "integer keys": (dict[int, date], {1: date(2024, 1, 2)}, {"1": "2024-01-02"}),
    "text keys": (dict[str, float], {"a": 1.0}, {"a": 1.0}),
    "an optional": (date | None, None, None),
}


@pytest.mark.parametrize("name", PLAIN)
def test_annotated_values_are_stored_plainly(name: str) -> None:
    """Where the annotation tells what a value is, the database sees plain JSON to compare."""
    annotation, value, plain = PLAIN[name]
    document, _ = encode(codec_for(annotation), value)
    assert document == plain
    assert type(document) is type(plain)


@pytest.mark.parametrize(
    "annotation", [int, float, str, bool, Any, list[int], dict[str, Any], Leaf]
)
def test_what_json_tells_needs_no_schema(annotation: Any) -> None:
    """A class of plain fields adds nothing to its documents."""
    assert codec_for(annotation).schema is None
    assert codec_for(annotation | None).schema is None
    assert codec_for(Any).schema is None


@pytest.mark.parametrize("schema", [None, 5, [], {}, "x", {"a": 1, "b": 2}, {"list": [[]]}, True])
def test_an_unknown_schema_reads_as_it_stands(schema: Any) -> None:
    """A schema of a later artigraph, or of nobody's, leaves values as they are."""
    assert codec_of_schema(schema).decode({"a": [1, None]}, LoadedChildren()) == {"a": [1, None]}


def _enumeration(name: str, number: int) -> Any:
    return Enum(name, {"A": number})


def test_arms_of_one_kind_are_told_apart() -> None:
    """A union of two tuples, or of two enumerations of one name, comes back as the right arm."""
    first, second = (_enumeration("Same", number) for number in (1, 2))
    for annotation, values in (
        (first | second, [first.A, second.A]),
        (tuple[int, int] | tuple[int, date, int], [(1, 2), (1, date.min, 2)]),
        (tuple[date, date] | tuple[date, ...], [(date.min,) * 2, (date.min,) * 3]),
    ):
        codec = codec_for(annotation)
        for value in values:
            assert same(value, codec.decode(*encode(codec, value)))


def test_parts_are_named_by_their_path() -> None:
    """A value in a row of its own is labelled with the way to it, each with a label of its own."""
    place = EncodingContext("Model", "field")
    value = {"a": [Leaf(1), np.eye(2)], "b": {1: Leaf(2), "1": Leaf(3)}, "\ud800\x00": Leaf(4)}
    codec_for(Any).encode(value, place)
    assert list(place.children) == ["field.a.0", "field.a.1", "field.b.1", "field.b.1~2", "field.?"]
    long = EncodingContext("Model", "field")
    codec_for(Any).encode({"x" * 1000: [Leaf(1), Leaf(2)]}, long)
    assert all(len(label) <= 255 for label in long.children)
    assert len(long.children) == 2


def test_two_serializers_or_storages_are_refused(tmp_path: Any) -> None:
    """A field is stored in one way and in one place; naming one twice is harmless."""
    files = FileSystemStorage(tmp_path, name="test-codecs")
    codec_for(Annotated[int, json_serializer, temp_file_storage, json_serializer])
    with pytest.raises(ModelDefinitionError, match=r"several serializers: .*artigraph-json"):
        codec_for(Annotated[Annotated[int, json_serializer], json_sorted_serializer])
    with pytest.raises(ModelDefinitionError, match="several storages: "):
        codec_for(Annotated[int, files, temp_file_storage])
    with pytest.raises(ModelDefinitionError, match="several storages: "):
        codec_for(Annotated[Annotated[int, files] | None, temp_file_storage])


def test_documents_are_json_that_databases_read() -> None:
    """No NaN, no integer beyond 64 bits and no lone surrogate reaches a database's JSON."""
    value = [float("nan"), float("-inf"), 2**64, -(2**70), "\ud800", "\x00", {"\x00": 1}, 1e300]
    for annotation in (Any, list[Any], list[float | str], tuple[float, ...]):
        document = codec_for(annotation).encode(value, EncodingContext("Model", "field"))
        text = json.dumps(document, allow_nan=False, ensure_ascii=False)
        assert text.encode()
        assert "\\u0000" not in text.replace("\\\\u0000", "")
        assert orjson.loads(text) == document


def test_a_model_is_refused_inside_what_is_no_place_for_it() -> None:
    """The error of a codec names the model, the path, the type and what to do."""
    with pytest.raises(SerializationError) as error:
        codec_for(dict[str, list[int]]).encode(
            {"a": [1, object()]}, EncodingContext("Model", "field")
        )
    assert str(error.value) == (
        "Model.field.a cannot be stored: JSON cannot hold it (builtins.object). Annotate the "
        "field with a serializer, as in Annotated[T, my_serializer], or make it a DataModel. "
        "Nothing was written."
    )


def test_frames_below_an_annotation_are_parts() -> None:
    """A frame is a part wherever it is, whatever the annotation says of its place."""
    frame = pd.DataFrame({"x": [1]})
    for annotation, value in (
        (list[int], [frame]),
        (dict[date, Any], {date.min: frame}),
        (date, frame),
        (Color | None, frame),
        (tuple[date, date] | int, frame),
    ):
        place = EncodingContext("Model", "field")
        codec_for(annotation).encode(value, place)
        assert [part.value is frame for part in place.children.values()] == [True]


def test_a_leaf_is_a_dataclass() -> None:
    """The models of these tests are dataclasses whose fields are compared one by one."""
    assert is_dataclass(Leaf)
    assert [f.name for f in fields(Leaf)] == ["x", "when", "color"]
