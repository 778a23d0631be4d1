"""Names and values of tags, as rows have them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from artigraph.codec.any import ANY
from artigraph.codec.base import EncodingContext, LoadedChildren
from artigraph.display.escape import cut
from artigraph.errors import SerializationError, TagError
from artigraph.filter.tag import VALUE
from artigraph.orm.base import is_clean
from artigraph.orm.tag import TAG_NAME_LENGTH
from artigraph.types.scalar import without_numpy
from artigraph.types.sort_key import KEY_LENGTH, key_of_value

__all__ = ["LONGEST_VALUE", "MOST_TAGS", "StoredTag", "check_name", "stored_tags", "value_of"]

LONGEST_VALUE = 10_000
"""Characters of a value as JSON."""
MOST_TAGS = 100
"""Tags that one call sets."""

_SIGNS = '=<>!~"'
"""What ends a name where one is typed, as in ``tag:stage=prod``."""


@dataclass(frozen=True, slots=True)
class StoredTag:
    """A tag as its row has it."""

    name: str
    value: dict[str, Any] | None
    key: str
    digest: str


def check_name(name: object) -> str:
    """A tag's name, as it was given.

    Raises:
        TagError: It is none.
    """
    if not isinstance(name, str):
        raise TagError(
            f"A tag's name is a text, not {name!r} ({type(name).__name__}). Nothing was changed. "
            "Say tag_nodes(filter, {'stage': 'prod'})."
        )
    shown = cut(repr(name), 80)
    if not 0 < len(name) <= TAG_NAME_LENGTH:
        raise TagError(
            f"A tag's name has 1 to {TAG_NAME_LENGTH} characters; {shown} has {len(name)}. "
            "Nothing was changed. Keep what is long as its value, or in a model."
        )
    if name.startswith("#"):
        raise TagError(
            f"The tag {shown} begins with #, which only searches write. Nothing was changed. "
            f"Call it {cut(repr(name.lstrip('#')), 80)}: #{cut(name.lstrip('#'), 60)} finds it."
        )
    if name.strip() != name or not is_clean(name) or not all(map(_is_seen, name)):
        raise TagError(
            f"The tag {shown} begins or ends with a blank, or holds a character that nobody sees. "
            f"Nothing was changed. Call it {cut(repr(_seen(name)), 80)}."
        )
    if found := set(name) & set(_SIGNS):
        raise TagError(
            f"The tag {shown} holds {' and '.join(map(repr, sorted(found)))}, which ends a name in "
            "tag:stage=prod. Nothing was changed. Leave it out, or make it a tag with a value, as "
            "in {'stage': 'prod'}."
        )
    return name


def _is_seen(character: str) -> bool:
    return character.isprintable()


def _seen(name: str) -> str:
    return "".join(filter(_is_seen, name)).strip() or "stage"


def stored_tags(tags: object) -> list[StoredTag]:
    """Tags as their rows have them.

    Args:
        tags: Names with values.

    Raises:
        TagError: A name is none, a value would not come back equal, is too long or wants a row
            of its own; or there are no tags, or very many.
    """
    if not isinstance(tags, Mapping):
        raise TagError(
            f"Tags are a dict of names with values, as in {{'stage': 'prod', 'best': None}}, not "
            f"{cut(repr(tags), 80)}. Nothing was changed."
        )
    if not 0 < len(tags) <= MOST_TAGS:
        raise TagError(
            f"One call sets 1 to {MOST_TAGS} tags, not {len(tags):,}. Nothing was changed. "
            "Keep many values in a model, or one tag with a dict."
        )
    return [_stored(check_name(name), without_numpy(value)) for name, value in tags.items()]


def _stored(name: str, value: object) -> StoredTag:
    called = f"The tag {name!r}"
    context = EncodingContext("tag", name)
    try:
        encoded = ANY.encode(value, context)
        text = json.dumps(encoded, sort_keys=True, separators=(",", ":"))
    except SerializationError as error:
        why = str(error).removesuffix(" Nothing was written.").removesuffix(f" {error.fix}")
        raise TagError(
            f"{called} cannot have this value. {why} Nothing was changed. A tag's value is a text, "
            "a number, a bool, a moment, None, or a small list or dict of these: convert it, or "
            "write it below the node as a model or an artifact."
        ) from error
    if context.children:
        raise TagError(
            f"{called} cannot have a value of {type(value).__qualname__}, or with such a one in "
            "it: it wants a row of its own. Nothing was changed. Write it below the node, with "
            "write_model() or write_artifact()."
        )
    if len(text) > LONGEST_VALUE:
        raise TagError(
            f"{called} has a value of {len(text):,} characters as JSON, and may have "
            f"{LONGEST_VALUE:,}. Nothing was changed. Write what is long as a model or an artifact "
            "below the node."
        )
    key = key_of_value(value)
    # What compares equal, such as 1 and 1.0, is one value of an alias.
    same = key if key[:1] not in ("", "!") and len(key) < KEY_LENGTH else text
    digest = sha256(same.encode(errors="surrogatepass")).hexdigest()
    return StoredTag(name, None if value is None else {VALUE: encoded}, key, digest)


def value_of(stored: object) -> Any:
    """The value of a row's document.

    What somebody else has written there, and no codec reads, is given as it stands.
    """
    if type(stored) is not dict or VALUE not in stored:
        return stored
    try:
        return ANY.decode(stored[VALUE], LoadedChildren())
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError):
        return stored[VALUE]
