"""What the columns of node classes hold, as far as filters ask for it.

A column's type tells what it is compared with; a document may hold anything. Names are
those of ``artigraph.orm.friendly``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column
from typing_extensions import override

from artigraph.errors import FilterError
from artigraph.filter.shape import METRICS, AnyShape, Path, Shape
from artigraph.filter.value import check_moment
from artigraph.orm.check.affinity import affinity_of
from artigraph.orm.friendly import friendly_names, named_columns, spoken_names, ways_of
from artigraph.orm.node import Node
from artigraph.types.record import Scalar, enumeration, instance
from artigraph.types.scalar import SCALARS_BY_NAME, SCALARS_BY_TYPE

__all__ = [
    "ColumnShape",
    "NodeShape",
    "any_node",
    "node_class_called",
    "node_classes",
    "owners_of",
]


def _moment(value: object) -> datetime:
    """A moment, of a datetime or of a text as reprs show it: in UTC where it names no zone."""
    if isinstance(value, str):
        found = datetime.fromisoformat(value.removesuffix(" UTC"))
        value = found if found.tzinfo else found.replace(tzinfo=UTC)
    moment: datetime = instance(datetime)(value)
    check_moment(moment)
    return moment


def _itself(*types: type[Any], but: tuple[type[Any], ...] = ()) -> Callable[[Any], Any]:
    return instance(*types, but=but)


def _of(name: str, **changed: Any) -> Scalar:
    return replace(SCALARS_BY_NAME[name], **changed)


# What stands in a column is compared as itself, and not as documents have it.
_SCALARS: Mapping[str, Scalar] = {
    "boolean": SCALARS_BY_NAME["bool"],
    "integer": SCALARS_BY_NAME["int"],
    "float": SCALARS_BY_NAME["float"],
    "text": SCALARS_BY_NAME["str"],
    "decimal": _of("decimal"),
    "datetime": _of(
        "datetime",
        store=_moment,
        parse=_moment,
        hint="Type 2024-01-31 or 2024-01-31T12:30, in UTC or with +02:00 and the like behind it.",
    ),
    "date": _of("date", store=_itself(SCALARS_BY_NAME["date"].types[0], but=(datetime,))),
    "time": _of("time", store=_itself(*SCALARS_BY_NAME["time"].types)),
    "interval": _of("timedelta", store=_itself(*SCALARS_BY_NAME["timedelta"].types)),
    "uuid": _of("uuid", store=_itself(*SCALARS_BY_NAME["uuid"].types)),
}


def _scalars_of(column: Column[Any]) -> Sequence[Scalar]:
    affinity = affinity_of(column.type)
    if affinity == "enum" and (members := getattr(column.type, "enum_class", None)) is not None:
        made = enumeration(members)
        return [replace(made, store=lambda value: members[made.store(value)], form="name")]
    if affinity == "enum":
        return [SCALARS_BY_NAME["str"]]
    if (known := _SCALARS.get(affinity or "")) is not None:
        return [known]
    if affinity in ("document", "bytes"):
        return []
    # A type of somebody's own is compared with values of what it says to hold.
    try:
        known = SCALARS_BY_TYPE.get(column.type.python_type)
    except NotImplementedError:
        return []
    return [] if known is None else [replace(known, store=_itself(*known.types))]


class ColumnShape(Shape):
    """A column of a node class, and what is in it if it holds documents.

    Args:
        column: The column, as the table has it.
    """

    def __init__(self, column: Column[Any]) -> None:
        self.is_document = affinity_of(column.type) == "document"
        nouns = {"document": "a document", "bytes": "bytes"}
        name = nouns.get(affinity_of(column.type) or "", str(column.type).lower())
        super().__init__(name, tuple(_scalars_of(column)))
        self.column = column

    @override
    def step(self, key: str) -> Shape | None:
        return AnyShape() if self.is_document else None


class NodeShape(Shape):
    """The columns of nodes of some classes.

    Args:
        classes: The class, or all that may be meant; a name stands for one column then.
    """

    is_row = False

    def __init__(self, *classes: type[Node]) -> None:
        super().__init__("a node", ())
        self._classes = classes
        self.used: dict[str, Column[Any]] = {}
        """The columns that were stepped into, by their own names."""

    @property
    @override
    def names(self) -> Sequence[str]:
        columns = (name for cls in self._classes for name in friendly_names(cls))
        return list(dict.fromkeys([*columns, METRICS]))

    @override
    def step(self, key: str) -> Shape | None:
        found: dict[str, Column[Any]] = {}
        owners: dict[str, str] = {}
        for cls in self._classes:
            column = named_columns(cls).get(key)
            if column is not None:
                found.setdefault(column.name, column)
                owners.setdefault(column.name, cls.__name__)
        if len(found) > 1:
            raise FilterError(
                f"Several columns are called {key!r}: {' and '.join(sorted(found))}. Say which by "
                f"its whole name, or whose, as in NodeFilter(node_type={min(owners.values())}, …)."
            )
        for name, column in found.items():
            self.used[name] = column
            return ColumnShape(column)
        if key != METRICS:
            return None
        from artigraph.filter.metric import MetricsShape  # for whoever asks for one

        return MetricsShape()

    def whole_paths(self, path: Path) -> list[Path]:
        """What a path may mean that was typed with dots, the likeliest first.

        A name that is no column's is a key of the document that is open for it, or a metric.

        Raises:
            FilterError: Several documents may be meant.
        """
        from artigraph.filter.metric import metric_paths

        found = self.step(path[0])
        if path[0] == METRICS and found is not None and found.column is None and len(path) > 1:
            return metric_paths(path[1:])
        if found is not None:
            return [path]
        opened = dict.fromkeys(self._opened())
        if len(opened) > 1:
            raise FilterError(
                f"{path[0]!r} may be looked for in {' and '.join(opened)}. Say in which, as in "
                f"{next(iter(opened))}.{path[0]}."
            )
        # Of a class without such a document it is misspelt, more likely than a metric.
        return [(*opened, *path), *metric_paths(path)] if opened else [path]

    def _opened(self) -> Iterator[str]:
        for cls in self._classes:
            for name, column in friendly_names(cls).items():
                if ways_of(column).open_keys:
                    yield name

    def columns_called(self, key: str) -> Iterator[Column[Any]]:
        """All columns that go by a name, each once."""
        found = {
            column.name: column
            for cls in self._classes
            if (column := named_columns(cls).get(key)) is not None
        }
        yield from found.values()

    def open_documents(self) -> Iterator[Column[Any]]:
        """The documents whose keys need not be told behind their names, each once."""
        columns = [c for cls in self._classes for c in friendly_names(cls).values()]
        yield from {c.name: c for c in columns if ways_of(c).open_keys}.values()

    def found_by(self, word: str) -> Iterator[Column[Any]]:
        """The columns that are found by one of their values alone, each once."""
        columns = [c for cls in self._classes for c in friendly_names(cls).values()]
        yield from {c.name: c for c in columns if word in ways_of(c).words}.values()


def node_classes() -> list[type[Node]]:
    """The node classes that are defined here, ``Node`` first."""
    return [mapper.class_ for mapper in Node.__mapper__.polymorphic_map.values()]


def any_node() -> NodeShape:
    """The columns of all node classes that are defined here."""
    return NodeShape(*sorted(node_classes(), key=lambda cls: len(cls.__mro__)))


def node_class_called(name: str) -> type[Node] | None:
    """The node class that somebody means by a name; see ``spoken_names``."""
    found = [cls for cls in node_classes() if name in spoken_names(cls)]
    # What rows are called is one class's alone.
    own = [cls for cls in found if cls.__mapper__.polymorphic_identity == name]
    return next(iter([*own, *found]), None)


def owners_of(columns: Iterable[Column[Any]]) -> list[type[Node]]:
    """The node classes that have all of some columns."""
    wanted = [column.name for column in columns]
    return [
        cls
        for cls in node_classes()
        if all(any(c.name == name for c in friendly_names(cls).values()) for name in wanted)
    ]
