"""Media types by a file's name, the same on every machine."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from artigraph.display.escape import visible
from artigraph.errors import SerializationError
from artigraph.serializer.archive import check_name

__all__ = ["FOLDER", "check_facts", "fits_media_type", "guess_ending", "guess_media_type"]

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


def check_facts(name: str, media_type: str) -> None:
    """See that a file may be called so, and be of such a type.

    Raises:
        SerializationError: It may not.
    """
    try:
        check_name(name)
    except (TypeError, ValueError) as error:
        raise SerializationError(
            f"A file cannot be called {visible(str(name), 80)!r}. Give it a plain name, as in "
            "File(path, name='notes.txt')."
        ) from error
    if not fits_media_type(media_type):
        raise SerializationError(
            f"{visible(str(media_type), 80)!r} is no media type. Use one such as 'image/png', or "
            "leave it out."
        )
