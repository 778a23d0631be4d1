"""A first look at frames and arrays that are in memory.

Their libraries are looked up among those imported by now, never imported: a
value of a library that nobody imported cannot be there. Only the rows shown are
copied. Their own HTML is not used, so that nothing depends on what it escapes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from artigraph.display.escape import cut
from artigraph.display.facts import Facts, Table
from artigraph.display.limits import Limits

__all__ = [
    "Brief",
    "describe_array",
    "describe_frame",
    "frame_line",
    "is_library_value",
    "line_of_data",
    "plain_number",
    "shape_line",
    "table_of_columns",
]

Brief: TypeAlias = Callable[[object, Limits], str]
"""Writes any value on one line."""

TIMES = "\N{MULTIPLICATION SIGN}"

LONGEST_NAME = 40
"""Characters of a column's label, of a type and of a cell that are shown."""


def is_library_value(value: object, module: str, *names: str) -> bool:
    """Whether a value is of a class of a library, which is not imported to ask.

    Args:
        value: Any value.
        module: The library's module, such as ``"pandas"``.
        *names: Names of classes in it.
    """
    library = sys.modules.get(module)
    classes = (getattr(library, name, None) for name in names)
    return any(isinstance(found, type) and isinstance(value, found) for found in classes)


def plain_number(value: Any) -> Any:
    """What a scalar of numpy is in Python; anything else as it is.

    Args:
        value: Any value.
    """
    numbers = ("bool_", "integer", "float16", "float32", "float64", "complexfloating")
    if is_library_value(value, "numpy", *numbers) and not is_library_value(
        value, "numpy", "timedelta64"
    ):
        return value.item()
    return value


def frame_line(rows: int, columns: int) -> str:
    """How large a frame is, in words.

    Args:
        rows: How many rows.
        columns: How many columns.
    """
    return (
        f"{rows:,} row{'' if rows == 1 else 's'} {TIMES} "
        f"{columns:,} column{'' if columns == 1 else 's'}"
    )


def shape_line(shape: Iterable[int], dtype: str) -> str:
    """How large an array is, and of what.

    Args:
        shape: The length of each axis.
        dtype: The type of its elements.
    """
    size = f" {TIMES} ".join(f"{length:,}" for length in shape) or "scalar"
    return f"{size} {cut(dtype, LONGEST_NAME)}"


def table_of_columns(schema: Sequence[tuple[str, str]], total: int, limits: Limits) -> Table:
    """The labels and types of a frame's columns, without any row.

    Args:
        schema: Label and type of the columns that are known.
        total: How many columns there are.
        limits: How many are shown.
    """
    shown = schema[: limits.max_columns]
    return Table(
        tuple(cut(name, LONGEST_NAME) for name, _ in shown),
        (),
        tuple(cut(dtype, LONGEST_NAME) for _, dtype in shown),
        more_columns=max(total, len(schema)) - len(shown),
    )


def line_of_data(value: Any) -> str | None:
    """How large a frame or an array is; ``None`` for anything else.

    Args:
        value: Any value.
    """
    if is_library_value(value, "pandas", "DataFrame") or is_library_value(
        value, "polars", "DataFrame"
    ):
        return frame_line(*value.shape)
    if is_library_value(value, "pandas", "Series") or is_library_value(value, "polars", "Series"):
        return shape_line((len(value),), str(value.dtype))
    if is_library_value(value, "pyarrow", "Table", "RecordBatch"):
        return frame_line(value.num_rows, value.num_columns)
    if is_library_value(value, "numpy", "ndarray"):
        return shape_line(value.shape, str(value.dtype))
    return None


def describe_frame(value: Any, limits: Limits, brief: Brief) -> Facts | None:
    """A frame's size, column types and first rows; ``None`` for anything else.

    Args:
        value: Any value.
        limits: How much of it is shown.
        brief: Writes one cell.
    """
    if is_library_value(value, "pandas", "DataFrame"):
        table = _pandas(value, limits, brief)
    elif is_library_value(value, "polars", "DataFrame"):
        part = value.head(limits.max_rows)
        columns = [
            (name, str(dtype), part[:, at].to_list())
            for at, (name, dtype) in enumerate(_few(part.schema.items(), limits))
        ]
        table = _table(columns, value.height, value.width, limits, brief)
    elif is_library_value(value, "pyarrow", "Table", "RecordBatch"):
        columns = [
            (one.name, str(one.type), value.column(at).slice(0, limits.max_rows).to_pylist())
            for at, one in enumerate(_few(value.schema, limits))
        ]
        table = _table(columns, value.num_rows, value.num_columns, limits, brief)
    else:
        return None
    return Facts(
        cut(type(value).__name__, 60),
        lines=(line_of_data(value) or "",),
        table=table if value.shape[1] else None,
    )


