"""Typed, versioned values, and the rows that they become."""

# Rows name their class, and this one of our own must be known wherever they are read.
from artigraph.model.log import Log

__all__ = ["Log"]
