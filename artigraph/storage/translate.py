"""A store's own errors, turned into ours and cleared of secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from artigraph.errors import ArtigraphError, BlobNotFoundError, MissingLibraryError, StorageError
from artigraph.storage.base import Storage
from artigraph.storage.redact import scrub, tells

__all__ = ["translated"]


@contextmanager
def translated(
    storage: Storage,
    asked: str,
    missing: tuple[str, BlobNotFoundError] | None,
    secrets_of_storage: Callable[[], set[str]],
    install: str,
) -> Iterator[None]:
    """Turn whatever a store raises in a block into an error of ours.

    Args:
        storage: Whom to name.
        asked: What was asked, as in "Could not {asked} <the storage>".
        missing: The location and the error if the store finds no file.
        secrets_of_storage: What must not be shown.
        install: What to say of a missing library.
    """
    try:
        yield
    except ArtigraphError:
        raise
    except Exception as error:
        secrets = secrets_of_storage()
        answer = scrub(f"{type(error).__name__}: {error}".rstrip(": "), secrets)
        translated: ArtigraphError
        if isinstance(error, ImportError):
            translated = MissingLibraryError(
                f"{storage!r} needs a library that is not installed ({answer}). {install}"
            )
        elif missing is not None and isinstance(error, FileNotFoundError):
            location, translated = missing
            # Worth reading when it names something else, such as a missing bucket.
            if location not in answer:
                translated = BlobNotFoundError(f"{translated} The store answered: {answer}")
        else:
            translated = StorageError(
                f"Could not {asked} {storage!r}. The store answered: {answer}"
            )
        # A traceback shows the causes as well, so those with a secret are cut off.
        raise translated from (None if tells(error, secrets) else error)
