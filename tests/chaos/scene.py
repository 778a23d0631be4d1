"""What all workers share: the model, its values by number, and the nodes they work below."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from artigraph import BaseModel, create_model, new_node, write_node
from artigraph.storage.file import FileSystemStorage

__all__ = ["NUMBERS", "Scene", "Values", "make_scene"]

NUMBERS = 12
"""Values by number: few, so that writers and deleters meet at the same blobs."""


class Values:
    """Models by number, something of each in its document, its row and two blobs.

    Args:
        folder: Where the blobs are.
    """

    def __init__(self, folder: Path) -> None:
        self.files = FileSystemStorage(folder, name="tests-chaos")
        self.model: Any = create_model(
            "ChaosFit",
            number=int,
            row=np.ndarray,
            frame=Annotated[pd.DataFrame, self.files],
            array=Annotated[np.ndarray, self.files],
        )

    def make(self, number: int) -> BaseModel:
        """The model with a number; all of it tells of the number."""
        made: BaseModel = self.model(
            number=number,
            row=np.full(number + 1, number),
            frame=pd.DataFrame({"n": np.full(300 * (number % 4 + 1), number)}),
            array=np.full(10_000 * (number % 3 + 1), number),
        )
        return made

    def is_whole(self, model: Any) -> bool:
        """Whether all of a model that was read is as it was made."""
        return isinstance(model, self.model) and bool(model == self.make(model.number))


@dataclass
class Scene:
    """Ids of the nodes that every round begins with."""

    doomed: int
    """What hangs below may be deleted at any time."""
    race: int
    """Here several write the same labels."""
    containers: list[int]
    """What hangs below is never deleted; they are hung under one another."""
    wild: int
    """What hangs below is written, moved and deleted by everybody."""
    receipts: int
    """What hangs below says how many rows a transaction has added to those, or taken away."""


async def make_scene() -> Scene:
    """Write the nodes of a round into an empty store."""
    doomed = await write_node(new_node(node_label="doomed"))
    race = await write_node(new_node(node_label="race"))
    containers = [await write_node(new_node(node_label=f"container {n}")) for n in range(8)]
    wild = await write_node(new_node(node_label="wild"))
    receipts = await write_node(new_node(node_label="receipts"))
    return Scene(
        doomed.node_id,
        race.node_id,
        [node.node_id for node in containers],
        wild.node_id,
        receipts.node_id,
    )
