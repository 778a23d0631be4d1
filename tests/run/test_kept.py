"""What a run is given, and what it keeps."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artigraph import (
    ArtifactFilter,
    LabelExistsError,
    NodeFilter,
    NodeRelationshipFilter,
    RunError,
    SerializationError,
    TagFilter,
    read_artifact,
    read_model,
    read_node,
    read_nodes,
    read_notes,
    read_tags,
    start_run,
)
from artigraph.storage.file import FileSystemStorage
from tests.run.looks import RunFit, run_of


@pytest.mark.usefixtures("store")
class TestKept:
    """Values, tags and notes of a run."""

    async def test_anything_that_a_serializer_knows(self) -> None:
        """Models, frames, arrays and plain values come back equal, each under its name."""
        frame = pd.DataFrame({"x": [1, 2]})
        async with start_run("fit") as run:
            run.keep(model=RunFit(0.5), frame=frame, array=np.arange(3))
            run.keep(n=3, text="a", none=None, many=[1, {"a": [True]}], real=np.float64(0.5))
        assert (await read_model(NodeFilter(label="model"))).value == RunFit(0.5)
        here = NodeRelationshipFilter(child_of=run.node.node_id)

        async def value(label: str) -> Any:
            return (await read_artifact(ArtifactFilter(label=label, relationship=here))).value

        assert list(await value("array")) == [0, 1, 2]
        assert [await value(one) for one in ("n", "text", "none", "many", "real")] == [
            3,
            "a",
            None,
            [1, {"a": [True]}],
            0.5,
        ]
        pd.testing.assert_frame_equal(await value("frame"), frame)

    async def test_in_a_storage(self, tmp_path: Path) -> None:
        """Bytes go to the storage that is named."""
        storage = FileSystemStorage(tmp_path / "files", "run-files").register()
        async with start_run("fit") as run:
            await run.keep_in(storage, array=np.arange(3))
            found = await read_artifact(NodeFilter(label="array"))
        assert found.artifact.remote_artifact_storage == storage.name  # type: ignore[attr-defined]  # of a RemoteArtifact

    async def test_awaited_it_is_there_at_once(self) -> None:
        """Else at the block's end; once, either way."""
        async with start_run("fit") as run:
            run.keep(later=1)
            await run.keep(now=2)
            assert (await read_artifact(NodeFilter(label="later"))).value == 1
            await run.tag("best", stage="prod")
            await run.note("It *held*.")
            assert (await read_node(TagFilter(name="best"))).node_id == run.node.node_id
        assert await read_tags(NodeFilter(label="fit")) == {
            run.node.node_id: {"best": None, "stage": "prod"}
        }
        assert [note.text for note in await read_notes(run.node.node_id)] == ["It *held*."]

    async def test_what_cannot_be_kept_is_told_at_once(self) -> None:
        """Nothing of that call is kept, and nothing else is lost."""
        async with start_run("fit") as run:
            run.keep(a=1)
            with pytest.raises(LabelExistsError):
                run.keep(b=2, a=3)
            with pytest.raises(SerializationError, match="no serializer knows"):
                run.keep(b=2, c=object())
            run.keep(b=5)
        assert (await read_artifact(NodeFilter(label="a"))).value == 1
        assert (await read_artifact(NodeFilter(label="b"))).value == 5

    async def test_outside_of_its_block(self) -> None:
        """Each call says where it belongs."""
        run = start_run("fit")
        calls: list[Callable[[], object]] = [
            lambda: run.keep(a=1),
            lambda: run.tag("a"),
            lambda: run.note("a"),
            lambda: run.add_model("a", RunFit(1)),
        ]
        for call in calls:
            with pytest.raises(RunError, match="has not begun"):
                call()
        async with run:
            pass
        for call in calls:
            with pytest.raises(RunError, match="has ended"):
                call()


@pytest.mark.usefixtures("store")
class TestParameters:
    """What JSON can hold."""

    @pytest.mark.parametrize(
        "value", [object(), math.nan, math.inf, {1, 2}, b"a", np.zeros(3), 1j, {"a": print}, "\0"]
    )
    async def test_others_are_refused_before_the_run(self, value: object) -> None:
        """The parameter is named, and nothing is written."""
        with pytest.raises(RunError, match="lr"):
            start_run("fit", lr=value)
        assert not await read_nodes(NodeFilter(label="fit"))

    async def test_what_is_kept(self) -> None:
        """NumPy's scalars are plain numbers; passwords are blackened, also inside."""
        async with start_run("fit", a=np.float32(0.5), b=(1, 2), api_key="x", db={"password": "x"}):
            pass
        assert (await run_of("fit")).tracked_run_params == {
            "a": 0.5,
            "b": [1, 2],
            "api_key": "***",
            "db": {"password": "***"},
        }