def describe_array(value: Any, limits: Limits, brief: Brief) -> Facts | None:
    """An array's size, and its first and last elements; ``None`` for anything else.

    Args:
        value: Any value; a column of a frame is an array as well.
        limits: How much of it is shown.
        brief: Writes one element.
    """
    if is_library_value(value, "numpy", "ndarray"):
        total, at = value.size, value.flat
    elif is_library_value(value, "pandas", "Series"):
        total, at = len(value), value.array
    elif is_library_value(value, "polars", "Series"):
        total, at = len(value), value
    else:
        return None
    most = limits.max_items
    last = 0 if total <= most else most // 2
    first = min(total, most - last)
    elements = [_cell(at[n], limits, brief) for n in range(first)]
    if total > most:
        elements.append(f"… +{total - first - last:,} more")
    elements += [_cell(at[n], limits, brief) for n in range(total - last, total)]
    line = f"{line_of_data(value)}: {', '.join(elements)}" if total else line_of_data(value)
    return Facts(cut(type(value).__name__, 60), lines=(line or "",))


def _few(columns: Iterable[Any], limits: Limits) -> list[Any]:
    return [column for column, _ in zip(columns, range(limits.max_columns), strict=False)]


def _pandas(frame: Any, limits: Limits, brief: Brief) -> Table:
    part = frame.iloc[: limits.max_rows, : limits.max_columns]
    rows = range(len(part))
    # The index first, as pandas itself shows it; it counts as no column.
    names = [name for name in part.index.names if name is not None]
    columns = [(_label(names) if names else "", "", [_label(part.index[n]) for n in rows])]
    for at in range(part.shape[1]):
        column = part.iloc[:, at]
        cells = [column.iloc[n] for n in rows]
        columns.append((_label(part.columns[at]), str(column.dtype), cells))
    return _table(columns, len(frame), frame.shape[1] + 1, limits, brief)


def _label(label: Any) -> str:
    parts = label if isinstance(label, tuple | list) else (label,)
    return ", ".join(str(part)[: LONGEST_NAME + 1] for part in parts)


def _table(
    columns: Sequence[tuple[str, str, list[Any]]],
    num_rows: int,
    num_columns: int,
    limits: Limits,
    brief: Brief,
) -> Table:
    rows = list(zip(*([_cell(v, limits, brief) for v in c] for _, _, c in columns), strict=True))
    return Table(
        tuple(cut(str(name), LONGEST_NAME) for name, _, _ in columns),
        tuple(rows),
        tuple(cut(dtype, LONGEST_NAME) for _, dtype, _ in columns),
        gap=len(rows),
        more=num_rows - len(rows),
        more_columns=num_columns - len(columns),
        numbers=frozenset(at for at, (_, _, v) in enumerate(columns) if v and _is_number(v[0])),
    )


def _cell(value: Any, limits: Limits, brief: Brief) -> str:
    """A cell: a text as it is, a number in few digits, anything else on one line."""
    value = plain_number(value)
    if type(value) is str:
        return cut(value, LONGEST_NAME)
    if type(value) is float:
        return f"{value:.6g}" if math.isfinite(value) else str(value)
    # Their own reprs name their types, which stand above the column or the elements.
    if is_library_value(value, "pandas", "Timestamp") or is_library_value(
        value, "numpy", "str_", "datetime64", "timedelta64", "void"
    ):
        return cut(str(value), LONGEST_NAME)
    if is_library_value(value, "numpy.ma", "MaskedArray") and value.ndim == 0:
        return "masked"
    return cut(brief(value, limits), LONGEST_NAME)


def _is_number(value: Any) -> bool:
    return type(plain_number(value)) in (int, float)
