"""Where a value lives and how large it is, in a word or two, by the name of its storage."""

from __future__ import annotations

import re

from artigraph.display.escape import cut
from artigraph.display.facts import Badge
from artigraph.display.value import format_size

__all__ = ["storage_badges"]

_CALLED = {
    "s3://": "S3",
    "s3a://": "S3",
    "gs://": "Google Cloud",
    "gcs://": "Google Cloud",
    "az://": "Azure",
    "abfs://": "Azure",
    "abfss://": "Azure",
    "file://": "file",
    "local://": "file",
    "memory://": "memory",
    "artigraph-temp-file": "temporary file",
    "http://": "HTTP",
    "https://": "HTTP",
}
"""What storages are called, by their protocol or their whole name."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")

LONGEST_NAME = 40
"""Characters of a storage's name that are shown."""


def storage_badges(storage: str | None, size: int | None) -> tuple[Badge, ...]:
    """Badges for a value in a row of its own.

    Args:
        storage: The name of its storage; ``None`` if its bytes are in the row.
        size: How many bytes it has, if that is known.
    """
    badges = [Badge(_called(storage), "place")]
    if size is not None:
        badges.append(Badge(format_size(size), "size"))
    return tuple(badges)


def _called(storage: str | None) -> str:
    if storage is None:
        return "database"
    if not isinstance(storage, str):  # as somebody else may have left one in SQLite
        storage = repr(storage)
    scheme = _SCHEME.match(storage)
    return _CALLED.get(scheme[0] if scheme else storage) or cut(storage, LONGEST_NAME)
