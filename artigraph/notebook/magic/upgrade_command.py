"""The sub-command that brings an older store up."""

from __future__ import annotations

from artigraph.db.setting import upgrade_schema
from artigraph.db.upgrade import SchemaUpgrade
from artigraph.notebook.magic.parser import Call, argument, command

__all__: list[str] = []


@command(
    "upgrade",
    argument("--dry-run", action="store_true", help="say what is missing, and do nothing"),
    stage="tidy",
)
async def upgrade(call: Call) -> SchemaUpgrade:
    """Bring a store that an older artigraph made up to this one.

    Nothing is lost: steps only add. A file of SQLite is copied beside itself first; have
    whoever administers a server make a backup. Others may go on reading and writing meanwhile.
    """
    return await upgrade_schema(dry_run=call.args.dry_run)
