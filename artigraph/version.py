"""The version of artigraph, which nothing else says."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
