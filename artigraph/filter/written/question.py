"""Questions as JSON and back: a filter, and the order to read in."""

from __future__ import annotations

from typing import Any, cast

from artigraph.errors import FilterError
from artigraph.filter.base import Filter
from artigraph.filter.order import Order, OrderBy
from artigraph.filter.written.read import read_document
from artigraph.filter.written.write import document_of

__all__ = ["question_document", "read_question"]


def question_document(filter: Filter, order_by: OrderBy) -> dict[str, Any]:
    """A filter and an order, as JSON that every database keeps.

    Raises:
        FilterError: As for :meth:`artigraph.Filter.to_json`.
    """
    if order_by is None:
        return document_of({"filter": filter})
    several = [order_by] if isinstance(order_by, str | Order) else order_by
    return document_of({"filter": filter, "order_by": tuple(several)})


def read_question(document: object) -> tuple[Filter, OrderBy]:
    """A filter and an order of what was kept of them.

    Args:
        document: As :func:`question_document` makes it, or anything, since it may be
            somebody else's.

    Raises:
        FilterError: It is no such document, or names a class that is not known here.
    """
    found, order_by = read_document(document, Filter, "order_by")  # type: ignore[type-abstract]  # it is compared with
    listed = isinstance(order_by, tuple) and all(isinstance(one, str | Order) for one in order_by)
    if order_by is not None and not listed:
        raise FilterError(f"order_by is a list of names, not {order_by!r:.60}.")
    return found, cast(OrderBy, order_by)
