"""Nodes and artifacts are written, read, moved and deleted in every database."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from artigraph import (
    ArtifactFilter,
    CorruptBlobError,
    CycleError,
    DatabaseArtifact,
    DataModel,
    FilterError,
    LabelError,
    LabelExistsError,
    ModelGroup,
    MultipleNodesFoundError,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    ParentNotFoundError,
    QualifiedArtifact,
    RemoteArtifact,
    SerializationError,
    UnknownSerializerError,
    UnknownStorageError,
    count_descendants,
    create_current,
    delete_artifacts,
    delete_nodes,
    get_engine,
    new_artifact,
    new_node,
    new_session,
    nodes_exist,
    read_artifact,
    read_artifact_or_none,
    read_artifacts,
    read_node,
    read_node_or_none,
    read_nodes,
    read_path,
    write_artifact,
    write_artifacts,
    write_model,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.serializer.json import json_serializer
from artigraph.storage.file import FileSystemStorage


class NodesKept(DataModel, version=1):
    name: str


class NodesRun(Node):
    __mapper_args__ = {"polymorphic_identity": "nodes_run"}  # noqa: RUF012  # as users write it
    nodes_run_started_at: Mapped[datetime | None] = mapped_column()
    nodes_run_note: Mapped[str | None] = mapped_column()


class NodesPlot(DatabaseArtifact):
    __mapper_args__ = {"polymorphic_identity": "nodes_plot"}  # noqa: RUF012  # as users write it
    nodes_plot_title: Mapped[str | None] = mapped_column()


async def test_a_written_node_has_its_id_and_times(store: str) -> None:
    """write_node fills in what the database decides."""
    node = await write_node(new_node(node_label="a"))
    assert isinstance(node.node_id, int)
    assert node.node_created_at.tzinfo is not None
    assert (await read_node(NodeFilter(node_id=node.node_id))).node_label == "a"


async def test_a_label_is_unique_under_one_parent(store: str) -> None:
    """The error names the parent and the label, and nothing is written."""
    parent = await write_node(new_node())
    await write_node(new_node(node_parent_id=parent.node_id, node_label="x"))
    with pytest.raises(LabelExistsError, match=f"Under node {parent.node_id} the label 'x'"):
        await write_node(new_node(node_parent_id=parent.node_id, node_label="x"))
    assert len(await read_nodes(NodeRelationshipFilter(child_of=parent))) == 1


async def test_many_nodes_are_written_in_their_order(store: str) -> None:
    """write_nodes returns the same objects, with ids that count up and UTC times."""
    before = datetime.now(UTC)
    nodes = [new_node(node_label=str(n)) for n in range(50)]
    written = await write_nodes(iter(nodes))
    assert all(a is b for a, b in zip(written, nodes, strict=True))
    ids = [node.node_id for node in nodes]
    assert ids == sorted(set(ids))
    assert all(node.node_created_at == node.node_updated_at for node in nodes)
    assert before <= nodes[0].node_created_at <= datetime.now(UTC)
    read = await read_nodes(NodeFilter(node_id=ids))
    assert [(n.node_id, n.node_created_at) for n in read] == [
        (n.node_id, n.node_created_at) for n in nodes
    ]
    assert await write_nodes([]) == []


async def test_a_node_given_twice_is_one_row(store: str) -> None:
    """The same object twice in one call is written once."""
    node = new_node()
    await write_nodes([node, node])
    assert [n.node_id for n in await read_nodes(NodeFilter())] == [node.node_id]


async def test_all_nodes_are_written_or_none(store: str) -> None:
    """A clash in the middle leaves nothing behind, and the objects may be written again."""
    parent = await write_node(new_node())
    labels = ["a", "b", "a"]
    nodes = [new_node(node_parent_id=parent.node_id, node_label=label) for label in labels]
    with pytest.raises(LabelExistsError, match="'a' is taken: it is given twice"):
        await write_nodes(nodes)
    assert not await nodes_exist(NodeRelationshipFilter(child_of=parent))
    nodes[2].node_label = "c"
    await write_nodes(nodes)
    assert len(await read_nodes(NodeRelationshipFilter(child_of=parent))) == 3


async def test_what_is_not_a_node_is_refused(store: str) -> None:
    """A class, an id, an unknown column: each error says what it takes."""
    with pytest.raises(FilterError, match="takes Node objects, not 3"):
        await write_nodes([new_node(), 3])  # type: ignore[type-var]  # refusing it is the test
    with pytest.raises(TypeError, match=r"Node has no column 'node_labl'.*'node_label'"):
        new_node(node_labl="x")
    assert await read_nodes(NodeFilter()) == []


async def test_a_missing_parent_is_named(store: str) -> None:
    """Hanging on a node that does not exist says so, for inserts and for updates."""
    with pytest.raises(ParentNotFoundError, match="'x' was to hang under node 987654321"):
        await write_node(new_node(node_parent_id=987654321, node_label="x"))
    node = await write_node(new_node(node_label="y"))
    node.node_parent_id = 987654321
    with pytest.raises(ParentNotFoundError, match="987654321"):
        await write_node(node)
    assert (await read_node(NodeFilter(node_id=node.node_id))).node_parent_id is None


async def test_what_a_write_returned_stands_for_its_row(store: str) -> None:
    """A node, or a row with its value, is taken wherever an id is; one of no row is refused."""
    top = await write_node(new_node(node_label="top"))
    fit = await write_model(parent_id=top, label="fit", model=NodesKept("a"))
    below = await write_model(parent_id=fit, label="below", model=NodesKept("b"))
    under = await write_node(new_node(node_parent_id=fit.artifact.node_id, node_label="under"))
    assert below.artifact.node_parent_id == under.node_parent_id == fit.artifact.node_id
    assert [n.node_label for n in await read_path(below)] == ["top", "fit", "below"]
    assert await count_descendants([fit]) == {fit.artifact.node_id: 2}
    async with ModelGroup(fit) as group:
        assert (await group.get_model("below")).name == "b"
    with pytest.raises(ParentNotFoundError, match="'x' was to hang under"):
        await write_model(parent_id=new_node(), label="x", model=NodesKept("c"))
    with pytest.raises(ParentNotFoundError) as caught:
        await write_model(parent_id=4711, label="x", model=NodesKept("c"))
    # Its reason is in its words, and a page of the database's traceback tells no more.
    assert caught.value.__suppress_context__


async def test_changed_columns_are_updated(store: str) -> None:
    """Writing a node again updates what was changed, and node_updated_at alone."""
    node = await write_node(new_node(NodesRun, node_label="a", nodes_run_note="x"))
    created = node.node_created_at
    node.node_label, node.nodes_run_note = "b", None
    assert await write_node(node) is node
    read = await read_node(NodeFilter(node_id=node.node_id))
    assert isinstance(read, NodesRun)
    assert (read.node_label, read.nodes_run_note) == ("b", None)
    assert read.node_created_at == created < read.node_updated_at == node.node_updated_at
    read.nodes_run_note = "again"
    await write_node(read)
    unchanged = await write_node(await read_node(NodeFilter(node_id=node.node_id)))
    assert isinstance(unchanged, NodesRun)
    assert unchanged.nodes_run_note == "again"
    assert unchanged.node_updated_at == read.node_updated_at


async def test_new_and_old_nodes_are_written_together(store: str) -> None:
    """One call inserts some and updates others, or does neither."""
    parent = await write_node(new_node())
    old = await write_node(new_node(node_parent_id=parent.node_id, node_label="old"))
    old.node_label = "clash"
    new = new_node(node_parent_id=parent.node_id, node_label="clash")
    with pytest.raises(LabelExistsError, match="'clash' is taken"):
        await write_nodes([new, old])
    assert [n.node_label for n in await read_nodes(NodeRelationshipFilter(child_of=parent))] == [
        "old"
    ]
    new.node_label = "new"
    await write_nodes([new, old])
    labels = {n.node_label for n in await read_nodes(NodeRelationshipFilter(child_of=parent))}
    assert labels == {"new", "clash"}


async def test_renaming_and_moving_respect_the_labels(store: str) -> None:
    """An update that takes a taken label gets the same error as an insert."""
    one, two = await write_nodes([new_node(), new_node()])
    a, b = await write_nodes(
        [new_node(node_parent_id=one.node_id, node_label=label) for label in "ab"]
    )
    elsewhere = await write_node(new_node(node_parent_id=two.node_id, node_label="a"))
    b.node_label = "a"
    with pytest.raises(LabelExistsError, match=f"node {one.node_id} .*'a'.* node {a.node_id}"):
        await write_node(b)
    elsewhere.node_parent_id = one.node_id
    with pytest.raises(LabelExistsError, match=f"node {one.node_id} .*'a'.* node {a.node_id}"):
        await write_node(elsewhere)
    with pytest.raises(LabelExistsError, match=f"node {one.node_id} .*'a'.* node {a.node_id}"):
        await write_node(new_node(node_id=b.node_id, node_label="a", node_parent_id=one.node_id))
    labels = [n.node_label for n in await read_nodes(NodeRelationshipFilter(child_of=one))]
    assert labels == ["a", "b"]


async def test_a_node_cannot_be_written_below_itself(store: str) -> None:
    """Changing node_parent_id into a cycle is refused, nothing changed."""
    top = await write_node(new_node())
    below = await write_node(new_node(node_parent_id=top.node_id))
    for parent in (top, below):
        top.node_parent_id = parent.node_id
        with pytest.raises(CycleError, match=f"Node {top.node_id} cannot hang under"):
            await write_node(top)
    assert (await read_node(NodeFilter(node_id=top.node_id))).node_parent_id is None


async def test_a_deleted_node_cannot_be_updated(store: str) -> None:
    """The error says that the row is gone; no new row appears."""
    node = await write_node(new_node(node_label="a"))
    await delete_nodes(NodeFilter(node_id=node.node_id))
    node.node_label = "b"
    with pytest.raises(NodeNotFoundError, match=f"Node {node.node_id} cannot be updated"):
        await write_node(node)
    assert await read_nodes(NodeFilter()) == []


async def test_explicit_ids(store: str) -> None:
    """A chosen id is used, an existing one is updated, and counting goes on above it."""
    first = await write_node(new_node())
    chosen = first.node_id + 100
    node = await write_node(new_node(node_id=chosen, node_label="mine"))
    assert node.node_id == chosen
    assert (await write_node(new_node())).node_id > chosen
    again = await write_node(new_node(NodesRun, node_id=chosen, nodes_run_note="n"))
    read = await read_node(NodeFilter(node_id=chosen))
    assert isinstance(read, NodesRun)
    assert (read.node_label, read.nodes_run_note) == ("mine", "n")
    assert (again.node_label, again.node_created_at) == ("mine", node.node_created_at)


async def test_chosen_and_counted_ids_in_one_write(store: str) -> None:
    """Ids that are counted never meet one that is chosen in the same call."""
    start = (await write_node(new_node())).node_id
    nodes = [new_node(), new_node(node_id=start + 2), new_node(), new_node(), new_node()]
    await write_nodes(nodes)
    assert len({node.node_id for node in nodes}) == 5
    assert len(await read_nodes(NodeFilter())) == 6


async def test_a_low_chosen_id_does_not_count_back(store: str) -> None:
    """Choosing an id that was passed long ago leaves the count where it is."""
    nodes = await write_nodes([new_node() for _ in range(20)])
    await delete_nodes(NodeFilter(node_id=nodes[3].node_id))
    await write_node(new_node(node_id=nodes[3].node_id))
    assert (await write_node(new_node())).node_id > nodes[-1].node_id


async def test_ids_are_never_used_again(store: str) -> None:
    """Deleting the highest row does not free its id."""
    seen: set[int] = set()
    for _ in range(5):
        node, child = new_node(), new_node()
        await write_nodes([node, child])
        assert not {node.node_id, child.node_id} & seen
        seen |= {node.node_id, child.node_id}
        await delete_nodes(NodeFilter(node_id=[node.node_id, child.node_id]))
    assert await read_nodes(NodeFilter()) == []


async def test_one_none_and_several(store: str) -> None:
    """read_node names the filter in both errors; the variants agree on what they count."""
    nodes = await write_nodes([new_node(node_label="x"), new_node(node_label="x")])
    x, y = NodeFilter(label="x"), NodeFilter(label="y")
    with pytest.raises(MultipleNodesFoundError, match=rf"label = 'x'\. Node {nodes[0].node_id} "):
        await read_node(x)
    with pytest.raises(MultipleNodesFoundError, match="Narrow the filter"):
        await read_node_or_none(x)
    with pytest.raises(NodeNotFoundError, match="label = 'y'"):
        await read_node(y)
    assert await read_node_or_none(y) is None
    assert (await nodes_exist(x), await nodes_exist(y)) == (True, False)
    assert await delete_nodes(y) == 0


async def test_read_nodes_are_whole(store: str) -> None:
    """Every column can be looked at, and a repr made, with no database at hand."""
    await write_node(new_node(NodesRun, node_label="a", nodes_run_note="n"))
    (node,) = await read_nodes(NodeFilter())
    assert isinstance(node, NodesRun)
    assert "nodes_run_note='n'" in repr(node)
    assert node.nodes_run_started_at is None


async def test_delete_takes_all_that_hangs_below(store: str) -> None:
    """Nested matches and everything under them go; siblings and parents stay."""
    root = await write_node(new_node())
    a = await write_node(new_node(node_parent_id=root.node_id))
    b = await write_node(new_node(node_parent_id=root.node_id))
    aa = await write_node(new_node(node_parent_id=a.node_id))
    await write_node(new_node(node_parent_id=aa.node_id))
    assert await delete_nodes(NodeFilter(node_id=[a.node_id, aa.node_id])) == 3
    assert [n.node_id for n in await read_nodes(NodeFilter())] == [root.node_id, b.node_id]


async def test_a_chain_of_3000_deletes(store: str) -> None:
    """A deep chain goes in one call, from its root."""
    nodes = [
        new_node(node_id=20_000_000 + n, node_parent_id=20_000_000 + n - 1 if n else None)
        for n in range(3000)
    ]
    await write_nodes(nodes)
    assert await delete_nodes(NodeFilter(node_id=20_000_000)) == 3000
    assert not await nodes_exist(NodeFilter())


async def test_children_may_come_before_their_chosen_parents(store: str) -> None:
    """In one call the order of rows with chosen ids does not matter."""
    child = new_node(node_id=31_000_002, node_parent_id=31_000_001)
    parent = new_node(node_id=31_000_001)
    await write_nodes([child, parent])
    assert [n.node_id for n in await read_nodes(NodeRelationshipFilter(child_of=parent))] == [
        child.node_id
    ]


async def test_relationships_are_written_whole_or_not_at_all(store: str) -> None:
    """Moves hold together: a cycle, a missing node or a clash leaves all as it was."""
    a, b, c = await write_nodes([new_node(node_label=label) for label in "abc"])
    d = await write_node(new_node(node_parent_id=c.node_id, node_label="a"))
    await write_parent_child_relationships([(a.node_id, b.node_id), (b.node_id, c.node_id)])

    async def shape() -> dict[str, int | None]:
        return {f"{n.node_id}": n.node_parent_id for n in await read_nodes(NodeFilter())}

    before = await shape()
    assert before == {
        f"{a.node_id}": None,
        f"{b.node_id}": a.node_id,
        f"{c.node_id}": b.node_id,
        f"{d.node_id}": c.node_id,
    }
    free = (None, d.node_id)
    for pairs, error, message in [
        ([free, (c.node_id, a.node_id)], CycleError, f"Node {a.node_id} cannot hang under"),
        ([free, (a.node_id, a.node_id)], CycleError, "its own ancestor"),
        ([free, (987654321, a.node_id)], ParentNotFoundError, "987654321"),
        ([free, (a.node_id, 987654321)], NodeNotFoundError, "987654321"),
    ]:
        with pytest.raises(error, match=message):
            await write_parent_child_relationships(pairs)
        assert await shape() == before
    e = await write_node(new_node(node_label="a", node_parent_id=b.node_id))
    before = await shape()
    with pytest.raises(LabelExistsError, match=f"node {c.node_id} the label 'a'"):
        await write_parent_child_relationships([(None, b.node_id), (c.node_id, e.node_id)])
    assert await shape() == before
    await write_parent_child_relationships([free, (None, a.node_id), (d.node_id, a.node_id)])
    assert (await shape())[f"{a.node_id}"] == d.node_id
    await write_parent_child_relationships([])


async def test_a_chain_may_be_turned_round_in_one_call(store: str) -> None:
    """Only the tree that results must be free of cycles."""
    a, b = await write_nodes([new_node(), new_node()])
    await write_parent_child_relationships([(a.node_id, b.node_id)])
    await write_parent_child_relationships([(b.node_id, a.node_id), (None, b.node_id)])
    read = {n.node_id: n.node_parent_id for n in await read_nodes(NodeFilter())}
    assert read == {a.node_id: b.node_id, b.node_id: None}


async def test_create_current_nests(store: str) -> None:
    """Each block's node hangs on the enclosing one, and the place is given back."""
    async with create_current(NodesRun, node_label="outer", nodes_run_note="n") as outer:
        assert isinstance(outer.node_id, int)
        async with create_current(new_node(node_label="inner")) as inner:
            assert inner.node_parent_id == outer.node_id
        with pytest.raises(LabelExistsError, match="'inner' is taken"):
            async with create_current(Node, node_label="inner"):
                pytest.fail("the block must not begin")
        with pytest.raises(TypeError, match="no column 'nope'"):
            async with create_current(Node, nope=1):
                pytest.fail("the block must not begin")
        async with create_current(Node, node_label="second") as second:
            assert second.node_parent_id == outer.node_id
    async with create_current(Node) as other:
        assert other.node_parent_id is None
    assert len(await read_nodes(NodeFilter())) == 4


