"""Rows that do not fit their class: they spoil no listing, and each says what is wrong with it."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from sqlalchemy import update

from artigraph import (
    ArtigraphError,
    BlobNotFoundError,
    CorruptBlobError,
    DataModel,
    DeserializationError,
    ModelFilter,
    ModelGroup,
    ModelVersionError,
    MultipleNodesFoundError,
    NodeFilter,
    NodeRelationshipFilter,
    SerializationError,
    StorageError,
    UnfitArtifactWarning,
    UnfitModelWarning,
    UnknownModel,
    UnknownSerializerError,
    UnknownStorageError,
    allow_model_type_overwrites,
    create_model,
    get_engine,
    iter_models,
    new_artifact,
    new_node,
    read_artifact,
    read_artifacts,
    read_first_model,
    read_frame,
    read_model,
    read_models,
    read_nodes,
    read_table,
    write_artifacts,
    write_model,
    write_models,
    write_node,
)
from artigraph.frame.base import StoredValue
from artigraph.model.base import models_by_name
from artigraph.orm.node import node_table
from artigraph.serializer.numpy import array_serializer
from artigraph.storage.file import FileSystemStorage
from tests.conftest import Statements
from tests.display.hostile import HOSTILE, check_html, check_text


class Unfit(DataModel, version=2, name="unfit.Fit"):
    """A class whose version 1 is gone."""

    x: int
    array: Any = None


async def change(node_id: int | None, **columns: Any) -> None:
    """Write columns of a row as somebody else would."""
    async with (await get_engine()).begin() as connection:
        where = node_table.c.node_id == node_id
        await connection.execute(update(node_table).where(where).values(columns))


async def written(**versions: int) -> dict[str, int]:
    """Models by label, each said to be of some version; the ids of their rows."""
    models = {label: Unfit(number) for number, label in enumerate(versions)}
    rows = await write_models(models=models)
    ids = {label: int(row.artifact.node_id or 0) for label, row in rows.items()}
    for label, version in versions.items():
        await change(ids[label], model_artifact_version=version)
    return ids


async def test_a_listing_has_unfit_rows_and_warns_once(store: str) -> None:
    """Each is an UnknownModel that says why; one warning counts them by version."""
    ids = await written(a=2, b=1, c=1, d=3)
    with pytest.warns(UnfitModelWarning) as caught:
        found = {m.artifact.node_label: m.value for m in await read_models(ModelFilter())}
    assert found["a"] == Unfit(0)
    assert [type(found[label]) for label in "bcd"] == [UnknownModel] * 3
    assert found["b"] == UnknownModel("unfit.Fit", 1, {"x": 1, "array": None})
    assert found["b"].x == 1
    assert "at version 1, and its class is at version 2" in found["b"].fault
    assert f"Node {ids['b']} ('b', unfit.Fit version 1)" in found["b"].fault
    (warning,) = caught
    assert warning.filename == __file__
    told = str(warning.message)
    assert "3 models could not be made" in told
    assert "2 of unfit.Fit version 1" in told
    assert "1 of unfit.Fit version 3" in told
    assert "model_migrate" in told
    assert "strict=True" in told


async def test_strict_raises_and_names_the_row(store: str) -> None:
    """So do the functions that read one; two that are found are told first."""
    ids = await written(a=1, b=1)
    row = rf"^Node {ids['a']} \('a', unfit\.Fit version 1\): A unfit\.Fit was stored at version 1"
    reads: list[Callable[[], Awaitable[object]]] = [
        lambda: read_models(ModelFilter(), strict=True),
        lambda: read_first_model(ModelFilter(), strict=True),
        lambda: anext(iter_models(ModelFilter(), strict=True)),
        lambda: read_model(ModelFilter(label="a")),
    ]
    for read in reads:
        with pytest.raises(ModelVersionError, match=row):
            await read()
    with pytest.raises(MultipleNodesFoundError):
        await read_model(ModelFilter())


async def test_pages_warn_once_at_their_end(store: str) -> None:
    """iter_models counts over all of its pages, and also when it is left early."""
    await written(a=1, b=2, c=1)
    with pytest.warns(UnfitModelWarning, match="2 models could not be made") as caught:
        assert len([m async for m in iter_models(ModelFilter(), page_size=1)]) == 3
    assert len(caught) == 1
    left = iter_models(ModelFilter(), page_size=1)
    await anext(left)
    with pytest.warns(UnfitModelWarning, match="1 model could not be made"):
        await left.aclose()  # type: ignore[attr-defined]  # it is a generator


class Picky(DataModel, version=1, name="unfit.Picky"):
    """A class that takes less and less."""

    x: int
    reason: str = ""


@pytest.mark.parametrize(
    "text", [*list(HOSTILE.values())[:-3:8], HOSTILE["ANSI"], HOSTILE["surrogate"], "x" * 100_000]
)
async def test_what_a_class_raises_is_told(store: str, text: str) -> None:
    """Whatever the user's own code says: bounded and escaped in lists, and raised alone."""
    await write_model(label="m", model=Picky(1))
    with allow_model_type_overwrites():

        class Again(DataModel, version=1, name="unfit.Picky"):
            x: int
            reason: str = ""

            def __post_init__(self) -> None:
                raise ZeroDivisionError(text)

    with pytest.warns(UnfitModelWarning) as caught:
        listed = await read_models(ModelFilter())
    assert len(str(caught[0].message)) < 1000
    check_text(str(caught[0].message))
    unknown = listed[0].value
    assert unknown.fault.startswith("ZeroDivisionError: ")
    shown: Any
    for shown in (listed, listed[0], unknown):
        check_text(repr(shown))
        check_html(shown._repr_html_())
        assert "ZeroDivisionError" in repr(shown)
        assert "ZeroDivisionError" in shown._repr_html_()
        assert len(repr(shown)) < 5000
    with pytest.raises(ZeroDivisionError):
        await read_model(ModelFilter())
    assert isinstance(unknown.error(), DeserializationError)
    with pytest.raises(SerializationError, match="UnknownModel cannot be written"):
        await write_model(label="again", model=unknown)
    for twin in (copy.deepcopy(unknown), pickle.loads(pickle.dumps(unknown))):  # ours
        assert (twin, twin.fault) == (unknown, unknown.fault)


