"""Which part of a store's address is its name, and which says who asks.

The name of a storage is written to the database, so it holds no credential.
This is about text only; nothing is opened.

* the query of a URL is taken for options and never becomes part of a name
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from typing import Any

from artigraph.errors import StorageURLError

__all__ = ["endpoint_of", "local_path", "public_url", "without_userinfo"]

_LOCAL = re.compile(r"(file|local):(//)?")
_LINK = re.compile(r"(?P<protocol>[\w.+-]+)://(?P<host>[^/?]*)(?P<rest>.*)", re.DOTALL)

# A part before "@" names a container here, not a person.
_CONTAINERS = {"abfs", "abfss", "adl", "az", "wasb", "wasbs"}
# "@" in these would be taken for a part of the bucket's name and sent to the server.
_BUCKETS = {"s3", "s3a", "gs", "gcs"}
# Options that say where bytes lie, so that two storages differ by them.
_WHERE = {"account_host", "account_name", "base_url", "endpoint_url", "fo", "host", "port", "repo"}
_NESTED = {"client_kwargs", "target_options"}


def local_path(url: str) -> str | None:
    """The absolute path that a local URL or a plain path means, else None."""
    local = _LOCAL.match(url)
    if local is None and "://" in url:
        return None
    return os.path.abspath(os.path.expanduser(url[local.end() :] if local else url))


def without_userinfo(url: str) -> str:
    """A URL without ``user:password@``, in every link of a chained one.

    Raises:
        StorageURLError: The credentials cannot be told from the rest.
    """
    return "::".join(_strip(link) for link in url.split("::"))


def _strip(link: str) -> str:
    match = _LINK.fullmatch(link)
    if match is None:
        return link
    protocol, host, rest = match["protocol"], match["host"], match["rest"]
    userinfo, at, after = host.rpartition("@")
    # Neither message quotes the URL: it holds the password.
    if at and protocol in _BUCKETS:
        raise StorageURLError(
            f"A {protocol}:// URL takes no credentials before the bucket. "
            "Pass them as options, such as key= and secret=, or leave them to the environment."
        )
    if not at and ":" in host and "@" in rest:
        raise StorageURLError(
            f"The password in a {protocol}:// URL holds a '/' or a '?'. Percent-encode it "
            "with urllib.parse.quote(password, safe=''), or pass it as an option."
        )
    keep = f"{userinfo}@" if at and protocol in _CONTAINERS and ":" not in userinfo else ""
    return f"{protocol}://{keep}{after}{rest}"


def public_url(url: str) -> str:
    """The part of a URL that may be shown: no credentials, no query."""
    links = (link.partition("?")[0] for link in without_userinfo(url).split("::"))
    # "memory://" keeps its slashes.
    return re.sub(r"(?<![:/])/+$", "", "::".join(links))


def endpoint_of(options: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Those options that say where the bytes are, as against who asks and how."""
    found = {name: str(value) for name, value in options.items() if name in _WHERE}
    for name in _NESTED & options.keys():
        if isinstance(options[name], Mapping):
            found.update(endpoint_of(options[name]))
    return tuple(sorted(found.items()))