async def test_current_nodes_of_two_tasks_do_not_mix(store: str) -> None:
    """Each task has a current node of its own."""

    async def work(label: str) -> tuple[int, int | None]:
        async with create_current(Node, node_label=label) as outer:
            await asyncio.sleep(0.01)
            async with create_current(Node, node_label="x") as inner:
                return outer.node_id, inner.node_parent_id

    for outer, parent in await asyncio.gather(work("a"), work("b"), work("c")):
        assert outer == parent


# ------------------------------------------------------------------ artifacts


async def test_artifacts_in_the_row_and_in_a_storage(store: str, tmp_path: Path) -> None:
    """Both come back equal, with size and digest; a repr needs no blob."""
    parent = await write_node(new_node())
    storage = FileSystemStorage(tmp_path / "blobs")
    value = {"a": [1, 2, None], "é": "ß"}
    in_row = new_artifact("row", value, json_serializer, parent_id=parent.node_id)
    in_file = new_artifact(
        "file", value, json_serializer, storage=storage, parent_id=parent.node_id
    )
    assert await write_artifacts([in_row, in_file]) == [in_row, in_file]
    rows = await read_artifacts(NodeRelationshipFilter(child_of=parent))
    assert [type(one.artifact) for one in rows] == [DatabaseArtifact, RemoteArtifact]
    for one in rows:
        data = json_serializer.serialize(value)
        assert one.value == value
        assert one.artifact.artifact_size == len(data)
        assert one.artifact.artifact_digest == hashlib.sha256(data).hexdigest()
        assert one.artifact.artifact_serializer == json_serializer.name
    assert [one.artifact.artifact_label for one in rows] == ["row", "file"]
    remote = rows[1].artifact
    assert isinstance(remote, RemoteArtifact)
    assert remote.remote_artifact_storage == storage.name
    assert await storage.read(remote.remote_artifact_location or "") == data
    for path in (tmp_path / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    assert "file" in repr(remote)


async def test_artifacts_are_read_as_nodes_are(store: str) -> None:
    """One, none, several, and the errors that name the filter."""
    one = await write_artifact(new_artifact("a", 1, json_serializer))
    await write_artifact(new_artifact("b", 2, json_serializer))
    await write_node(new_node(node_label="a"))
    assert (await read_artifact(NodeFilter(label="a"))).value == 1
    assert (await read_artifact(ArtifactFilter(artifact_label="b"))).value == 2
    assert await read_artifact_or_none(ArtifactFilter(label="c")) is None
    with pytest.raises(NodeNotFoundError, match="label = 'c'"):
        await read_artifact(ArtifactFilter(label="c"))
    with pytest.raises(MultipleNodesFoundError, match=f"Node {one.artifact.node_id} is the first"):
        await read_artifact(ArtifactFilter())
    assert await delete_artifacts(NodeFilter(label="a")) == 1
    assert [n.node_label for n in await read_nodes(NodeFilter())] == ["b", "a"]


async def test_artifacts_are_written_all_or_none(store: str) -> None:
    """A value that cannot be serialized, or a taken label, leaves no row."""
    parent = await write_node(new_node())
    good = new_artifact("a", 1, json_serializer, parent_id=parent.node_id)
    bad = new_artifact("b", object(), json_serializer, parent_id=parent.node_id)
    twin = new_artifact("a", 2, json_serializer, parent_id=parent.node_id)
    lost = new_artifact("c", 2, json_serializer, parent_id=987654321)
    for other, error in (
        (bad, SerializationError),
        (twin, LabelExistsError),
        (lost, ParentNotFoundError),
    ):
        with pytest.raises(error):
            await write_artifacts([good, other])
        assert await read_artifacts(NodeFilter()) == []
    with pytest.raises(LabelError):
        new_artifact("", 1, json_serializer)


async def test_a_written_artifact_is_updated(store: str) -> None:
    """As with nodes, writing an artifact again changes its row rather than adds one."""
    one = await write_artifact(new_artifact("a", 1, json_serializer))
    node_id, created = one.artifact.node_id, one.artifact.node_created_at
    one.value = 2
    await write_artifact(one)
    (read,) = await read_artifacts(NodeFilter())
    assert (read.artifact.node_id, read.value) == (node_id, 2)
    assert read.artifact.node_created_at == created
    read.value = 3
    await write_artifact(read)
    assert [(r.artifact.node_id, r.value) for r in await read_artifacts(NodeFilter())] == [
        (node_id, 3)
    ]


async def test_an_artifacts_own_class_is_kept(store: str) -> None:
    """A subclass of DatabaseArtifact is written with its columns."""
    row = NodesPlot(
        node_label="p", artifact_serializer=json_serializer.name, nodes_plot_title="title"
    )
    await write_artifact(QualifiedArtifact(row, [1]))
    read = await read_artifact(ArtifactFilter(label="p"))
    assert isinstance(read.artifact, NodesPlot)
    assert (read.artifact.nodes_plot_title, read.value) == ("title", [1])


async def test_damage_is_noticed(store: str, tmp_path: Path) -> None:
    """Bytes that are not those that were written raise CorruptBlobError with the label."""
    storage = FileSystemStorage(tmp_path)
    written = await write_artifacts(
        [
            new_artifact("row", "value", json_serializer),
            new_artifact("file", "value", json_serializer, storage=storage),
        ]
    )
    remote = written[1].artifact
    assert isinstance(remote, RemoteArtifact)
    (tmp_path / (remote.remote_artifact_location or "")).write_bytes(b'"other"')
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_node SET database_artifact_value = :v WHERE node_id = :id"),
            {"v": b'"other"', "id": written[0].artifact.node_id},
        )
    with pytest.raises(CorruptBlobError, match="'row' is damaged"):
        await read_artifact(ArtifactFilter(label="row"))
    with pytest.raises(CorruptBlobError, match="damaged"):
        await read_artifact(ArtifactFilter(label="file"))
    assert len(await read_nodes(ArtifactFilter())) == 2


