"""Groups gather models in memory and write them, with their node, at once."""

# ruff: noqa: PT012  # blocks that raise half way are what many of these are about

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from artigraph import (
    DatabaseBusyError,
    DataModel,
    LabelError,
    LabelExistsError,
    ModelFilter,
    ModelGroup,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    ParentNotFoundError,
    SerializationError,
    create_current,
    current_model_group,
    delete_models,
    delete_nodes,
    get_engine,
    new_node,
    new_session,
    read_models,
    read_node,
    read_nodes,
    write_model,
    write_node,
)
from artigraph.db import pending
from tests.conftest import Statements


class Fit(DataModel, version=1, name="GroupsFit"):
    loss: float


class Holder(DataModel, version=1, name="GroupsHolder"):
    value: Any


async def labels() -> dict[str | None, str | None]:
    """The label of every row, and that of the row above it."""
    nodes = {node.node_id: node for node in await read_nodes(NodeFilter())}
    return {
        node.node_label: nodes[node.node_parent_id].node_label if node.node_parent_id else None
        for node in nodes.values()
    }


async def count() -> int:
    return len(await read_nodes(NodeFilter()))


# ------------------------------------------------------------------- the block


async def test_the_block_writes_node_and_models_at_its_end(store: str) -> None:
    """Before the end there is nothing; after it, all of it."""
    async with ModelGroup(new_node(node_label="run")) as group:
        group.add_model("a", Fit(1.0))
        group.add_models({"b": Fit(2.0), "c": Fit(3.0)})
        assert await count() == 0
        assert group.node.node_id is None
    assert await labels() == {"run": None, "a": "run", "b": "run", "c": "run"}
    assert isinstance(group.node.node_id, int)
    assert group.node.node_created_at.tzinfo is not None


async def test_the_block_is_one_transaction(store: str) -> None:
    """Node and models are committed together, once."""
    commits = []
    engine = (await get_engine()).sync_engine

    @event.listens_for(engine, "commit")
    def note(connection: object) -> None:
        commits.append(connection)

    async with ModelGroup(new_node()) as group:
        group.add_models({f"m{i}": Fit(float(i)) for i in range(5)})
    assert len(commits) == 1
    assert await count() == 6


async def test_statements_do_not_grow_with_the_models(store: str, statements: Statements) -> None:
    """A group of a hundred models takes as many statements as one of two."""
    counts = []
    for number in (2, 100):
        statements.clear()
        async with ModelGroup(new_node()) as group:
            group.add_models({f"m{i}": Fit(float(i)) for i in range(number)})
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_adding_may_be_awaited(store: str) -> None:
    """add_model() and add_models() take effect at once; awaiting them changes nothing."""
    async with ModelGroup(new_node()) as group:
        await group.add_model("a", Fit(1.0))
        group.add_model("b", Fit(2.0))
        await group.add_models({"c": Fit(3.0)})
        assert await group.get_models() == {"a": Fit(1.0), "b": Fit(2.0), "c": Fit(3.0)}
    assert sorted(await group.read_models()) == ["a", "b", "c"]


async def test_an_empty_group_writes_its_node(store: str) -> None:
    """A block without models leaves the node."""
    async with ModelGroup(new_node(node_label="run")):
        pass
    assert await labels() == {"run": None}


async def test_a_group_of_an_id_nests_nothing_new(store: str) -> None:
    """A written node keeps its place in the tree, whatever block its group is in."""
    written = await write_node(new_node(node_label="root"))
    async with ModelGroup(new_node(node_label="other")), ModelGroup(written.node_id) as group:
        group.add_model("m", Fit(1.0))
        assert group.node.node_id == written.node_id
    assert await labels() == {"root": None, "other": None, "m": "root"}


async def test_a_node_with_a_parent_of_its_own_keeps_it(store: str) -> None:
    """A new node that names its parent hangs there, not under the enclosing group."""
    root = await write_node(new_node(node_label="root"))
    inner = new_node(node_label="inner", node_parent_id=root.node_id)
    async with ModelGroup(new_node(node_label="outer")), ModelGroup(inner):
        pass
    assert await labels() == {"root": None, "outer": None, "inner": "root"}


async def test_a_missing_id_is_refused_on_entering(store: str) -> None:
    """The block never runs for a node that does not exist."""
    with pytest.raises(NodeNotFoundError, match=r"There is no such node: nodes with id = 987"):
        async with ModelGroup(987):
            raise AssertionError("the block must not run")


