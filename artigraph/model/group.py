"""A node and the models on it, gathered in memory and written at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from sqlalchemy import inspect
from typing_extensions import override

from artigraph.db.session import outermost_session, write
from artigraph.display.facts import Badge, Facts
from artigraph.display.limits import Limits
from artigraph.display.row import RowFacts, describe_row
from artigraph.display.shown import Shown
from artigraph.display.value import brief, describe_fields
from artigraph.errors import FilterError, LabelExistsError, NodeNotFoundError, SerializationError
from artigraph.filter.model import ModelFilter
from artigraph.filter.node import NodeFilter
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.graph.current import Current, entered, hang, insert_unwritten
from artigraph.graph.node import delete_in, read_node
from artigraph.graph.object import update_nodes
from artigraph.graph.row import NewRow, check_label, row_writer
from artigraph.model.added import Added
from artigraph.model.base import BaseModel
from artigraph.model.read import read_models
from artigraph.model.write import encoded
from artigraph.orm.node import Node
from artigraph.registry import did_you_mean

__all__ = ["ModelGroup", "current_model_group"]


class ModelGroup(Shown):
    """A node and the models that hang on it.

    As a block it hangs its node under the enclosing group's (or the current
    node), and at its end writes the node and the added models in one
    transaction. If the block raises, none of its models are saved and the
    exception goes on::

        async with ModelGroup(new_node(node_label="run 1")) as group:
            group.add_model("fit", Fit(loss=0.1))

    Args:
        node: A node, new or written, or the id of a written one.
        save_on_error: Save what was added even if the block raises.

    Raises:
        FilterError: Something that is neither a node nor an id.
    """

    def __init__(self, node: Node | int, *, save_on_error: bool = False) -> None:
        if isinstance(node, bool) or not isinstance(node, int | Node):
            raise FilterError(f"ModelGroup() takes a node or its id, not {node!r}.")
        self._node = node if isinstance(node, Node) else None
        self._given_id = node if isinstance(node, int) else None
        self._save_on_error = save_on_error
        self._unsaved: dict[str, BaseModel] = {}
        self._saving: dict[str, asyncio.Event] = {}
        self._saved: dict[str, Any] = {}
        self._saved_is_complete = False
        self._parent: ModelGroup | None = None
        self._place: Current | None = None
        self._inside: tuple[AbstractContextManager[Current], Token[ModelGroup | None]] | None = None

    @property
    def node(self) -> Node:
        """The group's node.

        A new one has its ``node_id`` once it is written: at the block's end, or
        by :meth:`save`.

        Raises:
            NodeNotFoundError: The group was made of an id, and its node was not
                read yet.
        """
        if self._node is None:
            raise NodeNotFoundError(
                f"The node {self._given_id} of this group was not read yet. Use the group in an "
                "async with block, or read the node with read_node()."
            )
        return self._node

    @override
    def _describe(self, limits: Limits) -> Facts:
        row = RowFacts("Node", self._given_id) if self._node is None else self._node._row_facts()
        models = {**self._saved, **self._unsaved}
        states = dict.fromkeys(self._unsaved, (Badge("not saved"),))
        fields, more = describe_fields(models.items(), limits, badges=states)
        unread = self._written_id() is not None and not self._saved_is_complete
        return replace(
            describe_row(replace(row, columns={}), limits),
            name=type(self).__name__,
            fields=fields,
            more_fields=more,
            warnings=("the database may hold more: await group.read_models()",) * unread,
        )

    @override
    def _brief(self, limits: Limits) -> str:
        node = str(self._given_id) if self._node is None else self._node._brief_key()
        unsaved = f", unsaved={brief(sorted(self._unsaved), limits)}" if self._unsaved else ""
        return f"ModelGroup({node}{unsaved})"

    async def __aenter__(self) -> Self:
        if self._inside is not None:
            raise RuntimeError("This group is entered already; make another one of the node.")
        if self._node is None:
            self._node = await read_node(NodeFilter(node_id=self._given_id))
        self._parent = _current_group.get()
        context = entered(self._node)
        self._place = context.__enter__()
        self._inside = (context, _current_group.set(self))
        try:
            await hang(self._node, self._place.above)
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if exc is None or self._save_on_error:
                await self.save()
        except Exception as error:
            if exc is None:
                raise
            # The block's own exception is the one to see.
            exc.add_note(f"The group could not be saved either: {error}")
        finally:
            self._leave()

    def _leave(self) -> None:
        assert self._inside is not None  # noqa: S101  # __aenter__ set it
        context, token = self._inside
        self._inside = None
        _current_group.reset(token)
        context.__exit__(None, None, None)

    def get_parent_group(self) -> ModelGroup | None:
        """The group that this one's block stands in, or ``None``."""
        return self._parent

    def add_model(self, label: str, model: BaseModel) -> Added:
        """Add a model; it is written with the group.

        Args:
            label: Its name in the group.
            model: The model.

        Returns:
            Something that may be awaited, to no further effect.

        Raises:
            LabelError: A label that no database could hold.
            LabelExistsError: The label is taken in the group.
            SerializationError: It is no model.
        """
        return self.add_models({label: model})

    def add_models(self, models: Mapping[str, BaseModel]) -> Added:
        """Add models; they are written with the group.

        Args:
            models: The models by label.

        Returns:
            Something that may be awaited, to no further effect.

        Raises:
            LabelError: A label that no database could hold; none is added.
            LabelExistsError: A label is taken in the group; none is added.
            SerializationError: One of them is no model; none is added.
        """
        for label, model in models.items():
            check_label(label)
            if not isinstance(model, BaseModel):
                raise SerializationError(
                    f"{label!r} is no model but {model!r} ({type(model).__name__}). Add an "
                    "instance of a DataModel."
                )
            if label in self._unsaved or label in self._saved:
                raise LabelExistsError(
                    f"The group has a model {label!r} already. Choose another label, or "
                    f"await group.remove_model({label!r}) first."
                )
        self._unsaved.update(models)
        return Added(models)

    async def save(self) -> None:
        """Write the node, if it is new, and the models added since the last time.

        One transaction for all of it; a failure leaves the group as it was.

        Raises:
            SerializationError: A field would not come back equal.
            LabelExistsError: A label is taken in the database.
            ParentNotFoundError: The group's node does not exist.
            StorageError: A storage failed.
        """
        # Another task may be saving some of them; it says by itself how that went.
        others = set(self._saving.values())
        added = {label: m for label, m in self._unsaved.items() if label not in self._saving}
        done = asyncio.Event()
        self._saving |= dict.fromkeys(added, done)
        try:
            await self._write(added)
        finally:
            done.set()
            for label in added:
                del self._saving[label]
        # Inside a session their transaction may be waiting for the end of this one.
        if others and outermost_session() is None:
            for other in others:
                await other.wait()
            if self._unsaved:
                await self.save()

    async def _write(self, added: dict[str, BaseModel]) -> None:
        async with encoded(None, added) as rows, row_writer() as writer:
            above: NewRow | int | None = self._given_id
            if self._node is not None:
                if inspect(self._node).has_identity:
                    await update_nodes(writer, [self._node])
                if self._place is None:
                    self._place = Current(self._node, None, None)
                above = await insert_unwritten(writer, self._place)
            for row, _ in rows.models:
                row.hang_under(above)
            await rows.insert(writer)
            writer.when_done(partial(self._note_saved, added), undo=partial(self._note_lost, added))

    def _note_saved(self, added: dict[str, BaseModel]) -> None:
        self._saved |= added
        for label in added:
            self._unsaved.pop(label, None)

    def _note_lost(self, added: dict[str, BaseModel]) -> None:
        for label in added:
            self._saved.pop(label, None)
        self._unsaved = {**added, **self._unsaved}

    async def get_model(self, label: str, fresh: bool = False) -> Any:
        """A model of the group, from memory if it is there.

        Args:
            label: Its name in the group.
            fresh: Read it from the database in any case.

        Raises:
            NodeNotFoundError: The group has no such model.
        """
        return (await self.get_models([label], fresh))[label]

    async def get_models(
        self, labels: Iterable[str] | None = None, fresh: bool = False
    ) -> dict[str, Any]:
        """Models of the group by label, from memory where they are there.

        Args:
            labels: Which; all, unless given.
            fresh: Read them from the database in any case.

        Returns:
            The models by label, those included that are added but not saved.

        Raises:
            NodeNotFoundError: The group has no such model.
        """
        wanted = None if labels is None else list(labels)
        missing = wanted is None or not {*self._saved, *self._unsaved}.issuperset(wanted)
        if self._written_id() is not None and (fresh or (missing and not self._saved_is_complete)):
            await self._refresh(wanted)
        models = {**self._saved, **self._unsaved}
        if wanted is None:
            return models
        for label in wanted:
            if label not in models:
                raise NodeNotFoundError(
                    f"{self!r} has no model {label!r}. {did_you_mean(label, models)}"
                )
        return {label: models[label] for label in wanted}

    async def read_models(self) -> dict[str, Any]:
        """The models that the database has in the group, by label."""
        if self._written_id() is None:
            return {}
        await self._refresh(None)
        return dict(self._saved)

    async def has_model(self, label: str) -> bool:
        """Whether the group has a model of that label."""
        return await self.has_models([label])

    async def has_models(self, labels: Iterable[str]) -> bool:
        """Whether the group has models of all those labels."""
        missing = {*labels} - {*self._saved, *self._unsaved}
        if not missing or self._written_id() is None:
            return not missing
        await self._refresh(None)
        return missing <= self._saved.keys()

    async def remove_model(self, label: str) -> None:
        """Remove a model, from the database as well.

        Raises:
            NodeNotFoundError: The group has no such model.
        """
        await self.remove_models([label])

    async def remove_models(self, labels: Iterable[str] | None = None) -> None:
        """Remove models, from the database as well.

        Args:
            labels: Which; all, unless given.

        Raises:
            NodeNotFoundError: The group has no such model; none is removed.
        """
        wanted = None if labels is None else list(labels)
        if wanted is not None and not await self.has_models(wanted):
            await self.get_models(wanted, fresh=True)
        node_id = self._written_id()
        if node_id is None:
            self._forget(wanted)
            return
        async with write() as transaction:
            filter = ModelFilter(relationship=_child_of(node_id), label=wanted)
            await delete_in(transaction, filter)
            transaction.on_success.append(partial(self._forget, wanted))
            # A session around it may bring the rows back.
            transaction.on_rollback.append(partial(self._remember, self._saved, self._unsaved))

    def _forget(self, labels: list[str] | None) -> None:
        gone = {*self._saved, *self._unsaved} if labels is None else {*labels}
        self._saved = {label: m for label, m in self._saved.items() if label not in gone}
        self._unsaved = {label: m for label, m in self._unsaved.items() if label not in gone}

    def _remember(self, saved: dict[str, Any], unsaved: dict[str, BaseModel]) -> None:
        self._saved = {**saved, **self._saved}
        self._unsaved = {**unsaved, **self._unsaved}

    async def _refresh(self, labels: list[str] | None) -> None:
        node_id = self._written_id()
        assert node_id is not None  # noqa: S101  # callers have asked
        found = await read_models(ModelFilter(relationship=_child_of(node_id), label=labels))
        read = {str(model.artifact.node_label): model.value for model in found}
        if labels is None:
            self._saved = read
            self._saved_is_complete = True
        else:
            for label in labels:
                self._saved.pop(label, None)
            self._saved |= read

    def _written_id(self) -> int | None:
        if self._node is None:
            return self._given_id
        # From what is loaded, for a repr may ask.
        return vars(self._node).get("node_id") if inspect(self._node).has_identity else None


def _child_of(node_id: int) -> NodeRelationshipFilter:
    return NodeRelationshipFilter(child_of=node_id)


_current_group: ContextVar[ModelGroup | None] = ContextVar("artigraph_group", default=None)


def current_model_group() -> ModelGroup | None:
    """The group whose block this is, the innermost one, or ``None``."""
    return _current_group.get()
