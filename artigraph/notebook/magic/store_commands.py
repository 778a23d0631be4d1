"""Sub-commands about the store as a whole: connect, status, gc, check."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from IPython.core.error import UsageError
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Mapper

from artigraph.blob.collect import check_storage, collect_garbage
from artigraph.db.session import read, session_is_open
from artigraph.db.setting import current_setting, get_engine, set_engine
from artigraph.display.escape import counted, visible
from artigraph.display.facts import Facts, Table
from artigraph.display.options import options
from artigraph.display.value import format_size
from artigraph.errors import SchemaError, UnknownStorageError
from artigraph.filter.base import PRESENT
from artigraph.node.current import innermost
from artigraph.notebook.magic.parser import Call, Said, argument, command
from artigraph.notebook.magic.result import Report
from artigraph.notebook.magic.short_errors import NO_ENGINE
from artigraph.notebook.magic.trash_commands import age
from artigraph.notebook.magic.words import Word
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import node_table
from artigraph.orm.run import TrackedRun
from artigraph.orm.storage import StorageRecord
from artigraph.storage.base import Storage, get_storage

__all__: list[str] = []


@command(
    "connect",
    argument("url", nargs="?", metavar="URL", help="the address, or $variable that holds it"),
    argument("--url-from-env", metavar="NAME", help="the environment variable that holds it"),
    argument("--create-tables", action="store_true", help="make missing tables and columns"),
    argument("--read-only", action="store_true", help="only read: whatever writes is refused"),
    stage="begin",
)
async def connect(call: Call) -> object:
    """Set the database of this notebook, and see that it answers.

    An address with a password does not belong in a notebook: keep it in a variable
    ($address) or in the environment (--url-from-env DATABASE_URL). No output shows it.
    """
    args = call.args
    address = _address(call)
    reset = set_engine(address, create_tables=args.create_tables, read_only=args.read_only)
    try:
        await get_engine()
    except BaseException as error:
        if isinstance(error, SchemaError) and error.can_upgrade:
            raise  # the line that it advises needs the address
        reset()
        if isinstance(error, SchemaError) and not call.args.create_tables:
            hint = "Here, --create-tables at the end of the line does."
            if (still := current_setting()) is not None:
                hint += f" {still.shown_url} stays set."
            raise SchemaError(f"{error} {hint}") from error
        raise
    return reset


def _address(call: Call) -> Any:
    url, name = call.args.url, call.args.url_from_env
    if (url is None) is (name is None):
        raise UsageError(
            "Give one address: %artigraph connect URL, connect $variable, or "
            "connect --url-from-env NAME."
        )
    if name is None:
        return url.value
    if name.text not in os.environ:
        raise UsageError(f"The environment has no variable {visible(name.text, 60)!r}.")
    return os.environ[name.text]


_WHAT = ("runs", "models", "frames", "files", "other values", "other nodes")
"""What a store holds, in everyday words and in this order."""


def _counted() -> Select[Any]:
    """How many nodes of each sort there are, in one statement."""
    columns, kind = node_table.c, node_table.c.artifact_summary["kind"].as_string()
    identity = ModelArtifact.__mapper__.polymorphic_identity
    what = case(
        # Also of a class that is not defined here.
        (columns.tracked_run_status.is_not(None), "runs"),
        (columns.node_type.in_([m.polymorphic_identity for m in _runs()]), "runs"),
        (columns.node_type == identity, "models"),
        (kind == "frame", "frames"),
        (kind == "file", "files"),
        (columns.artifact_serializer.is_not(None), "other values"),
        else_="other nodes",
    ).label("what")
    sorted_ = select(what).where(PRESENT).subquery()
    return select(sorted_.c.what, func.count()).group_by(sorted_.c.what)


def _runs() -> Iterable[Mapper[Any]]:
    return TrackedRun.__mapper__.self_and_descendants


@command("status", stage="begin")
async def status(call: Call) -> object:
    """Tell which database is set, what it holds, and which node is current."""
    setting = current_setting()
    if setting is None:
        return Said(NO_ENGINE)
    async with read() as connection:
        found = (await connection.execute(_counted())).all()
    counts = {str(what): int(number) for what, number in found}
    total = sum(counts.values())
    current = innermost()
    lines = [counted(total, "node"), _current(current.node if current else None)]
    if session_is_open():
        lines.append("A session is open: what it writes is kept at its end.")
    rows = tuple((what, f"{counts[what]:,}") for what in _WHAT if what in counts)
    table = Table(("what", "nodes"), rows, gap=len(rows), numbers=frozenset({1}))
    about = setting._describe(options.limits)
    lines = [*about.lines, *lines]
    return Report(replace(about, lines=tuple(lines), table=table if rows else None))


def _current(node: Any) -> str:
    if node is None:
        return "No node is current: what is saved becomes a root."
    if node.node_id is None:
        return f"The current node, {node.node_label or 'without a label'}, is not written yet."
    return f"The current node is {node.node_id} {node.node_label or ''}".rstrip() + "."


_STORAGES = argument("storages", nargs="*", metavar="STORAGE", help="names; all, unless given")


@command(
    "gc",
    _STORAGES,
    argument("--older-than", metavar="AGE", help="as in 12h or 2d; one day, unless given"),
    argument("--yes", action="store_true", help="remove them"),
    stage="tidy",
)
async def gc(call: Call) -> Report:
    """Find blobs that no row names, as crashes leave them; --yes removes them.

    A storage that another database uses as well is none for this: its blobs have
    their rows there.
    """
    given = call.args.older_than
    older_than = timedelta(days=1) if given is None else age(given)
    known, unknown = await _storages(call.args.storages)
    rows = []
    for storage in known:
        found = await collect_garbage(storage, older_than=older_than, dry_run=not call.args.yes)
        rows.append((storage.name, f"{found.num_blobs:,}", format_size(found.nbytes)))
    any_found = any(row[1] != "0" for row in rows)
    todo = "These were removed." if call.args.yes else "%artigraph gc --yes removes them."
    line = todo if any_found else _nothing("Every blob has a row.", rows)
    columns = ("storage", "blobs without a row", "size")
    return Report(
        Facts(
            "Garbage",
            lines=(line,),
            table=_table(columns, rows, {1, 2}),
            warnings=unknown,
        )
    )


@command(
    "check",
    _STORAGES,
    argument("--verify", action="store_true", help="read every blob and compare its digest"),
    stage="tidy",
)
async def check(call: Call) -> Report:
    """See whether every row that names a blob has it; --verify reads all of their bytes."""
    known, unknown = await _storages(call.args.storages)
    rows, damaged = [], list(unknown)
    for storage in known:
        found = await check_storage(storage, verify=call.args.verify)
        rows.append(
            (
                storage.name,
                f"{found.num_rows:,}",
                format_size(found.nbytes),
                f"{found.num_missing:,}",
                f"{found.num_damaged:,}",
                f"{found.orphans.num_blobs:,}",
            )
        )
        damaged += [f"node {row.node_id} {row.label or ''}: {row.reason}" for row in found.rows]
    todo = (
        "All of their bytes were read."
        if call.args.verify
        else ("Their bytes were not read; %artigraph check --verify reads and compares them.")
    )
    columns = ("storage", "rows", "size", "missing", "damaged", "blobs without a row")
    table = _table(columns, rows, {1, 2, 3, 4, 5})
    line = _nothing(todo, rows)
    return Report(Facts("Blobs", lines=(line,), table=table, warnings=tuple(damaged)))


def _nothing(found: str, rows: Sequence[Any]) -> str:
    """What was found; or that there was nowhere to look."""
    return (
        found
        if rows
        else "Nothing to look at: no value has been kept in a storage yet, as in files."
    )


def _table(
    columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], numbers: set[int]
) -> Table | None:
    if not rows:
        return None
    return Table(columns, tuple(rows), gap=len(rows), numbers=frozenset(numbers))


async def _storages(words: Sequence[Word]) -> tuple[list[Storage], tuple[str, ...]]:
    """The storages that are meant, and what is to be said of those not known here."""
    if words:
        return [get_storage(word.text) for word in words], ()
    async with read() as connection:
        names = await connection.execute(
            select(StorageRecord.storage_name).order_by("storage_name")
        )
        recorded = [str(name) for name in names.scalars()]
    known, unknown = [], []
    for name in recorded:
        try:
            known.append(get_storage(name))
        except UnknownStorageError:
            unknown.append(f"The storage {name!r} is not defined here, so it was left out.")
    return known, tuple(unknown)
