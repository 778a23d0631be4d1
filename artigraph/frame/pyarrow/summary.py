"""What a column holds, at a glance: missing values, extremes and a picture.

Where the footer has statistics, the number of missing values and the extremes
cost nothing and are those of the whole column. The picture is drawn from a few
row groups spread over the frame, unless the column is small or all of it is
asked for, which is then read into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.frame.pyarrow.chunks import AT_ONCE, ColumnChunks
from artigraph.frame.pyarrow.column import Column, computed_type, make_column
from artigraph.frame.pyarrow.condition import can_filter, comparable
from artigraph.frame.pyarrow.histogram import (
    Span,
    extremes,
    finite,
    is_number,
    make_histogram,
    spread_histogram,
)
from artigraph.frame.pyarrow.text import short_texts
from artigraph.serializer.part import FrameColumn

__all__ = ["SAMPLE_BYTES", "Summary", "summarize"]

SAMPLE_BYTES = 2**19
"""Bytes of a column that are read for its picture, unless all are asked for."""

VALUES = 12
"""Values whose counts are shown, of a column that has no order worth a histogram."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a column."""

    rows: int
    """How many rows the column has."""
    read_rows: int
    """How many of them were read for the picture."""
    missing: int | None = None
    """How many are missing, of all rows; ``None`` if only the read ones are known."""
    read_missing: int = 0
    """How many of the read rows are missing."""
    low: str | None = None
    """The least value as text; of the read rows, unless ``exact``."""
    high: str | None = None
    """The greatest."""
    exact: bool = False
    """Whether the extremes are those of all rows."""
    distinct: int | None = None
    """How many different values the read rows have, if that was counted."""
    bars: list[int] = field(default_factory=list)
    """Counts: in equal parts from ``low`` to ``high``, or of the values in ``names``.

    In parts they are estimates for all rows, if not all were read and the
    footer tells enough; see ``artigraph.frame.pyarrow.histogram``.
    """
    names: list[str] = field(default_factory=list)
    """The most frequent values, most frequent first; none for a histogram."""


async def summarize(
    chunks: ColumnChunks,
    place: int,
    *,
    whole: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Summary:
    """Look into a column.

    Args:
        chunks: The frame.
        place: The column's place.
        whole: Whether all of it is read.
        progress: Told how many row groups of how many are read.

    Raises:
        ArtigraphError: As for ``StoredFrame.page``.
    """
    groups = _sample(chunks, place, whole)
    done = 0

    async def read(group: int) -> Column:
        nonlocal done
        column: Column = (await chunks.read(group, [place], keep=False))[0]
        done += 1
        progress(done, len(groups))
        return column

    parts = await gather_bounded(read, groups, limit=AT_ONCE)
    samples = dict(zip(groups, parts, strict=True))
    return await run_in_thread(_summarize, chunks, place, samples)


def _sample(chunks: ColumnChunks, place: int, whole: bool) -> Sequence[int]:
    count = len(chunks.group_rows)
    if whole or count <= 1:
        return range(count)
    first = chunks.facts(0, place)
    size = 8 * chunks.group_rows[0] if first is None else first.total_compressed_size
    wanted = max(2, SAMPLE_BYTES // max(size, 1))
    if wanted >= count:
        return range(count)
    return sorted({round(i * (count - 1) / (wanted - 1)) for i in range(wanted)})


def _summarize(chunks: ColumnChunks, place: int, samples: dict[int, Column]) -> Summary:
    facts, kind = chunks.columns[place], chunks.types[place]
    column = make_column([c for part in samples.values() for c in part.chunks], kind)
    rows, read = chunks.num_rows, len(column)
    told: dict[str, Any] = {"rows": rows, "read_rows": read, "read_missing": column.null_count}
    footer = _read_footer(chunks, place)
    told["missing"] = column.null_count if read == rows else footer.missing
    if not can_filter(kind, facts):
        return Summary(**told)
    column = comparable(column)
    kind = column.type
    # The footer knows the order of texts, not that of categories.
    low: Any = None if facts.sort_key else footer.low
    high: Any = footer.high
    told["exact"] = low is not None or read == rows
    if low is None and not pa.types.is_null(kind) and column.null_count < read:
        if facts.sort_key is not None:
            return Summary(**told, **_ends(column, facts), **_most_frequent(column, facts))
        low, high = extremes(finite(column))
    if low is not None and not low.is_valid:
        low = high = None
    told |= {"low": _text(low, facts), "high": _text(high, facts)}
    if not is_number(kind) or low is None:
        return Summary(**told, **_most_frequent(column, facts))
    if read < rows and footer.low is not None:
        parts = {group: comparable(part) for group, part in samples.items()}
        return Summary(**told, bars=spread_histogram(parts, footer.spans, low, high))
    return Summary(**told, bars=make_histogram(column, low, high))


class _Footer(NamedTuple):
    """What the footer tells of a column, as far as every row group tells it."""

    missing: int | None = None
    low: Any = None
    high: Any = None
    spans: Sequence[Span | None] = ()


def _read_footer(chunks: ColumnChunks, place: int) -> _Footer:
    kind = computed_type(chunks.types[place])
    missing: int | None = 0
    spans: list[Span | None] = []
    for group, rows in enumerate(chunks.group_rows):
        found = getattr(chunks.facts(group, place), "statistics", None)
        if found is None:
            return _Footer()
        nulls = found.null_count if found.has_null_count else None
        missing = None if missing is None or nulls is None else missing + nulls
        if found.has_min_max:
            low = found.min
            # Parquet writes -0.0 for a least value of zero, since it may be either.
            low = low + 0.0 if isinstance(low, float) else low
            spans.append(Span(low, found.max, rows - (nulls or 0)))
        elif nulls == rows:
            spans.append(None)
        else:
            return _Footer(missing)
    known = [span for span in spans if span is not None]
    try:
        low = pa.scalar(min(span.low for span in known), kind)
        high = pa.scalar(max(span.high for span in known), kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _Footer(missing)
    return _Footer(missing, low, high, spans)


def _ends(column: Column, facts: FrameColumn) -> dict[str, Any]:
    """The first and the last of the categories that there are."""
    keys: Any = (facts.sort_key or comparable)(column)
    found: Any = pc.min_max(keys)
    places = [pc.index(keys, found[end]).as_py() for end in ("min", "max")]
    low, high = short_texts(column.take(pa.array(places)), facts)[0]
    return {"low": low, "high": high}


def _text(scalar: Any, facts: FrameColumn) -> str | None:
    if scalar is None:
        return None
    column: Any = pa.chunked_array([pa.array([scalar], scalar.type)])
    return short_texts(column, facts._replace(show=None))[0][0]


def _most_frequent(column: Column, facts: FrameColumn) -> dict[str, Any]:
    counts: Any = pc.value_counts(column.drop_null())
    values, numbers = counts.field("values"), counts.field("counts")
    top = pc.sort_indices(pc.negate(numbers))[:VALUES]
    names, _ = short_texts(pa.chunked_array([values.take(top)]), facts)
    return {"distinct": len(counts), "bars": numbers.take(top).to_pylist(), "names": names}
