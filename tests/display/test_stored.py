"""What comes out of a store shows itself from what is loaded: nothing is read for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest

from artigraph import (
    DataModel,
    ModelFilter,
    ModelGroup,
    Node,
    NodeFilter,
    RemoteArtifact,
    check_storage,
    collect_garbage,
    new_artifact,
    new_node,
    options,
    read_artifact,
    read_artifacts,
    read_model,
    read_models,
    read_node,
    read_nodes,
    read_tree,
    set_engine,
    write_artifact,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.db.session import read_session
from artigraph.display.row import ResultList
from artigraph.display.shown import Shown, as_html, as_text
from artigraph.model import base as model_base
from artigraph.orm.run import CellRun
from artigraph.serializer.json import json_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage
from artigraph.storage.fsspec import FsspecStorage
from tests.conftest import Statements
from tests.display.hostile import HOSTILE, check_html, check_text

PASSWORD = "hunter2secret"


class Settings(DataModel, version=1):
    depth: int


class Shots(DataModel, version=2):
    loss: float
    params: Settings
    weights: Annotated[np.ndarray, array_serializer]
    frame: Annotated[pd.DataFrame, dataframe_serializer]


def shots() -> Shots:
    return Shots(0.5, Settings(3), np.arange(6.0), pd.DataFrame({"x": [1, 2], "name": ["a", "b"]}))


def represent(thing: Any) -> str:
    """All representations of a thing, each of them whole and escaped."""
    shown = [repr(thing)]
    if isinstance(thing, Shown):
        shown += [as_text(thing, 200), check_html(as_html(thing)).text]
    else:
        shown += [thing._forest().text(), check_html(thing._repr_html_()).text]
        shown += [thing._repr_svg_(), thing._repr_markdown_()]
    for one in shown:
        check_text(one)
        assert "repr failed" not in one
    return "\n".join(shown)


async def test_a_model_shows_its_row(store: str) -> None:
    """Name, version, label, id, parent and time of the row, and where its parts are."""
    parent = await write_node(new_node(node_label="wine"))
    below = f"below node {parent.node_id}"
    path = "path wine"
    written = await write_model(parent_id=parent.node_id, label="fit", model=shots())
    for one, place in (
        (written, below),
        (await read_model(ModelFilter(model_type=Shots)), path),
        (await read_model(ModelFilter(model_type=Shots), lazy=True), path),
    ):
        text = as_text(one)
        node = one.artifact
        assert text.startswith(f"Shots 'fit'  [v2]  [database]\nid {node.node_id} · {place} · ")
        assert f"{node.node_created_at:%Y-%m-%d %H:%M:%S} UTC" in text
        assert "2 rows × 2 columns  [database]  [" in text  # noqa: RUF001
        assert "6 float64" in text
        assert text.count("[database]") == 3
        represent(one)


async def test_a_part_shows_its_storage(store: str, tmp_path: Path) -> None:
    """A frame in a file says so, with its size, whether it was read or not."""
    files = FileSystemStorage(tmp_path)

    class Kept(DataModel, version=1):
        frame: Annotated[pd.DataFrame, dataframe_serializer, files]

    await write_model(label="a", model=Kept(pd.DataFrame({"x": [1]})))
    for lazy in (False, True):
        one = await read_model(ModelFilter(model_type=Kept), lazy=lazy)
        assert "1 row × 1 column  [file]  [" in as_text(one)  # noqa: RUF001


async def test_lists_are_tables(store: str) -> None:
    """What reads several shows a table without any extension loaded."""
    await write_models(models={f"p{n}": Settings(n) for n in range(30)})
    models: Any = await read_models(ModelFilter(model_type=Settings))
    assert type(models) is ResultList
    lines = as_text(models).split("\n")
    assert lines[0] == "30 models"
    assert lines[1].split() == ["id", "label", "type", "created", "(UTC)", "depth"]
    assert lines[12] == "  … +10 more"
    assert lines[-1].split()[1:4] == ["p29", "Settings", "v1"]
    represent(models)
    nodes: Any = await read_nodes(NodeFilter())
    artifacts: Any = await read_artifacts(NodeFilter())
    for several, counted in (
        (nodes, "30 artifacts"),
        (artifacts, "30 models"),
        (nodes[:1], "1 artifact"),
    ):
        represent(several)
        assert as_text(several).split("\n")[0] == counted


async def test_nothing_is_read(store: str, statements: Statements, tmp_path: Path) -> None:
    """No representation sends a statement or opens a blob, also when both are gone."""
    files = FileSystemStorage(tmp_path / "blobs", name="gone")

    class Kept(DataModel, version=1):
        frame: Annotated[pd.DataFrame, dataframe_serializer, files]

    async with ModelGroup(new_node(node_label="wine")) as group:
        group.add_model("kept", Kept(pd.DataFrame({"x": [1]})))
        group.add_model("shots", shots())
    await write_artifact(new_artifact("plain", {"a": 1}, json_serializer))
    models = await read_models(ModelFilter(), lazy=True)
    things = [
        models,
        *models,
        *(model.value for model in models),
        await read_nodes(NodeFilter()),
        *await read_nodes(NodeFilter()),
        *await read_artifacts(NodeFilter()),
        await read_tree(),
        ModelGroup(group.node),
        ModelGroup(group.node.node_id),
        group,
        files,
    ]
    for path in (tmp_path / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    reset = set_engine("sqlite+aiosqlite:////nowhere/there.db")
    statements.clear()
    for thing in [*things, reset]:
        represent(thing)
    assert statements == []
    reset()


async def test_expired_and_detached_nodes_are_shown(store: str) -> None:
    """A node of a session that was committed or closed shows what is loaded of it."""
    written = await write_node(new_node(node_label="a"))
    async with read_session() as session:
        node = await session.get(Node, written.node_id)
        assert node is not None
        session.expire(node)
        assert repr(node) == f"Node(node_id={written.node_id})"
        assert as_text(node) == f"Node  [not loaded]\nid {written.node_id}"
        represent(node)
        represent(ModelGroup(node))
        await session.refresh(node)
        assert "'a'" in represent(node)
        session.expunge(node)
    assert "'a'" in represent(node)
    one = Node(node_id=7)
    assert represent(one)


async def test_a_class_that_is_not_defined_is_shown(store: str) -> None:
    """A model without its class shows its fields, and says what is missing."""
    await write_model(label="a", model=shots())
    del model_base.models_by_name["Shots"]
    (one,) = await read_models(ModelFilter(label="a"))
    assert "Shots 'a'  [v2]  [class not defined here]" in as_text(one)
    assert "loss" in represent(one)


async def test_a_tree_shows_its_branches(store: str) -> None:
    """Text, folding HTML, SVG and mermaid tell the same labels."""
    async with ModelGroup(new_node(node_label="wine")):
        for number in range(30):
            async with ModelGroup(new_node(node_label=f"run {number}")) as run:
                run.add_model("fit", Settings(number))
    tree = await read_tree()
    html = tree._repr_html_()
    drawings = [
        tree._forest().text(),
        check_html(html).text,
        tree._repr_svg_(),
        tree._repr_markdown_(),
    ]
    for drawing in drawings:
        for fact in ("wine", "run 0", "run 19", "Settings", "fit", "10 more"):
            assert fact in drawing
        assert "run 20" not in drawing
    assert html.count("<details") == 21
    assert html.count("<details open") == 21
    assert repr(tree) == "<Tree of 41 nodes>"


async def test_a_tree_is_within_the_budget(store: str) -> None:
    """One that would be too large is drawn with fewer children, and they are counted."""
    label = "木" * 40
    nodes = [new_node(node_label=f"{number} {label}") for number in range(20)]
    await write_nodes(nodes)
    for node in nodes:
        await write_nodes(
            [new_node(node_parent_id=node.node_id, node_label=f"{n} {label}") for n in range(20)]
        )
    tree = await read_tree()
    with options.set(max_bytes=10_000):
        drawings = [tree._forest().text(), tree._repr_html_()]
        drawings += [tree._repr_svg_(), tree._repr_markdown_()]
    for drawing in drawings:
        assert len(drawing.encode()) <= 10_000
        assert " more" in drawing
    assert len(tree._repr_html_()) > 10_000


async def test_a_failed_run_says_so(store: str) -> None:
    """The status of a cell's run stands beside its name, in a card, a list and a tree."""
    await write_node(CellRun(node_label="run", cell_run_status="failed"))
    node = await read_node(NodeFilter())
    assert as_text(node).startswith("CellRun 'run'  [failed]\n")
    assert 'class="ag-badge ag-failed">failed<' in as_html(node)
    tree = await read_tree()
    assert tree._forest().text() == "(run)  failed"
    assert 'class="ag-badge ag-failed">failed<' in tree._repr_html_()


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_labels_stay_text(name: str, tmp_path: Path) -> None:
    """What a database holds as labels, keys and values is text in every representation."""
    evil = HOSTILE[name].replace("\x00", "").encode(errors="replace").decode()
    reset = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    label = evil[:255] or "x"
    async with ModelGroup(new_node(node_label=label)) as group:
        group.add_model(label, shots())
    await write_artifact(new_artifact(label, {evil: evil[:100_000]}, json_serializer))
    things = [
        group,
        await read_models(ModelFilter()),
        *await read_models(ModelFilter(), lazy=True),
        await read_nodes(NodeFilter()),
        await read_node(NodeFilter(node_id=group.node.node_id)),
        *await read_artifacts(NodeFilter()),
        await read_tree(),
    ]
    for thing in things:
        shown = represent(thing)
        assert len(shown) < 300_000
    reset()


