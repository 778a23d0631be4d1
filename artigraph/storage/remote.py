"""What moves blobs to and from stores that are no local files.

S3 is told by its methods, so that s3fs need not be imported: there a blob is
sent in parts of a bounded size, and made young again by a copy onto itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakSet

from artigraph.storage.location import look_up, speaks_s3
from artigraph.storage.transfer import Stop, progress

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["CHUNK", "keep", "prepare", "read_whole", "send"]

CHUNK = 8 * 2**20
"""So much is read at once, and sent at once to S3."""

_AT_ONCE = 3
# One request instead of two or three, and it mends what is damaged.
_SENT_ANYWAY = 2**20
# S3 copies at most so much in one request, and takes so many parts.
_LARGEST_COPY = 5 * 2**30
_MOST_PARTS = 10_000


# Clients of S3 that were told not to wait.
_prepared: WeakSet[Any] = WeakSet()


def prepare(file_system: AbstractFileSystem) -> None:
    """Make a file system keep its timeouts.

    Before an upload, botocore asks the server whether it may send, and aiohttp
    waits for the answer without any timeout: a server that accepts connections
    and then says nothing would hold the call for ever.
    """
    if not speaks_s3(file_system):
        return
    client = file_system.s3
    if client not in _prepared:
        client.meta.events.register_last("before-call.s3", _ask_no_leave)
        _prepared.add(client)


def _ask_no_leave(params: dict[str, Any], **_: Any) -> None:
    params["headers"].pop("Expect", None)


def keep(file_system: AbstractFileSystem, path: str, size: int) -> bool:
    """Make a blob young again where that is cheaper than to send it.

    Returns:
        Whether a blob of that size is there and young; if not, send it.
    """
    if not speaks_s3(file_system) or not _SENT_ANYWAY < size <= _LARGEST_COPY:
        return False
    if not _holds(file_system, path, size):
        return False
    bucket, key, _ = file_system.split_path(path)
    try:
        # S3 refuses to copy an object onto itself unless something is to change.
        file_system.call_s3(
            "copy_object",
            Bucket=bucket,
            Key=key,
            CopySource={"Bucket": bucket, "Key": key},
            MetadataDirective="REPLACE",
        )
    except (FileNotFoundError, PermissionError):
        # Deleted meanwhile, or who may write may not read.
        return False
    return True


def send(
    file_system: AbstractFileSystem,
    source: bytes | Path,
    path: str,
    size: int,
    sent: Any = None,
    *,
    renames: bool,
) -> None:
    """Put bytes or a file under a path, whole or not at all.

    Args:
        file_system: Any of fsspec's but the local one.
        source: What to send.
        path: Where it belongs.
        size: How many bytes that are.
        sent: fsspec's callback, told how much of a file was sent.
        renames: Whether the store has a rename worth the name.
    """
    if file_system.async_impl:
        # Object stores show an object once it is whole, and know no folders: s3fs
        # would create a missing bucket here.
        _send(file_system, source, path, size, sent)
        return
    folder = path.rpartition("/")[0]
    file_system.makedirs(folder, exist_ok=True)
    if not renames:
        _send(file_system, source, path, size, sent)
        return
    temporary = f"{folder}/.{uuid4().hex}.tmp"
    try:
        _send(file_system, source, temporary, size, sent)
        file_system.mv(temporary, path)
    except Exception:
        with suppress(Exception):
            file_system.rm_file(temporary)
        # Some servers refuse to rename onto a file: then another writer was first.
        if not _holds(file_system, path, size):
            raise


def _send(
    file_system: AbstractFileSystem, source: bytes | Path, path: str, size: int, sent: Any
) -> None:
    # S3 takes large ones in parts; s3fs would make them of 50 MB, ten of them in memory.
    parts = {"chunksize": max(CHUNK, ceil(size / _MOST_PARTS)), "max_concurrency": _AT_ONCE}
    options: dict[str, Any] = parts if speaks_s3(file_system) else {}
    if isinstance(source, bytes):
        file_system.pipe_file(path, source, **options)
    else:
        if sent is not None:
            options["callback"] = sent
        file_system.put_file(str(source), path, **options)


def _holds(file_system: AbstractFileSystem, path: str, size: int) -> bool:
    try:
        info = look_up(file_system, path)
    except PermissionError:
        # Who may write but not list is told that even a missing blob is forbidden.
        return False
    return info is not None and info.size == size


def read_whole(file_system: AbstractFileSystem, path: str, description: str, stop: Stop) -> bytes:
    """Read a file: at once if it is small, else some chunks at a time.

    Args:
        file_system: Any of fsspec's.
        path: The file.
        description: What stands before a progress bar.
        stop: Asked between chunks.
    """
    data = _first_chunk(file_system, path)
    if len(data) < CHUNK:
        return data
    size = file_system.info(path)["size"]
    parts = [data]
    with progress(size, description, stop) as advance:
        advance(len(data))
        for part in _chunks(file_system, path, len(data), size):
            parts.append(part)
            advance(len(part))
    return b"".join(parts)


def _first_chunk(file_system: AbstractFileSystem, path: str) -> bytes:
    # Most blobs are no larger, and need no request for their size.
    try:
        data: bytes = file_system.cat_file(path, start=0, end=CHUNK)
    except FileNotFoundError:
        raise
    except Exception as error:
        # Over HTTP, an empty file has no range that could be asked for.
        if "range" not in str(error).lower():
            raise
        info = look_up(file_system, path)
        if info is None or info.size:
            raise
        return b""
    return data


def _chunks(file_system: AbstractFileSystem, path: str, start: int, size: int) -> Iterator[bytes]:
    starts = range(start, size, CHUNK)
    for first in range(0, len(starts), _AT_ONCE):
        batch = list(starts[first : first + _AT_ONCE])
        ends = [min(begin + CHUNK, size) for begin in batch]
        yield from file_system.cat_ranges([path] * len(batch), batch, ends, on_error="raise")
