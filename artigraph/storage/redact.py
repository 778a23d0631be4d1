"""Keeps credentials out of what is shown.

Errors end up in logs and in shared notebooks, and a store's own message may
quote what it was given.

* an option is secret by its name, so a secret under a name that does not look
  like one is not recognised
* texts of one or two characters are left, or they would blacken every message
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

__all__ = ["scrub", "secrets_of", "tells", "without_passwords"]

_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):\S*@")
_USERINFO = re.compile(r"(?<=://)([^/\s]*)@")
_SECRET = re.compile(r"key|secret|token|pass|pwd|cred|auth|sas|sign|conn|cookie|header", re.I)


def secrets_of(url: str, options: Mapping[str, object]) -> set[str]:
    """Every text that must not appear in a message.

    Args:
        url: A store's URL; passwords and queries in it are secret.
        options: Its options; what looks like a credential is secret, at any depth.
    """
    found = set(_leaves(options, secret=False))
    for link in url.split("::"):
        userinfo = _USERINFO.search(link)
        if userinfo and ":" in userinfo[1]:
            found.add(userinfo[1].partition(":")[2])
        if "://" in link:
            found.add(link.partition("?")[2])
    found |= {form(text) for text in found for form in (quote, unquote)}
    return {text for text in found if len(text) > 2}


def _leaves(value: object, *, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, secret=secret or bool(_SECRET.search(str(name))))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner, secret=secret)
    elif secret and isinstance(value, str):
        yield value


def scrub(text: str, secrets: set[str]) -> str:
    """A text with every secret, and the credentials of any URL, blackened."""
    # The longest first: a secret may be the beginning of another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _USERINFO.sub("***@", text)


def without_passwords(text: str) -> str:
    """A text with the password of a URL in it blackened; users, as containers, stay."""
    return _PASSWORD.sub(r"\1:***@", text)


def tells(error: BaseException | None, secrets: set[str]) -> bool:
    """Whether a traceback of this error, its causes included, shows a secret."""
    while error is not None:
        text = f"{error} {error!r}"
        if scrub(text, secrets) != text:
            return True
        error = error.__cause__ or error.__context__
    return False