@pytest.fixture
def files(tmp_path: Path) -> FileSystemStorage:
    """Where parts are."""
    return FileSystemStorage(tmp_path / "files", name="unfit-files")


async def with_parts(files: FileSystemStorage, *labels: str) -> dict[str, Any]:
    """Models with an array in a folder; the rows of the arrays by the models' labels."""
    model: Any = create_model("unfit_parts", x=int, array=Annotated[np.ndarray[Any, Any], files])
    models = {label: model(number, np.arange(number)) for number, label in enumerate(labels)}
    rows = await write_models(models=models)
    return {
        label: (await read_nodes(NodeRelationshipFilter(child_of=row.artifact)))[0]
        for label, row in rows.items()
    }


async def test_a_part_that_cannot_be_read_spoils_only_its_model(
    store: str, files: FileSystemStorage, statements: Statements
) -> None:
    """Missing, damaged, or of what is not here: a handle in its place, the fields beside it."""
    parts = await with_parts(files, "good", "gone", "bad", "storage", "serializer", "outside")
    files.directory.joinpath(parts["gone"].remote_artifact_location).unlink()
    files.directory.joinpath(parts["bad"].remote_artifact_location).write_bytes(b"bad")
    await change(parts["storage"].node_id, remote_artifact_storage="unfit-nowhere")
    await change(parts["serializer"].node_id, artifact_serializer="unfit-nothing")
    await change(parts["outside"].node_id, remote_artifact_location="../../etc/passwd")
    statements.clear()
    with pytest.warns(UnfitModelWarning, match="5 models could not be made"):
        found = {m.artifact.node_label: m.value for m in await read_models(ModelFilter())}
    # Two to read, twice since a blob may be gone with its row; one for all unknown storages.
    assert len(statements) <= 6
    assert type(found["good"]) is not UnknownModel
    errors = {
        "gone": BlobNotFoundError,
        "bad": CorruptBlobError,
        "storage": UnknownStorageError,
        "serializer": UnknownSerializerError,
    }
    for label, error in errors.items():
        unknown = found[label]
        assert type(unknown) is UnknownModel
        assert type(unknown.error()) is error
        assert f"('{label}', unfit_parts version 1): Node {parts[label].node_id}" in unknown.fault
        assert isinstance(unknown.array, StoredValue)
        with pytest.raises(error):
            await read_model(ModelFilter(label=label))
    assert found["gone"].x == 1
    assert "no location" in found["outside"].fault


