"""A stored frame tells of itself for nothing, and reads only what is wanted of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal

from artigraph import DatabaseArtifact, get_engine, write_node
from artigraph.blob.record import BlobRecord
from artigraph.blob.source import DatabaseSource, StorageSource
from artigraph.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    DeserializationError,
    PartError,
    UnknownSerializerError,
    UnknownStorageError,
)
from artigraph.frame.base import StoredValue, format_size
from artigraph.frame.frame import StoredFrame
from artigraph.frame.handles import open_stored
from artigraph.serializer.json import json_serializer
from artigraph.serializer.pandas import dataframe_serializer as pandas_serializer
from artigraph.serializer.polars import dataframe_serializer as polars_serializer
from artigraph.serializer.pyarrow import feather_serializer, parquet_serializer
from artigraph.storage.file import FileSystemStorage
from tests.frame.sources import CountingSource, keep

ROWS = 90_000
GROUP = 20_000
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Five row groups of five columns, which do not compress."""
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{i}": random.standard_normal(ROWS) for i in range(3)}
    columns["name"] = [f"row {i}" for i in range(ROWS)]
    columns["kind"] = pd.Categorical.from_codes(
        random.integers(0, 3, ROWS), pd.Index(["a", "b", "c"])
    )
    return pd.DataFrame(columns, index=pd.date_range("2024", periods=ROWS, freq="min"))


@pytest.fixture
def stored(frame: pd.DataFrame, tmp_path: Path) -> tuple[StoredFrame, CountingSource]:
    """The frame's handle, and the source that counts."""
    handle, source = keep(pandas_serializer, frame, tmp_path / "blob")
    assert isinstance(handle, StoredFrame)
    return handle, source


def table() -> Any:
    """A small table of Arrow's."""
    return pa.table({"a": range(100), "b": [str(i) for i in range(100)]})


