"""Tags as they are typed behind a magic: ``#best``, ``tag:stage=prod``, ``tag:score>0.9``."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.core.error import UsageError

from artigraph.display.escape import visible
from artigraph.filter.base import Filter
from artigraph.filter.operator import SIGNS, ValueFilter, sign_pattern, usual_signs
from artigraph.filter.tag import TagFilter
from artigraph.notebook.magic.condition import joined, literal
from artigraph.notebook.magic.words import Word
from artigraph.outline.tag_term import TAG_PREFIX, is_tag

__all__ = ["is_tag_word", "split_tags"]


def is_tag_word(word: Word) -> bool:
    """Whether a word asks for a tag, and is no id and no field."""
    word = _unquoted(word)
    cut = word.cut(sign_pattern())
    text = word.text if cut is None else cut[0]
    return not word.startswith("\0") and is_tag(text)


def split_tags(words: Sequence[Word]) -> tuple[list[Filter], list[Word]]:
    """The words that ask for tags, as filters, and the others.

    Args:
        words: What was typed; blanks may stand around an operator.

    Raises:
        UsageError: A tag is compared with nothing.
        FilterError: The comparison makes no sense.
    """
    filters: list[Filter] = []
    others: list[Word] = []
    for word in joined(words):
        if is_tag_word(word):
            filters.append(_filter(_unquoted(word)))
        else:
            others.append(word)
    return filters, others


def _unquoted(word: Word) -> Word:
    """A tag that stands in quotes as its chip shows it: ``"#stage=in test"``."""
    typed = word.startswith(("\0#", f"\0{TAG_PREFIX}")) and not word.is_object
    return Word.bare(word.text) if typed else word


def _filter(word: Word) -> Filter:
    cut = word.cut(sign_pattern())
    if cut is None:
        return TagFilter(name=_name(word.text))
    name, sign, rest = cut
    if rest.is_bare and not rest.text:
        raise UsageError(
            f"{visible(word.text, 60)!r} compares a tag with nothing. Type a value behind it, "
            f"as in tag:stage=prod; the signs are {usual_signs()}."
        )
    operator = SIGNS[sign]
    value = rest.value if rest.is_object or operator.needs == "text" else literal(rest)
    asked = ValueFilter(**{operator.name: value})
    return TagFilter(name=_name(name), value=asked)


def _name(text: str) -> str:
    return text.removeprefix("#").removeprefix(TAG_PREFIX)
