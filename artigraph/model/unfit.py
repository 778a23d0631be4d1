"""Stored models that cannot be made: what stands in their place, and one warning of all.

A row is unfit if another version of its class wrote it and the class cannot migrate it, if it
no longer fits its class, if its document or a part of it is damaged, or if the class raises as
it is made. One of them spoils no listing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Row

from artigraph.codec.base import LoadedChild, LoadedChildren
from artigraph.codec.misfit import Check
from artigraph.display.escape import counted, cut, visible
from artigraph.errors import (
    ArtigraphError,
    DeserializationError,
    UnfitModelWarning,
    UnfitValueWarning,
    ValueDroppedError,
    error_about,
)
from artigraph.home import warn_caller
from artigraph.model.base import BaseModel
from artigraph.model.document import readable_fields
from artigraph.model.misfit import ReadMisfits
from artigraph.model.unknown import UnknownModel
from artigraph.node.artifact import LONGEST_TOLD, MOST_KINDS

__all__ = ["Unfit", "about_row", "row_name", "tell_of_fields", "unfit_model"]

LONGEST_FAULT = 2_000


def about_row(row: Row[Any], error: Exception) -> Exception:
    """An error that names the row that it is about.

    Args:
        row: The row of a model.
        error: What reading it has raised.
    """
    told = error_about(_name_of(row), error)
    if isinstance(error, ValueDroppedError):
        told.args = (f"{told} With lazy=True the model's other fields are read.",)
    return told


def _name_of(row: Row[Any]) -> str:
    name, version = row.model_artifact_type, row.model_artifact_version
    return row_name(row.node_id, row.node_label, name, version)


def row_name(node_id: int, label: object, name: object, version: object) -> str:
    """What a model's row is called in an error; any column may hold anything.

    Args:
        node_id: Its id.
        label: Its label.
        name: The stored name of its class.
        version: The version of the class that wrote it.
    """
    label = cut(repr(label), 80)
    return f"Node {node_id} ({label}, {_text(name, 80)} version {_text(version, 20)})"


def unfit_model(
    row: Row[Any], below: Iterable[tuple[str, LoadedChild]], error: Exception
) -> UnknownModel:
    """What is read in place of a model that cannot be made.

    Args:
        row: Its row.
        below: The values of its parts, by label.
        error: Why, naming the row.
    """
    name, version = row.model_artifact_type, row.model_artifact_version
    without_faults = ((label, replace(part, fault=None)) for label, part in below)
    return UnknownModel(
        name if type(name) is str else _text(name, 80),
        version if type(version) is int else 0,
        readable_fields(row.model_artifact_data, LoadedChildren(without_faults)),
        _told(error),
        type(error),
    )


def _told(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:  # a user's own may raise even here
        text = ""
    if not isinstance(error, ArtigraphError):
        text = ". ".join([f"{type(error).__name__}: {text}", *getattr(error, "__notes__", ())])
    return cut(text, LONGEST_FAULT)


def _text(value: object, longest: int) -> str:
    return visible(str(value), longest)


class Unfit:
    """The models of one listing that could not be made, and values that do not fit their fields."""

    __slots__ = ("_first", "_misfits", "_of_all", "_told")

    def __init__(self) -> None:
        self._misfits: ReadMisfits | None = None
        self._first: Exception | None = None
        self._told: dict[tuple[str, int, str], str] = {}
        self._of_all: Counter[tuple[str, int, str]] = Counter()

    def note(self, model: UnknownModel, error: Exception) -> None:
        """Count one.

        Args:
            model: What stands in its place.
            error: Why, naming the row.
        """
        if self._first is None:
            self._first = error
        kind = (model.name, model.version, type(error).__name__)
        self._told.setdefault(kind, model.fault)
        self._of_all[kind] += 1

    def note_value(
        self, row: Row[Any], model: type[BaseModel], check: Check, value: object
    ) -> None:
        """Count a value of another type than its field is annotated as; arguments as they are."""
        self._misfits = self._misfits or ReadMisfits()
        self._misfits.note(model, check, value, partial(_name_of, row))

    def raise_first(self) -> None:
        """Raise what was wrong with the first of them, if there is one."""
        if self._first is not None:
            raise self._first

    def warn(self) -> None:
        """Warn of all of them at once, if there are any: how many of which version, and why.

        Fields whose values do not fit are told of one by one, each once.
        """
        if self._misfits is not None:
            self._misfits.tell(partial(warn_caller, category=UnfitValueWarning))
        lines = [
            f"{count:,} of {visible(name, 60)} version {version}, the first: "
            f"{visible(self._told[name, version, why], LONGEST_TOLD)}"
            for (name, version, why), count in self._of_all.most_common(MOST_KINDS)
        ]
        if (more := len(self._of_all) - MOST_KINDS) > 0:
            lines.append(f"… +{counted(more, 'other kind')}")
        if lines:
            what = counted(self._of_all.total(), "model")
            warn_caller(
                f"{what} could not be made, and UnknownModel stands in place of each; its .fault "
                "says why, and strict=True raises that:\n- " + "\n- ".join(lines),
                UnfitModelWarning,
            )


def tell_of_fields(missing: Sequence[tuple[str, str]], *, strict: bool) -> None:
    """Warn of rows of which a frame has no fields, if there are any.

    Args:
        missing: What each row is called, and why.
        strict: Raise what is wrong with the first of them instead.

    Raises:
        DeserializationError: The first of them cannot be read, with ``strict``.
    """
    if not missing:
        return
    row, why = missing[0]
    if strict:
        raise DeserializationError(f"{row}: {why}")
    warn_caller(
        f"The fields of {counted(len(missing), 'model')} are missing, since what is stored cannot "
        f"be read; strict=True raises that. The first: {visible(f'{row}: {why}', LONGEST_TOLD)}",
        UnfitModelWarning,
    )