@pytest.mark.parametrize(
    ("column", "error"),
    [
        ("artifact_serializer", UnknownSerializerError),
        ("remote_artifact_storage", UnknownStorageError),
    ],
)
async def test_names_that_nobody_registered(
    store: str, tmp_path: Path, column: str, error: type[Exception]
) -> None:
    """A row that names an unknown serializer or storage is listed, and read with its own error."""
    storage = FileSystemStorage(tmp_path)
    await write_artifact(new_artifact("x", 1, json_serializer, storage=storage))
    async with (await get_engine()).begin() as connection:
        await connection.execute(text(f"UPDATE artigraph_node SET {column} = 'nobody-has-it'"))
    with pytest.raises(error, match=r"'x' cannot be read.*'nobody-has-it'.*register\(\)"):
        await read_artifacts(NodeFilter(), strict=True)
    (row,) = await read_nodes(NodeFilter())
    assert "nobody-has-it" in repr(row)
    assert await delete_nodes(NodeFilter(), everything=True) == 1


async def test_blobs_go_with_their_last_row(
    store: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A blob that another row names stays; once nobody names it, it is removed."""
    storage = FileSystemStorage(tmp_path / "blobs")
    parent = await write_node(new_node())
    middle = await write_node(new_node(node_parent_id=parent.node_id))
    await write_artifacts(
        [
            new_artifact(
                "deep", "same", json_serializer, storage=storage, parent_id=middle.node_id
            ),
            new_artifact("own", "own", json_serializer, storage=storage, parent_id=middle.node_id),
            new_artifact("root", "same", json_serializer, storage=storage),
        ]
    )

    def files() -> int:
        return sum(path.is_file() for path in (tmp_path / "blobs").rglob("*"))

    assert files() == 2
    assert await delete_nodes(NodeFilter(node_id=parent.node_id)) == 4
    assert files() == 1
    assert (await read_artifact(ArtifactFilter(label="root"))).value == "same"
    await delete_artifacts(ArtifactFilter(), everything=True)
    assert files() == 0
    assert caplog.records == []


async def test_blobs_stay_when_a_delete_is_rolled_back(store: str, tmp_path: Path) -> None:
    """Only once the rows are gone for good are their blobs removed."""
    storage = FileSystemStorage(tmp_path)
    await write_artifact(new_artifact("x", "v", json_serializer, storage=storage))
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block raises by itself
        async with new_session():
            assert await delete_nodes(NodeFilter(), everything=True) == 1
            raise ZeroDivisionError
    assert (await read_artifact(ArtifactFilter())).value == "v"
    async with new_session():
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block raises by itself
            async with new_session():
                await delete_nodes(NodeFilter(), everything=True)
                raise ZeroDivisionError
    assert (await read_artifact(ArtifactFilter())).value == "v"


async def test_a_blob_that_cannot_be_removed_is_logged(
    store: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows are gone, so the call succeeds, and the log names what is left over."""
    storage = FileSystemStorage(tmp_path)
    await write_artifact(new_artifact("x", "v", json_serializer, storage=storage))
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_node SET remote_artifact_location = '../../outside'")
        )
    assert await delete_nodes(NodeFilter(), everything=True) == 1
    assert "'../../outside'" in caplog.text
    assert "left over" in caplog.text


