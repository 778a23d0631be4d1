"""How the package is built, in figures beside their targets: ``make measure``.

Lines, modules and what one call goes through are counted, not timed, so they are
the same on every machine. It exits with 1 where a target is missed.
"""

from __future__ import annotations

import ast
import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import networkx as nx
import pandas as pd

from artigraph import (
    DataModel,
    ModelFilter,
    ValueFilter,
    concurrency,
    read_models,
    set_engine,
    write_model,
    write_models,
)
from artigraph.storage.file import FileSystemStorage

__all__ = ["Figure", "Ways", "circles", "main"]

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "artigraph"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted(p for p in (ROOT / "frontend/src").rglob("*.ts") if not p.match("*.test.ts"))
GENERATED = re.compile(r"generated|do not edit", re.IGNORECASE)
IGNORE = re.compile(r"# (?:type: ignore|noqa|mypy:)|// ?@ts-|/[/*] eslint-disable")
HEAVY = ("IPython", "ipywidgets", "anywidget", "networkx", "numpy", "pandas", "pyarrow")


@dataclass(frozen=True)
class Figure:
    """One measure, and what it should be at most."""

    name: str
    value: float
    limit: float
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.limit

    def __str__(self) -> str:
        mark = "ok" if self.holds else "MISSED"
        return f"{self.name:<58}{self.value:>9,.5g}   <= {self.limit:<8,g}{mark:<8}{self.detail}"


def main() -> int:
    """Print the table.

    Returns:
        How many targets are missed.
    """
    figures = [*_sizes(), *asyncio.run(_calls()), *_circle_figures(), *_imports()]
    for figure in figures:
        print(figure)
    return sum(not figure.holds for figure in figures)


# ------------------------------------------------------------------------ text


def _sizes() -> Iterator[Figure]:
    lines = {path: _lines(path) for path in [*SOURCES, *PAGES]}
    python = sum(lines[path] for path in SOURCES)
    yield Figure(
        "lines of the package",
        python,
        28_500,
        f"and {sum(lines.values()) - python:,} of TypeScript",
    )
    ordered = sorted((n, path) for path, n in lines.items() if n)
    yield Figure("lines of the median module", statistics.median(n for n, _ in ordered), 120)
    longest, where = ordered[-1]
    yield Figure("lines of the longest module", longest, 400, str(where.relative_to(ROOT)))
    ignores = sum(len(IGNORE.findall(path.read_text(encoding="utf-8"))) for path in lines)
    yield Figure(
        "ignores of lint and types per 1,000 lines",
        1000 * ignores / sum(lines.values()),
        1,
        f"{ignores} of them",
    )
    every = [one for path in SOURCES for one in _annotations(path)]
    bare = sum(isinstance(one, ast.Name) and one.id == "Any" for one in every)
    yield Figure(
        "per cent of annotations that are a bare Any",
        100 * bare / len(every),
        5,
        f"{bare} of {len(every):,}",
    )


def _lines(path: Path) -> int:
    text = path.read_text(encoding="utf-8")
    return 0 if GENERATED.search(text[:300]) else len(text.splitlines())


def _annotations(path: Path) -> Iterator[ast.expr]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns


# ------------------------------------------------------------------------ calls


