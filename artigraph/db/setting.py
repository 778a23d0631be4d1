"""The database that every call uses: one for the process, or one for a block.

The default is a plain module-level value, not a context variable: a notebook
may run each cell in a context of its own, and what one cell sets must be
there in the next. A context only overrides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from artigraph.context import BlockVar
from artigraph.db.engine import EngineSetting
from artigraph.db.outcome import NOTHING_READ, NOTHING_WRITTEN, told
from artigraph.db.schema import look_at
from artigraph.db.store import Store
from artigraph.db.version import SchemaStatus, status_of
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import NoEngineError

if TYPE_CHECKING:
    from artigraph.db.upgrade import SchemaUpgrade

__all__ = [
    "current_setting",
    "current_store",
    "engine_context",
    "get_engine",
    "on_one_store",
    "pinned_context",
    "schema_status",
    "set_engine",
    "store_in",
    "upgrade_schema",
    "using",
]

_default: EngineSetting | None = None
_override: BlockVar[EngineSetting | None] = BlockVar("artigraph_engine", None)


def set_engine(
    engine_or_url: AsyncEngine | URL | str, *, create_tables: bool = False, read_only: bool = False
) -> Callable[[], None]:
    """Set the default database of the whole process.

    Args:
        engine_or_url: An address such as ``"sqlite+aiosqlite:///example.db"``,
            or an engine of ``sqlalchemy.ext.asyncio.create_async_engine``.
            ``"sqlite+aiosqlite:///:memory:"`` is one database for every loop,
            thread and connection, gone with the setting.
        create_tables: Make missing tables, columns and indexes at first use.
            Nothing that exists is ever dropped or altered.
        read_only: Only read: whatever writes raises ``ReadOnlyError``, and the database
            refuses statements of your own that write as well. No file is made.

    Returns:
        A function that puts back what was set before.

    Raises:
        EngineURLError: The address cannot be used; the old setting stays.
        MissingLibraryError: The address's driver is not installed.
        ReadOnlyError: With ``create_tables`` and ``read_only`` both; the old setting stays.
    """
    global _default
    setting = EngineSetting(engine_or_url, create_tables=create_tables, read_only=read_only)
    before = _default
    _default = setting
    if before is not None:
        # A cell that runs again would leave one more connection open each time.
        before.dispose_soon()
    return Reset(setting, before)


class Reset(Shown):
    """Puts back the default database that was there before another was set.

    Args:
        setting: The one that was set.
        before: The one before it.
    """

    def __init__(self, setting: EngineSetting, before: EngineSetting | None) -> None:
        self._setting, self._before = setting, before

    def __call__(self) -> None:
        """Put it back."""
        global _default
        _default = self._before
        self._setting.dispose_soon()

    # The last line of the cell that everybody begins with.

    @override
    def _describe(self, limits: Limits) -> Facts:
        return self._setting._describe(limits)

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<artigraph uses {self._setting.shown_url}; call this to undo it>"


@contextmanager
def engine_context(
    engine_or_url: AsyncEngine | URL | str, *, create_tables: bool = False, read_only: bool = False
) -> Iterator[None]:
    """Use another database within a ``with`` block, for the running context only.

    Args:
        engine_or_url: As for :func:`set_engine`.
        create_tables: As for :func:`set_engine`.
        read_only: As for :func:`set_engine`.

    Raises:
        EngineURLError: The address cannot be used.
        MissingLibraryError: The address's driver is not installed.
        ReadOnlyError: With ``create_tables`` and ``read_only`` both.
    """
    setting = EngineSetting(engine_or_url, create_tables=create_tables, read_only=read_only)
    try:
        with _override.entered(setting):
            yield
    finally:
        setting.dispose_soon()


def current_setting() -> EngineSetting | None:
    """The database that calls here use, or ``None`` if none is set."""
    return _override.get() or _default


def current_store() -> Store | None:
    """The store that calls here read from and write to, or ``None`` if none is set."""
    return store_in(current_setting())


def store_in(setting: EngineSetting | None) -> Store | None:
    """The store of a setting, if there is one."""
    return None if setting is None else setting.store


@contextmanager
def using(setting: EngineSetting | None) -> Iterator[None]:
    """Use a database that was set before within a block, whatever is set meanwhile.

    Args:
        setting: One of :func:`current_setting`; ``None`` changes nothing. If another one
            of the same store is set now, that one is used.
    """
    if setting is None:
        yield
        return
    now = current_setting()
    same = now is setting or (now is not None and now.store == setting.store)
    with _override.entered(now if same else setting):
        yield


def on_one_store() -> AbstractContextManager[None]:
    """Use the database that is set now within a block, whatever is set meanwhile.

    For what takes several transactions, or goes to an object store between them: another
    task may set another database meanwhile.
    """
    return using(current_setting())


async def get_engine() -> AsyncEngine:
    """The engine for the running event loop.

    Returns:
        An asynchronous SQLAlchemy engine to a database that has every table
        and column of the classes defined by now.

    Raises:
        NoEngineError: No engine was set.
        SchemaError: Tables or columns are missing, and ``create_tables`` was
            not asked for.
    """
    return await _setting().engine()


def pinned_context() -> Context:
    """A copy of the running context in which the database stays the one of now.

    Returns:
        A context for work that comes later, as a widget's answers do: its ids
        mean nothing in a database that is set meanwhile.
    """
    context = copy_context()
    context.run(_override.pin, current_setting())
    return context


async def schema_status() -> SchemaStatus:
    """How the schema of the engine's database stands to this library.

    Returns:
        Its version, the one that is needed, the steps that are missing, and whether this
        library may read and write the store as it is.

    Raises:
        NoEngineError: No engine was set.
        EngineURLError: The database cannot be reached.
    """
    setting = _setting()
    with told(NOTHING_READ, connecting=True):
        return status_of(await look_at(await setting.unchecked_engine(), setting.shown_url))


async def upgrade_schema(*, dry_run: bool = False) -> SchemaUpgrade:
    """Take the steps that the schema of the engine's database misses.

    They only add, so that nothing is lost and older artigraphs can go on as far as
    ``schema_status()`` of theirs says. Many processes may call it at once, and one that is
    killed is made up for by the next. A file of SQLite is copied beside itself first.

    Args:
        dry_run: Say which steps are missing, and do nothing.

    Returns:
        What was done.

    Raises:
        NoEngineError: No engine was set.
        EngineURLError: The database cannot be reached.
        SchemaError: A class of yours has a column of a name that is artigraph's now, or a
            file cannot be copied. Nothing was changed.
        ReadOnlyError: This user may not change tables, or it was set with ``read_only=True``.
    """
    from artigraph.db.upgrade import take_steps  # wanted once in a store's life

    setting = _setting()
    if dry_run is not True:
        setting.refuse_write()
    engine = await setting.unchecked_engine()
    with told(NOTHING_WRITTEN, connecting=True):
        facts = await look_at(engine, setting.shown_url)
        report = await take_steps(engine, facts, shown=setting.shown_url, dry_run=dry_run)
    setting.look_again()
    return report


def _setting() -> EngineSetting:
    setting = current_setting()
    if setting is None:
        raise NoEngineError(
            "No database is set. Type: "
            "set_engine('sqlite+aiosqlite:///example.db', create_tables=True)"
        )
    return setting
