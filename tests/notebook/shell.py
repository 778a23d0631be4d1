"""A real IPython, to run cells in as its terminal does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from artigraph.db.engine import _disposing
from artigraph.portal import run_in_portal

__all__ = ["Cell", "Shell", "new_shell"]


class Cell(NamedTuple):
    """What running a cell came to."""

    value: Any
    """What its last line showed."""
    error: BaseException | None
    out: str
    """What it printed; a terminal's tracebacks are printed there as well."""
    err: str


class Shell:
    """An IPython without a terminal.

    Args:
        ipython: The shell.
    """

    def __init__(self, ipython: InteractiveShell) -> None:
        self.ipython = ipython

    def try_(self, source: str) -> Cell:
        """Run a cell, whatever comes of it."""
        with capture_output() as captured:
            done = self.ipython.run_cell(dedent(source).strip("\n"), store_history=True)
        error = done.error_before_exec or done.error_in_exec
        return Cell(done.result, error, captured.stdout, captured.stderr)

    def run(self, *sources: str) -> Any:
        """Run cells that must not fail; return what the last one showed."""
        value = None
        for source in sources:
            cell = self.try_(source)
            assert cell.error is None, cell.out + cell.err
            assert not cell.err, cell.err
            value = cell.value
        return value

    def fail(self, source: str) -> Cell:
        """Run a cell that must fail."""
        cell = self.try_(source)
        assert cell.error is not None, cell
        return cell

    def get(self, name: str) -> Any:
        """A variable of the notebook."""
        return self.ipython.user_ns[name]


@contextmanager
def new_shell(folder: Path) -> Iterator[Shell]:
    """A shell with the extension loaded, and no database set."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.ipython_dir = str(folder)
    # It takes the place of the main module, as long as it lives.
    main = sys.modules["__main__"]
    ipython = InteractiveShell.instance(config=config)
    try:
        shell = Shell(ipython)
        shell.run("%load_ext artigraph")
        yield shell
        shell.run("%unload_ext artigraph")
    finally:
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
        close_connections()


def close_connections() -> None:
    """Close IPython's loop, which would outlive the shell, with all connections of it."""
    loop = get_asyncio_loop()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    # The portal goes on; it closes what the reset of the engine has told it to.
    run_in_portal(_disposed())


async def _disposed() -> None:
    await asyncio.sleep(0.02)
    here = asyncio.get_running_loop()
    if closing := [task for task in _disposing if task.get_loop() is here]:
        await asyncio.wait(closing, timeout=5)
