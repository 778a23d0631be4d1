"""No module needs one that needs it, however an import is hidden."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[2]

KNOWN = {("artigraph.frame.frame", "artigraph.notebook.viewer")}
"""A frame's viewer: to be reached by a hook that the notebook registers."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in (ROOT / "artigraph").rglob("*.py")}


def imported(node: ast.AST) -> Iterator[str]:
    """What the code below a node imports: at any depth, by name, or for type checkers."""
    for one in ast.walk(node):
        match one:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def circles(imports: dict[str, set[str]]) -> list[set[str]]:
    """The modules that can be reached from themselves, with those on the way."""
    graph = nx.DiGraph(
        (module, other) for module, others in imports.items() for other in others - {module}
    )
    return [found for found in nx.strongly_connected_components(graph) if len(found) > 1]


def test_no_module_needs_one_that_needs_it() -> None:
    """Neither imports of modules, nor those in functions or by name, lead back to a module.

    The package's own ``__init__``, which looks public names up when they are asked
    for, is left out; and the tables of built-in storages and serializers are data.
    """
    imports = {
        module: {
            other
            for other in imported(ast.parse(path.read_text(encoding="utf-8")))
            if other in MODULES and other != "artigraph" and (module, other) not in KNOWN
        }
        for module, path in MODULES.items()
        if module != "artigraph"
    }
    assert circles(imports) == []


def test_hidden_imports_are_seen() -> None:
    """An import in a function, by name, and for type checkers alone is one, too."""
    code = """
if TYPE_CHECKING:
    from a.types import Thing
def late():
    import b.inside
    return importlib.import_module("c.named"), import_module("d.named").value
"""
    assert {"a.types", "b.inside", "c.named", "d.named"} <= set(imported(ast.parse(code)))
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
