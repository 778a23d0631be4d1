"""Errors of a magic, shown as one message rather than as a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.error import UsageError

from artigraph.display.escape import visible
from artigraph.errors import ArtigraphError, NoEngineError
from artigraph.redact import without_credentials

__all__ = ["NO_ENGINE", "short_errors"]

NO_ENGINE = (
    "No database is set. Type: %artigraph connect sqlite+aiosqlite:///example.db --create-tables"
)


@contextmanager
def short_errors() -> Iterator[None]:
    """Let IPython show what artigraph raises on purpose without a traceback.

    The exception is the same one, so a cell may catch it as any other. Neither it
    nor a wrong usage shows the credentials of an address.
    """
    try:
        yield
    except NoEngineError as error:
        raise _short(NoEngineError(NO_ENGINE)) from error
    except ArtigraphError as error:
        raise _short(error)  # noqa: B904  # it is the same one
    except UsageError as error:
        text = without_credentials(str(error))
        raise UsageError("\n".join(map(visible, text.split("\n")))) from None


def _in_magics(error: ArtigraphError) -> str:
    """What an error says, where lines of the magic are typed and not Python."""
    text = str(error)
    # The longest first, which may hold others.
    for python in sorted(error.in_magics, key=len, reverse=True):
        text = text.replace(python, error.in_magics[python])
    return text


def _short(error: ArtigraphError) -> ArtigraphError:
    text = without_credentials(_in_magics(error))
    if text != str(error):
        error.args = (text,)
    shown = [
        f"{type(error).__name__}: {visible(line)}" if not number else visible(line)
        for number, line in enumerate(text.split("\n"))
    ]
    # IPython asks an exception for this before it formats it.
    vars(error)["_render_traceback_"] = lambda: shown
    return error
