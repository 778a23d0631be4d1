"""Curves: numbers by step, kept in packed blocks beside a node."""

from artigraph.series.read import list_series, read_series, read_series_table
from artigraph.series.summary import SeriesSummary
from artigraph.series.writer import SeriesWriter, open_series

__all__ = [
    "SeriesSummary",
    "SeriesWriter",
    "list_series",
    "open_series",
    "read_series",
    "read_series_table",
]
