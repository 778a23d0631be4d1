"""A process that writes, reads, moves, deletes and collects until it is told to stop, or killed.

Every operation is one of :class:`Worker`'s methods. Some are cancelled half way, some
meet a full disk; what cuts their connections and kills them is elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from artigraph import (
    ArtigraphError,
    BlobNotFoundError,
    ConnectionLostError,
    CorruptBlobError,
    CycleError,
    DeserializationError,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    NodeRelationshipFilter,
    ValueFilter,
    check_storage,
    collect_garbage,
    count_models,
    delete_nodes,
    new_node,
    new_session,
    read_frame,
    read_models,
    read_nodes,
    read_tree,
    set_engine,
    write_model,
    write_models,
    write_node,
    write_parent_child_relationships,
)
from tests.chaos.journal import Journal, Leaks, small_disk
from tests.chaos.scene import NUMBERS, Scene, Values

__all__ = ["Task", "run"]

TASKS = 3
"""Operations of one process at the same time."""

LONGEST = timedelta(seconds=20)
"""A collector leaves alone what is younger: no write here takes longer."""


@dataclass(frozen=True)
class Task:
    """What a worker is to do."""

    name: str
    seed: str
    url: str
    folder: Path
    journals: Path
    scene: Scene
    until: float
    """By ``time.time()``."""
    fills_disk: bool


class DeliberateError(Exception):
    """What a block of a user's raises."""


Operation = Callable[[], Awaitable[None]]


