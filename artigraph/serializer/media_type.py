"""Media types by a file's name, the same on every machine."""

from __future__ import annotations

import mimetypes
from pathlib import Path

__all__ = ["FOLDER", "fits_media_type", "guess_ending", "guess_media_type"]

FOLDER = "inode/directory"
"""The media type of a folder."""

UNKNOWN = "application/octet-stream"
"""The media type of what has no better."""

LONGEST_TYPE = 255
"""Characters of a media type."""

# Without the tables of this machine, which differ from those of the next.
_TYPES = mimetypes.MimeTypes()
for _ending, _type in {
    "avif": "image/avif",
    "ipynb": "application/x-ipynb+json",
    "jsonl": "application/jsonl",
    "md": "text/markdown",
    "onnx": "application/onnx",
    "parquet": "application/vnd.apache.parquet",
    "toml": "application/toml",
    "webp": "image/webp",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}.items():
    _TYPES.add_type(_type, f".{_ending}")
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2"}
_COMPRESSED |= {"xz": "application/x-xz", "compress": "application/x-compress"}


def guess_media_type(name: str) -> str:
    """The media type of a file that is called so."""
    # Its endings alone: a name may look like an address.
    found, packed = _TYPES.guess_type("x" + "".join(Path(name).suffixes[-2:]))
    return found or UNKNOWN if packed is None else _COMPRESSED.get(packed, UNKNOWN)


def guess_ending(media_type: str) -> str:
    """How the name of a file of a media type ends; empty if nobody knows."""
    return _TYPES.guess_extension(media_type) or ""


def fits_media_type(text: object) -> bool:
    """Whether something is a media type, such as ``image/png``."""
    return (
        isinstance(text, str)
        and len(text) <= LONGEST_TYPE
        and text.isascii()
        and text.isprintable()
        and all(text.partition("/")[::2])
    )
