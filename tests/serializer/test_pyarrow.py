"""Arrow tables come back equal, or Parquet refuses and points to Feather."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings, strategies as st

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.serializer.part import reading
from artigraph.serializer.pyarrow import (
    feather_serializer,
    parquet_serializer,
    read_parquet,
    row_group_size,
    write_parquet,
)
from artigraph.testing.serializer import SerializerTests

arrow: Any = pa
"""Arrow without types: the stubs describe an older release."""


def table(array: Any, kind: Any = None) -> Any:
    """A table of one column named 'a'."""
    return pa.table({"a": pa.array(array, kind)})


def plain_tables() -> list[Any]:
    """Tables that every format keeps."""
    field = pa.field("a", pa.int64(), nullable=False, metadata={"unit": "m"})
    return [
        pa.table({}),
        table([1, None, 3]),
        table([], pa.string()),
        table(["x", None, ""]),
        table([[1], None, []]),
        table([{"a": 1}, None]),
        table([1, 2], pa.timestamp("ns", "Europe/Berlin")),
        table([1, 2], pa.duration("s")),
        table([None, None]),
        table(["a", "b", None, "a"]).cast(
            pa.schema([("a", pa.dictionary(pa.int8(), pa.string()))])
        ),
        arrow.table([[1, 2]], schema=pa.schema([field], metadata={"made": "here"})),
        pa.Table.from_arrays([pa.array([1]), pa.array(["x"])], names=["a", "a"]),
        *extension_tables(),
    ]


def extension_tables() -> list[Any]:
    """Tables of extension types that Arrow itself registers, also within others."""
    ids = pa.array([bytes(16), None], arrow.uuid())
    flags = arrow.ExtensionArray.from_storage(arrow.bool8(), pa.array([1, None], pa.int8()))
    opaque = arrow.opaque(pa.binary(), "kind", "vendor")
    tensors = arrow.FixedShapeTensorArray.from_numpy_ndarray(np.arange(8.0).reshape(2, 2, 2))
    columns = {
        "uuid": ids,
        "json": pa.array(['{"a": 1}', None], arrow.json_()),
        "bool8": flags,
        "opaque": arrow.ExtensionArray.from_storage(opaque, pa.array([b"x", None])),
        "tensor": tensors,
        "list": arrow.ListArray.from_arrays([0, 1, 2], ids),
        "struct": arrow.StructArray.from_arrays([ids], ["a"]),
    }
    return [pa.table({name: column}) for name, column in columns.items()]


def feather_tables() -> list[Any]:
    """Tables that only Feather keeps."""
    return [
        table([1], pa.timestamp("s")),
        table([1], pa.time32("s")),
        table([86_400_000], pa.date64()),
        pa.table({"a": pa.array([1, 2, 1]).dictionary_encode()}),
        pa.table({"a": arrow.RunEndEncodedArray.from_arrays([1, 3], ["a", "b"])}),
        pa.table({"a": arrow.array([arrow.MonthDayNano((1, 2, 3))])}),
        table([b"", None], pa.binary(0)),
        table([[b""]], pa.list_(pa.binary(0))),
        table([{}, None], pa.struct([])),
        *unreadable_tables(),
    ]


def unreadable_tables() -> list[Any]:
    """Tables that Arrow writes as Parquet without an error, and does not read."""
    pair = pa.field("xy", pa.list_(pa.float64(), 2), nullable=False)
    word = pa.field("word", pa.dictionary(pa.int8(), pa.string()), nullable=False)
    words = arrow.StructArray.from_arrays(
        [pa.array(["x", "y"], word.type)], fields=[word], mask=pa.array([True, True])
    )
    return [
        table([[], []], pa.list_(pa.float32(), 0)),
        table([[[]], None], pa.list_(pa.list_(pa.string(), 0))),
        table([{"xy": [1.0, 2.0]}, None], pa.struct([pair])),
        table([[{"p": {"xy": [1.0, 2.0]}}, None]], pa.list_(pa.struct([("p", pa.struct([pair]))]))),
        pa.table({"a": words}),
    ]


class ArrowTests(SerializerTests):
    def equal(self, old: Any, new: Any) -> bool:
        # Of lists Parquet changes the name of the field within, which `==`
        # of types does not look at.
        fields = zip(old.schema, new.schema, strict=True)
        return (
            bool(old.equals(new))
            and old.schema.metadata == new.schema.metadata
            and all(a.equals(b) and (a.metadata or None) == (b.metadata or None) for a, b in fields)
        )


class TestParquetSerializer(ArrowTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return parquet_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        return plain_tables()

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [*feather_tables(), {"a": [1]}, table([1]).to_batches()[0]]


class TestFeatherSerializer(ArrowTests):
    # Feather has no checksum, so half of it may be a smaller file.
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return feather_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        return plain_tables() + feather_tables()

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [{"a": [1]}, table([1]).to_batches()[0]]


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")),
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3)
        | st.lists(st.none() | st.text(st.characters(codec="utf-8")), min_size=3, max_size=3)
        | st.lists(st.none() | st.floats(allow_nan=False), min_size=3, max_size=3)
        | st.lists(st.none() | st.lists(st.binary(max_size=3)), min_size=3, max_size=3),
        max_size=4,
    )
)
@settings(deadline=None)
def test_table_survives(columns: dict[str, Any]) -> None:
    """Any names and values come back from both formats."""
    value = pa.table(columns)
    for serializer in (parquet_serializer, feather_serializer):
        assert serializer.deserialize(serializer.serialize(value)).equals(value)


@pytest.mark.parametrize("value", feather_tables(), ids=lambda t: str(t.schema.types[0]))
def test_parquet_points_to_feather(value: Any) -> None:
    """What Parquet changes or lacks is refused, with the column and the fix."""
    with pytest.raises(SerializationError, match=r"'a' of type .* Use .*feather_serializer"):
        parquet_serializer.serialize(value)


def test_parquet_takes_what_it_can_read_of_such_types() -> None:
    """A required list of fixed size is refused for the null around it only."""
    pair = pa.struct([pa.field("xy", pa.list_(pa.float64(), 2), nullable=False)])
    value = table([{"xy": [1.0, 2.0]}, {"xy": [3.0, 4.0]}], pair)
    assert parquet_serializer.deserialize(parquet_serializer.serialize(value)).equals(value)


def test_a_stream_is_refused_at_what_could_not_be_read() -> None:
    """Rows of a stream are tried as those of a table are."""
    for value in unreadable_tables():
        with pytest.raises(SerializationError, match=r"'a' of type .* Use .*feather_serializer"):
            parquet_serializer.serialize(value.to_reader())


def test_rows_without_columns_are_refused() -> None:
    """No file would tell how many there are; with the column that the error makes, it does."""
    value = table([1, 2, 3]).select([])
    message = (
        r"3 rows and no columns.*: table\.append_column\('row', \[range\(table\.num_rows\)\]\)"
    )
    for serializer in (parquet_serializer, feather_serializer):
        with pytest.raises(SerializationError, match=message):
            serializer.serialize(value)
        kept = value.append_column("row", [range(value.num_rows)])
        assert serializer.deserialize(serializer.serialize(kept)).equals(kept)
    with pytest.raises(SerializationError, match=message):
        parquet_serializer.serialize(iter(value.to_batches()))


LEAVES = st.sampled_from(
    [
        (pa.int64(), st.integers(-9, 9)),
        (pa.string(), st.text("ab", max_size=2)),
        (pa.binary(2), st.binary(min_size=2, max_size=2)),
        (pa.bool_(), st.booleans()),
        (pa.dictionary(pa.int8(), pa.string()), st.text("ab", max_size=1)),
    ]
)


@st.composite
def nested(draw: st.DrawFn, inner: Any) -> Any:
    """A nested type with the values it takes, nulls where it may have them."""
    kind, values = draw(inner)
    required = draw(st.booleans())
    item = pa.field("item", kind, nullable=not required)
    values = values if required else st.none() | values
    size = draw(st.integers(0, 2))
    return draw(
        st.sampled_from(
            [
                (pa.list_(item), st.lists(values, max_size=2)),
                (pa.list_(item, size), st.lists(values, min_size=size, max_size=size)),
                (pa.struct([item]), st.fixed_dictionaries({"item": values})),
                (arrow.map_(pa.string(), item), st.dictionaries(st.text("ab", max_size=1), values)),
            ]
        )
    )


@given(st.data(), st.recursive(LEAVES, lambda inner: nested(inner), max_leaves=4))
@settings(deadline=None)
def test_any_nested_type_survives_or_is_refused(data: st.DataObject, kind: Any) -> None:
    """What is written is read again; Feather refuses none of it."""
    type_, values = kind
    rows = data.draw(st.lists(st.none() | values, max_size=3))
    try:
        value = table(rows, type_)
        value.validate(full=True)
    except pa.ArrowException:  # a null where its own builder lets none be
        assume(False)
    assert feather_serializer.deserialize(feather_serializer.serialize(value)).equals(value)
    try:
        stored = parquet_serializer.serialize(value)
    except SerializationError:
        return
    assert parquet_serializer.deserialize(stored).equals(value)


def test_chunks_with_their_own_dictionaries_survive() -> None:
    """Dictionaries that differ from chunk to chunk keep their values."""
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c"]).dictionary_encode()]
    value = arrow.table({"a": pa.chunked_array(chunks)})
    for serializer in (parquet_serializer, feather_serializer):
        back = serializer.deserialize(serializer.serialize(value))
        assert back.schema == value.schema
        assert back.to_pylist() == value.to_pylist()


def test_each_page_has_a_checksum() -> None:
    """A value that was changed within a page is noticed by whoever reads the page."""
    value = random.Random(0).randbytes(1000)  # zstd leaves noise as it is
    data = write_parquet(table([value]))
    place = data.find(value)
    assert place > 0
    with pytest.raises(DeserializationError, match="CRC"):
        read_parquet(data[:place] + b"xxx" + data[place + 3 :])


class Unregistered(pa.ExtensionType):
    """A type that Arrow does not find again."""

    def __init__(self) -> None:
        super().__init__(pa.int8(), "tests.unregistered")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: Any, serialized: bytes) -> Unregistered:
        return cls()


def test_types_must_be_registered_with_arrow() -> None:
    """An extension type that reading would not find is refused until it is registered."""
    column = arrow.ExtensionArray.from_storage(Unregistered(), pa.array([1, None], pa.int8()))
    for value in (
        pa.table({"a": column}),
        pa.table({"a": arrow.ListArray.from_arrays([0, 2], column)}),
    ):
        for serializer in (parquet_serializer, feather_serializer):
            with pytest.raises(SerializationError, match=r"'a' of type .*register_extension_type"):
                serializer.serialize(value)
    arrow.register_extension_type(Unregistered())
    try:
        for serializer in (parquet_serializer, feather_serializer):
            assert serializer.deserialize(serializer.serialize(value)).equals(value)
    finally:
        pa.unregister_extension_type("tests.unregistered")


@pytest.mark.parametrize("value", extension_tables(), ids=lambda t: t.column_names[0])
def test_extension_types_are_read_in_part(value: Any) -> None:
    """Pages of them, also those past the end, have the types of the whole."""
    for serializer in (parquet_serializer, feather_serializer):
        file = io.BytesIO(serializer.serialize(value))
        reader = serializer.open_reader(file)
        rows = [reader.read(file, 0, 1), reader.read(file, 1, 5), reader.read(file, 7, 5)]
        assert pa.concat_tables(rows).equals(value)


def batches_of(claimed: int, *rows: int) -> bytes:
    """An Arrow file that claims a number of rows a batch, and its batches."""
    schema = pa.schema([("x", pa.int64())], metadata={"artigraph-batch-rows": str(claimed)})
    file = io.BytesIO()
    with pa.ipc.new_file(file, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as out:
        for count in rows:
            out.write_batch(pa.record_batch([pa.array(np.zeros(count, np.int64))], schema=schema))
    return file.getvalue()


@pytest.mark.parametrize(
    ("claimed", "rows", "message"),
    [
        (3_000_000, [3_000_000], "batches have 3000000 rows"),
        (20_000, [3_000_000], "last batch has 3000000 rows"),
        (20_000, [3_000_000, 5], "batch 0 has 3000000 rows"),
        (20_000, [0, 3_000_000, 5], "batch 0 has 0 rows"),
        (1, [3_000_000], "last batch has 3000000 rows"),
        (0, [1], "batches have 0 rows"),
    ],
)
def test_batches_of_foreign_sizes_are_not_unpacked(
    claimed: int, rows: list[int], message: str
) -> None:
    """A page of a file takes no more memory than the largest batch that is written."""
    file = io.BytesIO(batches_of(claimed, *rows))
    before = pa.total_allocated_bytes()
    with pytest.raises(DeserializationError, match=message):
        feather_serializer.open_reader(file).read(file, 0, 5)
    assert pa.total_allocated_bytes() - before < 1_000_000


@pytest.mark.parametrize("cut_off", range(1, 60, 7))
def test_a_damaged_footer_is_reported(cut_off: int) -> None:
    """Whatever stands at the end of a file that was cut or changed."""
    data = bytearray(batches_of(20_000, 20_000, 3))
    for damaged in (bytes(data[:-cut_off]), bytes(data[:-cut_off] + b"\xff" * cut_off)):
        with pytest.raises(DeserializationError):
            feather_serializer.open_reader(io.BytesIO(damaged))


def test_row_groups_of_foreign_sizes_are_not_unpacked() -> None:
    """A page of Parquet takes no more memory than the largest row group that is written."""
    file = io.BytesIO()
    pq.write_table(table(np.zeros(3_000_000, np.int64)), file, row_group_size=3_000_000)
    reader = parquet_serializer.open_reader(file)
    with pytest.raises(DeserializationError, match=r"3000000 rows where at most 20000.*load\(\)"):
        reader.read(file, 0, 5)
    assert parquet_serializer.load(file).num_rows == 3_000_000


def test_pandas_is_given_no_path_for_a_time_zone(tmp_path: Any) -> None:
    """Without a look at the name, pandas would open the file that a time zone's name leads to."""
    path = tmp_path / "secret"
    path.write_text("TZif")
    kind = pa.timestamp("us", f"dateutil/{path}")
    for value in (table([1], kind), table([[1]], pa.list_(kind))):
        for serializer in (parquet_serializer, feather_serializer):
            file = io.BytesIO(serializer.serialize(value))
            back = serializer.open_reader(file).read(file, 0, 1)
            assert back.equals(value)
            with pytest.raises(ValueError, match="is no time zone"):
                serializer.open_reader(file).to_pandas(back.columns, [0], slice(None))
    for zone in ("UTC", "Europe/Berlin", "+05:30", "America/Argentina/Buenos_Aires", "Etc/GMT+3"):
        frame = dataframe_serializer.from_arrow(table([1], pa.timestamp("us", zone)))
        assert frame["a"].dt.tz is not None


