"""Every exception of artigraph, drawn as a tree.

Each inherits :class:`ArtigraphError` and the builtin that a caller would
catch by habit, so ``except LookupError`` finds a missing node as well. Four warnings are
artigraph's, too: ``UnfitArtifactWarning``, and ``UnfitModelWarning``, which is one of it;
``UnfitValueWarning`` and ``SeriesWarning``.

::

    ArtigraphError
    ├── NoEngineError (RuntimeError)            no database was named
    ├── EngineURLError (ValueError)             the database's address is unusable
    ├── SchemaError (LookupError)               tables or columns are missing, or of another type
    ├── DatabaseBusyError (TimeoutError)        another transaction was in the way
    ├── ConnectionLostError (ConnectionError)   the database went away
    ├── DatabaseRefusedError (RuntimeError)     a statement that the database does not take
    ├── TransactionFailedError (RuntimeError)   a session that cannot be committed
    ├── OtherStoreError (ValueError)            a node or handle of another database
    ├── ReadOnlyError (PermissionError)         a write to what can only be read
    ├── NodeNotFoundError (LookupError)         nothing matched
    │   └── ParentNotFoundError                 the node to hang something on is gone
    ├── MultipleNodesFoundError (LookupError)   more than one matched
    ├── LabelError (ValueError)                 a label that no database could hold
    │   └── LabelExistsError                    the label is taken under its parent
    ├── RunError (ValueError)                   what a run cannot keep or do
    │   └── RunBusyError                        another process runs it
    ├── TagError (ValueError)                   a tag's name or value that cannot be
    ├── SeriesError (TypeError, ValueError)     a value, a step or a name that no curve has
    ├── SeriesTakenError (RuntimeError)         somebody else writes the curves of this node
    ├── CycleError (ValueError)                 a node would become its own ancestor
    ├── NodeTypeError (TypeError)               a node class that cannot be, or whose name is taken
    ├── FilterError (TypeError, ValueError)     a question that makes no sense
    ├── SerializationError (TypeError)          a value that would not come back equal
    ├── DeserializationError (ValueError)       stored bytes or JSON that cannot be read
    ├── PartError (LookupError, ValueError)     a part that a frame or array lacks
    ├── OptionError (AttributeError, ValueError) a setting that there is not, or that cannot be
    ├── ModelDefinitionError (TypeError)        a model class that cannot be
    ├── ModelVersionError (ValueError)          a stored version without a migration
    ├── UnknownModelError (LookupError)         a stored model without a class
    ├── UnknownNameError (LookupError)          a name that nobody registered
    │   ├── UnknownSerializerError
    │   └── UnknownStorageError
    ├── NameTakenError (ValueError)             a name, or a uid, of something else
    ├── MissingLibraryError (ImportError)       an optional library is not installed
    └── StorageError (OSError)                  an object store failed
        ├── StorageURLError (ValueError)        the store's address is unusable
        ├── BlobNotFoundError (FileNotFoundError)
        ├── BlobLocationError (ValueError)      a location outside the storage's root
        └── CorruptBlobError (ValueError)       the bytes are not those that were written
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn, TypeVar

__all__ = [
    "ArtigraphError",
    "BlobLocationError",
    "BlobNotFoundError",
    "ConnectionLostError",
    "CorruptBlobError",
    "CycleError",
    "DatabaseBusyError",
    "DatabaseRefusedError",
    "DeserializationError",
    "EngineURLError",
    "FilterError",
    "LabelError",
    "LabelExistsError",
    "LockedError",
    "MissingLibraryError",
    "ModelDefinitionError",
    "ModelVersionError",
    "MultipleNodesFoundError",
    "NameTakenError",
    "NoEngineError",
    "NodeNotFoundError",
    "NodeTypeError",
    "OptionError",
    "OtherStoreError",
    "ParentNotFoundError",
    "PartError",
    "ReadOnlyError",
    "RunBusyError",
    "RunError",
    "SchemaError",
    "SerializationError",
    "SeriesError",
    "SeriesTakenError",
    "SeriesWarning",
    "StorageError",
    "StorageURLError",
    "TagError",
    "TransactionFailedError",
    "UnfitArtifactWarning",
    "UnfitModelWarning",
    "UnfitValueWarning",
    "UnknownModelError",
    "UnknownNameError",
    "UnknownSerializerError",
    "UnknownStorageError",
    "ValueDroppedError",
    "error_about",
    "raise_about",
    "typed_in_magics",
]


class ArtigraphError(Exception):
    """Base of every error that artigraph raises on purpose."""

    in_magics: Mapping[str, str] = MappingProxyType({})
    """What the message says to type in Python, each with what a magic's line says instead."""


class NoEngineError(ArtigraphError, RuntimeError):
    """No engine was set, so there is no database to talk to."""


class EngineURLError(ArtigraphError, ValueError):
    """The address of a database cannot be used."""


class SchemaError(ArtigraphError, LookupError):
    """The database lacks tables or columns, has others in their place, or is of another version."""

    can_upgrade = False
    """Whether it is older, so that ``upgrade_schema()`` is all it takes."""


class LockedError(ArtigraphError, PermissionError):
    """A node is locked, and so is all below it: it is neither changed, moved nor deleted."""


class ValueDroppedError(ArtigraphError, LookupError):
    """The bytes of a value were given up; its row, digest and summary are still there."""


class DatabaseBusyError(ArtigraphError, TimeoutError):
    """Another transaction was in the way: it held a lock for too long, or had to win."""

    is_conflict = False
    """Whether the two were at the same rows at once, so that running it again is all it takes."""


class ConnectionLostError(ArtigraphError, ConnectionError):
    """The database cannot be reached any more; the message says what was written."""


