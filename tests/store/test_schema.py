"""What the databases themselves say of the schema, and how rows are laid out in it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.exc import IntegrityError

from artigraph import (
    DataModel,
    LabelError,
    LabelExistsError,
    NodeFilter,
    NodeRelationshipFilter,
    SchemaError,
    delete_nodes,
    engine_context,
    get_engine,
    model_field,
    new_node,
    read_nodes,
    write_model,
    write_node,
    write_nodes,
)
from artigraph.storage.file import FileSystemStorage
from tests.conftest import own_database

T = TypeVar("T")
TABLE = "artigraph_node"


async def look(question: Callable[[Any], T]) -> T:
    """Ask SQLAlchemy's inspector."""

    def ask(connection: Connection) -> T:
        return question(inspect(connection))

    async with (await get_engine()).connect() as connection:
        return await connection.run_sync(ask)


async def rows(sql: str, **parameters: object) -> list[Any]:
    """Ask the database in SQL, past the package."""
    async with (await get_engine()).connect() as connection:
        return list((await connection.execute(text(sql), parameters)).all())


async def test_there_is_one_table(store: str) -> None:
    """Nodes, artifacts and models are rows of one table; others hold what is said of them."""
    names = await look(lambda i: i.get_table_names())
    assert sorted(name for name in names if name.startswith("artigraph")) == [
        "artigraph_environment",
        TABLE,
        "artigraph_note",
        "artigraph_query",
        "artigraph_schema",
        "artigraph_series",
        "artigraph_series_block",
        "artigraph_series_writer",
        "artigraph_storage",
        "artigraph_tag",
        "artigraph_trash",
    ]


@pytest.mark.parametrize(
    ("columns", "unique"),
    [
        (["node_parent_id"], False),
        (["node_parent_id", "node_label"], True),
        (["node_type"], False),
        (["model_artifact_type", "model_artifact_version"], False),
    ],
)
async def test_the_indexes_exist(store: str, columns: list[str], unique: bool) -> None:
    """The database has an index that leads with these columns, unique where promised."""
    indexes = await look(lambda i: i.get_indexes(TABLE))
    assert any(
        index["column_names"][: len(columns)] == columns
        and (not unique or (index["unique"] and index["column_names"] == columns))
        for index in indexes
    )


async def test_types_are_those_of_each_database(store: str) -> None:
    """JSON is JSONB on PostgreSQL and checked on MariaDB, whose bytes are LONGBLOBs."""
    columns = {c["name"]: c["type"] for c in await look(lambda i: i.get_columns(TABLE))}
    document = type(columns["model_artifact_data"]).__name__
    blob = type(columns["database_artifact_value"]).__name__
    assert (document, blob) == {
        "sqlite": ("JSON", "BLOB"),
        "postgresql": ("JSONB", "BYTEA"),
        "mariadb": ("LONGTEXT", "LONGBLOB"),  # MariaDB's JSON is LONGTEXT with a check
    }[store]
    if store == "mariadb":
        ((created,),) = [row[1:2] for row in await rows(f"SHOW CREATE TABLE {TABLE}")]
        assert "json_valid(`model_artifact_data`)" in created


async def test_only_columns_of_nodes_are_required(store: str) -> None:
    """Every column of a subclass is nullable in the table."""
    required = {c["name"] for c in await look(lambda i: i.get_columns(TABLE)) if not c["nullable"]}
    assert required == {"node_id", "node_type", "node_created_at", "node_updated_at"}


async def test_the_foreign_key_is_the_databases(store: str) -> None:
    """Raw SQL cannot hang a row on a parent that does not exist, nor delete a parent."""
    (key,) = await look(lambda i: i.get_foreign_keys(TABLE))
    assert (key["constrained_columns"], key["referred_columns"]) == (
        ["node_parent_id"],
        ["node_id"],
    )
    parent = await write_node(new_node())
    await write_node(new_node(node_parent_id=parent.node_id))
    engine = await get_engine()
    for sql in (
        f"UPDATE {TABLE} SET node_parent_id = 987654321",
        f"DELETE FROM {TABLE} WHERE node_id = {parent.node_id}",
    ):
        with pytest.raises(IntegrityError):
            async with engine.begin() as connection:
                await connection.execute(text(sql))
    assert len(await read_nodes(NodeFilter())) == 2


