"""The frame viewer in JupyterLab and Notebook 7, in a real browser.

Opening a notebook takes seconds, so each test does several things in one.
"""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Notebook, OpenNotebook

FRAME = """
import numpy as np, pandas as pd
from artigraph import FrameViewer
random = np.random.default_rng(0)
rows = 100_000
frame = pd.DataFrame({
    "loss": random.standard_normal(rows) ** 2,
    "epoch": random.integers(0, 300, rows),
    "name": [f"run {i % 997}" for i in range(rows)],
    "kind": pd.Categorical.from_codes(random.integers(0, 3, rows), ["train", "test", "dev"]),
    "when": pd.date_range("2024-01-01", periods=rows, freq="s"),
    "score": np.where(random.random(rows) < 0.3, np.nan, random.random(rows) * 1e6),
    **{f"x{i}": random.standard_normal(rows) * 10.0 ** i for i in range(24)},
})
viewer = FrameViewer(frame)
viewer
"""


def grid(notebook: Notebook, view: int = 0) -> Locator:
    """The grid of one view."""
    return notebook.page.get_by_role("grid").nth(view)


def cell(notebook: Notebook, row: int, column: int, view: int = 0) -> Locator:
    """A cell by its place, from 0, as a screen reader counts it."""
    return grid(notebook, view).locator(
        f"[role=row][aria-rowindex='{row + 2}'] [role=gridcell][aria-colindex='{column + 2}']"
    )


def header(notebook: Notebook, name: str, view: int = 0) -> Locator:
    """What stands over a column."""
    label = notebook.page.get_by_text(name, exact=True)
    return grid(notebook, view).get_by_role("columnheader").filter(has=label)


def active(notebook: Notebook) -> Locator:
    """What the keys are at, as a screen reader is told."""
    return grid(notebook).locator("#active")


def test_sort_page_and_select(notebook: OpenNotebook) -> None:
    """A frame is sorted and paged by mouse, in two views, while a cell awaits; Python sees it."""
    nb = notebook(
        [
            FRAME,
            "viewer",
            "import asyncio\n"
            "while viewer.state.get('revision', 0) < 1: await asyncio.sleep(0.05)\n"
            "print('sorted while awaiting', viewer.state['sort'])",
            "while not viewer.selection or viewer.selection['rows'] != (0, 3):\n"
            "    await asyncio.sleep(0.05)\n"
            "part = await viewer.to_pandas(selected=True)\n"
            "print('selected', viewer.selection, part.shape, bool(part.loss.iloc[0] > 22))",
        ]
    )
    nb.run_all()
    expect(cell(nb, 0, 0)).to_have_text(re.compile(r"0\.01581"))
    # Of 30 columns and 100,000 rows only what is in sight is in the page.
    assert grid(nb).get_by_role("gridcell").count() < 400
    expect(grid(nb)).to_have_attribute("aria-rowcount", "100001")
    expect(grid(nb)).to_have_attribute("aria-colcount", "31")
    # A picture of each column in sight comes by itself.
    expect(header(nb, "loss").locator("svg.histogram rect").first).to_be_visible()
    nb.screenshot("viewer-light")
    header(nb, "loss").click()
    expect(header(nb, "loss")).to_have_attribute("aria-sort", "ascending")
    # The last cell of the notebook waits for the sort, so the answer came meanwhile.
    expect(nb.outputs(2)).to_contain_text("sorted while awaiting [{'column': 0")
    header(nb, "loss").click()
    expect(header(nb, "loss")).to_have_attribute("aria-sort", "descending")
    expect(header(nb, "loss", view=1)).to_have_attribute("aria-sort", "descending")
    expect(cell(nb, 0, 0)).to_have_text(re.compile(r"^22\.39"))
    expect(cell(nb, 0, 0, view=1)).to_have_text(re.compile(r"^22\.39"))
    cell(nb, 0, 0).click()
    cell(nb, 2, 1).click(modifiers=["Shift"])
    nb.screenshot("viewer-light-sorted")
    nb.run_cell(3)
    expected = "selected {'rows': (0, 3), 'columns': ['loss', 'epoch']} (3, 2) True"
    expect(nb.outputs(3)).to_contain_text(expected)
    # Twice on a cell shows all of it; twice on the edge of a column makes it fit.
    cell(nb, 1, 2).dblclick()
    whole = nb.page.get_by_role("dialog")
    expect(whole.locator("pre")).to_have_text(re.compile(r"^run \d+$"))
    nb.page.keyboard.press("Escape")
    expect(whole).to_have_count(0)
    before = header(nb, "epoch").evaluate("e => e.offsetWidth")
    edge = header(nb, "epoch").locator(".edge").bounding_box()
    assert edge is not None
    place = (edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2)
    nb.page.mouse.move(*place)
    nb.page.mouse.down()
    nb.page.mouse.move(place[0] + 150, place[1], steps=3)
    nb.page.mouse.up()
    assert header(nb, "epoch").evaluate("e => e.offsetWidth") > before + 100
    nb.page.mouse.dblclick(place[0] + 150, place[1])
    expect(header(nb, "epoch")).to_have_css("width", re.compile(r"^\d{2,3}(\.\d+)?px$"))
    assert header(nb, "epoch").evaluate("e => e.offsetWidth") < before + 50
    # Ten clicks as quick as they come: the last one counts.
    nb.page.evaluate("() => window.scrollTo(0, 0)")
    for _ in range(10):
        header(nb, "epoch").click(delay=0)
    order = header(nb, "epoch")
    expect(order).to_have_attribute("aria-sort", re.compile("ascending|descending|none"))
    expect(grid(nb)).not_to_have_attribute("aria-busy", "true")


