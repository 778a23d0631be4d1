"""Locations that say what they hold: the sha256 of the bytes.

A location is ``ab/abcdef...``: two digits to spread the blobs over folders,
then the whole digest. Nothing else is one, so a location that somebody wrote
into the database by hand can name no file outside the storage's root.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from artigraph.errors import BlobLocationError, CorruptBlobError

if TYPE_CHECKING:
    from artigraph.storage.base import Storage

__all__ = [
    "check_bytes",
    "check_location",
    "check_temporary",
    "is_location",
    "is_temporary",
    "location_of",
    "location_of_digest",
    "wrong_size",
]

_LOCATION = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}")
_TEMPORARY = re.compile(r"([0-9a-f]{2}/)?\.[0-9a-f]{32}\.tmp")


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
