"""Who makes the previews of a kind; artigraph's own are imported at the first one."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from artigraph.preview import kind
from artigraph.preview.base import MakePreview, makers

__all__ = ["find_preview"]


def find_preview(of: str) -> MakePreview | None:
    """Who makes previews of a kind; ``None`` if nobody does.

    Args:
        of: A media type, or the stored name of a serializer.
    """
    _import_all()
    media, _, suffix = of.partition(";")[0].strip().lower().rpartition("+")
    whole = f"{media}+{suffix}" if media else suffix
    # As "application/geo+json" is JSON.
    wanted = (whole, f"application/{suffix}" if media else "", f"{whole.partition('/')[0]}/*")
    return next((makers[one] for one in wanted if one in makers), None)


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(kind.__path__):
        import_module(f"{kind.__name__}.{module.name}")
