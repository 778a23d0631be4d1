"""What the Tab key offers behind ``%artigraph``.

All but the names of tags is known without asking the database: sub-commands, options,
the model and node classes that are defined, the fields of the class that is named, the
notebook's variables, and the saved questions that were read by now. Tags are asked for where
one is begun, and not waited for long.

What knows the models is imported once something of it is to be completed, which is later than
``%load_ext``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)
from IPython.core.interactiveshell import InteractiveShell

from artigraph.notebook.magic.parser import NAMES, Command, commands
from artigraph.portal import start_in_portal

__all__ = ["Completion"]

_LINE = re.compile(
    rf"^\s*(?:[\w.,\[\] ]+=\s*)?(?P<percent>%%?)(?:{'|'.join(NAMES)})\s+(?P<rest>.*)$"
)


_TAG = re.compile("#|tag:")
_PATIENCE = 0.5
"""Seconds that the Tab key waits for the database."""


def _tags() -> Iterable[str]:
    """The names of the tags in the store; none if it does not answer at once."""
    from artigraph.portal import start_in_portal
    from artigraph.tag.read import tag_names

    asked = start_in_portal(tag_names())
    try:
        return asked.result(_PATIENCE)
    except Exception:  # whatever is wrong with the database, a completion does not say it
        asked.cancel()
        return []


class Completion:
    """Completes the lines of one shell; one of ``custom_matchers``.

    Args:
        shell: The shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    @context_matcher(identifier="artigraph", priority=100)  # type: ignore[untyped-decorator]  # IPython's own has no types
    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """What may stand at the cursor.

        Args:
            context: The line.
        """
        found = _LINE.match(context.text_until_cursor)
        if found is None:
            return SimpleMatcherResult(completions=[])
        is_cell = found["percent"] == "%%"
        words = found["rest"].split(" ")
        typed = words[-1]
        kind, known = self._offered(words, is_cell)
        offered = sorted(one for one in known if one.startswith(typed))
        # IPython replaces only what it takes for the last token.
        behind = typed[: len(typed) - len(context.token)] if typed.endswith(context.token) else ""
        completions = [
            SimpleCompletion(text=one.removeprefix(behind), type=kind) for one in offered
        ]
        return SimpleMatcherResult(completions=completions, suppress=True)

    def _offered(self, words: list[str], is_cell: bool) -> tuple[str, Iterable[str]]:
        """What the words may go on with, and how a page names the kind of it."""
        if len(words) == 1:
            fits = {n: f.heads_cell is is_cell or f.takes_text for n, f in commands().items()}
            return "command", [name for name, fit in fits.items() if fit]
        found = commands().get(words[0])
        if found is None:
            return "command", []
        typed = words[-1]
        if typed.startswith("-"):
            return "option", [*found.options, "--help"]
        if typed.startswith("$"):
            return "variable", [f"${name}" for name in self._variables()]
        if found.name in ("find", "tag") and (begun := _TAG.match(typed)):
            return "tag", [f"{begun[0]}{name}" for name in _tags()]
        return self._arguments(found, words)

    def _arguments(self, found: Command, words: list[str]) -> tuple[str, Iterable[str]]:
        kind = found.options.get(words[-2]) or ""
        if words[-2] not in found.options:
            kind = found.completes
        if kind == "model" and words[-1].startswith("@"):
            return "question", self._questions()
        if kind == "model":
            given = [word for word in words[1:-1] if not word.startswith("-")]
            return ("field", self._fields(given[0])) if given else ("model", self._models())
        if kind == "variable":
            return kind, self._variables()
        if kind == "tag":
            return kind, _tags()
        if kind == "tree_form":
            from artigraph.display.forest import tree_forms

            return "form", tree_forms
        if kind == "node_type":
            from artigraph.orm.node import Node
            from artigraph.orm.run import CellRun

            mappers = Node.__mapper__.polymorphic_map.values()
            runs = [m.class_.__name__ for m in mappers if issubclass(m.class_, CellRun)]
            return "class", runs
        return "argument", []

    def _variables(self) -> Iterable[str]:
        hidden = self._shell.user_ns_hidden
        return [n for n in self._shell.user_ns if not n.startswith("_") and n not in hidden]

    def _models(self) -> Iterable[str]:
        from artigraph.model.base import BaseModel, models_by_name

        variables = self._shell.user_ns.items()
        here = [n for n, v in variables if isinstance(v, type) and issubclass(v, BaseModel)]
        from artigraph.filter.column import node_classes
        from artigraph.orm.friendly import spoken_names

        return {*models_by_name, *here, *(spoken_names(cls)[-1] for cls in node_classes())}

    def _questions(self) -> Iterable[str]:
        """Those that are known here; where none is, they are read meanwhile."""
        from artigraph.query.store import known_queries, read_queries

        known = known_queries()
        if not known:
            # The next Tab has them: nobody waits for a database here, or hears of its errors.
            start_in_portal(read_queries())
        return [f"@{name}" for name in known]

    def _fields(self, name: str) -> Iterable[str]:
        from artigraph.filter.column import NodeShape, node_class_called
        from artigraph.model.base import BaseModel, models_by_name
        from artigraph.orm.node import Node

        model = self._shell.user_ns.get(name) or models_by_name.get(name)
        node_type = node_class_called(name) if model is None else model
        if isinstance(node_type, type) and issubclass(node_type, Node):
            return NodeShape(node_type).names
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
        return model._model_field_names() or []
