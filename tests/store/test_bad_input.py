"""Bad input has an error of its own, which says what to type; nothing is half written."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import make_url, text, update
from sqlalchemy.ext.asyncio import create_async_engine
from typing_extensions import override

from artigraph import (
    ArtifactFilter,
    ArtigraphError,
    BlobNotFoundError,
    CellRun,
    ConnectionLostError,
    CycleError,
    DataModel,
    EngineURLError,
    FilterError,
    LabelError,
    LabelExistsError,
    MissingLibraryError,
    ModelFilter,
    ModelGroup,
    ModelTypeFilter,
    ModelVersionError,
    MultipleNodesFoundError,
    NameTakenError,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    NodeTypeFilter,
    NoEngineError,
    ParentNotFoundError,
    SchemaError,
    SerializationError,
    Serializer,
    UnknownModel,
    UnknownModelError,
    UnknownSerializerError,
    UnknownStorageError,
    ValueFilter,
    allow_model_type_overwrites,
    create_current,
    create_model,
    delete_models,
    delete_nodes,
    get_engine,
    new_artifact,
    new_node,
    nodes_exist,
    read_artifact,
    read_artifacts,
    read_model,
    read_model_or_none,
    read_models,
    read_node,
    read_nodes,
    set_engine,
    write_artifacts,
    write_model,
    write_models,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.orm.node import node_table
from artigraph.serializer.json import json_serializer
from artigraph.storage.file import FileSystemStorage
from tests.store.upgrading import NAMES


class Fit(DataModel, version=1, name="BadInputFit"):
    loss: float


class Holder(DataModel, version=1, name="BadInputHolder"):
    value: Any = None
    other: int = 0


async def count() -> int:
    """Rows in the table, past the code under test."""
    async with (await get_engine()).connect() as connection:
        return int(
            (await connection.execute(text("SELECT count(*) FROM artigraph_node"))).scalar_one()
        )


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (CycleError, ValueError),
        (EngineURLError, ValueError),
        (FilterError, TypeError),
        (FilterError, ValueError),
        (LabelError, ValueError),
        (LabelExistsError, ValueError),
        (MissingLibraryError, ImportError),
        (ModelVersionError, ValueError),
        (MultipleNodesFoundError, LookupError),
        (NameTakenError, ValueError),
        (NoEngineError, RuntimeError),
        (NodeNotFoundError, LookupError),
        (ParentNotFoundError, LookupError),
        (SchemaError, LookupError),
        (SerializationError, TypeError),
        (UnknownModelError, LookupError),
        (UnknownSerializerError, LookupError),
        (UnknownStorageError, LookupError),
    ],
)
def test_each_error_is_also_the_fitting_builtin(
    error: type[Exception], builtin: type[Exception]
) -> None:
    """Who catches by habit, or all of artigraph's errors, finds it."""
    assert issubclass(error, ArtigraphError)
    assert issubclass(error, builtin)


# --------------------------------------------------------------------- filters


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: NodeFilter(lable="x"),  # type: ignore[call-arg]  # that is the point
            r"NodeFilter has no key 'lable'\. Did you mean 'label'\?",
        ),
        (
            lambda: ModelFilter(version=1),  # type: ignore[call-arg]  # as above
            r"ModelFilter has no key 'version'\. Known are: .*'model_type'",
        ),
        (
            lambda: ArtifactFilter(artifact_lable="x"),  # type: ignore[call-arg]  # as above
            r"ArtifactFilter has no key 'artifact_lable'\. Did you mean 'artifact_label'",
        ),
        (
            lambda: NodeRelationshipFilter(children_of=1),  # type: ignore[call-arg]  # as above
            r"NodeRelationshipFilter has no key 'children_of'\. Did you mean .*'child_of'",
        ),
        (
            lambda: NodeTypeFilter(types=Node),  # type: ignore[call-arg]  # as above
            r"NodeTypeFilter has no key 'types'\. Did you mean 'type'",
        ),
        (
            lambda: ModelTypeFilter(type=Fit, versions=1),  # type: ignore[call-arg]  # as above
            r"ModelTypeFilter has no key 'versions'\. Did you mean 'version'",
        ),
        (
            lambda: ValueFilter(equals=1),  # type: ignore[call-arg]  # as above
            r"ValueFilter has no key 'equals'\. ",
        ),
        (
            lambda: NodeFilter(1),  # type: ignore[call-arg]  # as above
            r"NodeFilter takes keywords only, not 1\. Name what it is: node_id=, ",
        ),
        (
            lambda: NodeFilter(node_id="7"),  # type: ignore[arg-type]  # as above
            r"NodeFilter\(node_id=…\) takes int, several of them, or a ValueFilter, not '7' \(s",
        ),
        (
            lambda: NodeFilter(created_at="2024"),  # type: ignore[arg-type]  # as above
            r"NodeFilter\(created_at=…\) takes datetime, .*not '2024' \(str\)",
        ),
        (
            lambda: NodeFilter(relationship=7),  # type: ignore[arg-type]  # as above
            r"NodeFilter\(relationship=…\) takes a NodeRelationshipFilter, not 7\.",
        ),
        (
            lambda: NodeRelationshipFilter(child_of="root"),  # type: ignore[arg-type]  # as above
            r"child_of=… takes an id, a node, several of them or a filter, not 'root'\.",
        ),
        (
            lambda: NodeRelationshipFilter(descendant_of=new_node()),
            r"descendant_of=… takes nodes that are written; write this one first: Node\(",
        ),
        (
            lambda: NodeRelationshipFilter(descendant_of=1, max_depth=0),
            r"max_depth is a count of steps from 1 on, not 0\.",
        ),
        (
            lambda: ModelFilter(model_type=int),
            r"A model type is a subclass of BaseModel, not <class 'int'>\.",
        ),
        (
            lambda: NodeTypeFilter(type=int),  # type: ignore[arg-type]  # as above
            r"NodeTypeFilter takes node classes, not <class 'int'>\.",
        ),
        (
            lambda: ValueFilter(in_="abc"),
            r"ValueFilter\(in_=…\) takes a list of values, not 'abc'\.",
        ),
        (lambda: ValueFilter(gt=None), r"ValueFilter\(gt=None\) never holds: NULL has no order\."),
        (
            lambda: NodeFilter() and NodeFilter(),
            r"A filter is neither true nor false\. Combine filters with &, \| and ~",
        ),
    ],
)
def test_a_filter_that_makes_no_sense(make: Callable[[], object], message: str) -> None:
    """It is refused where it is built, naming the key and what would be right."""
    with pytest.raises(FilterError, match=message):
        make()


