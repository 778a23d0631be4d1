"""Keeps credentials out of what is shown, and out of what a run keeps.

Errors end up in logs and in shared notebooks, and a store's own message may
quote what it was given. In doubt too much is blackened.

* an option or a variable is secret by its name, so a secret under a name that does
  not look like one, and in none of the well-known forms of tokens, is not recognised
* secrets of one or two characters are left, or they would blacken every message
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

__all__ = [
    "MASK",
    "is_secret",
    "scrub",
    "secrets_of",
    "tells",
    "without_credentials",
    "without_passwords",
    "without_secret_values",
    "without_secrets",
]

MASK = "***"
"""What stands in place of a secret."""

_OPTION = re.compile(
    r"key|secret|token|pass|pwd|cred|auth|signature|\bsig\b|\bsas|conn(?!ect_?timeout)|dsn"
    r"|cookie|header",
    re.IGNORECASE,
)
# A password ends at the last "@" of its word; one with a blank in it at its line's first.
# A scheme has a few letters: longer ones would be looked for from each letter of a long word.
_USERINFO = re.compile(
    r"""([\w+.-]{0,40}://)([^/:@'"\[\n]*)(?::([^@\n]{0,2000}))?@(?:[^\s@'"]*@)*"""
)
# Of the web, where a password holds no slash; else in a text that goes on behind an address.
_PORT = re.compile(
    r"""(?:http|ws)s?://\d{1,5}[\s/?#'"),;\]}]|[^:]*://\d{1,5}(?:[/?#][^\s'"]*)?[\s'"),;\]}]""",
    re.IGNORECASE,
)
_QUERY = re.compile(r"""(?:([?&])|;)(?P<name>[^=&?;\s'"]+)=(?P<value>(?(1)[^&\s'"]+|[^;&\s'"]+))""")
_QUOTED = re.compile(
    r"""(["'])[a-z][\w+.-]*://(?:\\.|(?!\1)[^\n\\])*\?(?:\\.|(?!\1)[^\n\\])*\1""", re.I
)
_QUOTED_QUERY = re.compile(r"[?&](?P<name>[^=&?]+)=(?P<value>[^&]+)(?=.)")

_NAME = (
    r"(?:(?:api|access|account|auth|encryption|private|secret|signing)[_-]?key(?:[_-]?id)?|secret"
    # Not those of vocabularies.
    r"|(?<!pad_)(?<!eos_)(?<!bos_)(?<!unk_)(?<!sep_)(?<!cls_)(?<!mask_)token"
    r"|passw(?:or)?d|passphrase|pwd|credentials?|authorization|bearer|conn(?:ection)?_?str(?:ing)?)"
)
_SECRET_NAME = re.compile(rf"{_NAME}$", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"""({_NAME}["']?\s*\]?\s*(?::\s*[\w.\[\], |]+?=|:=|[=:,])\s*[rbfu]{{0,2}})"""
    r"""(["']{3}|["'])((?:\\.|(?!\2).)+)\2""",
    re.IGNORECASE | re.DOTALL,
)
# Values without quotes: in a line of a shell, and in a connection string.
_SHELL_LINE = re.compile(r"^[ \t]*(?:[%!]|export |set ).*", re.MULTILINE)
_IN_SHELL = re.compile(rf"""({_NAME}[= ])(?![-'"=])[^\s'"]+""", re.IGNORECASE)
_IN_STRING = re.compile(
    rf"""([;"'][\w ]{{0,80}}(?:{_NAME}|signature)=)[^;\s'"]+(?=[;"'])""", re.IGNORECASE
)
_KNOWN = re.compile(
    r"\b(?:sk|pk|rk|hf|glpat|npm|pypi|dop_v1|xox[a-z])[-_][\w-]{16,}|\bgithub_pat_\w{20,}|\bgh[a-z]_\w{20,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?<=Bearer )[\w.~+/-]+=*|(?<=Basic )[A-Za-z0-9+/]{8,}=*"
    r"|(?s:(?<=PRIVATE KEY-----).+?(?=-----END|$))"
)


