"""Locations that say what they hold, and what lies at them in a store.

A location is ``ab/abcdef...``: two digits to spread the blobs over 256 folders,
then the whole sha256 of the bytes. Nothing else is one, so a location that somebody
wrote into the database by hand can name no file outside the storage's root. A store
is listed a folder, or a page of one, at a time:

* S3 answers in pages of 1,000, whatever the number of blobs
* elsewhere a folder is listed at once: of ten million blobs, 40,000
* what no storage made, by the form of its name, is left out
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from artigraph.errors import BlobLocationError, CorruptBlobError
from artigraph.storage.base import BlobInfo, Storage

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = [
    "Page",
    "blob_info",
    "check_bytes",
    "check_location",
    "check_temporary",
    "is_location",
    "is_temporary",
    "list_page",
    "list_root",
    "location_of",
    "location_of_digest",
    "look_up",
    "speaks_s3",
    "wrong_size",
]

_LOCATION = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}")
_TEMPORARY = re.compile(r"([0-9a-f]{2}/)?\.[0-9a-f]{32}\.tmp")
_FOLDER = re.compile(r"[0-9a-f]{2}")
_S3_PAGE = 1000
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "created")


def location_of(data: bytes) -> str:
    """Where these bytes belong, in any storage that is content-addressed."""
    return location_of_digest(sha256(data).hexdigest())


def location_of_digest(digest: str) -> str:
    """Where the bytes with this sha256 belong."""
    return f"{digest[:2]}/{digest}"


def is_location(text: str) -> bool:
    """Whether a path below the root is one of a blob."""
    return _LOCATION.fullmatch(text) is not None


def is_temporary(text: str) -> bool:
    """Whether a path below the root is one that a write takes until it is done."""
    return _TEMPORARY.fullmatch(text) is not None


def check_temporary(storage: Storage, location: object) -> None:
    """Refuse what no unfinished write ever left.

    Raises:
        BlobLocationError: It is not the path of a temporary file.
    """
    if not isinstance(location, str) or not is_temporary(location):
        raise BlobLocationError(
            f"{location!r:.200} is nothing temporary of {storage!r}, so it stays. "
            "Use what blobs() lists as temporary."
        )


def check_location(storage: Storage, location: object) -> None:
    """Refuse what no content-addressed storage ever returned.

    Raises:
        BlobLocationError: It is not two hex digits, a slash and a sha256
            that begins with these two.
    """
    # fullmatch, since "$" would let a newline at the end pass.
    if not isinstance(location, str) or not is_location(location):
        raise BlobLocationError(
            f"{location!r:.200} is no location of {storage!r}: those look like 'ab/abcdef...', "
            "a sha256 in hex below its first two digits. Use what create() returned."
        )


def check_bytes(storage: Storage, location: str, data: bytes) -> None:
    """Refuse bytes that are not those the location was made for.

    Raises:
        CorruptBlobError: They have another digest.
    """
    found = location_of(data)
    if found != location:
        raise CorruptBlobError(
            f"The blob at {location!r} of {storage!r} is damaged: its {len(data)} bytes have the "
            f"sha256 {found[3:]}. Put back a good copy, or delete it and write the value again."
        )


def wrong_size(storage: Storage, location: str, found: int, expected: int) -> CorruptBlobError:
    """The error for a blob that is not as large as its row says, or ends too early."""
    return CorruptBlobError(
        f"The blob at {location!r} of {storage!r} is damaged: it has {found} bytes, where "
        f"{expected} are expected. Put back a good copy, or delete it and write the value again."
    )


class Page(NamedTuple):
    """Where to go on listing: a folder, and what S3 wants to be told."""

    folder: str
    token: str | None = None


def speaks_s3(file_system: AbstractFileSystem) -> bool:
    """Whether a file system is one of s3fs, which need not be imported for this."""
    return hasattr(file_system, "call_s3")


def list_root(
    file_system: AbstractFileSystem, root: str, *, local: bool
) -> tuple[list[BlobInfo], list[Page]]:
    """Look which folders of blobs there are.

    Returns:
        What is temporary at the root itself, and the first page of every folder.
    """
    temporary, folders = [], []
    for info in _entries(file_system, root, "", local=local):
        name = _name(info)
        if info["type"] == "directory":
            if _FOLDER.fullmatch(name):
                folders.append(Page(name))
        elif is_temporary(name):
            temporary.append(blob_info(name, info))
    return temporary, folders


def list_page(
    file_system: AbstractFileSystem, root: str, page: Page, *, local: bool
) -> tuple[list[BlobInfo], Page | None]:
    """List one page of a folder.

    Returns:
        The blobs and temporary files on it, and the next page if there is one.
    """
    if speaks_s3(file_system):
        answer = _ask_s3(file_system, f"{root}/{page.folder}", page.token)
        entries = _s3_entries(answer)
        token = answer.get("NextContinuationToken") if answer.get("IsTruncated") else None
    else:
        entries, token = _entries(file_system, root, page.folder, local=local), None
    found = []
    for info in entries:
        location = f"{page.folder}/{_name(info)}"
        if info["type"] == "file" and (is_location(location) or is_temporary(location)):
            found.append(blob_info(location, info))
    return found, page._replace(token=token) if token else None


def look_up(file_system: AbstractFileSystem, path: str, location: str = "") -> BlobInfo | None:
    """What a store tells of the file at a path now, or None if no file is there."""
    # Listings may be cached, and shared with the user's own use of fsspec.
    file_system.invalidate_cache(path)
    try:
        # Not exists(): fsspec's answers False to any failure, a lost connection included.
        info: dict[str, Any] = file_system.info(path)
    except FileNotFoundError:
        return None
    return None if info.get("type") == "directory" else blob_info(location, info)


def blob_info(location: str, info: dict[str, Any]) -> BlobInfo:
    """What a file system tells of a file, in our words."""
    return BlobInfo(location, int(info["size"] or 0), _modified(info), is_temporary(location))


def _modified(info: dict[str, Any]) -> datetime:
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC)
    # Of unknown age is as good as new: a collector leaves it alone.
    return datetime.now(UTC)


def _name(info: dict[str, Any]) -> str:
    return str(info["name"]).rstrip("/").rpartition("/")[2]


def _entries(
    file_system: AbstractFileSystem, root: str, folder: str, *, local: bool
) -> Iterator[dict[str, Any]]:
    if speaks_s3(file_system):
        yield from _all_s3_entries(file_system, root)
        return
    path = f"{root}/{folder}".rstrip("/")
    try:
        if local:
            yield from _scan(path or "/")
        else:
            # Listings may be cached, and would pile up.
            file_system.invalidate_cache(path)
            yield from file_system.ls(path, detail=True)
            file_system.invalidate_cache(path)
    except FileNotFoundError:
        # Nothing was ever written, or the folder went just now.
        return


def _scan(path: str) -> Iterator[dict[str, Any]]:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield {"name": entry.name, "type": "directory"}
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # it was renamed or deleted meanwhile
            kind = "file" if entry.is_file(follow_symlinks=False) else "other"
            yield {
                "name": entry.name,
                "type": kind,
                "size": status.st_size,
                "mtime": status.st_mtime,
            }


def _all_s3_entries(file_system: AbstractFileSystem, path: str) -> Iterator[dict[str, Any]]:
    token: str | None = None
    while True:
        answer = _ask_s3(file_system, path, token)
        yield from _s3_entries(answer)
        if not answer.get("IsTruncated"):
            return
        token = answer["NextContinuationToken"]


def _ask_s3(file_system: AbstractFileSystem, path: str, token: str | None) -> dict[str, Any]:
    # Not ls(): it collects all pages of a folder, and keeps them.
    bucket, key, _ = file_system.split_path(path)
    prefix = f"{key.strip('/')}/" if key.strip("/") else ""
    more = {"ContinuationToken": token} if token else {}
    answer: dict[str, Any] = file_system.call_s3(
        "list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter="/", MaxKeys=_S3_PAGE, **more
    )
    return answer


def _s3_entries(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for common in answer.get("CommonPrefixes", ()):
        yield {"name": common["Prefix"], "type": "directory"}
    for found in answer.get("Contents", ()):
        yield {
            "name": found["Key"],
            "type": "file",
            "size": found["Size"],
            "LastModified": found["LastModified"],
        }
