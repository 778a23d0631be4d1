"""Models as a pandas frame: one row a model, one column a field."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from artigraph.codec.any import ANY
from artigraph.codec.base import LoadedChildren
from artigraph.concurrency import run_in_thread
from artigraph.export.pyarrow import read_table
from artigraph.filter.base import Filter
from artigraph.filter.order import OrderBy
from artigraph.orm.node import Node

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["read_frame"]


async def read_frame(
    filter: Filter,
    columns: Sequence[str] | None = None,
    *,
    tags: Sequence[str] | bool = False,
    strict: bool = False,
    order_by: OrderBy = None,
    limit: int | None = None,
    above: type[Node] | None = None,
) -> pd.DataFrame:
    """Read the models that a filter finds as a frame; or its nodes.

    Args:
        filter: Any filter, or several combined. One that asks for a class of nodes, such as
            ``TrackedRun.where(…)``, gives those nodes; any other the models that it finds,
            or its nodes if there is no model among them.
        columns: The columns to read, in order; a dict or a nested model stands
            for all of its columns. All, unless given.
        tags: Names of tags, each a column ``tag:name`` behind the others, which is ``True`` for
            a tag without a value; ``True`` for all tags that there are.
        strict: Raise what is wrong with the first row whose document cannot be read, or makes
            more than 10,000 columns alone. Its fields are missing otherwise, and one
            ``UnfitModelWarning`` tells of all such rows.
        order_by: As for :func:`read_models`; by id, unless given.
        limit: How many to read at the most.
        above: A node class, such as ``TrackedRun``, whose columns stand beside those of the models
            that hang on such a node: ``run.status``, ``run.params.lr``.

    Returns:
        One row a model, by id, or one a node, with the columns that ``read_table`` describes.
        Integers and bools are ``int64`` and ``bool``, and where some are missing
        ``Int64`` and ``boolean``; a missing float is NaN. Datetimes are
        ``datetime64[us]``, in UTC if they have a zone. Lists, tuples and sets are
        lists. Where models disagree about a field's type, the column is of
        ``object`` and holds the values themselves; nested models are dicts there,
        and the member of an enumeration is its name.

    Raises:
        FilterError: ``columns`` is no list, or names a column that no model has
            or that is left out; or there are more than 10,000 columns, and not just because of
            models that make 1,000 or more each, whose fields are missing then.
        DeserializationError: With ``strict``: a document is none that artigraph wrote, or makes
            too many columns.
    """
    table = await read_table(
        filter, columns, tags=tags, strict=strict, order_by=order_by, limit=limit, above=above
    )
    return await run_in_thread(_frame, table)


def _frame(table: pa.Table) -> pd.DataFrame:
    import pandas as pd

    series = {field.name: _series(table.column(i), field) for i, field in enumerate(table.schema)}
    return pd.DataFrame(series, index=pd.RangeIndex(table.num_rows), copy=False)


def _series(column: pa.ChunkedArray[Any], field: pa.Field[Any]) -> pd.Series[Any]:
    import pandas as pd
    import pyarrow as pa

    from artigraph.export.pyarrow.table import IS_JSON

    if field.metadata == IS_JSON:
        return pd.Series([_value(text) for text in column.to_pylist()], dtype=object)
    if pa.types.is_list(field.type):
        return pd.Series(column.to_pylist(), dtype=object)
    with_missing = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    # A mapper that knows no other type would make objects of texts.
    maps = column.null_count and field.type in with_missing
    made: pd.Series[Any] = column.to_pandas(types_mapper=with_missing.get if maps else None)
    return made


def _value(text: str | None) -> object:
    value = None if text is None else ANY.decode(orjson.loads(text), LoadedChildren())
    # pandas compares what it shows, and over a signalling NaN that fails.
    return Decimal("NaN") if isinstance(value, Decimal) and value.is_snan() else value
