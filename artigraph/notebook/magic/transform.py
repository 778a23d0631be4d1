"""Cells rewritten before they run, so that the magic's lines are awaited.

``%artigraph …`` and ``x = %artigraph …`` become an ``await`` where Python allows
one: at the top level, in ``if``, ``for``, ``with`` and ``try`` there, and in an
``async def``. The first line of ``%%artigraph run`` becomes a block around the
others, whose own line numbers and tracebacks stay what they are.

* nothing is rewritten where nobody would await it: in a plain function, in a
  cell that runs inside another one, as below ``%%time``, with ``%autoawait off``
  or another event loop than asyncio's; there the magic is called as a function
* an address that may hold a password is taken out of the rewritten cell
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from IPython.core.inputtransformer2 import cell_magic
from IPython.core.interactiveshell import InteractiveShell

from artigraph.notebook.magic.parser import HELP, NAMES, commands
from artigraph.notebook.magic.secret import hide_address

__all__ = ["Transformers", "show_values"]

_NAMES = "|".join(NAMES)
_CELL = re.compile(rf"%%({_NAMES})[ \t]+((\w+).*)")
_CALL = re.compile(rf"get_ipython\(\)\.run_line_magic\('(?:{_NAMES})', ")
_FUTURE = re.compile(r"from __future__ import [\w, ]+\n?")
_BEGIN = "begin"


class Transformers:
    """What rewrites the cells of one shell.

    Args:
        shell: The shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.blocks = _Blocks(shell)
        """Puts the lines of a cell into its block; one of ``ast_transformers``."""

    @property
    def _awaits(self) -> bool:
        shell = self._shell
        asyncio_runner, _ = shell.loop_runner_map["asyncio"]
        trap = shell.display_trap
        # A cell inside a running one: whoever runs it may not await. Older
        # versions of IPython tell it by the hook alone.
        is_inside = getattr(trap, "is_active", sys.displayhook is trap.hook)
        return bool(shell.autoawait and shell.loop_runner is asyncio_runner and not is_inside)

    def first_line(self, lines: list[str]) -> list[str]:
        """Rewrite a line that heads a cell; one of ``input_transformers_cleanup``."""
        found = _CELL.match(lines[0]) if lines and self._awaits else None
        heading = commands().get(found[3]) if found else None
        if not (found and heading and (heading.heads_cell or heading.takes_text)):
            return lines
        if any(word in HELP for word in found[2].split()):
            return lines
        if heading.takes_text:
            given = f"{found[2].rstrip()!r}, {''.join(lines[1:])!r}"
            return [f"await get_ipython().find_cell_magic({found[1]!r}).wait_for({given})\n"]
        name, line = found[1], hide_address(found[2].rstrip())
        begin = f"await get_ipython().find_cell_magic({name!r}).{_BEGIN}({line!r})\n"
        body = self.first_line(lines[1:])
        last = max((n for n, text in enumerate(body) if _FUTURE.fullmatch(text)), default=None)
        if last is not None:
            # Nothing but such imports may stand before them.
            body[last] = f"{body[last].rstrip()}; {begin}"
            return ["#\n", *body]
        # A cell magic below it would stand on the second line, where IPython sees none.
        return [begin, *cell_magic(body)]

    # IPython asks whether a cell is complete by rewriting it; as long as it begins
    # with %% it is complete when a blank line follows.
    first_line.has_side_effects = True  # type: ignore[attr-defined]  # how IPython is told

    def lines(self, lines: list[str]) -> list[str]:
        """Rewrite lines of the magic; one of ``input_transformers_post``."""
        text = "".join(lines)
        if _CALL.search(text) is None:
            return lines
        try:
            calls = list(_find_calls(ast.parse(text)))
        except (SyntaxError, ValueError):
            return lines
        rows = text.split("\n")
        for call in reversed(calls):
            row = rows[call.row].encode()
            middle = call.rewritten(row[call.start : call.end].decode(), self._awaits)
            rows[call.row] = (row[: call.start] + middle.encode() + row[call.end :]).decode()
        return "\n".join(rows).splitlines(keepends=True)