class DatabaseRefusedError(ArtigraphError, RuntimeError):
    """A statement that the database does not take; the driver's error is its ``__cause__``.

    A disk is full, say, or a constraint of your own is broken.
    """


class TransactionFailedError(ArtigraphError, RuntimeError):
    """A session whose transaction the database has given up: nothing of it was written."""


class OtherStoreError(ArtigraphError, ValueError):
    """Something that is of another database than the one in use."""


class ReadOnlyError(ArtigraphError, PermissionError):
    """A write to a database that this user, or its address, can only read."""


class NodeNotFoundError(ArtigraphError, LookupError):
    """No node matched a filter."""


class ParentNotFoundError(NodeNotFoundError):
    """The node that something should hang on does not exist."""


class MultipleNodesFoundError(ArtigraphError, LookupError):
    """Several nodes matched a filter where one was asked for."""


class LabelError(ArtigraphError, ValueError):
    """A label that cannot be stored: empty, too long, or with a NUL."""


class LabelExistsError(LabelError):
    """A label that another node under the same parent has already."""


class RunError(ArtigraphError, ValueError):
    """What a run cannot keep, or cannot do any more."""


class RunBusyError(RunError):
    """A run that another process runs, or has gone on with meanwhile."""


class TagError(ArtigraphError, ValueError):
    """A tag's name or value that cannot be, or a node that cannot have it."""


class SeriesError(ArtigraphError, TypeError, ValueError):
    """A value, a step or a name that no curve has; nothing of that call was logged."""


class SeriesTakenError(ArtigraphError, RuntimeError):
    """Somebody else writes the curves of this node, and there is one writer at a time."""


class CycleError(ArtigraphError, ValueError):
    """A relationship that would make a node its own ancestor."""


class NodeTypeError(ArtigraphError, TypeError):
    """A node class that cannot be defined or written, such as a second one of its identity."""


class FilterError(ArtigraphError, TypeError, ValueError):
    """A filter that was built with an unknown key or an impossible value."""


class SerializationError(ArtigraphError, TypeError):
    """A value that would not come back equal, refused before anything is written."""

    fix = ""
    """What to do about a field's value, in the message; of a tag it would be no help."""


class DeserializationError(ArtigraphError, ValueError):
    """Stored bytes or JSON that cannot be turned back into a value."""


class PartError(ArtigraphError, LookupError, ValueError):
    """A part that a stored frame or array does not have."""


class OptionError(ArtigraphError, AttributeError, ValueError):
    """A setting of ``artigraph.options`` that there is not, or a value that it cannot have."""


class ModelDefinitionError(ArtigraphError, TypeError):
    """A model class that cannot be defined as written."""


class ModelVersionError(ArtigraphError, ValueError):
    """A model was stored at another version and its class cannot migrate it."""


class UnknownModelError(ArtigraphError, LookupError):
    """A model was stored whose class is not defined here."""


class UnknownNameError(ArtigraphError, LookupError):
    """A name was looked up that nobody registered."""


class UnknownSerializerError(UnknownNameError):
    """A serializer's name that nobody registered."""


class UnknownStorageError(UnknownNameError):
    """A storage's name that nobody registered."""


class NameTakenError(ArtigraphError, ValueError):
    """A name that is registered for something else already, or a uid that is another row's."""


class MissingLibraryError(ArtigraphError, ImportError):
    """An optional library is needed for this and is not installed."""


class StorageError(ArtigraphError, OSError):
    """An object store failed or was misused."""


class StorageURLError(StorageError, ValueError):
    """The address of an object store cannot be used."""


class BlobNotFoundError(StorageError, FileNotFoundError):
    """No blob at that location."""


class BlobLocationError(StorageError, ValueError):
    """A location that this storage did not make, such as one outside its root."""


class CorruptBlobError(StorageError, ValueError):
    """A blob whose bytes are not those that were written."""


class UnfitArtifactWarning(UserWarning):
    """Stored values that a listing has handles of, since they cannot be read.

    It says how many, and why; ``strict=True`` makes it an error.
    """


class UnfitModelWarning(UnfitArtifactWarning):
    """Stored models that a listing has as ``UnknownModel``, since they cannot be made.

    It says how many of which version, and why; ``strict=True`` makes it an error.
    """


class SeriesWarning(UserWarning):
    """Points of curves that could not be written so far, or that cannot be read.

    The former are kept in memory, and writing them is tried again until it succeeds; of the
    latter the rest of the curve is read. It says why, once.
    """


class UnfitValueWarning(UserWarning):
    """Fields of models that hold what they are not annotated as: written so, or before that.

    It says which field, what is annotated, what was found and what to type; once of each
    field of a class.
    """


_E = TypeVar("_E", bound=ArtigraphError)


def typed_in_magics(error: _E, in_magics: Mapping[str, str]) -> _E:
    """An error whose advice a magic gives in its own words.

    Args:
        error: Its message says what to type in Python.
        in_magics: Pieces of the message, each with what stands there behind a magic.
    """
    error.in_magics = in_magics
    return error


def error_about(row: str, error: Exception) -> Exception:
    """An error that says which of many rows it is about.

    Args:
        row: What the row is called: its node and label.
        error: One of artigraph's says so first; any other gets a note.
    """
    if type(error).__module__ != __name__:
        error.add_note(f"This is about: {row}")
        return error
    told = type(error)(f"{row}: {error}")
    if isinstance(error, ArtigraphError):
        told.in_magics = error.in_magics  # type: ignore[attr-defined]  # of the same class
    told.__cause__ = error
    return told


def raise_about(row: str, error: Exception) -> NoReturn:
    """Raise an error again that says which of many rows it is about; see :func:`error_about`."""
    raise error_about(row, error)
