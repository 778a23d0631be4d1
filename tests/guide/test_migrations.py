"""The guide's section "Model Migrations": old rows, new classes."""

from __future__ import annotations

import pytest

from artigraph import (
    DataModel,
    ModelFilter,
    ModelTypeFilter,
    ModelVersionError,
    allow_model_type_overwrites,
    delete_models,
    read_model,
    read_models,
    write_model,
    write_models,
)
from tests.guide.conftest import Notebook

PREAMBLE = """
    from dataclasses import dataclass
    from typing import Any
    from artigraph import DataModel
"""

VERSION_1 = """
    @dataclass
    class MyDataModel(DataModel, version=1):
        some_value: int
"""

VERSION_2 = """
    @dataclass
    class MyDataModel(DataModel, version=2):
        renamed_value: int
"""

MIGRATING = """
    @dataclass
    class MyDataModel(DataModel, version=2):
        renamed_value: int

        @classmethod
        def model_migrate(cls, version: int, data: dict[str, Any]) -> "MyDataModel":
            if version == 1:
                return cls(renamed_value=data["some_value"])
            else:
                raise ValueError(f"Unknown version: {version}")
"""


@pytest.fixture
async def old_model(store: str, notebook: Notebook) -> int:
    """A model of version 1 in the store, and the notebook it was written in."""
    await notebook.run(PREAMBLE)
    await notebook.run(VERSION_1)
    written = await write_model(label="old", model=notebook["MyDataModel"](some_value=7))
    return written.artifact.node_id


async def test_a_plain_dataclass_decorator_does_no_harm(notebook: Notebook) -> None:
    """The guide's ``@dataclass`` leaves a frozen dataclass that equals and reprs as ever."""
    await notebook.run(PREAMBLE)
    await notebook.run(VERSION_1)
    model = notebook["MyDataModel"](some_value=7)
    assert model == notebook["MyDataModel"](7)
    assert repr(model) == "MyDataModel(some_value=7)"
    assert hash(model) == hash(notebook["MyDataModel"](7))
    with pytest.raises(AttributeError):
        model.some_value = 8


async def test_an_old_model_is_migrated_when_it_is_read(old_model: int, notebook: Notebook) -> None:
    """With the guide's model_migrate a row of version 1 is read as version 2."""
    with allow_model_type_overwrites():
        await notebook.run(VERSION_2)
        await notebook.run(MIGRATING)
    read = await read_model(ModelFilter(node_id=old_model))
    assert type(read.value) is notebook["MyDataModel"]
    assert read.value == notebook["MyDataModel"](renamed_value=7)
    assert [
        m.value for m in await read_models(ModelFilter(model_type=notebook["MyDataModel"]))
    ] == [read.value]


async def test_migrating_writes_nothing(old_model: int, notebook: Notebook) -> None:
    """The row keeps its version and its data, however often it is read."""
    with allow_model_type_overwrites():
        await notebook.run(MIGRATING)
    for _ in range(2):
        read = await read_model(ModelFilter(node_id=old_model))
        assert read.artifact.model_artifact_version == 1
        assert read.artifact.model_artifact_data == {"some_value": 7}


async def test_without_a_migration_the_error_says_both_versions(
    old_model: int, notebook: Notebook
) -> None:
    """It names the stored version, the class's version, and the method to write."""
    with allow_model_type_overwrites():
        await notebook.run(VERSION_2)
    with pytest.raises(
        ModelVersionError,
        match=r"A MyDataModel was stored at version 1, and its class is at version 2\. "
        r"Add to the class: @classmethod def model_migrate\(cls, version, data\)",
    ):
        await read_model(ModelFilter(node_id=old_model))


async def test_a_migration_that_refuses_a_version_is_heard(store: str, notebook: Notebook) -> None:
    """What model_migrate raises reaches the reader as it is."""
    await notebook.run(PREAMBLE)
    await notebook.run(VERSION_1.replace("version=1", "version=9"))
    await write_model(label="new", model=notebook["MyDataModel"](some_value=7))
    with allow_model_type_overwrites():
        await notebook.run(MIGRATING)
    with pytest.raises(ValueError, match="Unknown version: 9"):
        await read_model(ModelFilter(label="new"))


async def test_model_init_may_be_overridden_instead(old_model: int) -> None:
    """It is given the version and the fields of the row, of any version."""
    seen: list[tuple[int, dict[str, object]]] = []

    with allow_model_type_overwrites():

        class MyDataModel(DataModel, version=2):
            renamed_value: int

            @classmethod
            def model_init(cls, version: int, data: dict[str, object]) -> MyDataModel:
                seen.append((version, dict(data)))
                if version == 1:
                    return cls(renamed_value=int(str(data["some_value"])))
                return super().model_init(version, data)

    await write_model(label="new", model=MyDataModel(8))
    values = [m.value for m in await read_models(ModelFilter(model_type=MyDataModel))]
    assert values == [MyDataModel(7), MyDataModel(8)]
    assert seen == [(1, {"some_value": 7}), (2, {"renamed_value": 8})]


async def test_a_migration_script(old_model: int, notebook: Notebook) -> None:
    """Old models are read into the new class, written back, and the old rows deleted."""
    with allow_model_type_overwrites():
        await notebook.run(MIGRATING)
    new_class = notebook["MyDataModel"]
    old = ModelFilter(model_type=ModelTypeFilter(type=new_class, version=1))
    found = await read_models(old)
    assert len(found) == 1
    await write_models(models={f"{m.artifact.node_label}-2": m.value for m in found})
    await delete_models(old)
    (only,) = await read_models(ModelFilter(model_type=new_class))
    assert only.artifact.model_artifact_version == 2
    assert only.artifact.model_artifact_data == {"renamed_value": 7}
    assert only.value == new_class(renamed_value=7)