async def test_row_alone_tells_of_the_frame(
    stored: tuple[StoredFrame, CountingSource], frame: pd.DataFrame
) -> None:
    """Making, showing and comparing a handle reads nothing."""
    handle, source = stored
    assert handle.num_rows == ROWS
    assert handle.num_columns == 5
    assert handle.columns == list(frame.columns)
    assert handle.schema == {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert handle.nbytes == source.size
    assert (handle.node_id, handle.label) == (7, "value")
    assert handle.serializer == "artigraph-pandas"
    assert handle.summary["row_groups"] == 5
    size = f"{source.size / 1e6:.1f} MB"
    assert repr(handle) == f"<StoredFrame 'value' 90,000 rows {TIMES} 5 columns, {size}, pandas>"
    assert hash(handle) == hash(handle)
    assert source.opened == 0


def test_making_a_handle_loads_no_library() -> None:
    """A handle can be made and shown where pandas was never imported."""
    code = """
import sys
from artigraph.blob.record import BlobRecord
from artigraph.frame.handles import open_stored
summary = {"kind": "frame", "rows": 1, "columns": [["a", "int64"]], "num_columns": 1}
record = BlobRecord(1, None, "artigraph-pandas", 12, "0", summary, storage="s", location="l")
print(open_stored(record))
sys.exit(any(name in sys.modules for name in ("pandas", "pyarrow", "numpy", "polars")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == f"<StoredFrame 1 row {TIMES} 1 column, 12 B, pandas>"


async def test_load_gives_the_value_back(
    stored: tuple[StoredFrame, CountingSource], frame: pd.DataFrame, tmp_path: Path
) -> None:
    """All of it is the frame that was written, in one request; so from a local file."""
    handle, source = stored
    assert_frame_equal(await handle.load(), frame)
    assert source.ranges == [(0, source.size)]
    local, _ = keep(pandas_serializer, frame, tmp_path / "local", local=True)
    assert_frame_equal(await local.load(), frame)


@pytest.mark.parametrize("offset", [0, 7, GROUP - 5, GROUP, 3 * GROUP - 1, ROWS - 3, ROWS, 10**15])
async def test_page_is_the_slice(
    stored: tuple[StoredFrame, CountingSource], frame: pd.DataFrame, offset: int
) -> None:
    """A page has dtypes, index with freq, and labels of the same slice of the whole."""
    handle, _ = stored
    assert_frame_equal(await handle.page(offset, 10), frame.iloc[offset : offset + 10])
    columns = ["kind", "x1"]
    page = await handle.page(offset, 10, columns)
    assert_frame_equal(page, frame[columns].iloc[offset : offset + 10])
    assert_frame_equal(await handle.page(offset, 0), frame.iloc[:0], check_freq=False)


async def test_head_is_the_first_rows(
    stored: tuple[StoredFrame, CountingSource], frame: pd.DataFrame
) -> None:
    """The head has five rows unless told otherwise, and all when told too many."""
    handle, _ = stored
    assert_frame_equal(await handle.head(), frame.head())
    assert_frame_equal(await handle.head(1), frame.head(1))
    assert_frame_equal(await handle.page(0, 10 * ROWS), frame)


async def test_page_reads_its_columns_only(stored: tuple[StoredFrame, CountingSource]) -> None:
    """The footer is read once; a page then asks for the chunks of its columns alone."""
    handle, source = stored
    await handle.head()
    footer = [span for span in source.ranges if span[1] == source.size]
    assert len(footer) == 1
    source.ranges.clear()
    await handle.page(2 * GROUP + 10, 100, ["x1"])
    # One column and the index, of one row group of five.
    assert len(source.ranges) == 2
    assert source.bytes_read < source.size * 0.1
    source.ranges.clear()
    await handle.page(GROUP - 10, 20, ["x1"])
    assert len(source.ranges) == 4
    assert threading.get_ident() not in source.threads


async def test_order_of_columns_costs_nothing(stored: tuple[StoredFrame, CountingSource]) -> None:
    """Columns asked for in another order than the file's are no other bytes."""
    handle, source = stored
    await handle.head()
    costs = []
    for columns in (["x0", "x2", "kind"], ["kind", "x2", "x0"]):
        source.ranges.clear()
        assert list(await handle.page(0, 5, columns)) == columns
        costs.append(source.bytes_read)
    assert costs[0] == costs[1]


async def test_pages_at_once_do_not_disturb_each_other(
    stored: tuple[StoredFrame, CountingSource], frame: pd.DataFrame
) -> None:
    """Many pages asked for at the same time are all right, and share one footer."""
    handle, source = stored
    offsets = [i * 4_321 for i in range(20)]
    pages = await asyncio.gather(*(handle.page(offset, 7) for offset in offsets))
    for offset, page in zip(offsets, pages, strict=True):
        assert_frame_equal(page, frame.iloc[offset : offset + 7])
    assert len([span for span in source.ranges if span[1] == source.size]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 5), r"offset must not be negative, and is -1.*page\(frame.num_rows - n, n\)"),
        ((0, -5), "limit must not be negative, and is -5"),
        ((0.5, 5), "offset must be a whole number, not 0.5"),
        ((0, None), "limit must be a whole number, not None"),
        ((0, True), "limit must be a whole number, not True"),
        ((0, 5, ["x"]), r"There is no column 'x'"),
        ((0, 5, ["nmae"]), r"There is no column 'nmae'. Did you mean 'name'\?"),
        ((0, 5, ["zzz"]), r"no column 'zzz'. There are 'x0', 'x1', 'x2', 'name', 'kind'\."),
        ((0, 5, ["x1", "x1"]), "The column 'x1' is asked for twice"),
        ((0, 5, "x1"), r"takes a list of names, not 'x1'. Use \['x1'\]"),
    ],
)
async def test_impossible_pages_are_refused(
    stored: tuple[StoredFrame, CountingSource], arguments: Any, message: str
) -> None:
    """What a frame does not have is an error that says what it has."""
    handle, _ = stored
    with pytest.raises(PartError, match=message):
        await handle.page(*arguments)


async def test_whole_numbers_of_numpy_are_taken(
    stored: tuple[StoredFrame, CountingSource], frame: pd.DataFrame
) -> None:
    """Whatever is a whole number can be an offset or a limit."""
    handle, _ = stored
    offset: Any = np.int64(3)
    limit: Any = np.uint8(2)
    page = await handle.page(offset, limit, ("x0",))
    assert_frame_equal(page, frame[["x0"]].iloc[3:5])


