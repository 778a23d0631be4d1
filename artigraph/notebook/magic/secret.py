"""Addresses with passwords, kept out of what IPython and a database keep.

IPython quotes a cell's transformed source in every traceback near it, and so
an error of any line would show the address beside it. The transformed source
holds a name for it instead, which nobody can guess. What the user types is
the user's: it stays in the cell.
"""

from __future__ import annotations

import re
import secrets

from artigraph.storage.redact import scrub

__all__ = ["hide_address", "show_address", "without_credentials"]

_ADDRESS = re.compile(r"""[^\s'"]*://[^\s'"]*[@?][^\s'"]*""")
_HIDDEN = re.compile(r"<address ([0-9a-f]+)>")
_IN_QUERY = re.compile(
    r"([?&;][^=&\s]*(?:pass|pwd|secret|token|key|cred)[^=&\s]*=)[^&;\s'\"]+", re.I
)

_addresses: dict[str, str] = {}


def hide_address(line: str) -> str:
    """A line with a name in place of each address that may hold a password."""

    def hide(found: re.Match[str]) -> str:
        name = secrets.token_hex(8)
        _addresses[name] = found[0]
        return f"<address {name}>"

    return _ADDRESS.sub(hide, line)


def show_address(line: str) -> str:
    """A line with the addresses that :func:`hide_address` has taken out of it."""
    return _HIDDEN.sub(lambda found: _addresses.get(found[1], found[0]), line)


def without_credentials(text: str) -> str:
    """A text with the user and the password of every URL in it blackened."""
    return _IN_QUERY.sub(r"\1***", scrub(text, set()))
