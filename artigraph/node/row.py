"""New rows, whole trees of them, in a handful of statements.

Children need their parent's id, so the ids of a whole write are reserved
first, inside its transaction; then every level is one plain bulk insert.
The number of statements does not grow with the number of rows.

A bulk insert goes at the driver's own speed: SQLAlchemy compiles the statement and
converts the values; only its bookkeeping of parameters, row by row, is left out. That
takes 20,000 rows from 0.32 s to 0.14 s; see ``docs/decisions/0002-bulk-inserts.md``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    bindparam,
    column,
    insert,
    literal_column,
    table as bare_table,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from artigraph.db.session import read, write
from artigraph.db.store import Store
from artigraph.db.transaction import Transaction
from artigraph.dialect.registry import dialect_of
from artigraph.errors import (
    CycleError,
    DatabaseRefusedError,
    LabelError,
    LockedError,
    ParentNotFoundError,
    SerializationError,
)
from artigraph.filter.value import among
from artigraph.garbage import collector_paused
from artigraph.node.closed import closed_parent, raise_locked, without_lines
from artigraph.node.key import id_of_parent
from artigraph.orm.base import is_clean, utc_now
from artigraph.orm.node import LABEL_LENGTH, NODE_ID_SEQUENCE, Node, node_table
from artigraph.orm.uid import uids_now

__all__ = [
    "NewRow",
    "RowWriter",
    "check_label",
    "refuse_too_long",
    "row_writer",
]


@dataclass(slots=True, eq=False)
class NewRow:
    """A row to be inserted."""

    node_type: type[Node]
    label: str | None
    parent: NewRow | int | None
    """The row above: a new one as well, one that exists, or none."""
    columns: dict[str, Any]
    """Its further columns by name."""
    node_id: int | None = None
    """Reserved when it is inserted, unless it is given."""
    written_at: datetime | None = None
    """When it was inserted."""
    store: Store | None = None
    """The store that it was inserted into."""
    user: str | None = None
    """Who has inserted it."""
    uid: bytes = b""
    """Its name in every database, unless one was chosen."""
    depth: int = 0
    """How many new rows stand above it."""

    def __post_init__(self) -> None:
        if isinstance(self.parent, NewRow):
            self.depth = self.parent.depth + 1

    def hang_under(self, parent: NewRow | int | None) -> None:
        """Choose the row above only now; it must be inserted before this one."""
        self.parent = parent

    @property
    def parent_id(self) -> int | None:
        """The id of the row above, once that is known."""
        return self.parent.node_id if isinstance(self.parent, NewRow) else self.parent

    def all_columns(self) -> dict[str, Any]:
        """The whole row by column, once it is inserted."""
        return {
            "node_id": self.node_id,
            "node_parent_id": self.parent_id,
            "node_type": self.node_type.__mapper__.polymorphic_identity,
            "node_label": self.label,
            "node_created_at": self.written_at,
            "node_updated_at": self.written_at,
            "node_uid": UUID(bytes=self.uid) if self.uid else None,
            **self.columns,
            "node_created_by": self.user,
            "node_updated_by": self.user,
        }


def _join_chosen(rows: Sequence[NewRow]) -> None:
    """Let rows find their parents among the others, by ids that somebody chose.

    Raises:
        CycleError: They are each other's parents.
    """
    chosen = {row.node_id: row for row in rows if row.node_id is not None}
    moved = []
    for row in rows:
        if isinstance(row.parent, int) and row.parent in chosen:
            row.parent = chosen[row.parent]
            moved.append(row)
    for row in moved:
        above: NewRow | int | None = row.parent
        row.depth = 0
        while isinstance(above, NewRow):
            row.depth += 1
            if row.depth > len(rows):
                raise CycleError(
                    f"Node {row.node_id} would be its own ancestor. Nothing was written."
                )
            above = above.parent


@dataclass(eq=False)
class RowWriter:
    """Inserts rows in one transaction."""

    transaction: Transaction
    _written: list[NewRow] = field(default_factory=list)

    @property
    def connection(self) -> AsyncConnection:
        """The transaction's connection."""
        return self.transaction.connection

    @property
    def store(self) -> Store | None:
        """The store that the transaction is in."""
        return self.transaction.store

    async def insert(self, rows: Sequence[NewRow], *, last: bool = False) -> None:
        """Insert rows and give them ids; the rows above each must come with it or exist.

        Args:
            rows: The rows.
            last: Nothing else is done in the transaction after this.

        Raises:
            LabelError: A label that no database could hold.
            ParentNotFoundError: What is no id stands for a row above.
        """
        for row in rows:
            check_label(row.label)
            if row.parent is not None and not isinstance(row.parent, NewRow):
                row.parent = id_of_parent(row.parent, row.label, self.store)
        self._written += rows
        _join_chosen(rows)
        await self.transaction.run(partial(self._insert, rows), last=last)

    def _insert(self, rows: Sequence[NewRow], connection: Connection) -> None:
        with collector_paused():
            self._insert_all(rows, connection)

    def _insert_all(self, rows: Sequence[NewRow], connection: Connection) -> None:
        unnumbered = [row for row in rows if row.node_id is None]
        numbered = [row.node_id for row in rows if row.node_id is not None]
        above = {row.parent for row in rows if isinstance(row.parent, int)}
        highest = max(numbered, default=0)
        dialect, table = dialect_of(connection), node_table.name
        if numbered:
            dialect.count_past(connection, NODE_ID_SEQUENCE, highest)
        if unnumbered:
            reserved, closed = dialect.reserve_ids(
                connection, table, NODE_ID_SEQUENCE, len(unnumbered), highest, above
            )
            for row, node_id in zip(unnumbered, reserved, strict=True):
                row.node_id = node_id
        else:
            closed = dialect.closed_among(connection, table, above)
        if closed is not None:
            raise closed_parent(connection, closed)
        now, store, user = utc_now(), self.transaction.store, self.transaction.user
        batches: dict[tuple[int, tuple[str, ...]], list[NewRow]] = {}
        for row, uid in zip(rows, uids_now(len(rows)), strict=True):
            row.written_at, row.store, row.user, row.uid = now, store, user, uid
            batches.setdefault((row.depth, tuple(row.columns)), []).append(row)
        for key in sorted(batches):
            _insert_batch(connection, batches[key], key[1], now, self.transaction.author)

    def note(
        self, node_id: int, parent_id: int | None, label: str | None, uid: UUID | None = None
    ) -> None:
        """Remember a row that an update moves or renames, to explain what it breaks."""
        columns = {} if uid is None else {"node_uid": uid}
        self._written.append(NewRow(Node, label, parent_id, columns, node_id))

    def when_done(self, change: Callable[[], None], *, undo: Callable[[], None]) -> None:
        """Change something in memory once the transaction has held.

        Args:
            change: Makes the change.
            undo: Takes it back, should a session around the transaction be
                rolled back after all.
        """
        self.transaction.on_success.append(change)
        self.transaction.on_rollback.append(undo)

    async def explain(self) -> None:
        """Say in artigraph's words which constraint the rows have broken.

        Raises:
            ParentNotFoundError: A row above does not exist.
            LabelExistsError: A label is taken.
            NameTakenError: A chosen uid is.
        """
        from artigraph.node.broken import explain_labels, explain_parents, explain_uids

        async with read() as connection:
            await explain_parents(connection, self._written)
            await explain_labels(connection, self._written)
            await explain_uids(connection, self._written)


