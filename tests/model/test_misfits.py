"""Values of other types than their fields are annotated as: kept, and told of once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artigraph import (
    DataModel,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    UnfitValueWarning,
    allow_model_type_overwrites,
    create_model,
    iter_models,
    new_node,
    nodes_exist,
    read_first_model,
    read_model,
    read_models,
    write_model,
    write_models,
)


class Shade(Enum):
    """Some shades."""

    DARK = 1


class Word(StrEnum):
    """Some words."""

    ADAM = "adam"


@contextmanager
def told() -> Iterator[list[str]]:
    """What is warned of in a block."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    assert {one.category for one in caught} <= {UnfitValueWarning}
    assert {one.filename for one in caught} <= {__file__}
    texts += [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, "one"),
        (float, None),
        (int, 1.5),
        (int, "1"),
        (str, 1),
        (bool, "yes"),
        (bool, 1),
        (datetime, "2024-01-01"),
        (date, "2024-01-01"),
        (Path, "data"),
        (Decimal, 0.5),
        (Shade, "DARK"),
        (Shade, None),
        (float | None, "one"),
        (list[float], ["one"]),
        (dict[str, float], {"a": "one"}),
    ],
)
async def test_a_value_of_another_type_is_told_and_kept(
    store: str, annotation: Any, value: Any
) -> None:
    """Whoever writes it is told once of each field, and it comes back as it was."""
    with allow_model_type_overwrites():
        model: Any = create_model("misfits_written", x=annotation, y=annotation)
    with told() as texts:
        await write_model(label="m", model=model(value, value))
    assert [text.partition(" ")[0].split(".")[:2] for text in texts] == [
        ["misfits_written", "x"],
        ["misfits_written", "y"],
    ]
    with told() as texts:
        await write_models(models={"n": model(value, value), "o": model(value, value)})
        for found in await read_models(ModelFilter(model_type=model)):
            assert found.value.x == value
            assert type(found.value.x) is type(value)
    assert texts == []


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, 1),
        (float, np.float32(0.5)),
        (float, np.int64(3)),
        (float, True),
        (float, 10**30),
        (float, float("nan")),
        (int, np.int64(3)),
        (int, True),
        (int, 10**30),
        (bool, np.bool_(True)),
        (str, Word.ADAM),
        (str, np.str_("a")),
        (date, datetime(2024, 1, 1)),
        (datetime, np.datetime64("2024-01-01T12:00:00", "us")),
        (Path, Path("data")),
        (Path, PureWindowsPath("data")),
        (Shade, Shade.DARK),
        (float | None, None),
        (float | str, "one"),
        (Any, object),
    ],
)
async def test_what_fits_is_not_told(store: str, annotation: Any, value: Any) -> None:
    """Integers are numbers, scalars of NumPy are what equals them, and None fits what says so."""
    with allow_model_type_overwrites():
        model: Any = create_model("misfits_none", x=annotation)
    with told() as texts:
        await write_model(label="m", model=model(1 if value is object else value))
        await read_model(ModelFilter(label="m"))
    assert texts == []


@pytest.mark.parametrize("value", [[1, 2], "text", {"a": 1}, None])
async def test_what_is_no_frame_is_told(store: str, value: Any) -> None:
    """Whoever opens it expects a frame; the model is kept as it is."""
    made: Any = create_model("MisfitTable", version=1, table=pd.DataFrame, row=Any)
    model = made(table=value, row=1)
    with told() as texts:
        await write_model(label="a", model=model)
    (text,) = texts
    assert "MisfitTable.table is annotated as DataFrame" in text
    assert "who reads it expects DataFrame" in text
    assert (await read_model(NodeFilter(label="a"))).value == model
    with told() as texts:
        await write_model(label="b", model=made(table=pd.DataFrame({"x": [1]}), row=1))
    assert texts == []


