"""A magic's line as words, with the notebook's variables put in.

``$name`` and ``{name}`` stand for variables, with attributes and items behind
them: ``$fit.loss``, ``{runs[0]}``. A word that is nothing else stands for the
object itself, not for its text.

* the line is split before anything is put in, so that no value becomes several
  words or an option, whoever wrote it
* nothing is evaluated: no calls, no operators
* in single quotes everything stands for itself
"""

from __future__ import annotations

import builtins
import difflib
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from numbers import Number
from pathlib import PurePath
from typing import Any

from IPython.core.error import UsageError

from artigraph.display.escape import visible
from artigraph.types.scalar import SCALARS_BY_TYPE

__all__ = ["Word", "look_up", "split"]

_TOKEN = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>\{[^{}]*\}|[^\s'"])|(?P<blank>\s+)"""
)
_VARIABLE = re.compile(
    r"\{(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[[^\[\]{}]*\])*)"
    r"(?P<conversion>![rsa])?(?P<format>:[^{}]*)?\}"
    r"|\$(?P<dotted>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
)


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a word."""

    text: str
    value: Any
    """The object that a variable stands for; else the text."""
    is_bare: bool = False
    """Whether it stands there as it is, neither in quotes nor out of a variable."""


class Word(str):
    """One word of a line.

    Args:
        parts: What it is made of.
        is_value: Whether it is no option, whatever it looks like.
    """

    __slots__ = ("_parts", "text", "value")

    _parts: tuple[_Part, ...]
    text: str
    """The word itself."""
    value: Any
    """The object, if the word is one variable; else the text."""

    def __new__(cls, parts: Sequence[_Part], *, is_value: bool = False) -> Word:
        """Make one; the class describes the arguments."""
        text = "".join(part.text for part in parts)
        # Whoever looks for options sees none where the text is somebody's value.
        bare = not is_value and (not parts or parts[0].is_bare)
        self = super().__new__(cls, text if bare else f"\0{text}")
        self._parts = tuple(parts)
        self.text = text
        self.value = parts[0].value if len(parts) == 1 else text
        return self

    @classmethod
    def bare(cls, text: str) -> Word:
        """A word that stands there as it is."""
        return cls([_Part(text, text, True)])

    def as_value(self) -> Word:
        """The same word, which is no option whatever it looks like."""
        return Word(self._parts, is_value=True)

    @property
    def is_bare(self) -> bool:
        """Whether all of it was typed without quotes, and none is a variable's."""
        return all(part.is_bare for part in self._parts)

    @property
    def is_object(self) -> bool:
        """Whether it is one variable and nothing else."""
        return len(self._parts) == 1 and self.value is not self.text

    def cut(self, operator: re.Pattern[str]) -> tuple[str, str, Word] | None:
        """Cut the word at the first operator that was typed.

        Args:
            operator: Matches an operator.

        Returns:
            What stands before it, the operator, and the word behind it; ``None``
            if there is no operator before the first quote or variable.
        """
        if not self._parts or not self._parts[0].is_bare:
            return None
        first, *others = self._parts
        found = operator.search(first.text)
        if found is None:
            return None
        rest = first.text[found.end() :]
        left = [_Part(rest, rest, True)] if rest or not others else []
        return first.text[: found.start()], found[0], Word([*left, *others])

    def cut_behind(self, operator: str) -> tuple[str, Word] | None:
        """Cut the word at the first operator that was typed, also behind quotes and variables.

        Args:
            operator: The operator, which is no sign where a variable or quotes hold it.

        Returns:
            What stands before it, and the word behind it; ``None`` without one.
        """
        for at, part in enumerate(self._parts):
            before, found, rest = part.text.partition(operator) if part.is_bare else ("", "", "")
            if found:
                others = self._parts[at + 1 :]
                left = [_Part(rest, rest, True)] if rest or not others else []
                text = "".join(one.text for one in self._parts[:at]) + before
                return text, Word([*left, *others])
        return None

    def followed_by(self, other: Word) -> Word:
        """The two words as one, as if there were no blank between them."""
        parts = [*self._parts]
        for part in other._parts:
            if parts and parts[-1].is_bare and part.is_bare:
                text = parts.pop().text + part.text
                parts.append(_Part(text, text, True))
            else:
                parts.append(part)
        return Word(parts)