async def test_a_password_is_never_shown() -> None:
    """Neither a database's nor a storage's, in whatever representation."""
    reset = set_engine(f"postgresql+asyncpg://me:{PASSWORD}@db/x?password={PASSWORD}")
    storages = [
        FsspecStorage(f"ftp://me:{PASSWORD}@host/x"),
        FsspecStorage("memory://x", name=f"ftp://me:{PASSWORD}@host"),
        FsspecStorage("memory://x", name=f"ftp://me:{'p/@' * 200}{PASSWORD}@host"),
        FsspecStorage("memory://y", token=PASSWORD),
    ]
    for thing in (reset, *storages):
        assert PASSWORD not in represent(thing)
    assert "postgresql" in represent(reset)
    reset()


async def test_what_a_storage_lacks_is_shown(store: str, tmp_path: Path) -> None:
    """The reports of the collector and of the check are cards: counts, and the first findings."""
    files = FileSystemStorage(tmp_path / "blobs", name="reported")
    written = await write_artifact(new_artifact("<b>lost</b>", 1, json_serializer, storage=files))
    assert isinstance(written.artifact, RemoteArtifact)
    await files.delete(str(written.artifact.remote_artifact_location))
    for number in range(30):
        await files.create(f"nobody names {number}".encode())
    checked = await check_storage(files)
    found = await collect_garbage(files, older_than=timedelta(0))
    assert "ok]" in as_text(await check_storage(FileSystemStorage(tmp_path / "none", name="none")))
    assert repr(checked) == (
        "<StorageReport 'reported': 1 row, 1 B: 1 missing, 0 damaged, "
        "30 blobs without a row, 440 B>"
    )
    assert repr(found) == "<GarbageReport 'reported': 30 blobs without a row, 440 B>"
    for report, wanted in ((checked, "damaged"), (found, "dry run")):
        assert f"[{wanted}]" in as_text(report)
        assert wanted in as_html(report)
        check_html(as_html(report))
    assert "&lt;b&gt;lost" in as_html(checked)
    assert "… +10 more" in as_text(found)