async def test_one_bad_blob_spoils_no_other_artifact(
    store: str, files: FileSystemStorage, statements: Statements
) -> None:
    """A handle stands for what cannot be read and says why; one warning counts them by kind."""
    labels = ["good", "gone", "bad", "storage", "serializer", "outside"]
    arrays = [
        new_artifact(label, np.arange(n), array_serializer, storage=files)
        for n, label in enumerate(labels)
    ]
    inside = new_artifact("inside", np.arange(9), array_serializer)
    rows = {
        one.artifact.node_label: one.artifact for one in await write_artifacts([*arrays, inside])
    }
    ids = {label: row.node_id for label, row in rows.items()}
    places = {label: str(getattr(rows[label], "remote_artifact_location", "")) for label in labels}
    files.directory.joinpath(places["gone"]).unlink()
    files.directory.joinpath(places["bad"]).write_bytes(b"bad")
    await change(ids["storage"], remote_artifact_storage="unfit-nowhere")
    await change(ids["serializer"], artifact_serializer="unfit-nothing")
    await change(ids["outside"], remote_artifact_location="../../etc/passwd")
    await change(ids["inside"], database_artifact_value=b"not what was written")
    statements.clear()
    with pytest.warns(UnfitArtifactWarning, match="6 values could not be read") as told:
        found = {a.artifact.node_label: a.value for a in await read_artifacts(NodeFilter())}
    assert told[0].filename == __file__
    # One to read, twice since a blob may be gone with its row; one for all unknown storages.
    assert len(statements) <= 4
    text = str(told[0].message)
    assert f"2 with a CorruptBlobError, the first: Node {ids['bad']}: " in text
    assert len(text) < 5_000
    assert found.pop("good").tolist() == []
    for label, handle in found.items():
        assert isinstance(handle, StoredValue)
        with pytest.raises(
            ArtigraphError, match=f"The artifact '{label}' of node {ids[label]} cannot"
        ):
            await handle.load()
        with pytest.raises(ArtigraphError) as raised:
            await read_artifacts(NodeFilter(node_id=ids[label]), strict=True)
        with pytest.raises(type(raised.value)):
            await read_artifact(NodeFilter(node_id=ids[label]))
    with pytest.raises(ArtigraphError, match=rf"^Node ({'|'.join(map(str, ids.values()))}): "):
        await read_artifacts(NodeFilter(), strict=True)


async def test_fields_without_their_class_are_sorted_by_name(store: str) -> None:
    """On every database alike: in an UnknownModel, in the class to define, and in a frame."""
    inner: Any = create_model("unfit_order_inner", wide=int, b=int, aaa=int)
    outer: Any = create_model("unfit_order", zz=int, part=Any, m=int, able=Any)
    await write_model(label="x", model=outer(1, inner(3, 2, 1), 2, {"y": 1, "longer": 2}))
    row = (await read_model(ModelFilter(label="x"))).artifact
    await change(row.node_id, model_artifact_version=9)
    wanted = ModelFilter(label="x")
    with pytest.warns(UnfitModelWarning):
        unfit = (await read_models(wanted))[0].value
    for name in ("unfit_order", "unfit_order_inner"):
        del models_by_name[name]
    unknown = (await read_models(wanted))[0].value
    for found in (unfit, unknown):
        assert list(found.data) == ["able", "m", "part", "zz"]
        assert list(found.data["able"]) == ["y", "longer"]
    assert list(unknown.data["part"].data) == ["aaa", "b", "wide"]
    code = str(unknown.error())
    assert code.index(" able:") < code.index(" m:") < code.index(" part:") < code.index(" zz:")
    columns = list(await read_frame(wanted))
    fields = ["able.y", "able.longer", "m", "part.aaa", "part.b", "part.wide", "zz"]
    assert columns[-len(fields) :] == fields


