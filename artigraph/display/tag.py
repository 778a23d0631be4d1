"""Tags as chips: ``#best``, ``#stage=prod``. Names and values are somebody else's, and are cut."""

from __future__ import annotations

import json
from typing import Any

from artigraph.display.escape import cut

__all__ = ["LONGEST_JSON", "MOST_CHIPS", "tag_texts"]

MOST_CHIPS = 12
"""Tags of one row that are shown."""
LONGEST_JSON = 120
"""Characters of a value's JSON that are read to show it."""
_LONGEST = 40
"""Characters of a name, and of a value, in a chip."""


def tag_texts(stored: object) -> tuple[str, ...]:
    """What the chips of a row say, as they are typed into a search.

    Args:
        stored: Pairs of a name and the beginning of its value's JSON, which is missing for a
            tag without one; whatever else a row may hold is left out.
    """
    if not isinstance(stored, list):
        return ()
    pairs = [one for one in stored if isinstance(one, list) and len(one) == 2]
    shown = tuple(_chip(name, value) for name, value in pairs[:MOST_CHIPS])
    return (*shown, "…") if len(pairs) > MOST_CHIPS else shown


def _chip(name: object, value: object) -> str:
    called = f"#{cut(str(name), _LONGEST)}"
    return called if value is None else f"{called}={cut(_text(str(value)), _LONGEST)}"


def _text(document: str) -> str:
    try:
        found: Any = json.loads(document)["value"]
    except (ValueError, TypeError, KeyError, RecursionError):
        # Its beginning only.
        begun = document.removeprefix('{"value":').lstrip().removeprefix('"')
        return begun if len(document) < LONGEST_JSON else f"{begun}…"
    if isinstance(found, dict) and "$" in found:
        found = found.get("v")
    if isinstance(found, str):
        return found
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
