"""Files that appear whole under their name, or not at all.

A crash at any point leaves at worst a file named ``.<random>.tmp`` beside the
final one. Durable on a file system that honours fsync; on Windows a folder
cannot be flushed, so a power cut there may lose the name, never half a file.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to disk, then rename it.

    Args:
        path: The final name; folders above it are made.
        data: All of its bytes.

    Raises:
        OSError: The disk is full, the name is a folder, and the like; the
            temporary file is gone and the final name untouched.
    """
    _make_folder(path.parent)
    # Not tempfile: its files are readable by their owner only, whatever the umask.
    temporary = path.parent / f".{uuid4().hex}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(path.parent)


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
