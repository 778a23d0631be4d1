"""What a store of schema 2 holds beside models: tags, notes, questions, the trash and locks."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from artigraph import (
    DataModel,
    ModelFilter,
    NodeFilter,
    TagFilter,
    drop_values,
    lock_nodes,
    new_node,
    read_node,
    save_query,
    set_user,
    tag_nodes,
    trash_nodes,
    write_model,
    write_node,
    write_note,
)
from artigraph.serializer.numpy import array_serializer

TAGS = {"best": None, "stage": "prod", "score": 0.93, "seen": True, "runs": [1, 2]}
NOTE = "# Why\nIt *held* on the second split."


class SchemaTwoFit(DataModel, version=1):
    """A model with a value in a row of its own."""

    loss: float
    weights: Annotated[Any, array_serializer]


async def write() -> None:
    """Write it all into the default engine's database."""
    reset = set_user("ada")
    top = await write_node(new_node(node_label="sweep"))
    for number in range(4):
        fit = SchemaTwoFit(number / 4, np.arange(number + 3))
        await write_model(parent_id=top, label=f"fit {number}", model=fit)
    await tag_nodes(NodeFilter(label="fit 0"), TAGS)
    await tag_nodes(NodeFilter(label="fit 1"), {"production": None}, unique_below=top)
    await write_note(await read_node(NodeFilter(label="fit 0")), NOTE)
    await save_query("good", ModelFilter(model_type=SchemaTwoFit) & TagFilter(name="best"))
    await trash_nodes(NodeFilter(label="fit 3"))
    await drop_values(NodeFilter(label="fit 2"))
    await lock_nodes(NodeFilter(label="fit 1"))
    reset()
