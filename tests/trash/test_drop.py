"""Values whose bytes are given up."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest

from artigraph import (
    ArtifactFilter,
    CellRun,
    DataModel,
    FilterError,
    LockedError,
    ModelFilter,
    NodeFilter,
    Storage,
    UnfitArtifactWarning,
    UnfitModelWarning,
    UnknownModel,
    ValueDroppedError,
    check_storage,
    collect_garbage,
    drop_values,
    lock_nodes,
    new_artifact,
    new_node,
    new_session,
    read_artifact,
    read_artifacts,
    read_model,
    read_models,
    read_node,
    read_tree,
    trash_nodes,
    write_artifact,
    write_model,
    write_node,
)
from artigraph.display.value import format_size
from artigraph.serializer.numpy import array_serializer
from artigraph.storage.file import FileSystemStorage
from tests.conftest import Statements

pytestmark = pytest.mark.usefixtures("store")


class GivenUp(DataModel, version=1):
    """A model with a frame in a row of its own."""

    number: int
    frame: pd.DataFrame


def storage_in(folder: Path) -> Storage:
    """A storage for the test's blobs."""
    return FileSystemStorage(folder / "blobs", name="given-up").register()


async def run(label: str = "train") -> int:
    """A run for values to hang on."""
    return (await write_node(new_node(CellRun, node_label=label))).node_id


async def blobs(storage: Storage) -> int:
    """How many blobs there are."""
    return len([blob async for blob in storage.blobs()])


def array_on(parent_id: int, label: str = "array", storage: Storage | None = None) -> Any:
    """An artifact that is to be written."""
    value = np.arange(50)
    return new_artifact(label, value, array_serializer, storage=storage, parent_id=parent_id)


@pytest.mark.parametrize("place", ["database", "storage"])
async def test_bytes_go_and_the_row_stays(place: str, tmp_path: Path) -> None:
    """Digest, size and summary are what they were; reading says what is gone, and what made it."""
    storage = storage_in(tmp_path)
    run_id = await run()
    inner = await write_node(new_node(node_parent_id=run_id))
    written = array_on(inner.node_id, storage=storage if place == "storage" else None)
    await write_artifact(written)
    node_id = written.artifact.node_id
    before = written.artifact
    report = await drop_values(NodeFilter(node_id=run_id))
    assert (report.num_rows, report.nbytes) == (1, before.artifact_size)
    assert "1 value dropped" in repr(report)
    assert await drop_values(NodeFilter(node_id=run_id)) == type(report)(0, 0)
    assert await blobs(storage) == 0
    row: Any = await read_node(NodeFilter(node_id=node_id))
    assert row.artifact_digest == before.artifact_digest
    assert row.artifact_size == before.artifact_size
    assert row.artifact_summary == before.artifact_summary
    assert row.node_updated_at == before.node_updated_at
    assert row.artifact_dropped_at is not None
    assert "dropped" in row._repr_html_()
    assert "dropped" in (await read_tree())._repr_html_()
    with pytest.raises(ValueDroppedError) as told:
        await read_artifact(NodeFilter(node_id=node_id))
    for said in (f"node {node_id}", "dropped at 20", f"{str(before.artifact_digest)[:12]}…"):
        assert said in str(told.value)
    assert f"Run {run_id} ('train') has made it" in str(told.value)
    with pytest.warns(UnfitArtifactWarning, match="ValueDroppedError"):
        (found,) = await read_artifacts(ArtifactFilter(label="array"))
    assert "dropped" in repr(found.value)
    assert "dropped" in found.value._repr_html_()
    assert re.findall(r'class="ag-badge[^"]*">([^<]*)<', found._repr_html_()).count("dropped") == 1
    with pytest.raises(ValueDroppedError, match=f"Run {run_id}"):
        await found.value.load()


async def test_without_a_run_above(tmp_path: Path) -> None:
    """The error does not speak of any."""
    top = await write_node(new_node(node_label="no run"))
    await write_artifact(array_on(top.node_id))
    await drop_values(ArtifactFilter(), everything=True)
    with pytest.raises(ValueDroppedError, match="No run is above it"):
        await read_artifact(ArtifactFilter(label="array"))


