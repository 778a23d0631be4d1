"""Whatever a field may hold, a table shows it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path, PurePath
from typing import Any, Optional
from uuid import UUID

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from artigraph import (
    DataModel,
    FilterError,
    ModelFilter,
    SerializationError,
    allow_model_type_overwrites,
    create_model,
    delete_models,
    get_engine,
    read_frame,
    read_table,
    set_engine,
    write_models,
)
from artigraph.codec.any import ANY
from artigraph.codec.base import LoadedChildren
from artigraph.export.column import ROW_COLUMNS, column_name
from artigraph.orm.base import is_clean
from artigraph.types.scalar import SCALARS_BY_TYPE
from tests.model.values import ANYTHING, SINGLE, TYPED_VALUES, draw


def shown(value: Any) -> Any:
    """A value as it is compared: of the types that a column has."""
    if isinstance(value, np.str_):
        return str.__str__(value)
    if type(value).__module__ == "numpy" and isinstance(value, np.generic):
        # Others than numbers and texts are compared as they are.
        return shown(value.item()) if value.dtype.kind in "biuf" else repr(value)
    if isinstance(value, bool):
        return repr(value)  # not equal to 1
    if isinstance(value, DataModel):
        return shown({f.name: getattr(value, f.name) for f in fields(value)})
    if isinstance(value, Flag):
        return value.value if abs(value.value) < 2**63 else str(value.value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list | tuple | set | frozenset):
        # A set has no order to come back in.
        return sorted((shown(item) for item in value), key=repr)
    if isinstance(value, dict):
        if any(isinstance(key, DataModel) for key in value):
            return shown([list(item) for item in value.items()])
        return sorted(((shown(k), shown(v)) for k, v in value.items()), key=repr)
    if isinstance(value, float):
        return repr(value) if math.isnan(value) or repr(value) == "-0.0" else value
    if isinstance(value, Decimal):
        return value if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return value.replace(fold=0) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, time):
        return value.replace(fold=0)
    return str(value) if isinstance(value, UUID | PurePath) else value


def key_of(key: Any) -> str | None:
    """What a key names a column with, if it does."""
    if isinstance(key, Enum):
        return str(shown(key))
    scalar = SCALARS_BY_TYPE.get(type(key))
    stored = key if scalar is None or scalar.native else scalar.write(key)
    if type(stored) is int:
        return str(stored)
    return stored if type(stored) is str and is_clean(stored) else None


def cells(name: tuple[str, ...], value: Any) -> Iterator[tuple[str, Any]]:
    """The columns that a value is shown in, with what stands in each."""
    if isinstance(value, DataModel):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, dict):
        keys = [key_of(key) for key in value]
        if None not in keys and len(set(keys)) == len(keys):
            for key, inner in zip(keys, value.values(), strict=True):
                yield from cells((*name, str(key)), inner)
            return
    if value is not None:
        yield column_name(name), value


async def check(cls: type[DataModel], rows: list[dict[str, Any]]) -> None:
    """Write models, and compare the table of them with their values."""
    wanted = ModelFilter(model_type=cls.__name__)
    await delete_models(wanted)  # of the example before
    try:
        await write_models(models={str(i): cls(**row) for i, row in enumerate(rows)})
    except SerializationError:
        return
    table = await read_table(wanted)
    assert len(await read_frame(wanted)) == len(rows)
    json = {field.name for field in table.schema if field.metadata}
    found: list[dict[str, Any]] = [
        {
            name: shown(ANY.decode(orjson.loads(cell), LoadedChildren()) if name in json else cell)
            for name, cell in row.items()
            if cell is not None and name not in ROW_COLUMNS
        }
        for row in table.to_pylist()
    ]
    for row, came in zip(rows, found, strict=True):
        expected = dict(cell for name, value in row.items() for cell in cells((name,), value))
        for name, value in expected.items():
            if name in table.column_names:
                assert came.pop(name, None) == shown(value), (name, value)
            else:
                # It is, or another row's is, a value in a row of its own.
                with pytest.raises(FilterError, match=r"read_models\(filter, lazy=True\)"):
                    await read_table(wanted, [name])
        assert not came


def class_of(annotations: dict[str, Any], name: str = "Shown") -> type[DataModel]:
    """A model class with these fields."""
    with allow_model_type_overwrites():
        return create_model(name, **annotations)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[None]:
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'one.db'}", create_tables=True)
    yield
    await (await get_engine()).dispose()
    reset()


often = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@often
@given(example=st.lists(TYPED_VALUES, min_size=1, max_size=4))
async def test_fields_of_every_annotation(sqlite: None, example: list[tuple[Any, Any]]) -> None:
    """A value of any annotation is shown in its columns, or is in a row of its own."""
    cls = class_of({f"f{i}": annotation for i, (annotation, _) in enumerate(example)})
    await check(cls, [{f"f{i}": value for i, (_, value) in enumerate(example)}])


@st.composite
def columns(draw: st.DrawFn) -> tuple[Any, list[Any]]:
    """An annotation, and a few values of it, some of them missing."""
    one = draw(st.sampled_from(SINGLE))
    return one.annotation, draw(st.lists(one.values | st.none(), min_size=1, max_size=6))


@often
@given(column=columns())
async def test_columns_of_one_annotation(sqlite: None, column: tuple[Any, list[Any]]) -> None:
    """Many values of one annotation share a column, whatever type keeps them all."""
    annotation, values = column
    await check(class_of({"v": Optional[annotation]}), [{"v": value} for value in values])  # noqa: UP045  # it may be None


@often
@given(values=st.lists(ANYTHING, min_size=1, max_size=5))
async def test_columns_of_anything(sqlite: None, values: list[Any]) -> None:
    """Values that have nothing in common share a column as well."""
    await check(class_of({"v": Any}), [{"v": value} for value in values])


async def test_columns_in_every_database(store: str) -> None:
    """Random values are shown in every database as they are in the models."""
    for i, (annotation, values) in enumerate(draw(columns(), 30, seed=4)):
        cls = class_of({"v": Optional[annotation]}, f"Shown{i}")  # noqa: UP045  # it may be None
        await check(cls, [{"v": value} for value in values])
    for i, values in enumerate(draw(st.lists(ANYTHING, min_size=1, max_size=5), 30, seed=5)):
        await check(class_of({"v": Any}, f"Anything{i}"), [{"v": value} for value in values])
