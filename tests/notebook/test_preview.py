"""The explorer's previews: offered with the details, read when they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from artigraph import DataModel, File, delete_nodes, explore, new_artifact, options, write_model
from artigraph.filter.node import NodeFilter
from artigraph.node.artifact import write_artifact
from artigraph.serializer.file import file_serializer
from artigraph.storage.file import FileSystemStorage
from tests.notebook.test_explorer import HOSTILE, Page, _wires

__all__ = ["_wires"]


class Drawn(DataModel, version=1):
    picture: np.ndarray
    table: File
    sums: np.ndarray
    weights: File


async def test_previews_are_offered_and_read_when_asked(store: str) -> None:
    """Details offer a preview of each value that can be seen; each is a question of its own."""
    model = Drawn(
        np.full((9, 8, 3), 200, "uint8"),
        File(f"a,b\n1,{HOSTILE}\n".encode(), name="t.csv"),
        np.zeros(5),
        File(b"\0", name="w.onnx"),
    )
    written = await write_model(label="m", model=model)
    page = Page(await explore())
    details = await page.ask("details", node=written.artifact.node_id)
    offered = {one["label"]: one["node"] for one in details["previews"]}
    assert sorted(offered) == ["picture", "table"]
    picture = await page.ask("preview", node=offered["picture"])
    assert picture["picture"]["png"].startswith("iVBOR")
    assert picture["picture"]["type"] == "png"
    table = await page.ask("preview", node=offered["table"])
    assert table["table"]["columns"] == ["a", "b"]
    # The page sets it as text; what hides is written out.
    assert "\u202e" not in json.dumps(table, ensure_ascii=False)


async def test_preview_stays_in_its_budget(store: str) -> None:
    """However long a text is, its preview is no larger than options.max_bytes."""
    file = File(("\u202e<>&" * 500_000).encode(), name="t.md")
    written = await write_artifact(new_artifact("m", file, file_serializer))
    page = Page(await explore())
    details = await page.ask("details", node=written.artifact.node_id)
    assert [one["node"] for one in details["previews"]] == [written.artifact.node_id]
    found = await page.ask("preview", node=written.artifact.node_id)
    assert 1000 < len(json.dumps(found)) <= options.max_bytes


async def test_preview_that_cannot_be_read_says_why(store: str, tmp_path: Path) -> None:
    """A preview of a deleted node, of a lost blob or of nothing is an error in words."""
    storage = FileSystemStorage(tmp_path / "blobs", "previews")
    artifact = new_artifact("m", File(b"text", name="t.md"), file_serializer, storage=storage)
    node = (await write_artifact(artifact)).artifact.node_id
    page = Page(await explore())
    for blob in (tmp_path / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    with pytest.raises(RuntimeError, match=r"artifact 'm' of node \d+ cannot be read"):
        await page.ask("preview", node=node)
    await delete_nodes(NodeFilter(node_id=node))
    with pytest.raises(RuntimeError, match="is gone"):
        await page.ask("preview", node=node)
    with pytest.raises(RuntimeError, match="whole number"):
        await page.ask("preview", node="1")