def _insert_batch(
    connection: Connection,
    rows: Sequence[NewRow],
    names: Iterable[str],
    now: datetime,
    user: str | None,
) -> None:
    columns: dict[str, Sequence[Any]] = {
        "node_id": [row.node_id for row in rows],
        "node_parent_id": [row.parent_id for row in rows],
        "node_type": [row.node_type.__mapper__.polymorphic_identity for row in rows],
        "node_label": [row.label for row in rows],
        "node_created_at": [now] * len(rows),
        "node_updated_at": [now] * len(rows),
        "node_uid": [row.uid for row in rows],
    }
    columns |= {name: [row.columns[name] for row in rows] for name in names if name not in _AUTHORS}
    # By type too: the cell that defines a class may change a column's and run again.
    types = tuple(node_table.c[name].type for name in columns)
    text, order, processors = _prepare(tuple(columns), types, connection.dialect, user)
    converted = (
        columns[name] if process is None else map(process, columns[name])
        for name, process in zip(order, processors, strict=True)
    )
    values = list(zip(*converted, strict=True))
    if dialect_of(connection).statement_limit is not None:
        for row, sent in zip(rows, values, strict=True):
            if any(type(one) in _TEXTS and len(one) > _LONG for one in sent):
                refuse_too_long(connection, row, dict(zip(order, sent, strict=True)))
    connection.exec_driver_sql(text, values)


_TEXTS = frozenset({str, bytes})
_LONG = 100_000
"""From this many characters or bytes on a value may be too long for some server."""


