"""Files in one archive: packed alike wherever they are packed, and never trusted when read.

An archive is a zip without compression, which any tool opens. Its comment is a JSON object
that says what it is. Equal files make equal bytes: paths are sorted, and neither times nor
owners nor permissions are kept.

* no link is followed, and nothing but files and folders is packed
* what is read has no path outside of it, nothing compressed, and no more bytes than the
  archive itself, so that none can grow as it is taken out
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any, BinaryIO, NamedTuple, cast

from artigraph.display.escape import counted, visible
from artigraph.errors import PartError, SerializationError
from artigraph.registry import did_you_mean
from artigraph.serializer.part import reading

__all__ = [
    "BLOCK",
    "MOST_FILES",
    "Member",
    "check_name",
    "check_path",
    "open_archive",
    "pack",
    "pick",
]

BLOCK = 2**20
"""Bytes that are copied at once."""

MOST_FILES = 100_000
"""Files and folders of one archive."""

LARGEST_READ = 32 * 2**20
"""Bytes that are asked for at once: an archive's list of files is read whole."""

LONGEST_NAME, LONGEST_PATH = 255, 4_000
"""Bytes of one name, and characters of a path."""

LONGEST_COMMENT = 8_000
"""Bytes of what an archive says of itself; a zip has room for 65,535."""

_UNSEEN_ON_WINDOWS = frozenset('<>:"|?*')
_REGULAR, _FOLDER = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755


class Member(NamedTuple):
    """A file of an archive, or a folder of it that is empty."""

    path: str
    """Where it is, with ``/`` between names; a folder's ends with one."""
    size: int
    """Its bytes."""
    open: Callable[[], BinaryIO]
    """Opens it; whoever calls it closes the file."""


def check_name(name: str) -> None:
    """See that a text is the name of one file, below which nothing is reached.

    Raises:
        ValueError: It is none.
    """
    unfit = (
        not name
        or name in (".", "..")
        or any(c in "/\\" or ord(c) < 32 or ord(c) == 127 for c in name)
        or (os.name == "nt" and not _UNSEEN_ON_WINDOWS.isdisjoint(name))
    )
    try:
        unfit = unfit or len(name.encode()) > LONGEST_NAME
    except UnicodeEncodeError:
        unfit = True
    if unfit:
        raise ValueError(f"{visible(name, 80)!r} is no name of a file")


def check_path(path: str) -> None:
    """See that a text is a path that stays in its folder; a folder's ends with ``/``.

    Raises:
        ValueError: It is none.
    """
    if len(path) > LONGEST_PATH:
        raise ValueError(f"it has a path of {len(path):,} characters")
    for name in path.removesuffix("/").split("/"):
        check_name(name)


def pick(members: Iterable[Member], path: str | None, name: str, *, folder: bool) -> Member:
    """Choose a file of an archive.

    Args:
        members: What it holds.
        path: The file's path; without one, the only file.
        name: What the archive stands for.
        folder: Whether that is a folder.

    Raises:
        PartError: It is a folder and no path is given, or no file is there.
    """
    files = {one.path: one for one in members if not one.path.endswith("/")}
    if path is None and not folder:
        return next(iter(files.values()))
    if path is None:
        raise PartError(
            f"{name!r} is a folder of {counted(len(files), 'file')}. Name one, as in "
            "read_bytes('a/b.txt'): names() lists them, and save_to(path) writes all."
        )
    if path not in files:
        raise PartError(f"{name!r} has no file {path!r}. {did_you_mean(path, files)}")
    return files[path]


