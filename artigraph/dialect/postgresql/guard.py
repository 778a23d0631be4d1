"""PostgreSQL's triggers. Their conditions are its own, so a row that needs none costs no call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sqlalchemy import Connection, text
from typing_extensions import override

from artigraph.dialect.guard import LOCKED, UPGRADES, Guards

__all__ = ["FUNCTIONS", "PostgreSQLGuards"]

_USER = "session_user::text"
_KEPT = "OLD.node_locked_at IS NOT NULL"
_REFUSE = f"BEGIN RAISE EXCEPTION '{LOCKED} (%)', OLD.node_id USING ERRCODE = '55006'; END"
# Without a cast, whose type would be looked for in schemas of whoever writes.
_FILL = "NEW.node_updated_by := session_user; RETURN NEW; END"
_BODIES = {
    "artigraph_refuse_locked": _REFUSE,
    "artigraph_note_creator": f"BEGIN NEW.node_created_by := session_user; {_FILL}",
    "artigraph_note_updater": f"BEGIN NEW.node_created_by := OLD.node_created_by; {_FILL}",
}

FUNCTIONS = tuple(_BODIES)
"""What its triggers call."""


class PostgreSQLGuards(Guards):
    """What PostgreSQL sees to by itself."""

    user_sql = "CAST(session_user AS TEXT)"
    uid_sql: ClassVar[str] = (
        "decode(lpad(to_hex((extract(epoch FROM {moment}) * 1000000)::bigint / 1000), 12, '0') "
        "|| '7' || lpad(to_hex("
        "(extract(epoch FROM {moment}) * 1000000)::bigint % 1000 * 4096 / 1000), 3, '0') "
        "|| to_hex(2147483648 | ({id} & 1073741823)) "
        "|| lpad(to_hex(floor(random() * 4294967296)::bigint), 8, '0'), 'hex')"
    )
    parents_hold = " FOR KEY SHARE"

    @override
    def guards(self, table: str) -> Mapping[str, Sequence[str]]:
        own = f"NEW.node_updated_by IS DISTINCT FROM {_USER}"
        events = {
            f"{table}_locked_update": (
                f"UPDATE ON {table} FOR EACH ROW WHEN ({_KEPT} AND NEW.node_locked_at IS NOT NULL)",
                "artigraph_refuse_locked",
            ),
            f"{table}_locked_delete": (
                f"DELETE ON {table} FOR EACH ROW WHEN ({_KEPT})",
                "artigraph_refuse_locked",
            ),
            f"{table}_creator": (
                f"INSERT ON {table} FOR EACH ROW "
                f"WHEN ({own} OR NEW.node_created_by IS DISTINCT FROM {_USER})",
                "artigraph_note_creator",
            ),
            f"{table}_updater": (
                f"UPDATE ON {table} FOR EACH ROW "
                f"WHEN ({own} OR NEW.node_created_by IS DISTINCT FROM OLD.node_created_by)",
                "artigraph_note_updater",
            ),
        }
        made: dict[str, Sequence[str]] = {
            name: [
                f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$body$ {_BODIES[function]} $body$",
                f"DROP TRIGGER IF EXISTS {name} ON {table}",
                f"CREATE TRIGGER {name} BEFORE {event} EXECUTE FUNCTION {function}()",
            ]
            for name, (event, function) in events.items()
        }
        # The usual row has its user already, and calls no function.
        made[f"{table}_creator"] = [
            *made[f"{table}_creator"],
            f"ALTER TABLE {table} ALTER node_created_by SET DEFAULT {_USER}, "
            f"ALTER node_updated_by SET DEFAULT {_USER}",
        ]
        return made

    @override
    def guard_names(self, connection: Connection, table: str) -> set[str]:
        query = text(
            "SELECT tgname FROM pg_trigger "
            "WHERE tgrelid = to_regclass(quote_ident(:table)) AND NOT tgisinternal"
        )
        return {str(name) for (name,) in connection.execute(query, {"table": table})}

    @override
    def let_all_read(self, connection: Connection, table: str) -> None:
        connection.exec_driver_sql(f"GRANT SELECT ON {table} TO PUBLIC")

    @override
    def hold_upgrades(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({UPGRADES})")

    @override
    def release_upgrades(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({UPGRADES})")

    @override
    def sees_all_rows(self, connection: Connection, *tables: str) -> bool:
        # Policies show a role some rows; the owner, and who is exempt, see all.
        asked = text(
            "SELECT NOT bool_or(row_security_active(quote_ident(name)::regclass)) "
            "FROM unnest(CAST(:tables AS TEXT[])) AS name"
        )
        return bool(connection.execute(asked, {"tables": list(tables)}).scalar())