def refuse_too_long(connection: Connection, row: NewRow, values: Mapping[str, object]) -> None:
    """Refuse a row that the server takes no statement for, before it hangs up on it.

    Args:
        connection: To the database.
        row: The row.
        values: What is sent of it, by column.

    Raises:
        SerializationError: It is too long.
    """
    database = dialect_of(connection)
    if database.statement_limit is None:
        return
    texts = {name: value for name, value in values.items() if isinstance(value, str | bytes)}
    if sum(map(len, texts.values())) < _LONG:
        return
    sizes = {name: database.sent_bytes(value) for name, value in texts.items()}
    # It holds as long as the connection.
    limit = connection.info.get(database.statement_limit)
    if limit is None:
        asked = connection.exec_driver_sql(f"SELECT @@{database.statement_limit}")
        limit = connection.info[database.statement_limit] = asked.scalar_one()
    if sum(sizes.values()) + _AROUND < limit:
        return
    what = f"{row.node_type.__name__} {row.label!r}"
    if isinstance(row.parent, NewRow):
        what += f" of {row.parent.label!r}"
    raise SerializationError(
        f"The {what} is too long for {database.title}: its {max(sizes, key=lambda n: sizes[n])} "
        f"takes {max(sizes.values()):,} bytes in a statement, which may have {limit:,}. Nothing "
        "was written. Keep the value in a storage, as a field is that is annotated as "
        f"Annotated[…, FileSystemStorage('files')], or let the server's {database.statement_limit} "
        "be raised."
    )


_AROUND = 4096
"""Bytes of a statement beside what it sends of texts and bytes."""


@lru_cache(maxsize=64)
def _prepare(
    names: tuple[str, ...], types: tuple[TypeEngine[Any], ...], dialect: Dialect, user: str | None
) -> tuple[str, Sequence[str], Sequence[Callable[[Any], Any] | None]]:
    """The statement, its parameters in their order, and what converts each."""
    by_name = dict(zip(names, types, strict=True))
    parameters = {name: bindparam(name, type_=type_) for name, type_ in by_name.items()}
    # The real table would add the defaults of columns that these rows do not have.
    own = {} if user is None else dict.fromkeys(_AUTHORS, _quoted(user))
    into = bare_table(node_table.name, *(column(name) for name in {**by_name, **own}))
    compiled = insert(into).values({**parameters, **own}).compile(dialect=dialect)
    # All three drivers count parameters, and a statement has its own order.
    order = compiled.positiontup or names
    return (
        str(compiled),
        order,
        [by_name[name].dialect_impl(dialect).bind_processor(dialect) for name in order],
    )


_AUTHORS = ("node_created_by", "node_updated_by")


def _quoted(user: str) -> ColumnElement[str]:
    """A name as a part of the statement: of each row it would be sent twice."""
    return literal_column("'" + user.replace("'", "''") + "'")


@asynccontextmanager
async def row_writer() -> AsyncIterator[RowWriter]:
    """A transaction to insert rows in; a broken constraint is told in plain words.

    Raises:
        ParentNotFoundError: A row above does not exist.
        LabelExistsError: A label is taken under its parent.
        NameTakenError: A uid that was chosen is another row's.
        LockedError: A row that was to be changed is locked.
    """
    writer: RowWriter | None = None
    try:
        async with write() as transaction:
            writer = RowWriter(transaction)
            yield writer
    except ParentNotFoundError as error:
        raise without_lines(error) from None
    except DatabaseRefusedError as error:
        if writer is not None and isinstance(error.__cause__, IntegrityError):
            await writer.explain()
        raise
    except LockedError as error:
        ids = [row.node_id for row in writer._written] if writer is not None else []
        await raise_locked(error, among(node_table.c.node_id, ids))


def check_label(label: str | None) -> None:
    """Refuse a label that some database could not hold, or would change.

    Raises:
        LabelError: It is no text, empty, too long, or has characters that are
            not text.
    """
    if label is None:
        return
    if not isinstance(label, str):
        raise LabelError(f"A label is a text, not {label!r} ({type(label).__name__}).")
    if not label or len(label) > LABEL_LENGTH:
        raise LabelError(
            f"A label has 1 to {LABEL_LENGTH} characters; {label[:40]!r}… has {len(label)}."
            if label
            else f"A label has 1 to {LABEL_LENGTH} characters; this one is empty."
        )
    if not is_clean(label):
        raise LabelError(f"The label {label!r} holds a NUL or a lone surrogate, which is no text.")