def pack(members: Sequence[Member], says: dict[str, Any], file: BinaryIO) -> None:
    """Write an archive; the same bytes whatever kind of file takes them.

    Args:
        members: What it holds, in its order.
        says: What it says of itself, as plain values.
        file: Takes the bytes.

    Raises:
        SerializationError: A file cannot be read, or changed meanwhile.
    """
    comment = json.dumps(says, separators=(",", ":")).encode()
    if len(comment) > LONGEST_COMMENT:
        raise SerializationError(
            f"The name and the media type of {visible(str(says.get('name')), 80)!r} take more "
            f"than {LONGEST_COMMENT:,} bytes. Shorten them."
        )
    # Told nothing of where it is, zipfile writes alike into a file that can be sought.
    with zipfile.ZipFile(cast(BinaryIO, _Onward(file)), "w", zipfile.ZIP_STORED) as archive:
        for member in members:
            info = zipfile.ZipInfo(member.path)
            info.create_system = 3
            info.external_attr = (_FOLDER if member.path.endswith("/") else _REGULAR) << 16
            info.file_size = member.size
            with member.open() as source, archive.open(info, "w") as target:
                copied = 0
                while block := _read(source, member):
                    copied += len(block)
                    if copied > member.size:
                        break
                    target.write(block)
            if copied != member.size:
                raise SerializationError(
                    f"{member.path!r} had {counted(member.size, 'byte')} and changed while it was "
                    "read. Store it once nobody writes to it."
                )
        archive.comment = comment
    listed = sum(46 + 3 * len(member.path) + 32 for member in members)
    if listed > LARGEST_READ:
        raise SerializationError(
            f"The paths of these {counted(len(members), 'file')} take too much room. Pack the "
            "folder, as in shutil.make_archive(name, 'tar', folder), and store that file."
        )


def _read(source: BinaryIO, member: Member) -> bytes:
    try:
        return source.read(BLOCK)
    except OSError as error:
        raise SerializationError(
            f"{member.path!r} cannot be read any more: {error.strerror or error}. Try it again."
        ) from error


class _Onward:
    """A file that knows how to write, and nothing else."""

    def __init__(self, file: BinaryIO) -> None:
        self._write = file.write

    def write(self, data: bytes) -> int:
        """Write all of the bytes and return their number."""
        self._write(data)
        return len(data)

    def flush(self) -> None:
        """Whoever owns the file does so."""


class _Careful:
    """A file of which nobody can ask for more than fits into memory."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read that many bytes."""
        left = max(0, self._size - self._file.tell())
        size = left if size < 0 else min(left, size)
        if size > LARGEST_READ:
            raise ValueError(f"it wants {size:,} bytes at once")
        return self._file.read(size)

    def seekable(self) -> bool:
        """Whether it can be sought: yes."""
        return True

    def close(self) -> None:
        """Whoever opened it does so."""


def open_archive(file: BinaryIO, told: str) -> tuple[dict[str, Any], list[Member]]:
    """Look into an archive, of which no more is read than its list of files.

    Args:
        file: Can be read and sought; it stays open as long as its members are read.
        told: What an error begins with.

    Returns:
        What it says of itself, and what it holds.

    Raises:
        DeserializationError: It is no archive of :func:`pack`, or damaged.
    """
    with reading(told):
        size = file.seek(0, io.SEEK_END)
        archive = zipfile.ZipFile(cast(BinaryIO, _Careful(file, size)))
        if len(archive.comment) > LONGEST_COMMENT:
            raise ValueError(f"its comment has {len(archive.comment):,} bytes")
        says = json.loads(archive.comment)
        if not isinstance(says, dict):
            raise ValueError("it does not say what it is")
        infos = archive.infolist()
        _check_infos(infos, size)
        return says, [_packed(archive, info) for info in infos]


def _packed(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    return Member(info.filename, info.file_size, lambda: cast(BinaryIO, archive.open(info)))


def _check_infos(infos: Iterable[zipfile.ZipInfo], size: int) -> None:
    seen: set[str] = set()
    total = 0
    for info in infos:
        name = info.filename
        if name != info.orig_filename:
            raise ValueError(f"its file {visible(name, 80)!r} has two names")
        check_path(name)
        plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
        if not plain or info.compress_size != info.file_size:
            raise ValueError(f"its file {visible(name, 80)!r} is compressed or encrypted")
        if name in seen or (name.endswith("/") and info.file_size):
            raise ValueError(f"its file {visible(name, 80)!r} is there twice, or is a folder")
        seen.add(name)
        total += info.file_size
        # Several that share their bytes would be more than there is.
        if total > size or len(seen) > MOST_FILES:
            raise ValueError("its files are more than it can hold")
