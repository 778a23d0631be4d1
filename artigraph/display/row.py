"""Rows of the tree, and models, as facts; and lists of them, which show themselves as tables.

What a column tells of its row stands beside the column, in the ``info`` of its
``mapped_column``; see :func:`row_fact`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any, Protocol, SupportsIndex, TypeVar, cast, overload, runtime_checkable

from typing_extensions import override

from artigraph.display.escape import cut
from artigraph.display.facts import (
    ROW_FACT,
    Badge,
    BadgeCell,
    Facts,
    Field,
    Role,
    RowFact,
    Table,
    facts_of_columns,
)
from artigraph.display.options import Limits
from artigraph.display.shown import Shown, failed
from artigraph.display.value import (
    LONGEST_CELL,
    LONGEST_NAME,
    brief,
    describe_fields,
    ends,
    table_cell,
)

__all__ = [
    "HasCells",
    "ResultList",
    "RowFact",
    "RowFacts",
    "brief_model",
    "describe_held",
    "describe_model",
    "describe_row",
    "facts_of_columns",
    "model_cells",
    "row_cells",
    "row_fact",
    "row_fields",
]

T = TypeVar("T")

LONGEST_NOTE = 20_000
"""Characters of a note that are shown."""


def row_fact(name: str, tell: Callable[[RowFacts, Any], None], **options: Any) -> dict[Any, Any]:
    """The ``info`` of a column that tells a :class:`RowFact`; takes what that takes.

    ::

        class Training(CellRun):
            __mapper_args__ = {"polymorphic_identity": "training"}
            training_device: Mapped[str | None] = mapped_column(
                info=row_fact("device", lambda facts, device: facts.badge(device), in_trees=True)
            )
    """
    return {ROW_FACT: RowFact(name, tell, **options)}


class RowFacts:
    """What the columns of one row tell.

    Args:
        name: The name of its class.
        row: The columns that are loaded and have a value, by name.
        facts: What columns of its class tell.
        limits: How much of it is shown.
        path: The labels of what it hangs on, from the root down, if they were read.
    """

    __slots__ = (
        "badges",
        "cells",
        "code",
        "label",
        "leading",
        "limits",
        "name",
        "notes",
        "path",
        "row",
    )

    def __init__(
        self,
        name: str,
        row: Mapping[str, Any],
        facts: Mapping[str, RowFact],
        limits: Limits,
        path: Collection[str | None] = (),
    ) -> None:
        self.name, self.row, self.limits, self.path = name, row, limits, path
        self.label = self.code = ""
        self.notes: list[tuple[str, str]] = []
        self.badges: list[Badge] = []
        self.cells = {"id": "", "label": "", "type": name}
        self.leading = [fact.name for fact in facts.values() if fact.leads]
        for column, fact in facts.items():
            value = row.get(column)
            if value is not None:
                try:
                    fact.tell(self, value)
                except Exception as error:  # one that cannot be told must not hide the others
                    self.note(fact.name, failed(error))

    def note(self, name: str, value: object, *, cell: str = "") -> None:
        """Tell something below the name, as in ``id 12``.

        Args:
            name: What it is called.
            value: What it is.
            cell: The column of a list that tells it, if one does.
        """
        text = cut(str(value), LONGEST_NOTE)
        self.notes.append((name, text))
        if cell:
            self.cells[cell] = cut(text, LONGEST_CELL)

    def badge(self, text: object, role: Role = "state", *, cell: str = "") -> None:
        """Tell something in a word or two beside the name.

        Args:
            text: The words.
            role: What they are about, which gives them their colour.
            cell: The column of a list that tells it, if one does.
        """
        badge = Badge(cut(str(text), LONGEST_NAME), role)
        self.badges.append(badge)
        if cell:
            goes = role in ("state", "failed")
            self.cells[cell] = BadgeCell(badge.text, role) if goes else badge.text


_WHERE = ("place", "size")


def describe_held(told: RowFacts, value: Field, badges: Mapping[str, tuple[Badge, ...]]) -> Facts:
    """The facts of a row and of the value that it holds.

    Args:
        told: What the row's columns tell.
        value: The value.
        badges: Of fields of a model, by name, where they live.
    """
    facts = value.inside or Facts(value.type)
    # A model says its version itself, and a handle whether its bytes were given up.
    said = {*value.badges, *(badge for badge in told.badges if badge.role == "version")}
    return replace(
        facts,
        label=told.label,
        badges=(*value.badges, *(badge for badge in told.badges if badge not in said)),
        notes=(*told.notes, *facts.notes),
        lines=(value.value,) if value.value else (),
        fields=tuple(
            one
            # A handle says both, or of bytes that were given up the size alone.
            if one.name not in badges or any(badge.role in _WHERE for badge in one.badges)
            else replace(one, badges=(*one.badges, *badges[one.name]))
            for one in facts.fields
        ),
    )


def row_cells(told: RowFacts, fields: Mapping[str, Any], limits: Limits) -> dict[str, str]:
    """What a list says of a row, by column.

    Args:
        told: What its columns tell.
        fields: Columns that have one of the list each, by name.
        limits: How much of each value is shown.
    """
    cells = {cut(name, LONGEST_CELL): table_cell(value, limits) for name, value in fields.items()}
    cells = told.cells | cells
    leading = {name: cells[name] for name in told.leading if name in cells}
    return {name: cells[name] for name in _FIRST if name in cells} | leading | cells


def row_fields(
    row: Mapping[str, Any],
    facts: Mapping[str, RowFact],
    told: Collection[str],
    *,
    in_list: bool,
) -> dict[str, Any]:
    """The columns that stand among the fields of a card, or have one of a list, in order.

    Args:
        row: The columns that are loaded and have a value, by name.
        facts: What columns of its class tell.
        told: Columns that are not to be among them.
        in_list: Whether it is for a list.
    """
    first, then = dict[str, Any](), dict[str, Any]()
    for name, value in row.items():
        fact = facts.get(name)
        if name in told or (fact is not None and not fact.is_shown(in_list=in_list)):
            continue
        if fact is not None and fact.most is not None and isinstance(value, str):
            value = cut(value, fact.most)
        (first if fact is not None and fact.leads else then)[name] = value
    return first | then


def describe_row(told: RowFacts, fields: Mapping[str, Any], limits: Limits) -> Facts:
    """A row's facts.

    Args:
        told: What its columns tell.
        fields: Columns that are fields of the card, by name.
        limits: How much of it is shown.
    """
    shown, more = describe_fields(fields.items(), limits)
    return Facts(
        told.name,
        told.label,
        tuple(told.badges),
        tuple(told.notes),
        fields=shown,
        more_fields=more,
        code=told.code,
    )


def describe_model(
    name: str,
    version: int | None,
    data: Mapping[str, object],
    limits: Limits,
    *,
    hidden: Collection[str] = (),
) -> Facts:
    """A model's facts: its name, its version, and its fields with their types.

    Args:
        name: What its rows are called.
        version: The version of its class, or of its row.
        data: Its fields by name.
        limits: How much of them is shown.
        hidden: Fields that are named but whose values are kept to themselves.
    """
    fields, more = describe_fields(data.items(), limits, hidden=hidden)
    badges = () if version is None else (Badge(f"v{version}", "version"),)
    return Facts(cut(name, LONGEST_NAME), badges=badges, fields=fields, more_fields=more)


def brief_model(
    name: str, data: Mapping[str, object], limits: Limits, *, hidden: Collection[str] = ()
) -> str:
    """A model on one line, as a dataclass writes itself."""
    name = cut(name, LONGEST_NAME)
    if limits.max_depth < 0:
        return f"{name}(…)"
    shown = [field for field in data if field not in hidden]
    inner = limits.in_model_line()
    fields = [
        f"{cut(field, LONGEST_NAME)}={brief(data[field], inner)}"
        for field in shown[: limits.max_fields]
    ]
    more = len(shown) - len(fields)
    if more:
        fields.append(f"… +{more:,} more")
    return f"{name}({', '.join(fields)})"


def model_cells(
    data: Mapping[str, object], limits: Limits, *, hidden: Collection[str] = ()
) -> dict[str, str]:
    """A model's fields as cells of a list."""
    return {
        cut(field, LONGEST_CELL): table_cell(value, limits)
        for field, value in data.items()
        if field not in hidden
    }


