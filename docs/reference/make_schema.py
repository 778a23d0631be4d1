"""Writes ``schema.md``, the tables as the classes declare them.

Run it when a class of ``artigraph.orm`` changes: ``python docs/reference/make_schema.py``.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Column, Dialect, Index, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite

from artigraph.orm.artifact import BaseArtifact, DatabaseArtifact, ModelArtifact, RemoteArtifact
from artigraph.orm.base import Base
from artigraph.orm.node import NODE_ID_SEQUENCE, Node, node_table
from artigraph.orm.note import NoteRecord
from artigraph.orm.query import QueryRecord
from artigraph.orm.run import CellRun, EnvironmentRecord, TrackedRun
from artigraph.orm.schema import SchemaRecord
from artigraph.orm.series import (
    SERIES_ID_SEQUENCE,
    SeriesBlockRecord,
    SeriesRecord,
    SeriesWriterRecord,
)
from artigraph.orm.storage import StorageRecord
from artigraph.orm.tag import TagRecord
from artigraph.orm.trash import TrashRecord

__all__ = ["PAGE", "write"]

PAGE = Path(__file__).with_name("schema.md")
NODES = (
    Node,
    BaseArtifact,
    DatabaseArtifact,
    RemoteArtifact,
    ModelArtifact,
    TrackedRun,
    CellRun,
)
RECORDS: tuple[type[Base], ...] = (
    SchemaRecord,
    TagRecord,
    NoteRecord,
    QueryRecord,
    TrashRecord,
    StorageRecord,
    EnvironmentRecord,
    SeriesRecord,
    SeriesBlockRecord,
    SeriesWriterRecord,
)
DIALECTS: dict[str, Dialect] = {
    "SQLite": sqlite.dialect(),
    "PostgreSQL": postgresql.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy has it so
    "MariaDB": mysql.dialect(),
}

HEAD = f"""\
<!-- Written by make_schema.py; a test compares. -->

# Database schema

`set_engine(…, create_tables=True)` makes these tables, with their indexes, and adds
columns that node classes of yours declare; nothing is ever dropped or altered. Those of an older
artigraph are brought up by [`upgrade_schema()`](../guides/upgrades.md). Other tools
may read them: names and meanings of columns are part of the public contract.

On MariaDB texts are `utf8mb4`, compared byte by byte (`utf8mb4_nopad_bin`). Times are in UTC on
all three. Ids come from the sequence `{NODE_ID_SEQUENCE}` on PostgreSQL and MariaDB, and are never
used twice anywhere; those of curves from `{SERIES_ID_SEQUENCE}`.

"""


def write() -> str:
    """The page, from the metadata and from what the classes say of their columns."""
    lines = ["## `artigraph_node`", "", "Every node, artifact and model is a row.", ""]
    seen: set[str] = set()
    for cls in NODES:
        own = [c for c in node_table.columns if c.name in _documented(cls) and c.name not in seen]
        seen |= {column.name for column in own}
        identity = cls.__mapper__.polymorphic_identity
        of = "all rows" if cls is Node else f"`{cls.__name__}`"
        lines += [
            f"Columns of {of}, whose `node_type` is `{identity!r}`:".replace(
                "all rows, whose `node_type` is `'node'`", "all rows"
            )
        ]
        lines += ["", *_columns(own, _documented(cls)), ""]
    lines += ["Indexes:", "", *_indexes(node_table), ""]
    lines += ["Triggers refuse to change or delete a row with `node_locked_at`. On PostgreSQL and"]
    lines += ["MariaDB others fill `node_created_by` and `node_updated_by` in.", ""]
    for record in RECORDS:
        table = cast(Table, record.__table__)
        said = " ".join((record.__doc__ or "").split())
        lines += [f"## `{table.name}`", "", said, ""]
        lines += [*_columns(list(table.columns), _documented(record)), ""]
        if table.indexes:
            lines += [*_indexes(table), ""]
    lines += [
        "Whoever writes blobs shares its storage's row for the transaction, and whoever",
        "removes them has it alone: see",
        "[decision 0007](../decisions/0007-writers-and-removers-take-turns.md).",
        "",
        *textwrap.dedent(TAIL).splitlines(),
    ]
    return HEAD + "\n".join(lines) + "\n"


TAIL = """\
    ## Documents

    `model_artifact_data` holds a model's plain fields by name. Where a value's type is not what its
    JSON says, the document names it under the key `"$"`; see [decision
    0003](../decisions/0003-documents-describe-themselves.md). SQL reads the rest as it stands:

    ```sql
    SELECT node_id, node_label, json_extract(model_artifact_data, '$.loss') AS loss  -- SQLite
    FROM artigraph_node
    WHERE model_artifact_type = 'Fit'
    ORDER BY loss;
    ```

    Indexes that `create_field_index` makes stand beside those above, with names that begin with
    `artigraph_field_`. What `create_label_index` makes, on SQLite some tables and triggers, has
    names that begin with `artigraph_label_`. Write through artigraph: it keeps what no constraint
    says, such as the count of a model's parts, and the turns of writers and removers.
"""


def _columns(columns: list[Column[Any]], meanings: dict[str, str]) -> Iterator[str]:
    yield f"| column | {' | '.join(DIALECTS)} | is |"
    yield "| --- " * (len(DIALECTS) + 2) + "|"
    for column in columns:
        types = [f"`{_type(column, dialect)}`" for dialect in DIALECTS.values()]
        yield f"| `{column.name}` | {' | '.join(types)} | {meanings[column.name]} |"


def _type(column: Column[Any], dialect: Dialect) -> str:
    return str(column.type.compile(dialect)).partition(" CHARACTER SET")[0]


def _indexes(table: Table) -> Iterator[str]:
    yield "| index | columns | unique |"
    yield "| --- | --- | --- |"
    keys = ", ".join(f"`{column.name}`" for column in table.primary_key.columns)
    yield f"| primary key | {keys} | yes |"
    for index in sorted(table.indexes, key=_name):
        columns = ", ".join(f"`{column.name}`" for column in index.columns)
        yield f"| `{index.name}` | {columns} | {'yes' if index.unique else ''} |"


def _name(index: Index) -> str:
    return str(index.name)


def _documented(cls: type[Any]) -> dict[str, str]:
    """What the string below each attribute of a class says, on one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101  # it is the source of a class
    said: dict[str, str] = {}
    body = definition.body
    for attribute, text in pairwise(body):
        match attribute, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ):
                said[name] = " ".join(meaning.split()).replace("``", "`").replace("|", "\\|")
    return said


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    target.write_text(write(), encoding="utf-8")