async def test_the_text_says_what_to_type(store: str) -> None:
    """What was asked, what was found, and two ways out that work."""
    model: Any = create_model("MisfitsLr", lr=float)
    with told() as texts:
        await write_model(label="m", model=model("one"))
    assert texts == [
        "MisfitsLr.lr is annotated as float, and 'one' (str) was given. It is written as it is, "
        "and comes back so; but conditions and orders look for float there. Give the field one, or "
        "annotate what it holds: float | str. This is told once of each field of a class."
    ]
    with allow_model_type_overwrites():
        wider: Any = create_model("MisfitsLr", lr=float | str)
    with told() as texts:
        await write_model(label="n", model=wider("one"))
        assert len(await read_models(wider.where({"lr": "one"}))) == 2
    assert texts == []


async def test_groups_and_nested_models_are_told_of(store: str) -> None:
    """A nested model is told of by its own name, and a group tells as it saves."""
    inner: Any = create_model("MisfitsInner", n=int)
    outer: Any = create_model("MisfitsOuter", inner=inner)
    with told() as texts:
        async with ModelGroup(new_node()) as group:
            group.add_model("m", outer(inner("one")))
    assert len(texts) == 1
    assert texts[0].startswith("MisfitsInner.n is annotated as int, and 'one' (str) was given")


async def test_where_warnings_are_errors_nothing_is_written(store: str) -> None:
    """It raises each time then, before anything is written; what fits is written afterwards."""
    model: Any = create_model("MisfitsStrict", lr=float)
    for _ in range(2):
        with pytest.raises(UnfitValueWarning):
            await write_model(label="m", model=model("one"))
    assert not await nodes_exist(NodeFilter(label="m"))
    await write_model(label="m", model=model(0.5))


async def test_a_changed_annotation_is_told_at_reading(store: str) -> None:
    """Every way of reading tells once, with the words of a migration, which works."""

    class Grown(DataModel, version=1, name="MisfitsGrown"):
        x: int
        y: int = 0

    await write_models(models={"a": Grown(3), "b": Grown(4)})

    async def with_iter() -> None:
        assert [one.value.x async for one in iter_models(ModelFilter())] == [3, 4]

    async def with_group() -> None:
        assert (await read_first_model(ModelFilter(), strict=True)) is not None

    for read in (
        lambda: read_models(ModelFilter()),
        lambda: read_model(ModelFilter(label="a")),
        with_iter,
        with_group,
    ):
        with allow_model_type_overwrites():

            class Grown(DataModel, version=1, name="MisfitsGrown"):  # type: ignore[no-redef]  # as a cell that was changed
                x: str
                y: int = 0

        with told() as texts:
            await read()
            await read()
        (text,) = texts
        assert text.startswith("Grown.x is annotated as str, and ")
        assert "has 3 (int). If the annotation was changed, give the class a new version" in text
    _, _, code = text.partition(":\n")
    code = code.partition("\nElse annotate")[0].replace("    …", "    x: str\n    y: int = 0")
    code = code.replace("version=2", "version=2, name='MisfitsGrown'")
    with allow_model_type_overwrites():
        names: dict[str, Any] = {"DataModel": DataModel}
        exec(code, names)  # what the message says to type
    with told() as texts:
        found = await read_models(ModelFilter())
    assert [one.value for one in found] == [names["Grown"]("3"), names["Grown"]("4")]
    assert texts == []


async def test_rows_without_a_value_and_own_conversions_are_not_told(store: str) -> None:
    """None and what a class converts itself are no changed annotation."""
    old: Any = create_model("MisfitsOwn", x=int | None, z=int)
    await write_models(models={"a": old(None, 1), "b": old(2, 1)})

    with allow_model_type_overwrites():

        class Own(DataModel, version=1, name="MisfitsOwn"):
            x: int
            z: str

            @classmethod
            def model_init(cls, version: int, data: dict[str, Any]) -> Own:
                return cls(data["x"], str(data["z"]))

    with told() as texts:
        found = await read_models(ModelFilter())
    assert [one.value.z for one in found] == ["1", "1"]
    with allow_model_type_overwrites():
        create_model("MisfitsOwn", x=int, z=int)
    with told() as texts:
        await read_models(ModelFilter())
    assert texts == []