@pytest.mark.parametrize("wrong", [7, "label", {"node_id": 7}, None, NodeFilter])
async def test_what_is_no_filter_is_refused(store: str, wrong: Any) -> None:
    """An id, a text or a dict where a filter belongs: said so, and nothing is deleted."""
    await write_node(new_node())
    calls: list[Callable[[Any], Awaitable[object]]] = [
        read_nodes,
        read_node,
        nodes_exist,
        delete_nodes,
        read_artifacts,
        read_models,
        delete_models,
    ]
    for call in calls:
        with pytest.raises(FilterError, match=r"filter.*NodeFilter\((node_id|label)="):
            await call(wrong)
    with pytest.raises(FilterError, match=r"filter.*NodeFilter\((node_id|label)="):
        NodeFilter() & wrong
    with pytest.raises(FilterError, match=r"filter.*NodeFilter\((node_id|label)="):
        wrong | NodeFilter()
    assert await count() == 1


# ----------------------------------------------------------- values and labels


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), r"builtins\.object"),
        (lambda: 1, r"builtins\.function"),
        (1j, r"builtins\.complex"),
        ({"a": [1, {2: object()}]}, r"builtins\.object"),
        (Fit, r"artigraph\.model\."),
        (Exception("x"), r"builtins\.Exception"),
    ],
)
async def test_a_value_that_json_cannot_hold(store: str, value: object, kind: str) -> None:
    """The error names model, field and type, and how to store such a thing; nothing is written."""
    with pytest.raises(
        SerializationError,
        match=rf"(?s)BadInputHolder\.value.* cannot be stored: .*\({kind}.*\)\. "
        r"Annotate the field with a serializer, as in Annotated\[T, my_serializer\], "
        r"or make it a DataModel\. Nothing was written\.",
    ):
        await write_model(label="m", model=Holder(value))
    assert await count() == 0


async def test_one_bad_value_among_many_models(store: str) -> None:
    """None of a call's models is written when the last one is refused."""
    models = {f"m{i}": Holder(i) for i in range(300)}
    with pytest.raises(SerializationError, match=r"BadInputHolder\.value cannot be stored"):
        await write_models(models={**models, "bad": Holder(object())})
    assert await count() == 0


async def test_a_bad_value_in_a_nested_model(store: str) -> None:
    """The inner model and field are named, and the outer is not written either."""
    with pytest.raises(SerializationError, match=r"BadInputHolder\.value cannot be stored"):
        await write_model(label="m", model=Holder(Holder(object())))
    assert await count() == 0


async def test_a_value_that_its_serializer_refuses(store: str, tmp_path: Path) -> None:
    """Neither a row nor a file is left of it."""
    files = FileSystemStorage(tmp_path / "blobs", "bad-input-files")

    Stored = create_model(  # noqa: N806  # a class
        "BadInputStored",
        good=Annotated[list[int], json_serializer, files],
        bad=Annotated[Any, json_serializer, files],
    )
    with pytest.raises(SerializationError, match=r"BadInputStored\.bad"):
        await write_model(label="m", model=Stored(good=[1], bad=object()))  # type: ignore[call-arg]  # made at run time
    assert await count() == 0
    assert not [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


async def test_an_artifact_that_its_serializer_refuses(store: str) -> None:
    """Of several artifacts in one call, none is written."""
    with pytest.raises(SerializationError):
        await write_artifacts(
            [
                new_artifact("good", [1], json_serializer),
                new_artifact("bad", object(), json_serializer),
            ]
        )
    assert await count() == 0


async def test_what_is_no_model(store: str) -> None:
    """A plain dict is not guessed at."""
    with pytest.raises(SerializationError, match=r"\(dict\) is no model\. Write an instance of a"):
        await write_model(label="m", model={"loss": 0.5})  # type: ignore[type-var]  # that is the point
    with pytest.raises(LabelError, match=r"write_models\(\) takes models by label, as in models="):
        await write_models(models=[Fit(0.5)])  # type: ignore[arg-type]  # that is the point
    assert await count() == 0


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("", r"A label has 1 to 255 characters; this one is empty\."),
        ("x" * 256, r"A label has 1 to 255 characters; 'x{40}'… has 256\."),
        ("a\x00b", r"The label 'a\\x00b' holds a NUL or a lone surrogate, which is no text\."),
        ("\ud800", r"The label '\\ud800' holds a NUL or a lone surrogate"),
        (7, r"A label is a text, not 7 \(int\)\."),
    ],
)
async def test_a_label_that_no_database_could_hold(store: str, label: Any, message: str) -> None:
    """Refused alike for nodes, models, artifacts and groups; nothing is written."""
    with pytest.raises(LabelError, match=message):
        await write_node(new_node(node_label=label))
    with pytest.raises(LabelError, match=message):
        await write_models(models={"good": Fit(0.1), label: Fit(0.5)})
    with pytest.raises(LabelError, match=message):
        new_artifact(label, 1, json_serializer)
    with pytest.raises(LabelError, match=message):
        ModelGroup(new_node()).add_model(label, Fit(0.5))
    assert await count() == 0