def split(line: str, variables: Mapping[str, Any]) -> list[Word]:
    """Split a line into words.

    Args:
        line: What stands behind the magic's name.
        variables: What ``$name`` and ``{name}`` may mean.

    Returns:
        The words, as in a shell: quotes keep blanks together.

    Raises:
        UsageError: A quote is never closed, or there is no such variable.
    """
    words: list[Word] = []
    parts: list[_Part] = []
    bare, at, in_word = "", 0, False

    def end_bare() -> None:
        nonlocal bare
        parts.extend(_expand(bare, variables, is_bare=True) if bare else ())
        bare = ""

    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            raise UsageError(
                f"The quote at {line[at : at + 20]!r} is never closed. An apostrophe stands in "
                'double quotes: "it\'s".'
            )
        at = token.end()
        if token["bare"] is not None:
            bare += token["bare"]
            in_word = True
            continue
        end_bare()
        if token["blank"] is None:
            single = token["single"]
            quoted = token["double"] or ""
            parts.extend(
                _expand(quoted, variables, is_bare=False)
                if single is None
                else [_Part(single, single)]
            )
            in_word = True
        elif in_word:
            words.append(Word(parts))
            parts, in_word = [], False
    end_bare()
    return [*words, Word(parts)] if in_word else words


def _expand(text: str, variables: Mapping[str, Any], *, is_bare: bool) -> Iterator[_Part]:
    """Put the variables into a piece of the line."""
    at = 0
    for found in _VARIABLE.finditer(text):
        if found.start() > at:
            yield _Part(text[at : found.start()], text[at : found.start()], is_bare)
        yield _variable(found, variables)
        at = found.end()
    if at < len(text) or not text:
        yield _Part(text[at:], text[at:], is_bare)


def _variable(found: re.Match[str], variables: Mapping[str, Any]) -> _Part:
    value = look_up(found["path"] or found["dotted"], variables)
    if not found["conversion"] and not found["format"]:
        return _Part(_text_of(value), value)
    formatter = string.Formatter()
    try:
        converted = formatter.convert_field(value, (found["conversion"] or "!")[1:] or None)
        text = formatter.format_field(converted, (found["format"] or ":")[1:])
    except Exception as error:  # whatever somebody's object raises
        raise UsageError(f"{found[0]} cannot be put in: {type(error).__name__}: {error}") from error
    return _Part(text, text)


def look_up(path: str, variables: Mapping[str, Any]) -> Any:
    """A variable, or an attribute or item of one.

    Args:
        path: Such as ``fit``, ``fit.loss`` or ``runs[0]``.
        variables: The variables by name.

    Raises:
        UsageError: It is not there.
    """
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    if name not in variables:
        own = [n for n in variables if n[:1] != "_" and n not in vars(builtins)]
        near = difflib.get_close_matches(name, own, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Assign it first."
        raise UsageError(
            f"There is no variable {visible(name, 60)!r}. {hint} In single quotes a $ or a brace "
            "stands for itself."
        )
    try:
        value, _ = string.Formatter().get_field(path, (), variables)
    except Exception as error:  # as above
        raise UsageError(
            f"{visible(path, 60)} is not there: {type(error).__name__}: {error}"
        ) from error
    return value


def _text_of(value: object) -> str:
    # A frame's or a model's text may be long, and nobody reads it.
    if isinstance(value, str | PurePath | date | Number) or type(value) in SCALARS_BY_TYPE:
        return str(value)
    return f"<{type(value).__name__}>"