async def test_labels_that_are_no_text(tmp_path: Path) -> None:
    """Columns are found by their label, or its text; those that share one come together."""
    value = pd.DataFrame(np.arange(12).reshape(2, 6), columns=[1, "1", ("b", 2), "c", "c", None])
    handle, _ = keep(pandas_serializer, value, tmp_path / "blob")
    assert handle.columns == ["1", "1", "('b', 2)", "c", "c", "None"]
    for wanted, places in (
        ([1], [0]),
        (["1"], [1]),
        ([("b", 2)], [2]),
        (["('b', 2)"], [2]),
        (["c", 1], [3, 4, 0]),
        ([None], [5]),
    ):
        assert_frame_equal(await handle.page(0, 2, wanted), value.iloc[:, places])


async def test_no_columns_leave_the_index(
    stored: tuple[StoredFrame, CountingSource], frame: pd.DataFrame
) -> None:
    """A page without columns is its index, also where that is a range, which is not stored."""
    handle, _ = stored
    assert_frame_equal(await handle.page(5, 3, []), frame[[]].iloc[5:8])


@pytest.mark.parametrize(
    "index", [pd.RangeIndex(100), pd.RangeIndex(300, 0, -3), pd.RangeIndex(5, 205, 2, name="q")]
)
async def test_ranges_are_cut(tmp_path: Path, index: pd.RangeIndex) -> None:
    """Of an index that is a range, a page has a range."""
    value = pd.DataFrame({"a": np.arange(100)}, index=index)
    for frame in (value, value[[]]):
        handle, _ = keep(pandas_serializer, frame, tmp_path / "blob")
        for offset, limit in ((0, 5), (90, 20), (99, 1), (100, 1), (7, 0)):
            page = await handle.page(offset, limit)
            assert_frame_equal(page, frame.iloc[offset : offset + limit])
            assert type(page.index) is pd.RangeIndex


async def test_pages_share_nothing(tmp_path: Path) -> None:
    """What is done to a page changes no other."""
    value = pd.DataFrame({"a": [1, 2]})
    value.attrs = {"units": ["m"]}
    handle, _ = keep(pandas_serializer, value, tmp_path / "blob")
    page = await handle.head()
    page.attrs["units"].append("s")
    page.columns.name = "changed"
    page.iloc[0, 0] = 9
    again = await handle.head()
    assert again.attrs == {"units": ["m"]}
    assert_frame_equal(again, value)


async def test_polars_gives_polars(tmp_path: Path) -> None:
    """A page of a Polars frame is a Polars frame."""
    value = pl.DataFrame({"a": range(50_000), "b": [["x"], None] * 25_000})
    handle, source = keep(polars_serializer, value, tmp_path / "blob")
    assert repr(handle).endswith("polars>")
    assert handle.schema == {"a": "Int64", "b": "List(String)"}
    for offset in (0, 19_990, 49_999, 50_000):
        assert (await handle.page(offset, 20)).equals(value.slice(offset, 20))
        page = await handle.page(offset, 20, ["b"])
        assert page.schema == {"b": pl.List(pl.String)}
        assert page.equals(value.select("b").slice(offset, 20))
    source.ranges.clear()
    await handle.page(0, 20, ["a"])
    assert source.bytes_read < source.size / 2
    assert (await handle.load()).equals(value)


async def test_polars_types_that_arrow_lacks(tmp_path: Path) -> None:
    """Where Arrow cannot read a column, pages are cut from the whole."""
    value = pl.DataFrame({"a": pl.Series([1, 2**100, None], dtype=pl.Int128), "b": [1, 2, 3]})
    handle, _ = keep(polars_serializer, value, tmp_path / "blob")
    assert (await handle.page(1, 2)).equals(value.slice(1, 2))
    assert (await handle.page(1, 5, ["b"])).equals(value.select("b").slice(1))
    assert await handle.read_schema() == {"a": "Int128", "b": "Int64"}