async def test_many_missing_parts_are_read_in_as_many_statements_as_one(
    store: str, files: FileSystemStorage, statements: Statements
) -> None:
    """Rows that name a hundred storages that are not here ask for all of them at once."""
    parts = await with_parts(files, *map(str, range(30)))
    for label, part in parts.items():
        await change(part.node_id, remote_artifact_storage=f"unfit-nowhere-{label}")
    statements.clear()
    with pytest.warns(UnfitModelWarning, match="30 models could not be made"):
        assert len(await read_models(ModelFilter())) == 30
    assert len(statements) <= 4


async def test_a_storage_that_fails_is_no_fault_of_its_rows(
    store: str, files: FileSystemStorage
) -> None:
    """What a failure says of a place it does not say of the blobs there, so it is raised."""
    await with_parts(files, "a", "b")
    files.directory.rename(files.directory.with_name("elsewhere"))
    files.directory.symlink_to(files.directory)
    with pytest.raises(StorageError, match="Could not read"):
        await read_models(ModelFilter())
    with pytest.raises(StorageError, match="Could not read"):
        await read_artifacts(NodeFilter())


async def test_a_nested_model_that_does_not_fit_makes_the_outer_one_unfit(store: str) -> None:
    """Its field holds what stands for the inner one, and the fault names both rows."""
    outer: Any = create_model("unfit_outer", inner=Unfit, name=str)
    row = await write_model(label="outer", model=outer(Unfit(1), "n"))
    (inner,) = await read_nodes(NodeRelationshipFilter(child_of=row.artifact))
    await change(inner.node_id, model_artifact_version=1)
    with pytest.warns(UnfitModelWarning):
        unknown = (await read_models(ModelFilter(label="outer")))[0].value
    assert unknown == UnknownModel(
        "unfit_outer",
        1,
        {"inner": UnknownModel("unfit.Fit", 1, dict(Unfit(1).model_data())), "name": "n"},
    )
    assert f"Node {row.artifact.node_id} ('outer', unfit_outer version 1): " in unknown.fault
    assert f"Node {inner.node_id} ('inner', unfit.Fit version 1): " in unknown.fault
    with pytest.raises(ModelVersionError, match=r"'outer'.*'inner'.*at version 1"):
        await read_model(ModelFilter(label="outer"))


async def test_what_merely_hangs_below_a_model_is_no_part_of_it(store: str) -> None:
    """It may be unfit: the model above, whose document does not refer to it, is made."""
    outer = await write_model(label="outer", model=Unfit(1, np.arange(3)))
    below = await write_model(parent_id=outer, label="below", model=Unfit(2))
    await change(below.artifact.node_id, model_artifact_version=1)
    with pytest.warns(UnfitModelWarning, match="1 model could not be made") as caught:
        found = {m.artifact.node_label: m.value for m in await read_models(ModelFilter())}
    assert len(caught) == 1
    assert found["outer"] == Unfit(1, np.arange(3))
    assert isinstance(found["below"], UnknownModel)


