"""Shells with a database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from artigraph import set_engine
from artigraph.db import setting
from tests.conftest import empty_store
from tests.notebook.shell import Shell, new_shell


@pytest.fixture
def bare_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell with the extension loaded, and no database set."""
    monkeypatch.setattr(setting, "_default", None)
    with new_shell(tmp_path) as shell:
        yield shell


@pytest.fixture
def memory_shell(bare_shell: Shell) -> Shell:
    """A shell on an empty memory database, for what is the same on any database."""
    bare_shell.run(
        "from artigraph import *",
        "_ = set_engine('sqlite+aiosqlite:///:memory:', create_tables=True)",
    )
    return bare_shell


@pytest.fixture
def shell(bare_shell: Shell, database_url: str) -> Iterator[Shell]:
    """A shell on an empty store of each database; its address is ``$url``."""
    reset = set_engine(database_url, create_tables=True)
    asyncio.run(empty_store())
    bare_shell.ipython.user_ns["url"] = database_url
    bare_shell.run("from artigraph import *")
    yield bare_shell
    reset()
