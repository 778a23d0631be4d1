"""Models as an Arrow table: one row a model, one column a field.

Documents are read in chunks and taken apart in a thread; no model is made and
no blob is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from artigraph.filter.base import Filter
    from artigraph.filter.order import OrderBy
    from artigraph.orm.node import Node

__all__ = ["read_table"]


async def read_table(
    filter: Filter,
    columns: Sequence[str] | None = None,
    *,
    tags: Sequence[str] | bool = False,
    strict: bool = False,
    order_by: OrderBy = None,
    limit: int | None = None,
    above: type[Node] | None = None,
) -> pa.Table:
    """Read the models that a filter finds as an Arrow table; or its nodes.

    Args:
        filter: Any filter, or several combined. One that asks for a class of nodes, such as
            ``NodeFilter(node_type=TrackedRun)`` or what ``TrackedRun.where()`` makes, gives
            those nodes. Any other gives the models that it finds, and its nodes if
            there is no model among them.
        columns: The columns to read, in order; a dict or a nested model stands
            for all of its columns. All, unless given.
        tags: Names of tags, each a column ``tag:name`` behind the others, which is ``True`` for
            a tag without a value; ``True`` for all tags that there are.
        strict: Raise what is wrong with the first row whose document cannot be read, or makes
            more than 10,000 columns alone. Its fields are missing otherwise, and one
            ``UnfitModelWarning`` tells of all such rows.
        order_by: As for :func:`read_models`; by id, unless given.
        limit: How many to read at the most.
        above: A node class, such as ``TrackedRun``: each model has the columns of the nearest
            node of that class which it hangs on as well, behind its own, as ``run.status``
            and ``run.params.lr``. They are missing where there is none.

    Returns:
        One row a model, by id. First the columns of the row: ``node_id``,
        ``node_label``, ``node_parent_id``, ``node_created_at`` and
        ``node_updated_at`` in UTC, ``model_type``, ``model_version`` and ``path``,
        the labels from the root on, joined by ``/``. Then the fields, in the
        order of the class, and by name where no class tells one; the keys of dicts
        and the fields of nested models are columns of their own, such as
        ``params.depth``. A column whose values have no one type in Arrow holds JSON,
        and its field says so in its metadata, as ``{"artigraph": "json"}``. Frames,
        arrays and other values in rows of their own are left out.

        Of nodes: one row a node. First ``path``, then the columns of their classes by
        friendly names, such as ``status``, where the entries of a document are columns of
        their own, such as ``params.lr``; last ``label``, ``type``, ``id``, ``parent_id``,
        ``created_at`` and ``updated_at``. ``uid``, ``created_by``, ``updated_by`` and
        ``locked_at`` are read if ``columns`` names them.

    Raises:
        FilterError: ``columns`` is no list, or names a column that no model has
            or that is left out; or there are more than 10,000 columns, and not just because of
            models that make 1,000 or more each, whose fields are missing then.
        DeserializationError: With ``strict``: a document is none that artigraph wrote, or makes
            too many columns.
    """
    from artigraph.export.pyarrow.models import read_table_of  # by few, and not at the start

    return await read_table_of(filter, columns, tags, strict, order_by, limit, above)
