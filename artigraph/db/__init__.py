"""Which database, over which engine, in which transaction.

This is the only place that opens connections. ``setting`` chooses the
database, ``engine`` keeps one engine for each event loop, ``schema`` makes
missing tables, ``step`` and ``upgrade`` bring older stores up, and ``session`` shares a
transaction among the calls inside it.
"""

from artigraph.db.roles import roles_sql
from artigraph.db.session import current_session, new_session
from artigraph.db.setting import (
    engine_context,
    get_engine,
    schema_status,
    set_engine,
    upgrade_schema,
)

__all__ = [
    "current_session",
    "engine_context",
    "get_engine",
    "new_session",
    "roles_sql",
    "schema_status",
    "set_engine",
    "upgrade_schema",
]
