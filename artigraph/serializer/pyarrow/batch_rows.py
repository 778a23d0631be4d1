"""How many rows each batch of an Arrow file has, known before one is unpacked.

Arrow tells it only of a batch that it has unpacked, or of all together. So the
two tables of the format are read here: the footer's list of blocks, and a
block's message. Both are flatbuffers, a table of which begins with the
distance to the list of where its fields are.
"""

from __future__ import annotations

from struct import unpack_from
from typing import BinaryIO

__all__ = ["BatchRows"]

_END = 10
"""Bytes at the end of a file: the footer's length, and ``ARROW1``."""

_FOOTER_BLOCKS = 3
_MESSAGE_HEADER = 2
_BATCH_LENGTH = 0
"""Numbers of fields in the tables ``Footer``, ``Message`` and ``RecordBatch``."""

_BLOCK = 24
"""Bytes of a block: an offset, the length of the message, that of the body."""


class BatchRows:
    """The batches of an Arrow file whose footer was read.

    Args:
        file: An Arrow file.

    Raises:
        Exception: Of several kinds, where it is none, or damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        end = file.seek(-_END, 2)
        (size,) = unpack_from("<i", file.read(_END))
        if not 0 < size <= end:
            raise ValueError("its footer has no length")
        file.seek(end - size)
        footer = file.read(size)
        blocks = _follow(footer, _field(footer, _follow(footer, 0), _FOOTER_BLOCKS))
        (count,) = unpack_from("<I", footer, blocks)
        self._blocks = footer[blocks + 4 : blocks + 4 + count * _BLOCK]
        if len(self._blocks) != count * _BLOCK:
            raise ValueError("its footer is cut off")

    def __len__(self) -> int:
        return len(self._blocks) // _BLOCK

    def read(self, file: BinaryIO, number: int) -> int:
        """Read how many rows a batch has.

        Args:
            file: The file.
            number: The batch's number, from 0.

        Raises:
            Exception: Of several kinds, where it is damaged.
        """
        offset, length = unpack_from("<qi", self._blocks, number * _BLOCK)
        file.seek(offset)
        # The flatbuffer comes after a mark and its own length.
        message = file.read(max(0, length))[8:]
        batch = _follow(message, _field(message, _follow(message, 0), _MESSAGE_HEADER))
        place = _field(message, batch, _BATCH_LENGTH)
        return int(unpack_from("<q", message, place)[0]) if place else 0


def _follow(data: bytes, at: int) -> int:
    return at + int(unpack_from("<I", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field is; 0 for one that has its default."""
    fields = table - unpack_from("<i", data, table)[0]
    (size,) = unpack_from("<H", data, fields)
    at = 4 + 2 * number
    (distance,) = unpack_from("<H", data, fields + at) if at < size else (0,)
    return table + int(distance) if distance else 0
