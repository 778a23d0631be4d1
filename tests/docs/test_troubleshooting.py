"""The errors on the page of troubleshooting are those that one gets.

Most stand in blocks of the page itself, which ``test_docs_blocks.py`` runs and
compares word for word.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebook.shell import new_shell

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "troubleshooting.md"


@pytest.fixture
def page() -> str:
    """The page's text."""
    return PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "error",
    [
        "NoEngineError",
        "EngineURLError",
        "SchemaError",
        "LabelExistsError",
        "SerializationError",
        "NodeNotFoundError",
        "MultipleNodesFoundError",
        "ModelVersionError",
        "UnknownModelError",
        "UnknownStorageError",
        "FilterError",
    ],
)
def test_error_is_shown_as_python_prints_it(page: str, error: str) -> None:
    """Each of the errors that newcomers meet stands in a block that is run."""
    assert f"\nartigraph.errors.{error}: " in page


def test_magic_without_the_extension(tmp_path: Path, page: str) -> None:
    """What IPython says of a missing extension is on the page, and loading it helps."""
    with new_shell(tmp_path) as shell:
        shell.run("%unload_ext artigraph")
        said = shell.fail("%artigraph status").error
        assert f"\nUsageError: {said}\n" in page
        assert "Cell magic" in str(shell.fail("%%artigraph run\n1").error)
        shell.run("%load_ext artigraph", "%artigraph --help")
