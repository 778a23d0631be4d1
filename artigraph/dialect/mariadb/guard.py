"""MariaDB's triggers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import BindParameter, Connection, bindparam, text
from typing_extensions import override

from artigraph.dialect.guard import LOCKED, UPGRADES, Guards

__all__ = ["MariaDBGuards"]

# A name may have an @ in it, a host has none.
_USER = "LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())))"
_KEPT = "OLD.node_locked_at IS NOT NULL"
_REFUSE = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{LOCKED}'; END IF"
_SIGNALLED = 1644
"""What MariaDB calls an error of a trigger's own."""
_NAME = f"CONCAT('artigraph-{UPGRADES}-', MD5(DATABASE()))"


class MariaDBGuards(Guards):
    """What MariaDB sees to by itself."""

    user_sql = _USER
    second_name_sql = "GENERATED ALWAYS AS ({}) VIRTUAL"
    uid_sql: ClassVar[str] = (
        "UNHEX(CONCAT("
        "LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {moment}) DIV 1000), 12, '0'), '7', "
        "LPAD(HEX(MICROSECOND({moment}) MOD 1000 * 4096 DIV 1000), 3, '0'), "
        "HEX(2147483648 | ({id} & 1073741823)), "
        "LPAD(HEX(FLOOR(RAND() * 4294967296)), 8, '0')))"
    )
    parents_sql = "IN :parents"
    parents_hold = " LOCK IN SHARE MODE"

    @override
    def bound_parents(self, ids: Collection[int]) -> BindParameter[Any]:
        return bindparam("parents", sorted(ids), expanding=True)

    @override
    def guards(self, table: str) -> Mapping[str, Sequence[str]]:
        bodies = {
            f"{table}_insert": (
                "INSERT",
                f"SET NEW.node_created_by = {_USER}, NEW.node_updated_by = NEW.node_created_by",
            ),
            f"{table}_update": (
                "UPDATE",
                f"BEGIN IF {_KEPT} AND NEW.node_locked_at IS NOT NULL THEN {_REFUSE}; "
                "SET NEW.node_created_by = OLD.node_created_by, "
                f"NEW.node_updated_by = {_USER}; END",
            ),
            f"{table}_delete": ("DELETE", f"BEGIN IF {_KEPT} THEN {_REFUSE}; END"),
        }
        return {
            name: [
                f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table} FOR EACH ROW {body}"
            ]
            for name, (event, body) in bodies.items()
        }

    @override
    def guard_names(self, connection: Connection, table: str) -> set[str]:
        query = text(
            "SELECT trigger_name FROM information_schema.triggers "
            "WHERE event_object_schema = DATABASE() AND event_object_table = :table"
        )
        return {str(name) for (name,) in connection.execute(query, {"table": table})}

    @override
    def shows_guards(self, connection: Connection) -> bool:
        kinds = ("user", "schema", "table")
        rights = " UNION ALL ".join(
            f"SELECT 1 FROM information_schema.{kind}_privileges WHERE privilege_type = 'TRIGGER'"
            for kind in kinds
        )
        return connection.execute(text(f"{rights} LIMIT 1")).first() is not None

    @override
    def is_locked(self, error: BaseException) -> bool:
        # Other errors quote values, which may say anything.
        return error.args[:1] == (_SIGNALLED,) and super().is_locked(error)

    @override
    def hold_upgrades(self, connection: Connection) -> None:
        # For a day: another one may have many rows to see to.
        connection.exec_driver_sql(f"SELECT GET_LOCK({_NAME}, 86400)")

    @override
    def release_upgrades(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"DO RELEASE_LOCK({_NAME})")
