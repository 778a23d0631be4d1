"""A model's fields as one JSON document, with references to the rows below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from artigraph.codec.annotation import codec_of_schema
from artigraph.codec.any import ANY
from artigraph.codec.base import NESTED, TAG, ChildValue, EncodingContext, LoadedChildren
from artigraph.codec.fields import Codecs
from artigraph.codec.misfit import Check, Misfits
from artigraph.dialect.order import ModelDocument
from artigraph.errors import ArtigraphError, DeserializationError, SerializationError
from artigraph.model.base import BaseModel, models_by_name
from artigraph.model.unknown import UnknownModel
from artigraph.orm.base import is_clean
from artigraph.storage.base import Storage

LOOKED_AT = 1000
"""Models of a class that one call looks at for values that do not fit. What an annotation has
left behind is in most of them, and to look at all takes a twentieth of a bulk read."""

NoteMisfit: TypeAlias = Callable[[type[BaseModel], Check, object], None]
"""Takes the class, what is checked, and the value that does not fit."""

__all__ = ["decoder_of", "encode_model", "readable_fields"]


def encode_model(
    model: BaseModel, storage: Storage | None = None, misfits: Misfits | None = None
) -> tuple[dict[str, Any], dict[str, ChildValue]]:
    """Turn a model into its document.

    Args:
        model: An instance of a class that has a version.
        storage: Where the bytes of its children go that name no storage; into the
            database, unless given.
        misfits: Takes note of values of other types than their fields are annotated as.

    Returns:
        The document, and by label the values that need rows of their own. Where
        a field is stored otherwise than JSON tells, the document says so under
        ``"$"``, so that it can be read without the class.

    Raises:
        SerializationError: A field would not come back equal, or has a name that
            no field can have.
    """
    if isinstance(model, UnknownModel):
        raise SerializationError(
            f"An UnknownModel cannot be written, for it may hold less than its row: "
            f"{model.name[:80]!r}, version {model.version}. Define its class so that it fits, "
            "and read the row again. Nothing was written."
        )
    if not isinstance(model, BaseModel):
        raise SerializationError(
            f"{model!r} ({type(model).__name__}) is no model. Write an instance of a DataModel."
        )
    cls = type(model)
    if cls.model_version is None:
        raise SerializationError(
            f"{cls.__name__} has no version, so it cannot be written. Declare one: "
            f"class {cls.__name__}(…, version=1)."
        )
    codecs = cls._model_codecs()
    encoders = codecs.encoders
    document = ModelDocument()
    children: dict[str, ChildValue] = {}
    context = EncodingContext(cls.model_name, "", children, 0, storage, misfits)
    if misfits is not None:
        misfits.begin(codecs.told_misfits)
    for name, value in model.model_data().items():
        encode = encoders.get(name)
        if encode is None:
            _check_name(cls.model_name, name)
            encode = ANY.encode
        context.path = name
        document[name] = encode(value, context)
    if len(document) < len(encoders):
        _check_whole(model)
    if codecs.told:
        document[TAG] = codecs.told
    return document, children


def _check_whole(model: BaseModel) -> None:
    """Refuse an instance that was made before its class had all of its fields.

    A class that is loaded again may be changed under its instances.
    """
    unset = model._unset_fields()
    if unset:
        name = type(model).__name__
        raise SerializationError(
            f"This {name} cannot be stored: it has no {', '.join(map(repr, unset))}. It was made "
            f"before its class had that, as when a module is loaded again. Make it anew with "
            f"{name}(…). Nothing was written."
        )


def _check_name(model: str, name: object) -> None:
    """Refuse a field that reading would take for something else; any class may name its own."""
    if isinstance(name, str) and name and name != TAG and is_clean(name):
        return
    raise SerializationError(
        f"A {model} cannot be stored: {name!r} can be no field's name. A name is a text "
        f"without NUL and lone surrogates, neither empty nor {TAG!r}. Nothing was written."
    )


def decoder_of(
    name: str, version: int, note_misfit: NoteMisfit | None = None
) -> Callable[[Any, LoadedChildren], Any]:
    """What turns documents back into models.

    Args:
        name: The models' name.
        version: The version of the class that wrote them.
        note_misfit: Called with a value of another type than its field is annotated as.

    Returns:
        A function of what :func:`encode_model` made, and of the values that have rows
        of their own, by label. It returns an instance of the class that has the name, or
        an ``UnknownModel`` if none has. It raises a ``ModelVersionError`` where another
        version wrote it, and the class cannot migrate it, and a ``DeserializationError``
        where the document is not what the class writes.
    """
    cls = models_by_name.get(name)
    codecs = cls._model_codecs() if cls is not None and version == cls.model_version else None
    decode = partial(_decode, name, version, cls, codecs)
    if codecs is None or cls is None or note_misfit is None or not _keeps_values(cls):
        return decode
    checks = [check for check in codecs.checks if check[0] not in codecs.told_misfits]
    return partial(decode, look=_look_at(checks, partial(note_misfit, cls))) if checks else decode


def _look_at(
    checks: Sequence[Check], note: Callable[[Check, object], None]
) -> Callable[[Mapping[str, Any]], None]:
    """What looks whether the fields of a document fit."""
    by_field = {check[0]: check for check in checks}
    # Almost every value is of the first of its types.
    usual = [(field, types[0]) for field, types, *_ in checks]
    left = LOOKED_AT

    def look(data: Mapping[str, Any]) -> None:
        nonlocal left
        if not left:
            return
        left -= 1
        for field, kind in usual:
            if type(value := data.get(field)) is not kind:
                _, types, fits, _ = check = by_field[field]
                if type(value) not in types and not fits(value):
                    note(check, value)

    return look


def _keeps_values(cls: type[BaseModel]) -> bool:
    """Whether instances have what is stored; a ``model_init`` of the class's own may convert it."""
    return cls.model_init.__module__.startswith("artigraph.")


