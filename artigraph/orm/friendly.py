"""What people call the columns of nodes: ``status`` for ``tracked_run_status``.

A column's friendly name is its own without the name of the class that declares it, or of what
its rows are called. This is the one place that says so; filters, orders, magics, searches,
frames and reprs ask here.

A column may say here as well how it is asked for: :class:`Derived` for one that is told with
another one, ``words`` for one whose values are found by themselves, ``open_keys`` for a
document whose keys need not be told behind its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column, ColumnElement, FromClause

from artigraph.registry import public_name

__all__ = [
    "Askable",
    "Derived",
    "Ways",
    "asked_as",
    "friendly_name",
    "friendly_names",
    "named_columns",
    "spoken_fields",
    "spoken_identity",
    "spoken_names",
    "ways_of",
]

_INFO = "artigraph_asked_as"
_OWN = "artigraph_"
"""How the identities of artigraph's own node classes may begin."""


@dataclass(frozen=True)
class Derived:
    """How a column is asked for that is told together with others of its row.

    Args:
        value: Makes the clause that stands for the column, given the table or an alias of it.
        kept: By a value that is told so, what the column may hold where it is; a value that is
            no key here is what the column holds, and the column alone is asked then.
    """

    value: Callable[[FromClause], ColumnElement[Any]]
    kept: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ways:
    """The ways in which a column is asked for, beside its name."""

    derived: Derived | None = None
    words: Collection[str] = ()
    """Values that a search finds without the column's name."""
    open_keys: bool = False
    """Whether the keys of its documents may be named without it, where nothing else is
    called so."""


_USUAL = Ways()


def asked_as(
    derived: Derived | None = None, *, words: Collection[str] = (), open_keys: bool = False
) -> dict[Any, Any]:
    """The ``info`` of a column that is asked for in some way of its own; see :class:`Ways`."""
    return {_INFO: Ways(derived, words, open_keys)}


def ways_of(column: Column[Any]) -> Ways:
    """The ways in which a column is asked for."""
    ways: Ways = column.info.get(_INFO, _USUAL)
    return ways


def spoken_names(node_type: type[Any]) -> list[str]:
    """What a node class is called: by its name, and by what its rows are called.

    Of artigraph's own, ``artigraph_run`` is ``run`` as well.
    """
    identity = str(node_type.__mapper__.polymorphic_identity)
    return list(dict.fromkeys([node_type.__name__, identity, spoken_identity(identity)]))


def spoken_identity(identity: str) -> str:
    """What rows of an identity are called in sentences: ``run`` of ``artigraph_run``."""
    return identity.removeprefix(_OWN)


def friendly_names(node_type: type[Any]) -> Mapping[str, Column[Any]]:
    """The columns of a node class by their friendly names, its bases' first.

    Where two would have one name, that of a base has it, and the other keeps its own.
    """
    return _names(node_type)[0]


def named_columns(node_type: type[Any]) -> Mapping[str, Column[Any]]:
    """The columns of a node class by every name: friendly ones, their own, and older ones."""
    return _names(node_type)[1]


def friendly_name(node_type: type[Any], column: str) -> str:
    """The friendly name of a column that has the name of an attribute; else that name."""
    return _names(node_type)[2].get(column, column)


def spoken_fields(
    node_type: type[Any], fields: Mapping[str, Any], taken: Collection[str] = ()
) -> dict[str, Any]:
    """Columns under the names that cards and lists show: ``started at``.

    Args:
        node_type: The class.
        fields: Values by attribute. One that is told with others is left out: what tells it
            stands there already.
        taken: Names that mean something else there.
    """
    columns, found = named_columns(node_type), {}
    for name, value in fields.items():
        short = friendly_name(node_type, name)
        shown = short if short == name else short.replace("_", " ")
        if name not in columns or ways_of(columns[name]).derived is None:
            found[name if shown in taken else shown] = value
    return found


_Names = tuple[Mapping[str, Column[Any]], Mapping[str, Column[Any]], Mapping[str, str]]
_known: WeakKeyDictionary[type[Any], tuple[object, _Names]] = WeakKeyDictionary()


def _names(node_type: type[Any]) -> _Names:
    mapper = node_type.__mapper__
    seen = _known.get(node_type)
    # SQLAlchemy makes that collection anew when a class gains an attribute.
    if seen is None or seen[0] is not mapper.column_attrs:
        seen = _known[node_type] = mapper.column_attrs, _name_all(node_type)
    return seen[1]


def _name_all(node_type: type[Any]) -> _Names:
    friendly: dict[str, Column[Any]] = {}
    own: dict[str, Column[Any]] = {}
    called: dict[str, str] = {}
    for mapper in reversed(list(node_type.__mapper__.iterate_to_root())):
        declared = {
            attribute.key: attribute.columns[0]
            for attribute in mapper.column_attrs
            if isinstance(attribute.columns[0], Column) and attribute.key not in own
        }
        prefixes = [f"{_snake(mapper.class_.__name__)}_", f"{mapper.polymorphic_identity}_"]
        for name, column in declared.items():
            prefix = next((one for one in prefixes if name.startswith(one) and name != one), "")
            short = name.removeprefix(prefix)
            if short in friendly or short in own or not short.isidentifier():
                short = name
            friendly[short] = own[name] = column
            called[name] = short
    older = {
        old: own[synonym.name]
        for old, synonym in node_type.__mapper__.synonyms.items()
        if synonym.name in own
    }
    return friendly, {**older, **own, **friendly}, called


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Askable:
    """A node class, as far as it makes filters of its own."""

    @classmethod
    def where(cls, condition: Any, /) -> Any:
        """Find nodes of this class by its columns, and by what their documents hold.

        ::

            TrackedRun.where(lambda r: (r.params["lr"] < 0.1) & (r.status == "finished"))
            TrackedRun.where({"params.lr": ValueFilter(lt=0.1), "status": "finished"})

        Args:
            condition: A function of the class's columns that returns a condition, or a
                mapping from their names to values. A column has its own name, and a shorter
                one without the class's: ``status`` is ``tracked_run_status``. Columns are
                attributes, what is in a document stands under its key; they compare as
                the fields of :meth:`BaseModel.where <artigraph.BaseModel.where>` do.
                ``r.metrics["loss"]`` is the last value of a curve, and its ``.min``, ``.max``
                and ``.points`` what they say.

        Returns:
            A :class:`~artigraph.NodeFilter` for nodes of this class and its subclasses.

        Raises:
            FilterError: The class has no such column, or the comparison makes no sense
                for it.
        """
        return public_name("NodeFilter")._of_class(cls, condition)