@pytest.mark.parametrize("serializer", [parquet_serializer, feather_serializer])
async def test_arrow_gives_arrow(tmp_path: Path, serializer: Any) -> None:
    """A page of an Arrow table is a table, in either format."""
    value = pa.table({"a": range(50_000), "b": [str(i) for i in range(50_000)]})
    handle, source = keep(serializer, value, tmp_path / "blob")
    assert handle.schema == {"a": "int64", "b": "string"}
    for offset in (0, 19_990, 49_999, 50_000):
        assert (await handle.page(offset, 20)) == value.slice(offset, 20)
        assert (await handle.page(offset, 20, ["b"])) == value.select(["b"]).slice(offset, 20)
    source.ranges.clear()
    await handle.page(100, 20, ["a"])
    assert source.bytes_read < source.size / 2
    assert await handle.load() == await handle.to_arrow() == value


async def test_wide_frames_keep_200_columns_in_the_row(tmp_path: Path) -> None:
    """A row lists the first 200 columns and counts all; the footer has them all."""
    value = pd.DataFrame(np.zeros((3, 300)), columns=[f"c{i}" for i in range(300)])
    handle, source = keep(pandas_serializer, value, tmp_path / "blob")
    assert len(handle.columns) == len(handle.schema) == 200
    assert handle.num_columns == 300
    assert f"3 rows {TIMES} 300 columns" in repr(handle)
    assert source.opened == 0
    assert await handle.read_schema() == dict.fromkeys(value.columns, "float64")
    assert_frame_equal(await handle.page(0, 1, ["c299"]), value[["c299"]].head(1))


async def test_conversions(tmp_path: Path) -> None:
    """Any kind of frame can be had as any other."""
    words: Any = {"a": [1, 2], "b": ["x", None]}
    made = [
        keep(pandas_serializer, pd.DataFrame(words), tmp_path / "pandas")[0],
        keep(polars_serializer, pl.DataFrame(words), tmp_path / "polars")[0],
        keep(parquet_serializer, pa.table(words), tmp_path / "parquet")[0],
        keep(feather_serializer, pa.table(words), tmp_path / "feather")[0],
    ]
    for handle in made:
        assert (await handle.to_arrow()).to_pydict() == words
        assert (await handle.to_polars()).to_dict(as_series=False) == words
        assert_frame_equal(await handle.to_pandas(), pd.DataFrame(words), check_dtype=False)


async def test_a_named_index_is_a_column_elsewhere(tmp_path: Path) -> None:
    """As a table, or as Polars', a pandas frame has its index after its columns."""
    value = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["p", "q"], name="key"))
    handle, _ = keep(pandas_serializer, value, tmp_path / "blob")
    expected = {"a": [1, 2], "key": ["p", "q"]}
    assert (await handle.to_arrow()).to_pydict() == expected
    assert (await handle.to_polars()).to_dict(as_series=False) == expected
    assert (await handle.to_arrow()).schema.metadata is None


async def test_conversion_that_cannot_be(tmp_path: Path) -> None:
    """A type that another library lacks is an error that says what to do."""
    month: Any = pa
    value = pa.table({"a": month.array([month.MonthDayNano((1, 2, 3))])})
    handle, _ = keep(feather_serializer, value, tmp_path / "blob")
    with pytest.raises(DeserializationError, match=r"'artigraph-feather' wrote.*Use load\(\)"):
        await handle.to_polars()


@pytest.mark.parametrize("kind", ["pandas", "polars", "parquet", "feather"])
async def test_scan_reads_what_a_query_needs(tmp_path: Path, kind: str) -> None:
    """A dataset takes filters and columns from Arrow and from Polars, again and again."""
    columns = {"a": range(100_000), "b": [i / 7 for i in range(100_000)]}
    made = {
        "pandas": (pandas_serializer, pd.DataFrame(columns)),
        "polars": (polars_serializer, pl.DataFrame(columns)),
        "parquet": (parquet_serializer, pa.table(columns)),
        "feather": (feather_serializer, pa.table(columns)),
    }
    serializer: Any
    serializer, value = made[kind]
    handle, source = keep(serializer, value, tmp_path / "blob")
    dataset = await handle.scan()
    source.ranges.clear()
    for _ in range(2):
        found = dataset.to_table(columns=["a"], filter=pc.field("a") >= 99_990)
        assert found.column("a").to_pylist() == list(range(99_990, 100_000))
    if kind != "feather":  # which has no statistics to skip by
        assert source.bytes_read < source.size / 2
    query = pl.scan_pyarrow_dataset(dataset).filter(pl.col("a") < 3).select("b")
    assert query.collect().to_series().to_list() == [0, 1 / 7, 2 / 7]
    assert dataset.count_rows() == 100_000


