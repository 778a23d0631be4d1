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
from stat import S_ISREG
from uuid import uuid4

__all__ = ["NewFile", "new_file", "renew", "write_whole"]


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
    """
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode) or found.st_size != size:
            return False
        os.utime(path)
    except OSError:
        # Gone meanwhile, or somebody else's file: then one of ours replaces it.
        return False
    return True


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