async def test_a_model_without_a_label(store: str) -> None:
    """None as a label is answered with the argument that is missing."""
    with pytest.raises(LabelError, match=r"A model needs a label: write_model\(label='…', model=…"):
        await write_model(label=None, model=Fit(0.5))  # type: ignore[arg-type]  # that is the point
    assert await count() == 0


# --------------------------------------------------------------- a label clash


async def test_a_label_clash_between_models(store: str) -> None:
    """The error names parent, label and the node that has it; none of the call is written."""
    parent = await write_node(new_node())
    first = await write_model(parent_id=parent.node_id, label="m", model=Fit(0.1))
    with pytest.raises(
        LabelExistsError,
        match=f"Under node {parent.node_id} the label 'm' is taken: it is that of node "
        f"{first.artifact.node_id}. Choose another label, or delete what has it.",
    ):
        await write_models(
            parent_id=parent.node_id, models={"new": Fit(0.2), "m": Fit(0.3), "last": Fit(0.4)}
        )
    assert await count() == 2
    assert (await read_model(ModelFilter(label="m"))).value == Fit(0.1)


async def test_a_label_clash_between_nodes_of_one_call(store: str) -> None:
    """A label given twice in one call is told as that, and neither is written."""
    parent = await write_node(new_node())
    twins = [new_node(node_parent_id=parent.node_id, node_label="x") for _ in range(2)]
    with pytest.raises(
        LabelExistsError, match=f"Under node {parent.node_id} the label 'x' is taken: it is given"
    ):
        await write_nodes([new_node(), *twins])
    assert await count() == 1
    assert twins[0].node_id is None


async def test_a_label_clash_between_kinds(store: str) -> None:
    """Nodes, artifacts and models share the labels under one parent."""
    parent = await write_node(new_node())
    await write_node(new_node(node_parent_id=parent.node_id, node_label="x"))
    with pytest.raises(LabelExistsError, match="the label 'x' is taken"):
        await write_model(parent_id=parent.node_id, label="x", model=Fit(0.1))
    with pytest.raises(LabelExistsError, match="the label 'x' is taken"):
        await write_artifacts([new_artifact("x", 1, json_serializer, parent_id=parent.node_id)])
    async with create_current(parent):
        with pytest.raises(LabelExistsError, match="the label 'x' is taken"):
            async with create_current(Node, node_label="x"):
                raise AssertionError("the block must not run")
    assert await count() == 2


async def test_a_label_clash_by_renaming(store: str) -> None:
    """Writing a node under a sibling's label is refused, and the row keeps its own."""
    parent = await write_node(new_node())
    a, b = await write_nodes(
        [new_node(node_parent_id=parent.node_id, node_label=label) for label in "ab"]
    )
    b.node_label = "a"
    with pytest.raises(
        LabelExistsError, match=f"the label 'a' is taken: it is that of node {a.node_id}"
    ):
        await write_node(b)
    assert (await read_node(NodeFilter(node_id=b.node_id))).node_label == "b"


async def test_a_label_clash_by_moving(store: str) -> None:
    """A node cannot come under a parent where its label is taken; none of the call moves."""
    one, two = await write_nodes([new_node(), new_node()])
    await write_node(new_node(node_parent_id=one.node_id, node_label="x"))
    moving = await write_node(new_node(node_parent_id=two.node_id, node_label="x"))
    other = await write_node(new_node())
    with pytest.raises(LabelExistsError, match=f"Under node {one.node_id} the label 'x' is taken"):
        await write_parent_child_relationships(
            [(one.node_id, other.node_id), (one.node_id, moving.node_id)]
        )
    assert (await read_node(NodeFilter(node_id=moving.node_id))).node_parent_id == two.node_id
    assert (await read_node(NodeFilter(node_id=other.node_id))).node_parent_id is None


async def test_labels_of_roots_are_free(store: str) -> None:
    """Only under a parent a label is unique."""
    await write_models(models={"m": Fit(0.1)})
    await write_models(models={"m": Fit(0.2)})
    await write_nodes([new_node(node_label="m"), new_node(node_label="m")])
    assert await count() == 4


# ---------------------------------------------- a missing parent, a missing node


