"""How a database reads JSON: the words that SQL for a document's values is made of.

Keys stand in the SQL only where they are letters, digits and the like, which
an index on the same expression needs; any other key is bound, as values
always are.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import String, bindparam
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["DECIMAL", "JsonFunctions", "is_plain_key"]

DECIMAL = "^-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?$"
"""A text that says a number, as a regular expression."""

_PLAIN_KEY = re.compile(r"[\w .:-]+")
_HARMLESS = re.compile(r"[\w .:$<>\"-]*")


def is_plain_key(key: str) -> bool:
    """Whether a key may stand in SQL; no quote, backslash or ``%`` is in it."""
    return _PLAIN_KEY.fullmatch(key) is not None


class JsonFunctions(ABC):
    """How one database reads JSON; its arguments are keys from the root on."""

    text_collation: ClassVar[str] = ""

    def __init__(self, document: str, compiler: SQLCompiler) -> None:
        self.document, self._compiler = document, compiler

    def literal(self, text: str) -> str:
        """A text in SQL: itself where that is safe, else a bound parameter."""
        if _HARMLESS.fullmatch(text):
            return f"'{text}'"
        return self._compiler.process(bindparam(None, text, type_=String(), unique=True))

    @abstractmethod
    def type(self, keys: Sequence[str]) -> str:
        """SQL for the name that the database gives the value's type."""

    @abstractmethod
    def text(self, keys: Sequence[str]) -> str:
        """SQL for a text's characters."""

    @abstractmethod
    def number(self, keys: Sequence[str], form: str) -> str:
        """SQL for a number."""

    @abstractmethod
    def infinity(self, form: str) -> str:
        """SQL for a number that no other exceeds."""

    def beyond(self, form: str) -> str:
        """SQL for a number of more than 64 bits."""
        return "1e19"

    @abstractmethod
    def to_number(self, text: str, form: str) -> str:
        """SQL for the number that a text says, ``NULL`` if it says none."""

    @abstractmethod
    def true(self, keys: Sequence[str]) -> str:
        """SQL for a boolean."""

    def without_fold(self, text: str) -> str:
        """SQL for the first 27 characters of a datetime, or 26 of a naive one."""
        return f"rtrim(substr({text}, 1, 27), '[')"

    numbers: ClassVar[tuple[str, ...]]
    string: ClassVar[str]
    object: ClassVar[str]
    null: ClassVar[str]
