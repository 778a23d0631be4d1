"""Stores of each schema that there was open with today's code, and hold what they held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artigraph import (
    LockedError,
    ModelFilter,
    NodeFilter,
    TagFilter,
    ValueDroppedError,
    delete_nodes,
    engine_context,
    get_engine,
    read_model,
    read_node,
    read_nodes,
    read_notes,
    read_query,
    read_tags,
    read_trash,
    restore_nodes,
    upgrade_schema,
)
from tests.data.schemas.v2 import values as two
from tests.store.old import old_store

FOLDER = Path(__file__).parents[1] / "data" / "schemas"


@pytest.fixture
def second(database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a copy of the store of schema 2."""
    with old_store(database, FOLDER / "v2", tmp_path) as url:
        yield url


async def test_the_second(second: str) -> None:
    """Tags, notes, questions, the trash, locks and dropped values are what they were."""
    with engine_context(second, create_tables=True):
        await upgrade_schema()
        fit = await read_model(NodeFilter(label="fit 0"))
        assert fit.value.loss == 0
        assert np.array_equal(fit.value.weights, np.arange(3))
        assert fit.artifact.node_uid is not None
        tags = await read_tags(NodeFilter(label="fit 0"))
        assert tags == {fit.artifact.node_id: two.TAGS}
        (note,) = await read_notes(fit.artifact.node_id)
        assert note.text == two.NOTE
        good = await read_query("good")
        assert [one.node_label for one in await read_nodes(good.filter)] == ["fit 0"]
        assert good.filter == ModelFilter(model_type=two.SchemaTwoFit) & TagFilter(name="best")
        (entry,) = await read_trash()
        assert entry.label == "fit 3"
        await restore_nodes(entry)
        assert (await read_node(NodeFilter(label="fit 3"))).node_id == entry.node_id
        with pytest.raises(LockedError):
            await delete_nodes(NodeFilter(label="fit 1"))
        with pytest.raises(ValueDroppedError):
            await read_model(NodeFilter(label="fit 2"))
        await (await get_engine()).dispose()
