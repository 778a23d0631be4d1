"""What cells show in a real kernel, and in IPython's terminal."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import Any

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from tests.display.hostile import check_html

CELLS = [
    """
    from artigraph import *
    set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    """,
    """
    class Fit(DataModel, version=1):
        loss: float

    class Own(DataModel, version=1):
        def __repr__(self):
            return "own"

    Fit(0.5)
    """,
    """
    async with ModelGroup(new_node(node_label="wine")) as group:
        group.add_models({f"fit {n}": Fit(n / 2) for n in range(3)})
    await read_models(ModelFilter())
    """,
    "await read_tree()",
    "Own()",
    "[Fit(0.5), Own()]",
]


async def test_cells_show_text_and_html() -> None:
    """Without any extension loaded, each cell holds both; a tree holds its pictures as well."""
    client = NotebookClient(
        new_notebook(cells=[new_code_cell(dedent(cell).strip()) for cell in CELLS]),  # type: ignore[no-untyped-call]  # nbformat has none
        kernel_name="python3",
        timeout=300,
    )
    notebook: Any = await client.async_execute()
    shown = [cell.outputs[-1].data for cell in notebook.cells]
    engine, fit, models, tree, own, several = shown
    assert engine["text/plain"].startswith("artigraph uses 'sqlite+aiosqlite:///:memory:'")
    assert fit["text/plain"] == "Fit  [v1]\n  loss  float  0.5"
    assert models["text/plain"].startswith("3 models\n  id  label  below  type")
    assert tree["text/plain"].split("\n")[0] == "(wine)"
    assert own["text/plain"] == "own"
    assert several == {"text/plain": "[Fit(loss=0.5), own]"}
    for output in shown[:-1]:
        check_html(output["text/html"])
    assert tree.keys() == {"text/plain", "text/html", "image/svg+xml", "text/markdown"}


def test_a_terminal_shows_text_of_its_width() -> None:
    """In plain IPython no line is longer than 80 columns, and nothing else is printed."""
    code = dedent("""
        from artigraph import *
        class Fit(DataModel, version=1):
            loss: float
            note: str
        Fit(0.5, "a long note, " * 20)
        """).strip()
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=nocolor", "--no-banner", "--simple-prompt"],
        input=f"exec({code.rpartition(chr(10))[0]!r})\n{code.rpartition(chr(10))[2]}\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    lines = done.stdout.split("\n")
    assert any("loss  float  0.5" in line for line in lines), done.stdout
    assert any("(260 characters)" in line for line in lines)
    assert max(map(len, lines)) <= 80
