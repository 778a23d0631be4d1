"""No ROLLBACK where there is nothing to roll back.

A pool rolls every connection back that it is given, and a session does before that. Each
is a round trip, also behind a COMMIT; here the server is not asked for what it has said
with its last answer: whether a transaction is open.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_cursor
from sqlalchemy.dialects.mysql.asyncmy import (
    AsyncAdapt_asyncmy_connection,
    AsyncAdapt_asyncmy_dbapi,
)
from sqlalchemy.engine.interfaces import Dialect

__all__ = ["travel_less"]


def travel_less(dialect: Dialect) -> None:
    """Have an engine's dialect open connections that know whether they are in a transaction."""
    driver = dialect.dbapi
    # Somebody else's driver is left as it is.
    if type(driver) is AsyncAdapt_asyncmy_dbapi:
        dialect.dbapi = _Driver(driver.asyncmy)


class _Driver(AsyncAdapt_asyncmy_dbapi):
    def connect(self, *arg: object, **kw: object) -> _Connection:
        return _Connection(self, super().connect(*arg, **kw)._connection)


class _Connection(AsyncAdapt_asyncmy_connection):
    __slots__ = ("_is_unsure",)

    def __init__(self, dbapi: object, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._is_unsure = False
        """Whether the server may know more than its last answer tells."""

    def cursor(self, server_side: bool = False) -> AsyncAdapt_dbapi_cursor:
        # The answer to a stream has not ended when its first rows are here.
        self._is_unsure = self._is_unsure or server_side
        return super().cursor(server_side)

    def _handle_exception(self, error: Exception) -> NoReturn:
        # An error does not tell, and the statement may have begun a transaction.
        self._is_unsure = True
        super()._handle_exception(error)

    def rollback(self) -> None:
        """Roll back what the server has open."""
        if self._is_unsure or self._connection.get_transaction_status():
            super().rollback()
            self._is_unsure = False