async def test_models_without_their_values(statements: Statements) -> None:
    """A listing has an unfit row for each, one query tells of all; lazily they are read."""
    run_id = await run()
    for number in range(4):
        frame = pd.DataFrame({"a": [number]})
        model = GivenUp(number=number, frame=frame)
        await write_model(parent_id=run_id, label=f"model {number}", model=model)
    (first,) = await read_models(ModelFilter(model_type=GivenUp), limit=1, lazy=True)
    handle = first.value.frame
    await drop_values(ModelFilter(model_type=GivenUp), everything=True)
    statements.clear()
    with pytest.warns(UnfitModelWarning, match="ValueDroppedError|dropped at"):
        found = await read_models(ModelFilter(model_type=GivenUp))
    assert len(statements) == 3
    assert all(isinstance(one.value, UnknownModel) for one in found)
    assert found[0].value.data["number"] == 0
    assert f"Run {run_id}" in found[0].value.fault
    with pytest.raises(ValueDroppedError, match=f"Run {run_id}.*With lazy=True") as told:
        await read_model(ModelFilter(label="model 1"))
    assert str(told.value).count("Node ") == 1
    lazy = await read_model(ModelFilter(label="model 1"), lazy=True)
    assert lazy.value.number == 1
    assert "dropped" in repr(lazy.value.frame)
    # Its size is told once, and not where the bytes were.
    said = re.findall(r'class="ag-badge[^"]*">([^<]*)<', lazy._repr_html_())
    assert said == ["v1", "database", "dropped", format_size(lazy.value.frame.nbytes)]
    for one in (lazy.value.frame, handle):
        with pytest.raises(ValueDroppedError, match=f"Run {run_id}"):
            await one.load()
    with pytest.raises(ValueDroppedError):
        await lazy.value.frame.head()


async def test_handle_opened_before_of_a_blob_that_is_gone(tmp_path: Path) -> None:
    """It says that the value was dropped, and not that something is missing."""
    storage = storage_in(tmp_path)

    class GivenUpBeside(DataModel, version=1):
        frame: Annotated[pd.DataFrame, storage]

    await write_model(label="beside", model=GivenUpBeside(frame=pd.DataFrame({"a": [1, 2]})))
    lazy = await read_model(ModelFilter(label="beside"), lazy=True)
    await drop_values(ModelFilter(label="beside"))
    with pytest.raises(ValueDroppedError):
        await lazy.value.frame.load()


async def test_blob_that_another_row_names_stays(tmp_path: Path) -> None:
    """And so does one of a value in the trash."""
    storage, run_id = storage_in(tmp_path), await run()
    await write_artifact(array_on(run_id, "first", storage))
    await write_artifact(array_on(run_id, "second", storage))
    await drop_values(ArtifactFilter(label="first"))
    assert await blobs(storage) == 1
    assert list((await read_artifact(ArtifactFilter(label="second"))).value) == list(range(50))
    await trash_nodes(ArtifactFilter(label="second"))
    await collect_garbage(storage, older_than=timedelta(0), dry_run=False)
    assert await blobs(storage) == 1


async def test_check_does_not_call_it_missing(tmp_path: Path) -> None:
    """Nor does it count it among the rows that name a blob."""
    storage, run_id = storage_in(tmp_path), await run()
    await write_artifact(array_on(run_id, "first", storage))
    await drop_values(ArtifactFilter(label="first"))
    report = await check_storage(storage)
    assert (report.num_rows, report.num_missing, report.ok) == (0, 0, True)


@pytest.mark.parametrize("place", ["database", "storage"])
async def test_written_again(place: str, tmp_path: Path) -> None:
    """An equal value under another label, and the same artifact once more."""
    storage, run_id = storage_in(tmp_path), await run()
    kept = storage if place == "storage" else None
    first = await write_artifact(array_on(run_id, "first", kept))
    await drop_values(ArtifactFilter(label="first"))
    await write_artifact(array_on(run_id, "again", kept))
    assert list((await read_artifact(ArtifactFilter(label="again"))).value) == list(range(50))
    with pytest.raises(ValueDroppedError):
        await read_artifact(ArtifactFilter(label="first"))
    await write_artifact(first)
    assert list((await read_artifact(ArtifactFilter(label="first"))).value) == list(range(50))
    assert "dropped" not in (await read_node(NodeFilter(label="first")))._repr_html_()
    if kept is not None:
        assert (await check_storage(storage)).num_rows == 2


async def test_refused_or_rolled_back_it_changes_nothing(tmp_path: Path) -> None:
    """Of locked rows, without a limit, and in a session that fails."""
    storage, run_id = storage_in(tmp_path), await run()
    await write_artifact(array_on(run_id, "first", storage))
    await write_artifact(array_on(run_id, "second"))
    with pytest.raises(FilterError, match="everything=True"):
        await drop_values(NodeFilter())
    await lock_nodes(ArtifactFilter(label="second"))
    with pytest.raises(LockedError, match="'second'"):
        await drop_values(NodeFilter(node_id=run_id))
    assert await blobs(storage) == 1
    try:
        async with new_session():
            await drop_values(ArtifactFilter(label="first"))
            with pytest.raises(ValueDroppedError):
                await read_artifact(ArtifactFilter(label="first"))
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert await blobs(storage) == 1
    assert len(await read_artifacts(ArtifactFilter())) == 2
