"""One setting, and behind it one engine for each event loop.

An asynchronous engine's pool belongs to the loop that opened its
connections; a second loop would fail on them. The loop's engine is disposed
of when the loop shuts down, so nothing is left open behind ``asyncio.run``.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy.engine import URL, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import Pool, QueuePool
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import greenlet_spawn
from typing_extensions import override

from artigraph.concurrency import run_in_own_thread, to_its_end
from artigraph.db.column import share_stored_types
from artigraph.db.connect import connect_seconds, prepare_connect
from artigraph.db.idle import prepare_idle
from artigraph.db.outcome import NOTHING_READ, prepare_outcome, told
from artigraph.db.read_only import (
    check_read_only,
    read_only_error,
    refuse_all_writes,
    refuse_memory,
    set_so,
)
from artigraph.db.schema import ensure_schema
from artigraph.db.step import steps
from artigraph.db.store import Store, check_expected, know_store, name_store, store_of_address
from artigraph.db.url import parse_url, shown, supported
from artigraph.db.version import StoreFacts, why_not_written
from artigraph.dialect.registry import dialect_of
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import EngineURLError
from artigraph.orm.base import Base
from artigraph.orm.subclass import GENERATION

if TYPE_CHECKING:
    from artigraph.db.upgrade import SchemaUpgrade

__all__ = ["EngineSetting", "when_opened"]

when_opened: list[Callable[[AsyncEngine, Store], Awaitable[None]]] = []
"""What looks at a database once its tables are there."""


@dataclass(eq=False)
class _LoopEngine:
    engine: AsyncEngine
    is_given: bool
    """Whether it is the very engine that somebody has made, and goes on using."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    closing: asyncio.Lock = field(default_factory=asyncio.Lock)
    left: list[Pool] = field(default_factory=list)
    """Pools that hand nothing out any more, to which connections may yet come back."""

    async def dispose(self, only: Pool | None = None) -> None:
        """Close the engine and all that it has left, or one pool of those."""

        async def close() -> None:
            for pool in [one for one in self.left if only is None or one is only]:
                self.left.remove(pool)
                await greenlet_spawn(pool.dispose)
            if only is None:
                await self.engine.dispose()

        # A loop that ends waits for its generators, not for its tasks: the one
        # must let the other come to its end.
        async with self.closing:
            # asyncio.run() cancels all tasks as it ends.
            await to_its_end(close())