def test_the_source_of_a_run_keeps_its_lines() -> None:
    """It stands as it was typed, but long ones are cut, and nothing steers a terminal."""
    run = CellRun(cell_run_source="%%ag run\nif x:\n\tprint('<b>\x1b[31m')", cell_run_count=1)
    assert as_text(run).endswith("count  int  1\n%%ag run\nif x:\n    print('<b>\\x1b[31m')")
    page = check_html(as_html(run))
    assert "%%ag run\nif x:\n    print('<b>\\x1b[31m')" in page.text
    assert "cell_run_source" not in page.text
    for source in ("x = 1\n" * 1_000_000, "x" * 6_000_000):
        text = as_text(CellRun(cell_run_source=source))
        assert "… (6,000,000 characters)" in text
        assert len(text) < 10_000


async def test_a_node_that_is_read_alone_shows_its_path(store: str) -> None:
    """Where it hangs, in labels, on every database; no longer once it hangs elsewhere."""
    parent, steps = await write_node(new_node(node_label="wine")), ["wine"]
    for number in range(15):
        label = None if number == 3 else f"<b>{number} 'ä\""
        parent = await write_node(new_node(node_label=label, node_parent_id=parent.node_id))
        steps.append(label or f"#{parent.node_id}")
    last = await read_node(NodeFilter(node_id=parent.node_id))
    shown = steps[:-1] if store != "mariadb" else ["…", *steps[:-1][-12:]]
    assert f"path {' / '.join(shown)}" in as_text(last).replace("\n", " ")
    check_html(as_html(last))
    written = await write_artifact(
        new_artifact("value", 1, json_serializer, parent_id=last.node_id)
    )
    value = await read_artifact(NodeFilter(node_id=written.artifact.node_id))
    assert "path " in as_text(value)
    other = await write_node(new_node(node_label="other"))
    last.node_parent_id = other.node_id
    assert f"below node {other.node_id}" in as_text(last)
    assert f"below node {other.node_id}" in as_text(await write_node(last))
    assert "path other" in as_text(await read_node(NodeFilter(node_id=last.node_id)))