async def test_one_group_twice(store: str) -> None:
    """The same group serves again after its block, but not inside it."""
    group = ModelGroup(new_node(node_label="run"))
    async with group:
        group.add_model("a", Fit(1.0))
        with pytest.raises(RuntimeError, match="entered already"):
            async with group:
                pass
    async with group:
        group.add_model("b", Fit(2.0))
    assert await labels() == {"run": None, "a": "run", "b": "run"}


async def test_changes_of_the_node_in_the_block_are_saved(store: str) -> None:
    """The node of an existing id may be renamed inside the block."""
    written = await write_node(new_node(node_label="before"))
    async with ModelGroup(written.node_id) as group:
        group.node.node_label = "after"
    assert (await read_node(NodeFilter(node_id=written.node_id))).node_label == "after"


# -------------------------------------------------------------------- failures


async def test_a_block_that_raises_saves_nothing(store: str) -> None:
    """Neither the models nor the new node are there, and the exception goes on as it is."""
    error = ValueError("on purpose")
    with pytest.raises(ValueError, match="on purpose") as raised:
        async with ModelGroup(new_node()) as group:
            group.add_model("m", Fit(1.0))
            raise error
    assert raised.value is error
    assert await count() == 0


async def test_cancelling_a_block_saves_nothing(store: str) -> None:
    """A cancelled task leaves no half a group."""
    entered = asyncio.Event()

    async def work() -> None:
        async with ModelGroup(new_node()) as group:
            group.add_model("m", Fit(1.0))
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count() == 0


async def test_save_on_error_saves_what_there_is(store: str) -> None:
    """Models added before the error are saved, and the exception still goes on."""
    with pytest.raises(ValueError, match="on purpose"):
        async with ModelGroup(new_node(node_label="run"), save_on_error=True) as group:
            group.add_model("m", Fit(1.0))
            raise ValueError("on purpose")
    assert await labels() == {"run": None, "m": "run"}


async def test_save_on_error_that_cannot_save_shows_the_blocks_error(store: str) -> None:
    """The block's exception is the one to see; that of saving is a note on it."""
    with pytest.raises(ValueError, match="on purpose") as raised:
        async with ModelGroup(new_node(), save_on_error=True) as group:
            group.add_model("m", Holder(object()))
            raise ValueError("on purpose")
    (note,) = raised.value.__notes__
    assert "could not be saved" in note
    assert "GroupsHolder.value" in note
    assert await count() == 0


async def test_a_value_that_cannot_be_stored_leaves_no_row(store: str) -> None:
    """When one model is refused at the end, neither the others nor the node are written."""
    with pytest.raises(SerializationError, match=r"GroupsHolder\.value cannot be stored"):
        async with ModelGroup(new_node()) as group:
            group.add_models({"good": Fit(1.0), "bad": Holder(object())})
    assert await count() == 0


async def test_a_clash_in_the_database_leaves_no_row(store: str) -> None:
    """A node whose label is taken is not written, and its models are not either."""
    parent = await write_node(new_node(node_label="parent"))
    await write_node(new_node(node_label="x", node_parent_id=parent.node_id))
    before = await labels()
    with pytest.raises(LabelExistsError, match=f"Under node {parent.node_id} the label 'x'"):
        async with ModelGroup(new_node(node_label="x", node_parent_id=parent.node_id)) as group:
            group.add_model("m", Fit(1.0))
    assert await labels() == before


async def test_a_failed_save_can_be_mended(store: str) -> None:
    """The group is as it was before; without the bad model it saves."""
    group = ModelGroup(new_node(node_label="run"))
    group.add_models({"good": Fit(1.0), "bad": Holder(object())})
    with pytest.raises(SerializationError):
        await group.save()
    assert group.node.node_id is None
    await group.remove_model("bad")
    await group.save()
    assert await labels() == {"run": None, "good": "run"}


async def test_a_node_that_was_deleted_meanwhile(store: str) -> None:
    """Saving into a node that is gone names it, and writes nothing."""
    node = await write_node(new_node())
    group = ModelGroup(node.node_id)
    group.add_model("m", Fit(1.0))
    await delete_nodes(NodeFilter(node_id=node.node_id))
    with pytest.raises(
        ParentNotFoundError, match=f"'m' was to hang under node {node.node_id}, which does not"
    ):
        await group.save()
    assert await count() == 0


async def test_an_outer_failure_leaves_what_inner_groups_saved(store: str) -> None:
    """An inner block that ended well stays, with the row it hangs on; the outer's models do not."""
    with pytest.raises(ValueError, match="late"):
        async with ModelGroup(new_node(node_label="outer")) as outer:
            outer.add_model("lost", Fit(1.0))
            async with ModelGroup(new_node(node_label="inner")) as inner:
                inner.add_model("kept", Fit(2.0))
            raise ValueError("late")
    assert await labels() == {"outer": None, "inner": "outer", "kept": "inner"}


