"""Connections that the server, or a proxy, has closed while nobody used them.

A connection is looked at when the pool hands it out: at what the driver knows of
it without asking the server, and, after a long rest, by asking once. A dead one
is replaced before anybody has used it. One that dies in a transaction is another
matter: see :mod:`artigraph.db.outcome`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from artigraph.dialect.registry import dialect_of

__all__ = ["prepare_idle"]

REST_SECONDS = 10
"""After so long a rest the server is asked: a proxy drops a connection silently, and a
cell that computes does not let the driver see that the server has closed it."""
ANSWER_SECONDS = 5
"""How long the answer may take."""

_USED = "artigraph_used_at"


def prepare_idle(engine: Engine) -> None:
    """Have the connections looked at that an engine's pool hands out."""
    # A file cannot hang up.
    if dialect_of(engine).is_server and not event.contains(engine, "checkout", _on_checkout):
        event.listen(engine, "checkout", _on_checkout)
        event.listen(engine, "checkin", _on_checkin)


def _on_checkin(_connection: Any, record: Any) -> None:
    record.info[_USED] = time.monotonic()


def _on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
    used = record.info.pop(_USED, None)
    if used is None:  # it is new
        return
    driver = connection.driver_connection
    if _is_closed(driver):
        raise DisconnectionError("The server has closed the connection.")
    if time.monotonic() - used < REST_SECONDS:
        return
    try:
        connection.run_async(_asked)
    except Exception as error:
        # Whatever the driver makes of it: another connection will tell.
        raise DisconnectionError("The server does not answer on the connection.") from error


def _is_closed(driver: Any) -> bool:
    """Whether the driver has seen that the server has closed a connection."""
    if hasattr(driver, "is_closed"):  # asyncpg's
        return bool(driver.is_closed())
    return bool(getattr(driver, "_stream_broken", False))  # asyncmy's


async def _asked(driver: Any) -> None:
    asking = driver.ping(reconnect=False) if hasattr(driver, "ping") else driver.execute("SELECT 1")
    await asyncio.wait_for(asking, ANSWER_SECONDS)
