"""Sub-commands that write and read values: save, load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from enum import Enum
from keyword import iskeyword
from typing import Any

from IPython.core.error import UsageError

from artigraph.db.session import new_session
from artigraph.display.escape import visible
from artigraph.display.shown import type_name
from artigraph.errors import NodeNotFoundError
from artigraph.filter.artifact import ArtifactFilter
from artigraph.filter.node import NodeFilter
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.model.base import BaseModel
from artigraph.model.read import read_tolerantly
from artigraph.model.unknown import UnknownModel
from artigraph.model.write import write_models
from artigraph.node.artifact import new_artifact, read_artifacts, write_artifacts
from artigraph.node.node import read_nodes
from artigraph.node.qualified import QualifiedArtifact
from artigraph.notebook.magic.node_argument import (
    find_id,
    find_node,
    quotes_hint,
    written_current_id,
)
from artigraph.notebook.magic.parser import Call, argument, command
from artigraph.notebook.magic.paths import tell_paths
from artigraph.notebook.magic.words import Word, look_up
from artigraph.orm.artifact import BaseArtifact, ModelArtifact
from artigraph.orm.node import Node
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.types.scalar import comparable_of, without_numpy

__all__ = ["TO", "assignment", "given_id", "is_note"]

_NOTES: tuple[type[Any], ...] = (
    type(None),
    Enum,
    list,
    tuple,
    dict,
    set,
    frozenset,
)
"""What may be noted down, besides scalars."""


def is_note(value: object) -> bool:
    """Whether ``%artigraph log`` takes it."""
    return isinstance(value, _NOTES) or comparable_of(type(value)) is not None


TO = argument("--to", metavar="NODE", help="hang it there; on the current node, unless given")
"""Where it goes."""


def assignment(word: Word) -> tuple[str, Word | None]:
    """A name, and the word behind its equals sign if it has one.

    Raises:
        UsageError: There is no name.
    """
    cut = word.cut_behind("=")
    name = word.text if cut is None else cut[0]
    if not name:
        raise UsageError(f"{visible(word.text, 60)!r} begins with =; a name comes first.")
    return name, None if cut is None else cut[1]


async def given_id(word: Word | None) -> int | None:
    """The id of the node that is named.

    It is looked up before anything else: of a label without its quotes the second word is no
    variable. The current node is written only once all is well.
    """
    return None if word is None else await find_id(word)


@command(
    "save",
    argument(
        "names",
        nargs="+",
        metavar="NAME[=VAR]",
        complete="variable",
        help="a label, and the variable if that is called otherwise",
    ),
    TO,
    stage="write",
)
async def save(call: Call) -> object:
    """Save variables: models, frames, arrays and all else that a serializer knows.

    All of them in one transaction, at once; what fails leaves nothing behind. The
    result is what was written, with its rows; of several, by label.
    """
    to = await given_id(call.args.to)
    values: dict[str, Any] = {}
    for word in call.args.names:
        label, given = assignment(word)
        if label in values:
            raise UsageError(f"The label {visible(label, 60)!r} is given twice.")
        values[label] = _variable(label if given is None else given, call.variables)
    models = {label: value for label, value in values.items() if isinstance(value, BaseModel)}
    artifacts = [
        (label, value, _serializer(label, value))
        for label, value in values.items()
        if label not in models
    ]
    parent_id = await written_current_id() if to is None else to
    made = [new_artifact(*one, parent_id=parent_id) for one in artifacts]
    written: dict[str, QualifiedArtifact[Any, Any]] = {}
    # Each kind puts its blobs first and is quick with its rows. Only where there
    # are both, one transaction has to wait for the blobs.
    async with new_session() if models and artifacts else nullcontext():
        if models:
            written |= await write_models(parent_id=parent_id, models=models)
        if artifacts:
            labels = [label for label, _, _ in artifacts]
            written |= dict(zip(labels, await write_artifacts(made), strict=True))
    await tell_paths(list(written.values()))
    return _one_or_all({label: written[label] for label in values})


def _variable(given: Word | str, variables: Mapping[str, Any]) -> object:
    if isinstance(given, Word) and not given.is_bare:
        value = given.value
    else:
        value = look_up(given.text if isinstance(given, Word) else given, variables)
    return value.value if isinstance(value, QualifiedArtifact) else value


def _serializer(label: str, value: object) -> Serializer[Any]:
    found = find_serializer(type(value))
    if found is None:
        hint = (
            f"Note it down: %artigraph log {visible(label, 60)}"
            if is_note(without_numpy(value))
            else "Make a DataModel of what is to be kept of it."
        )
        raise UsageError(
            f"{visible(label, 60)} is of the type {visible(type_name(value))}, which is neither a "
            f"model nor anything that a serializer knows. {hint}"
        )
    return found


def _one_or_all(values: dict[str, Any]) -> object:
    return next(iter(values.values())) if len(values) == 1 else values


@command(
    "load",
    argument("labels", nargs="+", metavar="LABEL", help="a label, an id, a path, or $variable"),
    argument("--from", dest="source", metavar="NODE", help="only what hangs right on this node"),
    argument("--into", metavar="NAME", help="assign it to this variable instead of returning it"),
    stage="write",
)
async def load(call: Call) -> object:
    """Load what was saved: models, and frames, arrays and others by themselves.

    The result is the value; of several labels, all values by label.
    """
    args = call.args
    into = None if args.into is None else args.into.text
    if into is not None and (not into.isidentifier() or iskeyword(into)):
        raise UsageError(f"{visible(into, 60)!r} is no name of a variable.")
    if args.source is None:
        nodes = [await find_node(word, newest=True) for word in args.labels]
        found = {node.node_label or f"#{node.node_id}": node for node in nodes}
    else:
        below = await find_id(args.source, newest=True)
        found = await _below(below, [word.text for word in args.labels])
    value = _one_or_all(await _values(found))
    if into is None:
        return value
    call.shell.user_ns[into] = value
    return None


async def _below(node_id: int | None, labels: Sequence[str]) -> dict[str, Node]:
    relationship = NodeRelationshipFilter(child_of=() if node_id is None else node_id)
    filter = ArtifactFilter(label=labels, relationship=relationship)
    found = {str(node.node_label): node for node in await read_nodes(filter)}
    for label in labels:
        if label not in found:
            hint = await quotes_hint(label)
            raise NodeNotFoundError(
                f"On node {node_id} hangs nothing that is called {visible(label, 60)!r}. {hint}"
                f"%artigraph ls {node_id} lists what does."
            )
    return {label: found[label] for label in labels}


async def _values(nodes: Mapping[str, Node]) -> dict[str, Any]:
    values: dict[int, Any] = {}
    for label, node in nodes.items():
        if not isinstance(node, BaseArtifact):
            raise NodeNotFoundError(
                f"{visible(label, 60)} is a node without a value. %artigraph ls {node.node_id} "
                "lists what hangs on it."
            )
    models = [node.node_id for node in nodes.values() if isinstance(node, ModelArtifact)]
    others = [node.node_id for node in nodes.values() if not isinstance(node, ModelArtifact)]
    if models:
        found, unfit = await read_tolerantly(NodeFilter(node_id=models))
        unfit.raise_first()
        for model in found:
            if isinstance(model.value, UnknownModel):
                raise model.value.error()
            values[model.artifact.node_id] = model.value
    if others:
        for one in await read_artifacts(NodeFilter(node_id=others), strict=True):
            values[one.artifact.node_id] = one.value
    for label, node in nodes.items():
        if node.node_id not in values:
            raise NodeNotFoundError(f"{visible(label, 60)} was deleted meanwhile.")
    return {label: values[node.node_id] for label, node in nodes.items()}
