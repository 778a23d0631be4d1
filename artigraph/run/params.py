"""What a run was given: parameters that JSON can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from artigraph.display.escape import cut, visible
from artigraph.errors import RunError
from artigraph.orm.base import is_clean
from artigraph.redact import without_secret_values
from artigraph.types.scalar import without_numpy

__all__ = ["as_params"]

LONGEST = 1_000_000
"""Characters of all parameters of a run, as JSON."""


def as_params(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a run keeps them: plain values, with passwords and the like blackened.

    Args:
        given: Values by name: numbers, texts, bools, ``None``, and lists and dicts of these;
            NumPy's scalars are taken for plain ones.

    Raises:
        RunError: A value that JSON cannot hold, or too much in all. It names the parameter.
    """
    params = {name: _as_param(name, value) for name, value in given.items()}
    # First: to blacken secrets takes a while.
    if (size := len(json.dumps(params))) > LONGEST:
        raise RunError(
            f"The parameters have {size:,} characters in all, and a run keeps {LONGEST:,} at the "
            "most. Keep large values with run.keep(name=value)."
        )
    return {name: without_secret_values(name, value) for name, value in params.items()}


def _as_param(name: str, value: object) -> Any:
    plain = without_numpy(value)
    try:
        text = json.dumps(plain, allow_nan=False)
        same = json.loads(text)
        orjson.dumps(same)  # as it is written: no whole number of more than 64 bits
    except (TypeError, ValueError, RecursionError):
        raise RunError(
            f"The parameter {visible(name, 60)!r} is {cut(repr(value), 80)}, a "
            f"{type(value).__name__} that JSON cannot hold. Give a number, a text, a bool, None, "
            f"or a list or dict of these, as in str(…); run.keep({visible(name, 60)}=…) keeps "
            "anything else."
        ) from None
    if not is_clean(name) or not _is_clean(same):
        raise RunError(
            f"The parameter {visible(name, 60)!r} has a NUL or a lone surrogate in it, which no "
            "database keeps. Leave it out, as in text.replace('\\0', '')."
        )
    return same


def _is_clean(value: object) -> bool:
    if isinstance(value, str):
        return is_clean(value)
    if isinstance(value, dict):
        return all(is_clean(key) and _is_clean(inner) for key, inner in value.items())
    return not isinstance(value, list) or all(map(_is_clean, value))