class Ways:
    """Which modules of ours are entered meanwhile, and how often one calls another.

    A coroutine that goes on after waiting is called again; that counts, for whoever follows
    the code goes there again.
    """

    def __init__(self) -> None:
        self.modules: set[str] = set()
        self.moves = 0

    def __enter__(self) -> Ways:
        # A thread that has begun is not seen on all Pythons: have new ones.
        concurrency._pool.cache_clear()
        threading.setprofile(self._see)
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _see(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or (module := _module_of(frame)) is None:
            return
        self.modules.add(module)
        caller = frame.f_back
        while caller is not None and _module_of(caller) is None:
            caller = caller.f_back
        self.moves += caller is not None and _module_of(caller) != module


def _module_of(frame: FrameType) -> str | None:
    name = frame.f_globals.get("__name__")
    return name if isinstance(name, str) and name.startswith("artigraph.") else None


async def _calls() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        files = FileSystemStorage(folder, name="measured")

        class Fit(DataModel, version=1):
            name: str
            score: float
            tags: list[str]

        class Trained(Fit, version=1):
            table: Annotated[pd.DataFrame, files]

        set_engine(f"sqlite+aiosqlite:///{folder}/measured.db", create_tables=True)
        fits = {f"fit {n}": Fit(name=f"fit {n}", score=n / 10, tags=["a"]) for n in range(9)}
        trained = Trained(
            name="t", score=0.0, tags=["a", "b"], table=pd.DataFrame({"x": range(100)})
        )
        question = ModelFilter(model_type=Fit, where={"score": ValueFilter(gt=0.25)})
        await write_models(models={**fits, "first": trained})

        async def write() -> object:
            return await write_model(label="last", model=trained)

        async def show() -> object:
            return trained._repr_html_()

        async def read() -> object:
            return await read_models(question)

        return [
            *await _call("write a model with a frame in files", write, 28, 180),
            *await _call("HTML of one model", show, 12, 60),
            *await _call("read models with a condition", read, 32, 100),
        ]


async def _call(
    name: str, function: Callable[[], Awaitable[object]], modules: int, moves: int
) -> tuple[Figure, Figure]:
    with Ways() as ways:
        await function()
    return (
        Figure(f"{name}: modules entered", len(ways.modules), modules),
        Figure(f"{name}: moves between modules", ways.moves, moves),
    )


# ---------------------------------------------------------------------- circles


def _circle_figures() -> Iterator[Figure]:
    for by, names in (("by imports", False), ("by imports and by names", True)):
        found = circles(_edges(names=names))
        yield Figure(f"circles of modules, {by}", len(found), 0, _shown(found))
    folders = {(_folder(a), _folder(b)) for a, b in _edges(names=True)}
    found = circles({(a, b) for a, b in folders if a != b})
    yield Figure("circles of folders, by imports and by names", len(found), 0, _shown(found))


def _shown(groups: list[list[str]]) -> str:
    shown = [", ".join(group[:4]) + (" …" if len(group) > 4 else "") for group in groups]
    return "; ".join(shown).replace("artigraph.", "")


def circles(edges: set[tuple[str, str]]) -> list[list[str]]:
    """Find the groups whose members all lead to one another.

    Args:
        edges: Pairs of what names and what is named.

    Returns:
        Each group in the order of names.
    """
    groups = nx.strongly_connected_components(nx.DiGraph(edges))
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _edges(*, names: bool) -> set[tuple[str, str]]:
    modules = {_module(path): path for path in SOURCES}
    edges = set()
    for module, path in modules.items():
        if module == "artigraph":
            continue  # it offers every name, and nobody imports from it
        for asked in _asked(ast.parse(path.read_text(encoding="utf-8")), names=names):
            # `from artigraph.db import url` may mean a module, or a name in one.
            known = next((one for one in (asked, asked.rpartition(".")[0]) if one in modules), None)
            if known not in (None, "artigraph", module):
                edges.add((module, str(known)))
    return edges


def _asked(node: ast.AST, *, names: bool) -> Iterator[str]:
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return
        case ast.Import(names=aliases):
            yield from (alias.name for alias in aliases)
        case ast.ImportFrom(module=str(module), names=aliases):
            yield from (f"{module}.{alias.name}" for alias in aliases)
        case ast.Constant(str(text)) if names and re.fullmatch(r"artigraph(\.\w+)+(:\w+)?", text):
            yield text.partition(":")[0]
    for child in ast.iter_child_nodes(node):
        yield from _asked(child, names=names)


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _folder(module: str) -> str:
    return ".".join(module.split(".")[:2])


# ---------------------------------------------------------------------- imports


def _imports() -> Iterator[Figure]:
    beside = _loaded("import sqlalchemy.ext.asyncio, sqlalchemy.orm")
    for statement in ("import artigraph", "from artigraph import *"):
        loaded = _loaded(statement)
        heavy = ", ".join(sorted(loaded.intersection(HEAVY)))
        detail = f"SQLAlchemy alone {len(beside)}" + (f"; loads {heavy}" if heavy else "")
        yield Figure(f"{statement}: modules loaded", len(loaded), 560, detail)


def _loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


if __name__ == "__main__":
    sys.exit(min(main(), 1))
