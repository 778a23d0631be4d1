"""What a block puts in force: in its own context, and in those that come after it.

A notebook runs each cell in a context of its own, so a context variable that one cell
sets is not set in the next. A block that a cell has entered by hand, as with
``AsyncExitStack``, and not left holds in the cells after it all the same, and any of
them may leave it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

__all__ = ["BlockVar"]

T = TypeVar("T")


class _Block(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value
        self.task: asyncio.Task[Any] | None = None
        with suppress(RuntimeError):  # no event loop runs
            self.task = asyncio.current_task()

    def was_left_open(self) -> bool:
        """Whether the task that has entered it ended inside of it."""
        return self.task is not None and self.task.done()


class BlockVar(Generic[T]):
    """A context variable that blocks set.

    Args:
        name: What it is called.
        default: Its value outside of all blocks.
    """

    def __init__(self, name: str, default: T) -> None:
        self._default = default
        self._var: ContextVar[T] = ContextVar(name)
        self._open: dict[_Block[T], None] = {}  # in the order in which they were entered

    def get(self) -> T:
        """The value of the innermost block: of this context, else of one that was left open."""
        try:
            return self._var.get()
        except LookupError:
            pass
        for block in reversed(list(self._open)):
            if block.was_left_open():
                return block.value
        return self._default

    def pin(self, value: T) -> None:
        """Let a context that was copied have a value for good."""
        self._var.set(value)

    @contextmanager
    def entered(self, value: T) -> Iterator[None]:
        """Have a value for a block, which may end in another context than it began in."""
        block = _Block(value)
        self._open[block] = None
        token = self._var.set(value)
        try:
            yield
        finally:
            self._open.pop(block, None)
            with suppress(ValueError):  # it ends in another one
                self._var.reset(token)