async def test_a_missing_parent(store: str) -> None:
    """The error names what was to hang, the id, and both ways out; nothing is written."""
    message = (
        r"'m' was to hang under node 4711, which does not exist\. "
        r"Write the parent first, or leave parent_id out for a root\."
    )
    with pytest.raises(ParentNotFoundError, match=message):
        await write_models(parent_id=4711, models={"m": Fit(0.1), "n": Holder(Fit(0.2))})
    with pytest.raises(ParentNotFoundError, match=message):
        await write_node(new_node(node_parent_id=4711, node_label="m"))
    with pytest.raises(ParentNotFoundError, match=message):
        await write_artifacts([new_artifact("m", 1, json_serializer, parent_id=4711)])
    group = ModelGroup(4711)
    group.add_model("m", Fit(0.1))
    with pytest.raises(ParentNotFoundError, match=message):
        await group.save()
    assert await count() == 0


async def test_a_missing_parent_of_a_node_without_a_label(store: str) -> None:
    """The error reads well even where there is no label to name."""
    with pytest.raises(ParentNotFoundError, match="under node 4711, which does not") as raised:
        await write_node(new_node(node_parent_id=4711))
    assert not str(raised.value).startswith("None ")
    assert await count() == 0


async def test_moving_to_or_from_nothing(store: str) -> None:
    """Both ends of a relationship must exist; nothing is moved otherwise."""
    a, b = await write_nodes([new_node(), new_node()])
    with pytest.raises(ParentNotFoundError, match="Node 4711 does not exist"):
        await write_parent_child_relationships([(a.node_id, b.node_id), (4711, a.node_id)])
    with pytest.raises(NodeNotFoundError, match="Node 4711 does not exist, so it cannot be moved"):
        await write_parent_child_relationships([(a.node_id, b.node_id), (a.node_id, 4711)])
    assert {n.node_parent_id for n in await read_nodes(NodeFilter())} == {None}


async def test_nothing_is_found(store: str) -> None:
    """The error shows the filter that was asked and the function that does not mind."""
    with pytest.raises(
        NodeNotFoundError,
        match=r"There is no such node: nodes with id = 4711\. Use read_node_or_none\(\)",
    ):
        await read_node(NodeFilter(node_id=4711))
    with pytest.raises(
        NodeNotFoundError,
        match=r"There is no such model: Fit with label = 'x'\. Use read_model_or_none\(\)",
    ):
        await read_model(ModelFilter(label="x", model_type=Fit))
    with pytest.raises(
        NodeNotFoundError, match=r"There is no such artifact: .*read_artifact_or_none"
    ):
        await read_artifact(ArtifactFilter(artifact_label="x"))


async def test_several_are_found_where_one_was_asked(store: str) -> None:
    """The error shows the filter, one of them, and the function for several."""
    await write_models(models={"a": Fit(0.1), "b": Fit(0.2)})
    with pytest.raises(
        MultipleNodesFoundError, match=r"There is more than one node: nodes\. Node .*read_nodes\(\)"
    ):
        await read_node(NodeFilter())
    with pytest.raises(
        MultipleNodesFoundError, match=r"There is more than one model: models\. .*read_models\(\)"
    ):
        await read_model_or_none(ModelFilter())
    with pytest.raises(
        MultipleNodesFoundError, match=r"more than one artifact.*read_artifacts\(\)"
    ):
        await read_artifact(ArtifactFilter())


async def test_a_node_that_was_deleted_meanwhile(store: str) -> None:
    """Writing a changed node that is gone says so; it does not come back."""
    node = await write_node(new_node(node_label="a"))
    await delete_nodes(NodeFilter(node_id=node.node_id))
    node.node_label = "b"
    with pytest.raises(
        NodeNotFoundError,
        match=rf"Node {node.node_id} cannot be updated: it does not exist any more\. Write a new",
    ):
        await write_node(node)
    assert await count() == 0


# -------------------------------------------------------------------- a cycle


async def test_a_cycle_is_refused(store: str) -> None:
    """Directly, by a longer way, or onto itself: the error names both, and nothing changes."""
    a = await write_node(new_node())
    b = await write_node(new_node(node_parent_id=a.node_id))
    c = await write_node(new_node(node_parent_id=b.node_id))
    before = {n.node_id: n.node_parent_id for n in await read_nodes(NodeFilter())}
    for parent, child in ((c, a), (b, a), (a, a)):
        with pytest.raises(
            CycleError,
            match=f"Node {child.node_id} cannot hang under node {parent.node_id}: it would become "
            "its own ancestor. Nothing was changed.",
        ):
            await write_parent_child_relationships([(parent.node_id, child.node_id)])
    a.node_parent_id = c.node_id
    with pytest.raises(CycleError, match="its own ancestor"):
        await write_node(a)
    assert {n.node_id: n.node_parent_id for n in await read_nodes(NodeFilter())} == before


async def test_a_cycle_made_by_one_call_together(store: str) -> None:
    """Two moves that are harmless alone and a cycle together are both refused."""
    a, b, c = await write_nodes([new_node(), new_node(), new_node()])
    with pytest.raises(CycleError):
        await write_parent_child_relationships(
            [(a.node_id, b.node_id), (b.node_id, c.node_id), (c.node_id, a.node_id)]
        )
    assert {n.node_parent_id for n in await read_nodes(NodeFilter())} == {None}


async def test_swapping_parent_and_child_is_no_cycle(store: str) -> None:
    """What is a cycle half way but not at the end is allowed."""
    a = await write_node(new_node())
    b = await write_node(new_node(node_parent_id=a.node_id))
    await write_parent_child_relationships([(b.node_id, a.node_id), (None, b.node_id)])
    assert {n.node_id: n.node_parent_id for n in await read_nodes(NodeFilter())} == {
        a.node_id: b.node_id,
        b.node_id: None,
    }