class Worker:
    """The operations; each tells the journal what it does.

    Args:
        task: What to do.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.dice = random.Random(task.seed)
        self.journal = Journal(task.journals / f"{task.name}.journal")
        self.values = Values(task.folder)
        self.count = 0

    async def work(self) -> None:
        """Do one operation after another, in several tasks."""
        set_engine(self.task.url, create_tables=True)
        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(self._go_on())
            if self.task.fills_disk:
                group.create_task(self._fill_disk())

    async def _fill_disk(self) -> None:
        while time.time() < self.task.until:
            await asyncio.sleep(self.dice.random() * 4)
            small_disk(self.dice.choice([0, 5_000, 100_000, 200_000]))
            await asyncio.sleep(self.dice.random())
            small_disk(None)

    async def _go_on(self) -> None:
        weights: dict[Operation, int] = {
            self.write: 8,
            self.group: 5,
            self.session: 5,
            self.race: 3,
            self.doom: 8,
            self.delete: 6,
            self.move: 5,
            self.grow: 6,
            self.graft: 4,
            self.prune: 3,
            self.read: 8,
            self.collect: 1,
            self.check: 1,
        }
        while time.time() < self.task.until:
            (operation,) = self.dice.choices(list(weights), list(weights.values()))
            await operation()

    def _label(self) -> str:
        self.count += 1
        return f"{self.task.name}.{self.count}"

    def _number(self) -> int:
        return self.dice.randrange(NUMBERS)

    async def _do(self, kind: str, body: Operation, **what: object) -> None:
        """Do an operation, and tell the journal what came of it."""
        number = self.journal.begin(kind, **what)
        started = time.monotonic()
        task = asyncio.ensure_future(body())
        cancelled = self.dice.random() < 0.15
        if cancelled:
            asyncio.get_running_loop().call_later(self.dice.random() ** 2 * 0.2, task.cancel)
        outcome, more = "done", dict[str, object]()
        try:
            await task
        except asyncio.CancelledError:
            # It goes on once a COMMIT has ended, so it may be written.
            outcome = "unknown"
        except DeliberateError:
            outcome = "failed"
        except (ArtigraphError, BaseExceptionGroup) as error:
            told = str(error)
            unknown = isinstance(error, ConnectionLostError) and "not known whether" in told
            outcome = "unknown" if unknown else "failed"
            more = {"error": type(error).__name__, "told": told[:300]}
            if isinstance(error, BaseExceptionGroup):
                more["alien"] = traceback.format_exc()
        except Exception as error:
            outcome = "failed"
            more = {"error": type(error).__name__, "alien": traceback.format_exc()}
        seconds = round(time.monotonic() - started, 3)
        self.journal.end(number, outcome, seconds=seconds, **more)

    # Writers

    async def write(self) -> None:
        """Models below a container, all or none."""
        numbers = {self._label(): self._number() for _ in range(self.dice.randrange(1, 4))}
        parent = self.dice.choice(self.task.scene.containers)

        async def body() -> None:
            models = {label: self.values.make(number) for label, number in numbers.items()}
            await write_models(parent_id=parent, models=models)

        await self._do("write", body, models=numbers)

    async def group(self) -> None:
        """A group and one within it, all or none; some blocks raise at their end."""
        outer, inner = self._label(), self._label()
        numbers = {self._label(): self._number() for _ in range(2)}
        parent = self.dice.choice(self.task.scene.containers)
        raises = self.dice.random() < 0.2

        async def body() -> None:
            one, two = numbers.items()
            async with ModelGroup(new_node(node_label=outer, node_parent_id=parent)) as above:
                above.add_model(one[0], self.values.make(one[1]))
                async with ModelGroup(new_node(node_label=inner)) as below:
                    below.add_model(two[0], self.values.make(two[1]))
                if raises:
                    raise DeliberateError

        # Each block is a transaction of its own: the inner one may be there alone.
        await self._do("group", body, models=numbers, apart=True)

    async def session(self) -> None:
        """Nodes, models and a move in one transaction; some blocks raise at their end."""
        label = self._label()
        numbers = {self._label(): self._number() for _ in range(2)}
        parent = self.dice.choice(self.task.scene.containers)
        raises = self.dice.random() < 0.3

        async def body() -> None:
            async with new_session():
                node = await write_node(new_node(node_label=label))
                for name, number in numbers.items():
                    model = self.values.make(number)
                    await write_model(parent_id=node.node_id, label=name, model=model)
                await write_parent_child_relationships([(parent, node.node_id)])
                if raises:
                    raise DeliberateError

        await self._do("session", body, models=numbers, nodes=[label])

    async def race(self) -> None:
        """A label that others write as well: one of them does."""
        label, number = f"race {self.dice.randrange(200)}", self._number()

        async def body() -> None:
            model = self.values.make(number)
            await write_model(parent_id=self.task.scene.race, label=label, model=model)

        await self._do("race", body, label=label, number=number)

    # Deleters

    async def doom(self) -> None:
        """A node with a model, which others may delete."""
        label, number = self._label(), self._number()
        parent = self.task.scene.doomed

        async def body() -> None:
            async with new_session():
                node = await write_node(new_node(node_label=label, node_parent_id=parent))
                model = self.values.make(number)
                await write_model(parent_id=node.node_id, label=f"{label}.m", model=model)

        await self._do("doom", body, label=label)

    async def delete(self) -> None:
        """A node of somebody's, with all that is below it."""
        children = NodeFilter(relationship=NodeRelationshipFilter(child_of=self.task.scene.doomed))
        found: list[str] = []

        async def look() -> None:
            nodes = await read_nodes(children)
            found.extend(node.node_label or "" for node in nodes)

        await self._do("look", look)
        if found:
            label = self.dice.choice(found)

            async def body() -> None:
                await delete_nodes(NodeFilter(label=label))

            await self._do("delete", body, label=label)

    # Movers

    async def move(self) -> None:
        """Containers under one another, which may close a circle."""
        chosen = self.dice.sample(self.task.scene.containers, 3)
        above = None if self.dice.random() < 0.3 else chosen[2]

        async def body() -> None:
            try:
                await write_parent_child_relationships([(above, chosen[0]), (above, chosen[1])])
            except CycleError:
                await write_parent_child_relationships([(None, chosen[1])])

        await self._do("move", body)

    # In trees where everybody writes, moves and deletes

    async def _wild(self) -> list[int]:
        wild: list[int] = []

        async def look() -> None:
            nodes = await read_nodes(NodeFilter(label=ValueFilter(like="wild%")))
            wild.extend(node.node_id for node in nodes)

        await self._do("look", look)
        return wild

    async def _receipt(self, label: str, rows: int) -> None:
        # In the same transaction, so it is there if and only if that held.
        parent = self.task.scene.receipts
        await write_node(new_node(node_label=f"{rows:+} {label}", node_parent_id=parent))

    async def grow(self) -> None:
        """Nodes below any of those."""
        label, rows = self._label(), self.dice.randrange(1, 5)
        if wild := await self._wild():
            parent = self.dice.choice(wild)

            async def body() -> None:
                async with new_session():
                    for number in range(rows):
                        name = f"wild {label} {number}"
                        await write_node(new_node(node_label=name, node_parent_id=parent))
                    await self._receipt(label, rows)

            await self._do("grow", body, receipt=label)

    async def graft(self) -> None:
        """One of them under another one."""
        wild = await self._wild()
        if len(wild) > 1:
            above, child = self.dice.sample(wild, 2)
            if child != self.task.scene.wild:

                async def body() -> None:
                    await write_parent_child_relationships([(above, child)])

                await self._do("graft", body)

    async def prune(self) -> None:
        """One of them with all that is below it."""
        label = self._label()
        wild = [node_id for node_id in await self._wild() if node_id != self.task.scene.wild]
        if wild:
            top = self.dice.choice(wild)

            async def body() -> None:
                async with new_session():
                    rows = await delete_nodes(NodeFilter(node_id=top))
                    await self._receipt(label, -rows)

            await self._do("prune", body, receipt=label)

    # Readers and collectors

    async def read(self) -> None:
        """One of many questions; what comes is whole."""
        parent = self.dice.choice(self.task.scene.containers)
        below = NodeRelationshipFilter(child_of=parent)
        kept = ModelFilter(model_type=self.values.model, relationship=below)

        async def models() -> None:
            for found in await read_models(kept):
                if not self.values.is_whole(found.value):
                    self.journal.fault(f"{found.artifact.node_label} is not whole: {found.value}")

        async def lazily() -> None:
            for found in (await read_models(kept, lazy=True))[:3]:
                page = await found.value.frame.page(0, 10)
                if set(page["n"]) != {found.value.number}:
                    self.journal.fault(f"{found.artifact.node_label} has another's frame")

        async def table() -> None:
            await read_frame(kept)

        async def tree() -> None:
            await read_tree()

        async def count() -> None:
            await count_models(kept)

        body = self.dice.choice([models, lazily, table, tree, count])

        async def checked() -> None:
            try:
                await body()
            except (BlobNotFoundError, CorruptBlobError, DeserializationError):
                self.journal.fault(f"what is never deleted was not read:\n{traceback.format_exc()}")
                raise

        await self._do(f"read {body.__name__}", checked)

    async def collect(self) -> None:
        """Blobs that no row names."""

        async def body() -> None:
            await collect_garbage(self.values.files, older_than=LONGEST, dry_run=False)

        await self._do("collect", body)

    async def check(self) -> None:
        """Every row has its bytes, whoever writes meanwhile."""

        async def body() -> None:
            report = await check_storage(self.values.files)
            if not report.ok:
                self.journal.fault(f"a row without its bytes: {report.rows[:3]}")

        await self._do("check", body)


def run(task: Task) -> None:
    """Work in this process until the time has come."""
    worker = Worker(task)
    logging.getLogger().addHandler(Leaks(worker.journal))
    asyncio.run(worker.work())
