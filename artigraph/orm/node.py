"""The one table: every node, artifact and model is a row of it.

Single-table inheritance keeps a tree in one place, so that a subtree is one
recursive query whatever hangs in it. Subclassing :class:`Node` adds columns
to the table; ``artigraph.orm.subclass`` says how.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeAlias, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import JSON, Column, ForeignKey, Index, LargeBinary, Sequence, Table, inspect
from sqlalchemy.orm import Mapped, mapped_column, relationship
from typing_extensions import override

from artigraph.display.escape import cut
from artigraph.display.facts import Facts
from artigraph.display.options import Limits, options
from artigraph.display.row import (
    RowFact,
    RowFacts,
    describe_row,
    facts_of_columns,
    row_cells,
    row_fact,
    row_fields,
)
from artigraph.display.shown import Shown
from artigraph.display.tag import tag_texts
from artigraph.display.value import brief, format_time
from artigraph.orm.base import Base, BinaryName, NodeId, UTCDateTime, utc_now
from artigraph.orm.friendly import Askable, spoken_fields
from artigraph.orm.snapshot import watch_documents
from artigraph.orm.subclass import TypesByIdentity, defining_subclass
from artigraph.orm.uid import Uid
from artigraph.registry import did_you_mean

__all__ = [
    "BESIDE",
    "LABEL_LENGTH",
    "NODE_ID_SEQUENCE",
    "PATH",
    "TAGS",
    "Node",
    "NodeLike",
    "column_names",
    "columns_of",
    "is_users",
    "node_table",
    "row_of",
    "tell_in_tree",
    "tell_row",
    "tree_columns",
    "users_columns",
]

LABEL_LENGTH = 255
"""Characters in a label: MariaDB's longest index key allows no more."""

NODE_ID_SEQUENCE = "artigraph_node_id_seq"
"""Where PostgreSQL and MariaDB count ids; SQLite has a table of its own for that."""

TAGS = "node_tags"
"""Under which a row that was read with its tags has them, as they are shown."""
PATH = "node_path"
"""Under which it has the labels of all above it, if read, by the parent that it had then."""
BESIDE = "node_beside"
"""Under which it has a table that is shown below its columns, if read."""

LONGEST = 80
"""Characters of a row's type, or of who has written it, that are shown."""


def _tell_id(told: RowFacts, node_id: object) -> None:
    told.note("id", cut(str(node_id), 20), cell="id")


def _tell_parent(told: RowFacts, parent_id: object) -> None:
    if told.path:
        path = " / ".join("?" if step is None else cut(step, 60) for step in told.path)
        told.note("path", path, cell="path")
    else:
        below = cut(str(parent_id), 20)
        told.note("below node", below)
        told.cells["below"] = below


def _tell_label(told: RowFacts, label: object) -> None:
    told.label = told.cells["label"] = cut(str(label), LABEL_LENGTH)


def _tell_created(told: RowFacts, moment: object) -> None:
    created = _moment(moment)
    told.note("created", created + _by(told.row.get("node_created_by")))
    told.cells["created (UTC)"] = created.removesuffix(" UTC")


def _tell_updated(told: RowFacts, moment: object) -> None:
    if moment != told.row.get("node_created_at"):
        told.note("updated", _moment(moment) + _by(told.row.get("node_updated_by")))


def _tell_locked(told: RowFacts, moment: object) -> None:
    told.badge("locked", "state")


def _by(name: object) -> str:
    """Who that was, where it is known."""
    return f" by {cut(name, LONGEST)}" if isinstance(name, str) else ""


def _moment(value: object) -> str:
    return format_time(value) if isinstance(value, datetime) else cut(str(value), 40)


