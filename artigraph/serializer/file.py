"""Files and folders as values: their bytes, with a name and a media type.

A :class:`File` of a path is read when it is stored, block by block, and never wholly in
memory. What is stored is a zip without compression (see ``archive.py``), so that its name
and type come along and any tool opens it.

* kept: name, media type, every byte; of a folder, all files, paths and empty folders
* not kept: times, owners, permissions
* refused: links and devices in a folder, names that not every system has
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from typing_extensions import override

from artigraph.concurrency import run_in_thread
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.display.value import format_size
from artigraph.errors import SerializationError, StorageError
from artigraph.registry import public_name
from artigraph.serializer.base import Serializer
from artigraph.serializer.part import reading

if TYPE_CHECKING:
    from artigraph.serializer.archive import Member

__all__ = ["File", "FileSerializer", "file_serializer"]

T = TypeVar("T")


class File(Shown):
    """A file's or a folder's bytes, with its name and its media type.

    Two are equal if name, media type and all bytes are; where they are does not matter. What
    is read back from a store is a File as well, whose bytes are read when they are asked for.

    Args:
        path_or_bytes: The path of a file or a folder, or a file's bytes. What is at a path is
            read when it is stored, so let it be until then.
        media_type: Such as ``"image/png"``; told by the name's ending, unless given.
        name: What it is called; the last part of the path, unless given.

    Raises:
        SerializationError: There is nothing at the path, or the name or the media type is none.
    """

    def __init__(
        self,
        path_or_bytes: str | os.PathLike[str] | bytes,
        media_type: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        # For whoever makes one; `import *` is light.
        from artigraph.serializer.disk import absolute
        from artigraph.serializer.media_type import (
            FOLDER,
            check_facts,
            guess_ending,
            guess_media_type,
        )

        if isinstance(path_or_bytes, bytes | bytearray | memoryview):
            self._content: Path | bytes = bytes(path_or_bytes)
            ending = guess_ending(media_type) if isinstance(media_type, str) else ""
            self._name = f"file{ending}" if name is None else name
        elif isinstance(path_or_bytes, str | os.PathLike):
            # Where it is now, whatever folder a later cell works in.
            path = absolute(path_or_bytes)
            self._content, self._name = path, path.name if name is None else name
            if not path.exists():
                raise SerializationError(
                    f"There is no file {str(path)!r}. Give the path of one, or its bytes, as in "
                    "File(b'...', name='notes.txt')."
                )
        else:
            raise SerializationError(
                f"File() takes a path or bytes, not a {type(path_or_bytes).__qualname__}. For a "
                "text use File(text.encode(), name='notes.txt')."
            )
        self._is_folder = isinstance(self._content, Path) and self._content.is_dir()
        if media_type is None:
            media_type = FOLDER if self._is_folder else guess_media_type(str(self._name))
        self._media_type = media_type
        self._archive: bytes | None = None
        check_facts(self._name, media_type)

    @property
    def name(self) -> str:
        """What it is called, without a folder before it."""
        return self._name

    @property
    def media_type(self) -> str:
        """What kind of file it is, such as ``image/png``; ``inode/directory`` of a folder."""
        return self._media_type

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self._is_folder

    @property
    def size(self) -> int:
        """Bytes of the file, or of all files of the folder."""
        with self._opened() as members:
            return sum(member.size for member in members)

    async def names(self) -> list[str]:
        """The paths of a folder's files, or the file's name; errors as of :meth:`read_bytes`."""

        def list_() -> list[str]:
            with self._opened() as members:
                return [one.path for one in members if not one.path.endswith("/")]

        return await self._run(list_)

    async def read_bytes(self, path: str | None = None) -> bytes:
        """Read a file into memory.

        Args:
            path: Which one of a folder, as :meth:`names` lists them.

        Raises:
            PartError: It is a folder and none is named, or there is no such file.
            DeserializationError: The bytes are damaged.
            StorageError: The store failed.
        """

        def read() -> bytes:
            with self._opened() as members, self._pick(members, path).open() as file:
                return file.read()

        return await self._run(read)

    @asynccontextmanager
    async def open(self, path: str | None = None) -> AsyncIterator[BinaryIO]:
        """Open a file for reading any part of it, ``async with``.

        One that is not on this machine is first copied to a temporary file, which is gone
        afterwards.

        Args:
            path: Which one of a folder, as :meth:`names` lists them.

        Returns:
            A binary file that can be read and sought; errors as of :meth:`read_bytes`.
        """
        with ExitStack() as held:

            def enter() -> BinaryIO:
                members = held.enter_context(self._opened())
                return held.enter_context(self._pick(members, path).open())

            yield await self._run(enter)

    async def save_to(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write it to disk; nobody sees it half written.

        Args:
            path: Where it shall be; into a folder that is there already, it is put under its
                own name.
            overwrite: Take the place of a file that is there already. A folder's place is
                never taken.

        Returns:
            Where it is.

        Raises:
            StorageError: Something is there already, or it cannot be written.
            DeserializationError: The bytes are damaged.
        """
        from artigraph.serializer.disk import DiskError, absolute, save_members, writing_disk

        target = absolute(path)

        def save() -> Path:
            place = target / self.name if target.is_dir() else target
            with writing_disk(place):
                if os.path.lexists(place) and (not overwrite or self.is_folder or place.is_dir()):
                    fix = "Give another path"
                    if not self.is_folder and not place.is_dir():
                        fix += ", or overwrite=True"
                    raise DiskError(f"{str(place)!r} is there already. {fix}.")
                place.parent.mkdir(parents=True, exist_ok=True)
            with self._opened() as members:
                save_members(members, place, folder=self.is_folder)
            return place

        return await self._run(save)

    def read_start(self, length: int) -> bytes:
        """The first bytes of a file, of which no more is read; call it in a thread.

        Args:
            length: How many.

        Raises:
            PartError: It is a folder.
        """
        with self._opened() as members, self._pick(members, None).open() as file:
            return file.read(length)

    async def preview(self) -> Any:
        """What can be seen of it in a notebook: a picture, a table, or its first lines.

        Returns:
            A ``Preview``, which shows itself.
        """
        return await public_name("read_preview")(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, File):
            return NotImplemented
        if self is other:
            return True
        alike = self._key() == other._key() and self.size == other.size
        return alike and self._digest_of_all() == other._digest_of_all()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str, bool]:
        return self.name, self.media_type, self.is_folder

    def _digest_of_all(self) -> str:
        """The sha256 of what is stored of it."""
        from artigraph.serializer.archive import pack

        hash_ = hashlib.sha256()
        with self._opened() as members:
            pack(members, _says(self), cast(BinaryIO, _Hashed(hash_.update)))
        return hash_.hexdigest()

    @override
    def _describe(self, limits: Limits) -> Facts:
        size = () if self._size_now() is None else (Badge(self._size_now() or "", "size"),)
        where = (("path", str(self._content)),) if isinstance(self._content, Path) else ()
        return Facts("File", self.name, size, (("media type", self.media_type), *where))

    @override
    def _brief(self, limits: Limits) -> str:
        size = self._size_now()
        return f"<File {self.name!r} {self.media_type}{'' if size is None else f', {size}'}>"

    def _size_now(self) -> str | None:
        # A repr reads memory only.
        content = self._content if self._archive is None else self._archive
        return format_size(len(content)) if isinstance(content, bytes) else None

    async def _run(self, function: Callable[[], T]) -> T:
        from artigraph.serializer.disk import DiskError

        try:
            return await run_in_thread(function)
        except DiskError as error:
            raise StorageError(str(error)) from error

    @contextmanager
    def _opened(self) -> Iterator[list[Member]]:
        """What it holds, to be read in this block, in a worker thread."""
        if self._archive is not None:
            from artigraph.serializer.archive import open_archive

            file = io.BytesIO(self._archive)
            yield open_archive(cast(BinaryIO, file), f"The file {self.name!r} is damaged")[1]
        elif isinstance(self._content, Path):
            from artigraph.serializer.disk import members_of_path

            yield members_of_path(self._content, name=self.name)
        else:
            from artigraph.serializer.archive import Member

            data = self._content
            yield [Member(self.name, len(data), lambda: cast(BinaryIO, io.BytesIO(data)))]

    def _pick(self, members: Sequence[Member], path: str | None) -> Member:
        from artigraph.serializer.archive import pick

        return pick(members, path, self.name, folder=self.is_folder)


