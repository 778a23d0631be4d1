"""A process that tries cases: bounded in memory and time, and told of what it must never do.

It says on its output what it found, one JSON document a line. A case is in the file
``now`` while it is tried, so that one that ends the process is known.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import random
import resource
import sqlite3
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from artigraph import ArtigraphError, engine_context
from tests.fuzz.change import Change, Store
from tests.fuzz.doors import OF_ROWS, commands, doors, show
from tests.fuzz.mutate import CANARY, Mutator
from tests.notebook.shell import Shell, new_shell

__all__ = ["fuzz", "load_classes", "replay"]

LONGEST = 15.0
"""Seconds that any door may take, on a machine that does other things as well."""

SHARE = 0.3
"""How many of the doors that show the whole store are tried with a case."""

ROOM = 1_500_000_000
"""Bytes that the process may grow by."""

FORBIDDEN = {
    *("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"),
    *("socket.connect", "shutil.rmtree"),
}
"""Events of Python's that reading must not cause."""


class Watch:
    """What happens in this process that must not."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.on = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in FORBIDDEN or (event == "open" and "passwd" in str(arguments[0])):
            self.seen.append(f"{event} {arguments!r}"[:300])


def load_classes(folder: Path) -> Any:
    """The classes of the stored models, with the storage in a folder of our own."""
    spec = importlib.util.spec_from_file_location("fuzz_values", folder / "values.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_values"] = module
    spec.loader.exec_module(module)
    return module


class Trial:
    """What is done with a case.

    Args:
        store: What cases change.
        classes: The module of the models.
        folder: Where the changed file is.
        shell: A notebook.
    """

    def __init__(self, store: Store, classes: Any, folder: Path, shell: Shell) -> None:
        self._store, self._classes, self._shell = store, classes, shell
        self._file, self._now = folder / "case.db", folder / "now"
        self._watch = Watch()
        self.doors = 0
        self.errors = 0

    def run(self, changes: list[Change], dice: random.Random | None = None) -> list[str]:
        """Read a changed store by every door; what is wrong.

        Args:
            changes: The case.
            dice: Choose a few of those doors that show the whole store; all are tried without.
        """
        self._now.write_text(json.dumps(changes))
        try:
            self._store.write(changes, self._file)
        except sqlite3.Error:
            return []  # what SQLite itself refuses nobody can store
        self._watch.on = True
        try:
            with engine_context(f"sqlite+aiosqlite:///{self._file}"):
                nodes = sorted({change["node"] for change in changes})
                return [*asyncio.run(self._open(nodes, dice)), *self._type(nodes, dice)]
        finally:
            self._watch.on = False
            self._store.mend()
            for file in self._file.parent.glob("case.db*"):
                file.unlink()

    async def _open(self, nodes: Iterable[int], dice: random.Random | None) -> list[str]:
        wrong: list[str] = []
        for name, ask in doors(self._classes, nodes):
            if dice is not None and name not in OF_ROWS and dice.random() > SHARE:
                continue

            async def body(ask: Callable[[], Any] = ask) -> None:
                async with asyncio.timeout(2 * LONGEST):
                    show(await ask())

            started = time.monotonic()
            try:
                await body()
            except Exception as error:
                wrong += self._told(name, error)
            wrong += self._seen(name, started)
        return wrong

    def _type(self, nodes: Iterable[int], dice: random.Random | None) -> list[str]:
        wrong: list[str] = []
        for command in commands(nodes):
            if dice is not None and dice.random() > SHARE:
                continue
            started = time.monotonic()
            cell = self._shell.try_(command)
            if cell.error is not None and isinstance(cell.error, Exception):
                wrong += self._told(command, cell.error)
            else:
                try:
                    show(cell.value)
                except Exception as error:
                    wrong += self._told(command, error)
            wrong += self._seen(command, started)
        return wrong

    def _told(self, door: str, error: Exception) -> list[str]:
        self.errors += 1
        if isinstance(error, ArtigraphError):
            return []
        if type(error).__name__ == "UsageError":  # what magics say of any of ours
            return []
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/artigraph/" in frame.filename]
        at = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in ours[-3:]]
        last = frames[-1]
        if last.name == "model_migrate":  # a user's own method, and what it raises
            return []
        return [
            f"{door.split(' ')[0]}: {type(error).__name__}: {str(error)[:200]} "
            f"at {' > '.join(at)} ({Path(last.filename).name} {last.name})"
        ]

    def _seen(self, door: str, started: float) -> list[str]:
        self.doors += 1
        wrong = [f"{door}: {what}" for what in self._watch.seen]
        self._watch.seen.clear()
        if (seconds := time.monotonic() - started) > LONGEST:
            wrong.append(f"{door}: took {seconds:.0f} s")
        if CANARY in sys.modules:
            wrong.append(f"{door}: imported {CANARY}")
            del sys.modules[CANARY]
        return wrong


def _bounded() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    size = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _trial(folder: Path, shell: Shell, store: Store, *, known: bool) -> Trial:
    classes = load_classes(folder)
    if not known:
        # A kernel that has not imported the module reads all of it as unknown.
        from artigraph.model.base import models_by_name

        for name in [name for name in models_by_name if name.startswith("v0_1.")]:
            del models_by_name[name]
    trial = Trial(store, classes, folder, shell)
    trial.run([])  # what is imported on first use is, before memory is bounded
    _bounded()
    return trial


def _quiet() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)


def _say(**record: Any) -> None:
    sys.__stdout__.write(json.dumps(record) + "\n")  # type: ignore[union-attr]  # it was not closed
    sys.__stdout__.flush()  # type: ignore[union-attr]


def fuzz(folder: Path, seed: str, until: float) -> None:
    """Try made-up cases until the time has come."""
    _quiet()
    dice = random.Random(seed)
    store = Store(folder / "store.db", folder / "files")
    with new_shell(folder) as shell:
        trial = _trial(folder, shell, store, known=dice.random() < 0.7)
        mutator = Mutator(store, dice)
        cases = 0
        while time.time() < until:
            changes = mutator.case()
            for what in trial.run(changes, dice):
                _say(wrong=what, changes=changes)
            cases += 1
            _say(cases=cases, doors=trial.doors, errors=trial.errors)


def replay(folder: Path, corpus: Path) -> None:
    """Try the cases that were found once; each must do no harm now."""
    _quiet()
    store = Store(folder / "store.db", folder / "files")
    with new_shell(folder) as shell:
        trial = _trial(folder, shell, store, known=True)
        for file in sorted(corpus.glob("*.json")):
            changes = json.loads(file.read_text())
            for what in trial.run(changes):
                _say(wrong=f"{file.name}: {what}", changes=changes)
        _say(cases=len(list(corpus.glob("*.json"))), doors=trial.doors, errors=trial.errors)