# ----------------------------------- versions, classes and names that are not here


async def test_a_version_without_a_migration(store: str) -> None:
    """Reading names both versions and the method; so does a listing that is to be strict."""
    old = create_model("BadInputVersioned", version=1, x=int)
    await write_model(label="m", model=old(x=1))  # type: ignore[call-arg]  # made at run time
    with allow_model_type_overwrites():
        create_model("BadInputVersioned", version=2, y=int)
    for read in (read_model, partial(read_models, strict=True)):
        with pytest.raises(
            ModelVersionError,
            match=r"A BadInputVersioned was stored at version 1, and its class is at version 2\. "
            r"Add to the class: @classmethod def model_migrate",
        ):
            await read(ModelFilter(label="m"))


async def test_changed_fields_at_the_same_version(store: str) -> None:
    """A class that was changed without a new version says what does not fit."""
    old = create_model("BadInputSameVersion", version=1, x=int)
    await write_model(label="m", model=old(x=1))  # type: ignore[call-arg]  # made at run time
    with allow_model_type_overwrites():
        create_model("BadInputSameVersion", version=1, y=int)
    with pytest.raises(
        ModelVersionError,
        match=r"stored at version 1, as the class is, but lacks 'y' and has also 'x'\. "
        r"Give new fields a default, or raise the class's version",
    ):
        await read_model(ModelFilter(label="m"))


async def test_a_class_that_is_not_defined(store: str) -> None:
    """A listing shows what there is; reading the one says how to define it."""
    from artigraph.model import base as model_base

    gone = create_model("BadInputGone", version=3, x=int, y=(str, "z"))
    await write_model(label="gone", model=gone(x=1))  # type: ignore[call-arg]  # made at run time
    await write_model(label="known", model=Fit(0.5))
    del model_base.models_by_name["BadInputGone"]  # as in a process that never ran its cell

    values = {m.artifact.node_label: m.value for m in await read_models(ModelFilter())}
    assert values["known"] == Fit(0.5)
    unknown = values["gone"]
    assert isinstance(unknown, UnknownModel)
    assert (unknown.name, unknown.version, unknown.data) == ("BadInputGone", 3, {"x": 1, "y": "z"})
    for read in (read_model, read_model_or_none):
        with pytest.raises(
            UnknownModelError,
            match=r"(?s)A model 'BadInputGone' of version 3 is stored, but no class of that name "
            r"is defined here\. Import the module that defines it, or define it:\n"
            r"class BadInputGone\(DataModel, version=3\):\n    x: int\n    y: str",
        ):
            await read(ModelFilter(label="gone"))


@pytest.mark.parametrize("name", ["BadInputAdvised", "bad-input.advised", "x(object):\n import os"])
async def test_the_class_that_an_error_shows_can_be_defined(store: str, name: str) -> None:
    """As it stands, whatever the model holds and is called; then its rows are read."""
    from artigraph.model import base as model_base

    values = {"text": "a", "table": pd.DataFrame({"a": [1]}), "pair": (1, 2), "fit": Fit(0.5)}
    types: dict[str, Any] = {"table": pd.DataFrame, "pair": tuple[int, int], "fit": Fit}
    gone = create_model("Advised", version=3, **{k: types.get(k, str) for k in values})
    written = await write_model(label="gone", model=gone(**values))
    async with (await get_engine()).begin() as connection:
        column = node_table.c.model_artifact_type
        here = node_table.c.node_id == written.artifact.node_id
        await connection.execute(update(node_table).where(here).values({column: name}))
    with pytest.raises(UnknownModelError) as caught:
        await read_model(ModelFilter(label="gone"))
    code = str(caught.value).partition("define it:\n")[2]
    cell = compile(code, "cell", "exec", dont_inherit=True)
    exec(cell, {"DataModel": DataModel, "__name__": "__main__"})  # following it is the test
    try:
        read = (await read_model(ModelFilter(label="gone"))).value
    finally:
        del model_base.models_by_name[name]
    assert read.text == "a"
    assert read.fit == Fit(0.5)
    assert isinstance(read.table, pd.DataFrame)


class Upper(Serializer[str]):
    """A serializer that a user forgot to register in the next process."""

    name = "bad-input-upper"

    def serialize(self, value: str, /) -> bytes:
        return value.upper().encode()

    def deserialize(self, data: bytes, /) -> str:
        return data.decode()


async def test_a_serializer_that_nobody_registered(store: str) -> None:
    """Reading names the artifact and the serializer, and says what to do."""
    from artigraph.serializer.base import serializers

    artifact = new_artifact("shout", "hello", Upper())
    await write_artifacts([artifact])
    model = create_model("BadInputShout", text=Annotated[str, Upper()])
    await write_model(label="m", model=model(text="hello"))  # type: ignore[call-arg]  # as above
    del serializers.loaded["bad-input-upper"]  # as in another process
    message = (
        r"The artifact '{}' cannot be read\. No serializer is registered under the name "
        r"'bad-input-upper'\. .*Import the module that defines it, or call register\(\)"
    )
    with pytest.raises(UnknownSerializerError, match=message.format("shout")):
        await read_artifact(ArtifactFilter(artifact_label="shout"))
    with pytest.raises(UnknownSerializerError, match=message.format("text")):
        await read_model(ModelFilter(label="m"))
    assert (await read_node(NodeFilter(label="shout"))).node_id == artifact.artifact.node_id