async def test_an_inner_failure_leaves_the_outer_as_it_was(store: str) -> None:
    """An inner save that fails takes back the outer's row too; the outer then saves whole."""
    async with ModelGroup(new_node(node_label="outer")) as outer:
        outer.add_model("kept", Fit(1.0))
        with pytest.raises(SerializationError):
            async with ModelGroup(new_node(node_label="inner")) as inner:
                inner.add_model("bad", Holder(object()))
        assert await count() == 0
    assert await labels() == {"outer": None, "kept": "outer"}


async def test_two_children_of_an_unwritten_group_may_clash(store: str) -> None:
    """The second child of one label is refused; the first and the outer group are saved."""
    async with ModelGroup(new_node(node_label="outer")) as outer:
        async with ModelGroup(new_node(node_label="child")):
            pass
        with pytest.raises(LabelExistsError, match="the label 'child' is taken"):
            async with ModelGroup(new_node(node_label="child")):
                pass
        outer.add_model("m", Fit(1.0))
    assert await labels() == {"outer": None, "child": "outer", "m": "outer"}


# ---------------------------------------------------------------------- labels


async def test_a_label_is_taken_once_added(store: str) -> None:
    """A second model of the label is refused at once, naming the way out; the first stays."""
    async with ModelGroup(new_node()) as group:
        group.add_model("m", Fit(1.0))
        with pytest.raises(
            LabelExistsError, match=r"has a model 'm' already.*group\.remove_model\('m'\)"
        ):
            group.add_model("m", Fit(2.0))
    assert await group.read_models() == {"m": Fit(1.0)}


async def test_several_models_are_added_all_or_none(store: str) -> None:
    """When one label is taken, none of the call's models are added."""
    async with ModelGroup(new_node()) as group:
        group.add_model("m", Fit(1.0))
        with pytest.raises(LabelExistsError):
            group.add_models({"new": Fit(2.0), "m": Fit(3.0)})
        assert await group.get_models() == {"m": Fit(1.0)}
        with pytest.raises(LabelError, match="this one is empty"):
            group.add_models({"new": Fit(2.0), "": Fit(3.0)})
        with pytest.raises(SerializationError, match=r"'bad' is no model but 1 \(int\)"):
            group.add_models({"new": Fit(2.0), "bad": 1})  # type: ignore[dict-item]  # that is the point
        assert await group.get_models() == {"m": Fit(1.0)}
    assert await group.read_models() == {"m": Fit(1.0)}


async def test_a_saved_label_is_taken_in_its_group(store: str) -> None:
    """After the block the group still knows what it saved."""
    async with ModelGroup(new_node()) as group:
        group.add_model("m", Fit(1.0))
    with pytest.raises(LabelExistsError, match="has a model 'm' already"):
        group.add_model("m", Fit(2.0))


async def test_a_label_that_another_group_took(store: str) -> None:
    """Two groups of one node learn of each other at save; nothing of the second is written."""
    node = await write_node(new_node())
    first, second = ModelGroup(node.node_id), ModelGroup(node.node_id)
    first.add_model("m", Fit(1.0))
    await first.save()
    second.add_models({"other": Fit(2.0), "m": Fit(3.0)})
    with pytest.raises(LabelExistsError, match=f"Under node {node.node_id} the label 'm' is taken"):
        await second.save()
    assert await first.read_models() == {"m": Fit(1.0)}


async def test_a_label_that_a_child_node_has(store: str) -> None:
    """Models and nodes share the labels under one parent."""
    with pytest.raises(LabelExistsError, match="the label 'x' is taken"):
        async with ModelGroup(new_node()) as group:
            async with ModelGroup(new_node(node_label="x")):
                pass
            group.add_model("x", Fit(1.0))
    assert await read_models(ModelFilter()) == []


# ----------------------------------------------------------- get, has, remove


async def test_get_model_is_cached_unless_fresh(store: str, statements: Statements) -> None:
    """The second look costs no statement, and ``fresh`` sees what others changed."""
    node = await write_node(new_node())
    await write_model(parent_id=node.node_id, label="m", model=Fit(1.0))
    group = ModelGroup(node.node_id)
    assert await group.get_model("m") == Fit(1.0)
    statements.clear()
    assert await group.get_model("m") == Fit(1.0)
    assert await group.get_models(["m"]) == {"m": Fit(1.0)}
    assert statements == []

    await delete_models(ModelFilter(label="m"))
    await write_model(parent_id=node.node_id, label="m", model=Fit(2.0))
    assert await group.get_model("m") == Fit(1.0)
    assert await group.get_model("m", fresh=True) == Fit(2.0)
    assert await group.get_model("m") == Fit(2.0)


