r"""Documents taken apart into columns, without a model being made.

Fields, the keys of dicts and the fields of nested models are columns of their
own, as ``params.depth``. Each column is a few pieces, the values of some rows
that are stored in one way. What fits no column of one type stays whole.

In a key ``.`` is written ``\.`` and ``\`` is ``\\``; an empty key is ``\0``. A field
that is called like a column of the row has a dot before it: ``.path``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import orjson
from typing_extensions import override

from artigraph.codec.annotation import codec_of_schema
from artigraph.codec.any import ANY
from artigraph.codec.base import TAG, EncodingContext, LoadedChild, LoadedChildren, Schema
from artigraph.display.escape import cut
from artigraph.errors import ArtigraphError, DeserializationError, FilterError
from artigraph.export.document import WHO_COLUMNS, Nested
from artigraph.export.untag import REF, UNREADABLE, bare, content_of, resolve
from artigraph.types.scalar import SCALARS_BY_TYPE, TEXT

__all__ = [
    "MOST_COLUMNS",
    "ROW_COLUMNS",
    "BlobInside",
    "Name",
    "Piece",
    "Pieces",
    "TooManyColumnsError",
    "column_name",
    "text_of",
]

Name: TypeAlias = tuple[str, ...]
"""A column's field, with the keys that lead further in."""

ROW_COLUMNS = (
    "node_id",
    "node_label",
    "node_parent_id",
    "node_created_at",
    "node_updated_at",
    "model_type",
    "model_version",
    "path",
)
"""The columns that every frame of models has."""

MOST_COLUMNS = 10_000
"""Ids as the keys of dicts would fill any memory with missing values."""


def column_name(name: Name) -> str:
    """What a column is called; see the module for how keys are written."""
    text = ".".join(_escape(key) for key in name)
    return f".{text}" if name[0] in (*ROW_COLUMNS, *WHO_COLUMNS) else text


def _escape(key: str) -> str:
    return key.replace("\\", "\\\\").replace(".", "\\.") or "\\0"


class BlobInside(Exception):  # noqa: N818  # it says what was found, and is no error
    """A value holds a frame, an array or another value in a row of its own."""


class TooManyColumnsError(FilterError):
    """The models that a frame is made of have more columns than it may have.

    Args:
        names: Those that were found until then.
        most: How many there may be.
    """

    def __init__(self, names: Iterable[Name], most: int) -> None:
        field, count = Counter(name[0] for name in names).most_common(1)[0]
        super().__init__(
            f"The models have more than {most:,} columns, {count:,} or more of them in the "
            f"field {cut(repr(field), 80)}. Name other fields: read_frame(filter, columns=[…])."
        )


@dataclass(slots=True)
class Piece:
    """Values of one column that are stored in one way."""

    rows: Sequence[int]
    """Where in the chunk they stand."""
    values: Sequence[Any]
    """As they are stored, without the objects that name a kind; lists may hold some."""
    schema: Schema
    """How they are stored."""
    owners: Sequence[int]
    """The ids of the models that they belong to."""
    nested: Nested
    whole: bool = False
    """Whether they have no plain form."""

    def as_json(self) -> list[str | None]:
        """Each value as JSON that ``codec.any.ANY`` reads back.

        Raises:
            BlobInside: One of them is not in the document at all.
        """
        return [
            None if value is None else text_of(self._read(value, owner))
            for value, owner in zip(self.values, self.owners, strict=True)
        ]

    def _read(self, value: object, owner: int) -> object:
        try:
            return codec_of_schema(self.schema).decode(value, _Children(self.nested, owner))
        except (ArtigraphError, *UNREADABLE):
            # Whatever it was, it is shown as it stands.
            return value


