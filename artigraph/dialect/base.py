"""What artigraph asks of a database, with the everyday answers.

A database derives from :class:`Dialect` and says what is different there. It stands
below the tables, whose columns have types of it: it meets connections and engines of
SQLAlchemy's, and neither rows nor sessions.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias
from uuid import UUID

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    Table,
    event,
    inspect,
)
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from artigraph.dialect.guard import Guards
from artigraph.dialect.json import JsonFunctions
from artigraph.dialect.roles import RoleStatements
from artigraph.dialect.tag import Tags
from artigraph.errors import FilterError

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "CONNECT_SECONDS",
    "EPOCH",
    "FIELD_COLUMN",
    "FIELD_COLUMNS",
    "LABEL_INDEX",
    "MOVES",
    "ONLY_READS",
    "ON_LINE",
    "SCHEMA",
    "WAIT_SECONDS",
    "WRITES",
    "Dialect",
    "Traveller",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Where SQLAlchemy counts durations from, in databases without a type for them."""

FIELD_COLUMN = "artigraph_field_"
"""How what belongs to an indexed field begins: its index, and its column if it has one."""

FIELD_COLUMNS = "artigraph_field_columns"
"""The attribute of SQLAlchemy's dialect with the names of the columns that stand for a
field, where the database has no indexes on expressions."""

LABEL_INDEX = "artigraph_label_index"
"""What finds labels by a part of them."""

SCHEMA = 0x6172_7469_6772_6168
"""The lock of who makes tables. Any number that nothing else locks: ASCII for "artigrah"."""
MOVES = SCHEMA + 1
"""The lock of who hangs nodes under other parents."""

WAIT_SECONDS = 60
"""How long a connection waits for another one's lock."""

CONNECT_SECONDS = 60
"""How long a server may take to let somebody in, unless its address says otherwise."""

WRITES = "artigraph_writes"
"""The execution option of a connection whose transaction will write."""

ONLY_READS = "artigraph_only_reads"
"""In a connection's record: why it was told to refuse what writes, if it was."""

ON_LINE = (OSError, EOFError, struct.error)
"""What a driver hands on as it is when its line breaks off, perhaps amid a message."""

Traveller: TypeAlias = Callable[[Callable[[], None]], Coroutine[Any, Any, None]]
"""Calls a function on the thread that a connection works on; it must be awaited to its end."""

_LOOPBACK = frozenset({None, "", "localhost", "127.0.0.1", "::1"})


