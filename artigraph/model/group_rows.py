"""The rows of a group's models: read and deleted, on a node that is there."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import ColumnElement

from artigraph.db.session import read
from artigraph.db.transaction import Transaction
from artigraph.filter.base import clause_of
from artigraph.filter.model import ModelFilter
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.model.load import ReadModel
from artigraph.model.read import read_tolerantly
from artigraph.model.unfit import Unfit
from artigraph.node.delete import delete_in
from artigraph.node.existing import check_node_exists

__all__ = ["delete_models_on", "models_clause", "read_models_on"]


async def read_models_on(node_id: int, labels: list[str] | None) -> tuple[list[ReadModel], Unfit]:
    """Read the models on a node; only those with the labels, if there are any to keep to.

    Returns:
        The models, and those among them that could not be made.

    Raises:
        NodeNotFoundError: There is no such node; without models on it that is asked for.
    """
    found, unfit = await read_tolerantly(_models_on(node_id, labels))
    if not found:
        async with read() as connection:
            await check_node_exists(connection, node_id)
    return found, unfit


async def delete_models_on(
    transaction: Transaction, node_id: int, labels: list[str] | None
) -> None:
    """Delete the models on a node; only those with the labels, if there are any to keep to.

    Raises:
        NodeNotFoundError: There is no such node; without models on it that is asked for.
    """
    if not await delete_in(transaction, models_clause(node_id, labels)):
        await check_node_exists(transaction.connection, node_id)


def models_clause(node_id: int, labels: list[str] | None) -> ColumnElement[bool]:
    """The clause for the models on a node; only those with the labels, if there are any."""
    return clause_of(_models_on(node_id, labels))


def _models_on(node_id: int, labels: list[str] | None) -> ModelFilter:
    on_node = ModelFilter(relationship=NodeRelationshipFilter(child_of=node_id))
    return on_node if labels is None else replace(on_node, label=labels)
