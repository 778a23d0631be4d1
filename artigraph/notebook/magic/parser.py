"""The sub-commands: their names, their arguments, and what is said of a wrong one.

A module with sub-commands declares each with :func:`command`; what they do is
no concern of this one.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from shlex import quote
from typing import Any, Literal, NoReturn, TypeAlias, TypeVar, get_args

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from typing_extensions import override

from artigraph.display.escape import visible
from artigraph.errors import NameTakenError
from artigraph.home import home
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
    "Stage",
    "argument",
    "command",
    "commands",
    "count",
    "declare_late",
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


Stage: TypeAlias = Literal["begin", "look", "run", "write", "tidy", "other"]
"""When in a day's work a sub-command is wanted: the order of the overview."""


@dataclass(frozen=True)
class Command:
    """A sub-command."""

    name: str
    summary: str
    """What it does, in a sentence."""
    parser: argparse.ArgumentParser
    run: Callable[[Call], Any]
    """Awaited for the result; of one that heads a cell called for the block."""
    where: str
    """The function's module and name."""
    completes: str = ""
    """What its words are completed with, as for :func:`argument`."""
    options: Mapping[str, str | None] = field(default_factory=dict)
    """What the word behind each option is completed with; ``None`` if there is none."""
    heads_cell: bool = False
    """Whether it heads a cell, whose lines then stand in what ``run`` returns."""
    epilog: Callable[[], str] = str
    """Makes what ``--help`` says at its end."""
    stage: Stage = "other"
    takes_text: bool = False
    """Whether it may head a cell, whose other lines are a text."""

    @property
    def usage(self) -> str:
        """How it is typed, such as ``%artigraph tree``."""
        return _typed(self.name, self.heads_cell)


def _typed(name: str, heads_cell: bool) -> str:
    return f"{'%%' if heads_cell else '%'}artigraph {name}"


COMMANDS: dict[str, Command] = {}
"""The sub-commands by name that are declared by now; all of them, after :func:`commands`."""

_late: list[Callable[[], object]] = []


def declare_late(load: Callable[[], object]) -> None:
    """Have sub-commands declared once somebody asks for any.

    Args:
        load: Imports the modules that declare them.
    """
    if load not in _late:
        _late.append(load)


def commands() -> Mapping[str, Command]:
    """The sub-commands by name."""
    while _late:
        _late.pop()()
    return COMMANDS


Run = TypeVar("Run", bound=Callable[[Call], Any])

Argument: TypeAlias = tuple[Callable[[argparse.ArgumentParser], argparse.Action], str]


def argument(*names: str, complete: str = "", **settings: Any) -> Argument:
    """An argument of a sub-command.

    Args:
        *names: Its name, or its options.
        complete: What the Tab key offers: ``"model"``, ``"variable"``, ``"node_type"`` or
            ``"tree_form"``.
        **settings: For ``argparse.ArgumentParser.add_argument``. A ``type`` is given what
            was typed, or the object that a variable holds.
    """
    if "type" in settings or "choices" in settings:
        settings["type"] = _of_value(settings.get("type", str))
    return lambda parser: parser.add_argument(*names, **settings), complete


def _of_value(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(convert)
    def converted(word: object) -> object:
        return convert(word.value if isinstance(word, Word) else word)

    return converted


def command(
    name: str,
    *arguments: Argument,
    heads_cell: bool = False,
    epilog: Callable[[], str] = str,
    stage: Stage = "other",
    takes_text: bool = False,
) -> Callable[[Run], Run]:
    """Make a coroutine function a sub-command; its docstring is what ``--help`` says.

    Args:
        name: What to type.
        *arguments: What it takes, of :func:`argument`.
        heads_cell: It heads a cell as ``%%artigraph name``. It is a plain function then,
            and returns an asynchronous context manager, the block of the cell's other lines.
        epilog: Makes what ``--help`` says at its end, of what there is by then.
        stage: When it is wanted; the overview begins with the earliest.
        takes_text: It may head a cell as well, whose other lines are a text and no code.

    Raises:
        NameTakenError: Another function is the sub-command of that name.
        TypeError: It is no such function, or has no docstring.
    """

    def declare(run: Run) -> Run:
        text = (run.__doc__ or "").strip()
        where = home(run)
        if inspect.iscoroutinefunction(run) is heads_cell or not text:
            wanted = "a plain function" if heads_cell else "an async function"
            raise TypeError(
                f"The sub-command {name!r} wants {wanted} with a docstring, which its --help "
                f"shows; {where} is none."
            )
        known = commands().get(name)
        # The cell or the module that declares it may run again.
        if known is not None and known.where != where:
            raise NameTakenError(
                f"The sub-command {name!r} is {known.where}; give {where} another name."
            )
        parser = _Parser(
            prog=_typed(name, heads_cell),
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
        summary = text.partition("\n")[0]
        COMMANDS[name] = Command(
            name, summary, parser, run, where, words, options, heads_cell, epilog, stage, takes_text
        )
        return run

    return declare


class _Parser(argparse.ArgumentParser):
    """A parser that neither prints nor exits."""

    @override
    def error(self, message: str) -> NoReturn:
        # Both as it is and as argparse quotes it.
        message = visible(message.replace("\0", "").replace("'\\x00", "'"))
        raise UsageError(
            f"{message}\n{self.format_usage().strip()}\nMore is told by: {self.prog} --help"
        )


def count(value: Any) -> int:
    """A count from 0 on, typed or in a variable; for ``type=`` of an argument."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        shown = visible(str(value), 40)
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
    found = commands().get(first)
    if found is None:
        raise UsageError(
            f"%artigraph has no {visible(first, 40)!r}. {did_you_mean(first, COMMANDS)} "
            "%artigraph --help lists them all."
        )
    # Before any variable is looked up: help is for those who are still searching.
    if any(word in HELP for word in rest.split()):
        return Said(f"{found.parser.format_help().strip()}\n\n{found.epilog()}".strip())
    if bool(source) is not found.heads_cell and not found.takes_text:
        where = "heads a cell" if found.heads_cell else "stands on a line of its own"
        raise UsageError(f"{found.name} {where}: {found.usage} …")
    try:
        words = split(rest, variables)
    except UsageError as error:
        if not found.takes_text or source:
            raise
        lines = f"%%artigraph {first} NODE takes the lines below it as they are."
        raise UsageError(f"{error} {lines}") from None
    arguments = _arguments(found, words)
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
    arguments, more = found.parser.parse_known_intermixed_args(list(given))
    if more:
        found.parser.error(_one_too_many(found, given, more[0]))
    return arguments


def _one_too_many(found: Command, given: Sequence[Word], word: str) -> str:
    """What to say of a word that a sub-command has no place for: a label may lack its quotes."""
    plain = [one.text for one in given if one.is_bare and not one.startswith(("-", "\0"))]
    at = plain.index(word) if word in plain else 0
    told = f"{visible(word, 60)!r} is one word too many."
    if not at:
        return told
    typed = " ".join([*plain[: at - 1], quote(" ".join(plain[at - 1 :]))])
    return (
        f"{told} What has a blank in it, such as a label, stands in quotes: "
        f"{found.usage} {visible(typed, 60)}"
    )


def _rank(found: Command) -> tuple[int, str]:
    # Those of one stage as they are declared, others by name.
    return get_args(Stage).index(found.stage), found.name * (found.stage == "other")


def _overview() -> str:
    longest = max(map(len, commands()))
    lines = [
        f"  {_typed('', found.heads_cell):>12}{found.name:<{longest}}  {found.summary}"
        for found in sorted(COMMANDS.values(), key=_rank)
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
