"""Runs of cells in older stores: their columns get other names, and keep every value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Mapped

from artigraph import (
    CellRun,
    NodeFilter,
    TrackedRun,
    new_node,
    read_node,
    read_nodes,
    restore_nodes,
    unlock_nodes,
    write_node,
)
from artigraph.db.step import steps
from tests.store.old import FIRST, old_store
from tests.store.test_upgrade import refused_and_advised
from tests.store.upgrading import (
    NAMES,
    NEEDED,
    asked,
    brought_up,
    close,
    kept,
    opened,
    rows_of,
    run,
)

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
STORES = {1: FIRST, 2: SCHEMAS / "v2"}
"""Old stores by their schema."""


class UpgradeTraining(CellRun):
    """A run of a user's own kind, with a column of its own."""

    __mapper_args__ = {"polymorphic_identity": "upgrade_training"}  # noqa: RUF012  # SQLAlchemy's
    upgrade_training_note: Mapped[str | None] = None  # type: ignore[assignment]  # its default


RUN = {
    "cell_run_status": "finished",
    "cell_run_started_at": "2026-01-02 03:04:05.678901",
    "cell_run_ended_at": "2026-01-02 03:05:05.678901",
    "cell_run_error": "ValueError: 'ä' is 100 %",
    "cell_run_source": "%%artigraph run\nloss = 0.1",
    "cell_run_digest": "ab" * 32,
    "cell_run_params": '{"depth": 4, "rate": 0.5, "name": "ä"}',
    "cell_run_saved": '{"fit": 3}',
    "cell_run_count": 7,
}
"""What a cell's run says in the columns of then."""
WRITTEN = "2026-01-02 03:04:05.678901"


def insert(connection: Connection, node_id: int, label: str, **values: Any) -> None:
    """Write a run past artigraph, with the columns of then."""
    row = {
        "node_id": node_id,
        "node_type": "artigraph_cell_run",
        "node_label": label,
        "node_created_at": WRITTEN,
        "node_updated_at": WRITTEN,
        **RUN,
        **values,
    }
    if connection.dialect.name == "postgresql":  # in UTC, whatever the session's zone
        row = {k: f"{v}+00" if k.endswith("_at") else v for k, v in row.items()}
    said = ", ".join("'{}'".format(str(v).replace("'", "''")) for v in row.values())
    statement = f"INSERT INTO artigraph_node ({', '.join(row)}) VALUES ({said})"
    connection.execute(text(statement.replace(":", r"\:")))


