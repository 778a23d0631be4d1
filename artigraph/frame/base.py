"""A stored value that was not read yet.

A handle holds what the value's row tells. Making it, showing it and comparing
it read nothing; its ``async`` methods read what they need, in worker threads.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar, TypeVar

from typing_extensions import override

from artigraph.blob.read import explain_unknown_storage, hash_of
from artigraph.blob.record import BlobRecord
from artigraph.blob.source import BlobSource, StorageSource
from artigraph.blob.write import sha256_of
from artigraph.concurrency import run_in_thread
from artigraph.db.setting import current_setting, using
from artigraph.display.escape import cut
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.display.value import format_size
from artigraph.errors import (
    ArtigraphError,
    BlobNotFoundError,
    CorruptBlobError,
    PartError,
    UnknownStorageError,
    ValueDroppedError,
)
from artigraph.registry import public_name
from artigraph.serializer.base import Serializer, get_serializer
from artigraph.storage.badge import storage_badges

__all__ = ["StoredValue", "format_size"]

T = TypeVar("T")


class StoredValue(Shown):
    """A value in a store, as its row describes it.

    Two are equal if they stand for the same bytes, read in the same way.

    Args:
        record: What its row tells.
        source: Where its bytes are to be had.
    """

    _artigraph_refused: ClassVar[tuple[str, str]] = (
        "it stands for a value that was not read",
        "Store what its load() gives, as in await handle.load(), or read the model without "
        "lazy=True.",
    )
    """Why no field can hold one, and what to do."""

    def __init__(self, record: BlobRecord, source: BlobSource) -> None:
        self._record, self._source, self._setting = record, source, current_setting()
        self._summary = MappingProxyType(dict(record.summary or {}))

    @property
    def node_id(self) -> int:
        """The id of its row."""
        return self._record.node_id

    @property
    def label(self) -> str | None:
        """The label of its row."""
        return self._record.label

    @property
    def serializer(self) -> str:
        """The stored name of the serializer that wrote it."""
        return self._record.serializer

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in the store; in memory it may take more."""
        size = self._record.size
        return self._source.size if size is None else size

    @property
    def digest(self) -> str | None:
        """The sha256 of its bytes, in hex."""
        return self._record.digest

    @property
    def summary(self) -> Mapping[str, Any]:
        """What its row tells of it, such as shape or columns."""
        return self._summary

    @property
    def source(self) -> BlobSource:
        """Where its bytes are to be had."""
        return self._source

    async def load(self) -> Any:
        """Read all of it, and see that it is what was written.

        Returns:
            The value, as the serializer gives it.

        Raises:
            BlobNotFoundError: The bytes are gone.
            ValueDroppedError: They were given up.
            CorruptBlobError: The bytes are not those that were written.
            DeserializationError: The bytes cannot be turned into a value.
            MissingLibraryError: The serializer's library is not installed.
            StorageError: The store failed.
            UnknownSerializerError: Nobody registered the serializer.
            UnknownStorageError: Nobody registered the storage.
        """
        return await self._run(lambda: self._verified(get_serializer(self.serializer).load))

    async def preview(self) -> Any:
        """Read as much of it as is seen at a glance: a picture, a table, or its first lines.

        Returns:
            A ``Preview``, which shows itself.

        Raises:
            ArtigraphError: As for :meth:`load`.
        """
        return await public_name("read_preview")(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StoredValue):
            return NotImplemented
        if self.digest is None:
            return self is other
        return (self.digest, self.serializer) == (other.digest, other.serializer)

    def __hash__(self) -> int:
        if self.digest is None:
            return id(self)
        return hash((self.digest, self.serializer))

    @override
    def _describe(self, limits: Limits) -> Facts:
        badges = storage_badges(getattr(self._source, "storage", None), self.nbytes)
        if self._record.dropped_at is not None:
            badges = (Badge("dropped"), *badges[1:])
        return Facts(
            type(self).__name__,
            self.label or "",
            badges,
            (("node", str(self.node_id)), ("written by", cut(self.serializer, 80))),
            tuple(self._facts()),
        )

    @override
    def _brief(self, limits: Limits) -> str:
        facts = [*self._facts(), format_size(self.nbytes), cut(self._kind(), 80)]
        facts += ["dropped"] * (self._record.dropped_at is not None)
        name = "" if self.label is None else f" {self.label!r}"
        return f"<{type(self).__name__}{name} {', '.join(facts)}>"

    def _facts(self) -> list[str]:
        """What a repr shows of the value before its size."""
        return []

    def _kind(self) -> str:
        return self.serializer.removeprefix("artigraph-")

    def _find_serializer(self) -> Serializer[Any]:
        return get_serializer(self.serializer)

    async def _run(self, function: Callable[[], T]) -> T:
        """Call a function in a thread, and say in its errors whose value it was."""
        try:
            return await run_in_thread(function)
        except PartError:
            raise
        except ArtigraphError as error:
            told: ArtigraphError = error
            # One that was made without a database has none to ask.
            known = self._setting is not None
            if known and isinstance(error, ValueDroppedError | BlobNotFoundError):
                from artigraph.blob.dropped import dropped_since  # seldom wanted

                with using(self._setting):
                    dropped = await dropped_since(self.node_id)
                if dropped is not None:
                    raise dropped from None
            if isinstance(error, UnknownStorageError) and isinstance(self._source, StorageSource):
                with using(self._source.setting):
                    told = await explain_unknown_storage(error, self._source.storage)
            raise type(error)(
                f"The artifact {self.label!r} of node {self.node_id} cannot be read. {told}"
            ) from error

    # What follows runs in worker threads.

    def _verified(self, load: Callable[[BinaryIO], T]) -> T:
        """Read the whole value, once its size and digest are found right."""
        with self._source.open() as file:
            if self._source.local_path() is None:
                # Fetched once, rather than once to be hashed and once to be read.
                data = file.read()
                self._check(len(data), sha256_of(data))
                return load(io.BytesIO(data))
            size, digest = hash_of(file)
            self._check(size, digest)
            file.seek(0)
            return load(file)

    def _check(self, size: int, digest: str) -> None:
        if size != self.nbytes or (self.digest is not None and digest != self.digest):
            raise CorruptBlobError(
                f"It is damaged: its {size} bytes are not the {self.nbytes} that were written. "
                "Restore them from a copy, or delete it."
            )
