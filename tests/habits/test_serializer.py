"""Adding a serializer, of frames too, takes one class and a call of register()."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pytest

from artigraph import DataModel, FrameViewer, ModelFilter, read_model, write_model
from artigraph.errors import NameTakenError
from artigraph.frame.frame import StoredFrame
from artigraph.serializer.base import serializers
from artigraph.serializer.part import FrameReader, FrameSerializer
from artigraph.serializer.pyarrow import feather_serializer


class Columns:
    """A frame of somebody's own: lists by name."""

    def __init__(self, **columns: list[Any]) -> None:
        self.columns = columns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Columns) and self.columns == other.columns

    __hash__ = None  # type: ignore[assignment]  # as for lists

    def __repr__(self) -> str:
        return f"Columns({', '.join(self.columns)})"


class ColumnsReader(FrameReader[Columns]):
    """Reads parts of such a frame by way of Arrow's."""

    def __init__(self, inner: FrameReader[Any]) -> None:
        self.inner, self.num_rows, self.labels = inner, inner.num_rows, inner.labels

    def dtypes(self) -> list[str]:
        return self.inner.dtypes()

    def read(
        self, file: BinaryIO, offset: int, limit: int, columns: Sequence[int] | None = None
    ) -> Columns:
        return Columns(**self.inner.read(file, offset, limit, columns).to_pydict())

    def as_arrow(self) -> FrameReader[Any]:
        return self.inner


class ColumnsSerializer(FrameSerializer[Columns]):
    """Writes such frames as Arrow files."""

    name = "test-habits-columns"
    types = (Columns,)

    def serialize(self, value: Columns, /) -> bytes:
        return feather_serializer.serialize(pa.table(value.columns))

    def deserialize(self, data: bytes, /) -> Columns:
        return self.from_arrow(feather_serializer.deserialize(data))

    def summarize(self, value: Columns, /) -> Mapping[str, Any]:
        return feather_serializer.summarize(pa.table(value.columns))

    def open_reader(self, file: BinaryIO, /) -> FrameReader[Columns]:
        return ColumnsReader(feather_serializer.open_reader(file))

    def load_arrow(self, file: BinaryIO, /) -> Any:
        return feather_serializer.load_arrow(file)

    def from_arrow(self, table: Any, /) -> Columns:
        return Columns(**table.to_pydict())

    def scan(self, open_file: Callable[[], BinaryIO], size: int, /) -> Any:
        return feather_serializer.scan(open_file, size)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Forget what a test registered."""
    known = serializers.loaded.copy()
    yield
    serializers.loaded = known


class Curve(DataModel, version=1):
    points: Columns


async def test_a_frame_of_ones_own_is_read_in_pages(store: str) -> None:
    """A field of the type finds its serializer, and a lazy one is a frame to page and view."""
    ColumnsSerializer().register()
    curve = Curve(Columns(step=[0, 1, 2], loss=[0.5, 0.25, 0.125]))
    await write_model(label="curve", model=curve)
    assert (await read_model(ModelFilter(model_type=Curve))).value == curve
    frame = (await read_model(ModelFilter(model_type=Curve), lazy=True)).value.points
    assert isinstance(frame, StoredFrame)
    assert (frame.num_rows, frame.columns) == (3, ["step", "loss"])
    assert await frame.page(1, 2, ["loss"]) == Columns(loss=[0.25, 0.125])
    assert (await frame.to_arrow()).num_rows == 3
    assert "2 columns" in repr(frame)
    viewer = FrameViewer(frame)
    await viewer.arrange("-loss", where=[("step", "ge", 1)])
    assert viewer.num_rows == 2


def test_a_name_is_taken_once() -> None:
    """A second serializer of the name is refused, and one without a name too, by name."""
    ColumnsSerializer().register()
    ColumnsSerializer().register()  # the cell ran again

    class Other(ColumnsSerializer):
        pass

    with pytest.raises(NameTakenError, match="test-habits-columns"):
        Other().register()

    class Nameless(ColumnsSerializer):
        name = ""

    with pytest.raises(NameTakenError, match=r"Nameless.*has no name"):
        Nameless().register()


def test_half_a_serializer_cannot_be_made() -> None:
    """One that lacks a method is told which."""

    class Half(FrameSerializer[Columns]):
        name = "test-habits-half"

        def serialize(self, value: Columns, /) -> bytes:
            return b""

    with pytest.raises(TypeError, match="deserialize"):
        Half()  # type: ignore[abstract]  # that is the question
