"""Models read without the values in rows of their own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest

from artigraph import (
    DataModel,
    ModelFilter,
    NodeRelationshipFilter,
    UnknownStorageError,
    create_model,
    new_node,
    read_model,
    read_model_or_none,
    read_models,
    write_model,
    write_models,
    write_node,
)
from artigraph.frame.array import StoredArray
from artigraph.frame.base import StoredValue
from artigraph.frame.frame import StoredFrame
from artigraph.storage.base import storages
from artigraph.storage.file import FileSystemStorage
from artigraph.storage.fsspec import FsspecStorage
from tests.conftest import Statements


def large_frame() -> pd.DataFrame:
    return pd.DataFrame({"a": range(60_000), "b": [f"text {i}" for i in range(60_000)]})


class LazyInner(DataModel, version=1):
    """A model below a model."""

    weights: np.ndarray[Any, Any]


class LazyOuter(DataModel, version=1):
    """Values in the row, in rows of their own, and in a model below."""

    loss: float
    frame: pd.DataFrame
    inner: LazyInner


async def test_handles_stand_in_place_of_values(store: str) -> None:
    """Shape and columns are known at once, plain fields are read, nested models too."""
    model = LazyOuter(0.5, large_frame(), LazyInner(np.arange(6).reshape(2, 3)))
    await write_model(label="m", model=model)
    read: LazyOuter = (await read_model(ModelFilter(model_type=LazyOuter), lazy=True)).value
    frame: Any = read.frame
    weights: Any = read.inner.weights
    assert read.loss == 0.5
    assert isinstance(frame, StoredFrame)
    assert (frame.num_rows, frame.columns) == (60_000, ["a", "b"])
    assert isinstance(weights, StoredArray)
    assert weights.shape == (2, 3)
    pd.testing.assert_frame_equal(await frame.to_pandas(), model.frame)
    assert (await weights.load() == model.inner.weights).all()


async def test_a_page_is_read_in_parts_from_a_row(store: str, statements: Statements) -> None:
    """Neither the model nor a page brings the whole value out of the database."""
    await write_model(label="m", model=LazyOuter(0.5, large_frame(), LazyInner(np.zeros(2))))
    statements.clear()
    found = await read_model_or_none(ModelFilter(model_type=LazyOuter), lazy=True)
    assert found is not None
    assert len(statements) == 2
    frame: Any = found.value.frame
    page = await frame.page(59_998, 5, columns=["b"])
    assert list(page["b"]) == ["text 59998", "text 59999"]
    parts = [statement for statement in statements[2:] if "substr" in statement.lower()]
    assert 1 <= len(parts) == len(statements) - 2 <= 8


async def test_many_models_take_two_statements(store: str, statements: Statements) -> None:
    """As when they are read whole, their number does not matter."""
    parent = (await write_node(new_node())).node_id
    models = {f"m{i}": LazyInner(np.zeros(i)) for i in range(30)}
    await write_models(parent_id=parent, models=models)
    statements.clear()
    found = await read_models(NodeRelationshipFilter(child_of=parent), lazy=True)
    assert [model.value.weights.shape for model in found] == [(i,) for i in range(30)]
    assert len(statements) == 2


async def test_an_unknown_storage_spoils_nothing_else(store: str, tmp_path: Path) -> None:
    """The rest is read; the value's own error names the place and the line to type."""
    here = FileSystemStorage(tmp_path / "here", "lazy-here")
    gone = FileSystemStorage(tmp_path / "gone", "lazy-gone")
    model = create_model(
        "TwoPlaces",
        near=Annotated[pd.DataFrame, here],
        far=Annotated[pd.DataFrame, gone],
        days=Annotated[list[date], gone],
        number=int,
    )
    frame = pd.DataFrame({"x": [1, 2]})
    value = model(near=frame, far=frame, days=[date.min], number=7)  # type: ignore[call-arg]  # made at run time
    await write_model(label="m", model=value)
    del storages.loaded["lazy-gone"]  # as in another process
    read: Any = (await read_model(ModelFilter(label="m"), lazy=True)).value
    assert read.number == 7
    pd.testing.assert_frame_equal(await read.near.to_pandas(), frame)
    assert isinstance(read.days, StoredValue)
    for handle in (read.far, read.days):
        with pytest.raises(UnknownStorageError, match=r"It was at 'file://.*gone'.*\.register\(\)"):
            await handle.load()
    FsspecStorage(f"file://{tmp_path / 'gone'}", name="lazy-gone").register()
    pd.testing.assert_frame_equal(await read.far.to_pandas(), frame)


async def test_json_is_read_at_once(store: str, tmp_path: Path) -> None:
    """A field of JSON in a storage comes back as its annotation says, not as a handle."""
    files = FileSystemStorage(tmp_path, "lazy-json")
    model = create_model("Days", days=Annotated[list[date], files])
    await write_model(label="m", model=model(days=[date.max]))  # type: ignore[call-arg]  # made at run time
    read: Any = (await read_model(ModelFilter(label="m"), lazy=True)).value
    assert read.days == [date.max]


async def test_the_newest_of_two_equal_storages_is_used(store: str, tmp_path: Path) -> None:
    """A cell that runs again with a fresh token counts, though typing keeps the old one."""
    first = FsspecStorage(f"file://{tmp_path}", name="lazy-token", token="old").register()
    second = FsspecStorage(f"file://{tmp_path}", name="lazy-token", token="new")
    assert storages.get("lazy-token") is second
    assert Annotated[int, first] is Annotated[int, second]
    assert storages.current(first) is second
