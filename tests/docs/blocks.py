"""Runs the Python blocks of a Markdown page, in order and in one namespace.

``python -m tests.docs.blocks PAGE`` runs one page in a process of its own, so
that no page sees the engine or the models of another. Blocks may await at
the top level, as notebook cells do. In a block with ``>>>`` prompts, what is
printed must match. A block is left out only when the line above it says why::

    <!-- not run: needs a bucket -->
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import os
import re
import sys
import tempfile
import textwrap
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "BlockError", "find_blocks", "run_page"]

LANGUAGES = {"python", "py", "python3", "pycon"}
FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<ticks>`{3,}|~{3,})[ \t]*(?P<language>[\w.+-]*)")
NOT_RUN = re.compile(r"^\s*<!--\s*not run:(?P<reason>.*)-->\s*$")
COMPARISON = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class BlockError(AssertionError):
    """A block that failed, or printed something else than the page says."""


@dataclass(frozen=True)
class Block:
    """One fenced block of Python."""

    page: Path
    line: int
    """The line of its first statement, counted from 1."""
    source: str
    not_run: str | None
    """Why it is left out, if it is."""

    @property
    def is_session(self) -> bool:
        """Whether it shows prompts and what they print."""
        return self.source.lstrip().startswith(">>>")


def find_blocks(page: Path) -> Iterator[Block]:
    """Find the Python blocks of a page; blocks quoted inside others are not its own."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        number += 1
        if opening is None:
            continue
        closing = re.compile(rf"^\s*{opening['ticks'][0]}{{{len(opening['ticks'])},}}\s*$")
        start = number
        while number < len(lines) and not closing.match(lines[number]):
            number += 1
        if number == len(lines):
            raise BlockError(f"{page}:{start}: this block is never closed.")
        number += 1
        if opening["language"].lower() in LANGUAGES:
            source = textwrap.dedent("\n".join(lines[start : number - 1]) + "\n")
            yield Block(page, start + 1, source, _reason(page, start, lines))


def _reason(page: Path, start: int, lines: list[str]) -> str | None:
    comment = NOT_RUN.match(lines[start - 2]) if start >= 2 else None
    if comment is None:
        return None
    reason = comment["reason"].strip()
    if not reason:
        raise BlockError(f"{page}:{start - 1}: say why this block is not run.")
    return reason


async def _execute(
    source: str, block: Block, line: int, mode: str, module: types.ModuleType
) -> None:
    # Empty lines before it, so that a traceback names the page's own lines.
    code = compile(
        "\n" * (line - 1) + source,
        str(block.page),
        mode,
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )
    result = eval(code, module.__dict__)
    if inspect.iscoroutine(result):
        await result


async def _run_statements(block: Block, module: types.ModuleType) -> None:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            await _execute(block.source, block, block.line, "exec", module)
    except Exception as error:
        raise BlockError(
            f"{block.page}:{_failing_line(error, block)}: this block failed.\n"
            f"{traceback.format_exc()}{printed.getvalue()}"
        ) from error


async def _run_session(block: Block, module: types.ModuleType) -> None:
    for example in doctest.DocTestParser().get_examples(block.source, str(block.page)):
        line = block.line + example.lineno
        printed = io.StringIO()
        raised: str | None = None
        with contextlib.redirect_stdout(printed):
            try:
                await _execute(example.source, block, line, "single", module)
            except Exception as error:
                raised = "".join(traceback.format_exception_only(error))
                if example.exc_msg is None:
                    raised = traceback.format_exc()
        wanted = example.want if example.exc_msg is None else example.exc_msg
        got = printed.getvalue() if raised is None else raised
        expected_to_raise = example.exc_msg is not None
        if expected_to_raise != (raised is not None) or not doctest.OutputChecker().check_output(
            wanted, got, COMPARISON
        ):
            raise BlockError(
                f"{block.page}:{line}: this does not print what the page says.\n"
                f"{textwrap.indent(example.source, '    ')}"
                f"Expected:\n{textwrap.indent(wanted, '    ') or '    nothing'}\n"
                f"Got:\n{textwrap.indent(got, '    ') or '    nothing'}"
            )


def _failing_line(error: BaseException, block: Block) -> int:
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(block.page)]
    return (lines[-1] if lines else None) or block.line


def _show(value: object) -> None:
    if value is not None:
        print(repr(value))  # noqa: T201  # what a prompt does with a value


async def run_page(page: Path) -> int:
    """Run every block of a page and return how many ran.

    Raises:
        BlockError: A block failed, or printed something else than the page says.
    """
    # A real module, since a class looks its annotations up in the module it names.
    module = types.ModuleType("__main__")
    replaced, display = sys.modules["__main__"], sys.displayhook
    sys.modules["__main__"], sys.displayhook = module, _show
    count = 0
    try:
        for block in find_blocks(page):
            if block.not_run is None:
                run = _run_session if block.is_session else _run_statements
                await run(block, module)
                count += 1
    finally:
        sys.modules["__main__"], sys.displayhook = replaced, display
    return count


def main() -> None:
    """Run the page named on the command line in an empty folder."""
    page = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["TMPDIR"] = folder
        try:
            count = asyncio.run(run_page(page))
        except BlockError as error:
            sys.exit(str(error))
    print(f"{count} blocks ran")  # noqa: T201  # the answer to the command


if __name__ == "__main__":
    main()
