"""Which node classes a filter asks for, as far as it says so."""

from __future__ import annotations

from collections.abc import Iterator

from artigraph.filter.base import AllOf, AnyOf, Filter
from artigraph.filter.column import NodeShape
from artigraph.filter.node import NodeFilter, NodeTypeFilter
from artigraph.filter.unset import UNSET
from artigraph.orm.node import Node

__all__ = ["node_shape_of", "node_types_of"]


def node_types_of(filter: Filter) -> list[type[Node]]:
    """The node classes that a filter names and all that it finds are of; none if it names none.

    Classes that are not defined here are left out.
    """
    return list(dict.fromkeys(_types(filter)))


def node_shape_of(filter: Filter) -> NodeShape:
    """The columns of what a filter finds: of the classes that it names, or those of every node."""
    return NodeShape(*(node_types_of(filter) or [Node]))


def _types(filter: Filter) -> Iterator[type[Node]]:
    if isinstance(filter, AllOf):
        # In A & (B | C) it is A that says of which class all are.
        single = [one for one in filter.filters if not isinstance(one, AnyOf)]
        told = [type_ for one in single for type_ in _types(one)]
        yield from told or (type_ for one in filter.filters for type_ in _types(one))
    elif isinstance(filter, AnyOf):
        each = [list(_types(one)) for one in filter.filters]
        if all(each):
            yield from (type_ for types in each for type_ in types)
    elif isinstance(filter, NodeTypeFilter):
        known = Node.__mapper__.polymorphic_map
        for one in filter.types():
            if not isinstance(one, str):
                yield one
            elif one in known:
                yield known[one].class_
    elif isinstance(filter, NodeFilter):
        if isinstance(filter.node_type, NodeTypeFilter):
            yield from _types(filter.node_type)
        elif filter.where is not UNSET:
            yield from filter.owners()