async def test_get_models_is_cached_unless_fresh(store: str, statements: Statements) -> None:
    """All models are read once; read_models() asks the database every time."""
    node = await write_node(new_node())
    await write_model(parent_id=node.node_id, label="a", model=Fit(1.0))
    group = ModelGroup(node)
    assert await group.get_models() == {"a": Fit(1.0)}
    await write_model(parent_id=node.node_id, label="b", model=Fit(2.0))
    statements.clear()
    assert await group.get_models() == {"a": Fit(1.0)}
    assert statements == []
    assert await group.get_models(fresh=True) == {"a": Fit(1.0), "b": Fit(2.0)}
    await delete_models(ModelFilter(label="a"))
    assert await group.get_models() == {"a": Fit(1.0), "b": Fit(2.0)}
    assert await group.read_models() == {"b": Fit(2.0)}
    assert await group.get_models() == {"b": Fit(2.0)}


async def test_a_fresh_look_at_a_model_that_is_gone(store: str) -> None:
    """The cache does not stand in for a row that was deleted."""
    node = await write_node(new_node())
    await write_model(parent_id=node.node_id, label="m", model=Fit(1.0))
    group = ModelGroup(node)
    await group.get_models()
    await delete_models(ModelFilter(label="m"))
    with pytest.raises(NodeNotFoundError, match="has no model 'm'"):
        await group.get_model("m", fresh=True)
    assert await group.get_models() == {}


async def test_fresh_keeps_what_is_not_saved(store: str) -> None:
    """Asking the database does not lose the models that are not there yet."""
    node = await write_node(new_node())
    await write_model(parent_id=node.node_id, label="saved", model=Fit(1.0))
    group = ModelGroup(node)
    group.add_model("added", Fit(2.0))
    assert await group.get_models(fresh=True) == {"saved": Fit(1.0), "added": Fit(2.0)}
    assert await group.get_model("added", fresh=True) == Fit(2.0)
    assert await group.read_models() == {"saved": Fit(1.0)}
    await group.save()
    assert await group.read_models() == {"saved": Fit(1.0), "added": Fit(2.0)}


async def test_a_model_of_the_block_is_the_very_instance(store: str) -> None:
    """What was added is what get_model() gives, before and after it is saved."""
    model = Fit(1.0)
    async with ModelGroup(new_node()) as group:
        group.add_model("m", model)
        assert await group.get_model("m") is model
    assert await group.get_model("m") is model
    assert (await group.get_models())["m"] is model
    assert (await group.read_models())["m"] is not model
    assert await group.has_model("other", fresh=True) is False
    assert (await group.get_models(["m"]))["m"] is model
    assert await group.get_model("m", fresh=True) is not model


async def test_a_missing_model_names_the_near_ones(store: str) -> None:
    """The error says which group, which label, and what there is."""
    async with ModelGroup(new_node()) as group:
        group.add_model("train_loss", Fit(1.0))
        with pytest.raises(
            NodeNotFoundError, match=r"has no model 'trian_loss'\. Did you mean 'train_loss'"
        ):
            await group.get_model("trian_loss")
        with pytest.raises(NodeNotFoundError, match="has no model 'nope'"):
            await group.get_models(["train_loss", "nope"])


async def test_has_models(store: str) -> None:
    """True of what is added and of what is stored; for several, only if all are there."""
    node = await write_node(new_node())
    await write_model(parent_id=node.node_id, label="stored", model=Fit(1.0))
    group = ModelGroup(node.node_id)
    group.add_model("added", Fit(2.0))
    assert await group.has_model("stored")
    assert await group.has_model("added")
    assert not await group.has_model("nope")
    assert await group.has_models(["stored", "added"])
    assert not await group.has_models(["stored", "nope"])
    assert await group.has_models([])
    fresh = ModelGroup(new_node())
    assert not await fresh.has_model("added")
    await delete_models(ModelFilter(label="stored"))
    assert await group.has_model("stored")
    assert not await group.has_model("stored", fresh=True)
    assert not await group.has_models(["stored", "added"], fresh=True)
    assert await group.has_models(["added"], fresh=True)


