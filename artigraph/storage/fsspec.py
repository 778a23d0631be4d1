"""Blobs in any store that fsspec reaches.

``memory://``, ``file://``, ``s3://``, ``gs://``, ``abfs://``, ``sftp://`` and the
rest, each with its own options. The libraries behind them are imported at the
first use of a storage, never by defining it.

* a blob travels as one ``bytes``: it must fit in memory
* an existing blob of the right size is taken for the right one, so damage that
  keeps the size is found by reading, not mended by writing
* a cancelled call goes on in its thread; ``create`` then leaves a blob that
  nothing names
* only local files are flushed to disk; elsewhere the store sees to that
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from artigraph.concurrency import run_in_thread
from artigraph.errors import ArtigraphError, BlobNotFoundError, MissingLibraryError, StorageError
from artigraph.storage.base import Storage
from artigraph.storage.local import write_whole
from artigraph.storage.location import check_bytes, check_location, location_of
from artigraph.storage.redact import scrub, secrets_of, tells
from artigraph.storage.url import local_path, place_of, public_url, without_userinfo

__all__ = ["FsspecStorage"]


class FsspecStorage(Storage):
    """Content-addressed blobs below any fsspec URL.

    Two are equal if class, name, URL and those options are equal that say
    where the bytes are (``endpoint_url``, ``host``, ``account_name`` ...).
    Credentials, timeouts and other options don't count: the bytes are the
    same whoever asks, and a cell that is run again with a fresh token must
    not clash with itself.

    Args:
        url: The root of all locations, such as ``"gs://bucket/prefix"``; a
            local path is made absolute. Chained URLs work.
        name: Stored beside every location, so it never changes; by default
            the URL without credentials and query.
        options: Passed to the file system, such as ``endpoint_url`` or
            ``token``. They never appear in a name, a repr or an error.

    Raises:
        StorageError: The URL is empty, or its credentials cannot be told
            from the rest of it.
    """

    _hint = "It was deleted, or written to another storage."
    """What to say of a missing blob."""
    _install = "Install it with pip; for S3: pip install 'artigraph[s3]'"
    """What to say of a missing library."""

    def __init__(self, url: str, name: str = "", **options: Any) -> None:
        if not url:
            raise StorageError("A storage needs a URL, such as 'memory://' or 's3://bucket/runs'.")
        self._path = local_path(url)
        self._options = options
        if self._path is None:
            self._url = url
            public = public_url(url)
            self._place = (without_userinfo(url).rstrip("/"), place_of(options))
        else:
            # In the name of a folder "@", "?" and "::" mean nothing.
            self._url = public = f"file://{self._path}"
            self._place = (self._url, ())
        self.name = name or public

    async def create(self, data: bytes, /) -> str:
        """Store bytes unless they are there already, and return their location.

        Raises:
            StorageError: The store failed; nothing is left half written.
            MissingLibraryError: The library for this kind of URL is missing.
        """
        return await run_in_thread(self._create, data)

    async def read(self, location: str, /) -> bytes:
        """Return the bytes at a location, once their sha256 is checked.

        Raises:
            BlobNotFoundError: Nothing is there.
            BlobLocationError: It is no location; the store was not asked.
            CorruptBlobError: The bytes have another sha256.
            StorageError: The store failed.
        """
        check_location(self, location)
        return await run_in_thread(self._read, location)

    async def update(self, location: str, data: bytes, /) -> str:
        """Store bytes in place of others, which stay, and return their location.

        Raises:
            BlobNotFoundError: Nothing is at the old location.
            BlobLocationError: It is no location; the store was not asked.
            StorageError: The store failed.
        """
        check_location(self, location)
        return await run_in_thread(self._update, location, data)

    async def delete(self, location: str, /) -> None:
        """Remove the bytes at a location; a missing one is no error.

        Raises:
            BlobLocationError: It is no location; the store was not asked.
            StorageError: The store failed.
        """
        check_location(self, location)
        await run_in_thread(self._delete, location)

    async def exists(self, location: str, /) -> bool:
        """Whether there are bytes at a location.

        Raises:
            BlobLocationError: It is no location; the store was not asked.
            StorageError: The store failed, so that nobody knows.
        """
        check_location(self, location)
        return await run_in_thread(self._exists, location)

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self._place == getattr(other, "_place", None)

    __hash__ = Storage.__hash__

    # What follows runs in worker threads.

    def _connect(self) -> tuple[Any, str]:
        # Asked for each time: fsspec keeps one instance for all threads where that is
        # safe, one a thread where it is not (FTP), and makes new ones after a fork.
        if self._path is not None:
            return fsspec.filesystem("file", **self._options), self._path
        file_system, root = fsspec.core.url_to_fs(self._url, **self._options)
        return file_system, root.rstrip("/")

    def _create(self, data: bytes) -> str:
        location = location_of(data)
        with self._asking(f"store {len(data)} bytes in"):
            file_system, root = self._connect()
            path = f"{root}/{location}"
            if not _holds(file_system, path, len(data)):
                _put(file_system, path, data)
        return location

    def _read(self, location: str) -> bytes:
        with self._asking(f"read {location!r} from", location):
            file_system, root = self._connect()
            data: bytes = file_system.cat_file(f"{root}/{location}")
        check_bytes(self, location, data)
        return data

    def _update(self, location: str, data: bytes) -> str:
        if not self._exists(location):
            raise self._missing(location)
        return self._create(data)

    def _delete(self, location: str) -> None:
        with self._asking(f"delete {location!r} from"):
            file_system, root = self._connect()
            with suppress(FileNotFoundError):
                file_system.rm_file(f"{root}/{location}")

    def _exists(self, location: str) -> bool:
        with self._asking(f"look for {location!r} in"):
            file_system, root = self._connect()
            return _info(file_system, f"{root}/{location}") is not None

    def _missing(self, location: str) -> BlobNotFoundError:
        return BlobNotFoundError(f"{self!r} has no blob at {location!r}. {self._hint}")

    @contextmanager
    def _asking(self, asked: str, location: str | None = None) -> Iterator[None]:
        """Turn whatever a store raises into an error of ours without secrets.

        Args:
            asked: What was asked, as in "Could not {asked} <the storage>".
            location: The blob that is missing if the store finds no file.
        """
        try:
            yield
        except ArtigraphError:
            raise
        except Exception as error:
            secrets = secrets_of(self._url, self._options)
            answer = scrub(f"{type(error).__name__}: {error}".rstrip(": "), secrets)
            translated: ArtigraphError
            if isinstance(error, ImportError):
                translated = MissingLibraryError(
                    f"{self!r} needs a library that is not installed ({answer}). {self._install}"
                )
            elif location and isinstance(error, FileNotFoundError):
                translated = self._missing(location)
                # Worth reading when it names something else, such as a missing bucket.
                if location not in answer:
                    translated = BlobNotFoundError(f"{translated} The store answered: {answer}")
            else:
                translated = StorageError(
                    f"Could not {asked} {self!r}. The store answered: {answer}"
                )
            # A traceback shows the causes as well, so those with a secret are cut off.
            raise translated from (None if tells(error, secrets) else error)


def _info(file_system: Any, path: str) -> dict[str, Any] | None:
    # Listings may be cached, and shared with the user's own use of fsspec.
    file_system.invalidate_cache(path)
    try:
        # Not exists(): fsspec's answers False to any failure, a lost connection included.
        info: dict[str, Any] = file_system.info(path)
    except FileNotFoundError:
        return None
    return None if info.get("type") == "directory" else info


def _holds(file_system: Any, path: str, size: int) -> bool:
    try:
        info = _info(file_system, path)
    except PermissionError:
        # Who may write but not list is told that even a missing blob is forbidden.
        return False
    return info is not None and info.get("size") == size


def _put(file_system: Any, path: str, data: bytes) -> None:
    if isinstance(file_system, LocalFileSystem):
        write_whole(Path(path), data)
    elif file_system.async_impl:
        # Object stores show an object once it is whole, and know no folders: s3fs
        # would create a missing bucket here.
        file_system.pipe_file(path, data)
    else:
        folder = path.rpartition("/")[0]
        file_system.makedirs(folder, exist_ok=True)
        if type(file_system).mv is fsspec.AbstractFileSystem.mv:
            # No rename but a copy, which gains nothing.
            file_system.pipe_file(path, data)
        else:
            _put_and_rename(file_system, f"{folder}/.{uuid4().hex}.tmp", path, data)


def _put_and_rename(file_system: Any, temporary: str, path: str, data: bytes) -> None:
    try:
        file_system.pipe_file(temporary, data)
        file_system.mv(temporary, path)
    except Exception:
        with suppress(Exception):
            file_system.rm_file(temporary)
        # Some servers refuse to rename onto a file: then another writer was first.
        if not _holds(file_system, path, len(data)):
            raise