class Dialect(Tags, Guards, RoleStatements, ABC):
    """One database: facts as class attributes, and what is to be done as methods."""

    name: ClassVar[str]
    """As SQLAlchemy calls it; ``title`` is what people say."""
    title: ClassVar[str]
    driver: ClassVar[str]
    raises: ClassVar[str] = ""
    """The library whose errors the driver raises, if that is another one."""
    extra: ClassVar[str]
    """What to install for the driver."""
    example: ClassVar[str]
    """An address to type."""
    port = 0
    is_server = True
    """Addresses name a host, and a connection may be hung up on."""
    connect_timeout = "timeout"
    """What the driver calls the seconds that it waits for a server to let it in. In an address
    ``timeout`` says them for every server."""
    names_database: tuple[str, ...] = ()
    """Parameters of an address that may name the database in its place, where one is needed."""

    # Addresses and connections

    def resolved(self, url: URL) -> URL:
        """An address that means the same wherever the process changes to."""
        return url

    def is_memory(self, url: URL) -> bool:
        """Whether each connection to an address would have a memory database of its own."""
        return False

    def share_memory(self, url: URL) -> tuple[URL, sqlite3.Connection]:
        """The address of a new memory database for many connections, and what keeps it alive."""
        raise NotImplementedError

    def location(self, url: URL) -> tuple[str, str, int | None]:
        """What an address leads to: the database, its server, the process whose memory it is."""
        sockets = [str(url.query[name]) for name in ("host", "unix_socket") if name in url.query]
        host = "localhost" if url.host in _LOOPBACK else url.host
        server = f"{self.name}://{','.join(sockets) or host}:{url.port or self.port}"
        return url.database or (url.username or ""), server, None

    def prepare(self, engine: Engine) -> None:  # most want nothing
        """Set every connection up that an engine has or will open; twice is as once."""

    def refuse_writes(self, engine: Engine) -> None:
        """Have all connections that an engine's pool will open refuse whatever writes."""
        event.listen(engine, "connect", self._refuse_writes)

    def _refuse_writes(self, connection: Any, record: object) -> None:
        raise NotImplementedError(f"{self.title} has no connections that only read.")

    def refuse_missing(self, url: URL) -> None:  # a server says so by itself
        """Refuse the address of a file that connecting would make; it looks at the disk.

        Raises:
            EngineURLError: There is no such file.
        """

    def make_whole(self, engine: Engine) -> None:  # a server's affair
        """Leave nothing of the database outside of its file, as far as nobody is in the way."""

    def see_one_moment(self, connection: Connection) -> None:  # most do
        """Let all statements of a connection's next transaction, which reads, see one moment.

        A higher level that its engine was made with stays, and so does ``AUTOCOMMIT``.
        """

    def ask_once(self, connection: Connection) -> None:  # most need not know
        """Let a connection's next statement, which reads and is the only one, stand by itself."""

    def may_give_up(self, connection: Connection, error: BaseException) -> bool:
        """Whether the database may have rolled a transaction back by itself after an error."""
        return True

    def has_given_up(self, connection: Connection) -> bool:
        """Whether it has, of one that may have; a connection that is lost meanwhile raises."""
        return True

    conflicts: ClassVar[frozenset[object]] = frozenset()
    """The codes of errors with which one of two transactions has to give way, and may try again."""
    waits: ClassVar[frozenset[object]] = frozenset()
    """The same of one that has waited for the other as long as it may."""
    denials: ClassVar[frozenset[object]] = frozenset()
    """The same of a write without the right to it."""

    only_reads: ClassVar[frozenset[object]] = frozenset()
    """The same of a write on a connection that is told to refuse it."""

    losses: ClassVar[frozenset[object]] = frozenset()
    """The same of a connection that was closed at its other end."""

    def code(self, error: BaseException) -> object:
        """What the database calls an error of its driver's."""
        return error.args[0] if error.args else None

    def is_lost(self, error: BaseException) -> bool:
        """Whether an error of its driver's, or of the line to it, means that nobody answers."""
        return isinstance(error, ON_LINE) or self.code(error) in self.losses

    def refusing_tables(
        self, connection: Connection, error: BaseException, table: str
    ) -> Sequence[str]:
        """The tables whose foreign keys may have refused to let rows of a table go."""
        known = inspect(connection)
        return [
            name
            for name in known.get_table_names()
            if any(
                key["referred_table"] == table and "ondelete" not in key.get("options", {})
                for key in known.get_foreign_keys(name)
            )
        ]

    def advice(self, error: BaseException) -> str:
        """What to do where a database that was found does not let itself be opened."""
        return "The server has answered. See that it knows the user, the password and the database."

    # Rows

    statement_limit: ClassVar[str | None] = None
    """The server's setting that says how many bytes a statement may have, if there is one."""

    escaped = b""
    """The bytes of a value that take two in a statement."""

    def sent_bytes(self, value: str | bytes) -> int:
        """How many bytes a value takes in a statement."""
        data = value.encode() if isinstance(value, str) else value
        return len(data) + sum(map(data.count, self.escaped))

    def lock(self, connection: Connection, key: int) -> None:  # one writer at a time
        """Wait for a lock of the whole database, and hold it until the transaction has ended.

        It shuts out only who asks for the same one: nobody else pays for it.

        Raises:
            DatabaseBusyError: Another one held it for too long.
        """

    def traveller(self, connection: Connection) -> Traveller | None:
        """What takes several statements to where the database works, and back once.

        Returns:
            ``None`` where each statement is sent from here, as to a server.
        """
        return None

    locks_gaps = False
    """Locking a row that is not there locks the gap where it would be: two who then insert
    into that wait for each other for ever."""
    shows_first_read = False
    """Who writes is shown what was there when it first read, unless it asks with a lock."""
    checks_row_by_row = False
    """One statement may not delete a parent before its child."""
    commits_before_index = False
    """What a transaction has written is committed before an index is changed."""

    # Columns

    column_types: ClassVar[Mapping[str, TypeEngine[Any]]] = {}
    """Where SQLAlchemy's usual type does not do, by what a column is for: see ``orm.base``."""
    table_options: ClassVar[Mapping[str, Any]] = {}
    """What this database is told of every table, as SQLAlchemy has it."""
    index_options: ClassVar[Mapping[str, str]] = {}
    """The same of an index, with what the index has it in its ``info`` under: ``where``, the
    rows it is for, and ``most``, the characters that tell its texts apart."""

    def index_names(self, connection: Connection, table: Table) -> set[str]:
        """The indexes that a table has."""
        return {str(index["name"]) for index in inspect(connection).get_indexes(table.name)}

    checks_types = True
    """A column takes only what its type says, such as its length."""
    keeps_zones = keeps_durations = keeps_infinity = keeps_nan = False
    fills_char = decimals_are_floats = False
    """The spaces that ``CHAR`` is filled up with are read; no decimal is exact."""
    decimal_digits: ClassVar[int | None] = None
    """How many a decimal has whose type does not say; ``None`` for any number."""
    integer_bits: ClassVar[Mapping[type[TypeEngine[Any]], int]] = {Integer: 64}
    """Of 32 bits are the types that are not in it."""
    text_bytes: ClassVar[Mapping[type[TypeEngine[Any]], int]] = {}
    """Of columns that take fewer bytes than a text may have."""

    def gives_back(self, values: str, column: str) -> bool:
        """Whether a column of one kind gives values of another back; see ``orm.check.affinity``."""
        return values == column

    def second_digits(self, stored: TypeEngine[Any]) -> int:
        """How many digits of a second a column has."""
        return 6

    def keeps_float(self, stored: TypeEngine[Any], number: float) -> bool:
        """Whether a column gives a finite float back as it was."""
        return True

    def keeps_uuid(self, stored: TypeEngine[Any], value: UUID) -> bool:
        """Whether a column takes a UUID."""
        return True

    def shows_numeric(self, stored: TypeEngine[Any]) -> bool:
        """Whether a document is kept as values: floats without exponents, texts without NUL."""
        return False

    # Questions

    json: ClassVar[type[JsonFunctions]]
    """How it reads JSON."""
    document_json: Callable[[str], str] | None = None
    """What makes of a document that is cast to text the JSON that was written, if it is another."""
    number_type: ClassVar[TypeEngine[Any]] = Integer()
    """What numbers out of documents are compared as: a float would round integers."""
    exact_integers = 2**63
    """Decimals below this that are integers are compared as such."""
    labels: ClassVar[str | None] = None
    """SQL for the labels in the rows ``up(label, steps)`` as a JSON array; ``None`` where a
    subquery cannot be recursive and look at the row outside: then a few levels are joined."""

    def bound_number(self, value: object) -> object:
        """A number as it is compared with those out of documents."""
        if not isinstance(value, Decimal):
            return value
        # Integers may come back as decimals, which a float would round.
        whole = abs(value) < self.exact_integers and value == value.to_integral_value()
        return int(value) if whole else float(value)

    takes_any_parameters = False
    """A statement may have any number of them, and a long list of values is looked up in
    quickly; rows out of a JSON array would be searched anew for each row."""

    @abstractmethod
    def rows_of(self, array: str, values: str) -> str:
        """SQL for the rows of a JSON array of values: ``integer``, ``number`` or ``text``."""

    def nulls_last(self, value: Callable[[], str], ordered: str) -> str:
        """SQL for an order in which rows without a value come last.

        Args:
            value: Writes what is ordered by.
            ordered: That with its direction.
        """
        return f"{ordered} NULLS LAST"

    def begin_alike(self, value: str, text: str) -> str:
        """SQL for whether two texts begin alike as far as they are indexed; else true.

        Beside an equality it changes nothing, and lets the index be used.
        """
        return "1 = 1"

    async def field_columns(self, connection: AsyncConnection) -> frozenset[str]:
        """See which columns stand for indexed fields, so that statements name them."""
        return frozenset()

    async def create_field_index(
        self, connection: AsyncConnection, table: str, column: str, sql: str, form: str, *, of: str
    ) -> None:
        """Index a field of models or of nodes; an index that is there stays.

        Args:
            connection: To the database.
            table: The table of nodes.
            column: What a column for the field is called; the index has ``_ix`` behind.
            sql: SQL for the field's value, in parentheses.
            form: How the value is read.
            of: ``"models"``, ``"nodes"``, or ``"column"`` if it is one of nodes itself.
        """
        lead = "model_artifact_type" if of == "models" else "node_type"
        await connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {column}_ix ON {table} ({lead}, {sql}, node_id)"
        )

    async def drop_field_index(self, connection: AsyncConnection, table: str, column: str) -> None:
        """Remove what :meth:`create_field_index` has made."""
        await connection.exec_driver_sql(f"DROP INDEX IF EXISTS {column}_ix")

    async def create_label_index(self, connection: AsyncConnection, table: str) -> None:
        """Make what finds labels by a part of them; where it is there, nothing happens.

        Args:
            connection: To the database.
            table: The table of nodes.

        Raises:
            FilterError: There is nothing like it.
        """
        raise FilterError(
            f"{self.title} has no index that finds a part of a text. Searches answer without one: "
            "they read all labels."
        )

    async def label_candidates(
        self, connection: AsyncConnection, table: str, part: str, most: int
    ) -> list[int] | None:
        """The rows whose label may have a text in it, in any case.

        Args:
            connection: To the database.
            table: The table of nodes.
            part: The text.
            most: How many to tell of at the most.

        Returns:
            Their ids, and perhaps those of others; ``None`` if they are more, or no index tells.
        """
        return None
