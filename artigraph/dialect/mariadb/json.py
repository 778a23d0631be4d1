"""How MariaDB reads JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson
from typing_extensions import override

from artigraph.dialect.json import DECIMAL, JsonFunctions, is_plain_key
from artigraph.dialect.mariadb.column import COLLATION

__all__ = ["LARGEST", "MariaDBJson"]

LARGEST = "1.7976931348623157e308"
"""What is compared instead of infinity, which it has not."""

_DOUBLE = "^-?([0-9]{1,300}([.][0-9]+)?|[0-9]{1,8}([.][0-9]+)?[eE]([+]?[12]?[0-9]{1,2}|-[0-9]+))$"
"""What is surely no larger than a double."""

_NOT_KEYS = str.maketrans("", "", '"$\\')


def _dumped(key: str) -> str:
    return orjson.dumps(key).decode()


def _path(keys: Sequence[str]) -> str:
    return "$" + "".join("." + _without_dash(key) for key in keys)


def _without_dash(key: str) -> str:
    # A key in a path is escaped as it is in the document, but for a dash in front, which
    # since 10.9 is an error.
    return re.sub('^"-', r'"\\u002d', _dumped(key))


class MariaDBJson(JsonFunctions):
    """How MariaDB reads JSON."""

    text_collation = f" COLLATE {COLLATION}"
    numbers = ("INTEGER", "DOUBLE", "DECIMAL")
    string, object, null = "STRING", "OBJECT", "NULL"

    @override
    def literal(self, text: str) -> str:
        if "\\" not in text or not is_plain_key(text.translate(_NOT_KEYS)):
            return super().literal(text)
        # A backslash in quotes is one or not, as a server's mode has it.
        parts = "', CHAR(92 USING utf8mb4), '".join(text.split("\\"))
        return f"CONCAT('{parts}')"

    def _at(self, keys: Sequence[str]) -> str:
        return f"{self.document}, {self.literal(_path(keys))}"

    @override
    def type(self, keys: Sequence[str]) -> str:
        value = f"JSON_EXTRACT({self._at(keys)})"
        dashed = {key for key in keys if key.startswith("-")}
        if dashed:
            # It finds no key that is escaped otherwise than in the document.
            document = self.document
            for key in sorted(dashed):
                old, new = (self.literal(f"{one}:") for one in (_dumped(key), _without_dash(key)))
                document = f"REPLACE({document}, {old}, {new})"
            value = f"JSON_EXTRACT({document}, {self.literal(_path(keys))})"
        if not all(key.isascii() and is_plain_key(key) for key in dashed):
            # A document may hold them escaped. JSON_TABLE finds them, but serves no index.
            columns = f"COLUMNS (v JSON PATH {super().literal(_path(keys))})"
            value = f"(SELECT v FROM JSON_TABLE({self.document}, '$' {columns}) AS found)"
        return f"JSON_TYPE({value})"

    @override
    def text(self, keys: Sequence[str]) -> str:
        return f"JSON_VALUE({self._at(keys)})"

    @override
    def number(self, keys: Sequence[str], form: str) -> str:
        # A DOUBLE rounds integers of more than 53 bits, a DECIMAL small fractions.
        type_ = "DECIMAL(65, 30)" if form == "integer" else "DOUBLE"
        return f"CAST(JSON_VALUE({self._at(keys)}) AS {type_})"

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
        return f"CASE WHEN {text} NOT REGEXP '{DECIMAL}' THEN NULL {beyond}ELSE {number} END"

    @override
    def true(self, keys: Sequence[str]) -> str:
        return f"CASE {self.type(keys)} WHEN 'BOOLEAN' THEN JSON_VALUE({self._at(keys)}) = '1' END"

    @override
    def without_fold(self, text: str) -> str:
        return f"TRIM(TRAILING '[' FROM SUBSTR({text}, 1, 27))"
