"""The sub-commands: their names, their arguments, and what is said of a wrong one.

A module with sub-commands declares each with :func:`command`; what they do is
no concern of this one.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, TypeAlias

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from typing_extensions import override

from artigraph.display.escape import visible
from artigraph.notebook.magic.words import Word, split
from artigraph.registry import did_you_mean

__all__ = [
    "COMMANDS",
    "HELP",
    "NAMES",
    "Argument",
    "Call",
    "Command",
    "Confirm",
    "Said",
    "argument",
    "command",
    "count",
    "parse",
]

NAMES = ("artigraph", "ag")
"""What the magic is called."""

_EQUALS = re.compile("=")

HELP = ("-h", "--help")
"""What asks for help, wherever it stands."""


class Said:
    """A sentence or a few, as the answer to a line.

    Args:
        text: What is said; hidden and reordering characters are written out.
    """

    def __init__(self, text: str) -> None:
        self.text = "\n".join(map(visible, text.split("\n")))

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Confirm:
    """What a sub-command returns instead of doing what cannot be undone."""

    question: str
    """What to ask; the answer is yes or no."""
    otherwise: str
    """What to type where nobody can be asked."""
    act: Callable[[], Awaitable[Any]]
    """Does it, and returns the result."""


@dataclass(frozen=True)
class Call:
    """One line, understood."""

    shell: InteractiveShell
    variables: Mapping[str, Any]
    """The variables of the notebook, and of the function that the line stands in."""
    args: argparse.Namespace
    """The arguments, as the sub-command declares them."""
    source: str = ""
    """The whole cell that the line heads, if it does."""
    number: int | None = None
    """That cell's number."""


@dataclass(frozen=True)
class Command:
    """A sub-command."""

    name: str
    summary: str
    """What it does, in a sentence."""
    parser: argparse.ArgumentParser
    run: Callable[[Call], Awaitable[Any]]
    completes: str = ""
    """What its words are completed with: ``"model"``, ``"variable"`` or nothing."""
    options: Mapping[str, str | None] = field(default_factory=dict)
    """What the word behind each option is completed with; ``None`` if there is none."""


COMMANDS: dict[str, Command] = {}
"""The sub-commands by name, once their modules are imported."""

Argument: TypeAlias = tuple[Callable[[argparse.ArgumentParser], argparse.Action], str]


def argument(*names: str, complete: str = "", **settings: Any) -> Argument:
    """An argument of a sub-command.

    Args:
        *names: Its name, or its options.
        complete: What the Tab key offers: ``"model"``, ``"variable"`` or
            ``"node_type"``.
        **settings: For ``argparse.ArgumentParser.add_argument``.
    """
    return lambda parser: parser.add_argument(*names, **settings), complete


def command(
    name: str, *arguments: Argument
) -> Callable[[Callable[[Call], Awaitable[Any]]], Callable[[Call], Awaitable[Any]]]:
    """Make a coroutine function a sub-command; its docstring is what ``--help`` says.

    Args:
        name: What to type.
        *arguments: What it takes, of :func:`argument`.
    """

    def declare(run: Callable[[Call], Awaitable[Any]]) -> Callable[[Call], Awaitable[Any]]:
        text = (run.__doc__ or "").strip()
        percent = "%%" if name == "run" else "%"
        parser = _Parser(
            prog=f"{percent}artigraph {name}",
            description="\n".join(line.removeprefix("    ") for line in text.splitlines()),
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=90),
            # Asked for, it would print and exit.
            add_help=False,
            allow_abbrev=False,
        )
        words, options = "", {}
        for add, completes in arguments:
            action = add(parser)
            words = words if action.option_strings else words or completes
            for option in action.option_strings:
                options[option] = None if action.nargs == 0 else completes
        # argparse puts the program's name in with %, which is a part of ours.
        parser.usage = parser.format_usage().removeprefix("usage: ").strip().replace("%", "%%")
        COMMANDS[name] = Command(name, text.partition("\n")[0], parser, run, words, options)
        return run

    return declare