async def test_duckdb_queries_a_scan(tmp_path: Path) -> None:
    """DuckDB takes the dataset by its name."""
    duckdb = pytest.importorskip("duckdb")
    handle, _ = keep(parquet_serializer, table(), tmp_path / "blob")
    dataset = await handle.scan()
    found = duckdb.query("SELECT b FROM dataset WHERE a > 97").fetchall()
    assert found == [("98",), ("99",)]
    assert dataset is not None


async def test_scan_refuses_names_that_are_no_names(tmp_path: Path) -> None:
    """Where two columns share a name, no query could tell them apart."""
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    handle, _ = keep(parquet_serializer, twice, tmp_path / "blob")
    with pytest.raises(PartError, match=r"columns named 'a' apart. Read pages.*page\("):
        await handle.scan()
    assert await handle.page(0, 1, ["a"]) == twice


# ---------------------------------------------------------------- damage


def flip(data: bytes) -> bytes:
    """Change a byte early in the file, where values are."""
    return data[:1000] + bytes([data[1000] ^ 0x55]) + data[1001:]


async def test_load_finds_any_damage(frame: pd.DataFrame, tmp_path: Path) -> None:
    """A changed or missing byte is found by the whole's digest and size."""
    for local in (False, True):
        for change in (flip, lambda data: data[:-1], lambda data: data + b"x"):
            handle, _ = keep(
                pandas_serializer, frame, tmp_path / "blob", local=local, change=change
            )
            with pytest.raises(
                CorruptBlobError, match=r"'value' of node 7 .* damaged: .* Restore them from a copy"
            ):
                await handle.load()
            with pytest.raises(CorruptBlobError):
                await handle.to_arrow()


async def test_page_finds_damage_in_its_pages(frame: pd.DataFrame, tmp_path: Path) -> None:
    """A changed byte is found by the page that holds it; other pages can be had."""
    handle, _ = keep(pandas_serializer, frame, tmp_path / "blob", change=flip)
    with pytest.raises(DeserializationError, match=r"'value' of node 7 cannot be read.*CRC"):
        await handle.page(0, 5, ["x0"])
    page = await handle.page(GROUP, 5, ["x0"])
    assert_frame_equal(page, frame[["x0"]].iloc[GROUP : GROUP + 5])


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"\xff" * 5000, b"PAR1" + b"\x00" * 500 + b"PAR1", b"ARROW1\0\0"]
)
@pytest.mark.parametrize(
    "serializer", [pandas_serializer, parquet_serializer, feather_serializer, polars_serializer]
)
async def test_foreign_files_are_refused(tmp_path: Path, serializer: Any, data: bytes) -> None:
    """What is no frame at all is an error of artigraph's, not of a library's."""
    value: Any = {"artigraph-pandas": pd.DataFrame({"a": [1]})}.get(serializer.name)
    if value is None:
        value = (
            pl.DataFrame({"a": [1]}) if serializer is polars_serializer else pa.table({"a": [1]})
        )
    handle, _ = keep(serializer, value, tmp_path / "blob", change=lambda _: data)
    for read in (handle.head, handle.scan, handle.read_schema):
        with pytest.raises(DeserializationError, match=r"'value' of node 7 cannot be read"):
            await read()


