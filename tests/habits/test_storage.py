"""Adding a storage takes one class with four methods, and a call of register()."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated

import numpy as np
import pytest

from artigraph import DataModel, ModelFilter, read_model, write_model
from artigraph.errors import BlobNotFoundError, NameTakenError
from artigraph.frame.array import StoredArray
from artigraph.storage.base import Storage, storages


class Shelf(Storage):
    """Blobs in a dict."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held: dict[str, bytes] = {}

    async def create(self, data: bytes, /) -> str:
        location = sha256(data).hexdigest()
        self.held[location] = data
        return location

    async def read(self, location: str, /) -> bytes:
        if location not in self.held:
            raise BlobNotFoundError(f"{self!r} has no blob at {location!r}.")
        return self.held[location]

    async def delete(self, location: str, /) -> None:
        self.held.pop(location, None)

    async def exists(self, location: str, /) -> bool:
        return location in self.held


SHELF = Shelf("test-habits-shelf")


class Weights(DataModel, version=1):
    values: Annotated[np.ndarray, SHELF]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Forget what a test registered."""
    known = storages.loaded.copy()
    yield
    storages.loaded = known


async def test_a_storage_of_ones_own_holds_values(store: str) -> None:
    """Values are written to it, read from it, opened lazily, shown, and removed with their rows."""
    SHELF.held.clear()
    written = await write_model(label="weights", model=Weights(np.arange(3)))
    assert len(SHELF.held) == 1
    found = await read_model(ModelFilter(model_type=Weights))
    assert found.value.values.tolist() == [0, 1, 2]
    lazy = (await read_model(ModelFilter(model_type=Weights), lazy=True)).value.values
    assert isinstance(lazy, StoredArray)
    assert (await lazy.part(1)) == 1
    assert "test-habits-shelf" in lazy._repr_html_()
    assert "test-habits-shelf" in written._repr_html_()


def test_a_name_is_taken_once() -> None:
    """Another storage of the name, and one without a name, are refused by name."""
    SHELF.register()
    Shelf("test-habits-shelf").register()  # the cell ran again

    class Drawer(Shelf):
        pass

    with pytest.raises(NameTakenError, match="test-habits-shelf"):
        Drawer("test-habits-shelf").register()
    with pytest.raises(NameTakenError, match="has no name"):
        Shelf("").register()


def test_half_a_storage_cannot_be_made() -> None:
    """One that lacks a method is told which."""

    class Half(Storage):
        name = "test-habits-half"

        async def create(self, data: bytes, /) -> str:
            return ""

    with pytest.raises(TypeError, match=r"delete.*exists.*read"):
        Half()  # type: ignore[abstract]  # that is the question
