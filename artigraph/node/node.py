"""Nodes: made, written, read, moved and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Any, TypeVar, overload

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    func,
    select,
)
from sqlalchemy.orm import Session

from artigraph.db.fetch import ask
from artigraph.db.retry import retried
from artigraph.db.session import read_session, write
from artigraph.db.setting import current_setting, using
from artigraph.dialect.registry import dialect_of
from artigraph.display.row import ResultList
from artigraph.errors import FilterError, MultipleNodesFoundError
from artigraph.filter.base import Filter, clause_of, limited_clause_of
from artigraph.filter.order import BY_ID, OrderBy, Ordering, check_counts, ordering_of
from artigraph.filter.value import has_subquery
from artigraph.garbage import collector_paused
from artigraph.node.closed import naming_locked
from artigraph.node.delete import delete_in
from artigraph.node.existing import existing
from artigraph.node.object import write_objects
from artigraph.node.row import row_writer
from artigraph.orm.node import PATH, TAGS, Node, node_table
from artigraph.orm.trash import TrashRecord
from artigraph.outline.path import path_of
from artigraph.outline.tag import shown_along

__all__ = [
    "count_nodes",
    "delete_nodes",
    "iter_nodes",
    "new_node",
    "nodes_exist",
    "read_first_node",
    "read_node",
    "read_node_or_none",
    "read_nodes",
    "select_nodes",
    "write_node",
    "write_nodes",
]

N = TypeVar("N", bound=Node)


@overload
def new_node(*, node_id: int | None = None, **columns: Any) -> Node: ...


@overload
def new_node(node_type: type[N], *, node_id: int | None = None, **columns: Any) -> N: ...


def new_node(node_type: type[Any] = Node, *, node_id: int | None = None, **columns: Any) -> Any:
    """Make a node that is not yet written.

    Args:
        node_type: ``Node`` or a subclass.
        node_id: The id it shall have; the database counts unless given. Writing
            it updates the row that has the id, if there is one.
        **columns: Values of its columns by name.

    Returns:
        The node.

    Raises:
        TypeError: A name that is no column of the class.
    """
    if node_id is not None:
        columns["node_id"] = node_id
    return node_type(**columns)


async def write_node(node: N, *, refresh_attributes: Collection[str] = ()) -> N:
    """Write a node: insert it, or update the columns that were changed.

    Args:
        node: A new node, or one that was read or written before.
        refresh_attributes: Accepted for older code; everything is filled in.

    Returns:
        The same node, with ``node_id`` and its times filled in, save for times that were chosen.

    Raises:
        LabelExistsError: Its label is taken under its parent.
        ParentNotFoundError: Its parent does not exist.
        CycleError: It would become its own ancestor.
        NodeNotFoundError: It was deleted meanwhile.
    """
    return (await write_nodes([node], refresh_attributes=refresh_attributes))[0]


async def write_nodes(nodes: Iterable[N], *, refresh_attributes: Collection[str] = ()) -> list[N]:
    """Write nodes in one transaction: all of them or none.

    Args:
        nodes: As for :func:`write_node`.
        refresh_attributes: Accepted for older code; everything is filled in.

    Returns:
        The same nodes, in their order.

    Raises:
        LabelExistsError: A label is taken under its parent, or given twice.
        ParentNotFoundError: A parent does not exist.
        CycleError: One would become its own ancestor.
        NodeNotFoundError: One was deleted meanwhile.
    """
    written = ResultList(nodes)
    for node in written:
        if not isinstance(node, Node):
            raise FilterError(f"write_nodes() takes Node objects, not {node!r}.")
    await _write_all(written)
    return written


@retried
async def _write_all(nodes: Sequence[Node]) -> None:
    # One that is given twice is one row.
    distinct = {id(node): node for node in nodes}.values()
    async with row_writer() as writer:
        await write_objects(writer, list(distinct))


async def read_nodes(
    filter: Filter, *, order_by: OrderBy = None, limit: int | None = None, offset: int | None = None
) -> list[Node]:
    """Read the nodes that a filter finds, each as its own class.

    Args:
        filter: Any filter, or several combined.
        order_by: A column such as ``"node_label"``, or ``"-node_created_at"`` for
            the newest first; by id, unless given. Rows without a value come last.
        limit: How many to read at the most.
        offset: How many to leave out first. For page after page use
            :func:`iter_nodes`, which does not read again what it has passed.

    Returns:
        The nodes; all of their columns are loaded.

    Raises:
        FilterError: An unknown column, or a negative count.
    """
    check_counts(limit=limit, offset=offset)
    ordering = ordering_of(order_by, filter)
    return await select_nodes(clause_of(filter), limit, ordering=ordering, offset=offset)


async def read_first_node(filter: Filter, *, order_by: OrderBy = None) -> Node | None:
    """Read the first of the nodes that a filter finds.

    Args:
        filter: Any filter, or several combined.
        order_by: As for :func:`read_nodes`.

    Returns:
        The node, or ``None`` if there is none.
    """
    return next(iter(await read_nodes(filter, order_by=order_by, limit=1)), None)


async def iter_nodes(
    filter: Filter, *, order_by: OrderBy = None, page_size: int = 1000
) -> AsyncIterator[Node]:
    """Read the nodes that a filter finds, however many, page after page.

    Each page is a query of its own that begins after the last row of the page
    before, so that memory holds one page and a late page costs no more than
    the first. Rows that others write meanwhile may be among those to come.

    Args:
        filter: Any filter, or several combined.
        order_by: As for :func:`read_nodes`.
        page_size: How many rows to read at a time.

    Yields:
        The nodes.

    Raises:
        FilterError: An unknown column, or a page without rows.
    """
    check_counts(page_size=page_size, least=1)
    ordering = ordering_of(order_by, filter)
    clause = clause_of(filter)
    after: ColumnElement[bool] | None = None
    setting = current_setting()
    while True:
        found = clause if after is None else and_(clause, after)
        with using(setting):
            async with read_session() as session:
                query = (
                    select(Node, *ordering.columns)
                    .where(found)
                    .order_by(*ordering.clauses)
                    .limit(page_size)
                )
                rows = await session.run_sync(_load_rows, query)
        for node, *_ in rows:
            yield node
        if len(rows) < page_size:
            return
        after = ordering.after(rows[-1][1:])


async def count_nodes(filter: Filter) -> int:
    """How many nodes a filter finds, in one query.

    Args:
        filter: Any filter, or several combined.
    """
    present = clause_of(filter)
    counted = select(func.count()).select_from(node_table).where(present)
    every = filter.clause()
    if not has_subquery(every):
        # As long as nothing is in the trash, an index may tell without the rows.
        all_ = select(func.count()).select_from(node_table).where(every).scalar_subquery()
        some = select(TrashRecord.trash_node_id).exists()
        counted = select(case((some, counted.scalar_subquery()), else_=all_))
    ((count,),) = await ask(counted)
    return int(count)


async def read_node_or_none(filter: Filter) -> Node | None:
    """Read the one node that a filter finds, or ``None``.

    Raises:
        MultipleNodesFoundError: The filter finds more than one.
    """
    nodes = await select_nodes(clause_of(filter), 2)
    if len(nodes) > 1:
        raise MultipleNodesFoundError(
            f"There is more than one node: {filter}. Node {nodes[0].node_id} is the first. "
            "Narrow the filter, or use read_nodes()."
        )
    return nodes[0] if nodes else None


async def read_node(filter: Filter) -> Node:
    """Read the one node that a filter finds.

    Raises:
        NodeNotFoundError: The filter finds none.
        MultipleNodesFoundError: The filter finds more than one.
    """
    return await existing(await read_node_or_none(filter), "node", filter)


async def select_nodes(
    clause: ColumnElement[bool],
    limit: int | None,
    *,
    ordering: Ordering = BY_ID,
    offset: int | None = None,
) -> list[Node]:
    """Rows as objects, by id unless ordered, at most ``limit`` of them."""
    async with read_session() as session:
        # Of many rows a repr shows neither paths nor tags.
        alone = limit is not None and limit <= FEW_SHOWN
        query: Select[Any] = select(Node, *shown_along()) if alone else select(Node)
        query = query.where(clause).order_by(*ordering.clauses).limit(limit).offset(offset)
        if session.identity_map:
            # Rows are also written past the session's objects: believe the database.
            query = query.execution_options(populate_existing=True)
        return await session.run_sync(_load_all, query, alone)


FEW_SHOWN = 4
"""So few rows are read to be looked at one by one."""


def _load_all(session: Session, query: Select[Any], alone: bool) -> list[Node]:
    if not session.in_transaction():  # it is no other's, and has nothing else to ask
        connection = session.connection()
        dialect_of(connection).ask_once(connection)
    with collector_paused():
        if not alone:
            return ResultList(session.scalars(query).all())
        found: ResultList[Node] = ResultList()
        for node, labels, tags in session.execute(query):
            vars(node).update({PATH: {node.node_parent_id: path_of(labels)}, TAGS: tags})
            found.append(node)
        return found


def _load_rows(session: Session, query: Select[Any]) -> Sequence[Row[Any]]:
    return session.execute(query, execution_options={"populate_existing": True}).all()


async def nodes_exist(filter: Filter) -> bool:
    """Whether a filter finds any node, in one ``EXISTS`` query."""
    query = select(select(node_table.c.node_id).where(clause_of(filter)).exists())
    ((found,),) = await ask(query)
    return bool(found)


async def delete_nodes(filter: Filter, *, everything: bool = False) -> int:
    """Delete the nodes that a filter finds, with all that hangs below them.

    Blobs that no row names any more are removed once the rows are gone for
    good; one that cannot be removed is left over and logged.

    Args:
        filter: Any filter, or several combined.
        everything: Let the filter be one that limits nothing, such as
            ``NodeFilter()``; see :meth:`artigraph.Filter.limits_nothing`.

    Returns:
        How many rows were deleted.

    Raises:
        FilterError: The filter limits nothing, and ``everything`` is not said.
        LockedError: One of them is locked, or something below.
        DatabaseBusyError: Others went on writing below them.
        DatabaseRefusedError: Rows of another table, of your own, refer to one of them.
    """
    return await _delete(limited_clause_of(filter, everything, "go", "Nothing was deleted."))


@retried
async def _delete(clause: ColumnElement[bool]) -> int:
    async with naming_locked(clause), write() as transaction:
        return await delete_in(transaction, clause)
