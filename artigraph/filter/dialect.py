"""How each database reads JSON: the words that SQL for a document's values is made of.

Keys stand in the SQL only where they are letters, digits and the like, which
an index on the same expression needs; any other key is bound, as values
always are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

import orjson
from sqlalchemy import String, bindparam
from sqlalchemy.sql.compiler import SQLCompiler
from typing_extensions import override

from artigraph.orm.base import MARIADB_COLLATION

__all__ = ["JSON_OF_DIALECT", "LARGEST", "JsonFunctions", "is_plain_key"]

LARGEST = "1.7976931348623157e308"
"""What MariaDB, which has no infinity, compares instead."""

_PLAIN_KEY = re.compile(r"[\w .:-]+")
_HARMLESS = re.compile(r"[\w .:$<>\"-]*")


def is_plain_key(key: str) -> bool:
    """Whether a key may stand in SQL; no quote, backslash or ``%`` is in it."""
    return _PLAIN_KEY.fullmatch(key) is not None


class JsonFunctions:
    """How one database reads JSON; its arguments are keys from the root on."""

    text_collation: ClassVar[str] = ""

    def __init__(self, document: str, compiler: SQLCompiler) -> None:
        self.document, self._compiler = document, compiler

    def literal(self, text: str) -> str:
        """A text in SQL: itself where that is safe, else a bound parameter."""
        if _HARMLESS.fullmatch(text):
            return f"'{text}'"
        return self._compiler.process(bindparam(None, text, type_=String(), unique=True))

    def type(self, keys: Sequence[str]) -> str:
        """SQL for the name that the database gives the value's type."""
        raise NotImplementedError

    def text(self, keys: Sequence[str]) -> str:
        """SQL for a text's characters."""
        raise NotImplementedError

    def number(self, keys: Sequence[str], form: str) -> str:
        """SQL for a number."""
        raise NotImplementedError

    def infinity(self, form: str) -> str:
        """SQL for a number that no other exceeds."""
        raise NotImplementedError

    def beyond(self, form: str) -> str:
        """SQL for a number of more than 64 bits."""
        return "1e19"

    def to_number(self, text: str, form: str) -> str:
        """SQL for the number that a text says, ``NULL`` if it says none."""
        raise NotImplementedError

    def true(self, keys: Sequence[str]) -> str:
        """SQL for a boolean."""
        raise NotImplementedError

    def without_fold(self, text: str) -> str:
        """SQL for the first 27 characters of a datetime, or 26 of a naive one."""
        return f"rtrim(substr({text}, 1, 27), '[')"

    numbers: ClassVar[tuple[str, ...]]
    string: ClassVar[str]
    object: ClassVar[str]
    null: ClassVar[str]


class _Sqlite(JsonFunctions):
    numbers, string, object, null = ("integer", "real"), "text", "object", "null"

    def _at(self, keys: Sequence[str]) -> tuple[str, str]:
        document, path = self.document, "$"
        for key in keys:
            if '"' in key or "\\" in key or any(ord(character) < 32 for character in key):
                # Its paths have no escapes: look for the key among all.
                inner = document if path == "$" else f"json_extract({document}, {self.path(path)})"
                value = (
                    "CASE WHEN type IN ('true', 'false') THEN json(type) "
                    "WHEN type IN ('object', 'array') THEN json(value) ELSE value END"
                )
                document = (
                    f"(SELECT json_object('v', {value}) FROM json_each({inner}) "  # noqa: S608  # the key is bound
                    f"WHERE key = {self.literal(key)})"
                )
                path = '$."v"'
            else:
                path += f'."{key}"'
        return document, self.path(path)

    def path(self, path: str) -> str:
        return self.literal(path)

    @override
    def type(self, keys: Sequence[str]) -> str:
        return "json_type({}, {})".format(*self._at(keys))

    @override
    def text(self, keys: Sequence[str]) -> str:
        return "json_extract({}, {})".format(*self._at(keys))

    @override
    def number(self, keys: Sequence[str], form: str) -> str:
        return self.text(keys)

    @override
    def infinity(self, form: str) -> str:
        return "9e999"

    @override
    def to_number(self, text: str, form: str) -> str:
        # No regular expressions here: neither NaN nor a word begins with a digit.
        return (
            f"CASE WHEN ltrim({text}, '-') GLOB '[0-9.]*' AND {text} NOT GLOB '*[^0-9.eE+-]*' "
            f"THEN CAST({text} AS REAL) END"
        )

    @override
    def true(self, keys: Sequence[str]) -> str:
        return f"CASE {self.type(keys)} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"