@pytest.mark.parametrize("serializer", [pandas_serializer, parquet_serializer, feather_serializer])
async def test_truncated_and_damaged_files(tmp_path: Path, serializer: Any) -> None:
    """However a file is cut or changed, a page is right or an error of artigraph's."""
    arrow = pa.table({"a": range(3000), "b": [f"{i}" * 3 for i in range(3000)]})
    value: Any = arrow.to_pandas() if serializer is pandas_serializer else arrow
    whole = serializer.serialize(value)
    for i in range(60):
        place = i * len(whole) // 60
        for data in (
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :],
        ):
            handle, source = keep(serializer, value, tmp_path / "blob")
            source.path.write_bytes(data)
            source.size = len(data)
            try:
                await handle.page(10, 5)
            except (DeserializationError, CorruptBlobError):
                continue


async def test_another_frame_in_its_place_is_refused(tmp_path: Path) -> None:
    """A sound file with another number of rows than the row tells of is not what was written."""
    other = parquet_serializer.serialize(table().slice(1))
    handle, _ = keep(parquet_serializer, table(), tmp_path / "blob", change=lambda _: other)
    with pytest.raises(CorruptBlobError, match="has 99 rows where its row tells of 100"):
        await handle.head()


async def test_forged_description_is_refused(tmp_path: Path) -> None:
    """A description that tells of other columns than there are is no reason to crash."""
    value = pa.table({"a": [1, 2]}).replace_schema_metadata(
        {
            "artigraph": '{"version": 1, "columns": [["numpy", "int64"], ["numpy", "int64"]],'
            ' "labels": {"range": [0, 2, 1], "names": [null], "packed": []},'
            ' "attrs": {}, "duplicates": true,'
            ' "index": {"range": [0, 2, 1], "names": [null], "levels": []}}'
        }
    )
    data = parquet_serializer.serialize(value)
    frame = pd.DataFrame({"a": [1, 2]})
    handle, _ = keep(pandas_serializer, frame, tmp_path / "blob", change=lambda _: data)
    with pytest.raises(DeserializationError, match="tells of other columns than there are"):
        await handle.head()


async def test_missing_blob_says_whose_it_is(tmp_path: Path) -> None:
    """Where the bytes are gone, the error names the artifact."""
    storage = FileSystemStorage(tmp_path, name="frames").register()
    handle = open_stored(
        BlobRecord(
            node_id=3,
            label="gone",
            serializer="artigraph-parquet",
            size=10,
            digest="0" * 64,
            summary=dict(parquet_serializer.summarize(table())),
        ),
        StorageSource(storage.name, f"ab/{'0' * 64}", 10),
    )
    assert isinstance(handle, StoredFrame)
    with pytest.raises((BlobNotFoundError, ValueError), match="'gone' of node 3 cannot be read"):
        await handle.head()


async def test_unknown_names_are_said_when_they_matter(store: str, tmp_path: Path) -> None:
    """A handle can be had without its serializer or storage; reading it names what is missing."""
    (tmp_path / "blob").write_bytes(b"1")
    source = CountingSource(tmp_path / "blob")
    handle = open_stored(
        BlobRecord(node_id=1, label="x", serializer="nobodys", size=1, digest=None, summary=None),
        source,
    )
    assert type(handle) is StoredValue
    assert repr(handle) == "<StoredValue 'x' 1 B, nobodys>"
    with pytest.raises(UnknownSerializerError, match=r"'x' of node 1 cannot be read.*nobodys"):
        await handle.load()
    lost = open_stored(
        BlobRecord(
            node_id=1, label="x", serializer="artigraph-json", size=1, digest=None, summary=None
        ),
        StorageSource("no-storage", "somewhere", 1),
    )
    with pytest.raises(UnknownStorageError, match=r"'x' of node 1 cannot be read.*no-storage"):
        await lost.load()


async def test_other_values_have_plain_handles(tmp_path: Path) -> None:
    """A value that is neither frame nor array can be loaded, and that is all."""
    handle, _ = keep(json_serializer, {"a": [1]}, tmp_path / "blob", label=None)
    assert type(handle) is StoredValue
    assert repr(handle) == "<StoredValue 9 B, json>"
    assert await handle.load() == {"a": [1]}


