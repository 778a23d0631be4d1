"""How much of a thing is shown: the settings, each with its default and its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

__all__ = ["Limits", "meaning_of"]


def _limit(default: int, meaning: str, least: int = 0) -> Any:
    return field(default=default, metadata={"meaning": meaning, "least": least})


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings at one moment; see ``artigraph.options`` for those of the process."""

    max_bytes: int = _limit(100_000, "bytes of one representation, of each kind", 10_000)
    max_fields: int = _limit(50, "fields of a model, columns of a node", 1)
    max_items: int = _limit(10, "items of a collection: the first and the last", 1)
    max_text: int = _limit(200, "characters of one value", 10)
    max_depth: int = _limit(4, "models inside models, collections inside collections")
    max_results: int = _limit(20, "rows of a list of nodes, artifacts or models", 1)
    max_rows: int = _limit(5, "rows of a frame's first look")
    max_columns: int = _limit(12, "columns of a frame's first look, or of a list", 1)
    max_children: int = _limit(20, "children of one node of a tree", 1)
    max_levels: int = _limit(12, "levels of a tree below its root", 1)
    max_pictures: int = _limit(4, "figures and images of one representation")

    def deeper(self) -> Limits:
        """The limits for what is inside a thing."""
        return _deeper(self)

    def in_model_line(self) -> Limits:
        """The limits for a field of a model that takes one line."""
        return _in_model_line(self)

    def in_collection_line(self) -> Limits:
        """The limits for an item of a collection that takes one line."""
        return _in_collection_line(self)

    def smaller(self) -> Limits | None:
        """Tighter limits, for what became too large; ``None`` if there are none."""
        if self.max_pictures:
            # The largest are the first to go.
            return replace(self, max_pictures=self.max_pictures // 2)
        smaller = replace(
            self,
            **{
                f.name: max(value // 2, min(f.metadata["least"], value))
                for f in fields(self)
                if f.name != "max_bytes" and (value := getattr(self, f.name)) is not None
            },
        )
        return None if smaller == self else smaller


# A list of a thousand models asks for the same few again and again.


@lru_cache(maxsize=256)
def _deeper(limits: Limits) -> Limits:
    return replace(limits, max_depth=limits.max_depth - 1)


# Models in models in lists would multiply, so that the inner ones show less.


@lru_cache(maxsize=256)
def _in_model_line(limits: Limits) -> Limits:
    fewer = max(2, limits.max_fields // 4)
    return replace(limits, max_depth=limits.max_depth - 1, max_fields=fewer)


@lru_cache(maxsize=256)
def _in_collection_line(limits: Limits) -> Limits:
    fewer = max(2, limits.max_items // 2)
    return replace(limits, max_depth=limits.max_depth - 1, max_items=fewer)


def meaning_of(name: str) -> tuple[str, int, int]:
    """What a setting means, its default, and its least value.

    Args:
        name: One of the fields of :class:`Limits`.
    """
    (found,) = (f for f in fields(Limits) if f.name == name)
    return found.metadata["meaning"], getattr(Limits(), name), found.metadata["least"]
