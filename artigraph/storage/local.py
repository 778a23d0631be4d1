"""Files that appear whole under their name, or not at all.

A crash at any point leaves at worst a file named ``.<random>.tmp`` beside the
final one. Durable on a file system that honours fsync; on Windows a folder
cannot be flushed, so a power cut there may lose the name, never half a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from tempfile import TemporaryDirectory
from uuid import uuid4

from artigraph.errors import BlobLocationError

__all__ = [
    "NewFile",
    "check_file",
    "check_folder",
    "is_own_file",
    "new_file",
    "renew",
    "spool",
    "write_whole",
]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to disk, then rename it.

    Args:
        path: The final name; folders above it are made.
        data: All of its bytes.

    Raises:
        OSError: The disk is full, the name is a folder, and the like; the
            temporary file is gone and the final name untouched.
    """
    with new_file(path.parent) as new:
        new.file.write(data)
        new.settle(path)


class NewFile:
    """A file under a temporary name."""

    def __init__(self, folder: Path) -> None:
        # Not tempfile: its files are readable by their owner only, whatever the umask.
        self.path = folder / f".{uuid4().hex}.tmp"
        self.file = open(self.path, "xb")  # noqa: SIM115  # new_file closes it

    def settle(self, path: Path) -> None:
        """Flush the file to disk and rename it; folders above the name are made."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        _make_folder(path.parent)
        os.replace(self.path, path)
        _flush_folder(path.parent)


@contextmanager
def new_file(folder: Path) -> Iterator[NewFile]:
    """A file under a temporary name in a folder, removed at the end unless it settled."""
    _make_folder(folder)
    new = NewFile(folder)
    try:
        yield new
    finally:
        with suppress(OSError):
            # What did not fit on a full disk is tried once more by closing.
            new.file.close()
        with suppress(OSError):
            new.path.unlink()


def renew(path: Path, size: int) -> bool:
    """Set the time of a file to now if it is one and has that size.

    Returns:
        Whether it did; if not, the file has to be written.

    Raises:
        BlobLocationError: Its folder is a link out of the one around that.
    """
    check_folder(str(path.parent.parent), path)
    try:
        found = path.lstat()  # a link is replaced, wherever it leads
        if not S_ISREG(found.st_mode) or found.st_size != size:
            return False
        os.utime(path)
    except OSError:
        # Gone meanwhile, or somebody else's file: then one of ours replaces it.
        return False
    return True


def check_folder(root: str, path: Path) -> None:
    """Refuse a file whose folder is a link that leads out of a root.

    Args:
        root: The folder of all blobs.
        path: The file, right below the root or one folder further in.

    Raises:
        BlobLocationError: It leads out, or round in a circle.
    """
    # One at the root itself is temporary.
    if path.parent != Path(root) and _is_link(path.parent):
        _check_inside(root, path.parent)


def check_file(root: str, path: Path) -> None:
    """Refuse a file of which somebody has made a link out of a root, a pipe or a device.

    A missing one, or a folder in its place, says so itself when it is opened.

    Args:
        root: The folder of all blobs.
        path: The file, right below the root or one folder further in.

    Raises:
        BlobLocationError: It is none of the root's own files.
        FileNotFoundError: A folder is in its place.
    """
    check_folder(root, path)
    try:
        mode = path.lstat().st_mode
        if S_ISLNK(mode):
            _check_inside(root, path)
            mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if S_ISDIR(mode):
        raise FileNotFoundError(f"{path} is a folder.")
    if not S_ISREG(mode):
        # Opening a pipe waits for ever.
        raise BlobLocationError(f"{str(path)!r} is no file, so it is not read. Remove it.")


def is_own_file(root: str, path: Path) -> bool:
    """Whether :func:`check_file` lets a file that is there be read."""
    try:
        check_file(root, path)
    except (BlobLocationError, FileNotFoundError):
        return False
    return True


def _is_link(path: Path) -> bool:
    try:
        return S_ISLNK(path.lstat().st_mode)
    except OSError:
        return False


def _check_inside(root: str, path: Path) -> None:
    try:
        inside = path.resolve().is_relative_to(Path(root).resolve())
    except (OSError, RuntimeError):  # Python 3.13 raises the first of a circle
        inside = False
    if not inside:
        raise BlobLocationError(
            f"{str(path)!r} is a link that leads out of the storage, so it is not followed. "
            "Replace it by what it leads to, or let the storage be at that place."
        )


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    # Something else of that name answers later, at the write, with its own error.
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def spool() -> TemporaryDirectory[str]:
    """A folder on this disk for what is under way, which goes with its block."""
    return TemporaryDirectory(prefix="artigraph-", ignore_cleanup_errors=True)