def test_errors_write_out_what_they_quote() -> None:
    """What a library says of a file's names reaches no terminal as it stands."""
    with pytest.raises(DeserializationError) as caught, reading("Damaged"):
        raise ValueError("no column '\x1b[31m\u202ex'" + "x" * 1000)
    assert str(caught.value).startswith(r"Damaged: no column '\x1b[31m\u202ex'")
    assert len(str(caught.value)) < 600


def test_row_groups_are_small() -> None:
    """Row groups are small, but a long or wide table has no endless footer."""
    assert row_group_size(2_000_000, 32) == 20_000
    assert row_group_size(1_000_000, 1_000) == 100_000
    assert row_group_size(0, 0) == 20_000


def test_summary_tells_the_schema() -> None:
    """A summary has rows, columns with types and row groups; of many columns the first."""
    summary = parquet_serializer.summarize(pa.table({f"c{i}": range(30_000) for i in range(300)}))
    assert summary["rows"] == 30_000
    assert summary["num_columns"] == 300
    assert len(summary["columns"]) == 200
    assert summary["columns"][0] == ["c0", "int64"]
    assert summary["row_groups"] == 2
    assert feather_serializer.summarize(table([1]))["kind"] == "frame"


def test_tables_are_parquet_unless_feather_is_named() -> None:
    """A table without a named serializer is written as Parquet."""
    feather_serializer.register()
    assert find_serializer(pa.Table) == parquet_serializer


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (table([1]).to_batches()[0], r"RecordBatch. Use pyarrow.Table.from_batches\(\[value\]\)"),
        ({"a": [1]}, r"builtins.dict. Use pyarrow.table\(value\)"),
    ],
)
def test_other_types_are_refused(value: Any, message: str) -> None:
    """What is no table is refused, with the call that makes one of it."""
    for serializer in (parquet_serializer, feather_serializer):
        with pytest.raises(SerializationError, match=message):
            serializer.serialize(value)


def test_feather_takes_no_stream() -> None:
    """A reader is a stream for Parquet; for Feather it must be read first."""
    with pytest.raises(SerializationError, match=r"RecordBatchReader. Use value.read_all\(\)"):
        feather_serializer.serialize(table([1]).to_reader())
    assert parquet_serializer.serialize(table([1]).to_reader())