async def test_a_serializers_name_that_is_almost_right(store: str) -> None:
    """A name out of the database that is near a known one gets a hint."""
    await write_artifacts([new_artifact("a", 1, json_serializer)])
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_node SET artifact_serializer = 'artigraph-jsom'")
        )
    with pytest.raises(UnknownSerializerError, match=r"Did you mean 'artigraph-json'"):
        await read_artifact(ArtifactFilter(label="a"))


async def test_a_storage_that_nobody_registered(store: str, tmp_path: Path) -> None:
    """Reading names the artifact and the storage; the row can still be listed and deleted."""
    from artigraph.storage.base import storages

    files = FileSystemStorage(tmp_path / "blobs", "bad-input-lost")
    await write_artifacts([new_artifact("far", [1, 2], json_serializer, storage=files)])
    del storages.loaded["bad-input-lost"]  # as in another process
    with pytest.raises(
        UnknownStorageError,
        match=r"The artifact 'far' cannot be read\. The storage 'bad-input-lost' is not registered "
        r"here\. It was at 'file://.*/blobs' .* Import the model that uses it; or, if you trust "
        r"that place, type: .*FsspecStorage\('file://.*/blobs', name='bad-input-lost'\)"
        r"\.register\(\)",
    ):
        await read_artifact(ArtifactFilter(label="far"))
    assert len(await read_nodes(ArtifactFilter(label="far"))) == 1
    assert await delete_nodes(ArtifactFilter(label="far")) == 1
    assert await count() == 0


async def test_a_name_that_is_taken(store: str, tmp_path: Path) -> None:
    """Two different storages of one name: said when the second is used, nothing written."""
    one = FileSystemStorage(tmp_path / "one", "bad-input-twice")
    two = FileSystemStorage(tmp_path / "two", "bad-input-twice")
    await write_artifacts([new_artifact("a", 1, json_serializer, storage=one)])
    with pytest.raises(NameTakenError, match="The storage name 'bad-input-twice' belongs to"):
        await write_artifacts([new_artifact("b", 1, json_serializer, storage=two)])
    assert await count() == 1


# --------------------------------------------------------------- the database


@pytest.fixture
def no_engine() -> Iterator[None]:
    """A test that sets engines by itself, after which none is set."""
    reset = set_engine("sqlite+aiosqlite:///:memory:")
    reset()
    yield
    reset()


async def test_no_engine(no_engine: None) -> None:
    """The one line to type is in the error."""
    with pytest.raises(
        NoEngineError,
        match=r"No database is set\. Type: "
        r"set_engine\('sqlite\+aiosqlite:///example\.db', create_tables=True\)",
    ):
        await read_nodes(NodeFilter())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("example.db", r"'example\.db' is not a database's address .*set_engine\('sqlite\+aiosql"),
        ("", r"'' is not a database's address"),
        ("://", r"is not a database's address"),
        (
            "sqlite:///example.db",
            r"'sqlite:///example\.db' names no asynchronous driver\. Name 'aiosqlite', as in "
            r"'sqlite\+aiosqlite:///example\.db'\.",
        ),
        (
            "postgresql://user@host/database",
            r"names no asynchronous driver\. Name 'asyncpg', as in 'postgresql\+asyncpg://",
        ),
        ("mysql://host/database", r"names no asynchronous driver\. Name 'asyncmy'"),
        ("oracle+oracledb://host/x", r"names the database 'oracle', which artigraph does not know"),
        ("postgresql+asyncpg://host:port/x", r"is not a database's address"),
        (
            "sqlite+aiosqlite://results.db",
            r"two slashes, .* type three, as in 'sqlite\+aiosqlite:///results\.db', or four",
        ),
        (
            "sqlite+aiosqlite://data/results.db",
            r"two slashes, .* type three, as in 'sqlite\+aiosqlite:///data/results\.db'",
        ),
        ("sqlite+aiosqlite:///file:x.db", r"begins with file:, .* Add \?uri=true, .* leave file:"),
        (7, r"set_engine\(\) takes an address or an engine of create_async_engine\(\), not "),
    ],
)
async def test_a_broken_url(no_engine: None, url: Any, message: str) -> None:
    """It is refused where it is set, with an example that works; the old setting stays."""
    reset = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    try:
        with pytest.raises(EngineURLError, match=message):
            set_engine(url)
        assert not await nodes_exist(NodeFilter())
    finally:
        reset()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@host/x",
        "postgresql+asyncpg://me:hunter2@host:port/x",
        "nonsense://me:hunter2@host/x",
        "postgresql+asyncpg:/me:hunter2@host/x",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    """A notebook's output may be published: what was typed as a password is left out."""
    with pytest.raises(EngineURLError) as raised:
        set_engine(url)
    assert "hunter2" not in str(raised.value)
    # What Python prints of the errors behind it must not show it either.
    assert raised.value.__suppress_context__ or "hunter2" not in str(raised.value.__context__)


async def test_a_database_with_no_tables(database_url: str, tmp_path: Path) -> None:
    """The error names the database and table, and the very call that makes them."""
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    try:
        for call in (read_nodes(NodeFilter()), write_model(label="m", model=Fit(0.1))):
            with pytest.raises(
                SchemaError,
                match=r"The database sqlite\+aiosqlite:///.*empty\.db is not there, and so has no "
                r"table 'artigraph_node'\. set_engine\('sqlite.*empty\.db', create_tables=True\)",
            ):
                await call
    finally:
        reset()