async def test_chosen_times_are_kept(store: str) -> None:
    """Imported nodes keep the times that somebody gives them, and others get those of now."""
    first, second = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), datetime(2021, 1, 1)
    chosen: Any = {"node_created_at": first, "node_updated_at": second}
    both, none = new_node(node_label="both", **chosen), new_node(node_label="none")
    one = new_node(node_label="one", node_created_at=first, node_updated_at=None)
    before = datetime.now(UTC)
    await write_nodes([both, one, none])
    current, group = (new_node(node_label=label, **chosen) for label in ("current", "group"))
    async with create_current(current), ModelGroup(group):
        pass
    read = {node.node_label: node for node in await read_nodes(NodeFilter())}
    for node in (both, read["both"], read["current"], read["group"]):
        assert (node.node_created_at, node.node_updated_at) == (first, second.astimezone(UTC))
    assert read["one"].node_created_at == first
    assert read["none"].node_created_at >= before
    assert read["one"].node_updated_at == one.node_updated_at >= before
    read["one"].node_updated_at = first
    read["both"].node_label = "new"
    await write_nodes([read["one"], read["both"]])
    none.node_label = "lost"
    with suppress(RuntimeError):
        async with new_session():
            await write_node(none)
            raise RuntimeError
    await asyncio.sleep(0.001)
    late = datetime.now(UTC)
    await write_node(none)
    read = {node.node_label: node for node in await read_nodes(NodeFilter())}
    assert read["one"].node_updated_at == first
    assert read["new"].node_created_at == first
    assert read["new"].node_updated_at >= before
    assert read["lost"].node_updated_at >= late
    with pytest.raises(SerializationError, match="node_created_at"):
        await write_node(new_node(node_created_at="yesterday"))