async def test_remove_model_takes_it_from_the_database(store: str) -> None:
    """A saved model is gone from the store and from the cache; its label is free."""
    async with ModelGroup(new_node()) as group:
        group.add_models({"a": Fit(1.0), "b": Fit(2.0)})
    await group.remove_model("a")
    assert await group.get_models() == {"b": Fit(2.0)}
    assert await group.read_models() == {"b": Fit(2.0)}
    assert not await group.has_model("a")
    group.add_model("a", Fit(3.0))
    await group.save()
    assert await group.read_models() == {"a": Fit(3.0), "b": Fit(2.0)}


async def test_one_label_is_not_several(store: str) -> None:
    """A text where labels are wanted is refused, rather than taken apart into letters."""
    async with ModelGroup(new_node()) as group:
        group.add_models({label: Fit(0.1) for label in ("a", "b", "ab")})
    for call in (group.remove_models, group.get_models, group.has_models):
        with pytest.raises(LabelError, match=r"Several labels are wanted, as in \['ab'\]"):
            await call("ab")
    await group.remove_model("ab")
    assert list(await group.read_models()) == ["a", "b"]


async def test_remove_a_model_that_is_not_saved(store: str) -> None:
    """It is never written."""
    async with ModelGroup(new_node(node_label="run")) as group:
        group.add_models({"a": Fit(1.0), "b": Fit(2.0)})
        await group.remove_model("a")
        assert await group.get_models() == {"b": Fit(2.0)}
    assert await labels() == {"run": None, "b": "run"}


async def test_remove_models_without_labels_removes_all(store: str) -> None:
    """Saved and unsaved ones alike; child nodes of the group stay."""
    async with ModelGroup(new_node(node_label="run")) as group:
        group.add_model("a", Fit(1.0))
        async with ModelGroup(new_node(node_label="child")) as child:
            child.add_model("inner", Fit(1.0))
        await group.save()
        group.add_model("b", Fit(2.0))
        await group.remove_models()
        assert await group.get_models() == {}
    assert await labels() == {"run": None, "child": "run", "inner": "child"}


async def test_remove_models_is_all_or_none(store: str) -> None:
    """When one of the labels is missing, the others stay."""
    async with ModelGroup(new_node()) as group:
        group.add_models({"a": Fit(1.0), "b": Fit(2.0)})
    with pytest.raises(NodeNotFoundError, match="has no model 'nope'"):
        await group.remove_models(["a", "nope"])
    assert sorted(await group.read_models()) == ["a", "b"]
    await group.remove_models(["a", "b"])
    assert await group.read_models() == {}


async def test_remove_a_model_that_only_the_database_has(store: str) -> None:
    """A group of an id removes what it never looked at."""
    node = await write_node(new_node())
    await write_model(parent_id=node.node_id, label="m", model=Fit(1.0))
    await ModelGroup(node.node_id).remove_model("m")
    assert await read_models(ModelFilter()) == []


async def test_an_unwritten_group_has_nothing_in_the_database(store: str) -> None:
    """read_models() of a new node is empty, and removing all is no error."""
    group = ModelGroup(new_node())
    assert await group.read_models() == {}
    assert await group.get_models() == {}
    await group.remove_models()
    assert await count() == 0


async def test_only_models_right_on_the_node_belong_to_the_group(store: str) -> None:
    """Models of inner groups, and nested models, are not the group's own."""
    async with ModelGroup(new_node()) as outer:
        outer.add_model("nest", Holder(Fit(1.0)))
        async with ModelGroup(new_node()) as inner:
            inner.add_model("m", Fit(2.0))
    assert await outer.read_models() == {"nest": Holder(Fit(1.0))}


# ------------------------------------------------------------------------ save


async def test_save_inside_the_block(store: str) -> None:
    """save() writes node and models at once; the end writes only what came after."""
    async with ModelGroup(new_node(node_label="run")) as group:
        group.add_model("a", Fit(1.0))
        await group.save()
        assert await labels() == {"run": None, "a": "run"}
        group.add_model("b", Fit(2.0))
        assert await count() == 2
    assert await labels() == {"run": None, "a": "run", "b": "run"}


async def test_what_was_saved_in_a_block_stays_when_it_fails(store: str) -> None:
    """Only what came after save() is lost."""
    with pytest.raises(ValueError, match="late"):
        async with ModelGroup(new_node(node_label="run")) as group:
            group.add_model("a", Fit(1.0))
            await group.save()
            group.add_model("b", Fit(2.0))
            raise ValueError("late")
    assert await labels() == {"run": None, "a": "run"}


async def test_add_after_the_block(store: str) -> None:
    """A group is usable after its block: add, and save."""
    async with ModelGroup(new_node(node_label="run")) as group:
        group.add_model("a", Fit(1.0))
    group.add_model("b", Fit(2.0))
    assert await labels() == {"run": None, "a": "run"}
    await group.save()
    assert await labels() == {"run": None, "a": "run", "b": "run"}
    assert await group.get_models() == {"a": Fit(1.0), "b": Fit(2.0)}