class _Hashed:
    def __init__(self, update: Callable[[bytes], object]) -> None:
        self.write = update


def _says(file: File) -> dict[str, Any]:
    facts = {"artigraph": "file", "version": 1, "name": file.name, "type": file.media_type}
    return {**facts, "folder": file.is_folder}


class FileSerializer(Serializer[File]):
    """Files and folders, with name and media type.

    * keeps every byte of them, and of folders the paths and empty folders within
    * does not keep times, owners and permissions
    * refuses links and devices in folders, more than 100,000 files, and names that hold a
      slash, a backslash or a control character
    """

    name = "artigraph-file"
    types = (File,)
    reads_later = True

    def serialize(self, value: File, /) -> bytes:
        """Pack a file.

        Raises:
            SerializationError: It is none, cannot be read, or changes meanwhile.
        """
        file = io.BytesIO()
        self.dump(value, cast(BinaryIO, file))
        return file.getvalue()

    @override
    def dump(self, value: File, file: BinaryIO, /) -> Mapping[str, Any]:
        """Pack a file into another, block by block.

        Raises:
            SerializationError: As for ``serialize``.
        """
        from artigraph.serializer.archive import pack

        if not isinstance(value, File):
            raise SerializationError(
                f"{self.name!r} takes a File, not a {type(value).__module__}."
                f"{type(value).__qualname__}. Use artigraph.File(path_or_bytes)."
            )
        with value._opened() as members:
            pack(members, _says(value), file)
            return _summary(value, members)

    def deserialize(self, data: bytes, /) -> File:
        """Take a file out again, into memory.

        Raises:
            DeserializationError: The bytes are not what this serializer writes, or damaged.
        """
        from artigraph.serializer.archive import BLOCK, open_archive
        from artigraph.serializer.media_type import check_facts

        told = f"These {len(data)} bytes are not a file that {self.name!r} wrote, or are damaged"
        says, members = open_archive(cast(BinaryIO, io.BytesIO(data)), told)
        with reading(told):
            if says.get("artigraph") != "file" or says.get("version") != 1:
                raise ValueError("a newer artigraph wrote it: pip install --upgrade artigraph")
            file = File.__new__(File)
            file._content, file._archive = b"", data
            file._name, file._media_type = says["name"], says["type"]
            file._is_folder = says["folder"]
            try:
                check_facts(file._name, file._media_type)
            except SerializationError as error:
                raise ValueError(error) from error
            if type(file._is_folder) is not bool:
                raise ValueError("it does not say whether it is a folder")
            if not file._is_folder and [one.path for one in members] != [file._name]:
                raise ValueError("it holds another file than it says")
            for member in members:
                with member.open() as stream:
                    while stream.read(BLOCK):
                        pass
        return file

    @override
    def summarize(self, value: File, /) -> Mapping[str, Any]:
        """Its name, media type and size, and of a folder how many files it has."""
        with value._opened() as members:
            return _summary(value, members)


def _summary(value: File, members: Sequence[Member]) -> Mapping[str, Any]:
    return {
        "kind": "file",
        "name": value.name,
        "media_type": value.media_type,
        "size": sum(member.size for member in members),
        "folder": value.is_folder,
        "files": sum(not member.path.endswith("/") for member in members),
    }


file_serializer = FileSerializer()
"""Files and folders."""
