"""What MariaDB must be told on every connection.

A recursive query ends after 1,000 steps there, without an error: of a deeper
tree it would find the upper part only.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event

__all__ = ["prepare_mariadb"]

MOST_STEPS = 4_294_967_295
_PREPARED = "artigraph_prepared"


def prepare_mariadb(engine: Engine) -> None:
    """Set every connection up that an engine has or will open, if it is MariaDB's.

    Args:
        engine: The synchronous half of an asynchronous engine.
    """
    mariadb = engine.dialect.name in ("mysql", "mariadb")
    if mariadb and not event.contains(engine, "begin", _on_begin):
        event.listen(engine, "begin", _on_begin)


def _on_begin(connection: Connection) -> None:
    # At the first transaction rather than on connecting: an engine may have been
    # at work before it was given to artigraph.
    if _PREPARED in connection.info:
        return
    cursor = connection.connection.cursor()
    try:
        cursor.execute(f"SET SESSION max_recursive_iterations = {MOST_STEPS}")
    finally:
        cursor.close()
    connection.info[_PREPARED] = True
