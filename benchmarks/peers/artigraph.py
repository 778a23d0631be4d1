"""Models of five fields below one node, on SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import artigraph
from artigraph import (
    DataModel,
    ModelFilter,
    get_engine,
    new_node,
    read_model,
    read_models,
    set_engine,
    write_model,
    write_models,
    write_node,
)
from benchmarks.peers.flow import Parameters, Peer, run

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Trial(DataModel, version=1):
    depth: int
    rate: float
    name: str
    converged: bool
    loss: float


class Artigraph(Peer):
    version = artigraph.__version__

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        set_engine(f"sqlite+aiosqlite:///{folder / 'trials.db'}", create_tables=True)
        self.root = self._wait(write_node(new_node(node_label="trials"))).node_id

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def write(self, parameters: Parameters, loss: float) -> Any:
        model = Trial(**parameters, loss=loss)
        work = write_model(parent_id=self.root, label=model.name, model=model)
        return self._wait(work).artifact.node_id

    def write_all(self, records: list[tuple[Parameters, float]]) -> list[Any]:
        models = {one["name"]: Trial(**one, loss=loss) for one, loss in records}
        written = self._wait(write_models(parent_id=self.root, models=models))
        return [model.artifact.node_id for model in written.values()]

    def read(self, record: Any) -> tuple[Parameters, float]:
        fields = dict(vars(self._wait(read_model(ModelFilter(node_id=record))).value))
        return fields, fields.pop("loss")

    def best(self) -> float:
        trials = ModelFilter(model_type=Trial)
        (best,) = self._wait(read_models(trials, order_by="loss", limit=1))
        return float(best.value.loss)

    def close(self) -> None:
        self._wait(self._wait(get_engine()).dispose())
        self.loop.close()


if __name__ == "__main__":
    run(Artigraph)
