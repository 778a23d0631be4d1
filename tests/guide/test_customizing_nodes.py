"""The guide's section "Customizing Nodes": subclasses with columns of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from artigraph import (
    Node,
    NodeFilter,
    NodeTypeFilter,
    create_current,
    get_engine,
    new_node,
    nodes_exist,
    read_node,
    read_nodes,
    write_model,
    write_node,
)
from tests.guide.conftest import Notebook

WITHOUT_COLUMNS = """
    from artigraph import Node


    class Run(Node):
        __mapper_args__ = {"polymorphic_identity": "run"}
"""

# "sqlalchemy.declarative" in the guide: Mapped is in sqlalchemy.orm.
WITH_COLUMNS = """
    from typing import Any
    from datetime import datetime
    from sqlalchemy import JSON
    from sqlalchemy.orm import Mapped
    from artigraph import Node


    class Run(Node):
        __mapper_args__ = {"polymorphic_identity": "run"}
        run_started_at: Mapped[datetime]
        run_ended_at: Mapped[datetime | None] = None
"""

CREATE_CURRENT = """
    from artigraph import create_current
    from datetime import datetime, timezone


    async def main():
        async with create_current(Run(run_started_at=datetime.now(timezone.utc))):
            {body}
"""


async def test_a_subclass_needs_only_an_identity(store: str, notebook: Notebook) -> None:
    """Its rows are written under the identity and come back as the subclass."""
    await notebook.run(WITHOUT_COLUMNS)
    run = notebook["Run"]
    await write_node(new_node())
    written = await write_node(new_node(run, node_label="r"))
    assert written.node_type == "run"
    read = await read_node(NodeFilter(node_type=run))
    assert type(read) is run
    assert read.node_id == written.node_id
    assert len(await read_nodes(NodeTypeFilter(type=Node))) == 2


async def test_columns_of_a_subclass_are_written_and_read(store: str, notebook: Notebook) -> None:
    """A moment comes back equal and aware; a default of None is None."""
    await notebook.run(WITH_COLUMNS)
    run = notebook["Run"]
    began = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    written = await write_node(run(run_started_at=began))
    assert written.run_ended_at is None
    read: Any = await read_node(NodeFilter(node_id=written.node_id))
    assert type(read) is run
    assert read.run_started_at == began
    assert read.run_started_at.tzinfo is not None
    assert read.run_ended_at is None


async def test_both_cells_of_the_section_in_one_notebook(store: str, notebook: Notebook) -> None:
    """The second definition replaces the first without a warning; rows of the first are its own."""
    await notebook.run(WITHOUT_COLUMNS)
    before = await write_node(notebook["Run"]())
    await notebook.run(WITH_COLUMNS)
    read: Any = await read_node(NodeFilter(node_id=before.node_id))
    assert type(read) is notebook["Run"]
    assert read.run_started_at is None


async def test_the_new_columns_are_nullable(store: str, notebook: Notebook) -> None:
    """Rows of other classes share the table, and leave them empty."""
    await notebook.run(WITH_COLUMNS)
    await write_node(new_node())
    await write_node(notebook["Run"](run_started_at=datetime.now(UTC)))
    engine = await get_engine()
    async with engine.connect() as connection:
        rows = (
            await connection.exec_driver_sql(
                "SELECT node_type, run_started_at, run_ended_at FROM artigraph_node"
                " ORDER BY node_id"
            )
        ).all()
    assert [(kind, began is None, ended) for kind, began, ended in map(tuple, rows)] == [
        ("node", True, None),
        ("run", False, None),
    ]


async def test_create_current_writes_the_node_and_nests(store: str, notebook: Notebook) -> None:
    """In the guide's main() the Run is there at once, and what is made inside hangs under it."""
    await notebook.run(WITH_COLUMNS)
    notebook["seen"] = []
    notebook["read_nodes"] = read_nodes
    notebook["NodeFilter"] = NodeFilter
    await notebook.run(
        CREATE_CURRENT.format(body="seen.extend(await read_nodes(NodeFilter(node_type=Run)))")
    )
    await notebook["main"]()
    (seen,) = notebook["seen"]
    assert type(seen) is notebook["Run"]
    assert seen.run_started_at is not None


async def test_create_current_as_written(store: str, notebook: Notebook) -> None:
    """With the guide's own ``...`` for a body, one Run is written."""
    await notebook.run(WITH_COLUMNS)
    await notebook.run(CREATE_CURRENT.format(body="..."))
    await notebook["main"]()
    assert await nodes_exist(NodeFilter(node_type=notebook["Run"]))
    assert len(await read_nodes(NodeFilter())) == 1


async def test_create_current_nests_and_yields_the_node(store: str, notebook: Notebook) -> None:
    """It takes a class and columns too, and the inner node hangs under the outer one."""
    await notebook.run(WITH_COLUMNS)
    run = notebook["Run"]
    async with create_current(run, run_started_at=datetime.now(UTC), node_label="outer") as outer:
        assert isinstance(outer, run)
        async with create_current(Node, node_label="inner") as inner:
            assert inner.node_parent_id == outer.node_id
        async with create_current(new_node(node_label="second")) as second:
            assert second.node_parent_id == outer.node_id
    async with create_current(Node) as after:
        assert after.node_parent_id is None


async def test_an_unknown_column_is_refused(notebook: Notebook) -> None:
    """The error names the class and the column that was meant."""
    await notebook.run(WITH_COLUMNS)
    message = r"Run has no column 'run_start_at'\. Did you mean 'run_started_at'"
    with pytest.raises(TypeError, match=message):
        notebook["Run"](run_start_at=datetime.now(UTC))
    with pytest.raises(TypeError, match=message):
        new_node(notebook["Run"], run_start_at=datetime.now(UTC))


async def test_a_database_made_before_the_class_takes_it(store: str, notebook: Notebook) -> None:
    """With create_tables, the missing columns are added at the next use."""
    await write_node(new_node(node_label="old"))
    await notebook.run("""
        from sqlalchemy.orm import Mapped
        from artigraph import Node

        class LaterRun(Node):
            __mapper_args__ = {"polymorphic_identity": "later_run"}
            later_run_note: Mapped[str | None] = None
    """)
    await write_node(notebook["LaterRun"](later_run_note="new"))
    read: Any = await read_node(NodeFilter(node_type=notebook["LaterRun"]))
    assert read.later_run_note == "new"
    assert (await read_node(NodeFilter(label="old"))).node_type == "node"


async def test_models_hang_on_a_custom_node(store: str, notebook: Notebook) -> None:
    """A Run is a node like any other to the models below it."""
    await notebook.run(WITH_COLUMNS)
    await notebook.run("""
        from artigraph import DataModel

        class Fit(DataModel, version=1):
            loss: float
    """)
    run = await write_node(notebook["Run"](run_started_at=datetime.now(UTC)))
    written = await write_model(parent_id=run.node_id, label="fit", model=notebook["Fit"](0.5))
    assert written.artifact.node_parent_id == run.node_id
