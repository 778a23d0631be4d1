"""What a subclass of ``Node`` may leave unsaid, and how it is defined again.

In a notebook a cell that defines a class runs many times. SQLAlchemy takes
a second class of one identity, or a second column of one name, for a
mistake; here the newer class replaces the older one.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast, get_origin

from sqlalchemy import Column
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import Mapped, MappedColumn, Mapper, mapped_column
from sqlalchemy.orm.base import InspectionAttr
from sqlalchemy.orm.exc import MappedAnnotationError
from sqlalchemy.types import TypeEngine

from artigraph.display.row import facts_of_columns
from artigraph.errors import NodeTypeError
from artigraph.home import home

__all__ = ["GENERATION", "TypesByIdentity", "defining_subclass"]

GENERATION = "artigraph_generation"
"""In the tables' ``metadata.info``: how often a class has declared other columns, or other
types of them."""


class TypesByIdentity(dict[Any, Mapper[Any]]):
    """Node classes by ``polymorphic_identity``; unknown ones are plain nodes.

    A fresh kernel may read a database before the cell that defines a class
    has run: its rows must be listed all the same.

    Args:
        root: The mapper of ``Node``.
    """

    def __init__(self, root: Mapper[Any]) -> None:
        super().__init__(root.polymorphic_map)
        self._root = root

    def __missing__(self, identity: object) -> Mapper[Any]:
        return self._root


@contextmanager
def defining_subclass(cls: type[Any], root: Mapper[Any]) -> Iterator[None]:
    """Prepare a subclass of ``Node`` for SQLAlchemy, which maps it inside.

    * Its columns are nullable, and are shared with an earlier definition.
    * A plain default, ``name: Mapped[str] = "x"``, is the default of a new
      instance.
    * An earlier class of the same identity, module and name is replaced.

    Args:
        cls: The class under definition.
        root: The mapper of ``Node``.

    Raises:
        NodeTypeError: The class states no identity, another module's class
            has it, a column is taken by another class at another type, or two
            columns tell a fact of one name.
    """
    identity = _own_identity(cls)
    # As for Node: a SELECT of the class brings its subclasses' columns too.
    cls.__mapper_args__ = {"with_polymorphic": "*", **cls.__mapper_args__}
    predecessor = _find_predecessor(cls, identity, root)
    with _columns_prepared(cls) as declared:
        said = {name: mapped.column for name, mapped in declared.items()}
        infos = {name: column.info for name, column in said.items()}
        cls.__node_facts__ = facts_of_columns(cls.__name__, cls.__node_facts__, infos)
        shared = _share_columns(cls, declared, root)
        if predecessor is not None:
            del root.polymorphic_map[identity]
        try:
            with warnings.catch_warnings():
                # The predecessor may live on in a variable of the notebook.
                warnings.filterwarnings("ignore", _LIVES_ON, SAWarning)
                yield
            _adopt_columns(cls, shared)
        except BaseException as error:
            root.polymorphic_map.pop(identity, None)
            if predecessor is not None:
                root.polymorphic_map[identity] = predecessor
            for column, old_type in shared.items():
                column.type = old_type
            if isinstance(error, MappedAnnotationError):
                raise NodeTypeError(
                    f"{home(cls)} has a column of a type that no database has: {error} Say how "
                    "it is kept, as in mapped_column(JSON)."
                ) from error
            raise
    columns = {name: cls.__mapper__.columns[name] for name in declared}
    for name, column in columns.items():
        # Rows of other classes have no value for it.
        column.nullable = True
        # An earlier definition's column has that one's defaults.
        said[name] = said[name] if column in shared else column
    rules = {k: c for k, c in said.items() if c.default is not None or c.onupdate is not None}
    inherited = {k: c for k, c in cls.__node_rules__.items() if k not in declared}
    cls.__node_rules__ = {**inherited, **rules}
    _note_declared(cls, columns.values(), predecessor)


_LIVES_ON = "This declarative base already contains"


def _note_declared(
    cls: type[Any], columns: Iterable[Column[Any]], predecessor: Mapper[Any] | None
) -> None:
    """See whether the class's columns are those of the class that it replaces."""
    # The members of an enumeration whose cell ran again are other ones of the same names.
    cls.__node_declared__ = {
        c.name: (repr(c.type), getattr(c.type, "enum_class", None)) for c in columns
    }
    before = {} if predecessor is None else predecessor.class_.__node_declared__
    if cls.__node_declared__ != before:
        info = cls.metadata.info
        info[GENERATION] = info.get(GENERATION, 0) + 1


