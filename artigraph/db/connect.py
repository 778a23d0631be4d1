"""Connecting to a server, which ends: somebody may listen there and never answer.

Drivers bound the parts of it that they thought of. Here the whole of it is bounded, by what
the address says or by :data:`~artigraph.dialect.base.CONNECT_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.util import await_only, greenlet_spawn

from artigraph.dialect.base import CONNECT_SECONDS
from artigraph.dialect.registry import dialect_of
from artigraph.errors import EngineURLError

__all__ = ["connect_seconds", "prepare_connect"]

_TIMEOUT = "timeout"


def prepare_connect(engine: Engine) -> None:
    """Bound how long an engine's pool waits for each new connection to a server."""
    # A file answers, and its timeout is of locks.
    if dialect_of(engine).is_server and not event.contains(engine, "do_connect", _on_connect):
        event.listen(engine, "do_connect", _on_connect)


def connect_seconds(options: Mapping[str, Any], name: str) -> float:
    """How long connecting may take.

    Args:
        options: What an address, or whoever made an engine, says.
        name: What the driver calls its own bound, which holds where ``timeout`` is not said.

    Raises:
        EngineURLError: That is no number of seconds.
    """
    given = options.get(_TIMEOUT, options.get(name))
    try:
        seconds = CONNECT_SECONDS if given is None else float(given)
    except (TypeError, ValueError):
        seconds = 0
    if not 0 < seconds <= _LONGEST:
        raise EngineURLError(
            f"The address of the database says how long to wait for the server, but not in "
            f"seconds: {given!r}. Type, for instance, ?timeout=30 at its end."
        )
    return seconds


_LONGEST = 86_400.0


def _on_connect(dialect: Any, _record: Any, args: Any, options: dict[str, Any]) -> Any:
    name = dialect_of(dialect).connect_timeout
    seconds = connect_seconds(options, name)
    if _TIMEOUT in options:
        # An address holds text, and not every driver knows the word.
        del options[_TIMEOUT]
        options[name] = seconds

    async def connect() -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await greenlet_spawn(dialect.connect, *args, **options)
        except TimeoutError as error:
            raise TimeoutError(
                f"no answer within {seconds:g} seconds, which ?timeout=… in the address changes"
            ) from error
        except TypeError as error:
            # From the driver's call, of a word that it does not know.
            raise EngineURLError(
                f"The database's address, or its engine, has an option that the driver "
                f"{dialect.driver} does not take: {error}. Correct or remove what follows the '?'."
            ) from error

    return await_only(connect())