class EngineSetting(Shown):
    """A database, and the engines that lead to it.

    Args:
        engine_or_url: An asynchronous engine or a database's address.
        create_tables: Whether missing tables, columns and indexes are made.
        read_only: Whether nothing is written.

    Raises:
        EngineURLError: Neither an asynchronous engine nor an address.
        MissingLibraryError: The driver is not installed.
        ReadOnlyError: Tables were to be made where nothing is written.
    """

    def __init__(
        self,
        engine_or_url: AsyncEngine | URL | str,
        *,
        create_tables: bool,
        read_only: bool = False,
    ) -> None:
        check_read_only(read_only, create_tables)
        self.create_tables = create_tables
        self.read_only = read_only
        """Whether it was set so."""
        self.refusal: str | None = None
        """Why nothing is written, if so; a newer store says it once it was used."""
        self._engines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopEngine] = (
            weakref.WeakKeyDictionary()
        )
        weakref.finalize(self, _dispose_soon, self._engines).atexit = False
        self._lock = threading.Lock()
        self._given: AsyncEngine | None = None
        self._checked_generation: object = None
        self.is_left = False
        """Whether another one was set since: who still works with it closes it again."""
        self.facts = StoreFacts(0)
        """What the store says of itself, once it was used."""
        self.upgrade: SchemaUpgrade | None = None
        """What was done if it was an older one then."""
        self._stored_types: dict[str, TypeEngine[Any]] = {}
        if isinstance(engine_or_url, AsyncEngine):
            self._given = engine_or_url
            self._typed_url = engine_or_url.url
        elif isinstance(engine_or_url, str | URL):
            self._typed_url = url = parse_url(engine_or_url)
            if (database := supported(url)).is_server:
                connect_seconds(url.query, database.connect_timeout)
        else:
            raise EngineURLError(
                f"set_engine() takes an address or an engine of create_async_engine(), not "
                f"{type(engine_or_url).__module__}.{type(engine_or_url).__qualname__}."
            )
        self._dialect = supported(self._typed_url)
        self.url = self._typed_url if self._given else self._dialect.resolved(self._typed_url)
        self._memory = self._given is None and self._dialect.is_memory(self.url)
        if self._memory:
            self.url, alive = self._dialect.share_memory(self.url)
            weakref.finalize(self, alive.close)
        self.store = store_of_address(self.url)
        if self._given is not None:
            # Of one that was set before, with an address such as :memory:, the same again.
            self.store = name_store(self._given.dialect, self.store)
        if read_only:
            refuse_memory(self._typed_url, self._dialect, is_given=self._given is not None)
            self.refusal = set_so(self.shown_url, is_given=self._given is not None)

    @property
    def _is_givens_memory(self) -> bool:
        """Whether no other engine than the one that somebody has made leads there."""
        return self._given is not None and self._dialect.is_memory(self.url)

    @property
    def serves_every_loop(self) -> bool:
        """Whether other event loops than the one that first used it find the same rows."""
        return not self._is_givens_memory

    @override
    def _describe(self, limits: Limits) -> Facts:
        tables = "makes missing tables" if self.create_tables else "makes no tables"
        tables = tables if self.refusal is None else "read only"
        state = "tables seen" if self._checked_generation is not None else "not used yet"
        upgraded = () if self.upgrade is None else (Badge(f"upgraded to {self.upgrade.after}"),)
        told = () if self.upgrade is None else (self.upgrade.told(),)
        badges = (Badge(tables), Badge(state), *upgraded)
        return Facts("artigraph uses", self.shown_url, badges, lines=told)

    @override
    def _brief(self, limits: Limits) -> str:
        only = "" if self.refusal is None else ", read only"
        return f"<EngineSetting {self.shown_url} create_tables={self.create_tables}{only}>"

    @property
    def shown_url(self) -> str:
        """The address as people may see it and type it here, without a password."""
        if self._memory:
            return "sqlite+aiosqlite:///:memory:"
        # A relative one, as long as it leads to the same file from here.
        same = self.url in (self._typed_url, self._dialect.resolved(self._typed_url))
        return shown(self._typed_url if same else self.url)

    async def engine(self) -> AsyncEngine:
        """The running loop's engine, to a database with all tables.

        Raises:
            EngineURLError: The database cannot be reached, or is in a memory that is not
                this process's, or not this loop's.
            ConnectionLostError: It was lost while its tables were looked at.
            SchemaError: Tables or columns are missing and may not be made.
        """
        if self.store.process is not None and self.store.process != os.getpid():
            raise EngineURLError(
                f"The database {self.shown_url} is in the memory of the process that this worker "
                "was forked from: what is written here would be kept nowhere. Use a file, as in "
                "set_engine('sqlite+aiosqlite:///example.db', create_tables=True)."
            )
        entry = await self._entry(asyncio.get_running_loop())
        # Classes may have been defined since; their columns are then missing.
        if self._checked_generation != _generation():
            async with entry.lock:
                generation = _generation()
                if self._checked_generation != generation:
                    with told(NOTHING_READ, connecting=True):
                        self.facts, upgrade = await ensure_schema(
                            entry.engine,
                            create=self.create_tables,
                            shown=self.shown_url,
                            read_only=self.refusal is not None,
                        )
                        self.upgrade = upgrade or self.upgrade
                        self.store = replace(self.store, uid=self.facts.uid)
                        entry = await self._only_read_newer(entry)
                        for one in list(self._engines.values()):
                            know_store(one.engine.dialect, self.store)
                        for look in when_opened:
                            await look(entry.engine, self.store)
                    for one in list(self._engines.values()):
                        # They read columns as the types were then.
                        one.engine.sync_engine.clear_compiled_cache()
                    self._checked_generation = generation
        check_expected(self.store)
        return entry.engine

    async def _only_read_newer(self, entry: _LoopEngine) -> _LoopEngine:
        """Leave what may write, if a newer artigraph has made the store and lets no one else."""
        why = why_not_written(self.facts, self.shown_url)
        if why is None or self.refusal is not None:
            return entry
        self.refusal = why
        if self._is_givens_memory:
            return entry
        with self._lock:
            _dispose_soon(self._engines)
            self._engines.clear()
        return await self._entry(asyncio.get_running_loop())

    def refuse_write(self) -> None:
        """Refuse to write, where nothing may be.

        Raises:
            ReadOnlyError: It was set so, or a newer artigraph lets no one else write.
        """
        if self.refusal is not None:
            raise read_only_error(self.refusal)

    async def unchecked_engine(self) -> AsyncEngine:
        """The running loop's engine, whatever tables its database has."""
        return (await self._entry(asyncio.get_running_loop())).engine

    def look_again(self) -> None:
        """Have the next call see which tables there are."""
        self._checked_generation = None

    def dispose_soon(self) -> None:
        """Make the file whole; have every loop that still runs close its idle connections.

        Those of an engine that somebody else has made stay: a memory database would be lost.
        """
        self.is_left = True
        with self._lock:
            engines = [entry.engine.sync_engine for entry in self._engines.values()]
        # First: a connection that closes meanwhile would stand in the way.
        for engine in engines:
            self._dialect.make_whole(engine)
        with self._lock:
            _dispose_soon(self._engines)

    def close_if_left(self) -> None:
        """Close what was opened after another one had been set; for work that outlives that."""
        if self.is_left:
            self.dispose_soon()

    async def _entry(self, loop: asyncio.AbstractEventLoop) -> _LoopEngine:
        if self.read_only and loop not in self._engines:
            await run_in_own_thread(self._dialect.refuse_missing, self.url)
        with self._lock:
            entry = self._engines.get(loop)
            if entry is not None:
                return entry
            engine = self._make_engine()
            entry = self._engines[loop] = _LoopEngine(engine, engine is self._given)
        keeper = _dispose_with_loop(entry)
        # From its first step on the loop knows the generator, and closes it
        # when asyncio.run() or a test runner shuts the loop down.
        await anext(keeper)
        _keepers.setdefault(loop, []).append(keeper)
        return entry

    def _make_engine(self) -> AsyncEngine:
        if self._given is None:
            engine = create_async_engine(
                self.url,
                json_serializer=lambda value: orjson.dumps(value).decode(),
                json_deserializer=_load_json,
            )
        elif not self._engines and (self._is_givens_memory or self.refusal is None):
            engine = self._given
        elif self._is_givens_memory:
            raise EngineURLError(
                "The memory database of an engine of create_async_engine() is that engine's "
                "alone: another event loop, as magics and widgets have one, would find an empty "
                "one. Give the address instead, which serves every loop: "
                "set_engine('sqlite+aiosqlite:///:memory:', create_tables=True)."
            )
        else:
            engine = _sibling(self._given)
        share_stored_types(engine.dialect, self._stored_types)
        name_store(engine.dialect, self.store)
        if self.refusal is not None and engine is not self._given:
            refuse_all_writes(engine.sync_engine, self.refusal)
        for prepare in (self._dialect.prepare, prepare_connect, prepare_idle, prepare_outcome):
            prepare(engine.sync_engine)
        return engine


