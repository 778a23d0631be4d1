"""Models become rows: one each, and one for every part below it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from artigraph.blob.write import Blob, hold_blobs, put_blobs
from artigraph.codec.base import ChildValue
from artigraph.codec.misfit import Misfits
from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import FEW
from artigraph.db.retry import retried
from artigraph.db.session import refuse_if_read_only
from artigraph.db.setting import current_store, get_engine, on_one_store
from artigraph.display.escape import cut
from artigraph.errors import LabelError, SerializationError, UnfitValueWarning, raise_about
from artigraph.garbage import collector_paused
from artigraph.home import warn_caller
from artigraph.model.base import BaseModel
from artigraph.model.document import encode_model
from artigraph.node.key import id_of_parent
from artigraph.node.qualified import QualifiedArtifact
from artigraph.node.row import NewRow, RowWriter, check_label, row_writer
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import NodeLike
from artigraph.serializer.base import Serializer, serializers
from artigraph.storage.base import Storage, storages

__all__ = ["ModelRows", "encoded", "write_model", "write_models"]

M = TypeVar("M", bound=BaseModel)

SHORT = 50
"""Items of a list up to which encoding it takes less than a thread takes to begin."""

LONG_TEXT = 10_000
"""Characters of a text that is not short."""

_AT_ONCE = frozenset({bool, int, float, type(None)})
DEEPEST_MODEL = 100
"""Models in models in models: reading them back takes Python a few calls each."""


@dataclass(eq=False)
class ModelRows:
    """The rows of some models, ready to be inserted."""

    models: list[tuple[NewRow, BaseModel]] = field(default_factory=list)
    """The rows of the models themselves, in the order given."""
    below: list[NewRow] = field(default_factory=list)
    """The rows of their parts."""
    _blobs: list[tuple[str, NewRow, Blob]] = field(default_factory=list)
    _of: str = ""
    """Which of many models is being encoded."""
    _misfits: Misfits = field(default_factory=Misfits)

    @classmethod
    async def of(cls, parent: NewRow | int | None, models: Mapping[str, BaseModel]) -> ModelRows:
        """Encode models, and put the blobs of their parts into their storages.

        Raises:
            LabelError: A label that no database could hold.
            SerializationError: A field would not come back equal.
            StorageError: A storage failed.
        """
        await refuse_if_read_only()
        self = cls()
        if len(models) < FEW and not any(map(_takes_long, models.values())):
            self._add_all(parent, models)
        else:
            await run_in_thread(self._add_all, parent, models)
        stored = await put_blobs([blob for _, _, blob in self._blobs])
        for (label, row, _), (node_type, columns) in zip(self._blobs, stored, strict=True):
            self.below.append(NewRow(node_type, label, row, columns))
        return self

    def _add_all(self, parent: NewRow | int | None, models: Mapping[str, BaseModel]) -> None:
        with collector_paused():
            self._encode_all(parent, models)

    def _encode_all(self, parent: NewRow | int | None, models: Mapping[str, BaseModel]) -> None:
        for label, model in models.items():
            if label is None:
                raise LabelError("A model needs a label: write_model(label='…', model=…).")
            check_label(label)
            if len(models) > 1:
                self._of = f" of {cut(repr(label), 80)}"
            try:
                row = self._add(parent, label, model)
            except Exception as error:
                if len(models) == 1:
                    raise
                raise_about(f"The model {cut(repr(label), 80)}", error)
            self.models.append((row, model))

    def _add(
        self,
        parent: NewRow | int | None,
        label: str,
        model: BaseModel,
        depth: int = 0,
        storage: Storage | None = None,
    ) -> NewRow:
        if depth > DEEPEST_MODEL:
            raise SerializationError(
                f"A {model.model_name} cannot be stored: it lies more than {DEEPEST_MODEL} models "
                "deep. Does it hold itself? If not, write it by itself, and keep its node's id "
                "instead. Nothing was written."
            )
        document, parts = encode_model(model, storage, self._misfits)
        row = NewRow(
            ModelArtifact,
            label,
            parent,
            {
                "model_artifact_type": model.model_name,
                "model_artifact_version": model.model_version,
                "model_artifact_data": document,
                "model_artifact_parts": len(parts),
            },
        )
        for part in parts.values():
            if part.serializer is None:
                self.below.append(self._add(row, part.label, part.value, depth + 1, part.storage))
            else:
                self._blobs.append((part.label, row, _blob(model, part, part.serializer, self._of)))
        return row

    def tell_of_misfits(self) -> None:
        """Warn of fields that hold what they are not annotated as; before anything is written."""
        self._misfits.tell(partial(warn_caller, category=UnfitValueWarning))

    async def insert(self, writer: RowWriter) -> None:
        """Insert the rows in a running transaction, as the last that is done in it."""
        await hold_blobs(writer.connection, [blob for _, _, blob in self._blobs])
        await writer.insert([row for row, _ in self.models] + self.below, last=True)

    def drop(self) -> None:
        """Forget the bytes that were kept in case they had to be put again."""
        for _, _, blob in self._blobs:
            blob.drop()

    def qualified(self) -> list[QualifiedArtifact[ModelArtifact, Any]]:
        """The models with their rows, once those are inserted."""
        places: dict[int, dict[str, tuple[str | None, int | None]]] = {}
        for part in self.below:
            if part.node_type is not ModelArtifact:
                place = part.columns.get("remote_artifact_storage")
                size = part.columns.get("artifact_size")
                places.setdefault(id(part.parent), {})[str(part.label)] = (place, size)
        # All of them are in one store.
        store = self.models[0][0].store if self.models else None
        with collector_paused():
            made = ((row, model, places.get(id(row), {}), None) for row, model in self.models)
            return QualifiedArtifact.of_rows(ModelArtifact, made, store)


def _takes_long(model: BaseModel) -> bool:
    """Whether a model may have values that take long to serialize."""
    if not isinstance(model, BaseModel) or not type(model)._model_codecs().deep:
        return False
    return not all(map(_is_short, vars(model).values())) if hasattr(model, "__dict__") else True


def _is_short(value: object) -> bool:
    if type(value) in _AT_ONCE:
        return True
    if isinstance(value, str):
        return len(value) < LONG_TEXT
    if isinstance(value, list | tuple):
        return len(value) <= SHORT and all(type(one) in _AT_ONCE for one in value)
    return False


def _blob(model: BaseModel, part: ChildValue, serializer: Serializer[Any], of: str) -> Blob:
    storage = None if part.storage is None else storages.current(part.storage)
    place = f"{model.model_name}.{part.label}{of}"
    return Blob(part.value, serializers.current(serializer), storage, place)


@asynccontextmanager
async def encoded(
    parent: NewRow | int | None, models: Mapping[str, BaseModel]
) -> AsyncIterator[ModelRows]:
    """The rows of models, with the blobs of their parts in their storages.

    Args:
        parent: The row that the models hang on; none, for roots.
        models: The models by label.

    Raises:
        LabelError: A label that no database could hold.
        SerializationError: A field would not come back equal.
        StorageError: A storage failed.
    """
    rows = await ModelRows.of(parent, models)
    try:
        yield rows
    finally:
        rows.drop()


async def write_model(
    *, parent_id: NodeLike | None = None, label: str, model: M
) -> QualifiedArtifact[ModelArtifact, M]:
    """Write a model.

    Args:
        parent_id: The node that it hangs on, or its id; a root, unless given.
        label: Its name under that node.
        model: The model.

    Returns:
        The model with its row, whose id is ``.artifact.node_id``.

    Raises:
        SerializationError: A field would not come back equal.
        LabelExistsError: The label is taken under that node.
        ParentNotFoundError: That node does not exist.
        StorageError: A storage failed.
    """
    written = await _write(parent_id, {label: model})
    return written[0]


async def write_models(
    *, parent_id: NodeLike | None = None, models: Mapping[str, M]
) -> dict[str, QualifiedArtifact[ModelArtifact, M]]:
    """Write models in one transaction: all of them or none.

    Args:
        parent_id: The node that they hang on, or its id; roots, unless given.
        models: The models by label.

    Returns:
        By label, each model with its row.

    Raises:
        SerializationError: A field would not come back equal.
        LabelExistsError: A label is taken under that node.
        ParentNotFoundError: That node does not exist.
        StorageError: A storage failed.
    """
    if not isinstance(models, Mapping):
        raise LabelError(
            f"write_models() takes models by label, as in models={{'a': …}}, not {models!r}."
        )
    return dict(zip(models, await _write(parent_id, models), strict=True))


@retried
async def _write(
    above: NodeLike | None, models: Mapping[str, BaseModel]
) -> list[QualifiedArtifact[ModelArtifact, Any]]:
    with on_one_store():
        label = next(iter(models), None)
        # Which store it is must be known before anything is put anywhere.
        await get_engine()
        parent = None if above is None else id_of_parent(above, label, current_store())
        async with encoded(parent, models) as rows:
            rows.tell_of_misfits()
            async with row_writer() as writer:
                await rows.insert(writer)
            return rows.qualified()