class Node(Askable, Shown, Base):
    """A row of the tree.

    Args:
        **columns: Values of its columns by name; the class's default, or ``None``, unless given.

    Raises:
        TypeError: A name that is no column of the class.

    Subclass it to keep more about a thing; every further column is nullable
    in the table, since rows of other classes have no value for it::

        class Run(Node):
            __mapper_args__ = {"polymorphic_identity": "run"}
            run_started_at: Mapped[datetime]
            run_ended_at: Mapped[datetime | None] = None
    """

    __tablename__ = "artigraph_node"
    __mapper_args__ = {
        "polymorphic_on": "node_type",
        "polymorphic_identity": "node",
        # One SELECT brings every subclass's columns: nothing can be loaded later from a repr.
        "with_polymorphic": "*",
    }
    __table_args__ = (
        # No two NULL parents are equal, so the labels of roots are free.
        Index("artigraph_node_parent_label", "node_parent_id", "node_label", unique=True),
        # With the id, so that children are paged by key in every database.
        Index("artigraph_node_parent", "node_parent_id", "node_id"),
        Index("artigraph_node_type", "node_type"),
        Index("artigraph_node_uid", "node_uid", unique=True),
    )

    node_id: Mapped[int] = mapped_column(
        NodeId, Sequence(NODE_ID_SEQUENCE), primary_key=True, info=row_fact("id", _tell_id)
    )
    """The key, counted up and never used twice; ``None`` until written."""
    node_parent_id: Mapped[int | None] = mapped_column(
        NodeId, ForeignKey("artigraph_node.node_id"), info=row_fact("parent", _tell_parent)
    )
    """The node that this one hangs on; ``None`` for a root."""
    node_type: Mapped[str] = mapped_column(BinaryName(255))
    """The class's ``polymorphic_identity``."""
    node_label: Mapped[str | None] = mapped_column(
        BinaryName(LABEL_LENGTH), info=row_fact("label", _tell_label)
    )
    """A name, unique under one parent."""
    node_created_at: Mapped[datetime] = mapped_column(
        UTCDateTime(), default=utc_now, info=row_fact("created", _tell_created)
    )
    """When the row was first written, in UTC."""
    node_updated_at: Mapped[datetime] = mapped_column(
        UTCDateTime(),
        default=utc_now,
        onupdate=utc_now,
        info=row_fact("updated", _tell_updated),
    )
    """When the row was last written, in UTC."""
    node_uid: Mapped[UUID | None] = mapped_column(Uid)
    """Which row it is in every database that it is copied to; they sort by time."""
    node_created_by: Mapped[str | None] = mapped_column(BinaryName(255))
    """Who first wrote it: the user of the server; with SQLite the account, or ``set_user()``."""
    node_updated_by: Mapped[str | None] = mapped_column(BinaryName(255))
    """Who last wrote it."""
    node_locked_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime(), info=row_fact("locked", _tell_locked, in_trees=True)
    )
    """Since when the database refuses to change or delete the row; ``None`` if it may be."""
    node_trashed_at: Mapped[datetime | None] = mapped_column(UTCDateTime())
    """When it was thrown away: no read finds it then."""

    # Only for a parent that has no id yet: SQLAlchemy then inserts both in order.
    _unwritten_parent: Mapped[Node | None] = relationship(
        remote_side=[node_id], lazy="raise", cascade="save-update"
    )

    def __init__(self, **columns: object) -> None:
        mapper = self.__mapper__
        known = mapper.column_attrs.keys() + mapper.synonyms.keys()
        for name in columns:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__} has no column {name!r}. {did_you_mean(name, known)}"
                )
        for name, default in self.__node_defaults__.items():
            columns.setdefault(name, deepcopy(default))
        for name, value in columns.items():
            setattr(self, name, value)

    __node_defaults__: ClassVar[dict[str, Any]] = {}
    __node_rules__: ClassVar[dict[str, Column[Any]]] = {}
    __node_documents__: ClassVar[tuple[str, ...]] = ()
    __node_declared__: ClassVar[dict[str, object]] = {}
    __node_facts__: ClassVar[dict[str, RowFact]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        with defining_subclass(cls, Node.__mapper__):
            super().__init_subclass__(**kwargs)
        cls.__node_documents__ = watch_documents(cls)

    # What follows reads what is loaded only: a repr never goes to the database.
    def _loaded(self) -> dict[str, Any]:
        """Columns by name, those without a value left out; one that has expired knows its key."""
        identity = inspect(self).identity
        values = {**({} if identity is None else {"node_id": identity[0]}), **vars(self)}
        names = column_names(type(self))
        return {name: values[name] for name in names if values.get(name) is not None}

    def _tell(self, loaded: Mapping[str, Any], limits: Limits) -> RowFacts:
        return tell_row(
            type(self),
            loaded,
            limits,
            path=vars(self).get(PATH, {}).get(loaded.get("node_parent_id")),
            tags=vars(self).get(TAGS),
            expired=bool(inspect(self).expired_attributes),
        )

    def _fields(self, loaded: Mapping[str, Any], *, in_list: bool) -> dict[str, Any]:
        """Columns that stand among the fields of a card, or have one of a list."""
        return row_fields(loaded, type(self).__node_facts__, columns_of(Node), in_list=in_list)

    def _cells(self, limits: Limits) -> dict[str, str]:
        told = self._tell(loaded := self._loaded(), limits)
        shown = spoken_fields(type(self), self._fields(loaded, in_list=True), told.cells)
        return row_cells(told, shown, limits)

    def _noun(self) -> str:
        return "nodes"

    @override
    def _describe(self, limits: Limits) -> Facts:
        loaded, beside = self._loaded(), vars(self).get(BESIDE)
        fields = spoken_fields(type(self), self._fields(loaded, in_list=False))
        facts = describe_row(self._tell(loaded, limits), fields, limits)
        return replace(facts, table=beside(limits)) if callable(beside) else facts

    def _brief_key(self) -> str:
        keys = ("node_id", "node_parent_id", "node_label")
        shown = (f"{name}={v!r}" for name, v in self._loaded().items() if name in keys)
        return f"{type(self).__name__}({', '.join(shown)})"

    @override
    def _brief(self, limits: Limits) -> str:
        shown = (f"{name}={_brief(value, limits)}" for name, value in self._loaded().items())
        return f"{type(self).__name__}({', '.join(shown)})"


def tell_row(
    node_type: type[Node],
    row: Mapping[str, Any],
    limits: Limits,
    *,
    path: Collection[str | None] | None = None,
    tags: object = None,
    expired: bool = False,
) -> RowFacts:
    """What the columns of a row tell.

    Args:
        node_type: The class that the row is read as.
        row: Its columns by name, as far as they are loaded.
        limits: How much of it is shown.
        path: The labels of what it hangs on, from the root down, if they were read.
        tags: Its tags, if they were read.
        expired: Whether columns would have to be read again.
    """
    told = RowFacts(node_type.__name__, row, node_type.__node_facts__, limits, path or ())
    if row.get("node_type") not in (None, node_type.__mapper__.polymorphic_identity):
        # A row whose class is not defined here is read as a plain Node.
        told.badge(cut(str(row["node_type"]), LONGEST))
    if expired:
        told.badge("not loaded")
    if row.get("node_id") is None:
        told.badge("not written")
    for text in tag_texts(tags) if tags else ():
        told.badge(text, "tag")
    return told


def tree_columns() -> tuple[str, ...]:
    """The columns that tell something of their rows in trees, of all classes."""
    classes = (mapper.class_ for mapper in Node.__mapper__.self_and_descendants)
    told = (item for cls in classes for item in cls.__node_facts__.items())
    names = dict.fromkeys(column for column, fact in told if fact.in_trees)
    columns = {name: node_table.c[name] for name in names if name in node_table.c}
    # Values and documents are not read for a tree.
    return tuple(n for n, c in columns.items() if not isinstance(c.type, LargeBinary | JSON))


def tell_in_tree(node_type: str, columns: Mapping[str, Any]) -> tuple[str, bool]:
    """What a row tells in trees, on one line, and whether it went wrong.

    Args:
        node_type: The ``polymorphic_identity`` of its class.
        columns: Those of :func:`tree_columns`, by name.
    """
    facts = Node.__mapper__.polymorphic_map[node_type].class_.__node_facts__
    shown = {column: fact for column, fact in facts.items() if fact.in_trees}
    told = RowFacts("", columns, shown, options.limits)
    texts = [*(badge.text for badge in told.badges), *(" ".join(note) for note in told.notes)]
    return " · ".join(texts), any(badge.role == "failed" for badge in told.badges)


def _brief(value: object, limits: Limits) -> str:
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    return f"{value:%Y-%m-%d %H:%M:%S%z}" if isinstance(value, datetime) else brief(value, limits)


class HoldsRow(Protocol):
    """A row beside its value, as a write returns it."""

    @property
    def artifact(self) -> Node:
        """The row."""
        ...


NodeLike: TypeAlias = int | Node | HoldsRow
"""What stands for a written node: its id, the node, or what holds it beside its value."""


def row_of(given: object) -> object:
    """The row of what holds one beside its value, such as what a write has returned.

    Args:
        given: That, or a row, or whatever else a caller gave.

    Returns:
        The row, else what was given.
    """
    row = None if isinstance(given, Node) else getattr(given, "artifact", None)
    return row if isinstance(row, Node) else given


def column_names(node_type: type[Node]) -> list[str]:
    """Names of the columns that a node class has, in the order of the table."""
    return list(columns_of(node_type))


def columns_of(node_type: type[Node]) -> dict[str, Column[Any]]:
    """The columns that a node class has, by attribute; not to be changed."""
    attributes = node_type.__mapper__.column_attrs
    seen = _columns.get(node_type)
    # SQLAlchemy makes that collection anew when a class gains an attribute.
    if seen is None or seen[0] is not attributes:
        columns = {
            attribute.key: attribute.columns[0]
            for attribute in attributes
            if isinstance(attribute.columns[0], Column)
        }
        seen = _columns[node_type] = (attributes, columns)
    return seen[1]


def users_columns(node_type: type[Node]) -> dict[str, Column[Any]]:
    """Those of them that no class of artigraph's own has declared."""
    return {name: column for name, column in columns_of(node_type).items() if is_users(column)}


def is_users(column: Column[Any]) -> bool:
    """Whether no class of artigraph's own has declared a column."""
    owner: str = column.info.get("artigraph_owner", "artigraph.")
    return not owner.startswith("artigraph.")


_columns: WeakKeyDictionary[type[Node], tuple[object, dict[str, Column[Any]]]]
_columns = WeakKeyDictionary()


node_table: Table = cast(Table, Node.__table__)
"""The table of all nodes, for statements that need no Node objects."""

Node.__node_facts__ = facts_of_columns("Node", {}, {c.name: c.info for c in node_table.columns})

# A row whose class is not defined in this process is read as a plain Node.
Node.__mapper__.polymorphic_map = TypesByIdentity(Node.__mapper__)