class Fields(dict[str, Any]):
    """A model's fields; as the model may, they may stand in a set."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # a dict has none


class _Children(LoadedChildren):
    """The models below a model, as dicts of their fields."""

    def __init__(self, nested: Nested, owner: int) -> None:
        self._nested, self._below = nested, dict(nested.get(owner, {}))

    @override
    def take(self, label: object) -> LoadedChild:
        found = self._below.pop(str(label), None)
        if found is None:
            raise BlobInside
        node_id, text = found
        parts = _Children(self._nested, node_id)
        document = parse(text, node_id)
        schemas = _schemas(document)
        return LoadedChild(
            Fields(
                (field, codec_of_schema(schemas.get(field)).decode(stored, parts))
                for field, stored in document.items()
                if field != TAG
            )
        )


def text_of(value: object) -> str:
    """A Python value as JSON that says itself what it is."""
    # What is read may be nested deeper than what was written, models in lists in models.
    return orjson.dumps(
        ANY.encode(_simple(value), EncodingContext("", "", depth=-1_000_000))
    ).decode()


def _simple(value: object) -> object:
    """A value as an array of its own kind would give it back."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_simple(item) for item in value]
    if isinstance(value, dict):
        if any(isinstance(key, Fields) for key in value):
            return [[_simple(key), _simple(item)] for key, item in value.items()]
        return {key: _simple(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.replace(fold=0) if value.tzinfo is None else value.astimezone(UTC)
    scalar = SCALARS_BY_TYPE.get(type(value))
    is_text = scalar is not None and scalar.arrow == TEXT.arrow and not scalar.native
    return scalar.write(value) if scalar is not None and is_text else value


def parse(text: str | bytes | None, node_id: int) -> dict[str, Any]:
    """A document out of the database.

    Raises:
        DeserializationError: It is no JSON object.
    """
    try:
        document = orjson.loads(text or "null")
    except (orjson.JSONDecodeError, TypeError):
        document = None
    if type(document) is not dict:
        raise DeserializationError(
            f"The document of the model in node {node_id} is no JSON object. "
            "The row was not written by artigraph, or was changed since."
        )
    return document


class Pieces:
    """The columns of a chunk of models.

    Args:
        nested: The models below them.
        wants: Whether a field is wanted; the others are only named.
        most: How many columns there may be.
    """

    def __init__(
        self, nested: Nested, wants: Callable[[str], bool], most: int = MOST_COLUMNS
    ) -> None:
        self.columns: dict[Name, list[Piece]] = {}
        """The columns; one without a piece has no value in this chunk."""
        self.blobs: dict[Name, None] = {}
        """The columns with values that are not in a document."""
        self.fields: dict[str, None] = {}
        """All fields of the models themselves, wanted or not."""
        self.unreadable: dict[int, str] = {}
        """Models by their ids whose documents are none, and their fields missing: why."""
        self._nested, self._wants, self._most = nested, wants, most

    def add_models(self, node_ids: Sequence[int], texts: Sequence[str | None]) -> None:
        """Take the documents of models apart.

        Args:
            node_ids: Their ids.
            texts: Their documents.

        Raises:
            TooManyColumnsError: They have more columns than there may be.
        """
        documents = _parse_all(texts)
        if documents is None:
            # One by one, to see which it is.
            pairs = zip(texts, node_ids, strict=True)
            documents = [self._parse(text, owner) for text, owner in pairs]
        self._add_documents((), range(len(texts)), node_ids, documents)

    def _parse(self, text: str | None, node_id: int) -> dict[str, Any]:
        try:
            return parse(text, node_id)
        except DeserializationError as error:
            self.unreadable[node_id] = str(error)
            return {}

    def _add_documents(
        self,
        prefix: Name,
        rows: Sequence[int],
        owners: Sequence[int],
        documents: Sequence[dict[str, Any]],
    ) -> None:
        schemas = [document.get(TAG) for document in documents]
        # One version of one class wrote most chunks.
        if schemas.count(schemas[0]) < len(schemas):
            groups: dict[bytes, list[int]] = {}
            for i, schema in enumerate(schemas):
                groups.setdefault(orjson.dumps(schema), []).append(i)
            for group in groups.values():
                self._add_documents(
                    prefix,
                    [rows[i] for i in group],
                    [owners[i] for i in group],
                    [documents[i] for i in group],
                )
            return
        described = _schemas(documents[0])
        shapes = dict.fromkeys(map(tuple, documents))
        # The class's own order has come first; not every database has that of the document.
        fields = dict.fromkeys(sorted(set(chain.from_iterable(shapes)) - {TAG}))
        if not prefix:
            self.fields |= fields
        for field in fields:
            if prefix or self._wants(field):
                get = itemgetter(field) if len(shapes) == 1 else _getter(field)
                values = list(map(get, documents))
                self._add((*prefix, field), rows, owners, values, bare(described.get(field)))

    def _add(
        self,
        name: Name,
        rows: Sequence[int],
        owners: Sequence[int],
        values: Sequence[Any],
        schema: Schema,
    ) -> None:
        pieces = self.columns.get(name)
        if pieces is None:
            # Before there are arrays of them; and a part that is referred to again and again
            # would double them each time.
            if len(self.columns) == self._most:
                raise TooManyColumnsError(self.columns, self._most)
            pieces = self.columns[name] = []
        kinds = set(map(type, values))
        if dict not in kinds:
            if kinds != {type(None)}:
                pieces.append(Piece(rows, values, schema, owners, self._nested))
            return
        groups: dict[Any, Piece] = {}
        objects: dict[Any, Piece] = {}
        models = Piece([], [], None, [], self._nested)
        for row, owner, value in zip(rows, owners, values, strict=True):
            if value is None:
                continue
            how, plain, whole = resolve(value, schema)
            if how is REF:
                found = self._nested.get(owner, {}).get(str(plain))
                if found is None:
                    self.blobs[name] = None
                    continue
                piece, (owner, text) = models, found
                plain = self._parse(text, owner)
            else:
                key = (how if isinstance(how, str) else id(how), whole)
                kept = objects if isinstance(plain, dict) and not whole else groups
                piece = kept.get(key) or kept.setdefault(
                    key, Piece([], [], how, [], self._nested, whole)
                )
            growing: Any = piece  # of lists, as all that are made here
            growing.rows.append(row)
            growing.owners.append(owner)
            growing.values.append(plain)
        pieces += groups.values()
        for piece in objects.values():
            self._add_object(name, piece)
        if models.rows:
            self._add_documents(name, models.rows, models.owners, models.values)

    def _add_object(self, name: Name, objects: Piece) -> None:
        by_key: dict[str, tuple[list[int], list[int], list[Any]]] = {}
        for row, owner, value in zip(objects.rows, objects.owners, objects.values, strict=True):
            for key, inner in value.items():
                cells = by_key.get(key)
                if cells is None:
                    cells = by_key[key] = ([], [], [])
                cells[0].append(row)
                cells[1].append(owner)
                cells[2].append(inner)
        schema = bare(content_of(objects.schema, "dict", 2))
        for key, (rows, owners, values) in by_key.items():
            self._add((*name, key), rows, owners, values, schema)


def _getter(field: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document.get(field)


def _parse_all(texts: Sequence[str | None]) -> list[dict[str, Any]] | None:
    try:
        documents = [orjson.loads(text or "") for text in texts]  # none at all is refused
    except (orjson.JSONDecodeError, TypeError):
        return None
    return documents if set(map(type, documents)) == {dict} else None


def _schemas(document: Mapping[str, Any]) -> Mapping[str, Schema]:
    schemas = document.get(TAG)
    return schemas if type(schemas) is dict else {}
