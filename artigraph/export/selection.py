"""Which columns were asked for, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from artigraph.errors import FilterError
from artigraph.export.column import ROW_COLUMNS, column_name
from artigraph.export.document import WHO_COLUMNS
from artigraph.registry import did_you_mean

__all__ = ["Selection"]


class Selection:
    """The ``columns`` that somebody gave.

    Args:
        columns: Names of columns; a dict's or a nested model's stands for all of
            its columns. All that there are, unless given.

    Raises:
        FilterError: It is no list of names, or names a column twice.
    """

    def __init__(self, columns: Sequence[str] | None) -> None:
        if isinstance(columns, str):
            raise FilterError(f"columns={columns!r} is one text; give a list: [{columns!r}].")
        if columns is not None:
            if not isinstance(columns, Iterable):
                raise FilterError(f"columns=… takes a list of names, not {columns!r}.")
            columns = list(columns)
            for name in columns:
                if not isinstance(name, str):
                    raise FilterError(
                        f"columns=… takes names, not {name!r} ({type(name).__name__})."
                    )
                if columns.count(name) > 1:
                    raise FilterError(f"columns=… names {name!r} twice. Name it once.")
            if not columns:
                raise FilterError("columns=[] names no column. Leave it out for all columns.")
        self._columns = columns

    @property
    def wants_fields(self) -> bool:
        """Whether anything is wanted that stands in a document."""
        return self._columns is None or not set(self._columns) <= {*ROW_COLUMNS, *WHO_COLUMNS}

    @property
    def wants_who(self) -> bool:
        """Whether it is wanted who has written the rows."""
        return self._columns is not None and not {*WHO_COLUMNS}.isdisjoint(self._columns)

    @property
    def wants_path(self) -> bool:
        """Whether the path is wanted."""
        return self._columns is None or "path" in self._columns

    def wants(self, field: str) -> bool:
        """Whether a field, or anything in it, is wanted."""
        if self._columns is None:
            return True
        name = column_name((field,))
        return any(one == name or one.startswith(f"{name}.") for one in self._columns)

    def choose(
        self,
        found: Sequence[str],
        blobs: Collection[str],
        fields: Collection[str],
        *,
        empty: bool,
        noun: str = "model",
    ) -> list[str]:
        """The columns to return.

        Args:
            found: All columns that there are, in order.
            blobs: Columns whose values are not read.
            fields: All fields that are known, whether they were looked at or not.
            empty: Whether there is no row, so that a dict's columns are not known.
            noun: What the rows are.

        Returns:
            Names; one that is not among ``found`` is of a column without values.

        Raises:
            FilterError: An unknown name, or one of a column that is not read.
        """
        if self._columns is None:
            return list(found)
        chosen: dict[str, None] = {}
        for name in self._columns:
            inside = [one for one in found if one == name or one.startswith(f"{name}.")]
            if not inside:
                self._check(name, found, blobs, fields, empty, noun)
            chosen |= dict.fromkeys(inside or [name])
        return list(chosen)

    def _check(
        self,
        name: str,
        found: Sequence[str],
        blobs: Collection[str],
        fields: Collection[str],
        empty: bool,
        noun: str,
    ) -> None:
        for blob in blobs:
            if name == blob or name.startswith(f"{blob}.") or blob.startswith(f"{name}."):
                raise FilterError(
                    f"The column {name!r} holds frames, arrays or other values in rows of their "
                    "own, which a frame of models leaves out. Get handles that read them with: "
                    "await read_models(filter, lazy=True)"
                )
        known_field = any(name == one or (empty and name.startswith(f"{one}.")) for one in fields)
        if not known_field and not (empty and not fields):
            known = {*found, *fields, *blobs}
            hint = " Metrics are columns of read_runs()." if noun == "node" else ""
            raise FilterError(
                f"No {noun} found has a column {name!r}. {did_you_mean(name, known)}{hint}"
            )