async def test_saving_twice_writes_once(store: str, statements: Statements) -> None:
    """A second save() with nothing new changes no row."""
    group = ModelGroup(new_node())
    group.add_model("a", Fit(1.0))
    await group.save()
    statements.clear()
    await group.save()
    assert not [s for s in statements if s.split()[0].upper() in ("INSERT", "UPDATE", "DELETE")]
    assert await count() == 2


async def test_save_in_an_inner_block_writes_the_rows_above(store: str) -> None:
    """An inner node cannot hang on nothing: the outer row is written with it, not its models."""
    async with ModelGroup(new_node(node_label="outer")) as outer:
        outer.add_model("later", Fit(1.0))
        async with ModelGroup(new_node(node_label="inner")) as inner:
            await inner.save()
            assert await labels() == {"outer": None, "inner": "outer"}
            assert outer.node.node_id == inner.node.node_parent_id
    assert await labels() == {"outer": None, "inner": "outer", "later": "outer"}


# -------------------------------------------------------------------- sessions


async def test_a_group_inside_new_session_is_rolled_back(store: str) -> None:
    """When the session fails after the block, the group's rows go with it."""
    with pytest.raises(ValueError, match="late"):
        async with new_session():
            async with ModelGroup(new_node()) as group:
                group.add_model("m", Fit(1.0))
            assert await count() == 2
            raise ValueError("late")
    assert await count() == 0


async def test_a_group_that_was_rolled_back_is_unwritten_again(store: str) -> None:
    """It holds what was added, as after any failed save, and saves whole."""
    group = ModelGroup(new_node(node_label="run"))
    with pytest.raises(ValueError, match="late"):
        async with new_session():
            async with group:
                group.add_model("m", Fit(1.0))
            raise ValueError("late")
    group.add_model("n", Fit(2.0))
    await group.save()
    assert await labels() == {"run": None, "m": "run", "n": "run"}


async def test_a_node_that_was_rolled_back_is_unwritten_again(store: str) -> None:
    """Writing it once more inserts it; its old id, free again, is not taken for another row's."""
    node = new_node(node_label="run")
    with pytest.raises(ValueError, match="late"):
        async with new_session():
            await write_node(node)
            raise ValueError("late")
    await write_node(new_node(node_label="other"))
    node.node_label = "renamed"
    await write_node(node)
    assert await labels() == {"other": None, "renamed": None}


async def test_a_group_inside_new_session_is_committed_with_it(store: str) -> None:
    """Two groups of one session are there together."""
    async with new_session():
        for label in ("a", "b"):
            async with ModelGroup(new_node(node_label=label)) as group:
                group.add_model("m", Fit(1.0))
    assert await count() == 4


async def test_a_failed_group_leaves_the_rest_of_its_session(store: str) -> None:
    """A group's save is a savepoint: its error, once caught, does not undo the others."""
    async with new_session():
        async with ModelGroup(new_node(node_label="good")):
            pass
        parent = await write_node(new_node(node_label="parent"))
        await write_node(new_node(node_label="x", node_parent_id=parent.node_id))
        with pytest.raises(LabelExistsError):
            async with ModelGroup(new_node(node_label="x", node_parent_id=parent.node_id)) as bad:
                bad.add_model("m", Fit(1.0))
    assert await labels() == {"good": None, "parent": None, "x": "parent"}


async def test_a_session_inside_a_group(store: str) -> None:
    """A session that fails inside the block does not take the group with it."""
    async with ModelGroup(new_node(node_label="run")) as group:
        with pytest.raises(ValueError, match="inner"):
            async with new_session():
                await write_node(new_node(node_label="lost"))
                raise ValueError("inner")
        group.add_model("m", Fit(1.0))
    assert await labels() == {"run": None, "m": "run"}


# --------------------------------------------------- the current node and group


async def test_a_group_inside_create_current(store: str) -> None:
    """The group's node hangs under the current node."""
    async with create_current(Node, node_label="current"):
        async with ModelGroup(new_node(node_label="group")) as group:
            group.add_model("m", Fit(1.0))
        assert group.get_parent_group() is None
    assert await labels() == {"current": None, "group": "current", "m": "group"}


async def test_create_current_inside_a_group(store: str) -> None:
    """The node hangs under the group's, whose row is written first."""
    async with ModelGroup(new_node(node_label="group")) as group:
        group.add_model("m", Fit(1.0))
        async with create_current(Node, node_label="current") as node:
            assert node.node_parent_id == group.node.node_id
            assert await labels() == {"group": None, "current": "group"}
            async with ModelGroup(new_node(node_label="deep")) as deep:
                assert deep.get_parent_group() is group
    assert await labels() == {"group": None, "current": "group", "deep": "current", "m": "group"}


