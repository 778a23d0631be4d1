"""Sub-commands that look: tree, ls, show, find, graph, export."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from typing_extensions import override

from artigraph.concurrency import run_in_thread
from artigraph.db.session import read
from artigraph.display.escape import counted, visible
from artigraph.display.forest import tree_forms
from artigraph.display.row import ResultList
from artigraph.errors import FilterError
from artigraph.export import dot, mermaid, networkx  # noqa: F401  # each declares its forms
from artigraph.filter.base import Filter
from artigraph.filter.model import ModelFilter
from artigraph.filter.node import NodeFilter
from artigraph.filter.operator import usual_signs
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.filter.tag import TagFilter
from artigraph.filter.unset import UNSET, Unset
from artigraph.model.base import BaseModel, models_by_name
from artigraph.model.log import Log
from artigraph.model.read import count_models, read_tolerantly
from artigraph.node.current import innermost
from artigraph.notebook import explore
from artigraph.notebook.curves import tell_curves
from artigraph.notebook.magic.condition import parse_conditions
from artigraph.notebook.magic.node_argument import current_id, find_id, find_node
from artigraph.notebook.magic.node_find import (
    node_class_of,
    node_order,
    node_question,
    nothing_of,
)
from artigraph.notebook.magic.parser import Call, Said, argument, command, count
from artigraph.notebook.magic.paths import tell_paths
from artigraph.notebook.magic.result import Listing, NothingFound, Picture
from artigraph.notebook.magic.saved_query import (
    Question,
    is_saved,
    nodes_asked_for,
    read_question,
    refuse_more,
    save_question,
    saved_name,
)
from artigraph.notebook.magic.tag_words import is_tag_word, split_tags
from artigraph.notebook.magic.words import Word
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.run import TrackedRun
from artigraph.outline.path import paths_of
from artigraph.outline.tree import Tree, read_tree
from artigraph.query.store import read_queries
from artigraph.registry import did_you_mean, nearest
from artigraph.tag.read import tag_names

__all__ = ["model_class"]


_NODE = argument("node", nargs="?", metavar="NODE", help="an id, a label, a path, or $variable")


async def _tree(node: Word | None, depth: int | None, children: int | None) -> Tree:
    limits: dict[str, Any] = {} if depth is None else {"max_depth": depth}
    limits |= {} if children is None else {"max_children": children}
    return await read_tree(await _root(node), **limits)


async def _root(word: Word | None) -> int | Unset:
    """Where to begin: the id of a node, or nothing for all roots."""
    return UNSET if word is None else await find_id(word, newest=True)


@command(
    "tree",
    _NODE,
    argument("--depth", type=count, metavar="N", help="levels below it; 12, unless given"),
    argument("--children", type=count, metavar="N", help="children of one node; 20, unless given"),
    stage="look",
)
async def tree(call: Call) -> Tree:
    """Draw what hangs below a node, or the whole store; the result is that of read_tree()."""
    return await _tree(call.args.node, call.args.depth, call.args.children)


@command(
    "ls",
    _NODE,
    argument("--limit", type=count, metavar="N", default=100, help="how many; 100, unless given"),
    stage="look",
)
async def ls(call: Call) -> Listing:
    """List what hangs right below a node; the current one, or the roots, unless given."""
    node, limit = call.args.node, max(1, call.args.limit)
    node_id = current_id() if node is None else await find_id(node, newest=True)
    if node_id is None and innermost() is not None:
        return Listing((), 0, "below the current node, which is not written yet")
    if node_id is None:
        roots = await read_tree(max_depth=0, max_children=limit)
        return Listing(roots.roots, roots.more, "roots")
    below = await read_tree(node_id, max_depth=1, max_children=limit)
    (top,) = below.roots
    label = f" {top.label}" if top.label else ""
    if top.parent_id is not None:
        async with read() as connection:
            above = (await paths_of(connection, [node_id]))[node_id]
        label = f" {'/'.join((*above, top.label or f'#{node_id}'))}"
    return Listing(below.children(top), top.more, f"below node {node_id}{label}")


@command(
    "show",
    argument("node", metavar="NODE|LABEL", help="an id, a label, a path, or $variable"),
    stage="look",
)
async def show(call: Call) -> object:
    """Show one model, artifact or node.

    A model comes back with its row; frames and arrays in it are opened, not loaded. A run shows
    its curves.
    """
    node = await find_node(call.args.node, newest=True)
    if not isinstance(node, ModelArtifact):
        if isinstance(node, TrackedRun):  # a statement more, which a plain node is not worth
            await tell_curves(node)
        return node
    # What is wrong with it, it says itself.
    found, _ = await read_tolerantly(NodeFilter(node_id=node.node_id), lazy=True, limit=1)
    return found[0] if found else node


class _Signs(str):
    """Help that lists the operators there are when it is asked for; argparse formats it by %."""

    __slots__ = ()

    @override
    def __mod__(self, _: object) -> str:
        signs = f"{usual_signs()} (~ is like, with % for any text)"
        return f"{signs}; null is no value; #best and tag:stage=prod are tags"


@command(
    "find",
    argument(
        "type",
        metavar="TYPE",
        complete="model",
        help="a class of models or nodes, or its name, such as run; @NAME is a saved question, "
        "and @ alone lists them",
    ),
    argument(
        "where",
        nargs="*",
        default=[],  # without it, argparse says that they are required
        metavar="field<value",
        help=_Signs("signs"),
    ),
    argument("--order", metavar="FIELD", help="order by it; -FIELD for the largest first"),
    argument("--limit", type=count, metavar="N", help="how many at the most"),
    argument("--in", dest="within", metavar="NODE", help="only below this node"),
    argument("--save", metavar="NAME", help="save the question, to be asked as @NAME"),
    argument("--replace", action="store_true", help="let it take the place of one of that name"),
    stage="look",
)
async def find(call: Call) -> ResultList[Any]:
    """Find models by what their fields hold, or runs and other nodes by their columns.

    All conditions must hold. A value is read as what its field is annotated as. Tags may
    stand among them, and a tag in place of the class finds models of any. The
    result is a list of models with their rows (.value, .artifact); frames and arrays in
    them are opened, not loaded. Of nodes, a name that is no column's is looked for among
    their parameters and metrics: find run lr<0.1 accuracy>0.8. A saved question that
    asks for nodes finds nodes, and so does a tag that no model has.
    """
    args = call.args
    save = None if args.save is None else saved_name(args.save)
    if is_saved(args.type) and args.type.text == "@":
        refuse_more(args.where)
        return ResultList(await read_queries()) or NothingFound(
            "No question is saved. %artigraph find TYPE field<value --save NAME saves one."
        )
    # A tag by itself finds models of any class.
    of_any = is_tag_word(args.type)
    tags, where = split_tags([args.type, *args.where] if of_any else args.where)
    named: tuple[str, type[BaseModel] | None] | None = ("", None) if of_any else None
    node_type = None
    if not of_any and not is_saved(args.type):
        node_type = node_class_of(args.type, call.variables)
        named = None if node_type else model_class(args.type, call.variables)
    # The node first: of a label without its quotes the second word is no condition.
    within = None if args.within is None else await find_id(args.within, newest=True)
    if node_type is not None:
        question = await node_question(node_type, where, lasting=save is not None)
    elif named is None:
        question = await read_question(args.type, where)
    else:
        condition = parse_conditions(where, named[0] or "the model", named[1])
        of_type: Any = UNSET if of_any else named[1] or named[0]
        question = Question(ModelFilter(model_type=of_type, where=condition))
    below = [] if within is None else [NodeRelationshipFilter(descendant_of=within)]
    narrowed: list[Filter] = [*tags, *below]
    question = replace(question, filter=reduce(and_, narrowed, question.filter))
    if args.order:
        by = args.order.text
        cls = node_type or nodes_asked_for(question.filter)
        order = by if cls is None else await node_order(cls, by, question.filter)
        question = replace(question, order_by=order)
    found = await question.read(args.limit)
    if of_any and not found and not where:
        # No model has the tag; but whatever has it is what was meant.
        found = await (others := replace(question, filter=reduce(and_, narrowed))).read(args.limit)
        question = others if found else question
    await tell_paths(found)
    if save is not None:
        await save_question(save, question, replace=args.replace)
    if found:
        return found
    if node_type is not None:
        near = await _near_tags(tags)
        return await nothing_of(node_type, question, where) if not near else _no_tag(question, near)
    if named is None or of_any:
        hint = await _near_tags(tags)
        if of_any and not hint:
            hint = " %artigraph tag tells which tags there are."
        return NothingFound(f"Nothing found: {question.filter}.{hint}")
    return await _nothing(question.filter, *named, await _near_tags(tags))


def _no_tag(question: Question, hint: str) -> ResultList[Any]:
    return NothingFound(f"Nothing found: {question.filter}.{hint}")


async def _near_tags(tags: Sequence[Filter]) -> str:
    """What to say of tags that no node has: nothing, or a sentence."""
    names = [one.name for one in tags if isinstance(one, TagFilter)]
    asked = [name for name in names if isinstance(name, str)]
    known = await tag_names() if asked else []
    for name in asked:
        if name not in known and (near := nearest(name, known)):
            return f" Did you mean #{visible(near[0], 60)}?"
    return ""


async def _nothing(
    filter: Filter, name: str, model: type[BaseModel] | None, hint: str
) -> ResultList[Any]:
    """The answer of a search that has found nothing, which says what there is.

    Raises:
        FilterError: There is no class of that name, and no model.
    """
    shown = visible(name, 60)
    of_class = ModelFilter(model_type=name if model is None else model)
    stored = await count_models(of_class)
    if model is None and not stored:
        raise FilterError(
            f"No model class {shown!r} is defined here, and none of that name is stored. "
            f"{did_you_mean(name, models_by_name)}"
        )
    if not stored:
        return NothingFound(f"No {shown} is stored in this database.")
    return NothingFound(
        f"Nothing found: {filter}. {counted(stored, 'model')} of {shown} in all.{hint}"
    )


def model_class(word: Word, variables: Mapping[str, Any]) -> tuple[str, type[BaseModel] | None]:
    """The model class that a word means.

    Args:
        word: A class's name, or a variable that holds one.
        variables: The variables of the notebook.

    Returns:
        Its name, and the class if it is defined here.

    Raises:
        UsageError: The variable holds something else.
    """
    value = word.value if word.is_object else variables.get(word.text)
    if isinstance(value, type) and issubclass(value, BaseModel):
        return value.model_name, value
    if word.is_object:
        raise UsageError(f"A model's class is wanted, not a {type(word.value).__name__}.")
    model = models_by_name.get(word.text) or (Log if word.text == Log.__name__ else None)
    return word.text if model is None else model.model_name, model


@command(
    "graph",
    _NODE,
    argument("--depth", type=count, metavar="N", help="levels of the picture"),
    argument("--picture", action="store_true", help="a drawing, also where widgets are shown"),
    stage="look",
)
async def graph(call: Call) -> object:
    """Show what hangs below a node as a picture to look around in.

    That is the explorer where widgets are shown, and a drawing elsewhere.
    """
    if getattr(call.shell, "kernel", None) is not None and not call.args.picture:
        return await explore(await _root(call.args.node))
    return Picture(await _tree(call.args.node, call.args.depth, None))


@command(
    "export",
    argument("format", metavar="FORMAT", complete="tree_form", help="one of those below"),
    _NODE,
    argument("--depth", type=count, metavar="N", help="levels below it"),
    argument("--to", metavar="FILE", help="write it there instead of returning it"),
    epilog=lambda: "\n".join(f"{form.name:10} {form.help}" for form in tree_forms.values()),
    stage="look",
)
async def export(call: Call) -> object:
    """Make a graph of what hangs below a node."""
    args = call.args
    name = args.format.text
    if name not in tree_forms:
        raise UsageError(
            f"There is no format {visible(name, 40)!r}. {did_you_mean(name, tree_forms)}"
        )
    depth = {} if args.depth is None else {"max_depth": args.depth}
    root, form = await _root(args.node), tree_forms[name]
    if form.mime:
        made: Any = (await read_tree(root, **depth))._forest().draw(name)
    else:
        made = await form.make(root, **depth)
    if args.to is None:
        return made
    text = json.dumps(made, indent=1) if isinstance(made, dict) else getattr(made, "source", made)
    if not isinstance(text, str):
        raise UsageError(f"A {name} graph is no text. Use: %artigraph export json --to FILE")
    return await run_in_thread(_write, args.to.text, text)


def _write(file: str, text: str) -> Said:
    path = Path(file).expanduser()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    return Said(f"Written to {path}.")
