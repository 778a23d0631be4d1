"""Serializers are found by stored name and by type, without being imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artigraph.errors import NameTakenError, UnknownSerializerError
from artigraph.serializer import BUILT_IN
from artigraph.serializer.base import (
    Serializer,
    find_serializer,
    get_serializer,
    serializers,
)


class Text(Serializer[str]):
    """A user's serializer."""

    name = "test-registry-text"
    types: tuple[type[Any], ...] = (str,)

    def serialize(self, value: str, /) -> bytes:
        return value.encode()

    def deserialize(self, data: bytes, /) -> str:
        return data.decode()


class OwnArray(Text):
    """A user's serializer for a type that a built-in one has."""

    name = "test-registry-array"
    types = (np.ndarray,)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Forget what a test registered."""
    known = serializers.loaded.copy()
    yield
    serializers.loaded = known


def run(code: str, path: Path | None = None) -> str:
    """Run code in a fresh Python and return what it prints."""
    start = [sys.executable, "-W", "error", "-c"]
    prefix = f"import sys; sys.path.insert(0, {str(path)!r})\n" if path else "import sys\n"
    done = subprocess.run([*start, prefix + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", BUILT_IN)
def test_fresh_python_finds_built_in_by_name(name: str) -> None:
    """A stored name is enough: nothing needs to be imported first."""
    code = f"""
from artigraph.serializer.base import get_serializer
print(get_serializer({name!r}).name)
"""
    assert run(code) == name


@pytest.mark.parametrize(
    ("setup", "kind", "name"),
    [
        ("import pandas", "pandas.DataFrame", "artigraph-pandas"),
        ("import numpy", "numpy.ndarray", "artigraph-numpy"),
        ("import numpy", "numpy.ma.MaskedArray", "artigraph-numpy"),
        ("import polars", "polars.DataFrame", "artigraph-polars"),
        ("import pyarrow", "pyarrow.Table", "artigraph-parquet"),
    ],
)
def test_fresh_python_finds_built_in_by_type(setup: str, kind: str, name: str) -> None:
    """A value's type is enough, for subclasses too."""
    code = f"""
{setup}
from artigraph.serializer.base import find_serializer
print(find_serializer({kind}).name)
"""
    assert run(code) == name


@pytest.mark.parametrize("library", ["numpy", "pandas", "polars", "pyarrow"])
def test_contract_loads_no_library(library: str) -> None:
    """The registry, and the plain serializers, load no large library."""
    code = f"""
import artigraph.serializer.base, artigraph.serializer.json, artigraph.serializer.datetime
print({library!r} in sys.modules)
"""
    assert run(code) == "False"


def test_unknown_name_lists_near_ones() -> None:
    """An unknown name names those that come near, and says what to do."""
    message = r"under the name 'artigraph-panda'. Did you mean 'artigraph-pandas'.*call register"
    with pytest.raises(UnknownSerializerError, match=message):
        get_serializer("artigraph-panda")


def test_name_is_never_a_path() -> None:
    """A name out of a database is not imported, whatever it looks like."""
    for name in ("os:system", "artigraph.serializer.json:json_serializer", "", "../json"):
        with pytest.raises(UnknownSerializerError):
            get_serializer(name)


def test_missing_library_says_what_to_install() -> None:
    """A stored name whose library is missing names the library and the command."""
    code = """
sys.modules["polars"] = None
from artigraph.errors import MissingLibraryError
from artigraph.serializer.base import get_serializer
try:
    get_serializer("artigraph-polars")
except MissingLibraryError as error:
    print(error)
"""
    message = run(code)
    assert "'artigraph-polars' needs polars, which is not installed" in message
    assert "pip install polars" in message


def test_entry_point_is_found_by_name(tmp_path: Path) -> None:
    """Another package's serializer is found by the entry point that it declares."""
    (tmp_path / "elsewhere.py").write_text(
        "from artigraph.serializer.json import JsonSerializer\n"
        "made = JsonSerializer('elsewhere-json')\n"
    )
    info = tmp_path / "elsewhere-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[artigraph.serializer]\nelsewhere-json = elsewhere:made\n"
    )
    code = """
from artigraph.serializer.base import get_serializer, serializers
assert "elsewhere" not in sys.modules
assert "elsewhere-json" in serializers.names()
print(get_serializer("elsewhere-json").deserialize(b"[1]"))
"""
    assert run(code, tmp_path) == "[1]"


def test_registered_type_is_found() -> None:
    """A type that a registered serializer names is found; others are not."""
    assert find_serializer(str) is None
    text = Text().register()
    assert find_serializer(str) is text
    assert find_serializer(int) is None


def test_plain_types_have_no_serializer() -> None:
    """Types that a model stores as JSON name no serializer of their own."""
    import datetime

    get_serializer("artigraph-datetime"), get_serializer("artigraph-json")
    for kind in (dict, list, float, datetime.datetime, datetime.timedelta):
        assert find_serializer(kind) is None


def test_own_serializer_goes_first() -> None:
    """What a user registers for a type goes before the built-in."""
    assert find_serializer(np.ndarray) == get_serializer("artigraph-numpy")
    own = OwnArray().register()
    assert find_serializer(np.ndarray) is own
    assert find_serializer(pd.DataFrame) == get_serializer("artigraph-pandas")


@pytest.mark.parametrize("name", ["artigraph-json", "artigraph-polars"])
def test_built_in_name_is_taken(name: str) -> None:
    """A built-in name cannot be taken, even before it was used."""
    other: Any = Text()
    other.name = name
    with pytest.raises(NameTakenError, match=f"{name!r} belongs to .* needs another name"):
        other.register()


def test_serializer_needs_a_name() -> None:
    """A serializer without a name is refused."""
    nameless: Any = Text()
    nameless.name = ""
    with pytest.raises(NameTakenError, match="has no name"):
        nameless.register()
