"""How a run's block has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from artigraph.orm.run import RunStatus
from artigraph.redact import without_secrets
from artigraph.run.facts import clean_text

__all__ = ["attempt", "error_text", "status_of", "tell"]

LONGEST_ERROR = 10_000
"""Characters of an exception's text that are kept."""


def status_of(exc: BaseException | None) -> RunStatus:
    """How a block went that ended with an exception, or without."""
    if exc is None or (isinstance(exc, SystemExit) and not exc.code):
        return "finished"
    stopped = isinstance(exc, KeyboardInterrupt | asyncio.CancelledError)
    return "interrupted" if stopped else "failed"


def error_text(exc: BaseException | None) -> str | None:
    """The type and the text of an exception, with secrets blackened."""
    if exc is None:
        return None
    try:
        text = str(exc)[:LONGEST_ERROR]
    except Exception:  # somebody's own class may raise even there
        text = ""
    return clean_text(without_secrets(f"{type(exc).__name__}: {text}".removesuffix(": ")))


async def attempt(write: Callable[[], Awaitable[None]], errors: list[Exception], what: str) -> None:
    """Write something of a run that ends; what is wrong with it is told later.

    Args:
        write: Writes it.
        errors: Those so far.
        what: What it is, for who sees the error.
    """
    try:
        await write()
    except Exception as error:
        error.add_note(f"It was not written: {what}.")
        errors.append(error)


def tell(errors: Sequence[Exception], exc: BaseException | None) -> None:
    """Raise what could not be written; beside an exception of the block, note it there.

    Args:
        errors: What went wrong as the run ended.
        exc: The block's own exception, if it raised.
    """
    told = [" ".join((f"{error}", *getattr(error, "__notes__", ()))) for error in errors]
    if exc is not None and not isinstance(exc, asyncio.CancelledError):
        for text in told:
            exc.add_note(f"What the run has kept could not be written either: {text}")
    elif errors:
        for text in told[1:]:
            errors[0].add_note(f"Nor could this be written: {text}")
        raise errors[0]