class _Postgresql(JsonFunctions):
    text_collation = ' COLLATE "C"'
    numbers, string, object, null = ("number",), "string", "object", "null"

    def _at(self, keys: Sequence[str]) -> str:
        return "".join([self.document, *(f" -> {self.key(key)}" for key in keys)])

    def key(self, key: str) -> str:
        return self.literal(key) if is_plain_key(key) else f"CAST({self.literal(key)} AS TEXT)"

    @override
    def type(self, keys: Sequence[str]) -> str:
        return f"jsonb_typeof({self._at(keys)})"

    @override
    def text(self, keys: Sequence[str]) -> str:
        return f"({self._at(keys[:-1])} ->> {self.key(keys[-1])})"

    @override
    def number(self, keys: Sequence[str], form: str) -> str:
        return f"CAST({self._at(keys)} AS NUMERIC)"

    @override
    def infinity(self, form: str) -> str:
        return "CAST('Infinity' AS NUMERIC)"

    @override
    def to_number(self, text: str, form: str) -> str:
        # Of very many digits no number is made, and a write to an index would fail.
        is_number = f"{text} ~ '{_DECIMAL}' AND length({text}) < 1000"
        return f"CASE WHEN {is_number} THEN CAST({text} AS NUMERIC) END"

    @override
    def true(self, keys: Sequence[str]) -> str:
        at = self._at(keys)
        return f"CASE jsonb_typeof({at}) WHEN 'boolean' THEN CAST({at} AS BOOLEAN) END"


class _Mariadb(JsonFunctions):
    text_collation = f" COLLATE {MARIADB_COLLATION}"
    numbers = ("INTEGER", "DOUBLE", "DECIMAL")
    string, object, null = "STRING", "OBJECT", "NULL"

    def _path(self, keys: Sequence[str]) -> str:
        # A key in a path is escaped as it is in the document, but for a dash in front,
        # which since 10.9 is an error.
        escaped = (orjson.dumps(key).decode() for key in keys)
        return self.literal("$" + "".join("." + re.sub('^"-', r'"\\u002d', key) for key in escaped))

    def _at(self, keys: Sequence[str]) -> str:
        return f"{self.document}, {self._path(keys)}"

    @override
    def type(self, keys: Sequence[str]) -> str:
        value = f"JSON_EXTRACT({self._at(keys)})"
        if any(key.startswith("-") for key in keys):
            # It finds no key that is escaped otherwise than in the document; JSON_TABLE does.
            columns = f"COLUMNS (v JSON PATH {self._path(keys)})"
            value = f"(SELECT v FROM JSON_TABLE({self.document}, '$' {columns}) AS found)"  # noqa: S608  # keys are bound
        return f"JSON_TYPE({value})"

    @override
    def text(self, keys: Sequence[str]) -> str:
        return f"JSON_VALUE({self._at(keys)})"

    @override
    def number(self, keys: Sequence[str], form: str) -> str:
        return f"CAST(JSON_VALUE({self._at(keys)}) AS {_mariadb_type(form)})"

    @override
    def infinity(self, form: str) -> str:
        return "9" * 35 if form == "integer" else LARGEST

    @override
    def beyond(self, form: str) -> str:
        return "1" + "0" * 19

    @override
    def to_number(self, text: str, form: str) -> str:
        number, beyond = f"CAST({text} AS DOUBLE)", ""
        # A generated column refuses, and a write fails on, what its type has no digits for.
        if form == "integer":
            beyond = f"WHEN ABS({number}) > 9e34 THEN SIGN({number}) * {self.infinity(form)} "
            number = f"CAST({text} AS DECIMAL(65, 30))"
        if form == "decimal":
            sign = f"IF(substr({text}, 1, 1) = '-', -1, 1)"
            beyond = f"WHEN {text} NOT REGEXP '{_DOUBLE}' THEN {sign} * {LARGEST} "
        return f"CASE WHEN {text} NOT REGEXP '{_DECIMAL}' THEN NULL {beyond}ELSE {number} END"

    @override
    def true(self, keys: Sequence[str]) -> str:
        return f"CASE {self.type(keys)} WHEN 'BOOLEAN' THEN JSON_VALUE({self._at(keys)}) = '1' END"

    @override
    def without_fold(self, text: str) -> str:
        return f"TRIM(TRAILING '[' FROM SUBSTR({text}, 1, 27))"


def _mariadb_type(form: str) -> str:
    # A DOUBLE rounds integers of more than 53 bits, a DECIMAL small fractions.
    return "DECIMAL(65, 30)" if form == "integer" else "DOUBLE"


_DECIMAL = "^-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?$"

_DOUBLE = "^-?([0-9]{1,300}([.][0-9]+)?|[0-9]{1,8}([.][0-9]+)?[eE]([+]?[12]?[0-9]{1,2}|-[0-9]+))$"
"""What is surely no larger than a double."""

JSON_OF_DIALECT: dict[str, type[JsonFunctions]] = {
    "sqlite": _Sqlite,
    "postgresql": _Postgresql,
    "mysql": _Mariadb,
    "mariadb": _Mariadb,
}
