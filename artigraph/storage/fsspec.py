"""Blobs in any store that fsspec reaches.

``memory://``, ``file://``, ``s3://``, ``gs://``, ``abfs://``, ``sftp://`` and the
rest, each with its own options. The libraries behind them are imported at the
first use of a storage, never by defining it.

* ``create`` and ``read`` hold a blob in memory; ``create_from`` and ``open`` don't
* streams to a remote store pass through a file in the system's temporary folder
* an existing local blob, and one above a megabyte in S3, is taken for the right
  one if it has the right size, so damage that keeps the size is found by
  reading, not mended by writing
* a cancelled call ends at the next chunk that it moves; a small one goes on in
  its thread, and ``create`` then leaves a blob that nothing names
* only local files are flushed to disk; elsewhere the store sees to that
* where a rename refuses to replace (SMB, some FTP servers), a blob that is
  stored again keeps its old age
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.errors import (
    ArtigraphError,
    BlobNotFoundError,
    MissingLibraryError,
    StorageError,
    StorageURLError,
)
from artigraph.redact import scrub, secrets_of, tells
from artigraph.storage import local as files
from artigraph.storage.base import BlobInfo, Storage, StoredBlob, storages
from artigraph.storage.location import (
    check_bytes,
    check_location,
    check_temporary,
    list_page,
    list_root,
    location_of,
    location_of_digest,
    look_up,
    wrong_size,
)
from artigraph.storage.remote import keep, prepare, read_whole, send
from artigraph.storage.stream import RangeFile
from artigraph.storage.transfer import Sink, Stop, progress, stoppable
from artigraph.storage.url import endpoint_of, local_path, public_url, without_userinfo

T = TypeVar("T")

_FOLDERS_AT_ONCE = 4
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
        StorageURLError: It is empty, or its credentials cannot be told apart.
    """

    _stores_like = "fsspec"
    _hint = "It was deleted, or written to another storage."
    """What to say of a missing blob."""
    _install = "Install it with pip; for S3: pip install 'artigraph[s3]'"
    """What to say of a missing library."""

    def __init__(self, url: str, name: str = "", **options: Any) -> None:
        if not url:
            raise StorageURLError("A storage needs a URL, such as 'memory://' or 's3://bucket'.")
        self._path = local_path(url)
        self._options = options
        if self._path is None:
            self._url = url
            public = public_url(url)
            self._identity = (without_userinfo(url).rstrip("/"), endpoint_of(options))
        else:
            # In the name of a folder "@", "?" and "::" mean nothing.
            self._url = public = f"file://{self._path}"
            self._identity = (self._url, ())
        self._public = public
        self.name = name or public
        storages.refresh(self)

    @property
    def url(self) -> str:
        """The URL without credentials and query; where to ask for it is no part of it."""
        return self._public

    async def create(self, data: bytes, /) -> str:
        """Store bytes, or make those that are there young again; return their location.

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
        return await stoppable(self._read, location)

    async def create_from(self, write: Callable[[BinaryIO], object], /) -> StoredBlob:
        """Store what a function writes: to its place if local, else by way of a local file.

        Raises:
            StorageError: The store or the local disk failed; nothing is left
                half written under a location.
            MissingLibraryError: The library for this kind of URL is missing.
        """
        return await stoppable(self._create_from, write)

    def open(self, location: str, /, size: int | None = None) -> BinaryIO:
        """Open a blob: a plain file if it is local, else one that reads exact ranges.

        A remote one asks for nothing until it is read, and for its size only
        if that is not given and needed.

        Raises:
            BlobLocationError: It is no location; the store was not asked.
            BlobNotFoundError: Nothing is there; if remote, at the first read.
            CorruptBlobError: The blob is not as large as it should be.
            StorageError: The store failed.
        """
        path = self.local_path(location)
        if path is None:
            found = partial(self._size, location) if size is None else size
            return cast(BinaryIO, RangeFile(partial(self._read_range, location), found))
        with self._asking(f"read {location!r} from", location):
            files.check_file(self._connect()[1], path)
            file = path.open("rb")
            if size is not None and (length := os.fstat(file.fileno()).st_size) != size:
                file.close()
                raise wrong_size(self, location, length, size)
        return file

    def local_path(self, location: str, /) -> Path | None:
        """The file that holds a blob, if the URL is a local one.

        Raises:
            BlobLocationError: It is no location.
        """
        check_location(self, location)
        return None if self._path is None else Path(self._connect()[1], location)

    async def info(self, location: str, /) -> BlobInfo | None:
        """Size and age of a blob now, or None if it is missing.

        Raises:
            BlobLocationError: It is no location; the store was not asked.
            StorageError: The store failed, so that nobody knows.
        """
        check_location(self, location)
        return await run_in_thread(self._info, location)

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        """Every blob, some folders at a time, and temporary files.

        Raises:
            StorageError: The store failed.
        """
        found, pages = await run_in_thread(self._list, list_root)
        for info in found:
            yield info
        waiting = deque(pages)
        while waiting:
            batch = [waiting.popleft() for _ in range(min(_FOLDERS_AT_ONCE, len(waiting)))]
            list_one = partial(run_in_thread, self._list, list_page)
            for found, following in await gather_bounded(list_one, batch):
                if following is not None:
                    # Before other folders: a store may forget where it was.
                    waiting.appendleft(following)
                for info in found:
                    yield info

    async def remove_temporary(self, info: BlobInfo, /) -> None:
        """Remove what an unfinished write left; if it is gone, that is no error.

        Raises:
            BlobLocationError: It is no temporary file; the store was not asked.
            StorageError: The store failed.
        """
        check_temporary(self, info.location)
        await run_in_thread(self._delete, info.location)

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
        return await self.info(location) is not None

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self._identity == getattr(other, "_identity", None)

    __hash__ = Storage.__hash__

    # What follows runs in worker threads.

    def _connect(self) -> tuple[Any, str]:
        # Asked for each time: fsspec keeps one instance for all threads where that is
        # safe, one a thread where it is not (FTP), and makes new ones after a fork.
        if self._path is not None:
            return fsspec.filesystem("file", **self._options), self._path
        file_system, root = fsspec.core.url_to_fs(self._url, **self._options)
        prepare(file_system)
        return file_system, root.rstrip("/")

    def _create(self, data: bytes) -> str:
        location = location_of(data)
        with self._asking(f"store {len(data)} bytes in"):
            file_system, root = self._connect()
            path = f"{root}/{location}"
            if isinstance(file_system, LocalFileSystem):
                if not files.renew(Path(path), len(data)):
                    files.write_whole(Path(path), data)
            elif not keep(file_system, path, len(data)):
                send(file_system, data, path, len(data), renames=_renames(file_system))
        return location

    def _create_from(self, write: Callable[[BinaryIO], object], stop: Stop) -> StoredBlob:
        with ExitStack() as cleaning:
            with self._asking("open"):
                file_system, root = self._connect()
            local = isinstance(file_system, LocalFileSystem)
            asked = "store a stream in" if local else "keep a stream on this disk on its way to"
            with self._asking(asked):
                folder = root if local else cleaning.enter_context(files.spool())
                new = cleaning.enter_context(files.new_file(Path(folder)))
            advance = cleaning.enter_context(progress(None, f"Writing to {self.name}", stop))
            sink = Sink(new.file.write, advance)
            sink.fill(write, self._asking(asked))
            digest = sink.digest
            blob = StoredBlob(location_of_digest(digest), sink.size, digest)
            path = f"{root}/{blob.location}"
            with self._asking(f"store {blob.size} bytes in"):
                if local:
                    if not files.renew(Path(path), blob.size):
                        new.settle(Path(path))
                elif not keep(file_system, path, blob.size):
                    new.file.close()
                    with progress(blob.size, f"Sending to {self.name}", stop) as advance:
                        sent, renames = _Sent(advance), _renames(file_system)
                        send(file_system, new.path, path, blob.size, sent, renames=renames)
        return blob

    def _read(self, location: str, stop: Stop) -> bytes:
        with self._asking(f"read {location!r} from", location):
            file_system, root = self._connect()
            path = f"{root}/{location}"
            data: bytes
            if isinstance(file_system, LocalFileSystem):
                files.check_file(root, Path(path))
                data = file_system.cat_file(path)
            else:
                data = read_whole(file_system, path, f"Reading from {self.name}", stop)
        check_bytes(self, location, data)
        return data

    def _read_range(self, location: str, start: int, end: int) -> bytes:
        with self._asking(f"read {location!r} from", location):
            file_system, root = self._connect()
            path = f"{root}/{location}"
            try:
                data: bytes = file_system.cat_file(path, start=start, end=end)
            except Exception as error:
                # A beginning beyond the end of what is there is an error of the range.
                if isinstance(error, FileNotFoundError) or "range" not in str(error).lower():
                    raise
                data = b""
            if len(data) != end - start:
                info = look_up(file_system, path, location)
                if info is None or info.size < end:
                    raise wrong_size(self, location, info.size if info else 0, end)
                raise StorageError(f"{self!r} sent {len(data)} bytes of {end - start}.")
        return data

    def _size(self, location: str) -> int:
        info = self._info(location)
        if info is None:
            raise self._missing(location)
        return info.size

    def _delete(self, location: str) -> None:
        with self._asking(f"delete {location!r} from"):
            file_system, root = self._connect()
            if isinstance(file_system, LocalFileSystem):
                files.check_folder(root, Path(root, location))
            with suppress(FileNotFoundError):
                file_system.rm_file(f"{root}/{location}")

    def _info(self, location: str) -> BlobInfo | None:
        with self._asking(f"look for {location!r} in"):
            file_system, root = self._connect()
            own = Path(root, location) if isinstance(file_system, LocalFileSystem) else None
            if own is not None and not files.is_own_file(root, own):
                return None
            return look_up(file_system, f"{root}/{location}", location)

    def _list(self, listing: Callable[..., T], *arguments: Any) -> T:
        with self._asking("list the blobs of"):
            file_system, root = self._connect()
            local = isinstance(file_system, LocalFileSystem)
            return listing(file_system, root, *arguments, local=local)

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
            told = self._told(error, answer, asked, location)
            # A traceback shows the causes as well, so those with a secret are cut off.
            raise told from (None if tells(error, secrets) else error)

    def _told(
        self, error: Exception, answer: str, asked: str, location: str | None
    ) -> ArtigraphError:
        if isinstance(error, ImportError):
            return MissingLibraryError(
                f"{self!r} needs a library that is not installed ({answer}). {self._install}"
            )
        if location is not None and isinstance(error, FileNotFoundError):
            # Worth reading when it names something else, such as a missing bucket.
            more = "" if location in answer else f" The store answered: {answer}"
            return BlobNotFoundError(f"{self._missing(location)}{more}")
        return StorageError(f"Could not {asked} {self!r}. The store answered: {answer}")


def _renames(file_system: fsspec.AbstractFileSystem) -> bool:
    # fsspec's own is no rename but a copy, which gains nothing.
    return type(file_system).mv is not fsspec.AbstractFileSystem.mv


class _Sent(fsspec.Callback):
    """Hears from fsspec how far an upload is, and may end it."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._advance = advance

    def relative_update(self, inc: int = 1) -> None:
        """So many bytes were sent."""
        self._advance(inc)
