"""Tags set and taken away: one statement for however many rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    delete,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.exc import IntegrityError

from artigraph.db.outcome import conflict
from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.db.transaction import Transaction
from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import cut
from artigraph.errors import FilterError, TagError
from artigraph.filter.base import Filter, limited_clause_of
from artigraph.filter.relation import check_nodes
from artigraph.filter.unset import UNSET, Unset
from artigraph.filter.value import among, has_subquery
from artigraph.orm.base import utc_now
from artigraph.orm.node import NodeLike, node_table
from artigraph.orm.tag import tag_table
from artigraph.tag.value import StoredTag, check_name, stored_tags

__all__ = ["tag_nodes", "untag_nodes"]

_tag = tag_table.c
_COLUMNS = ("name", "value", "key", "digest")


async def tag_nodes(
    filter: Filter,
    tags: Mapping[str, Any],
    *,
    unique_below: NodeLike | Unset = UNSET,
    everything: bool = False,
) -> int:
    """Give nodes tags: names with values, that may be set and changed at any time.

    A tag that a node has already gets the new value. Locked nodes take tags as well: what is
    said of a row does not change it.

    Args:
        filter: Any filter, or several combined.
        tags: Values by name: texts, numbers, bools, moments, and small lists and dicts of
            these; ``None`` for a tag without a value.
        unique_below: A node below which only one may have a tag of this name with this value,
            as a model has one version in production. The filter finds that one, and another
            that had the tag loses it.
        everything: Let the filter be one that limits nothing, such as ``NodeFilter()``.

    Returns:
        How many nodes have the tags now.

    Raises:
        TagError: A name or a value that no tag has; with ``unique_below``, a node that is not
            below that one.
        FilterError: The filter limits nothing, and ``everything`` is not said.
        NodeNotFoundError: There is no node to be unique below.
        MultipleNodesFoundError: With ``unique_below``, the filter finds several nodes.
    """
    clause = limited_clause_of(filter, everything, "be tagged", "Nothing was changed.")
    stored = stored_tags(tags)
    if unique_below is UNSET:
        return await _set(clause, stored)
    scope = check_nodes("unique_below=…", unique_below, "one node or its id")
    if not isinstance(scope, tuple) or len(scope) != 1 or isinstance(unique_below, tuple | list):
        raise FilterError(
            f"unique_below=… takes one node or its id, not {cut(repr(unique_below), 80)}."
        )
    return await _set(clause, stored, scope, str(filter))


@retried
async def _set(
    clause: ColumnElement[bool],
    stored: Sequence[StoredTag],
    scope: tuple[int, ...] = (),
    told: str = "",
) -> int:
    async with write() as transaction:
        database = dialect_of(transaction.connection)
        count = None
        if scope:
            from artigraph.tag.alias import make_room  # which few ask for

            found = await make_room(transaction, clause, stored, scope, told)
            if found is None:
                return 0
            clause, count = node_table.c.node_id == found, 1
        elif not database.counts_changes:
            # Before the filter finds others, as one that asks for the tag itself does.
            counted = select(func.count()).select_from(node_table).where(clause)
            count = (await transaction.connection.execute(counted)).scalar_one()
        rows = _rows(transaction, clause, stored, scope[0] if scope else None)
        names = [f"tag_{name}" for name in ("node_id", *_COLUMNS, "scope_id", "by", "at")]
        statement = database.insert_or_change(
            tag_table, names, rows, ("tag_node_id", "tag_name"), _changed
        )
        try:
            result = await transaction.connection.execute(statement)
        except IntegrityError as error:
            # A node that was deleted meanwhile, or another that was given the same alias.
            raise conflict(error.orig or error) from error
        return int(count if count is not None else result.rowcount // len(stored))


def _rows(
    transaction: Transaction,
    clause: ColumnElement[bool],
    stored: Sequence[StoredTag],
    scope: int | None,
) -> Select[Any]:
    typed = dialect_of(transaction.connection).as_document
    each = [
        select(
            literal(one.name, _tag.tag_name.type).label("name"),
            typed(literal(one.value, _tag.tag_value.type)).label("value"),
            literal(one.key, _tag.tag_key.type).label("key"),
            literal(one.digest, _tag.tag_digest.type).label("digest"),
        )
        for one in stored
    ]
    given = (each[0] if len(each) == 1 else union_all(*each)).subquery("given")
    return (
        select(
            node_table.c.node_id,
            *(given.c[name] for name in _COLUMNS),
            literal(scope, _tag.tag_scope_id.type),
            literal(transaction.user, _tag.tag_by.type),
            literal(utc_now(), _tag.tag_at.type),
        )
        .select_from(node_table.join(given, true()))
        .where(clause)
        # Two that meet take the rows in one order, and do not wait for each other.
        .order_by(node_table.c.node_id)
    )


def _changed(new: Any) -> list[tuple[str, ColumnElement[Any]]]:
    # The same value again leaves an alias what it is, another one is none yet. It comes
    # first: MariaDB looks at what it has set already.
    same = _tag.tag_digest == new.tag_digest
    scope = case((same, func.coalesce(new.tag_scope_id, _tag.tag_scope_id)), else_=new.tag_scope_id)
    names = ("tag_value", "tag_key", "tag_digest", "tag_by", "tag_at")
    return [("tag_scope_id", scope), *((name, new[name]) for name in names)]


async def untag_nodes(
    filter: Filter,
    names: str | Collection[str] | Unset = UNSET,
    *,
    all_names: bool = False,
    everything: bool = False,
) -> int:
    """Take tags away from nodes.

    Args:
        filter: Any filter, or several combined.
        names: The name of a tag, or several; what a node does not have is passed over.
        all_names: Take all tags away, whatever they are called.
        everything: Let the filter be one that limits nothing, such as ``NodeFilter()``.

    Returns:
        How many tags were taken away.

    Raises:
        TagError: No names, and not ``all_names``; or both; or something that is no name.
        FilterError: The filter limits nothing, and ``everything`` is not said.
    """
    clause = limited_clause_of(filter, everything, "lose tags", "Nothing was changed.")
    if (names is UNSET) is not (all_names is True):
        raise TagError(
            "untag_nodes() takes the names of tags, as in untag_nodes(filter, 'best'), or "
            "all_names=True for all that a node has. Nothing was changed."
        )
    if names is UNSET:
        return await _remove(clause, None)
    several = [names] if isinstance(names, str) else names
    if isinstance(several, Mapping) or not isinstance(several, Collection):
        raise TagError(
            f"untag_nodes() takes the name of a tag or several, not {cut(repr(names), 80)}. "
            "Nothing was changed."
        )
    for name in several:
        if not isinstance(name, str):
            check_name(name)
    return await _remove(clause, tuple(several)) if several else 0


@retried
async def _remove(clause: ColumnElement[bool], names: tuple[str, ...] | None) -> int:
    nodes = select(node_table.c.node_id).where(clause)
    async with write() as transaction:
        found: ColumnElement[bool] = _tag.tag_node_id.in_(nodes)
        if has_subquery(clause):
            # Which a DELETE may not begin with on every database.
            tagged = select(_tag.tag_node_id).where(found).distinct()
            ids = (await transaction.connection.execute(tagged)).scalars().all()
            found = among(_tag.tag_node_id, ids, changing=True)
        statement = delete(tag_table).where(found)
        if names is not None:
            statement = statement.where(among(_tag.tag_name, names, changing=True))
        return int((await transaction.connection.execute(statement)).rowcount)
