"""A stored file or folder, of which nothing is read before it is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, BinaryIO, ClassVar, TypeVar, cast

from typing_extensions import override

from artigraph.display.escape import cut
from artigraph.display.options import Limits
from artigraph.errors import DeserializationError, StorageError
from artigraph.frame.base import StoredValue, format_size
from artigraph.serializer.archive import BLOCK, Member, check_name, open_archive
from artigraph.serializer.disk import DiskError
from artigraph.serializer.file import File
from artigraph.serializer.media_type import fits_media_type

__all__ = ["StoredFile", "describes_file"]

T = TypeVar("T")


class StoredFile(StoredValue, File):
    """A file or a folder in a store, as its row describes it.

    It is a :class:`~artigraph.File`: its name, media type and size are known at once, its
    bytes are read when they are asked for, and are seen to be those that were written. Stored
    anew, it is copied from store to store.
    """

    _artigraph_refused: ClassVar[Any] = None  # a file in a store is a file

    @property
    @override
    def name(self) -> str:
        """What it is called, without a folder before it."""
        name: str = self._summary["name"]
        return name

    @property
    @override
    def media_type(self) -> str:
        """What kind of file it is, such as ``image/png``; ``inode/directory`` of a folder."""
        media_type: str = self._summary["media_type"]
        return media_type

    @property
    @override
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return bool(self._summary["folder"])

    @property
    @override
    def size(self) -> int:
        """Bytes of the file, or of all files of the folder."""
        size: int = self._summary["size"]
        return size

    def __eq__(self, other: object) -> bool:
        return File.__eq__(self, other)

    def __hash__(self) -> int:
        return File.__hash__(self)

    @override
    def _digest_of_all(self) -> str:
        # Without one of its row, it is equal to itself alone.
        return self.digest or f"node {self.node_id}"

    @override
    def _describe(self, limits: Limits) -> Any:
        return StoredValue._describe(self, limits)

    @override
    def _brief(self, limits: Limits) -> str:
        dropped = ", dropped" * (self._record.dropped_at is not None)
        facts = f"{cut(self.media_type, 80)}, {format_size(self.size)}{dropped}"
        return f"<StoredFile {cut(self.name, 80)!r} {facts}>"

    @override
    def _facts(self) -> list[str]:
        return [f"{cut(self.name, 80)}, {cut(self.media_type, 80)}"]

    @override
    async def _run(self, function: Callable[[], T]) -> T:
        refused: list[DiskError] = []

        def call() -> T | None:
            try:
                return function()
            except DiskError as error:  # of another disk than the value's
                refused.append(error)
                return None

        found = await StoredValue._run(self, call)
        for error in refused:
            raise StorageError(str(error)) from error
        return cast(T, found)

    def read_start(self, length: int) -> bytes:
        """The first bytes of a file, of which no more is read; call it in a thread.

        Args:
            length: How many.

        Returns:
            These, compared with no digest; fewer where the file ends.

        Raises:
            DeserializationError: The bytes are damaged.
            StorageError: The store failed.
        """
        with self._source.open() as file:
            members = self._members_of(file)
            with self._pick(members, None).open() as stream:
                return stream.read(length)

    @contextmanager
    @override
    def _opened(self) -> Iterator[list[Member]]:
        if self._source.local_path() is not None:
            with self._source.open() as file:
                self._check(*_copy(file, None))
                yield self._members_of(file)
            return
        # Fetched once, and not into memory.
        with self._source.open() as file, tempfile.TemporaryFile() as copy:
            self._check(*_copy(file, cast(BinaryIO, copy)))
            yield self._members_of(cast(BinaryIO, copy))

    def _members_of(self, file: BinaryIO) -> list[Member]:
        says, members = open_archive(file, f"The file {self.name!r} is damaged")
        whole = [one for one in members if not one.path.endswith("/")]
        if says.get("folder") is not self.is_folder or (not self.is_folder and len(whole) != 1):
            raise DeserializationError(
                f"The file {self.name!r} is damaged: its row says that it is a "
                f"{'folder' if self.is_folder else 'file'}, and its bytes do not."
            )
        return members


def _copy(file: BinaryIO, target: BinaryIO | None) -> tuple[int, str]:
    """Copy a file block by block; its size and sha256."""
    size, digest = 0, sha256()
    while block := file.read(4 * BLOCK):
        size += len(block)
        digest.update(block)
        if target is not None:
            target.write(block)
    return size, digest.hexdigest()


def describes_file(summary: Mapping[str, Any]) -> bool:
    """Whether a row's summary is that of a file; somebody else may have written it."""
    name, size = summary.get("name"), summary.get("size")
    if summary.get("kind") != "file" or not isinstance(name, str):
        return False
    try:
        check_name(name)
    except ValueError:
        return False
    is_size = type(size) is int and size >= 0
    known = is_size and type(summary.get("folder")) is bool
    return known and fits_media_type(summary.get("media_type"))
