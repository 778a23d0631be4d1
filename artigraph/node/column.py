"""What the columns of a node class do with a row: defaults, and values they would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sqlalchemy import ClauseElement, Dialect

from artigraph.db.column import stored_types
from artigraph.display.escape import cut
from artigraph.errors import NodeTypeError, SerializationError
from artigraph.orm.check.affinity import check_of
from artigraph.orm.check.base import Check, LossError
from artigraph.orm.node import Node, columns_of, users_columns

__all__ = ["check_values", "fill_in", "made_on_insert", "made_on_update"]


class _Context:
    """What a default's function is given: the other values of its row."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.current_parameters = dict(row)

    def get_current_parameters(self, isolate_multiinsert_groups: bool = True) -> dict[str, Any]:
        """The values by column, as SQLAlchemy's own context tells them."""
        return self.current_parameters


def fill_in(
    node_type: type[Node], values: dict[str, Any], what: Literal["default", "onupdate"]
) -> None:
    """Add what columns without a value are to have in a new row, or in one that is updated.

    Args:
        node_type: The row's class.
        values: Its values by attribute; of an update, the changed ones.
        what: Which of a column's rules says so.

    Raises:
        NodeTypeError: Only the database could work a value out.
    """
    # A written row tells nothing back, so values are worked out here.
    for name, column in node_type.__node_rules__.items():
        rule = getattr(column, what)
        if rule is None or name in values:
            continue
        if rule.is_scalar:
            values[name] = rule.arg
        elif rule.is_callable:
            columns = columns_of(node_type)
            row = {columns[other].key: value for other, value in values.items()}
            values[name] = rule.arg(_Context(row))
        else:
            raise NodeTypeError(
                f"{node_type.__name__}.{name} has no value, and its {what}= is worked out by the "
                f"database alone. Use a Python function, or server_{what}=…, or give it a value."
            )


def made_on_insert(node_type: type[Node]) -> set[str]:
    """The columns that the database fills in new rows, unless they are given."""
    return {c.key for c in users_columns(node_type).values() if c.server_default is not None}


def made_on_update(node_type: type[Node], changed: Mapping[str, Any]) -> set[str]:
    """The attributes that only the database knows after an update.

    Args:
        node_type: The row's class.
        changed: What the update sends, by attribute.
    """
    return {
        name
        for name, column in columns_of(node_type).items()
        if (column.server_onupdate is not None and name not in changed)
        or isinstance(changed.get(name), ClauseElement)
    }


def check_values(dialect: Dialect, rows: Iterable[tuple[type[Node], dict[str, Any]]]) -> None:
    """Make of values what is sent for them, and refuse those that would come back otherwise.

    Args:
        dialect: The database.
        rows: Classes, each with the values of a row by attribute.

    Raises:
        SerializationError: A column would not keep its value. Nothing was written.
    """
    checks: dict[type[Node], list[tuple[str, Check]]] = {}
    for node_type, values in rows:
        of_type = checks.get(node_type)
        if of_type is None:
            of_type = checks[node_type] = _checks_of(node_type, dialect)
        for name, check in of_type:
            value = values.get(name)
            if value is None or isinstance(value, ClauseElement):
                continue
            try:
                values[name] = check(value)
            except (LossError, TypeError, ValueError, ArithmeticError) as error:
                shown, label = cut(repr(value), 80), values.get("node_label")
                which = "" if label is None else f" It is of the node {cut(repr(label), 80)}."
                raise SerializationError(
                    f"{node_type.__name__}.{name} = {shown} would not come back equal from "
                    f"{dialect.name}: the {type(value).__name__} {error}. Nothing was written."
                    f"{which}"
                ) from error


def _checks_of(node_type: type[Node], dialect: Dialect) -> list[tuple[str, Check]]:
    stored = stored_types(dialect)
    checks = (
        (name, check_of(column.type, stored.get(column.name), dialect))
        for name, column in columns_of(node_type).items()
        if name not in columns_of(Node)  # whoever writes the row sees to these
    )
    return [(name, check) for name, check in checks if check is not None]
