"""The guide's section "Setup": an engine, its tables, and a script around them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from artigraph import (
    NodeFilter,
    NoEngineError,
    SchemaError,
    get_engine,
    new_node,
    read_node,
    set_engine,
    write_node,
)
from tests.guide.conftest import Notebook

SET_ENGINE = """
    from artigraph import set_engine

    set_engine("sqlite+aiosqlite:///example.db", create_tables=True)
"""

SCRIPT = """
    import asyncio
    from artigraph import set_engine

    set_engine("sqlite+aiosqlite:///example.db", create_tables=True)

    async def main():
        {main}

    if __name__ == "__main__":
        asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The guide's address is relative; its setting must not outlive the test."""
    monkeypatch.chdir(tmp_path)
    reset = set_engine("sqlite+aiosqlite:///:memory:")
    yield
    reset()


def run_script(folder: Path, source: str) -> str:
    """Run a script with every warning an error; return what it prints."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    # Warnings that arise while the interpreter ends are only printed.
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


async def test_the_tables_are_made_at_first_use(notebook: Notebook, tmp_path: Path) -> None:
    """set_engine() opens nothing by itself; the first use makes the file and its table."""
    await notebook.run(SET_ENGINE)
    assert not (tmp_path / "example.db").exists()
    engine = await get_engine()
    async with engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert "artigraph_node" in tables
    assert (tmp_path / "example.db").exists()


async def test_create_tables_is_not_needed_the_second_time(
    notebook: Notebook, tmp_path: Path
) -> None:
    """A database that has the tables is used as it is, and keeps its rows."""
    await notebook.run(SET_ENGINE)
    node = await write_node(new_node(node_label="kept"))
    set_engine("sqlite+aiosqlite:///example.db")
    assert (await read_node(NodeFilter(node_id=node.node_id))).node_label == "kept"


async def test_without_create_tables_an_empty_database_says_what_to_type(
    notebook: Notebook,
) -> None:
    """Left out by mistake, the error shows the line that makes the tables."""
    set_engine("sqlite+aiosqlite:///empty.db")
    remedy = r"set_engine\('sqlite\+aiosqlite:///empty.db', create_tables=True\)"
    with pytest.raises(SchemaError, match=rf"no table 'artigraph_node'\. {remedy}"):
        await write_node(new_node())


def test_the_script_runs_and_leaves_no_warning(tmp_path: Path) -> None:
    """The guide's script exits cleanly with nothing in it but a comment's place."""
    assert run_script(tmp_path, SCRIPT.format(main="pass  # your code here")) == ""


def test_a_script_that_writes_leaves_no_warning(tmp_path: Path) -> None:
    """Connections and their threads are closed when asyncio.run() returns."""
    main = """
        from artigraph import DataModel, ModelFilter, read_model, write_model
        class Fit(DataModel, version=1):
            loss: float
        await write_model(label="fit", model=Fit(loss=0.5))
        print((await read_model(ModelFilter(model_type=Fit))).value)
    """
    printed = run_script(tmp_path, SCRIPT.format(main=main.strip()))
    assert "Fit(loss=0.5)" in printed


def test_asyncio_run_twice_in_one_process(tmp_path: Path) -> None:
    """One engine setting serves a second event loop, and a third that fails half way."""
    printed = run_script(
        tmp_path,
        """
        import asyncio
        from artigraph import *

        set_engine("sqlite+aiosqlite:///example.db", create_tables=True)

        async def main(label):
            async with ModelGroup(new_node(node_label=label)):
                pass
            print(len(await read_nodes(NodeFilter(label=["a", "b", "c"]))))
            if label == "c":
                raise ValueError("on purpose")

        asyncio.run(main("a"))
        asyncio.run(main("b"))
        try:
            asyncio.run(main("c"))
        except ValueError as error:
            print(error)
        """,
    )
    assert printed.split("\n") == ["1", "2", "3", "on purpose", ""]


def test_asyncio_run_twice_with_a_memory_database(tmp_path: Path) -> None:
    """What the first loop wrote to ``:memory:`` is there for the second."""
    printed = run_script(
        tmp_path,
        """
        import asyncio
        from artigraph import *

        set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)

        async def main():
            await write_node(new_node(node_label="seen"))
            print(len(await read_nodes(NodeFilter(label="seen"))))

        asyncio.run(main())
        asyncio.run(main())
        """,
    )
    assert printed.split() == ["1", "2"]


def test_a_script_without_an_engine_says_what_to_type(tmp_path: Path) -> None:
    """Forgetting the setup is answered with the one line that is missing."""
    printed = run_script(
        tmp_path,
        """
        import asyncio
        from artigraph import *

        try:
            asyncio.run(write_node(new_node()))
        except NoEngineError as error:
            print(error)
        """,
    )
    assert "set_engine('sqlite+aiosqlite:///example.db', create_tables=True)" in printed


async def test_reset_puts_back_what_was_set() -> None:
    """set_engine() returns a function that undoes it, down to no engine at all."""
    outer = set_engine("sqlite+aiosqlite:///outer.db", create_tables=True)
    await write_node(new_node(node_label="outer"))
    inner = set_engine("sqlite+aiosqlite:///inner.db", create_tables=True)
    await write_node(new_node(node_label="inner"))
    inner()
    assert (await read_node(NodeFilter())).node_label == "outer"
    outer()
    with pytest.raises(SchemaError):  # that of the fixture, which makes no tables
        await get_engine()
    assert issubclass(NoEngineError, RuntimeError)
