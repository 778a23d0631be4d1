"""A node and the models on it, gathered in memory and written at once."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from sqlalchemy import inspect
from typing_extensions import override

from artigraph.context import BlockVar
from artigraph.db.retry import retried
from artigraph.db.session import outermost_session, write
from artigraph.db.setting import current_setting, current_store, store_in, using
from artigraph.db.store import check_store
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.row import describe_row
from artigraph.display.shown import Shown
from artigraph.display.value import brief, describe_fields
from artigraph.errors import FilterError, NodeNotFoundError
from artigraph.filter.node import NodeFilter
from artigraph.model.base import BaseModel
from artigraph.model.group_models import Added, GroupModels, several_labels
from artigraph.model.group_rows import delete_models_on, models_clause, read_models_on
from artigraph.model.write import encoded
from artigraph.node.closed import naming_locked
from artigraph.node.current import Current, entered, hang, insert_unwritten
from artigraph.node.node import read_node
from artigraph.node.object import update_nodes
from artigraph.node.row import NewRow, row_writer
from artigraph.orm.node import Node, NodeLike, row_of, tell_row
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

    A group reads from and writes to one database: that of its node, and the one that was
    set when its block began, whatever is set meanwhile.

    Args:
        node: A node, new or written, or the id of a written one.
        save_on_error: Save what was added even if the block raises.

    Raises:
        FilterError: Something that is neither a node nor an id.
    """

    def __init__(self, node: NodeLike, *, save_on_error: bool = False) -> None:
        if isinstance(given := row_of(node), bool) or not isinstance(given, int | Node):
            raise FilterError(f"ModelGroup() takes a node or its id, not {node!r}.")
        self._node = given if isinstance(given, Node) else None
        self._given_id = None if isinstance(given, Node) else given
        self._save_on_error = save_on_error
        # An id means a row of the database that is set when it is given.
        self._setting = None if self._node is not None else current_setting()
        self._models = GroupModels()
        self._parent: ModelGroup | None = None
        self._current: Current | None = None
        self._inside: ExitStack | None = None

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
        given = {"node_id": self._given_id}
        node = self._node
        told = tell_row(Node, given, limits) if node is None else node._tell(node._loaded(), limits)
        states = dict.fromkeys(self._models.unsaved, (Badge("not saved"),))
        fields, more = describe_fields(self._models.all().items(), limits, badges=states)
        unread = self._written_id() is not None and not self._models.is_complete
        return replace(
            describe_row(told, {}, limits),
            name=type(self).__name__,
            fields=fields,
            more_fields=more,
            warnings=("the database may hold more: await group.read_models()",) * unread,
        )

    @override
    def _brief(self, limits: Limits) -> str:
        node = str(self._given_id) if self._node is None else self._node._brief_key()
        unsaved = sorted(self._models.unsaved)
        return f"ModelGroup({node}{f', unsaved={brief(unsaved, limits)}' if unsaved else ''})"

    async def __aenter__(self) -> Self:
        if self._inside is not None:
            raise RuntimeError("This group is entered already; make another one of the node.")
        self._bind()
        with ExitStack() as inside:
            if store_in(self._setting) != current_store():
                # Another database was set meanwhile: all of the block is for the group's.
                inside.enter_context(using(self._setting))
            if self._node is None:
                assert self._given_id is not None  # noqa: S101  # __init__ took the one or the other
                self._node = await read_node(NodeFilter(node_id=self._given_id))
            self._parent = _current_group.get()
            self._current = inside.enter_context(entered(self._node))
            inside.enter_context(_current_group.entered(self))
            await hang(self._node, self._current.above)
            self._inside = inside.pop_all()
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
        inside, self._inside = self._inside, None
        if inside is not None:
            inside.close()

    @contextmanager
    def using_its_store(self) -> Iterator[None]:
        """Use the group's database within a block, whichever is set meanwhile.

        Raises:
            OtherStoreError: Its node is of another than the one that is set, and the
                group was not used before.
        """
        self._bind()
        with using(self._setting):
            yield

    def _bind(self) -> None:
        if self._setting is None:
            if self._node is not None:
                check_store(self._node, current_store())
            self._setting = current_setting()

    def get_parent_group(self) -> ModelGroup | None:
        """The group that this one's block stands in, which may be awaited; or ``None``."""
        return self._parent

    def __await__(self) -> Generator[None, None, Self]:
        return self
        yield

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
        self._models.add(models)
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
        with self.using_its_store():
            await self._save()

    async def _save(self) -> None:
        with self._models.saving() as (added, others):
            await self._write(added)
        # Another task says by itself how its part went. Inside a session its transaction may
        # be waiting for the end of this one.
        if others and outermost_session() is None:
            for other in others:
                await other.wait()
            if self._models.unsaved:
                await self._save()

    @retried
    async def _write(self, added: dict[str, BaseModel]) -> None:
        async with encoded(None, added) as rows, row_writer() as writer:
            rows.tell_of_misfits()
            above: NewRow | int | None = self._given_id
            if self._node is not None:
                if inspect(self._node).has_identity:
                    await update_nodes(writer, [self._node])
                if self._current is None:
                    self._current = Current(self._node, None, None)
                above = await insert_unwritten(writer, self._current)
            for row, _ in rows.models:
                row.hang_under(above)
            saved, lost = self._models.note_saved, self._models.note_lost
            writer.when_done(partial(saved, added), undo=partial(lost, added))
            await rows.insert(writer)

    async def get_model(self, label: str, fresh: bool = False) -> Any:
        """A model of the group, from memory if it is there.

        Args:
            label: Its name in the group.
            fresh: Read it from the database in any case.

        Raises:
            NodeNotFoundError: The group has no such model.
            ModelVersionError: It cannot be made, as :func:`~artigraph.read_model` says.
        """
        return (await self.get_models([label], fresh, strict=True))[label]

    async def get_models(
        self, labels: Iterable[str] | None = None, fresh: bool = False, *, strict: bool = False
    ) -> dict[str, Any]:
        """Models of the group by label, from memory where they are there.

        Args:
            labels: Which; all, unless given.
            fresh: Read them from the database in any case.
            strict: As for :func:`~artigraph.read_models`.

        Returns:
            The models by label, those included that are added but not saved.

        Raises:
            NodeNotFoundError: The group has no such model, or its node does not exist.
        """
        wanted = several_labels(labels)
        if self._written_id() is not None and (fresh or not self._models.knows(wanted)):
            await self._refresh(wanted, keep=not fresh, strict=strict)
        models = self._models.all()
        if wanted is None:
            return models
        for label in wanted:
            if label not in models:
                raise NodeNotFoundError(
                    f"{self!r} has no model {label!r}. {did_you_mean(label, models)}"
                )
        return {label: models[label] for label in wanted}

    async def read_models(self, *, strict: bool = False) -> dict[str, Any]:
        """The models that the database has in the group, by label.

        Args:
            strict: As for :func:`~artigraph.read_models`.

        Raises:
            NodeNotFoundError: The group's node does not exist.
        """
        if self._written_id() is None:
            return {}
        return await self._refresh(None, keep=True, strict=strict)

    async def has_model(self, label: str, fresh: bool = False) -> bool:
        """Whether the group has a model of that label; ``fresh`` as for :meth:`has_models`."""
        return await self.has_models([label], fresh)

    async def has_models(self, labels: Iterable[str], fresh: bool = False) -> bool:
        """Whether the group has models of all those labels.

        Args:
            labels: Which.
            fresh: Ask the database about saved ones in any case.

        Raises:
            NodeNotFoundError: The group's node does not exist.
        """
        wanted = {*(several_labels(labels) or ())}
        if self._written_id() is not None and (fresh or not wanted <= self._models.all().keys()):
            await self._refresh(None, keep=True)
        return wanted <= self._models.all().keys()

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
            NodeNotFoundError: The group has no such model, or its node does not exist.
        """
        wanted = several_labels(labels)
        if wanted is not None and not await self.has_models(wanted):
            await self.get_models(wanted, fresh=True)
        node_id = self._written_id()
        if node_id is None:
            self._models.forget(wanted)
            return
        with self.using_its_store():
            await self._delete(node_id, wanted)

    @retried
    async def _delete(self, node_id: int, wanted: list[str] | None) -> None:
        async with naming_locked(models_clause(node_id, wanted)), write() as transaction:
            await delete_models_on(transaction, node_id, wanted)
            models = self._models
            transaction.on_success.append(partial(models.forget, wanted))
            # A session around it may bring the rows back.
            transaction.on_rollback.append(partial(models.remember, models.saved, models.unsaved))

    async def _refresh(
        self, labels: list[str] | None, *, keep: bool, strict: bool | None = None
    ) -> dict[str, Any]:
        node_id = self._written_id()
        if node_id is None:
            raise RuntimeError("The group's node is not written yet.")
        with self.using_its_store():
            found, unfit = await read_models_on(node_id, labels)
        if strict:
            unfit.raise_first()
        read = {str(model.artifact.node_label): model.value for model in found}
        self._models.note_read(labels, read, keep=keep)
        if strict is not None:  # None: only whether they are there was asked
            unfit.warn()
        return read

    def _written_id(self) -> int | None:
        if self._node is None:
            return self._given_id
        # From what is loaded: a repr may ask.
        return vars(self._node).get("node_id") if inspect(self._node).has_identity else None


_current_group: BlockVar[ModelGroup | None] = BlockVar("artigraph_group", None)


def current_model_group() -> ModelGroup | None:
    """The group whose block this is, the innermost one, or ``None``."""
    return _current_group.get()