async def test_the_unique_label_is_the_databases(store: str) -> None:
    """Raw SQL cannot give two children of one parent the same label."""
    parent = await write_node(new_node())
    await write_nodes([new_node(node_parent_id=parent.node_id, node_label=label) for label in "ab"])
    with pytest.raises(IntegrityError):
        async with (await get_engine()).begin() as connection:
            await connection.execute(
                text(f"UPDATE {TABLE} SET node_label = 'a' WHERE node_label = 'b'")
            )


LABELS = [
    "a",
    "A",
    "a ",
    " a",
    "\u00e9",
    "e\u0301",
    "\u00c9",
    "e",
    "ß",
    "ss",
    "\U0001f600",
    "\U0001f601",
]


async def test_labels_are_compared_by_their_bytes(store: str) -> None:
    """Case, a trailing space, an accent's encoding: each makes another label, found alone."""
    parent = await write_node(new_node())
    children = [new_node(node_parent_id=parent.node_id, node_label=label) for label in LABELS]
    await write_nodes(children)
    for child, label in zip(children, LABELS, strict=True):
        found = await read_nodes(NodeFilter(label=label))
        assert [node.node_id for node in found] == [child.node_id]
    read = await read_nodes(NodeRelationshipFilter(child_of=parent))
    assert [node.node_label for node in read] == LABELS
    many = [*LABELS, *(f"none {n}" for n in range(600))]
    assert len(await read_nodes(NodeFilter(label=many))) == len(LABELS)
    assert [n.node_label for n in await read_nodes(NodeFilter(label=["a", *many[12:]]))] == ["a"]
    with pytest.raises(LabelExistsError, match="'a '"):
        await write_node(new_node(node_parent_id=parent.node_id, node_label="a "))


async def test_labels_of_roots_and_missing_labels_are_free(store: str) -> None:
    """Roots may share a label, and children without one do not clash."""
    roots = await write_nodes([new_node(node_label="x"), new_node(node_label="x")])
    parent = roots[0].node_id
    await write_nodes([new_node(node_parent_id=parent), new_node(node_parent_id=parent)])
    assert len(await read_nodes(NodeFilter())) == 4


@pytest.mark.parametrize("label", ["", "x" * 256, "a\x00b", "a\ud800", 7])
async def test_labels_that_some_database_cannot_hold_are_refused(store: str, label: str) -> None:
    """Empty, too long, NUL, lone surrogate, no text: refused everywhere, nothing written."""
    with pytest.raises(LabelError, match="label"):
        await write_nodes([new_node(node_label="fine"), new_node(node_label=label)])
    assert await read_nodes(NodeFilter()) == []


async def test_the_longest_label_comes_back(store: str) -> None:
    """255 characters of four bytes each fit, and still clash only with themselves."""
    parent = await write_node(new_node())
    long = "\U0001f600" * 255
    child = await write_node(new_node(node_parent_id=parent.node_id, node_label=long))
    await write_node(new_node(node_parent_id=parent.node_id, node_label=long[:-1] + "x"))
    assert [n.node_id for n in await read_nodes(NodeFilter(label=long))] == [child.node_id]


async def test_a_model_is_one_row_with_its_plain_fields_as_json(store: str) -> None:
    """Five plain fields are one row and one document, which the database can look into."""

    class Plain(DataModel, version=3):
        loss: float
        name: str
        sizes: list[int]
        params: dict[str, int]
        note: str | None = None

    await write_model(label="m", model=Plain(0.5, "x", [1, 2], {"a": 1}))
    ((kind, label, model, version, document, size),) = await rows(
        "SELECT node_type, node_label, model_artifact_type, model_artifact_version, "
        f"model_artifact_data, artifact_size FROM {TABLE}"
    )
    assert (kind, label, model, version, size) == ("model_artifact", "m", "Plain", 3, None)
    document = json.loads(document) if isinstance(document, str) else document
    assert document == {
        "loss": 0.5,
        "name": "x",
        "sizes": [1, 2],
        "params": {"a": 1},
        "note": None,
    }
    field = {
        "sqlite": "model_artifact_data ->> '$.loss'",
        "postgresql": "model_artifact_data ->> 'loss'",
        "mariadb": "JSON_VALUE(model_artifact_data, '$.loss')",
    }[store]
    ((loss,),) = await rows(f"SELECT {field} FROM {TABLE}")
    assert float(loss) == 0.5


