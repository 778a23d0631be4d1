"""The guide's section "Building Upon Nodes": a decorator that records runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from artigraph import (
    ModelFilter,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    read_models,
    read_node,
    read_nodes,
)
from tests.guide.conftest import Notebook
from tests.guide.test_customizing_nodes import WITH_COLUMNS

# The guide's "run" in the finally clause is the group's node.
DECORATOR = """
    from functools import wraps
    from artigraph import ModelGroup, new_node
    from artigraph.db import current_session


    def run(func):
        @wraps(func)
        async def wrapper(*args, **kwargs):

            async with ModelGroup(new_node(Run, run_started_at=datetime.now(timezone.utc))) as group:
                run = group.node
                try:
                    result = await func(*args, **kwargs)
                    await group.add_models(result)
                    return result
                finally:
                    async with current_session() as session:
                        run.run_ended_at = datetime.now(timezone.utc)
                        session.add(run)
                        await session.commit()

        return wrapper
"""  # noqa: E501  # as the guide has it

DECORATED = """
    @run
    async def train_model(**parameters):
        model = train_model_on_dataset(dataset, **parameters)
        return {"model": model}
"""

COLUMNS = (
    "node_id",
    "node_parent_id",
    "node_type",
    "node_label",
    "node_created_at",
    "node_updated_at",
    "run_started_at",
    "run_ended_at",
)


@pytest.fixture
async def cells(store: str, notebook: Notebook) -> Notebook:
    """A notebook after the earlier section, with something to train."""
    await notebook.run(WITH_COLUMNS)
    await notebook.run("""
        import asyncio
        from datetime import datetime, timezone
        from artigraph import DataModel, current_model_group

        class Trained(DataModel, version=1):
            weights: list[float]
            rate: float

        dataset = [1.0, 2.0]

        def train_model_on_dataset(dataset, rate):
            if rate < 0:
                raise ValueError("a rate below zero")
            return Trained(weights=[rate * x for x in dataset], rate=rate)
    """)
    await notebook.run(DECORATOR)
    await notebook.run(DECORATED)
    return notebook


async def runs(cells: Notebook) -> list[Any]:
    return list(await read_nodes(NodeFilter(node_type=cells["Run"])))


async def test_a_decorated_function_is_recorded(cells: Notebook) -> None:
    """Its result comes back; its Run has both times, and the models of its result."""
    result = await cells["train_model"](rate=0.5)
    assert result == {"model": cells["Trained"]([0.5, 1.0], 0.5)}
    (run,) = await runs(cells)
    assert run.run_started_at <= run.run_ended_at
    assert run.node_parent_id is None
    (model,) = await read_models(NodeRelationshipFilter(child_of=run))
    assert model.artifact.node_label == "model"
    assert model.value == result["model"]


async def test_wraps_keeps_the_name(cells: Notebook) -> None:
    """The decorated function is still called what it was called."""
    assert cells["train_model"].__name__ == "train_model"


async def test_each_call_is_a_run_of_its_own(cells: Notebook) -> None:
    """Two calls, two roots, each with a model of the same label."""
    await cells["train_model"](rate=0.5)
    await cells["train_model"](rate=1.5)
    assert len(await runs(cells)) == 2
    models = await read_models(ModelFilter(label="model"))
    assert [m.value.rate for m in models] == [0.5, 1.5]
    assert len({m.artifact.node_parent_id for m in models}) == 2


async def test_a_function_that_raises_keeps_its_end_and_no_models(cells: Notebook) -> None:
    """The exception goes on; the row is there with run_ended_at and nothing below it."""
    with pytest.raises(ValueError, match="a rate below zero"):
        await cells["train_model"](rate=-1)
    (run,) = await runs(cells)
    assert run.run_started_at <= run.run_ended_at
    assert len(await read_nodes(NodeFilter())) == 1


async def test_models_added_before_the_error_are_not_saved(cells: Notebook) -> None:
    """What the function hung on its group by itself goes with the failed block."""
    await cells.run("""
        @run
        async def half():
            current_model_group().add_model("early", Trained([], 0.1))
            raise RuntimeError("half way")
    """)
    with pytest.raises(RuntimeError, match="half way"):
        await cells["half"]()
    (run,) = await runs(cells)
    assert run.run_ended_at is not None
    assert await read_models(NodeRelationshipFilter(child_of=run)) == []


async def test_decorated_functions_nest(cells: Notebook) -> None:
    """A decorated function called in another hangs under it, with its own models."""
    await cells.run("""
        @run
        async def search():
            best = {}
            for rate in (0.1, 0.2):
                best = await train_model(rate=rate)
            return {"best": best["model"]}
    """)
    result = await cells["search"]()
    outer, *inner = sorted(await runs(cells), key=lambda run: run.node_parent_id or 0)
    assert outer.node_parent_id is None
    assert [run.node_parent_id for run in inner] == [outer.node_id] * 2
    for run in (outer, *inner):
        assert run.run_started_at <= run.run_ended_at
    (best,) = await read_models(NodeRelationshipFilter(child_of=outer))
    assert (best.artifact.node_label, best.value) == ("best", result["best"])
    below = await read_models(ModelFilter(label="model"))
    assert {m.artifact.node_parent_id for m in below} == {run.node_id for run in inner}


async def test_an_inner_function_that_raises_ends_both_runs(cells: Notebook) -> None:
    """Both rows keep their end; neither has models; what ended well before stays."""
    await cells.run("""
        @run
        async def search():
            for rate in (0.1, -0.2):
                best = await train_model(rate=rate)
            return {"best": best["model"]}
    """)
    with pytest.raises(ValueError, match="a rate below zero"):
        await cells["search"]()
    found = await runs(cells)
    assert len(found) == 3
    assert all(run.run_ended_at is not None for run in found)
    (model,) = await read_models(ModelFilter())
    assert model.value.rate == 0.1


async def test_an_outer_function_may_catch_the_inner_error(cells: Notebook) -> None:
    """The failed inner run stays beside the good one, and the outer one saves its own."""
    await cells.run("""
        @run
        async def search():
            try:
                await train_model(rate=-1)
            except ValueError:
                pass
            return (await train_model(rate=1))
    """)
    await cells["search"]()
    found = await runs(cells)
    assert len(found) == 3
    outer = next(run for run in found if run.node_parent_id is None)
    assert {run.node_parent_id for run in found if run is not outer} == {outer.node_id}
    assert len(await read_models(ModelFilter())) == 2


async def test_three_levels_of_runs(cells: Notebook) -> None:
    """The rows above an unwritten one are written first, however many there are."""
    await cells.run("""
        @run
        async def middle():
            return await train_model(rate=1)

        @run
        async def outer():
            return await middle()
    """)
    await cells["outer"]()
    found = {run.node_id: run for run in await runs(cells)}
    assert len(found) == 3
    depths = []
    for run in found.values():
        depth, above = 0, run.node_parent_id
        while above is not None:
            depth, above = depth + 1, found[above].node_parent_id
        depths.append(depth)
    assert sorted(depths) == [0, 1, 2]


async def test_the_node_is_whole_after_the_decorator(cells: Notebook) -> None:
    """All columns of the group's node can be looked at when the block is over."""
    await cells.run("""
        groups = []

        @run
        async def inner():
            groups.append(current_model_group())
            return {}

        @run
        async def outer():
            groups.append(current_model_group())
            return await inner()
    """)
    await cells["outer"]()
    assert len(cells["groups"]) == 2
    for group in cells["groups"]:
        read = await read_node(NodeFilter(node_id=group.node.node_id))
        assert isinstance(group.node, Node)
        for column in COLUMNS:
            assert getattr(group.node, column) == getattr(read, column)
        assert "Run(" in repr(group.node)


async def test_runs_in_parallel(cells: Notebook) -> None:
    """asyncio.gather of decorated calls gives each its own root and models."""
    await asyncio.gather(*(cells["train_model"](rate=rate) for rate in (1, 2, 3)))
    found = await runs(cells)
    assert [run.node_parent_id for run in found] == [None] * 3
    for run in found:
        assert len(await read_models(NodeRelationshipFilter(child_of=run))) == 1


async def test_parallel_runs_within_a_run(cells: Notebook) -> None:
    """asyncio.gather inside a decorated function hangs all of them under its one row."""
    await cells.run("""
        @run
        async def search():
            await asyncio.gather(*(train_model(rate=rate) for rate in (1, 2, 3)))
            return {}
    """)
    await cells["search"]()
    found = await runs(cells)
    assert len(found) == 4
    (outer,) = [run for run in found if run.node_parent_id is None]
    assert {run.node_parent_id for run in found} == {None, outer.node_id}
    assert len(await read_models(ModelFilter(label="model"))) == 3
