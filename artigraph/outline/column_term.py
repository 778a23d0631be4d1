"""What is typed into a search, asked of the columns of nodes, documents in them and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, or_
from typing_extensions import override

from artigraph.errors import FilterError
from artigraph.filter.column import ColumnShape, any_node
from artigraph.filter.condition import FieldComparison
from artigraph.filter.metric import MetricsShape, metric_paths
from artigraph.filter.operator import OPERATORS, Operator
from artigraph.filter.shape import METRICS, Path, Shape
from artigraph.orm.node import node_table

__all__ = ["column_clauses", "is_column_word", "word_clauses"]


class _OneColumn(Shape):
    """A row of which one column is asked, whatever it is called."""

    def __init__(self, column: Column[Any]) -> None:
        super().__init__("a node", ())
        self._column = column

    @override
    def step(self, key: str) -> Shape:
        return ColumnShape(self._column)


class _Metrics(Shape):
    """A row of which metrics are asked."""

    def __init__(self) -> None:
        super().__init__("a node", ())

    @override
    def step(self, key: str) -> Shape:
        return MetricsShape()


def column_clauses(
    path: Path,
    operator: Operator,
    value: str,
    readings: Callable[[Operator, str], Iterator[bool | float | str]],
) -> Iterator[ColumnElement[bool]]:
    """Comparisons of all that a path may lead to in nodes; none if that is nothing.

    A column's value is read as what its type tells, and a document's as whatever the text
    may stand for.

    Args:
        path: A column's name, with keys of a document behind it; or such keys alone, of a
            document that is open for them.
        operator: How it is compared.
        value: What was typed; ``*`` for any.
        readings: Tells what it may stand for in a document.
    """
    columns, any_of = any_node(), value == "*" and operator is OPERATORS["eq"]
    if any_of:
        operator = OPERATORS["ne"]
    for column in columns.columns_called(path[0]):
        shape = ColumnShape(column)
        if shape.is_document and len(path) > 1:
            given: Sequence[Any] = [None] if any_of else list(readings(operator, value))
            yield _all_or_one(column, path, operator, given)
        elif len(path) == 1 and (given := [None] if any_of else _typed(shape, operator, value)):
            with suppress(FilterError):  # it makes no sense for this one
                yield _all_or_one(column, path, operator, given)
    if not list(columns.columns_called(path[0])):
        for column in columns.open_documents():
            given = [None] if any_of else list(readings(operator, value))
            yield _all_or_one(column, (column.name, *path), operator, given)
    # Also where a column is called so: who logs a metric does not know all classes.
    read = [None] if any_of else [r for r in readings(operator, value) if isinstance(r, float)]
    for metric in metric_paths(path[1:] if path[0] == METRICS and len(path) > 1 else path):
        for one in read:
            asked = FieldComparison(metric, operator, one)
            yield asked.clause(node_table, "A node", _Metrics())


def word_clauses(word: str) -> Iterator[ColumnElement[bool]]:
    """Whether a column has a word that rows are found by: ``failed``."""
    for column in any_node().found_by(word.lower()):
        yield _all_or_one(column, (column.name,), OPERATORS["eq"], [word.lower()])


def is_column_word(word: str) -> bool:
    """Whether rows are found by a word, though no label has it."""
    return any(True for _ in any_node().found_by(word.lower()))


def _typed(shape: ColumnShape, operator: Operator, value: str) -> list[Any]:
    if operator.needs == "text":
        return [value]
    for scalar in shape.scalars or ():
        with suppress(ValueError, ArithmeticError, FilterError):
            return [scalar.parse(value)]
    return []


def _all_or_one(
    column: Column[Any], path: Path, operator: Operator, given: Sequence[Any]
) -> ColumnElement[bool]:
    asked = [FieldComparison(path, operator, one) for one in given]
    held = [one.clause(node_table, "A node", _OneColumn(column)) for one in asked]
    # Unequal is what no reading of the text is equal to. Most rows have no such column.
    found = and_(*held) if operator.negated else or_(*held)
    return and_(node_table.c[column.name].is_not(None), found)
