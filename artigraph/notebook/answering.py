"""Answers to the questions that a widget's page asks.

A message's handler runs on the kernel's thread or on a sub-shell's, with or
without a loop that may be used, depending on ipykernel's version. So each
question goes to the portal and is answered from there, by a coroutine that
the widget names; whatever it raises is told to the page, in words. A page
numbers its questions, cancels those that it no longer needs, gives traits a
value, and says when a view closes. Nothing here knows what the questions are
about.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, ClassVar, TypeVar

from ipywidgets import Widget
from sqlalchemy.exc import DBAPIError
from traitlets import TraitError

from artigraph.db.setting import pinned_context
from artigraph.errors import ArtigraphError, NameTakenError
from artigraph.portal import start_in_portal

__all__ = ["Answering", "Handlers", "Method", "answers", "in_words"]

log = logging.getLogger(__name__)

Method = Callable[[dict[str, Any]], Awaitable[Any]]
"""Takes a question's parameters, as the page sent them; returns plain values."""

M = TypeVar("M", bound=Callable[..., Awaitable[Any]])

LONGEST_ANSWER = 60
"""Seconds until a question is given up: the page has done so before."""
MOST_AT_ONCE = 64
"""Questions of one widget that may be open; a page asks a handful."""
LONGEST_ERROR = 4_000
"""Characters of an error that a page shows."""


def answers(name: str) -> Callable[[M], M]:
    """Let a method of :class:`Handlers` answer a question.

    Args:
        name: What the page asks for.

    Raises:
        TypeError: The method is no coroutine function.
    """

    def declare(method: M) -> M:
        awaits = inspect.iscoroutinefunction(method)
        if not awaits:
            raise TypeError(f"What answers {name!r} is an async method; {method!r} is none.")
        vars(method)["_answers"] = name
        return method

    return declare


class Handlers:
    """What answers a page's questions: the methods that say so by :func:`answers`.

    Raises:
        NameTakenError: Two methods of a class answer one question.
    """

    _named: ClassVar[Mapping[str, str]] = {}
    """The methods' names, by what a page asks for."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        named: dict[str, str] = {}
        for method, value in vars(cls).items():
            name = getattr(value, "_answers", None)
            if name in named:
                raise NameTakenError(
                    f"{cls.__name__}.{named[name]} answers {name!r}; give {method} another name."
                )
            if name is not None:
                named[name] = method
        cls._named = {**cls._named, **named}

    @property
    def methods(self) -> Mapping[str, Method]:
        """What answers each question."""
        return {name: getattr(self, method) for name, method in self._named.items()}


class Answering:
    """Answers the questions of one widget's pages, each by one of its methods.

    The database is the one that was set when this was made, also for a
    question that comes when another one is set.

    Args:
        widget: The widget whose messages to answer.
        methods: What answers, by the name that the page asks for.
        settable: Names of the traits that a page may give a value. They are synced, with
            ``echo_update=False``: an echo that comes late would undo a page's next value.
    """

    def __init__(
        self, widget: Widget, methods: Mapping[str, Method], settable: Collection[str] = ()
    ) -> None:
        self._widget, self._methods, self._settable = widget, methods, frozenset(settable)
        self._context = pinned_context()
        self._lock = threading.Lock()
        self._open: dict[tuple[str, int], Future[None]] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        widget.on_msg(self._receive)
        # A widget that is closed has no comm any more.
        widget.observe(lambda _: self.cancel(), names="comm")

    @property
    def open_count(self) -> int:
        """How many questions are being answered."""
        with self._lock:
            return len(self._open)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine in the portal, on the database of this widget.

        Returns:
            Its result to be.
        """
        # A copy, since two threads cannot be in one context.
        return self._context.copy().run(start_in_portal, coroutine)

    def cancel(self, view: str | None = None) -> None:
        """Stop answering.

        Args:
            view: The view whose questions to drop; all of them, unless given.
        """
        with self._lock:
            dropped = [f for key, f in self._open.items() if view is None or key[0] == view]
        for future in dropped:
            future.cancel()

    def _receive(self, _: Widget, content: object, __: object) -> None:
        if not isinstance(content, dict):
            return
        kind, view, number = (content.get(name) for name in ("kind", "view", "number"))
        if not isinstance(view, str):
            return
        if kind == "close":
            self.cancel(view)
        elif kind == "set":
            self._set(content.get("name"), content.get("value"))
        elif kind in ("cancel", "request") and isinstance(number, int):
            with self._lock:
                future = self._open.get((view, number))
            if kind == "request" and future is None:
                self._begin(view, number, content)
            elif kind == "cancel" and future is not None:
                future.cancel()

    def _set(self, name: object, value: object) -> None:
        if not isinstance(name, str) or name not in self._settable:
            return
        try:
            # As ipywidgets does with a page's change: told to Python alone.
            self._widget.set_state({name: value})
        except TraitError:
            log.debug("a page gave %s what it cannot be", name, exc_info=True)

    def _begin(self, view: str, number: int, content: dict[str, Any]) -> None:
        if self.open_count >= MOST_AT_ONCE:
            self._reply(view, number, error="Too many questions at once; try again in a moment.")
            return
        future = self.start(self._answer(view, number, content))
        with self._lock:
            self._open[view, number] = future
        future.add_done_callback(lambda _: self._forget(view, number))

    def _forget(self, view: str, number: int) -> None:
        with self._lock:
            self._open.pop((view, number), None)

    async def _answer(self, view: str, number: int, content: dict[str, Any]) -> None:
        params = content.get("params")
        try:
            method = self._methods[str(content.get("method"))]
            result = await self._in_time(method(params if isinstance(params, dict) else {}))
            self._reply(view, number, result=result)
        except Exception as error:
            # Whatever it is: a page that hears nothing looks broken.
            if not isinstance(error, ArtigraphError):
                log.debug("a widget's question failed", exc_info=True)
            self._reply(view, number, error=in_words(error))

    async def _in_time(self, answer: Awaitable[Any]) -> object:
        """An answer, or ``TimeoutError`` when there is none in time."""
        task = asyncio.ensure_future(answer)
        # The loop holds tasks weakly, and one that is given up may take a while to end.
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        try:
            done, _ = await asyncio.wait({task}, timeout=LONGEST_ANSWER)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            # Not awaited: the thread of SQLite's driver waits for a lock as long as it
            # likes, and nobody can stop it.
            task.cancel()
            raise TimeoutError
        return task.result()

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of one that was given up nobody wants to know it

    def _reply(self, view: str, number: int, **answer: object) -> None:
        self._widget.send({"kind": "reply", "view": view, "number": number, **answer})


def in_words(error: Exception) -> str:
    """What to tell the reader of a page about an error; one short paragraph."""
    if isinstance(error, ArtigraphError):
        text = str(error)
    elif isinstance(error, TimeoutError):
        text = f"No answer within {LONGEST_ANSWER} s. Is the database busy?"
    elif isinstance(error, DBAPIError):
        # Without the statement, which tells a reader of the page nothing.
        text = f"The database answered: {error.orig}"
    elif isinstance(error, KeyError | TypeError | ValueError):
        text = f"A question that makes no sense here ({type(error).__name__}: {error})."
    else:
        text = f"{type(error).__name__}: {error}"
    return text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]}…"