def secrets_of(url: str, options: Mapping[str, object]) -> set[str]:
    """Every text that must not appear in a message.

    Args:
        url: A store's URL; passwords and queries in it are secret.
        options: Its options; what looks like a credential is secret, at any depth.
    """
    found = set(_leaves(options, secret=False))
    for link in url.split("::"):
        userinfo = _USERINFO.search(link)
        if userinfo and userinfo[3] and not _PORT.match(userinfo[1] + userinfo[3]):
            found.add(userinfo[0][userinfo.start(3) - userinfo.start() : -1])
        if "://" in link:
            found.add(link.partition("?")[2])
    found |= {form(text) for text in found for form in (quote, unquote)}
    return {text for text in found if len(text) > 2}


def _leaves(value: object, *, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, secret=secret or is_secret(str(name)))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner, secret=secret)
    elif secret and isinstance(value, str):
        yield value


def is_secret(name: str) -> bool:
    """Whether an option of this name, or a parameter of an address, is a credential's."""
    return _OPTION.search(name) is not None


def scrub(text: str, secrets: set[str]) -> str:
    """A text with every secret, and the user and password of any URL, blackened."""
    # The longest first: a secret may be the beginning of another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _without_userinfo(text)


def without_passwords(text: str) -> str:
    """A text with the password of a URL in it blackened; users, as containers, stay."""
    return _without_userinfo(text, keep_user=True)


def without_credentials(text: str) -> str:
    """A text with what is secret in every URL blackened, in its parameters too."""
    # What quotes are around is the whole address, with any blanks in it.
    text = _QUOTED.sub(lambda found: _without_query(found[0], _QUOTED_QUERY), text)
    return _without_query(_without_userinfo(text), _QUERY)


def without_secrets(text: str) -> str:
    """A text, such as a source, with the common secrets blackened.

    Args:
        text: What is to be kept. Blackened are what :func:`without_credentials` does,
            texts assigned to names of keys, tokens and passwords (``api_key = "…"``,
            ``"password": "…"``, ``%env API_KEY=…``), and tokens of well-known forms.
    """
    text = _ASSIGNED.sub(_without_assigned, without_credentials(text))
    text = _SHELL_LINE.sub(lambda line: _IN_SHELL.sub(rf"\1{MASK}", line[0]), text)
    return _KNOWN.sub(MASK, _IN_STRING.sub(rf"\1{MASK}", text))


def without_secret_values(name: str, value: Any) -> Any:
    """A value of JSON, kept under a name, with the secrets in its texts blackened."""
    if isinstance(value, dict):
        return {key: without_secret_values(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secret_values(name, inner) for inner in value]
    if not isinstance(value, str):
        return value
    return MASK if value and _SECRET_NAME.search(name) else without_secrets(value)


def _without_assigned(found: re.Match[str]) -> str:
    # A word that a text was cut into is also called a token.
    if "token" in found[1].lower() and re.search(r"^.{1,7}$|[\s<>]", found[3]):
        return found[0]
    return f"{found[1]}{found[2]}{MASK}{found[2]}"


def _without_userinfo(text: str, *, keep_user: bool = False) -> str:
    def blacken(found: re.Match[str]) -> str:
        start, user, password = found.groups()
        if password is None:
            return found[0] if keep_user else f"{start}{MASK}@"
        if _PORT.match(start + password):  # and no user's name before it, but a host's
            rest = found[0][found.start(3) - found.start() :]
            return f"{start}{user}:{_without_userinfo(rest, keep_user=keep_user)}"
        return f"{start}{user}:{MASK}@" if keep_user else f"{start}{MASK}@"

    return _USERINFO.sub(blacken, text)


def _without_query(text: str, parameter: re.Pattern[str]) -> str:
    def blacken(found: re.Match[str]) -> str:
        kept = found[0].removesuffix(found["value"])
        return f"{kept}{MASK}" if is_secret(found["name"]) else found[0]

    return parameter.sub(blacken, text)


def tells(error: BaseException | None, secrets: set[str]) -> bool:
    """Whether a traceback of this error, its causes included, shows a secret."""
    while error is not None:
        text = f"{error} {error!r}"
        if scrub(text, secrets) != text:
            return True
        error = error.__cause__ or error.__context__
    return False