HOSTILE = """
import pandas as pd, numpy as np
from artigraph import FrameViewer
evil = "<img src=x onerror=window.hacked=1>"
frame = pd.DataFrame({
    evil: [f"<script>window.hacked=1</script>{i}" for i in range(2000)],
    "\\u202eesrever": ["null", None, "", "a\\tb"] * 500,
    "long": ["x" * 5000 + str(i) for i in range(2000)],
    "number": np.arange(2000) * 1.0000001,
    "nan": pd.array([1.5, None, np.nan, np.inf] * 500, dtype="float64[pyarrow]"),
    **{f"column {i:03}": np.arange(2000) + i for i in range(300)},
})
viewer = FrameViewer(frame)
viewer
"""


def test_keys_alone_and_hostile_frames(notebook: OpenNotebook) -> None:
    """All of it works from the keyboard, in a dark theme, on names and values that mean harm."""
    nb = notebook([HOSTILE], theme="JupyterLab Dark")
    nb.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    nb.run_all()
    keys = nb.page.keyboard
    expect(cell(nb, 0, 0)).to_have_text("<script>window.hacked=1</script>0")
    expect(header(nb, "<img src=x onerror=window.hacked=1>")).to_be_visible()
    expect(header(nb, "\\u202eesrever")).to_be_visible()
    assert nb.page.evaluate("() => window.hacked") is None
    assert grid(nb).locator("img, script").count() == 0
    # What is missing is told from what is empty, and from the word for it.
    expect(cell(nb, 0, 1)).not_to_have_class(re.compile("missing|empty"))
    expect(cell(nb, 1, 1)).to_have_class(re.compile("missing"))
    expect(cell(nb, 2, 1)).to_have_class(re.compile("empty"))
    nb.screenshot("viewer-dark")
    grid(nb).focus()
    # The whole of a long text.
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    keys.press("Enter")
    whole = nb.page.get_by_role("dialog")
    expect(whole.locator("pre")).to_have_text("x" * 5000 + "0")
    keys.press("Escape")
    expect(whole).to_have_count(0)
    expect(active(nb)).to_have_text(re.compile("^x+…$"))
    # Sort on the header, then filter.
    keys.press("ArrowRight")
    keys.press("ArrowUp")
    keys.press("Enter")
    keys.press("Enter")
    expect(header(nb, "number")).to_have_attribute("aria-sort", "descending")
    expect(cell(nb, 0, 3)).to_have_text("1999.00")
    keys.press("f")
    expect(nb.page.get_by_role("dialog", name="Filter number")).to_be_visible()
    nb.screenshot("viewer-dark-filter")
    keys.type("many")
    keys.press("Enter")
    problem = nb.page.get_by_role("status").filter(has_text="is no value to compare")
    expect(problem).to_be_visible()
    keys.press("f")
    keys.type("1990")
    keys.press("Enter")
    expect(grid(nb)).to_have_attribute("aria-rowcount", "11")
    expect(nb.page.get_by_text("number ≥ 1990")).to_be_visible()
    # Find a column far to the right, and copy a part of it.
    keys.press("/")
    keys.type("column 250")
    nb.screenshot("viewer-dark-columns")
    keys.press("Enter")
    expect(active(nb)).to_have_text("2249")
    keys.press("Shift+ArrowDown")
    keys.press("Shift+ArrowRight")
    keys.press("Control+c")
    expect(nb.page.get_by_text("4 cells copied")).to_be_visible()
    copied = nb.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == "2249\t2250\n2248\t2249"
    keys.press("Control+End")
    expect(active(nb)).to_have_attribute("aria-colindex", "306")
    expect(header(nb, "column 299")).to_be_visible()
    # None of it was meant for the notebook, where such keys delete and insert cells.
    assert nb.page.locator(".jp-Notebook .jp-CodeCell").count() == 1


TALL = """
import pyarrow as pa, numpy as np
from pathlib import Path
from artigraph import FrameViewer
from artigraph.frame.frame import StoredFrame
from artigraph.blob.record import BlobRecord
from artigraph.frame.handles import open_stored
from artigraph.serializer.pyarrow import parquet_serializer
from artigraph.storage.file import FileSystemStorage
storage = FileSystemStorage("blobs")
storage.register()
rows = 10_000_000
made = {}
table = pa.table({"n": np.arange(rows), "half": np.arange(rows) / 2})
blob = await storage.create_from(lambda file: made.update(parquet_serializer.dump(table, file)))
frame = open_stored(BlobRecord(1, "tall", "artigraph-parquet", blob.size, blob.digest, made,
    storage=storage.name, location=blob.location))
viewer = frame.view()
viewer
"""


