"""The magic in JupyterLab, typed, run and stopped as people do.

The pictures go to ``out/screenshots/magics-*.png``, to be looked at.
"""

from __future__ import annotations

import re
from textwrap import dedent

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Notebook, OpenNotebook

CELLS = [
    "%load_ext artigraph",
    "%artigraph connect sqlite+aiosqlite:///magics.db --create-tables",
    """
    import asyncio
    from artigraph import *

    class Fit(DataModel, version=1):
        loss: float
        name: str = "adam"
    """,
    """
    %%artigraph run first --param rate=0.1
    await asyncio.sleep(0.01)
    fit = Fit(loss=0.25)
    %artigraph save fit
    fit
    """,
    """
    %%artigraph run second
    await asyncio.sleep(0.01)
    losses = []
    losses[3]
    """,
    """
    %%artigraph run third
    print("waits")
    await asyncio.sleep(600)
    """,
    "%ag tree",
    "%ag find Fit loss<0.5",
    "%ag show second",
    "%ag status",
    "%ag rm first --final",
    "%ag graph",
    "%ag tere",
    "%unload_ext artigraph",
    "%ag tree",
]
FIRST, SECOND, THIRD, TREE, FIND, SHOW, STATUS, RM, GRAPH, TYPO, UNLOAD, GONE = range(3, 15)


def run(notebook: Notebook, index: int) -> Locator:
    """Run one cell to its end, as Shift-Enter does, and return what it shows."""
    start(notebook, index)
    expect(prompt(notebook, index)).to_have_text(re.compile(r"\[\d+\]:"))
    notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(index).scroll_into_view_if_needed()
    return notebook.outputs(index)


def prompt(notebook: Notebook, index: int) -> Locator:
    """What stands beside a cell: its number, once the kernel has replied."""
    cell = notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(index)
    return cell.locator(".jp-InputPrompt")


def start(notebook: Notebook, index: int) -> None:
    notebook.page.evaluate(
        "n => window.jupyterapp.shell.currentWidget.content.scrollToItem(n)", index
    )
    notebook.run_cell(index)


def test_runs_are_kept_shown_and_stopped(notebook: OpenNotebook) -> None:
    """A run awaits, fails with its own traceback, is stopped; trees and lists tell all of it."""
    nb = notebook([dedent(cell).strip() for cell in CELLS])
    page = nb.page
    page.set_viewport_size({"width": 1200, "height": 2600})
    expect(run(nb, 0)).to_have_count(0)
    expect(run(nb, 1)).to_contain_text("magics.db")
    expect(run(nb, 2)).to_have_count(0)
    expect(run(nb, FIRST).locator(".ag-repr")).to_contain_text("0.25")

    failed = run(nb, SECOND)
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("IndexError: list index out of range")
    expect(failed).to_contain_text("----> 4 losses[3]")
    # Nothing of ours stands in it.
    expect(failed).not_to_contain_text("site-packages")
    expect(failed).not_to_contain_text("__aexit__")

    start(nb, THIRD)
    expect(nb.outputs(THIRD)).to_contain_text("waits")
    page.locator("[data-command='notebook:interrupt-kernel']").click()
    expect(nb.outputs(THIRD).last).to_contain_text(re.compile("CancelledError|KeyboardInterrupt"))
    # Until the kernel has replied, it drops what is asked after a cell that failed.
    expect(prompt(nb, THIRD)).to_have_text(re.compile(r"\[\d+\]:"))

    tree = run(nb, TREE).locator(".ag-repr")
    for label, status in (("first", "finished"), ("second", "failed"), ("third", "interrupted")):
        line = tree.locator("li").filter(has_text=label).first
        expect(line.locator(".ag-badge").first).to_have_text(status)
    expect(run(nb, FIND).locator(".ag-repr")).to_contain_text("0.25")
    shown = run(nb, SHOW).locator(".ag-repr")
    expect(shown).to_contain_text("IndexError: list index out of range")
    expect(shown.locator("pre")).to_contain_text("losses = []\nlosses[3]")
    expect(run(nb, STATUS).locator(".ag-repr")).to_contain_text("No node is current")

    start(nb, RM)
    question = nb.outputs(RM).get_by_role("textbox")
    question.fill("n")
    question.press("Enter")
    expect(run(nb, TYPO)).to_contain_text("Did you mean")
    run(nb, GRAPH)
    explorer = nb.outputs(GRAPH).locator("svg.tree")
    expect(explorer.get_by_role("treeitem", name=re.compile("^first"))).to_be_visible()
    nb.screenshot("magics-lab")

    expect(run(nb, UNLOAD)).to_have_count(0)
    expect(run(nb, GONE)).to_contain_text("`%ag` not found")
    nb.screenshot("magics-unloaded")