# ------------------------------------------------------------------ lists


@runtime_checkable
class HasCells(Protocol):
    """Something that is a row in a list."""

    def _cells(self, limits: Limits) -> dict[str, str]:
        """What a list says of it, by column."""
        ...

    def _noun(self) -> str:
        """What several of it are called."""
        ...


class ResultList(Shown, list[T]):
    """A list in all respects, that shows itself as a table.

    A slice of one is one, too. Only the rows that are shown are looked at, so
    showing 10,000 costs as little as showing twenty.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> T: ...

    @overload
    def __getitem__(self, index: slice, /) -> ResultList[T]: ...

    @override
    def __getitem__(self, index: SupportsIndex | slice, /) -> T | ResultList[T]:
        found = super().__getitem__(index)
        return ResultList(cast(list[T], found)) if isinstance(index, slice) else cast(T, found)

    @override
    def copy(self) -> ResultList[T]:
        """A list of the same things."""
        return ResultList(self)

    @override
    def _describe(self, limits: Limits) -> Facts:
        first, more, last = ends(self, limits.max_results)
        cells = [_cells_of(item, limits) for item in (*first, *last)]
        nouns = {item._noun() for item in (*first, *last) if isinstance(item, HasCells)}
        # A model is an artifact, and that is a node.
        several = nouns.pop() if len(nouns) == 1 else "results"
        noun = next((n for n in ("nodes", "artifacts", "models") if n in nouns), several)
        name = f"{len(self):,} {noun}"
        if len(self) == 1:
            name = name.removesuffix("s")
        if not self:
            return Facts("[]")
        return Facts(name, table=_table(cells, len(first), more, limits))

    @override
    def _brief(self, limits: Limits) -> str:
        first, more, last = ends(self, limits.max_items)
        parts = [brief(item, limits.deeper()) for item in first]
        if more:
            parts.append(f"… +{more:,} more")
        parts += [brief(item, limits.deeper()) for item in last]
        return f"[{', '.join(parts)}]"


def _cells_of(item: object, limits: Limits) -> dict[str, str]:
    try:
        if isinstance(item, HasCells):
            return item._cells(limits)
    except Exception as error:  # one that cannot be shown must not hide the others
        return {"value": failed(error)}
    return {"value": brief(item, limits)}


_FIRST = ("id", "label", "path", "below", "type", "place", "size")
"""What every row begins with, in this order, though the first row may lack some."""
_CREATED = "created (UTC)"
"""What follows then, and after what leads in its own row."""


def _table(cells: list[dict[str, str]], gap: int, more: int, limits: Limits) -> Table:
    found = dict.fromkeys(name for row in cells for name in row)
    led = [[*takewhile(_CREATED.__ne__, row)] for row in cells if _CREATED in row]
    # A row with all that leads says in which order it does.
    led.sort(key=len, reverse=True)
    first = dict.fromkeys((*_FIRST, *(name for names in led for name in names), _CREATED))
    columns = [*(name for name in first if name in found), *(n for n in found if n not in first)]
    shown = columns[: limits.max_columns]
    rows = tuple(tuple(row.get(name, "") for name in shown) for row in cells)
    numbers = {
        at for at, _ in enumerate(shown) if all(_is_number(row[at]) for row in rows if row[at])
    }
    return Table(
        tuple(shown),
        rows,
        gap=gap,
        more=more,
        more_columns=len(columns) - len(shown),
        numbers=frozenset(numbers),
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
