"""Bytes to locations and back: one module a kind of store."""

from artigraph.storage.base import storages

__all__: list[str] = []

storages.build_in({"artigraph-temp-file": "artigraph.storage.file:temp_file_storage"})