@pytest.mark.parametrize(
    "summary",
    [
        None,
        {},
        {"kind": "frame"},
        {"kind": "frame", "rows": "3", "columns": []},
        {"kind": "frame", "rows": -3, "columns": []},
        {"kind": "frame", "rows": 3, "columns": [["a"]]},
        {"kind": "frame", "rows": 3, "columns": [["a", 1]]},
        {"kind": "array", "shape": 1, "dtype": "int8"},
        {"kind": "array", "shape": [1]},
    ],
)
async def test_odd_summaries_make_plain_handles(tmp_path: Path, summary: Any) -> None:
    """A row whose summary describes neither a frame nor an array can still be loaded and shown."""
    data = parquet_serializer.serialize(table())
    (tmp_path / "blob").write_bytes(data)
    handle = open_stored(
        BlobRecord(
            node_id=1,
            label="x",
            serializer="artigraph-parquet",
            size=None,
            digest=None,
            summary=summary,
        ),
        CountingSource(tmp_path / "blob"),
    )
    assert type(handle) is StoredValue
    assert handle.nbytes == len(data)
    assert "StoredValue 'x'" in repr(handle)
    assert await handle.load() == table()


async def test_handles_of_equal_bytes_are_equal(tmp_path: Path) -> None:
    """Bytes and serializer make two handles equal, not their rows."""
    one, _ = keep(parquet_serializer, table(), tmp_path / "one", label="one")
    two, _ = keep(parquet_serializer, table(), tmp_path / "two", label="two")
    other, _ = keep(parquet_serializer, table().slice(1), tmp_path / "other")
    assert one == two
    assert hash(one) == hash(two)
    assert one != other
    assert one != "one"
    assert len({one, two, other}) == 2


def test_sizes_are_short() -> None:
    """A size has one digit after the point, and a unit."""
    sizes = {0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_960: "1.0 MB", 31_400_000: "31.4 MB"}
    assert {size: format_size(size) for size in sizes} == sizes
    assert format_size(10**21) == "1,000.0 EB"


# ---------------------------------------------------------------- where blobs are


async def test_frames_in_a_folder(tmp_path: Path, frame: pd.DataFrame) -> None:
    """A storage takes what is dumped, and gives back its pages."""
    storage = FileSystemStorage(tmp_path / "blobs", name="frames").register()
    summary: dict[str, Any] = {}
    blob = await storage.create_from(
        lambda file: summary.update(pandas_serializer.dump(frame, file))
    )
    handle = open_stored(
        BlobRecord(
            node_id=1,
            label="predictions",
            serializer=pandas_serializer.name,
            size=blob.size,
            digest=blob.digest,
            summary=summary,
        ),
        StorageSource(storage.name, blob.location, blob.size),
    )
    assert isinstance(handle, StoredFrame)
    assert_frame_equal(await handle.page(50_000, 3), frame.iloc[50_000:50_003])
    assert_frame_equal(await handle.load(), frame)
    dataset = await handle.scan()
    assert dataset.count_rows() == ROWS


async def test_frames_in_the_database(store: str, frame: pd.DataFrame) -> None:
    """A frame kept in the database is read in parts too, and can be queried."""
    value = frame.iloc[:45_000]
    data = pandas_serializer.serialize(value)
    await get_engine()
    node = await write_node(
        DatabaseArtifact(artifact_serializer=pandas_serializer.name, database_artifact_value=data)
    )
    source = DatabaseSource(node.node_id, len(data))
    handle = open_stored(
        BlobRecord(
            node_id=node.node_id,
            label="x",
            serializer=pandas_serializer.name,
            size=len(data),
            digest=None,
            summary=pandas_serializer.summarize(value),
        ),
        source,
    )
    assert isinstance(handle, StoredFrame)
    pages = await asyncio.gather(*(handle.page(i * 10_000, 5, ["x1"]) for i in range(4)))
    for i, page in enumerate(pages):
        assert_frame_equal(page, value[["x1"]].iloc[i * 10_000 : i * 10_000 + 5])
    assert_frame_equal(await handle.load(), value)
    # In the loop's own thread, which must not wait for itself.
    assert (await handle.scan()).count_rows() == 45_000
