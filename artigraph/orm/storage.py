"""Which storages have been written to, and where each of them is.

A row is also what writers and removers of blobs take turns by: who names a
blob shares the storage's row, who removes one has it alone.
"""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from artigraph.orm.base import Base, BinaryName, LongText

__all__ = ["StorageRecord"]


class StorageRecord(Base):
    """A storage that some row has named."""

    __tablename__ = "artigraph_storage"

    storage_name: Mapped[str] = mapped_column(BinaryName(255), primary_key=True)
    """The storage's name."""
    storage_url: Mapped[str] = mapped_column(LongText)
    """Its address, without secrets."""
