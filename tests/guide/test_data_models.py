"""The guide's section "Data Models": frozen dataclasses that are written and read."""

from __future__ import annotations

import dataclasses

import pytest

from artigraph import DataModel, ModelFilter, create_model, read_model, write_model
from artigraph.model.base import BaseModel
from tests.guide.conftest import Notebook

DEFINE = """
    from dataclasses import field
    from artigraph import DataModel, create_model


    class MyDataModel(DataModel, version=1):
        some_value: int
        another_value: dict[str, str] = field(default_factory=dict)
"""

WRITE = """
    # construct an artifact
    model = MyDataModel(some_value=42, another_value={"foo": "bar"})
    # save it to the database
    await write_model(label="my-data", model=model)
"""


async def test_a_model_is_written_and_comes_back_equal(store: str, notebook: Notebook) -> None:
    """The guide's model is saved under its label and read as the instance it was."""
    await notebook.run(DEFINE)
    notebook["write_model"] = write_model
    await notebook.run(WRITE)
    read = await read_model(ModelFilter(label="my-data"))
    assert read.value == notebook["model"]
    assert type(read.value) is notebook["MyDataModel"]
    assert read.value.another_value == {"foo": "bar"}
    assert read.artifact.artifact_label == "my-data"
    assert read.artifact.node_parent_id is None
    assert read.artifact.model_artifact_type == "MyDataModel"
    assert read.artifact.model_artifact_version == 1


async def test_write_model_returns_what_it_wrote(store: str, notebook: Notebook) -> None:
    """The id of the new row is at hand without reading."""
    await notebook.run(DEFINE)
    written = await write_model(label="m", model=notebook["MyDataModel"](some_value=1))
    assert isinstance(written.artifact.node_id, int)
    assert written.value.some_value == 1
    again = await read_model(ModelFilter(node_id=written.artifact.node_id))
    assert again.artifact.node_id == written.artifact.node_id
    assert again.artifact.node_created_at == written.artifact.node_created_at


async def test_a_model_is_a_frozen_dataclass(notebook: Notebook) -> None:
    """It has a dataclass's fields, defaults, repr, equality and hash, and cannot be changed."""
    await notebook.run(DEFINE)
    model_class = notebook["MyDataModel"]
    one, other = model_class(some_value=1), model_class(1)
    assert dataclasses.is_dataclass(notebook["MyDataModel"])
    assert [f.name for f in dataclasses.fields(model_class)] == ["some_value", "another_value"]
    assert one == other
    assert one.another_value == {}
    assert one.another_value is not other.another_value
    assert repr(one) == "MyDataModel(some_value=1, another_value={})"
    assert dataclasses.replace(one, some_value=2) == model_class(2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.some_value = 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)  # as for any frozen dataclass that holds a dict
    assert isinstance(one, BaseModel)


async def test_dataclass_options_are_class_arguments(notebook: Notebook) -> None:
    """``repr=False, kw_only=True`` in the class's line do what they do for @dataclass."""
    notebook["DataModel"] = DataModel
    await notebook.run("""
        class MyDataModel(DataModel, version=1, repr=False, kw_only=True):
            ...
    """)
    assert notebook["MyDataModel"]() == notebook["MyDataModel"]()
    await notebook.run("""
        class Another(DataModel, version=1, repr=False, kw_only=True, order=True):
            value: int
    """)
    another = notebook["Another"]
    with pytest.raises(TypeError, match="positional"):
        another(1)
    assert "value=" not in repr(another(value=1))
    assert another(value=1) < another(value=2)


async def test_a_model_without_fields_is_written(store: str, notebook: Notebook) -> None:
    """The guide's class whose body is ``...`` can be stored and read like any other."""
    notebook["DataModel"] = DataModel
    await notebook.run("""
        class MyDataModel(DataModel, version=1, repr=False, kw_only=True):
            ...
    """)
    await write_model(label="empty", model=notebook["MyDataModel"]())
    assert (await read_model(ModelFilter(label="empty"))).value == notebook["MyDataModel"]()


async def test_create_model_makes_a_class_at_run_time(store: str) -> None:
    """What the section imports and never uses: types, or pairs of a type and a default."""
    point = create_model("GuidePoint", version=3, x=int, y=(int, 5))
    assert issubclass(point, DataModel)
    assert point(x=1) == point(1, 5)  # type: ignore[call-arg]  # its fields are made at run time
    await write_model(label="p", model=point(x=1))  # type: ignore[call-arg]  # as above
    read = await read_model(ModelFilter(model_type=point))
    assert read.value == point(x=1)  # type: ignore[call-arg]  # as above
    assert read.artifact.model_artifact_version == 3