async def test_a_group_has_unfit_models_until_their_class_is_mended(store: str) -> None:
    """Its reads warn and may be strict; what cannot be made is not kept as if it had been read."""
    node = await write_node(new_node())
    await write_models(parent_id=node.node_id, models={"good": Unfit(1), "bad": Unfit(2)})
    async with (await get_engine()).begin() as connection:
        where = node_table.c.node_label == "bad"
        await connection.execute(update(node_table).where(where).values(model_artifact_version=1))
    group = ModelGroup(node)
    for read in (group.read_models, group.get_models):
        with pytest.warns(UnfitModelWarning, match="1 model could not be made") as caught:
            models = await read()
        assert len(caught) == 1
        assert models["good"] == Unfit(1)
        assert type(models["bad"]) is UnknownModel
        with pytest.raises(ModelVersionError, match="'bad'"):
            await read(strict=True)
    assert await group.get_model("good") == Unfit(1)
    assert await group.has_models(["good", "bad"], fresh=True)
    with pytest.raises(ModelVersionError, match="'bad'"):
        await group.get_model("bad")
    with pytest.raises(SerializationError):
        group.add_model("again", models["bad"])
    with allow_model_type_overwrites():

        class Mended(DataModel, version=2, name="unfit.Fit"):
            x: int
            array: Any = None

            @classmethod
            def model_migrate(cls, version: int, data: dict[str, Any]) -> Mended:
                return cls(**data)

    assert await group.get_model("bad") == Mended(2)
    assert (await group.get_models())["bad"] == Mended(2)
    await group.remove_models(["bad"])
    assert not await group.has_model("bad", fresh=True)


async def test_frames_lack_the_fields_of_what_cannot_be_read(store: str) -> None:
    """The row is there, with its label; one warning tells of all, and strict=True raises."""
    ids = await written(a=2, b=2, c=1)
    await change(ids["b"], model_artifact_data=[1])
    for read in (read_frame, read_table):
        with pytest.warns(UnfitModelWarning, match="fields of 1 model are missing") as caught:
            found: Any = await read(ModelFilter(), ["node_label", "x"])
        assert len(caught) == 1
        assert caught[0].filename == __file__
        table = found.to_dict("list") if read is read_frame else found.to_pydict()
        assert table["node_label"] == ["a", "b", "c"]
        assert [value if value == value else None for value in table["x"][::2]] == [0, 2]  # NaN
        with pytest.raises(
            DeserializationError,
            match=rf"^Node {ids['b']} \('b', unfit\.Fit version 2\): .*no JSON",
        ):
            await read(ModelFilter(), strict=True)
        assert len(await read(ModelFilter(), ["node_label"])) == 3


async def test_a_model_too_deep_for_a_frame_spoils_no_other(store: str) -> None:
    """Only its own fields are missing."""
    node: Any = create_model("unfit_chain", x=int, next=(Any, None))
    await write_models(models={"a": node(1), "b": node(2, node(3)), "c": node(4)})
    (inner,) = await read_nodes(ModelFilter(label="next"))
    async with (await get_engine()).begin() as connection:
        row = {c.name: None for c in node_table.c} | {
            "node_type": inner.node_type,
            "node_created_at": inner.node_created_at,
            "node_updated_at": inner.node_updated_at,
            "node_label": "next",
            "model_artifact_type": "unfit_chain",
            "model_artifact_version": 1,
            "model_artifact_data": {"x": 1, "next": {"$": "ref", "v": "next"}},
            "model_artifact_parts": 1,
        }
        ids = range(10_000, 11_500)
        rows = [row | {"node_id": i, "node_parent_id": i - 1} for i in ids]
        rows[0]["node_parent_id"] = inner.node_id
        rows = [{k: v for k, v in one.items() if v is not None} for one in rows]
        await connection.execute(node_table.insert(), rows)
    await change(
        inner.node_id,
        model_artifact_parts=1,
        model_artifact_data={"x": 1, "next": {"$": "ref", "v": "next"}},
    )
    outermost = ModelFilter(label=["a", "b", "c"])
    with pytest.warns(UnfitModelWarning, match=r"'b', unfit_chain version 1.*nested deeper"):
        frame = await read_frame(outermost)
    assert list(frame["node_label"]) == ["a", "b", "c"]
    assert list(frame["x"].dropna()) == [1, 4]
    with pytest.warns(UnfitModelWarning, match="too deep"):
        values = [m.value for m in await read_models(outermost)]
    assert [type(value).__name__ for value in values] == [
        "unfit_chain",
        "UnknownModel",
        "unfit_chain",
    ]


async def test_good_rows_are_read_without_a_warning_in_one_statement(
    store: str, statements: Statements
) -> None:
    """A listing of what fits asks no more than it did, with parts or without."""
    await written(a=2, b=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        statements.clear()
        await read_models(ModelFilter())
    assert len(statements) == 1
