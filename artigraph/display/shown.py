"""The representations of a thing that can tell its facts.

No representation raises, reads anything, or grows beyond
``artigraph.options.max_bytes``: what is too large is told again in fewer words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts
from artigraph.display.html import render_html
from artigraph.display.options import Limits, options
from artigraph.display.text import render_text

__all__ = [
    "Shown",
    "TooManyFactsError",
    "as_html",
    "as_text",
    "count_fact",
    "failed",
    "one_line",
    "print_lines",
    "type_name",
    "within_budget",
]


class Shown:
    """Something that shows itself as text and as HTML.

    A class says its facts in :meth:`_describe`, and itself on one line in
    :meth:`_brief`; both read nothing but memory. A subclass that has a
    ``__repr__`` of its own keeps it.
    """

    __slots__ = ()

    def _describe(self, limits: Limits) -> Facts:
        """All that is shown.

        Args:
            limits: How much of it.
        """
        raise NotImplementedError

    def _brief(self, limits: Limits) -> str:
        """It on one line, not escaped yet.

        Args:
            limits: How much of it.
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        return one_line(self)

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        width = getattr(printer, "max_width", 79)
        print_lines(printer, cycle, one_line(self), lambda: as_text(self, width))

    def _repr_html_(self) -> str:
        return as_html(self)


def print_lines(printer: Any, cycle: bool, one_line: str, lines: Callable[[], str]) -> None:
    """Answer IPython's ``_repr_pretty_``: in lines, or in one line inside of something else.

    Args:
        printer: IPython's printer.
        cycle: Whether the thing stands inside of itself.
        one_line: What stands inside of something else.
        lines: Makes what stands by itself.
    """
    if cycle or len(getattr(printer, "stack", ())) > 1:
        printer.text(one_line)
        return
    for number, line in enumerate(lines().split("\n")):
        if number:
            printer.break_()
        printer.text(line)


def one_line(shown: Shown) -> str:
    """A thing on one line, escaped and within the limits."""
    try:
        limits = options.limits
        most = limits.max_bytes // 4  # a character takes four bytes at the most
        return cut(visible(shown._brief(limits), most), most)
    except Exception as error:  # a repr must not fail, whatever is inside
        return f"<{visible(type_name(shown))}: {visible(failed(error))}>"


def as_text(shown: Shown, width: int = 80) -> str:
    """A thing as lines of text."""
    return within_budget(shown._describe, lambda facts: render_text(facts, width), shown)


def as_html(shown: Shown) -> str:
    """A thing as HTML."""
    return within_budget(shown._describe, render_html, shown)


def within_budget(
    describe: Callable[[Limits], Facts], render: Callable[[Facts], str], thing: object
) -> str:
    """Draw facts, with ever fewer of them until the drawing is small enough."""
    now = options.limits
    limits: Limits | None = now
    while limits is not None:
        try:
            with _counted(now.max_bytes):
                facts = describe(limits)
            if limits is not now:
                facts = replace(facts, warnings=(*facts.warnings, _shortened(now)))
            drawn = render(facts)
        except TooManyFactsError:
            limits = limits.smaller()
            continue
        except Exception as error:  # as above
            return render(Facts(type_name(thing), warnings=(failed(error),)))
        # What no encoding takes was written out by the drawing.
        if len(drawn) <= now.max_bytes and len(drawn.encode()) <= now.max_bytes:
            return drawn
        limits = limits.smaller()
    return render(Facts(type_name(thing), warnings=(_shortened(now),)))


LEAST_BYTES = 60
"""What one fact takes in a drawing, at the least."""

_facts_left: ContextVar[list[int] | None] = ContextVar("artigraph_facts_left", default=None)


class TooManyFactsError(Exception):
    """More facts than could be drawn."""


@contextmanager
def _counted(max_bytes: int) -> Iterator[None]:
    token = _facts_left.set([max_bytes // LEAST_BYTES])
    try:
        yield
    finally:
        _facts_left.reset(token)


def count_fact() -> None:
    """Count one more fact of a drawing.

    Models in models in lists multiply: what could never be drawn within ``max_bytes`` is
    given up early, to be told with tighter limits.

    Raises:
        TooManyFactsError: There are more already than could be drawn.
    """
    left = _facts_left.get()
    if left is not None:
        left[0] -= 1
        if left[0] < 0:
            raise TooManyFactsError


def _shortened(limits: Limits) -> str:
    return f"shortened: artigraph.options.max_bytes is {limits.max_bytes:,}"


def type_name(value: object) -> str:
    """The name of a value's class, cut where it is no name any more."""
    return cut(type(value).__name__, 60)


def failed(error: BaseException) -> str:
    """What stands in place of something whose own repr raised.

    Args:
        error: What it raised.
    """
    try:
        text = str(error)
    except Exception:  # even this may raise
        text = ""
    return f"<repr failed: {type_name(error)}{': ' if text else ''}{cut(text, 80)}>"
