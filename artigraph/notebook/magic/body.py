"""The body of a cell, run from where nothing can be awaited.

That is where ``%%artigraph run`` stands below another cell magic, or is called
as a function. The run's block is held open in the portal meanwhile, and the
body sees its context; the body runs in the thread that it was called in.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from contextvars import Context, copy_context
from types import CodeType

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from artigraph.notebook.magic.transform import show_values
from artigraph.portal import start_in_portal

__all__ = ["run_body"]


def run_body(
    shell: InteractiveShell, block: AbstractAsyncContextManager[object], body: str
) -> None:
    """Run a cell's body inside its block.

    Args:
        shell: The shell that the cell was typed in.
        block: The block.
        body: The cell without its first line.

    Raises:
        UsageError: The body awaits while a loop is running.
        SyntaxError: It is no Python.
    """
    code = _compiled(shell, body)
    opened: Future[Context] = Future()
    ended: Future[BaseException | None] = Future()
    held = start_in_portal(_hold(block, opened, ended))
    try:
        context = opened.result()
        context.run(_execute, shell, code)
    except BaseException as error:
        ended.set_result(error)
        held.result()
        raise
    ended.set_result(None)
    held.result()


async def _hold(
    block: AbstractAsyncContextManager[object],
    opened: Future[Context],
    ended: Future[BaseException | None],
) -> None:
    """Open the block, wait for its end, and close it, all in one task."""
    try:
        await block.__aenter__()
    except BaseException as error:
        opened.set_exception(error)
        return
    opened.set_result(copy_context())
    raised = await asyncio.wrap_future(ended)
    await block.__aexit__(None if raised is None else type(raised), raised, None)


def _compiled(shell: InteractiveShell, body: str) -> CodeType:
    # In place of the first line, so that the others keep their numbers.
    cell = shell.transform_cell(f"# %%artigraph run\n{body}")
    name = shell.compile.cache(cell, shell.execution_count)
    tree = shell.compile.ast_parse(cell, filename=name)
    tree = shell.transform_ast(tree)
    tree.body = show_values(tree.body, shell.ast_node_interactivity)
    with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        code: CodeType = shell.compile(tree, name, "exec")
    if code.co_flags & inspect.CO_COROUTINE and _loop_runs():
        raise UsageError(
            "This cell awaits, which it can only do where %%artigraph run is its first line, "
            "typed in the cell itself."
        )
    return code


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _execute(shell: InteractiveShell, code: CodeType) -> None:
    # The user's own cell, in the user's own variables: what IPython does with it.
    result = eval(code, shell.user_global_ns, shell.user_ns)  # noqa: S307  # what the user typed into a cell
    if code.co_flags & inspect.CO_COROUTINE:
        shell.loop_runner(result)
