"""The notebooks are kept without outputs, and may be run twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
OUT = ROOT / "out" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat types none
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stripped(path: Path) -> None:
    """It is valid, has neither outputs nor counts, and little metadata."""
    notebook = read(path)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert dict(notebook.metadata.language_info) == {"name": "python"}
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_a_lesson(path: Path) -> None:
    """It begins with a title, asserts what it claims, and says where to go on."""
    notebook = read(path)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert texts[0].startswith("# ")
    assert "Run the cells from top to bottom" in texts[0]
    assert texts[-1].startswith("## What next")
    assert sum("assert " in code for code in codes) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
async def test_notebook_runs_twice(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All cells run, and again in the same kernel, with the database of the first time.

    A copy with what the first time has shown is left in ``out/notebooks``, for the site.
    """
    # Two threads of scikit-learn's that wait for each other cost more than one.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(FOLDER / "quickstart_models.py", folder)
    notebook = read(path)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    async with client.async_setup_kernel(cleanup_kc=True):
        await client.async_execute(cleanup_kc=False)
        OUT.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, OUT / path.name)  # type: ignore[no-untyped-call]  # as above
        await client.async_execute(cleanup_kc=False)
