"""Made-up changes: of documents by their parts, of cells by type and length, of bytes anyhow."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.display.hostile import HOSTILE
from tests.fuzz.change import BYTES, COLUMNS, JSON, Change, Store

__all__ = ["CANARY", "Mutator"]

CANARY = "antigravity"
"""A module that nobody imports, and what is read must not either."""

_TEXTS = [
    *(text for name, text in HOSTILE.items() if name not in ("long", "surrogate")),
    *(f"{CANARY}:geohash", f"{CANARY}.geohash", f"__import__('{CANARY}')", "os.system"),
    *("../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "C:\\x", "NaN", "-Infinity"),
    *("9999-99-99", "0001-01-01T00:00:00+23:59", "1e999999", "9" * 5000, "artigraph-json"),
    *("artigraph-pandas", "artigraph-numpy", "object", "O", "|V0", "<U2147483647", "Zone/../../x"),
]
_NUMBERS = [0, 1, -1, 2**31, 2**63 - 1, -(2**63), 10**30, 0.5, -0.0, 1e308, 5e-324]
_FOUR = ["00000000", "ffffffff", "ffffff7f", "00000080", "01000000", "7fffffff", "80000000"]


class Mutator:
    """What makes the next case.

    Args:
        store: What is changed.
        dice: What decides.
    """

    def __init__(self, store: Store, dice: random.Random) -> None:
        self._store, self._dice = store, dice
        self._documents = {
            (node, column): json.loads(row[column])
            for node, row in store.rows.items()
            for column in JSON
            if row.get(column) is not None
        }
        self._parts = [part for one in self._documents.values() for part in _parts(one)]
        self._valued = [node for node in store.rows if store.bytes_of(node) is not None]

    def case(self) -> list[Change]:
        """One to three changes."""
        kinds: list[Callable[[], Change]] = [self._document, self._bytes, self._cell, self._text]
        chosen = self._dice.choices(kinds, [6, 6, 3, 1], k=self._dice.choice([1, 1, 1, 2, 3]))
        return [make() for make in chosen]

    def _document(self) -> Change:
        node, column = self._dice.choice(list(self._documents))
        document = copy.deepcopy(self._documents[node, column])
        for _ in range(self._dice.choice([1, 1, 2, 3])):
            document = self._changed(document)
        return {"node": node, "column": column, "value": _text(json.dumps(document))}

    def _changed(self, document: Any) -> Any:
        places = list(_places(document))
        if not places or self._dice.random() < 0.05:
            return self._part()
        holder, key = self._dice.choice(places)
        action = self._dice.randrange(5)
        if action == 0 and isinstance(holder, dict):
            holder[self._dice.choice([*_TEXTS, "$", "v", "t"])] = holder.pop(key)
        elif action == 1:
            del holder[key]
        elif action == 2:
            holder[key] = {"$": self._dice.choice(_TEXTS), "v": holder[key]}
        else:
            holder[key] = self._part()
        return document

    def _part(self) -> Any:
        dice = self._dice
        match dice.randrange(5):
            case 0:
                return dice.choice(_TEXTS)
            case 1:
                return dice.choice(_NUMBERS)
            case 2:
                return dice.choice([None, True, False, [], {}, [[]], {"": {}}, "", float("nan")])
            case _:
                return copy.deepcopy(dice.choice(self._parts))

    def _text(self) -> Change:
        """A document that is no JSON, or JSON that is no document."""
        node, column = self._dice.choice(list(self._documents))
        size = len(str(self._store.rows[node][column]))
        values: list[Any] = [
            *({"text": b"[".hex(), "times": 100_000}, {"text": b'{"a":'.hex(), "times": 50_000}),
            *({"text": b"1".hex(), "times": 50_000}, _text("1e400"), _text('"\\ud800"'), _text("")),
            _text('{"x": 1, "x": 2}'),
            *[{"edits": self._edits(size)}] * 6,
        ]
        return {"node": node, "column": column, "value": self._dice.choice(values)}

    def _cell(self) -> Change:
        dice = self._dice
        node, column = dice.choice(list(self._store.rows)), dice.choice(COLUMNS)
        match dice.randrange(6):
            case 0:
                value: Any = _text(dice.choice(_TEXTS))
            case 1:
                value = dice.choice([n for n in _NUMBERS if abs(n) < 2**63 or n < 0 or n > 1e300])
            case 2:
                value = {"blob": dice.randbytes(dice.choice([0, 1, 16, 300])).hex()}
            case 3:
                value = {"text": dice.choice(["ff", "c328", "61ff0062", "edA080"])}
            case 4:
                value = {"text": b"x<".hex(), "times": dice.choice([300, 1_000_000])}
            case _:
                other = self._store.rows[dice.choice(list(self._store.rows))][column]
                value = {"blob": other.hex()} if isinstance(other, bytes) else other
        if column in ("node_type", "node_created_at", "node_updated_at") and value is None:
            value = 0
        if column == "node_parent_id":
            # The database sees to it that it is one; a circle it takes.
            value = dice.choice(list(self._store.rows))
        return {"node": node, "column": column, "value": value}

    def _bytes(self) -> Change:
        dice = self._dice
        node = dice.choice(self._valued)
        data = self._store.bytes_of(node) or b""
        other = self._store.bytes_of(dice.choice(self._valued)) or b""
        value: dict[str, Any] = {"edits": self._edits(len(data))}
        if (kind := dice.random()) < 0.1:
            value = {"blob": other.hex()}
        elif kind < 0.2:
            value = {"blob": (data[: dice.randrange(len(data) + 1)] + other).hex()}
        return {"node": node, "column": BYTES, "value": value, "honest": dice.random() < 0.9}

    def _edits(self, size: int) -> list[tuple[int, int, str]]:
        dice, edits = self._dice, list[tuple[int, int, str]]()
        for _ in range(dice.choice([1, 1, 2, 4, 16])):
            at = dice.randrange(size + 1)
            match dice.randrange(6):
                case 0:
                    edits.append((at, 4, dice.choice(_FOUR)))
                case 1:
                    edits.append((at, dice.randrange(64), ""))
                case 2:
                    edits.append((at, 0, dice.randbytes(dice.randrange(1, 16)).hex()))
                case 3:
                    edits.append((at, size, ""))
                case _:
                    edits.append((at, 1, dice.randbytes(1).hex()))
        return edits


def _text(text: str) -> dict[str, str]:
    return {"text": text.encode(errors="surrogatepass").hex()}


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Everywhere in a document where something stands: what holds it, and at which key."""
    if not isinstance(document, dict | list):
        return
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(items):
        yield document, key
        yield from _places(value)


def _parts(document: Any) -> Iterator[Any]:
    yield document
    for holder, key in _places(document):
        yield holder[key]