async def test_current_model_group_is_the_innermost(store: str) -> None:
    """None outside of every block, and put back where a block ends or fails."""
    assert current_model_group() is None
    async with ModelGroup(new_node()) as outer:
        assert current_model_group() is outer
        async with ModelGroup(new_node()) as inner:
            assert current_model_group() is inner
            assert inner.get_parent_group() is outer
            parent = inner.get_parent_group()
            assert parent is not None
            assert await parent is outer
        assert current_model_group() is outer
        with pytest.raises(ValueError, match="on purpose"):
            async with ModelGroup(new_node()):
                raise ValueError("on purpose")
        assert current_model_group() is outer
        with pytest.raises(SerializationError):
            async with ModelGroup(new_node()) as bad:
                bad.add_model("m", Holder(object()))
        assert current_model_group() is outer
    assert current_model_group() is None


async def test_a_function_adds_to_the_group_it_is_called_in(store: str) -> None:
    """current_model_group() saves passing the group around."""

    async def record(loss: float) -> None:
        group = current_model_group()
        assert group is not None
        group.add_model(f"loss {loss}", Fit(loss))

    async with ModelGroup(new_node()) as group:
        await record(0.5)
        await asyncio.gather(record(0.25), record(0.125))
    assert sorted(await group.read_models()) == ["loss 0.125", "loss 0.25", "loss 0.5"]


async def test_groups_of_gathered_tasks_do_not_see_each_other(store: str) -> None:
    """Each task has its own current group."""

    async def work(label: str) -> None:
        async with ModelGroup(new_node(node_label=label)) as group:
            await asyncio.sleep(0.01)
            assert current_model_group() is group
            group.add_model("m", Fit(1.0))

    await asyncio.gather(*(work(label) for label in "abc"))
    assert {n.node_label for n in await read_nodes(NodeFilter())} == {"a", "b", "c", "m"}
    roots = [n for n in await read_nodes(NodeFilter()) if n.node_parent_id is None]
    assert len(roots) == 3


async def test_gathered_groups_under_one_written_parent(store: str) -> None:
    """Two groups that save at the same time both hang under it."""
    parent = await write_node(new_node(node_label="parent"))

    async def work(label: str) -> None:
        async with ModelGroup(new_node(node_label=label)) as group:
            group.add_model(f"{label} fit", Fit(1.0))
            await asyncio.sleep(0)

    async with ModelGroup(parent):
        await asyncio.gather(work("a"), work("b"))
    assert await labels() == {
        "parent": None,
        "a": "parent",
        "b": "parent",
        "a fit": "a",
        "b fit": "b",
    }


@pytest.mark.parametrize("number", [2, 5])
async def test_gathered_groups_under_one_unwritten_parent(store: str, number: int) -> None:
    """The parent's row is written once, whichever child saves first."""

    async def work(label: str) -> None:
        async with ModelGroup(new_node(node_label=label)) as group:
            group.add_model(f"{label} fit", Fit(1.0))
            await asyncio.sleep(0)

    async with ModelGroup(new_node(node_label="parent")) as parent:
        await asyncio.gather(*(work(f"child {i}") for i in range(number)))
        parent.add_model("own", Fit(0.0))
    nodes = await read_nodes(NodeFilter())
    assert [n.node_label for n in nodes].count("parent") == 1
    assert len(nodes) == 2 + 2 * number
    children = await read_nodes(NodeRelationshipFilter(child_of=parent.node))
    assert len(children) == number + 1


async def test_gathered_create_current_under_an_unwritten_group(store: str) -> None:
    """As for groups: one parent row, whoever needs it first."""

    async def work(label: str) -> None:
        async with create_current(Node, node_label=label):
            await asyncio.sleep(0)

    async with ModelGroup(new_node(node_label="parent")):
        await asyncio.gather(*(work(f"child {i}") for i in range(3)))
    found = await labels()
    assert found == {"parent": None, **{f"child {i}": "parent" for i in range(3)}}
    assert await count() == 4


