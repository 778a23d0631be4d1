"""How a run's block has ended."""

from __future__ import annotations

import asyncio

from artigraph.orm.run import RunStatus
from artigraph.redact import without_secrets
from artigraph.run.facts import clean_text

__all__ = ["error_text", "status_of"]

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
