"""Blobs as files: in a folder of yours, or for as long as the process lives.

Made for one machine or a shared file system that renames atomically.

* a writer that is killed leaves at worst a file ``.<random>.tmp``
* importing this makes no folder; neither does naming one
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from artigraph.storage.fsspec import FsspecStorage

__all__ = ["FileSystemStorage", "TempFileStorage", "temp_file_storage"]

_making = threading.Lock()


class FileSystemStorage(FsspecStorage):
    """Content-addressed files below one folder.

    Args:
        directory: The folder, made at the first write. ``~`` is your home, and
            a relative path is settled now, whatever the working directory
            becomes.
        name: Stored beside every location; by default ``file://`` and the
            absolute path. Give one if the folder may move or is mounted
            elsewhere on other machines.
    """

    _stores_like = "fsspec"

    def __init__(self, directory: str | Path, name: str = "") -> None:
        # Made absolute here, since a plain "a://b" would be taken for a URL.
        super().__init__(os.path.abspath(os.path.expanduser(directory)), name)

    @property
    def directory(self) -> Path:
        """The folder that holds the blobs, whether it exists by now or not."""
        return Path(self._connect()[1])


class TempFileStorage(FileSystemStorage):
    """Files in a folder of the system's temporary one, removed at exit.

    The folder is made at first use. A process that forks shares it with its
    children, and it goes when the one that made it ends.

    Args:
        name: Stored beside every location.
    """

    _hint = (
        "Temporary blobs live only as long as the process that wrote them. "
        "Write what should last with FileSystemStorage(directory) or another storage."
    )

    def __init__(self, name: str) -> None:
        # A place for equality only: the real folder is another one in every process.
        super().__init__(os.sep, name)
        self._made: str | None = None

    @property
    def url(self) -> str:
        """The name: the folder is another one in every process."""
        return self.name

    def _connect(self) -> tuple[Any, str]:
        with _making:
            if self._made is None:
                self._made = tempfile.mkdtemp(prefix="artigraph-")
                atexit.register(_remove, self._made, os.getpid())
            self._path = self._made
        return super()._connect()


def _remove(folder: str, maker: int) -> None:
    # A forked child inherits this call, and must leave its parent's files alone.
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)


temp_file_storage = TempFileStorage("artigraph-temp-file")
"""Blobs that nobody needs after this process; known by name without an import."""
