"""Files of this machine: into an archive, and out of one."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from artigraph.display.escape import visible
from artigraph.errors import SerializationError, StorageError
from artigraph.serializer.archive import BLOCK, MOST_FILES, Member, check_path

__all__ = ["DiskError", "absolute", "members_of_path", "save_members", "writing_disk"]


class DiskError(StorageError):
    """The disk of this machine does not take what was to be written."""


def absolute(path: str | os.PathLike[str]) -> Path:
    """A path that means the same whatever folder is worked in later."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def members_of_path(path: Path, *, name: str) -> list[Member]:
    """What is at a path: one file, or all files of a folder and its empty folders.

    Args:
        path: A file or a folder; it may be a link, and nothing in it.
        name: What the one file is called in the archive.

    Raises:
        SerializationError: Nothing is there, a link or a device is in the folder, or it
            has too many files.
    """
    with _reading_disk(path):
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            return [Member(name, found.st_size, lambda: _open_regular(path, follow=True))]
        if not stat.S_ISDIR(found.st_mode):
            raise SerializationError(
                f"{str(path)!r} is neither a file nor a folder. Read it, and store "
                "File(the_bytes, name=...)."
            )
        return sorted(_walk(path), key=lambda member: member.path)


def _walk(folder: Path) -> Iterator[Member]:
    waiting, count = [(folder, "")], 0
    while waiting:
        here, prefix = waiting.pop()
        empty = True
        with os.scandir(here) as entries:
            for entry in entries:
                empty, count = False, count + 1
                path = f"{prefix}{entry.name}"
                _check_entry(folder, path, count)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((Path(entry.path), f"{path}/"))
                elif entry.is_file(follow_symlinks=False):
                    yield _member(Path(entry.path), path, entry.stat(follow_symlinks=False).st_size)
                else:
                    raise SerializationError(
                        f"{entry.path!r} is a link or a device, which no folder is stored with. "
                        "Put a copy of what it leads to in its place, or take it away."
                    )
        if empty and prefix:
            yield Member(prefix, 0, lambda: cast(BinaryIO, io.BytesIO()))


def _check_entry(folder: Path, path: str, count: int) -> None:
    if count > MOST_FILES:
        raise SerializationError(
            f"The folder {str(folder)!r} has more than {MOST_FILES:,} files. Pack it, as in "
            "shutil.make_archive(name, 'tar', folder), and store File(name + '.tar')."
        )
    try:
        check_path(path)
    except ValueError as error:
        raise SerializationError(
            f"The folder {str(folder)!r} cannot be stored, since {error}. Rename it."
        ) from error


def _member(file: Path, path: str, size: int) -> Member:
    return Member(path, size, lambda: _open_regular(file, follow=False))


def _open_regular(path: Path, *, follow: bool) -> BinaryIO:
    with _reading_disk(path):
        # It may have become a link or a pipe, which would wait for ever, since it was listed.
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        flags |= 0 if follow else getattr(os, "O_NOFOLLOW", 0)
        file = os.fdopen(os.open(path, flags), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise SerializationError(f"{str(path)!r} is a file no more. Try it again.")
        return cast(BinaryIO, file)


@contextmanager
def _reading_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SerializationError(
            f"{str(path)!r} cannot be read: {error.strerror or error}. Give the path of a file "
            "or a folder that can."
        ) from error


def save_members(members: Sequence[Member], place: Path, *, folder: bool) -> None:
    """Write what an archive holds; nobody sees it half written.

    Args:
        members: What it holds.
        place: Where the file or the folder shall be; the folder around it is there.
        folder: Whether it is a folder.

    Raises:
        StorageError: It cannot be written.
    """
    with writing_disk(place):
        # Beside it, so that it gets its name at once and as a whole.
        beside = Path(tempfile.mkdtemp(prefix=".artigraph-", dir=place.parent))
    try:
        root = beside / "all"
        with writing_disk(place):
            root.mkdir()
        for member in members:
            _save_one(member, root, place)
        with writing_disk(place):
            if folder:
                root.rename(place)
            else:
                os.replace(root / members[0].path, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _save_one(member: Member, root: Path, place: Path) -> None:
    at = root.joinpath(*member.path.split("/"))
    with writing_disk(place):
        if not at.is_relative_to(root):
            raise DiskError(f"{visible(member.path, 80)!r} is outside of the folder.")
        if member.path.endswith("/"):
            at.mkdir(parents=True, exist_ok=True)
            return
        at.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source:
        # Never over another one, as where a disk takes two names for one.
        with writing_disk(place):
            target = at.open("xb")
        with target:
            while block := source.read(BLOCK):
                with writing_disk(place):
                    target.write(block)


@contextmanager
def writing_disk(place: Path) -> Iterator[None]:
    """Say in artigraph's words what the disk refuses.

    Raises:
        StorageError: It did.
    """
    try:
        yield
    except DiskError:
        raise
    except OSError as error:
        raise DiskError(
            f"{str(place)!r} cannot be written: {error.strerror or error}. Give another path."
        ) from error