class _Parser(argparse.ArgumentParser):
    """A parser that neither prints nor exits."""

    @override
    def error(self, message: str) -> NoReturn:
        message = visible(message.replace("\0", ""))
        raise UsageError(
            f"{message}\n{self.format_usage().strip()}\nMore is told by: {self.prog} --help"
        )


def count(text: str) -> int:
    """A count from 0 on, typed or in a variable; for ``type=`` of an argument."""
    value = text.value if isinstance(text, Word) else text
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        shown = visible(text.replace("\0", ""), 40)
        raise argparse.ArgumentTypeError(f"a count from 0 on is wanted, not {shown!r}")
    return number


def parse(
    line: str,
    variables: Mapping[str, Any],
    shell: InteractiveShell,
    *,
    source: str = "",
    number: int | None = None,
) -> tuple[Command, Call] | Said:
    """Understand a line.

    Args:
        line: What stands behind the magic's name.
        variables: What ``$name`` and ``{name}`` may mean.
        shell: The shell that the line was typed in.
        source: The whole cell, if the line heads one.
        number: That cell's number.

    Returns:
        The sub-command and its call; or the help, if that was asked for.

    Raises:
        UsageError: There is no such sub-command, or its arguments are wrong.
    """
    # Blanks may be tabs.
    first, rest = [*line.split(maxsplit=1), "", ""][:2]
    if not first or first in (*HELP, "help", "?"):
        return Said(_overview())
    found = COMMANDS.get(first)
    if found is None:
        raise UsageError(
            f"%artigraph has no {visible(first, 40)!r}. {did_you_mean(first, COMMANDS)} "
            "%artigraph --help lists them all."
        )
    # Before any variable is looked up: help is for those who are still searching.
    if any(word in HELP for word in rest.split()):
        return Said(found.parser.format_help().strip())
    if bool(source) is not (found.name == "run"):
        right = "%%artigraph run" if found.name == "run" else f"%artigraph {found.name}"
        where = "heads a cell" if found.name == "run" else "stands on a line of its own"
        raise UsageError(f"{found.name} {where}: {right} …")
    arguments = _arguments(found, split(rest, variables))
    return found, Call(shell, variables, arguments, source, number)


def _arguments(found: Command, words: Sequence[Word]) -> argparse.Namespace:
    given: list[Word] = []
    for word in words:
        if given and found.options.get(given[-1]) is not None:
            # Whatever it looks like, as in --order -loss.
            given.append(word.as_value())
            continue
        if not word.startswith("--"):
            given.append(word)
            continue
        option, _, value = word.cut(_EQUALS) or (str(word), "", None)
        if option not in found.options:
            near = did_you_mean(option, found.options) if found.options else ""
            found.parser.error(f"there is no option {visible(option, 40)!r}. {near}")
        given.append(word if value is None else Word.bare(option))
        given += [] if value is None else [value.as_value()]
    # Intermixed: options may stand between the words that are none.
    return found.parser.parse_intermixed_args(list(given))


_ORDER = (
    *("connect", "status", "tree", "ls", "show", "find", "graph", "export"),
    *("run", "save", "load", "log", "rm", "gc", "check"),
)


def _overview() -> str:
    longest = max(map(len, COMMANDS))
    lines = [
        f"  {'%%' if name == 'run' else ' %'}artigraph {name:<{longest}}  {found.summary}"
        for name, found in sorted(COMMANDS.items(), key=lambda item: _ORDER.index(item[0]))
    ]
    return "\n".join(
        [
            "The store of artigraph, from a line of its own; %ag is short for %artigraph.",
            "",
            *lines,
            "",
            "Each explains itself: %artigraph tree --help",
            "A NODE is an id, a label, or a variable ($node) that holds one; . is the current one.",
            "$name and {name} stand for variables, and x = %artigraph … keeps the result.",
        ]
    )