async def test_a_gathered_group_that_fails_leaves_its_siblings(store: str) -> None:
    """Of two children under one unwritten parent, the good one and the parent are saved."""

    async def good() -> None:
        async with ModelGroup(new_node(node_label="good")) as group:
            group.add_model("m", Fit(1.0))
            await asyncio.sleep(0)

    async def bad() -> None:
        async with ModelGroup(new_node(node_label="bad")) as group:
            group.add_model("n", Holder(object()))
            await asyncio.sleep(0)

    async with ModelGroup(new_node(node_label="parent")):
        results = await asyncio.gather(good(), bad(), return_exceptions=True)
    assert results[0] is None
    assert isinstance(results[1], SerializationError)
    assert await labels() == {"parent": None, "good": "parent", "m": "good"}


# --------------------------------------------- tasks with sessions of their own


async def keep_run(n: int, begun: bool) -> None:
    """A run under the group here, in a session that may have begun before it."""
    if begun:
        await count()
    async with ModelGroup(new_node(node_label=f"run {n}")) as group:
        await asyncio.sleep(0.001)
        group.add_model("fit", Fit(n))


@pytest.mark.parametrize("count_of", [6, 20])
@pytest.mark.parametrize("begun", [False, True])
async def test_tasks_with_sessions_of_their_own(store: str, count_of: int, begun: bool) -> None:
    """Side by side under a group that is not written yet, all keep their runs."""

    async def run(n: int) -> None:
        async with new_session():
            await keep_run(n, begun)

    async with asyncio.timeout(300), ModelGroup(new_node(node_label="sweep")):
        await asyncio.gather(*(run(n) for n in range(count_of)))
    found = await labels()
    assert {label for label, above in found.items() if above == "sweep"} == {
        f"run {n}" for n in range(count_of)
    }
    assert len(await read_models(ModelFilter())) == count_of


@pytest.mark.parametrize("begun", [False, True])
async def test_a_session_that_takes_the_node_above_back(store: str, begun: bool) -> None:
    """The others keep their runs, whichever of them has written the node first."""

    async def run(n: int) -> None:
        async with new_session():
            await keep_run(n, begun)
            if n % 2 == 0:
                raise ZeroDivisionError

    async with asyncio.timeout(300), ModelGroup(new_node(node_label="sweep")):
        results = await asyncio.gather(*(run(n) for n in range(6)), return_exceptions=True)
    assert [type(r) for r in results] == [ZeroDivisionError, type(None)] * 3
    assert {k: v for k, v in (await labels()).items() if k != "fit"} == {
        "sweep": None,
        **{f"run {n}": "sweep" for n in (1, 3, 5)},
    }


async def test_a_group_inside_a_session_goes_with_it(store: str) -> None:
    """Tasks write the group's node in the session that its block stands in, never beside it."""

    async def run(n: int) -> None:
        async with ModelGroup(new_node(node_label=f"run {n}")) as group:
            group.add_model("fit", Fit(n))

    with pytest.raises(ZeroDivisionError):
        async with new_session(), ModelGroup(new_node(node_label="sweep")):
            await asyncio.gather(*(run(n) for n in range(4)))
            raise ZeroDivisionError
    assert await count() == 0


async def test_long_sessions_side_by_side(store: str) -> None:
    """Where the database lets them, sessions under a new group do not wait for each other."""
    if store == "sqlite":
        pytest.skip("one session at a time")
    together = asyncio.Barrier(4)

    async def run(n: int) -> None:
        async with new_session(), ModelGroup(new_node(node_label=f"run {n}")) as group:
            group.add_model("fit", Fit(n))
            await group.save()
            await together.wait()

    async with asyncio.timeout(300), ModelGroup(new_node(node_label="sweep")):
        await asyncio.gather(*(run(n) for n in range(4)))
    assert len(await read_models(ModelFilter())) == 4


async def test_a_session_that_keeps_the_node_above_for_too_long(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for it is told after a while, and what to do instead works."""
    if store == "sqlite":
        pytest.skip("one session at a time")
    monkeypatch.setattr(pending, "WAIT_SECONDS", 0.2)
    held, over = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        async with new_session():
            await count()  # it has begun, and cannot be left
            async with ModelGroup(new_node(node_label="long")) as group:
                await group.save()
                held.set()
                await over.wait()

    async def short() -> None:
        await held.wait()
        async with new_session():
            await count()
            async with ModelGroup(new_node(node_label="short")):
                pass

    async with asyncio.timeout(300), ModelGroup(new_node(node_label="sweep")):
        task = asyncio.create_task(long())
        with pytest.raises(DatabaseBusyError, match="write the node before the tasks start"):
            await asyncio.create_task(short())
        over.set()
        await task
    over.clear()
    async with asyncio.timeout(300), ModelGroup(new_node(node_label="second")) as group:
        await group.save()
        task = asyncio.create_task(long())
        await asyncio.create_task(short())
        over.set()
        await task
    assert (await labels())["short"] == "second"