async def test_frames_and_nested_models_are_rows_below(store: str, tmp_path: Path) -> None:
    """Each has a row under the model's, with size, digest and summary of its bytes."""

    class Inner(DataModel, version=1):
        x: int

    class Outer(DataModel, version=1):
        plain: int
        inner: Inner
        frame: pd.DataFrame
        array: Any = model_field(storage=FileSystemStorage(tmp_path / "blobs"))

    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    written = await write_model(label="m", model=Outer(1, Inner(2), frame, np.zeros((4, 5))))
    below = await rows(
        "SELECT node_label, node_type, artifact_size, artifact_digest, artifact_summary, "
        "database_artifact_value, remote_artifact_storage, remote_artifact_location, "
        f"artifact_serializer FROM {TABLE} WHERE node_parent_id = :id ORDER BY node_label",
        id=written.artifact.node_id,
    )
    found = {row[0]: row for row in below}
    assert {label: row[1] for label, row in found.items()} == {
        "array": "remote_artifact",
        "frame": "database_artifact",
        "inner": "model_artifact",
    }
    stored = found["frame"][5]
    assert found["frame"][2:4] == (len(stored), hashlib.sha256(stored).hexdigest())
    location = found["array"][7]
    blob = (tmp_path / "blobs" / location).read_bytes()
    assert found["array"][2:4] == (len(blob), hashlib.sha256(blob).hexdigest())
    assert found["array"][5] is None
    assert found["array"][8] == "artigraph-numpy"

    def facts(label: str) -> Any:
        summary = found[label][4]
        return json.loads(summary) if isinstance(summary, str) else summary

    assert facts("array")["shape"] == [4, 5]
    assert "float64" in json.dumps(facts("array"))
    assert "3" in json.dumps(facts("frame"))
    assert '"a"' in json.dumps(facts("frame"))


async def test_a_database_without_tables_says_what_to_type(tmp_path: Path) -> None:
    """Without create_tables nothing is made; the error names the call that makes them."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    with engine_context(url):
        for _ in range(2):
            with pytest.raises(SchemaError, match=r"no table 'artigraph_node'.*create_tables=True"):
                await read_nodes(NodeFilter())
    with engine_context(url, create_tables=True):
        assert await read_nodes(NodeFilter()) == []
    with engine_context(url):
        assert await delete_nodes(NodeFilter(), everything=True) == 0


def test_an_address_with_a_password_is_not_offered_without_it(database: str) -> None:
    """Typed as an error may show it, it would ask for a user or password of three stars."""
    if database != "postgresql":
        pytest.skip("PostgreSQL takes any password of a user whom it trusts")

    async def ask(url: str) -> None:
        with engine_context(url):
            await read_nodes(NodeFilter())

    with own_database(database, "artigraph_bare") as bare:
        url = make_url(bare).set(password="hunter2").render_as_string(hide_password=False)
        with pytest.raises(SchemaError) as caught:
            asyncio.run(ask(url))
    assert "set_engine(address, create_tables=True) makes them" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_what_is_missing_is_made_and_nothing_is_altered(tmp_path: Path) -> None:
    """create_tables adds a lost index, and leaves foreign columns and rows alone."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'old.db'}"
    with engine_context(url, create_tables=True):
        await write_node(new_node(node_label="kept"))
        async with (await get_engine()).begin() as connection:
            await connection.execute(text("DROP INDEX artigraph_node_parent_label"))
            await connection.execute(text(f"ALTER TABLE {TABLE} ADD COLUMN mine INTEGER DEFAULT 7"))
    with engine_context(url, create_tables=True):
        assert [n.node_label for n in await read_nodes(NodeFilter())] == ["kept"]
        names = {index["name"] for index in await look(lambda i: i.get_indexes(TABLE))}
        assert "artigraph_node_parent_label" in names
        assert await rows(f"SELECT mine FROM {TABLE}") == [(7,)]


async def test_rows_that_a_library_of_before_has_written_get_names(
    store: str, database_url: str
) -> None:
    """Whoever opens the store next, and may make tables, fills in what it did not know of."""
    node = await write_node(new_node(node_label="of before"))
    async with (await get_engine()).begin() as connection:
        await connection.execute(text("UPDATE artigraph_node SET node_uid = NULL"))
    # An address of its own, so that the store is looked at anew.
    again = make_url(database_url).update_query_dict({"timeout": "61"})
    with engine_context(again, create_tables=True):
        (found,) = await read_nodes(NodeFilter(node_id=node.node_id))
        assert found.node_uid is not None
        await (await get_engine()).dispose()