def test_tall_frame_lost_file_and_dead_kernel(notebook: OpenNotebook) -> None:
    """Ten million rows scroll to their end; a lost file and a dead kernel are told in place."""
    nb = notebook(
        [
            TALL,
            "path = storage.local_path(blob.location)\n"
            "path.rename(path.with_suffix('.away'))\n'gone'",
            "path.with_suffix('.away').rename(path)\n'back'",
        ],
        app="notebook",
    )
    nb.run_cell(0)
    expect(cell(nb, 0, 0)).to_have_text("0")
    keys = nb.page.keyboard
    grid(nb).focus()
    keys.press("Control+End")
    expect(cell(nb, 9_999_999, 0)).to_have_text("9999999")
    scroller = grid(nb).locator(".scroller")
    assert scroller.evaluate("e => e.scrollHeight") < 9_000_000
    # The scroll bar's middle is the frame's middle.
    scroller.evaluate("e => { e.scrollTop = (e.scrollHeight - e.clientHeight) / 2; }")
    expect(cell(nb, 5_000_000, 0)).to_have_text("5000000")
    # Quick scrolling ends with what is in sight.
    for place in range(1, 30):
        scroller.evaluate("(e, p) => { e.scrollTop = e.scrollHeight * p / 31; }", place)
    expect(grid(nb)).not_to_have_attribute("aria-busy", "true")
    nb.screenshot("viewer-tall")
    # The file is gone while it is shown: what is new fails in place, and comes back.
    nb.run_cell(1)
    expect(nb.outputs(1)).to_contain_text("gone")
    grid(nb).focus()
    keys.press("Control+Home")
    keys.press("Control+ArrowDown")
    scroller.evaluate("e => { e.scrollTop = e.scrollHeight * 0.123; }")
    status = nb.page.get_by_role("status").filter(has_text="cannot be read")
    expect(status).to_be_visible()
    nb.screenshot("viewer-lost-file")
    expect(nb.page.get_by_role("button", name="Try again")).to_be_visible()
    nb.run_cell(2)
    expect(nb.outputs(2)).to_contain_text("back")
    scroller.evaluate("e => { e.scrollTop = e.scrollHeight * 0.456; }")
    expect(status).to_have_count(0)
    expect(grid(nb)).not_to_have_attribute("aria-busy", "true")
    nb.save()
    # Reopened without a kernel, the first page is there, and the rest says why it is not.
    nb.use_kernel("shutdown")
    saved = notebook(None, app="notebook", name=nb.path.stem)
    expect(saved.page.get_by_text(re.compile("10,000,000 rows . 2 columns")).first).to_be_visible()
    saved.screenshot("viewer-reopened")


WRITES = """
import pandas as pd
from typing import Annotated
from artigraph import *
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage
undo = set_engine("sqlite+aiosqlite:///unopened.db", create_tables=True)
files = FileSystemStorage("unopened-files", name="unopened-files")
files.register()

class Unopened(DataModel, version=1):
    curve: Annotated[pd.DataFrame, dataframe_serializer, files]

written = await write_model(label="fit", model=Unopened(pd.DataFrame({"x": [1, 2]})))
"written"
"""
READS = """
from artigraph import *
undo = set_engine("sqlite+aiosqlite:///unopened.db", create_tables=True)
[found] = await read_models(NodeFilter(label="fit"), lazy=True)
found.value.curve.view()
"""


def test_unopened_frame_says_why_and_what_to_type(notebook: OpenNotebook) -> None:
    """Where a kernel does not know the storage, all of what to type stands in place of the rows."""
    nb = notebook([WRITES, READS, "# what the viewer says"])
    nb.run_cell(0)
    expect(nb.outputs(0)).to_contain_text("written")
    nb.use_kernel("restart")
    nb.run_cell(1)
    alert = nb.page.get_by_role("alert").filter(has_text="is not registered here")
    expect(alert).to_be_visible()
    nb.screenshot("viewer-unopened")
    text = alert.locator("pre")
    # All of it is in sight, and nothing else says it again.
    assert text.evaluate("e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight")
    expect(nb.page.get_by_role("grid")).to_have_count(0)
    expect(nb.page.locator(".foot")).to_have_text("")
    # Copied as people do, and run; then it opens.
    said = text.inner_text()
    text.select_text()
    line = said[said.index("from artigraph") :]
    nb.page.evaluate(
        """async code => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            await kernel.requestExecute({code}).done;
        }""",
        line,
    )
    alert.get_by_role("button", name="Try again").click()
    expect(cell(nb, 1, 0)).to_have_text("2")
    expect(alert).to_have_count(0)