def _decode(
    name: str,
    version: int,
    cls: type[BaseModel] | None,
    codecs: Codecs | None,
    document: Any,
    children: LoadedChildren,
    *,
    look: Callable[[Mapping[str, Any]], None] | None = None,
) -> Any:
    if not (isinstance(document, dict) and type(name) is str and type(version) is int):
        of_a_model = isinstance(document, dict)
        what = (
            "name and version of a stored model" if of_a_model else f"document of a stored {name}"
        )
        fault = "are no text and no number" if of_a_model else "is no JSON object"
        raise DeserializationError(
            f"The {what} {fault}. The row was not written by artigraph, or was changed since."
        )
    schemas = document.get(TAG, _NONE)
    data: dict[str, Any] = {}
    field = ""
    try:
        if codecs is not None:
            decoders = _decoders(codecs, schemas)
        else:
            decoders = {field: codec_of_schema(schema).decode for field, schema in schemas.items()}
        for field, stored in document.items():
            if field != TAG:
                decode = decoders.get(field) or (ANY.decode if type(stored) in NESTED else None)
                data[field] = decode(stored, children) if decode else stored
    except ArtigraphError:
        raise
    except _UNREADABLE as error:
        raise DeserializationError(
            f"The field {field!r} of a stored {name} cannot be read: {error}. "
            "The row was not written by artigraph, or was changed since."
        ) from error
    if cls is None:
        return UnknownModel(name, version, _by_name(data))
    made = cls.model_init(version, data)
    if look is not None:
        look(data)
    return made


def readable_fields(document: Any, children: LoadedChildren) -> dict[str, Any]:
    """The fields of a document, as far as it tells itself what they are.

    Args:
        document: What is stored, which may be anything.
        children: The values that have rows of their own, by label.

    Returns:
        Fields, sorted by name; one that cannot be read is as it is stored.
    """
    if not isinstance(document, dict):
        return {}
    schemas = document.get(TAG)
    data = {field: stored for field, stored in document.items() if field != TAG}
    for field, stored in data.items():
        with suppress(ArtigraphError, *_UNREADABLE):
            schema = schemas.get(field) if isinstance(schemas, dict) else None
            data[field] = codec_of_schema(schema).decode(stored, children)
    return _by_name(data)


def _by_name(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields in an order that does not depend on the database.

    Their class would tell that in which they were written, and not every database does.
    """
    return {field: fields[field] for field in sorted(fields)}


def _decoders(
    codecs: Codecs, schemas: Mapping[str, Any]
) -> Mapping[str, Callable[[Any, LoadedChildren], Any]]:
    """The class's own decoders, but for fields that were stored otherwise."""
    # Documents of earlier releases say nothing of bases.
    if schemas in (codecs.told, codecs.schemas):
        return codecs.decoders
    # The cell that defines the class was changed without a new version.
    return {
        field: (
            codecs.codec(field)
            if schemas.get(field) == codecs.schemas.get(field)
            else codec_of_schema(schemas.get(field))
        ).decode
        for field in {*codecs.decoders, *schemas}
    }


_NONE: Mapping[str, Any] = {}

_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
)
"""What reading a document that somebody changed may end in."""