@pytest.fixture(params=list(STORES))
def of_then(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[str]:
    """The address of an old store with runs in it; in the second some are locked or trashed."""

    def fill(connection: Connection) -> None:
        insert(connection, 9001, "plain")
        connection.execute(
            text("ALTER TABLE artigraph_node ADD COLUMN upgrade_training_note VARCHAR(20)")
        )
        insert(connection, 9002, "mine", node_type="upgrade_training", upgrade_training_note="n")
        insert(connection, 9003, "began", cell_run_status="running")
        if request.param > 1:
            trashed = text("SELECT node_id FROM artigraph_node WHERE node_trashed_at IS NOT NULL")
            above = connection.execute(trashed).scalars().first()
            at = {"node_parent_id": above, "node_trashed_at": WRITTEN}
            insert(connection, 9004, "trashed", **at)
            insert(connection, 9005, "locked", node_locked_at=WRITTEN)

    with old_store(database, STORES[request.param], tmp_path) as url:
        run(asked(url, fill))
        yield url


def test_runs_keep_every_value(of_then: str) -> None:
    """Each row says what it said, locked and trashed ones as well; nothing stands twice."""
    before = run(asked(of_then, rows_of))
    run(brought_up(of_then))
    after = run(asked(of_then, rows_of))
    for table, rows in before.items():
        for old, new in zip(rows, after[table], strict=True):
            assert kept(old, new) == old
    columns = run(asked(of_then, lambda c: inspect(c).get_columns("artigraph_node")))
    # What shows another column keeps nothing of its own.
    names = {column["name"] for column in columns if "computed" not in column}
    assert set(NAMES.values()) <= names
    assert not set(NAMES) & names
    for row in after["artigraph_node"]:
        assert all(row[old] == row[new] for old, new in NAMES.items() if old in row)


async def test_runs_are_read_by_both_names(of_then: str) -> None:
    """A run of then is one of today's, of its class, also after it was unlocked or restored."""
    await brought_up(of_then)
    with opened(of_then):
        two = await asked(of_then, lambda c: c.execute(text(LOCKED)).scalar())
        if two:
            assert await unlock_nodes(NodeFilter(label="locked")) == 1
            await restore_nodes(NodeFilter(label="fit 3"))
        found = {one.node_label: one for one in await read_nodes(NodeFilter(node_type=CellRun))}
        labels = {"plain", "mine", "began", *(("locked", "trashed") if two else ("cell",))}
        assert set(found) == labels
        mine = found["mine"]
        assert isinstance(mine, UpgradeTraining)
        assert mine.upgrade_training_note == "n"
        for label in labels - {"cell", "began"}:
            one = found[label]
            assert isinstance(one, CellRun)
            assert isinstance(one, TrackedRun)
            assert one.tracked_run_status == one.cell_run_status == "finished"
            assert one.tracked_run_started_at == datetime.fromisoformat(f"{WRITTEN}+00:00")
            assert one.tracked_run_error == one.cell_run_error == RUN["cell_run_error"]
            assert one.tracked_run_source == one.cell_run_source == RUN["cell_run_source"]
            assert one.tracked_run_code == one.cell_run_digest == RUN["cell_run_digest"]
            assert one.tracked_run_params == json.loads(str(RUN["cell_run_params"]))
            assert (one.cell_run_count, one.cell_run_saved) == (7, {"fit": 3})
            assert one.tracked_run_beat_at is None
            assert one.tracked_run_environment is None
        plain = found["plain"]
        assert isinstance(plain, CellRun)
        plain.cell_run_status = "failed"
        plain.cell_run_params = {"depth": 5}
        await write_node(plain)
        again = await read_node(NodeFilter(label="plain", node_type=CellRun))
        assert isinstance(again, CellRun)
        assert (again.tracked_run_status, again.tracked_run_params) == ("failed", {"depth": 5})
        await close()


LOCKED = "SELECT COUNT(*) FROM artigraph_node WHERE node_locked_at IS NOT NULL"


async def test_older_names_of_columns_are_synonyms(store: str) -> None:
    """They are taken by constructors and ``new_node``, and mean the same attribute."""
    made = await write_node(
        new_node(CellRun, node_label="a", cell_run_status="finished", cell_run_error="none")
    )
    assert (made.tracked_run_status, made.tracked_run_error) == ("finished", "none")
    made.tracked_run_error = "other"
    assert made.cell_run_error == "other"
    with pytest.raises(TypeError, match="cell_run_statu"):
        CellRun(cell_run_statu="finished")


@pytest.mark.parametrize("schema", list(STORES))
def test_a_users_column_of_a_new_name(database: str, tmp_path: Path, schema: int) -> None:
    """Nothing is changed, and the advice works: its values and the runs' are there afterwards."""

    def add(connection: Connection) -> None:
        insert(connection, 9001, "plain")
        connection.execute(text("ALTER TABLE artigraph_node ADD COLUMN tracked_run_status INTEGER"))
        connection.execute(
            text("UPDATE artigraph_node SET tracked_run_status = 4 + node_id WHERE node_id = 9001")
        )

    with old_store(database, STORES[schema], tmp_path) as url:
        run(asked(url, add))
        refused_and_advised(
            url,
            r"tracked_run_status.*Nothing was changed.*RENAME",
            r"ALTER TABLE \S+ RENAME COLUMN \S+ TO \w+",
        )
        query = text(
            "SELECT my_tracked_run_status, tracked_run_status FROM artigraph_node "
            "WHERE node_id = 9001"
        )
        assert [tuple(row) for row in run(asked(url, lambda c: c.execute(query).all()))] == [
            (9005, "finished")
        ]


@pytest.mark.parametrize("table", ["artigraph_series", "artigraph_environment"])
def test_a_users_table_of_a_new_name(database: str, tmp_path: Path, table: str) -> None:
    """Nothing is changed, and the advice works."""

    def add(connection: Connection) -> None:
        connection.execute(text(f"CREATE TABLE {table} (mine INTEGER)"))

    with old_store(database, STORES[2], tmp_path) as url:
        run(asked(url, add))
        refused_and_advised(url, rf"{table}.*Nothing was.*RENAME", r"ALTER TABLE \S+ RENAME TO \w+")


def test_no_older_name_is_a_column_that_a_step_adds() -> None:
    """What was renamed is not made anew by a later step."""
    for step in steps():
        for table, names in step.renames.items():
            assert not set(names) & set(step.new_columns(table))
    assert steps()[-1].number == NEEDED
