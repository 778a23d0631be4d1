"""A blob as a dataset, for queries that read only what they need.

Arrow asks a file system for the blob; ours has one file, opened anew for
every query.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import dataset as ds, fs

from artigraph.errors import PartError

__all__ = ["make_dataset"]

NAME = "blob"


def make_dataset(
    open_file: Callable[[], BinaryIO], size: int, schema: pa.Schema, *, feather: bool = False
) -> ds.Dataset:
    """Make a dataset of one file.

    Args:
        open_file: Called in any thread, once for each query.
        size: Bytes of the file.
        schema: The schema of the file.
        feather: Whether it is an Arrow file, not Parquet.

    Raises:
        PartError: Two columns have one name, so that no query can name them.
    """
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise PartError(
            f"A query cannot tell the columns named {twice[0]!r} apart. Read pages of this frame "
            "instead, with page(offset, limit)."
        )
    kind: ds.FileFormat = ds.IpcFileFormat()
    if not feather:
        options = ds.ParquetFragmentScanOptions(pre_buffer=True, page_checksum_verification=True)
        kind = ds.ParquetFileFormat(default_fragment_scan_options=options)
    system = fs.PyFileSystem(_OneFile(open_file, size))
    fragment: Any = kind.make_fragment(NAME, filesystem=system, file_size=size)
    return ds.FileSystemDataset([fragment], schema, kind, filesystem=system)


class _SelfClosing(io.RawIOBase):
    """A file that is closed once Arrow has dropped it, which itself it does not do."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def close(self) -> None:
        self._file.close()
        super().close()


class _OneFile(fs.FileSystemHandler):
    def __init__(self, open_file: Callable[[], BinaryIO], size: int) -> None:
        self._open, self._size = open_file, size

    def get_type_name(self) -> str:
        return "artigraph"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: str | list[str]) -> list[fs.FileInfo]:
        return [fs.FileInfo(path, fs.FileType.File, size=self._size) for path in paths]

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(_SelfClosing(self._open()), mode="r")

    open_input_stream = open_input_file

    def _refuse(self, *args: object, **options: object) -> Any:
        raise NotImplementedError("A stored frame can only be read.")

    get_file_info_selector = _refuse
    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse
