"""SQLite files that may be read and not written, as on a colleague's share."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from artigraph import (
    NodeFilter,
    ReadOnlyError,
    engine_context,
    new_node,
    new_session,
    read_nodes,
    write_node,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="rights of this kind are a thing of POSIX")

READER = """
import asyncio, os, sys
from artigraph import *

async def load():
    reset = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    await write_node(new_node(node_label="x"))
    await read_nodes(NodeFilter())
    reset()

# While Python's own files may be read, which are root's in some places.
asyncio.run(load())
if os.getuid() == 0:  # whom no right stops
    os.setgid(65534)
    os.setuid(65534)

async def attempt(call):
    try:
        print(await call, flush=True)
    except ArtigraphError as error:
        print(type(error).__name__, error, flush=True)

async def labels():
    return sorted(node.node_label for node in await read_nodes(NodeFilter()))

async def main():
    set_engine(sys.argv[1], create_tables=len(sys.argv) > 2)
    for line in sys.stdin:
        await attempt(labels() if line == "read\\n" else write_node(new_node(node_label="lost")))

asyncio.run(main())
"""


class Reader:
    """Somebody who may not write, to be asked one thing after the other."""

    def __init__(self, url: str, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", READER, url, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, what: str) -> str:
        """What comes of ``read`` or ``write``."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        """Have it end, with nothing to say."""
        rest = self._process.communicate(timeout=300)
        assert (self._process.returncode, *rest) == (0, "", "")


NewReader = Callable[..., Reader]


@pytest.fixture
def new_reader(file: Path) -> Iterator[NewReader]:
    """Starts readers, which end with the test."""
    with ExitStack() as readers:

        def start(url: str, *options: str) -> Reader:
            reader = Reader(url, *options)
            readers.callback(reader.end)
            return reader

        yield start


@pytest.fixture
def file() -> Iterator[Path]:
    """A store with one node, ``first``, in a folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    write(folder / "test.db", "first")
    yield folder / "test.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


def address(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def write(file: Path, label: str) -> None:
    async def main() -> None:
        with engine_context(address(file), create_tables=True):
            await write_node(new_node(node_label=label))

    asyncio.run(main())


def close(file: Path, *, folder: int = 0o555, files: int = 0o444) -> None:
    """Take the rights away."""
    for one in file.parent.iterdir():
        one.chmod(files)
    file.parent.chmod(folder)


def leave_journal(file: Path) -> None:
    """Write ``second``, and leave it in the journal as a killed process would."""
    write(file, "second")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("UPDATE artigraph_node SET node_label = node_label || '!'")
        for name in ("test.db", "test.db-wal", "test.db-shm"):
            shutil.copyfile(file.with_name(name), file.with_name(f"{name}.kept"))
    for name in ("test.db", "test.db-wal", "test.db-shm"):
        file.with_name(f"{name}.kept").rename(file.with_name(name))


RIGHTS = {
    "neither": ({}, ["test.db", ""]),
    "file only": ({"files": 0o666}, [""]),
    "folder only": ({"folder": 0o777}, ["test.db"]),
}


@pytest.mark.parametrize("rights", RIGHTS)
def test_read_and_not_written(new_reader: NewReader, file: Path, rights: str) -> None:
    """Reading works whichever right is missing; a write says which, and changes nothing."""
    modes, missing = RIGHTS[rights]
    close(file, **modes)
    before = file.read_bytes()
    reader = new_reader(address(file), "create_tables")
    assert reader.ask("read") == "['first']"
    refused = reader.ask("write")
    named = " and ".join(str(file.parent / name) for name in missing)
    assert refused.startswith(f"ReadOnlyError The database {file} can only be read: this user")
    assert f"may not write to {named}. Ask" in refused
    assert reader.ask("read") == "['first']"
    assert file.read_bytes() == before


@pytest.mark.parametrize("options", ["uri=true", "uri=true&mode=ro"])
def test_addresses_with_options(new_reader: NewReader, file: Path, options: str) -> None:
    """``file:…`` is read there as well."""
    close(file)
    reader = new_reader(f"sqlite+aiosqlite:///file:{file}?{options}")
    assert reader.ask("read") == "['first']"
    assert reader.ask("write").startswith("ReadOnlyError")


def test_what_others_write_is_seen(new_reader: NewReader, file: Path) -> None:
    """A reader sees the next row of somebody who may write, while that one is at work and after."""
    close(file, files=0o644)
    reader = new_reader(address(file))
    assert reader.ask("read") == "['first']"

    async def work() -> None:
        with engine_context(address(file)):
            await write_node(new_node(node_label="second"))
            assert await asyncio.to_thread(reader.ask, "read") == "['first', 'second']"
            await write_node(new_node(node_label="third"))
            assert await asyncio.to_thread(reader.ask, "read") == "['first', 'second', 'third']"

    file.parent.chmod(0o755)
    asyncio.run(work())
    file.parent.chmod(0o555)
    assert reader.ask("read") == "['first', 'second', 'third']"


def test_journal_that_can_be_read(new_reader: NewReader, file: Path) -> None:
    """The rows in a journal that was left behind are read, where its index was left as well."""
    leave_journal(file)
    close(file)
    reader = new_reader(address(file))
    assert reader.ask("read") == "['first!', 'second!']"


@pytest.mark.parametrize("advice", ["copy", "read there"])
def test_journal_that_cannot_be_read(
    new_reader: NewReader, file: Path, tmp_path: Path, advice: str
) -> None:
    """Old rows are never shown as if they were all: the error names two ways, and both work."""
    leave_journal(file)
    file.with_name("test.db-shm").unlink()
    close(file, files=0o644)
    reader = new_reader(address(file))
    refused = reader.ask("read")
    assert refused.startswith(f"EngineURLError The database {file} cannot be read: test.db-wal")
    file.parent.chmod(0o755)
    if advice == "copy":
        assert "Copy test.db and test.db-wal to a folder of your own" in refused
        for name in ("test.db", "test.db-wal"):
            shutil.copy(file.with_name(name), tmp_path / name)
        place = tmp_path / "test.db"
    else:
        assert "have somebody who may write there read one node with artigraph" in refused
        place = file

    async def labels() -> list[str]:
        with engine_context(address(place)):
            return sorted(str(node.node_label) for node in await read_nodes(NodeFilter()))

    assert asyncio.run(labels()) == ["first!", "second!"]
    if advice == "read there":
        file.parent.chmod(0o555)
        assert reader.ask("read") == "['first!', 'second!']"


def test_tables_that_cannot_be_made(new_reader: NewReader, file: Path) -> None:
    """``create_tables`` on a database without tables says that they cannot be written."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE artigraph_node")
    close(file)
    reader = new_reader(address(file), "create_tables")
    assert reader.ask("read").startswith("ReadOnlyError")


async def test_address_that_asks_for_it(file: Path) -> None:
    """``mode=ro`` reads; a write, a session's and a statement's own, says that it was asked for."""
    with engine_context(f"sqlite+aiosqlite:///file:{file}?mode=ro&uri=true"):
        assert len(await read_nodes(NodeFilter())) == 1
        with pytest.raises(ReadOnlyError, match="its address asks for that"):
            await write_node(new_node())
        with pytest.raises(PermissionError, match="Set one without mode="):
            async with new_session() as session:
                session.add(new_node())
        assert len(await read_nodes(NodeFilter())) == 1