def _generation() -> tuple[int, int, int]:
    """Changes whenever a class adds a column or an index to a table, or changes its columns."""
    steps()  # which know of all tables, and are imported when a store is first opened
    tables = Base.metadata.tables.values()
    columns, indexes = sum(len(t.columns) for t in tables), sum(len(t.indexes) for t in tables)
    return columns, indexes, Base.metadata.info.get(GENERATION, 0)


def _load_json(text: Any) -> Any:
    if not isinstance(text, str | bytes):
        return text  # SQLite makes a number of a text that is one
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # no JSON: whoever reads the row's document says so, and which row it is


def _sibling(engine: AsyncEngine) -> AsyncEngine:
    """An engine like another one, with a pool of its own for another loop."""
    given = engine.sync_engine
    return AsyncEngine(
        Engine(
            given.pool.recreate(),
            given.dialect,
            given.url,
            logging_name=given.logging_name,
            echo=given.echo,
            hide_parameters=given.hide_parameters,
            execution_options=dict(given.get_execution_options()),
        )
    )


_keepers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[AsyncGenerator[None, None]]] = (
    weakref.WeakKeyDictionary()
)
"""A loop knows its generators only weakly, and a setting may be forgotten before
the loop ends."""


async def _dispose_with_loop(entry: _LoopEngine) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await entry.dispose()
        # Another process may have the file open: closing has then left the journal. The
        # loop ends, so nothing waits for it.
        dialect_of(entry.engine).make_whole(entry.engine.sync_engine)


async def _dispose_when_idle(entry: _LoopEngine) -> None:
    # Whoever asks from now on is given a connection of another pool; one in use comes back
    # to this one, which is closed then.
    pool = entry.engine.pool
    entry.engine.sync_engine.dispose(close=False)
    entry.left.append(pool)
    while isinstance(pool, QueuePool) and pool.checkedout():  # noqa: ASYNC110  # a pool tells nobody
        await asyncio.sleep(0.01)
    await entry.dispose(pool)


_disposing: set[asyncio.Task[None]] = set()


def _dispose_soon(engines: Mapping[asyncio.AbstractEventLoop, _LoopEngine]) -> None:
    for loop, entry in list(engines.items()):
        if not loop.is_closed() and not entry.is_given:
            loop.call_soon_threadsafe(_start_disposing, entry)


def _start_disposing(entry: _LoopEngine) -> None:
    # The loop holds tasks weakly; without a reference one may vanish half way.
    task = asyncio.ensure_future(_dispose_when_idle(entry))
    _disposing.add(task)
    task.add_done_callback(_disposing.discard)
