"""``%artigraph log``: numbers become points of curves, and other lines notes of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.core.error import UsageError

from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts
from artigraph.display.shown import type_name
from artigraph.model.base import BaseModel
from artigraph.model.group import current_model_group
from artigraph.model.log import Log
from artigraph.model.write import write_model
from artigraph.node.current import innermost
from artigraph.node.qualified import QualifiedArtifact
from artigraph.notebook.magic.condition import literal
from artigraph.notebook.magic.node_argument import written_current_id
from artigraph.notebook.magic.parser import Call, argument, command
from artigraph.notebook.magic.result import Report
from artigraph.notebook.magic.words import Word, look_up
from artigraph.notebook.magic.write_commands import TO, assignment, given_id, is_note
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.base import utc_now
from artigraph.run.run import Run
from artigraph.serializer.base import find_serializer
from artigraph.types.scalar import without_numpy

__all__: list[str] = []

_STEP = "step"
LONGEST_SHOWN = 200
"""Characters of what was logged that are shown again."""


@command(
    "log",
    argument(
        "values",
        nargs="+",
        metavar="KEY=VALUE",
        complete="variable",
        help="a name and its value; KEY alone is the variable of that name",
    ),
    TO,
    stage="write",
)
async def log(call: Call) -> Report | QualifiedArtifact[ModelArtifact, Log]:
    """Add numbers to curves of the current node, or note down texts and the like.

    A line of numbers adds a point to a curve of each name, at step=N or one step behind the
    last one; read_series() reads them. In a run they are written within a second, and
    elsewhere at once.

    A line with anything else, or without a node, writes one model of the class Log: find Log
    finds it. A number, true, false and null are what they say, anything else is a text;
    KEY=$x takes a variable.
    """
    to = await given_id(call.args.to)
    values = _values(call.args.values, call.variables)
    if (to is not None or innermost() is not None) and _are_points(values):
        return await _add_point(to, values)
    for name, value in values.items():
        if not is_note(value):  # an array without a dimension, beside a text
            raise _no_note(name, value, is_named=True)
    parent_id = await written_current_id() if to is None else to
    label = f"log {utc_now():%Y-%m-%d %H:%M:%S.%f}"
    return await write_model(parent_id=parent_id, label=label, model=Log(**values))


def _values(words: list[Word], variables: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for word in words:
        key, given = assignment(word)
        value = without_numpy(look_up(key, variables) if given is None else literal(given))
        if key in values:
            raise UsageError(f"{visible(key, 60)!r} is given twice.")
        if not (is_note(value) or _is_number(value)):
            raise _no_note(key, value, is_named=given is not None)
        values[key] = value
    return values


def _no_note(key: str, value: object, *, is_named: bool) -> UsageError:
    can_save = isinstance(value, BaseModel) or find_serializer(type(value)) is not None
    name = f"{visible(key, 60)}=…" if is_named else visible(key, 60)
    hint = (
        f"Save it with: %artigraph save {name}"
        if can_save
        else "Make a DataModel of what is to be kept of it."
    )
    return UsageError(
        f"{visible(key, 60)} is of the type {visible(type_name(value))}, which is more "
        f"than a note. {hint}"
    )


def _is_number(value: object) -> bool:
    """Whether a curve takes it: a number, or an array or tensor of one."""
    if isinstance(value, int | float):
        return not isinstance(value, bool)
    return getattr(value, "shape", None) == () and hasattr(type(value), "__float__")


def _are_points(values: Mapping[str, object]) -> bool:
    # A step alone is no point, and one that is no number is a note.
    return values.keys() != {_STEP} and all(map(_is_number, values.values()))


async def _add_point(to: int | None, values: Mapping[str, Any]) -> Report:
    points = {name: value for name, value in values.items() if name != _STEP}
    step = values.get(_STEP)
    run = None if to is not None else _current_run()
    if run is not None:
        node_id = run.node.node_id
        run.log(step, **points)
    else:
        from artigraph.series.writer import log_point  # not for notebooks without a curve

        found = await written_current_id() if to is None else to
        assert found is not None  # noqa: S101  # the caller saw to it
        node_id = found
        await log_point(node_id, step, points)
    shown = " ".join(f"{visible(name, 60)}={float(one):.6g}" for name, one in points.items())
    notes = [] if step is None else [(_STEP, f"{int(step)}")]
    return Report(
        Facts("logged", cut(shown, LONGEST_SHOWN), notes=(*notes, ("node", str(node_id))))
    )


def _current_run() -> Run | None:
    """The run whose block this is, if what is logged here is the run's own."""
    group, current = current_model_group(), innermost()
    if isinstance(group, Run) and current is not None and current.node is group.node:
        return group
    return None