async def test_a_database_that_lacks_columns(tmp_path: Path) -> None:
    """A table of another making is named with what it lacks, and not touched."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'foreign.db'}"
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE artigraph_node (node_id INTEGER PRIMARY KEY)"))
    await engine.dispose()
    reset = set_engine(url)
    try:
        with pytest.raises(
            SchemaError, match=r"has no columns .*node_parent_id.*create_tables=True\) makes them"
        ):
            await read_nodes(NodeFilter())
    finally:
        reset()


@pytest.mark.parametrize(
    ("url", "cause", "advice"),
    [
        (
            "sqlite+aiosqlite:////nowhere/at-all/example.db",
            "unable to open database file",
            "See that a file's folder exists",
        ),
        (
            "postgresql+asyncpg://me:hunter2@127.0.0.1:1/test",
            "Connect call failed",
            "No server listens there. Start PostgreSQL, or correct host and port",
        ),
        (
            "mariadb+asyncmy://me:hunter2@127.0.0.1:1/test",
            "Connect call failed",
            "No server listens there. Start MariaDB, or correct host and port",
        ),
        (
            "postgresql+asyncpg://me:hunter2@nowhere.invalid/test",
            "",
            "No computer has the name in it. Correct the name",
        ),
        (
            "mariadb+asyncmy://me:hunter2@nowhere.invalid/test",
            "",
            "No computer has the name in it. Correct the name",
        ),
    ],
)
async def test_a_database_that_cannot_be_reached(
    no_engine: None, url: str, cause: str, advice: str
) -> None:
    """The address leads nowhere: the first use says so, without the password, and what to do."""
    reset = set_engine(url, create_tables=True)
    try:
        with pytest.raises(
            EngineURLError, match=r"(?s)The database .* cannot be opened:"
        ) as raised:
            await read_nodes(NodeFilter())
    finally:
        reset()
    assert cause in str(raised.value)
    assert advice in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("driver", ["postgresql+asyncpg", "mariadb+asyncmy"])
@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"\x03\0\0\0\x0a\0\0"])
async def test_a_server_that_hangs_up_at_once(
    no_engine: None, driver: str, greeting: bytes
) -> None:
    """It is told as that, and not as one that is not there or knows no such user."""

    def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reset = set_engine(f"{driver}://me:hunter2@127.0.0.1:{port}/test", create_tables=True)
    try:
        with pytest.raises(ConnectionLostError, match="answered there and hung up") as raised:
            await read_nodes(NodeFilter())
    finally:
        reset()
        server.close()
    assert "hunter2" not in str(raised.value)


async def test_a_server_that_does_not_know_who_asks(no_engine: None, database_url: str) -> None:
    """It has answered, and the error says with what."""
    url = make_url(database_url)
    if not url.host:
        pytest.skip("a file asks nobody for a name")
    known = url.set(username="nobody_here", password="hunter2", database="no_such")  # of nobody
    reset = set_engine(known, create_tables=True)
    try:
        with pytest.raises(EngineURLError, match=r"server has answered\. See that it knows"):
            await read_nodes(NodeFilter())
    finally:
        reset()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Some other file under the database's name is told as that, and left alone."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all\n" * 100, encoding="utf-8")
    reset = set_engine(f"sqlite+aiosqlite:///{path}", create_tables=True)
    try:
        with pytest.raises(
            EngineURLError, match=r"notes\.txt cannot be opened: file is not a data"
        ):
            await read_nodes(NodeFilter())
    finally:
        reset()
    assert path.read_text(encoding="utf-8").startswith("not a database at all\n")


# ------------------------------------------------------------- two processes


async def test_two_processes_write_into_one_file(tmp_path: Path) -> None:
    """Each writes 300 models one by one; none is lost, and nothing is raised."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    code = """
        import asyncio, sys
        from artigraph import *

        class Fit(DataModel, version=1):
            loss: float

        async def main(name):
            for number in range(300):
                await write_model(label=f"{name}-{number}", model=Fit(number / 8))

        set_engine(sys.argv[1], create_tables=True)
        asyncio.run(main(sys.argv[2]))
    """
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            "-c",
            textwrap.dedent(code),
            url,
            name,
            stderr=asyncio.subprocess.PIPE,
        )
        for name in ("one", "two")
    ]
    ended = [(await process.communicate())[1].decode() for process in processes]
    assert ended == ["", ""]
    assert [process.returncode for process in processes] == [0, 0]
    # Other tests of this process have defined classes with columns of their own.
    reset = set_engine(url, create_tables=True)
    try:
        rows = await read_nodes(NodeFilter())
        assert {row.node_label for row in rows} == {
            f"{name}-{number}" for name in ("one", "two") for number in range(300)
        }
        assert len(rows) == len({row.node_id for row in rows}) == 600
        assert all(row.node_created_at <= datetime.now(UTC) for row in rows)
    finally:
        reset()


EARLY = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        *(
            (ParentNotFoundError, f"under node {wrong!r}, which does not exist", call)
            for wrong in (2**63, "7", 1.5, True)
            for call in (
                lambda wrong=wrong: write_node(new_node(node_label="q", node_parent_id=wrong)),
                lambda wrong=wrong: write_model(parent_id=wrong, label="q", model=Fit(1.0)),
                lambda wrong=wrong: move_below(wrong),
            )
        ),
        (
            SerializationError,
            "node_id = '7' is no id",
            lambda: write_node(new_node(node_id=loose("7"))),
        ),
        (SerializationError, "is no id", lambda: write_nodes([Node(), new_node(node_id=2**63)])),
        (
            NodeNotFoundError,
            "'7' does not exist: that is no id",
            lambda: write_parent_child_relationships([(None, loose("7"))]),
        ),
        (
            FilterError,
            "no moment between the years 1 and 9999",
            lambda: read_nodes(NodeFilter(created_at=ValueFilter(gt=EARLY))),
        ),
        (
            FilterError,
            "no moment between the years 1 and 9999",
            lambda: read_nodes(NodeFilter(updated_at=EARLY)),
        ),
        *(
            (
                SerializationError,
                f"CellRun.{NAMES.get(name, name)} = ",  # as the column is called now
                lambda given=given: write_node(CellRun(**given)),
            )
            for given in (
                {"cell_run_started_at": EARLY},
                {"cell_run_started_at": "2024-01-01"},
                {"cell_run_count": 2**63},
                {"cell_run_count": "many"},
                {"cell_run_error": "a\ud800"},
                {"cell_run_error": 3},
                {"cell_run_status": "x" * 40},
                {"cell_run_params": {"a": {1}}},
            )
            for name in given
        ),
    ],
)
async def test_what_no_column_holds(
    store: str, error: type[ArtigraphError], message: str, call: Callable[[], Awaitable[object]]
) -> None:
    """It is refused by name before anything is written, on every database alike."""
    with pytest.raises(error, match=message):
        await call()
    assert not [node for node in await read_nodes(NodeFilter()) if node.node_label != "moved"]


async def move_below(parent: Any) -> None:
    """Hang a node that is there under another one."""
    node = await write_node(new_node(node_label="moved"))
    node.node_parent_id = parent
    await write_node(node)


@pytest.mark.parametrize("value", ["garbage", 5, EARLY])
async def test_no_moment_is_refused_later_too(store: str, value: Any) -> None:
    """A written row's times are moments, as those of a new one, or None for that of the write."""
    node = await write_node(new_node(node_label="a"))
    before = node.node_created_at
    node.node_created_at = value
    with pytest.raises(SerializationError, match=r"node_created_at = .* is no moment"):
        await write_node(node)
    again = Node(node_id=node.node_id, node_updated_at=value)
    with pytest.raises(SerializationError, match=r"node_updated_at = .* is no moment"):
        await write_node(again)
    assert (await read_node(NodeFilter(label="a"))).node_created_at == before