def _own_identity(cls: type[Any]) -> str:
    identity = cls.__dict__.get("__mapper_args__", {}).get("polymorphic_identity")
    if not isinstance(identity, str) or not identity:
        raise NodeTypeError(
            f"The node class {cls.__qualname__} does not say what its rows are called. Add: "
            f'__mapper_args__ = {{"polymorphic_identity": "{cls.__name__.lower()}"}}'
        )
    return identity


def _find_predecessor(cls: type[Any], identity: str, root: Mapper[Any]) -> Mapper[Any] | None:
    if identity not in root.polymorphic_map:
        return None
    old = root.polymorphic_map[identity]
    if home(old.class_) != home(cls):
        raise NodeTypeError(
            f"The node type {identity!r} belongs to {home(old.class_)}, so {home(cls)} "
            "needs another polymorphic_identity."
        )
    return old


@contextmanager
def _columns_prepared(cls: type[Any]) -> Iterator[dict[str, MappedColumn[Any]]]:
    """Replace plain defaults by columns; yield the columns of the class and its mixins.

    A mixin's are its own again afterwards: every class that it is mixed into gets
    columns from it, and they are the same ones of the table.
    """
    mixed_in = _mixins_of(cls)
    defaults: dict[str, Any] = {}
    restore: list[tuple[type[Any], str, Any]] = []
    declared: dict[str, MappedColumn[Any]] = {}
    try:
        for owner in (cls, *mixed_in):
            for name, annotation in inspect.get_annotations(owner).items():
                value = owner.__dict__.get(name)
                if not _is_mapped(annotation) or isinstance(value, _SQLALCHEMYS):
                    continue
                if value is not None and name not in declared:
                    defaults[name] = value
                if owner is not cls:
                    restore.append((owner, name, owner.__dict__.get(name, _NOTHING)))
                setattr(owner, name, mapped_column(nullable=True, use_existing_column=True))
            own = {k: v for k, v in vars(owner).items() if isinstance(v, MappedColumn)}
            declared = {**own, **declared}
        cls.__node_defaults__ = {**cls.__node_defaults__, **defaults}
        yield declared
    finally:
        for owner, name, value in restore:
            if value is _NOTHING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


_SQLALCHEMYS = (InspectionAttr, MappedColumn, Column)
_NOTHING = object()


def _mixins_of(cls: type[Any]) -> list[type[Any]]:
    """The bases that no mapped class has brought yet."""
    mapped = next(base for base in cls.__mro__[1:] if "__mapper__" in vars(base))
    return [base for base in cls.__mro__[1:] if base not in mapped.__mro__]


def _share_columns(
    cls: type[Any], declared: dict[str, MappedColumn[Any]], root: Mapper[Any]
) -> dict[Column[Any], TypeEngine[Any]]:
    """Let declared columns that the table has already be those; return their old types.

    Their types are cleared, so that SQLAlchemy derives them anew from the
    annotation: the cell may have been changed before it was run again.
    """
    shared: dict[Column[Any], TypeEngine[Any]] = {}
    for name, mapped in declared.items():
        existing = root.local_table.c.get(mapped.column.key or name)
        if existing is None:
            continue
        if "artigraph_owner" not in existing.info:
            raise NodeTypeError(
                f"{home(cls)} declares the column {name!r}, which every node has. "
                f"Prefix it, as in {cls.__name__.lower()}_{name}."
            )
        # Public only as an argument of mapped_column(), which the user called.
        mapped._use_existing_column = True
        column = cast(Column[Any], existing)
        shared[column] = column.type
        column.type = mapped.column.type
    return shared


def _adopt_columns(cls: type[Any], shared: dict[Column[Any], TypeEngine[Any]]) -> None:
    for column, old_type in shared.items():
        owner = column.info["artigraph_owner"]
        if owner != home(cls) and repr(column.type) != repr(old_type):
            raise NodeTypeError(
                f"{home(cls)} declares the column {column.name!r} as {column.type!r}, but "
                f"{owner} has it as {old_type!r}. Prefix it, as in "
                f"{cls.__name__.lower()}_{column.name}."
            )
    for column in cls.__table__.columns:
        if column.name not in cls.__mapper__.inherits.columns:
            column.info.setdefault("artigraph_owner", home(cls))


def _is_mapped(annotation: object) -> bool:
    if isinstance(annotation, str):
        return re.match(r"([\w.]+\.)?Mapped\[", annotation) is not None
    return get_origin(annotation) is Mapped
