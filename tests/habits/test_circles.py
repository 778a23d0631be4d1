"""No module needs one that needs it, however an import is hidden."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[2]

KNOWN = {("artigraph.frame.frame", "artigraph.notebook.viewer")}
"""A frame's viewer: to be reached by a hook that the notebook registers."""

BUILT = {
    # The names of the public table: what is asked of the package, which is left out below.
    "artigraph": "",
    # What entry points and the tables of built-in storages and serializers say: data.
    "artigraph.registry": "",
    # Every step of its own folder, so that a new one needs no entry elsewhere.
    "artigraph.db.step": r"artigraph\.db\.step\.s\d.*",
    # Every module of kinds of previews, alike.
    "artigraph.preview.find": r"artigraph\.preview\.kind\.\w+",
    # How values of a library are equal, once the value shows that the library is there.
    "artigraph.model.equality": r"artigraph\.serializer\.\w+\.equality",
}
"""Modules that build the name of what they import, and a pattern of what they may reach by it."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in (ROOT / "artigraph").rglob("*.py")}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


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


def building(tree: ast.AST) -> list[int]:
    """The lines that import by a name which is no literal there, or could do so elsewhere."""
    named: set[ast.AST] = set()
    lines: list[int] = []
    for one in ast.walk(tree):
        match one:
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ) if not module.startswith("."):
                named.add(one.func)
            case ast.ImportFrom(module="importlib", names=names):
                # Under another name its calls would not be found.
                lines += [one.lineno for alias in names if alias.asname]
    for one in ast.walk(tree):
        match one:
            case ast.Name(id=name) | ast.Attribute(attr=name) if one not in named:
                lines += [one.lineno] * (name in HIDING)
            case ast.Constant(value="import_module" | "__import__"):  # for getattr()
                lines.append(one.lineno)
    return sorted(lines)


HIDING = {"import_module", "__import__", "exec_module", "load_module", "resolve_name"}


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
            for other in {*imported(TREES[module]), *reached(module)}
            if other in MODULES and other != "artigraph" and (module, other) not in KNOWN
        }
        for module in MODULES
        if module != "artigraph"
    }
    assert circles(imports) == []


def reached(module: str) -> set[str]:
    """What a module may import by a name that it builds."""
    return {other for other in MODULES if re.fullmatch(BUILT.get(module, ""), other)}


def test_only_known_registries_build_the_name_of_a_module() -> None:
    """Nothing else imports by a name that is no literal where it is imported."""
    found = {module: building(tree) for module, tree in TREES.items()}
    assert {module: lines for module, lines in found.items() if lines and module not in BUILT} == {}
    assert [module for module in BUILT if not found[module]] == []
    assert [module for module in BUILT if BUILT[module] and not reached(module)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import_module(TABLE[name])",
        "importlib.import_module(f'a.{name}')",
        "import_module('a.' + name)",
        "import_module('.b', 'a')",
        "import_module(name='a.b')",
        "load = import_module",
        "partial(importlib.import_module, 'a')",
        "__import__('a')",
        "getattr(importlib, 'import_module')('a')",
        "from importlib import import_module as load",
    ],
)
def test_a_name_that_is_built_is_seen(code: str) -> None:
    """Whatever keeps a module's name out of the call that imports it is found."""
    assert building(ast.parse(code)) != []


def test_a_name_that_is_a_literal_is_none_that_is_built() -> None:
    """An import by a literal is an import like any other."""
    code = "from importlib import import_module\nimport_module('a.b').c\nimport a.import_module_"
    assert building(ast.parse(code)) == []


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