async def test_ids_of_numpy(store: str) -> None:
    """An id out of a frame is an id, as Python's own."""
    above = await write_node(new_node(node_id=loose(np.int64(7))))
    assert type(above.node_id) is int
    await write_node(new_node(node_label="a", node_parent_id=np.int64(7)))
    await write_model(parent_id=loose(np.int32(7)), label="m", model=Fit(1.0))
    assert await nodes_exist(NodeFilter(label="a", relationship=NodeRelationshipFilter(child_of=7)))


def loose(value: Any) -> Any:
    """A value that no type checker knows."""
    return value


async def test_an_error_about_one_of_many_rows_names_it(store: str, tmp_path: Path) -> None:
    """Reading says its node, and writing its label; one that is read alone needs neither."""
    old: Any = create_model("BadInputOneOfMany", version=1, x=int)
    written = await write_models(models={label: old(x=1) for label in "ab"})
    node_id = written["b"].artifact.node_id
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            update(node_table)
            .where(node_table.c.node_id == node_id)
            .values(model_artifact_version=7)
        )
    message = (
        rf"^Node {node_id} \('b', BadInputOneOfMany version 7\): "
        "A BadInputOneOfMany was stored at version 7"
    )
    for filter in (ModelFilter(), ModelFilter(label="b")):
        with pytest.raises(ModelVersionError, match=message):
            await read_models(filter, strict=True)
    with pytest.raises(ModelVersionError, match=message):
        await read_model(ModelFilter(label="b"))

    with allow_model_type_overwrites():

        class Failing(DataModel, version=7, name="BadInputOneOfMany"):
            x: Any = None

            @classmethod
            @override
            def model_migrate(cls, version: int, data: dict[str, Any]) -> Any:
                raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        await read_models(ModelFilter(), strict=True)
    assert "('a', BadInputOneOfMany version 1)" in str(caught.value.__notes__)
    files = FileSystemStorage(tmp_path, name="bad-input-many")
    part: Any = create_model("BadInputPart", value=Annotated[Any, files])
    with pytest.raises(SerializationError, match=r"^The model 'w1': BadInputOneOfMany\.x cannot"):
        await write_models(models={"w0": Failing(), "w1": Failing(object())})
    kept = await write_models(models={f"p{number}": part(value=[number]) for number in range(2)})
    (lost,) = await read_nodes(NodeRelationshipFilter(child_of=kept["p1"].artifact))
    (tmp_path / lost.remote_artifact_location).unlink()  # type: ignore[attr-defined]  # a RemoteArtifact
    with pytest.raises(
        BlobNotFoundError,
        match=r"^Node \d+ \('p1', BadInputPart version 1\): "
        rf"Node {lost.node_id}: The artifact 'value' cannot",
    ):
        await read_models(ModelFilter(model_type=part), strict=True)
