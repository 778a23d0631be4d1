"""The models of a group in memory: those that are written, and those that are to be."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from artigraph.errors import LabelError, LabelExistsError, SerializationError
from artigraph.model.base import BaseModel
from artigraph.model.unknown import UnknownModel
from artigraph.node.row import check_label

__all__ = ["Added", "GroupModels", "several_labels"]


class Added:
    """What :meth:`ModelGroup.add_model` returns: it is done, and may be awaited.

    Args:
        labels: What was added.
    """

    __slots__ = ("_labels",)

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = tuple(labels)

    def __repr__(self) -> str:
        return f"<added to the group, to be written when it is saved: {', '.join(self._labels)}>"

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


class GroupModels:
    """Models by label, as far as they are known without asking the database."""

    def __init__(self) -> None:
        self.unsaved: dict[str, BaseModel] = {}
        """Added, and not written yet."""
        self.saved: dict[str, Any] = {}
        """Written, or read."""
        self.is_complete = False
        """Whether the database was asked for all of them."""
        self._saving: dict[str, asyncio.Event] = {}

    def all(self) -> dict[str, Any]:
        """Those that are written, then the others."""
        return {**self.saved, **self.unsaved}

    def knows(self, labels: Iterable[str] | None) -> bool:
        """Whether the database need not be asked for some labels, or for all.

        One that could not be made is asked for again: its class may be mended by now.
        """
        models = self.all()
        if any(_is_unfit(models.get(label)) for label in (models if labels is None else labels)):
            return False
        return self.is_complete or (labels is not None and models.keys() >= {*labels})

    def add(self, models: Mapping[str, BaseModel]) -> None:
        """Add models, all of them or none.

        Raises:
            LabelError: A label that no database could hold.
            LabelExistsError: A label is taken.
            SerializationError: One of them is no model.
        """
        for label, model in models.items():
            check_label(label)
            if not isinstance(model, BaseModel):
                raise SerializationError(
                    f"{label!r} is no model but {model!r} ({type(model).__name__}). Add an "
                    "instance of a DataModel."
                )
            if label in self.unsaved or label in self.saved:
                raise LabelExistsError(
                    f"The group has a model {label!r} already. Choose another label, or "
                    f"await group.remove_model({label!r}) first."
                )
        self.unsaved.update(models)

    @contextmanager
    def saving(self) -> Iterator[tuple[dict[str, BaseModel], set[asyncio.Event]]]:
        """Write what nobody else writes at this moment.

        Yields:
            The models to write, and what is set once other tasks have ended theirs.
        """
        others = set(self._saving.values())
        added = {label: m for label, m in self.unsaved.items() if label not in self._saving}
        done = asyncio.Event()
        self._saving |= dict.fromkeys(added, done)
        try:
            yield added, others
        finally:
            done.set()
            for label in added:
                del self._saving[label]

    def note_saved(self, added: Mapping[str, BaseModel]) -> None:
        """Take models for written."""
        self.saved |= added
        for label in added:
            self.unsaved.pop(label, None)

    def note_lost(self, added: Mapping[str, BaseModel]) -> None:
        """Take models for not written after all."""
        for label in added:
            self.saved.pop(label, None)
        self.unsaved = {**added, **self.unsaved}

    def note_read(self, labels: Iterable[str] | None, read: dict[str, Any], *, keep: bool) -> None:
        """Take models for what the database has under some labels, or under all.

        With ``keep``, the objects that are known of what it still has are kept.
        """
        if keep:
            known = {label: m for label, m in self.saved.items() if not _is_unfit(m)}
            read = {label: known.get(label, model) for label, model in read.items()}
        if labels is None:
            self.saved, self.is_complete = read, True
            return
        for label in labels:
            self.saved.pop(label, None)
        self.saved |= read

    def forget(self, labels: Iterable[str] | None) -> None:
        """Forget models that were removed, or all."""
        gone = {*self.all()} if labels is None else {*labels}
        self.saved = {label: m for label, m in self.saved.items() if label not in gone}
        self.unsaved = {label: m for label, m in self.unsaved.items() if label not in gone}

    def remember(self, saved: Mapping[str, Any], unsaved: Mapping[str, BaseModel]) -> None:
        """Take back what :meth:`forget` has done."""
        self.saved = {**saved, **self.saved}
        self.unsaved = {**unsaved, **self.unsaved}


def _is_unfit(model: object) -> bool:
    return isinstance(model, UnknownModel) and bool(model.fault)


def several_labels(labels: Iterable[str] | None) -> list[str] | None:
    """Labels that a caller gave; a text is one label, and not its letters."""
    if isinstance(labels, str):
        raise LabelError(
            f"Several labels are wanted, as in [{labels!r}]. For one use the function without s, "
            "such as get_model() or remove_model()."
        )
    return None if labels is None else list(labels)
