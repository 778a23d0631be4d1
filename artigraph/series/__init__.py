"""Curves: numbers by step, kept in packed blocks beside a node."""

from artigraph.series.writer import SeriesWriter, open_series

__all__ = ["SeriesWriter", "open_series"]
