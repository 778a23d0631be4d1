"""What the suite for storages needs to know of the storage under test."""

from __future__ import annotations

from typing import ClassVar

import pytest

from artigraph.storage.base import Storage

__all__ = ["HOSTILE", "MEGABYTE", "StorageHooks"]

MEGABYTE = 2**20
HOSTILE = [
    "",
    ".",
    "..",
    "/",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\secrets.txt",
    "C:\\secrets.txt",
    "%2e%2e/%2e%2e/etc/passwd",
    "file:///etc/passwd",
    "s3://another-bucket/key",
    "http://127.0.0.1/key",
    "ab/../../etc/passwd",
    "ab\x00cd",
    "~/.ssh/id_ed25519",
    "*",
]


class StorageHooks:
    """What a subclass of the suite overrides."""

    hostile_locations: ClassVar[list[str]] = HOSTILE
    """What ``create`` never returns, and every method must refuse."""

    secrets: ClassVar[tuple[str, ...]] = ()
    """Credentials that the fixture hands to the storage."""

    resolution: ClassVar[float] = 1.0
    """The seconds by which the store's times of change may differ from the truth."""

    @pytest.fixture
    def storage(self) -> Storage:
        """The storage under test; override this."""
        raise NotImplementedError("Override the fixture 'storage' in your subclass.")

    def put_raw(self, storage: Storage, location: str, data: bytes) -> None:
        """Put bytes under a location that ``create`` returned, or any name beside it."""
        pytest.skip("put_raw is not overridden")

    def get_raw(self, storage: Storage, location: str) -> bytes:
        """The bytes as they lie in the store."""
        pytest.skip("get_raw is not overridden")

    def list_raw(self, storage: Storage) -> set[str]:
        """Everything that lies in the store, by any name; empty if nothing was ever written."""
        pytest.skip("list_raw is not overridden")
