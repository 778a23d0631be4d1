"""Runs the guide's code as its reader does: cell after cell, in one notebook.

The cells stand in the tests as the guide has them. What a cell needs and the
guide leaves out (an import, a value for ``...``) is in a cell of its own.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from types import ModuleType
from typing import Any

import pytest

from tests.storage.conftest import S3Server, s3_server

__all__ = ["Notebook", "S3Server", "s3_server"]


class Notebook:
    """One namespace for all cells, with ``await`` at the top level."""

    def __init__(self, module: ModuleType) -> None:
        self._names = vars(module)

    async def run(self, cell: str) -> None:
        """Run a cell."""
        code = compile(
            textwrap.dedent(cell),
            "<cell>",
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            # Not this file's annotations from the future: the cell states its own.
            dont_inherit=True,
        )
        result = eval(code, self._names)
        if inspect.iscoroutine(result):
            await result

    def __getitem__(self, name: str) -> Any:
        return self._names[name]

    def __setitem__(self, name: str, value: object) -> None:
        self._names[name] = value


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """An empty notebook, whose classes belong to a module of its own."""
    module = ModuleType("guide_notebook")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return Notebook(module)
