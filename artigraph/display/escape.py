r"""Text that says what it holds: nothing hides, reorders, or steers a terminal.

Labels, keys, values and names may be somebody else's. Control characters,
escape sequences, marks of direction and characters without a width are written
out as ``\u202e``; what is left is escaped once more for HTML.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from html import escape

__all__ = ["counted", "cut", "html_text", "visible", "width_of"]

_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
# Letters and marks by category, but nothing to look at.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: str, longest: int | None = None) -> str:
    r"""A text in which every character can be seen.

    Args:
        text: Any text, lone surrogates included.
        longest: Characters that are kept; the others become ``…``.

    Returns:
        The text, with what would not be seen as it stands written out:
        ``\n``, ``\x1b``, ``\u202e``.
    """
    # Cut first: a label may be a megabyte long.
    text = cut(text, sys.maxsize if longest is None else longest)
    if text.isprintable() and (text.isascii() or not _UNSEEN.search(text)):
        return text
    return "".join(
        c if _is_visible(c, text[at - 1 : at], text[at + 1 : at + 2]) else ascii(c)[1:-1]
        for at, c in enumerate(text)
    )


def cut(text: str, longest: int) -> str:
    """At most so many characters of a text, the last of them ``…`` if it was longer."""
    if not isinstance(text, str):
        text = str(text)  # a column that somebody else has filled may hold anything
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def counted(number: int, noun: str) -> str:
    """How many there are: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def html_text(text: str) -> str:
    """A text fit for HTML, between tags as in an attribute, in which every character is seen."""
    return escape(visible(text))


def width_of(text: str) -> int:
    """Columns of a terminal that a visible text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # its tables take a while to load

    return wcswidth(text)


def _is_visible(character: str, before: str, after: str) -> bool:
    if character in _JOINERS:
        # They belong to the spelling of some languages and to many emoji, but
        # between Latin letters they only make two words look like one.
        return not (before.isascii() or after.isascii())
    return (
        unicodedata.category(character) not in _UNSEEN_CATEGORIES
        and _UNSEEN.match(character) is None
    )