@dataclass(frozen=True)
class _MagicCall:
    """A call of the magic in the source that IPython has made of a line."""

    row: int
    start: int
    """In bytes."""
    end: int
    name: str
    line: str
    may_await: bool
    is_statement: bool

    def rewritten(self, source: str, awaits: bool) -> str:
        if _CALL.match(source) is None:
            return source
        line = hide_address(self.line)
        if not (awaits and self.may_await):
            return f"get_ipython().run_line_magic({self.name!r}, {line!r})"
        # IPython takes a semicolon at the end of a cell for "do not show it".
        silent = ";" if line.rstrip().endswith(";") and self.is_statement else ""
        line = line.rstrip().rstrip(";")
        return f"await get_ipython().find_line_magic({self.name!r}).wait_for({line!r}){silent}"


def _find_calls(tree: ast.AST, may_await: bool = True) -> Iterator[_MagicCall]:
    """The magic's calls, in the order of the source."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            yield from _find_calls(node, False)
        elif isinstance(node, ast.AsyncFunctionDef):
            yield from _find_calls(node, True)
        elif isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign):
            found = _magic_call(node.value, may_await, isinstance(node, ast.Expr))
            if found is not None:
                yield found
        else:
            yield from _find_calls(node, may_await)


def _magic_call(call: ast.expr | None, may_await: bool, is_statement: bool) -> _MagicCall | None:
    match call:
        case ast.Call(
            func=ast.Attribute(attr="run_line_magic", value=ast.Call(func=ast.Name("get_ipython"))),
            args=[ast.Constant(str(name)), ast.Constant(str(line))],
            keywords=[],
        ) if name in NAMES and call.end_lineno == call.lineno:
            start, end = call.col_offset, call.end_col_offset or 0
            return _MagicCall(call.lineno - 1, start, end, name, line, may_await, is_statement)
    return None


class _Blocks(ast.NodeTransformer):
    """Puts the lines below ``await ….begin(…)`` into an ``async with`` of it."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def visit_Module(self, module: ast.Module) -> ast.Module:
        imports = list(takewhile(_is_future, module.body))
        body = module.body[len(imports) :]
        if body and _begin_call(body[0]) is not None:
            module.body = [*imports, *self._in_block(body)]
        return module

    def _in_block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        begin = _begin_call(body[0]) if body else None
        if begin is None:
            return show_values(body, self._shell.ast_node_interactivity)
        inner = self._in_block(body[1:]) or [ast.copy_location(ast.Pass(), begin)]
        block = ast.AsyncWith(items=[ast.withitem(context_expr=begin)], body=inner)
        return [ast.fix_missing_locations(ast.copy_location(block, begin))]


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _begin_call(statement: ast.stmt) -> ast.Call | None:
    match statement:
        case ast.Expr(
            ast.Await(
                ast.Call(
                    func=ast.Attribute(
                        attr=attr,
                        value=ast.Call(
                            func=ast.Attribute(attr="find_cell_magic"),
                            args=[ast.Constant(name)],
                        ),
                    )
                ) as call
            )
        ) if attr == _BEGIN and name in NAMES:
            return call
    return None


def show_values(body: Sequence[ast.stmt], interactivity: str) -> list[ast.stmt]:
    """Statements that show what IPython would show of them at the top level.

    Args:
        body: The statements.
        interactivity: As ``InteractiveShell.ast_node_interactivity``.
    """
    shown = list(body)
    last = shown[-1] if shown else None
    if interactivity == "last_expr_or_assign" and isinstance(last, ast.Assign):
        target = last.targets[0]
        if len(last.targets) == 1 and isinstance(target, ast.Name):
            name = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            shown.append(ast.copy_location(ast.Expr(name), last))
    if interactivity == "none" or not shown:
        return shown
    if interactivity == "all":
        return [_Showing().visit(statement) for statement in shown]
    if interactivity == "last" or isinstance(shown[-1], ast.Expr):
        shown[-1] = _Showing().visit(shown[-1])
    return shown


class _Showing(ast.NodeTransformer):
    """Shows the values of expressions that are statements, as the prompt of Python does."""

    def visit_Expr(self, statement: ast.Expr) -> ast.Expr:
        found = ast.parse(f"get_ipython().find_line_magic({NAMES[0]!r}).show", mode="eval").body
        call = ast.Call(found, [], [])
        show = ast.Expr(call)
        for part in ast.walk(show):
            ast.copy_location(part, statement)
        call.args = [statement.value]
        return show

    def generic_visit(self, node: ast.AST) -> ast.AST:
        # What stands in a definition is shown by nobody.
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return node
        return super().generic_visit(node)
