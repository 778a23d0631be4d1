"""A store's missing steps, taken one after the other.

On a server each part of a step is a transaction of its own, so that nobody waits for a
table for long, and a lock of the database keeps others out meanwhile: who waited finds
nothing left to do. On SQLite, where only one can write anyhow, all is one transaction.
Either way each part looks first, so that what was broken off, by a kill even, is done
again from there.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, inspect, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from artigraph.concurrency import run_in_thread
from artigraph.db.step import steps
from artigraph.db.step.base import ROWS, Step, refuse_without_triggers
from artigraph.db.version import StoreFacts, create_version_table, look_within, stamp
from artigraph.dialect.base import WRITES
from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import counted
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import SchemaError
from artigraph.orm.base import Base, utc_now
from artigraph.orm.schema import SCHEMA_ROW, SchemaRecord
from artigraph.storage.transfer import progress
from artigraph.version import __version__

__all__ = ["SchemaUpgrade", "take_steps"]

T = TypeVar("T")

_columns = SchemaRecord.__table__.c


@dataclass(frozen=True, slots=True, repr=False)
class SchemaUpgrade(Shown):
    """What :func:`artigraph.upgrade_schema` has done, or would do."""

    before: int
    """The version that the store had."""
    after: int
    """The version that it has now, or would have."""
    steps: tuple[str, ...]
    """The steps that were taken, in words."""
    copy: Path | None
    """Where a file was copied to before, as it was."""
    seconds: float
    """How long it took."""
    dry_run: bool = False
    """Whether nothing was done."""

    def told(self) -> str:
        """Where the store is as it was, in words."""
        return "" if self.copy is None else f"A copy of the store as it was: {self.copy}"

    @override
    def _describe(self, limits: Limits) -> Facts:
        taken = [f"step {step}" for step in self.steps] or ["Nothing was missing."]
        if self.copy is not None:
            taken.append(self.told())
        return Facts(
            "Schema upgrade",
            f"version {self.before} to {self.after}" if self.steps else f"version {self.after}",
            (Badge("dry run" if self.dry_run else f"{self.seconds:.1f} s"),),
            lines=tuple(taken),
        )

    @override
    def _brief(self, limits: Limits) -> str:
        return (
            f"SchemaUpgrade(before={self.before}, after={self.after}, steps={self.steps!r}, "
            f"copy={None if self.copy is None else str(self.copy)!r}, dry_run={self.dry_run})"
        )


async def take_steps(
    engine: AsyncEngine, facts: StoreFacts, *, shown: str, dry_run: bool = False
) -> SchemaUpgrade:
    """Take the steps that a store misses.

    Args:
        engine: Leads to it.
        facts: What it said of itself just now.
        shown: Its address, as an error may show it.
        dry_run: Say which they are, and do nothing.

    Raises:
        SchemaError: It has columns of somebody else's under names that a step wants, or a
            file cannot be copied. Nothing was changed.
    """
    began = time.monotonic()
    missing = _missing(facts)
    if dry_run or not missing:
        after = missing[-1].number if missing else facts.version
        return SchemaUpgrade(facts.version, after, _titles(missing), None, 0.0, dry_run)
    copy: Path | None = None
    async with _alone(engine) as run:
        # Somebody else may have done it meanwhile.
        facts = await run(look_within)
        missing = _missing(facts)
        if missing:
            await run(lambda connection: _refuse_taken_names(connection, facts, missing, shown))
            try:
                copy = await run_in_thread(
                    dialect_of(engine).copy_beside, engine.sync_engine, facts.version
                )
            except OSError as error:
                raise SchemaError(
                    f"{shown} could not be copied before its upgrade: {error}. Nothing was "
                    "changed. See that its folder has room for a copy, and run this again."
                ) from error
        for step in missing:
            await _take(step, run)
    after = max(facts.version, *(step.number for step in missing), 0)
    return SchemaUpgrade(facts.version, after, _titles(missing), copy, time.monotonic() - began)


def _missing(facts: StoreFacts) -> list[Step]:
    return [step for step in steps() if step.number > facts.version > 0]


def _titles(taken: list[Step]) -> tuple[str, ...]:
    return tuple(f"{step.number}: {step.title}" for step in taken)


class _Runner(Protocol):
    async def __call__(self, part: Callable[[Connection], T], /) -> T: ...


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[_Runner]:
    """Keep others from upgrading; yield what runs a part of it in a transaction."""
    database = dialect_of(engine)
    async with engine.connect() as holder:
        if not database.is_server:
            await holder.execution_options(**{WRITES: True})
        await holder.run_sync(database.hold_upgrades)
        if database.is_server:
            await holder.commit()  # the lock stays

        async def at_once(part: Callable[[Connection], T]) -> T:
            return await holder.run_sync(part)

        async def apart(part: Callable[[Connection], T]) -> T:
            async with engine.connect() as connection:
                await connection.execution_options(**{WRITES: True})
                async with connection.begin():
                    return await connection.run_sync(part)

        if not database.is_server:
            yield at_once
            await holder.commit()
            return
        try:
            yield apart
        finally:
            await _release(holder)


async def _release(holder: AsyncConnection) -> None:
    try:
        await holder.run_sync(dialect_of(holder).release_upgrades)
    except BaseException:
        # A connection that ends gives up what it holds; the pool must not lend it to others.
        await holder.invalidate()
        raise


async def _take(step: Step, run: _Runner) -> None:
    # Said before anything is changed: MariaDB commits each change of a table by itself.
    await run(lambda connection: _say_begun(connection, step))
    await run(step.begin)
    for fill in step.fills:
        done: int | None = 0
        with progress(await run(fill.rows), f"schema {step.number}", unit=" rows") as tell:
            while done is not None:
                before, done = done, await run(partial(fill.fill, after=done, count=ROWS))
                tell(0 if done is None else done - before)
    await run(lambda connection: _finish(connection, step))


def _say_begun(connection: Connection, step: Step) -> None:
    create_version_table(connection)
    changed = connection.execute(
        update(SchemaRecord)
        .where(_columns.schema_id == SCHEMA_ROW)
        .values(schema_begun=step.number)
    )
    if not changed.rowcount:
        stamp(connection, version=step.number - 1, begun=step.number)


def _finish(connection: Connection, step: Step) -> None:
    step.finish(connection)
    connection.execute(
        update(SchemaRecord)
        .where(_columns.schema_id == SCHEMA_ROW)
        .values(
            schema_version=step.number,
            schema_begun=None,
            schema_oldest_reader=step.oldest_reader,
            schema_oldest_writer=step.oldest_writer,
            schema_library=__version__,
            schema_upgraded_at=utc_now(),
        )
    )


def _refuse_taken_names(
    connection: Connection, facts: StoreFacts, missing: list[Step], shown: str
) -> None:
    """Refuse tables and columns of somebody else's under names that a step wants.

    Raises:
        SchemaError: There are some, or this account may not make a step's triggers. What a step
            has added that was broken off is none, nor is all that it adds: then the row is lost
            that says that it was taken.
    """
    for step in missing:
        if step.guarded:
            refuse_without_triggers(connection, shown)
        for table in step.tables:
            _refuse_taken_table(connection, table, shown)
        if step.number == facts.begun:
            continue
        for table in {**step.renames, **step.columns}:
            names = step.new_columns(table)
            present = {column["name"] for column in inspect(connection).get_columns(table)}
            taken = sorted(present & set(names))
            if taken and len(taken) < len(names):
                one = taken[0]
                raise SchemaError(
                    f"The table {table!r} of {shown} has "
                    f"{counted(len(taken), 'column')} of a class of yours under a name that is "
                    f"artigraph's now: {', '.join(taken)}. Nothing was changed. Rename each, as in "
                    f"ALTER TABLE {table} RENAME COLUMN {one} TO my_{one}, and so in the class "
                    "that declares it; then run this again."
                )


def _refuse_taken_table(connection: Connection, name: str, shown: str) -> None:
    inspector = inspect(connection)
    if not inspector.has_table(name):
        return
    present = {column["name"] for column in inspector.get_columns(name)}
    own = Base.metadata.tables[name].columns
    if lacking := [column.name for column in own if column.name not in present]:
        raise SchemaError(
            f"{shown} has a table {name!r} of yours, under a name that is artigraph's now: it has "
            f"no columns {', '.join(lacking)}. Nothing was changed. Rename it, as in ALTER TABLE "
            f"{name} RENAME TO my_{name}; then run this again."
        )
