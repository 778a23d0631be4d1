"""``%artigraph``: a line becomes a call, which is awaited where that is possible.

Three doors lead to a sub-command. A line at the top level of a cell, or in an
``async def``, is turned into an ``await`` of :meth:`Magic.wait_for` before the
cell runs, and ``%%artigraph run`` into a block of :meth:`Magic.begin`. Anywhere
else IPython calls the magic as a function, which hands the work to the portal.
"""

from __future__ import annotations

import inspect
import linecache
import sys
from collections import ChainMap
from collections.abc import Coroutine, Mapping
from types import FrameType
from typing import Any

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import no_var_expand

from artigraph.notebook.interrupt import interruptible
from artigraph.notebook.magic.body import run_body
from artigraph.notebook.magic.parser import NAMES, Call, Command, Confirm, Said, parse
from artigraph.notebook.magic.secret import show_address
from artigraph.notebook.magic.short_errors import short_errors
from artigraph.portal import run_in_portal
from artigraph.redact import without_credentials

__all__ = ["Magic"]

_REFUSED = "Nothing was done."


class Magic:
    """The magic of one shell.

    Args:
        shell: The shell.
    """

    @property
    def __doc__(self) -> str:  # type: ignore[override]  # %artigraph? tells of each sub-command
        return repr(parse("--help", {}, self._shell))

    needs_local_scope = True
    """IPython hands the variables of the calling function over."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        # Words are split before variables are put in, which IPython does the
        # other way round.
        no_var_expand(self)

    def __call__(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None
    ) -> Any:
        """Answer a line, or run a cell, from where nothing can be awaited.

        Args:
            line: What stands behind the magic's name.
            cell: The cell's other lines, if it heads one.
            local_ns: The variables where it stands.

        Returns:
            What the sub-command returns; ``None`` if the line ends with a semicolon.
        """
        with short_errors():
            silent = line.rstrip().endswith(";")
            source = "" if cell is None else f"%%artigraph {line}\n{cell}"
            parsed = self._parse(line.rstrip().rstrip(";"), local_ns or {}, source)
            if isinstance(parsed, Said):
                return parsed
            found, call = parsed
            _check_session(found)
        if cell is not None and found.heads_cell:
            with short_errors():
                block = found.run(call)
            return run_body(self._shell, block, cell)
        with short_errors():
            result = run_in_portal(_coroutine(found, call))
            if isinstance(result, Confirm):
                result = run_in_portal(_act(result)) if _confirmed(result) else Said(_REFUSED)
        return None if silent else result

    def wait_for(self, line: str, cell: str | None = None) -> Coroutine[Any, Any, Any]:
        """Answer a line, to be awaited.

        Args:
            line: What stands behind the magic's name.
            cell: The cell's other lines, if it heads one and they are a text.

        Returns:
            What the sub-command returns, once it is awaited.
        """
        # A coroutine has no caller; the variables are those of ours.
        source = "" if cell is None else f"%%artigraph {line}\n{cell}"
        return self._wait_for(line, _variables_of_caller(), source)

    async def _wait_for(self, line: str, variables: Mapping[str, Any], source: str) -> object:
        with short_errors():
            parsed = self._parse(line, variables, source)
            if isinstance(parsed, Said):
                return parsed
            found, call = parsed
            with interruptible(computes=False):
                result = await found.run(call)
            if not isinstance(result, Confirm):
                return result
            with interruptible(computes=True):
                confirmed = _confirmed(result)
            if not confirmed:
                return Said(_REFUSED)
            with interruptible(computes=False):
                return await result.act()

    def begin(self, line: str) -> object:
        """The block that the lines of a cell stand in.

        Args:
            line: What stands behind the magic's name.

        Returns:
            What ``async with`` takes.
        """
        running = self._shell.displayhook.exec_result
        source = "" if running is None else running.info.raw_cell
        number = None if running is None else running.execution_count
        with short_errors():
            parsed = self._parse(line, _variables_of_caller(), source, number)
            if isinstance(parsed, Said):  # the help is asked for without a cell to run
                raise UsageError("Ask for help on a line of its own, with one %: %artigraph --help")
            found, call = parsed
            _show_as_typed(show_address(line))
            return found.run(call)

    def show(self, value: object) -> None:
        """Show the value of a cell's last line, as IPython does."""
        sys.displayhook(value)

    def _parse(
        self, line: str, variables: Mapping[str, Any], source: str, number: int | None = None
    ) -> tuple[Command, Call] | Said:
        names = ChainMap(dict(variables), self._shell.user_ns)
        return parse(show_address(line), names, self._shell, source=source, number=number)


def _show_as_typed(line: str) -> None:
    """Let tracebacks show a cell's first line, as a comment, and not what was made of it."""
    frame = _caller_frame()
    if frame is None:
        return
    entry = linecache.cache.get(frame.f_code.co_filename, ())
    if len(entry) == 4 and frame.f_lineno <= len(entry[2]):
        lines = list(entry[2])
        lines[frame.f_lineno - 1] = f"# %%{NAMES[0]} {without_credentials(line)}\n"
        linecache.cache[entry[3]] = (*entry[:2], lines, entry[3])


def _variables_of_caller() -> Mapping[str, Any]:
    frame = _caller_frame()
    return {} if frame is None else frame.f_locals


def _caller_frame() -> FrameType | None:
    """What has called the method that asks by one of the functions above."""
    frame = inspect.currentframe()
    for _ in range(3):
        frame = frame.f_back if frame is not None else None
    return frame


async def _coroutine(found: Command, call: Call) -> object:
    return await found.run(call)


async def _act(confirm: Confirm) -> object:
    return await confirm.act()


def _check_session(found: Command) -> None:
    """Refuse to read past what a session has not committed, or to wait for its lock."""
    from artigraph.db.session import session_is_open  # not needed by %load_ext

    if session_is_open() and found.name != "connect":
        raise UsageError(
            f"%artigraph {found.name} cannot join the open session from inside a plain function. "
            "Make it an async def and await it, or use the line outside of the session."
        )


def _confirmed(confirm: Confirm) -> bool:
    try:
        answer = input(f"{confirm.question} [y/N] ")
    except (StdinNotImplementedError, EOFError):
        raise UsageError(
            f"{confirm.question} Nobody can be asked here. Type: {confirm.otherwise}"
        ) from None
    return answer.strip().lower() in ("y", "yes")
