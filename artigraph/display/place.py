"""Where a value lives and how large it is, in a word or two."""

from __future__ import annotations

import re

from artigraph.display.escape import cut
from artigraph.display.facts import Badge

__all__ = ["format_size", "place_badges"]

_KINDS = {
    "s3": "S3",
    "s3a": "S3",
    "gs": "Google Cloud",
    "gcs": "Google Cloud",
    "az": "Azure",
    "abfs": "Azure",
    "abfss": "Azure",
    "file": "file",
    "local": "file",
    "memory": "memory",
    "http": "HTTP",
    "https": "HTTP",
}
"""What the storages of a protocol are called."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")

LONGEST_NAME = 40
"""Characters of a storage's name that are shown."""


def place_badges(storage: str | None, size: int | None) -> tuple[Badge, ...]:
    """Badges for a value in a row of its own.

    Args:
        storage: The name of its storage; ``None`` if its bytes are in the row.
        size: How many bytes it has, if that is known.
    """
    badges = [Badge(_place(storage), "place")]
    if size is not None:
        badges.append(Badge(format_size(size), "size"))
    return tuple(badges)


def _place(storage: str | None) -> str:
    if storage is None:
        return "database"
    if storage == "artigraph-temp-file":
        return "temporary file"
    scheme = _SCHEME.match(storage)
    if scheme is not None and scheme[1] in _KINDS:
        return _KINDS[scheme[1]]
    return cut(storage, LONGEST_NAME)


def format_size(size: int) -> str:
    """Write a number of bytes as people do, in powers of 1,000.

    Args:
        size: The number.
    """
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:,.1f} EB"
