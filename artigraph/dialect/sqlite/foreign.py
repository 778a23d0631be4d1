"""Cells that somebody else wrote, over which SQLite gives a whole statement up.

Its columns keep anything. A text that is no UTF-8 is read with its bytes written out, and
a document that is no JSON is none: the statement is sent again, so that others pay nothing.
"""

from __future__ import annotations

import re
import sqlite3
from functools import partial
from typing import Any

from sqlalchemy.engine import ExecutionContext

__all__ = ["read_whatever_is_there"]

_AS_IT_IS = partial(str, encoding="utf-8", errors="backslashreplace")
_OF_COLUMN = re.compile(r"(json_(?:type|extract|each)\()([\w.]+)", re.IGNORECASE)


def read_whatever_is_there(
    cursor: Any, statement: str, parameters: Any, context: ExecutionContext
) -> bool:
    """Send a statement, and once more where a cell was in its way.

    For SQLAlchemy's event ``do_execute``.
    """
    try:
        cursor.execute(statement, parameters)
    except sqlite3.OperationalError as error:
        guarded = _OF_COLUMN.sub(r"\1CASE WHEN json_valid(\2) THEN \2 END", statement)
        if "malformed JSON" in str(error) and "json_valid" not in statement:
            return read_whatever_is_there(cursor, guarded, parameters, context)
        driver: Any = context.root_connection.connection.driver_connection
        if "decode to UTF-8" not in str(error) or driver.text_factory is _AS_IT_IS:
            raise
        before, driver.text_factory = driver.text_factory, _AS_IT_IS
        try:
            return read_whatever_is_there(cursor, statement, parameters, context)
        finally:
            driver.text_factory = before
    return True
