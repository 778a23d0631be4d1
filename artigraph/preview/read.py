"""A stored value, or a file on its way to a store, as it can be seen at a glance."""

from __future__ import annotations

from typing import Any

from artigraph.display.escape import counted
from artigraph.display.facts import Facts
from artigraph.display.options import Limits, options
from artigraph.display.value import format_size
from artigraph.errors import PartError
from artigraph.frame.base import StoredValue
from artigraph.preview.base import Content, MakePreview, Preview
from artigraph.preview.find import find_preview
from artigraph.serializer.base import get_serializer
from artigraph.serializer.file import File

__all__ = ["can_preview", "read_preview"]


def can_preview(value: object) -> bool:
    """Whether something can be seen of a value; nothing is read for the answer."""
    if isinstance(value, StoredValue) and value.summary.get("kind") == "array":
        shape = value.summary.get("shape")
        return value.summary.get("dtype") == "uint8" and isinstance(shape, list) and len(shape) > 1
    if isinstance(value, File) and value.is_folder:
        return True
    return _maker_of(value) is not None


async def read_preview(value: Any) -> Preview:
    """Read as much of a value as is seen of it: a picture, a table, or its first lines.

    Args:
        value: A ``File``, or what a lazy read gives for an image, a figure, an array or a
            JSON value.

    Returns:
        What can be seen, within ``artigraph.options``; end a cell with it.

    Raises:
        PartError: It is neither a file nor a stored value.
        BlobNotFoundError: The bytes are gone.
        DeserializationError: The bytes are damaged.
        StorageError: The store failed.
    """
    if not isinstance(value, File | StoredValue):
        raise PartError(
            f"read_preview() takes a File or a stored value, not a {type(value).__qualname__}, "
            "which shows itself as the last line of a cell."
        )
    limits = options.limits
    return Preview(await value._run(lambda: _make(value, limits)))


def _make(value: File | StoredValue, limits: Limits) -> Facts:
    if isinstance(value, File) and value.is_folder:
        return _folder(value, limits)
    make = _maker_of(value)
    return _unseen(value) if make is None else make(_content_of(value), limits)


def _maker_of(value: object) -> MakePreview | None:
    if isinstance(value, File):
        return find_preview(value.media_type)
    return find_preview(value.serializer) if isinstance(value, StoredValue) else None


def _content_of(value: File | StoredValue) -> Content:
    if isinstance(value, File):
        return Content(value.name, value.size, value.read_start, lambda: None, {})

    def start(length: int) -> bytes:
        with value.source.open() as file:
            return file.read(min(length, value.nbytes))

    def load() -> Any:
        return value._verified(get_serializer(value.serializer).load)

    return Content(value.label or "", value.nbytes, start, load, value.summary)


def _unseen(value: File | StoredValue) -> Facts:
    kind = value.media_type if isinstance(value, File) else value.serializer
    size = value.size if isinstance(value, File) else value.nbytes
    name = value.name if isinstance(value, File) else value.label
    told = f"{format_size(size)} of {kind}, of which nothing can be seen here"
    return Facts("Preview", name or "", lines=(told,))


def _folder(value: File, limits: Limits) -> Facts:
    with value._opened() as members:
        names = [one.path for one in members if not one.path.endswith("/")]
        size = sum(one.size for one in members)
    shown = limits.max_items * 4
    more = (f"… +{len(names) - shown:,} more",) * (len(names) > shown)
    line = f"{counted(len(names), 'file')}, {format_size(size)}"
    return Facts("Preview", value.name, lines=(line,), code="\n".join((*names[:shown], *more)))
