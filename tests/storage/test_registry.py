"""Storages by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from artigraph.errors import NameTakenError, UnknownStorageError
from artigraph.storage.aws import S3Storage
from artigraph.storage.base import get_storage, storages
from artigraph.storage.file import FileSystemStorage, TempFileStorage, temp_file_storage
from artigraph.storage.fsspec import FsspecStorage


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(storages, "loaded", {})


def test_a_registered_storage_is_found_by_name(tmp_path: Path) -> None:
    """The name in the database leads back to the storage."""
    storage = FileSystemStorage(tmp_path, name="results").register()
    assert get_storage("results") is storage
    assert "results" in storages.names()


def test_the_temporary_storage_is_known_without_an_import() -> None:
    """A fresh process finds the built-in storage by its stored name."""
    assert get_storage("artigraph-temp-file") is temp_file_storage
    assert temp_file_storage.name == "artigraph-temp-file"


def test_an_unknown_name_says_what_to_do() -> None:
    """The error names the nearest known storage and the way to make one known."""
    with pytest.raises(UnknownStorageError) as caught:
        get_storage("artigraph-temp-files")
    assert str(caught.value) == (
        "No storage is registered under the name 'artigraph-temp-files'. "
        "Did you mean 'artigraph-temp-file'? "
        "Import the model that uses it, or call register() on an instance of it."
    )


def test_a_name_from_the_database_is_never_imported() -> None:
    """A name that looks like a module is only looked up."""
    with pytest.raises(UnknownStorageError):
        get_storage("artigraph.storage.file:temp_file_storage")


def test_a_cell_that_runs_again_is_harmless() -> None:
    """An equal storage, with fresh credentials, may be registered again."""
    FsspecStorage("gs://bucket/runs", token="old").register()
    FsspecStorage("gs://bucket/runs", token="new").register()
    assert get_storage("gs://bucket/runs") == FsspecStorage("gs://bucket/runs")


def test_one_name_for_two_places_is_refused(tmp_path: Path) -> None:
    """Two folders cannot share a name, and the error shows whose it is."""
    FileSystemStorage(tmp_path / "one", name="results").register()
    with pytest.raises(NameTakenError, match="belongs to <FileSystemStorage 'results'>"):
        FileSystemStorage(tmp_path / "two", name="results").register()


def test_a_class_for_one_place_replaces_the_plain_one(tmp_path: Path) -> None:
    """As when the line that an error says to type ran first; a class of one's own is another."""
    for plain, own in (
        (FsspecStorage(f"file://{tmp_path}"), FileSystemStorage(tmp_path)),
        (FsspecStorage("s3://bucket/a", name="cloud"), S3Storage("bucket", "a", name="cloud")),
    ):
        assert plain == own
        assert hash(plain) == hash(own)
        plain.register()
        assert own.register() is own
        assert storages.get(own.name) is own

    class Sealed(FileSystemStorage):
        """It might write other bytes."""

    with pytest.raises(NameTakenError):
        Sealed(tmp_path).register()


def test_the_name_of_a_built_in_is_taken(tmp_path: Path) -> None:
    """Nobody else may be called as the temporary storage is."""
    with pytest.raises(NameTakenError, match="needs another name"):
        FileSystemStorage(tmp_path, name="artigraph-temp-file").register()
    assert TempFileStorage("artigraph-temp-file").register() == temp_file_storage


def test_looking_it_up_makes_no_folder(tmp_path: Path) -> None:
    """Importing, looking up and registering the temporary storage write nothing to disk."""
    code = """
from artigraph.storage.base import get_storage
import artigraph.storage.aws
storage = get_storage("artigraph-temp-file")
print(storage.register(), storage == storage, hash(storage) == hash(storage))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        cwd=os.getcwd(),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "<TempFileStorage 'artigraph-temp-file'> True True\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("library", ["s3fs", "boto3", "botocore", "aiohttp", "pandas"])
def test_naming_storages_imports_no_library(library: str) -> None:
    """Defining storages of every kind loads none of the libraries behind them."""
    code = f"""
import sys
from artigraph.storage.aws import S3Storage
from artigraph.storage.file import FileSystemStorage
from artigraph.storage.fsspec import FsspecStorage
S3Storage("bucket"), FileSystemStorage("x"), FsspecStorage("gs://bucket")
sys.exit({library!r} in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
