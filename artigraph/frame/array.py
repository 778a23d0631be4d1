"""A stored array, of which slices are read rather than the whole.

Values have no checksum of their own, so only ``load`` finds damage among them.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from typing_extensions import override

from artigraph.display.library import shape_line
from artigraph.errors import DeserializationError, PartError, StorageError
from artigraph.frame.base import StoredValue
from artigraph.serializer.part import SliceSerializer

__all__ = ["StoredArray"]


class StoredArray(StoredValue):
    """An array in a store, as its row describes it.

    Its summary has ``shape`` and ``dtype``.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(self._summary["shape"])

    @property
    def dtype(self) -> str:
        """The type of its elements, as text."""
        dtype: str = self._summary["dtype"]
        return dtype

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    # Else an array of no rows would be false, and a handle is something.
    def __bool__(self) -> bool:
        return True

    async def part(self, index: int | slice) -> Any:
        """Read some elements of the first axis, as ``array[index]`` gives them.

        They are one range of bytes, from the first to the last of them. An
        array in Fortran order with several axes is read whole.

        Args:
            index: A place or a slice, as in ``array[index]``.

        Returns:
            An array of its own, or one element of an array with one axis.

        Raises:
            PartError: There is no such place, or the array has no axes.
            BlobNotFoundError: The bytes are gone.
            DeserializationError: The bytes are damaged.
            StorageError: The store failed.
            UnknownSerializerError: Nobody registered the serializer.
            UnknownStorageError: Nobody registered the storage.
        """
        if not self.shape:
            raise PartError("An array without axes has no parts. Use load().")
        if isinstance(index, slice):
            return await self._slice(range(*self._indices(index)))
        place = self._place(index)
        return (await self._slice(range(place, place + 1)))[0]

    async def memory_map(self) -> Any:
        """Map it into memory, where the blob is a local file.

        What is looked at is read then, and nothing is compared with the
        digest.

        Returns:
            A ``numpy.memmap`` that can be read, not written.

        Raises:
            StorageError: It is not in a local file.
            BlobNotFoundError: The file is gone.
            DeserializationError: The file is damaged.
            UnknownStorageError: Nobody registered the storage.
        """

        def map_() -> object:
            path = self._source.local_path()
            if path is None:
                raise StorageError(
                    "Only a local file can be mapped into memory, and it is in none. Use load(), "
                    "or part(index) for some of it."
                )
            self._source.open().close()  # says what is wrong with a missing file
            return self._find_serializer().memory_map(path)

        return await self._run(map_)

    @override
    def _facts(self) -> list[str]:
        return [shape_line(self.shape, self.dtype)]

    @override
    def _find_serializer(self) -> SliceSerializer[Any]:
        serializer = super()._find_serializer()
        if not isinstance(serializer, SliceSerializer):
            raise DeserializationError(
                f"{serializer!r} reads no parts of an array. Use load(), which reads all of it."
            )
        return serializer

    async def _slice(self, places: range) -> Any:
        steps = places if places.step > 0 else places[::-1]
        start, stop = (steps[0], steps[-1] + 1) if steps else (0, 0)

        def read() -> object:
            with self._source.open() as file:
                found = self._find_serializer().read_slice(file, start, stop)
            if abs(places.step) > 1:
                # A copy, so that what lies between is let go.
                found = found[:: abs(places.step)].copy()
            return found if places.step > 0 else found[::-1]

        return await self._run(read)

    def _indices(self, index: slice) -> tuple[int, int, int]:
        try:
            return index.indices(len(self))
        except (TypeError, ValueError) as error:
            raise PartError(f"{index!r} is no slice of an array: {error}.") from error

    def _place(self, index: Any) -> int:
        try:
            place = operator.index(index)  # that is the question
        except TypeError:
            raise PartError(
                f"part() takes a whole number or a slice of the first axis, not {index!r}. "
                "Cut the other axes from what it gives."
            ) from None
        if not -len(self) <= place < len(self):
            raise PartError(f"There is no element {place} in a first axis of {len(self)}.")
        return place % len(self)
