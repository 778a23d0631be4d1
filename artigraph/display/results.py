"""A list that shows itself as a table: what the functions that read several return."""

from __future__ import annotations

from typing import Protocol, SupportsIndex, TypeVar, cast, overload, runtime_checkable

from typing_extensions import override

from artigraph.display.facts import Facts, Table
from artigraph.display.options import Limits
from artigraph.display.shown import Shown, failed
from artigraph.display.value import brief, ends

__all__ = ["HasCells", "ResultList"]

T = TypeVar("T")


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
        noun = next((n for n in ("nodes", "artifacts", "models") if n in nouns), "results")
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


_FIRST = ("id", "label", "path", "below", "type", "place", "size", "created (UTC)")
"""What every row begins with, in this order, though the first row may lack some."""


def _table(cells: list[dict[str, str]], gap: int, more: int, limits: Limits) -> Table:
    found = dict.fromkeys(name for row in cells for name in row)
    columns = [*(name for name in _FIRST if name in found), *(n for n in found if n not in _FIRST)]
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
