"""In which order rows are read: by columns of the table or by fields of models.

Rows without a value come last in both directions, and rows that are equal
otherwise come by id, so that an order is the same in every database and a
page begins where the one before has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, FromClause, and_, case, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from typing_extensions import override

from artigraph.dialect.registry import dialect_of
from artigraph.errors import FilterError
from artigraph.filter.asked import node_shape_of
from artigraph.filter.base import AllOf, AnyOf, Filter
from artigraph.filter.known import Writer, Written, named_here
from artigraph.filter.location import FieldLocation, find_field, nested_model, path_of, shown_path
from artigraph.filter.model import ModelFilter, ModelTypeFilter
from artigraph.filter.shape import AnyShape, Path, Shape
from artigraph.filter.stored import InColumn
from artigraph.filter.value import check_value
from artigraph.orm.check.affinity import affinity_of
from artigraph.orm.node import node_table
from artigraph.orm.tag import tag_table
from artigraph.registry import did_you_mean, nearest
from artigraph.types.record import Scalar
from artigraph.types.scalar import NUMBER, TEXT
from artigraph.types.sort_key import ORDERED

__all__ = [
    "BY_ID",
    "Order",
    "OrderBy",
    "Ordering",
    "check_counts",
    "finds_models",
    "ordering_of",
    "types_of",
]


@named_here
@dataclass(frozen=True)
class Order(Written):
    """What to order by, where a text does not say it.

    Args:
        by: A column of the table, or a field: a text with dots, or a tuple where
            a key has a dot in it; or a tag, as ``"tag:score"``. Of nodes, a column of
            their class by its shorter name as well, and what is in its documents:
            ``"started_at"``, ``"params.lr"``; and a metric by its last value,
            ``"metrics.loss"``, or as ``"metrics.loss.min"``.
        descending: Largest or newest first.
    """

    by: str | Path
    descending: bool = False

    @override
    def _as_json(self, writer: Writer, at: str, level: int) -> dict[str, Any]:
        by = writer.write(self.by, f"{at}.by", level + 1)
        return {"is": "Order", "by": by, "descending": bool(self.descending)}


OrderBy: TypeAlias = str | Order | Sequence[str | Order] | None
"""``"loss"``, ``"-loss"`` for the largest first, an :class:`Order`, or several of them."""


class _NullsLast(FunctionElement[Any]):
    inherit_cache = True


@compiles(_NullsLast)
def _nulls_last(element: _NullsLast, compiler: SQLCompiler, **kw: object) -> str:
    value, ordered = element.clauses
    # Not both at once: PostgreSQL refuses a parameter that its text leaves out.
    return dialect_of(compiler).nulls_last(
        lambda: compiler.process(value, **kw), compiler.process(ordered, **kw)
    )


@dataclass(frozen=True)
class _Term:
    value: ColumnElement[Any]
    descending: bool
    nullable: bool

    @property
    def clause(self) -> ColumnElement[Any]:
        """For ``ORDER BY``."""
        ordered = self.value.desc() if self.descending else self.value.asc()
        return _NullsLast(self.value, ordered) if self.nullable else ordered

    def after(self, last: object, rest: ColumnElement[bool]) -> ColumnElement[bool]:
        """Rows that come after one with the value ``last``."""
        if last is None:
            return and_(self.value.is_(None), rest)
        passed = literal(last, self.value.type)
        beyond = self.value < passed if self.descending else self.value > passed
        alternatives = [beyond, and_(self.value == passed, rest)]
        if self.nullable:
            alternatives.append(self.value.is_(None))
        return or_(*alternatives)


class Ordering:
    """An order that is made ready for queries; the id decides between equals.

    Args:
        terms: What to order by, most important first.
    """

    def __init__(self, terms: Sequence[_Term]) -> None:
        if not any(term.value is node_table.c.node_id for term in terms):
            descending = bool(terms) and terms[-1].descending
            terms = [*terms, _Term(node_table.c.node_id, descending, False)]
        self._terms = terms

    @property
    def clauses(self) -> list[ColumnElement[Any]]:
        """For ``ORDER BY``."""
        return [term.clause for term in self._terms]

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        """What to read beside each row, so that a page can begin after it."""
        return [term.value.label(f"key_{at}") for at, term in enumerate(self._terms)]

    def after(self, last: Sequence[Any]) -> ColumnElement[bool]:
        """Rows that come after the one whose columns had these values."""
        *terms, final = zip(self._terms, last, strict=True)
        term, value = final
        clause: ColumnElement[bool] = term.value < value if term.descending else term.value > value
        for term, value in reversed(terms):
            clause = term.after(value, clause)
        return clause


BY_ID = Ordering([])
"""The order in which rows were written."""


def ordering_of(
    order_by: OrderBy, filter: Filter, classes: Mapping[str, type[Any]] | None = None
) -> Ordering:
    """An order, for the rows that a filter finds.

    Args:
        order_by: What somebody asked for; ids, unless anything.
        filter: The filter; it tells the class that fields belong to.
        classes: What the names of models mean here, where a filter names them: that a field
            is misspelt would not show otherwise.

    Raises:
        FilterError: There is no such column or field, or it has no order.
    """
    if order_by is None:
        return BY_ID
    several = [order_by] if isinstance(order_by, str | Order) else order_by
    if not isinstance(several, list | tuple):
        raise FilterError(
            f"order_by takes a name such as 'loss' or '-loss', or a list of them, not {order_by!r}."
        )
    return Ordering([term for one in several for term in _terms(one, filter, classes or {})])


def _terms(given: str | Order, filter: Filter, classes: Mapping[str, type[Any]]) -> Iterator[_Term]:
    if isinstance(given, str):
        given = Order(given.removeprefix("-"), given.startswith("-"))
    if not isinstance(given, Order) or not given.by:
        raise FilterError(f"order_by takes a name such as 'loss' or '-loss', not {given!r}.")
    if isinstance(given.by, str) and given.by.startswith(_TAG):
        yield _Term(_of_tag(given.by), given.descending, True)
        return
    if isinstance(given.by, str) and given.by.startswith("#"):
        tag = f"{'-' * given.descending}{_TAG}{given.by[1:]}"
        raise FilterError(f"order_by={_typed(given)!r}: a tag is ordered by as {tag!r}.")
    path = path_of(given.by)
    column = node_table.c.get(path[0]) if len(path) == 1 else None
    if column is not None:
        yield _of_column(column, given)
        return
    owner, shape = _model_of(filter)
    if isinstance(shape, AnyShape):
        _check_named(path[0], filter, classes)
    if not finds_models(filter):
        yield from _of_nodes(given, path, filter)
        return
    if len(path) == 1 and shape.names is not None and shape.step(path[0]) is None:
        raise FilterError(
            f"{owner} has no field {path[0]!r}. "
            f"{_nearest_names(path[0], [*shape.names, *_OWN_COLUMNS])}"
        )
    location = find_field(owner, shape, path)
    scalars = (NUMBER, TEXT) if location.shape.scalars is None else location.shape.scalars
    scalars = [one for one in scalars if one.ordered or one.form in ("boolean", "text", "name")]
    if not scalars:
        field = f"{owner}.{shown_path(path)}"
        raise FilterError(f"{field} is {location.shape.name}, which has no order.")
    for scalar in scalars:
        value = _in_row(node_table, location.labels, _reader(location, scalar))
        yield _Term(value, given.descending, True)


def _of_column(column: Column[Any], given: Order) -> _Term:
    if affinity_of(column.type) in ("document", "bytes"):
        raise FilterError(
            f"order_by={_typed(given)!r}: a column of documents or bytes has no order."
        )
    told = InColumn(node_table, column).told
    return _Term(told, given.descending, bool(column.nullable))


def _of_nodes(given: Order, path: Path, filter: Filter) -> Iterator[_Term]:
    """By a column under its friendly name, or by what is in a document of one."""
    shape = node_shape_of(filter)
    if shape.step(path[0]) is None:
        usual = [*shape.names, *_OWN_COLUMNS]
        raise FilterError(
            f"order_by={_typed(given)!r}: there is no such column of nodes. "
            f"{_nearest_names(path[0], usual, node_table.c.keys())} A parameter of runs is "
            f"ordered by as 'params.lr', a metric as 'metrics.loss'. To order by a field of "
            "a model, say which models: ModelFilter(model_type=…)."
        )
    location = find_field("A node", shape, path)
    if location.column is not None and not location.keys:
        yield _of_column(node_table.c[location.column.name], given)
        return
    value = location.stored(node_table)
    if location.shape.beside(node_table) is not None and not location.shape.scalars:
        raise FilterError(f"order_by={_typed(given)!r}: say by which metric, as 'metrics.loss'.")
    for scalar in location.shape.scalars or (NUMBER, TEXT):
        yield _Term(value.sortable(scalar), given.descending, True)


def _typed(given: Order) -> object:
    """An order as it is typed, for an error."""
    minus = given.descending and isinstance(given.by, str)
    return f"-{given.by}" if minus else given.by


_TAG = "tag:"
"""What the name of a tag is behind, to order by its values."""


def _of_tag(by: str) -> ColumnElement[Any]:
    name = by.removeprefix(_TAG)
    if not name:
        raise FilterError(f"order_by={by!r} names no tag. Write one, as in 'tag:score'.")
    check_value(name)
    # What has no order, such as a list, is as if it were missing.
    key = case((tag_table.c.tag_key >= ORDERED, tag_table.c.tag_key))
    return (
        select(key)
        .where(tag_table.c.tag_node_id == node_table.c.node_id, tag_table.c.tag_name == name)
        .correlate(node_table)
        .scalar_subquery()
    )


def _nearest_names(name: str, usual: Sequence[str], known: Sequence[str] = ()) -> str:
    """What to order by instead: the nearest of all that is known, or else what is usual."""
    near = nearest(name, {*usual, *known})
    if not near:
        return did_you_mean(name, usual)
    first = near[0]
    return f"{did_you_mean(name, near)} Order by {first!r}, or by '-{first}' for the largest first."


_OWN_COLUMNS = ("node_id", "node_label", "node_parent_id", "node_created_at", "node_updated_at")


def _reader(location: FieldLocation, scalar: Scalar) -> Callable[[FromClause], ColumnElement[Any]]:
    return lambda row: location.stored(row).sortable(scalar)


def _in_row(
    row: FromClause, labels: Sequence[str], make: Callable[[FromClause], ColumnElement[Any]]
) -> ColumnElement[Any]:
    if not labels:
        return make(row)
    inner = node_table.alias()
    return (
        select(_in_row(inner, labels[1:], make))
        .where(nested_model(inner, row, labels[0]))
        .scalar_subquery()
    )


def finds_models(filter: Filter) -> bool:
    """Whether all that a filter finds are models, as far as it says so."""
    if isinstance(filter, AllOf):
        return any(finds_models(one) for one in filter.filters)
    if isinstance(filter, AnyOf):
        return all(finds_models(one) for one in filter.filters)
    return isinstance(filter, ModelFilter | ModelTypeFilter)


def _check_named(field: str, filter: Filter, classes: Mapping[str, type[Any]]) -> None:
    """Refuse a field that no class has whose models a filter finds by their names."""
    named = [one.type for one in types_of(filter)]
    known = [classes[one] for one in named if isinstance(one, str) and one in classes]
    if not known or len(known) < len(named):
        return
    shapes = [cls._model_shape() for cls in known]
    names = [name for shape in shapes for name in shape.names or ()]
    if all(shape.names is not None and shape.step(field) is None for shape in shapes):
        owners = " and ".join(sorted({cls.__name__ for cls in known}))
        raise FilterError(
            f"{owners} has no field {field!r}. {_nearest_names(field, [*names, *_OWN_COLUMNS])}"
        )


def _model_of(filter: Filter) -> tuple[str, Shape]:
    """The one class whose models a filter finds, as far as it says so."""
    found = list(types_of(filter))
    classes = {one.type for one in found if not isinstance(one.type, str)}
    if len(classes) == 1 and not any(isinstance(one.type, str) for one in found):
        (model,) = classes
        return model.__name__, model._model_shape()
    return "the model", AnyShape()


def types_of(filter: Filter) -> Iterator[ModelTypeFilter]:
    """The types of models that a filter names."""
    if isinstance(filter, AllOf | AnyOf):
        # In A & (B | C) it is A that says of which class all are.
        single = [one for one in filter.filters if not isinstance(one, AnyOf)]
        told = [type_ for one in single for type_ in types_of(one)]
        yield from told or (type_ for one in filter.filters for type_ in types_of(one))
    elif isinstance(filter, ModelTypeFilter):
        yield filter
    elif isinstance(filter, ModelFilter) and isinstance(filter.model_type, tuple):
        yield from (one for one in filter.model_type if isinstance(one, ModelTypeFilter))


def check_counts(*, least: int = 0, **counts: object) -> None:
    """Refuse what is no count.

    Args:
        least: The smallest count that makes sense.
        **counts: What was given, by the argument's name; ``None`` is none.

    Raises:
        FilterError: One is no integer, or too small.
    """
    for name, value in counts.items():
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise FilterError(f"{name} is a count from {least} on, not {value!r}.")
        if value >= 2**63:
            raise FilterError(f"{name} has more than 64 bits. Leave it out to read all.")
