"""Every representation in a real browser: as a reader sees it, and with hostile text in it.

The pictures go to ``out/screenshots/reprs-*.png``, to be looked at.
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SCREENSHOTS, Notebook, OpenNotebook
from tests.display.hostile import HOSTILE

GALLERY = [
    """
    from dataclasses import field
    from datetime import UTC, datetime
    from typing import Annotated, Any
    import numpy as np, pandas as pd
    from PIL import Image
    from artigraph import *
    from artigraph.serializer.pandas import dataframe_serializer
    from artigraph.storage.file import FileSystemStorage, temp_file_storage

    set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    """,
    """
    class Dataset(DataModel, version=1):
        source: str
        rows: int

    class Fit(DataModel, version=2):
        loss: float
        estimator: str
        finished: datetime
        dataset: Dataset
        predictions: Annotated[pd.DataFrame, dataframe_serializer, temp_file_storage]
        weights: np.ndarray
        params: dict[str, Any] = field(default_factory=dict)
        note: str = ""

    frame = pd.DataFrame({
        "truth": [0, 1, 1, 0, 2, 2] * 30, "predicted": [0, 1, 0, 0, 2, 1] * 30,
        "name": ["Barolo", "Chianti", "<b>Gavi</b>"] * 60, "alcohol": np.linspace(11, 15, 180),
    })
    fit = Fit(
        0.1234567, "forest", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), Dataset("sklearn", 178),
        frame, np.arange(39.0).reshape(3, 13), {f"max_depth_{n}": n for n in range(100)},
        "a long note, " * 40,
    )
    fit
    """,
    """
    async with ModelGroup(new_node(node_label="wine")) as wine:
        wine.add_model("data", Dataset("sklearn", 178))
        for number in range(1, 31):
            async with ModelGroup(new_node(node_label=f"run {number}")) as run:
                run.add_model("fit", Fit(
                    3.0 / number, "forest", fit.finished, fit.dataset, frame, fit.weights))
    await read_first_model(ModelFilter(model_type=Fit), lazy=True)
    """,
    "await read_models(ModelFilter(model_type=Fit), lazy=True)",
    "await read_tree(max_children=4)",
    "wine",
    "(await read_nodes(NodeFilter()))[:6]",
    "(await read_first_model(ModelFilter(model_type=Fit), lazy=True)).value.predictions",
    "ModelFilter(model_type=Fit, label='fit') & NodeRelationshipFilter(descendant_of=wine.node)",
    "FileSystemStorage('/data/blobs', name='team')",
    "UnknownModel('Picture', 3, {'image': Image.linear_gradient('L').resize((240, 60))})",
    "options",
]
"""Cells of a notebook that shows one thing of each kind."""

ATTACK = """
from artigraph import *
from artigraph.display.row import ResultList
from artigraph.serializer.json import json_serializer
import pandas as pd

evil = {text!r}
clean = evil.replace("\\0", "").encode(errors="replace").decode()
label = clean[:255] or "x"
reset = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)

class Held(DataModel, version=1):
    value: object = None

async with ModelGroup(new_node(node_label=label)) as group:
    group.add_model(label, Held(clean[:1000]))
await write_artifact(new_artifact(label, {{clean[:1000]: clean[:1000]}}, json_serializer))
models = await read_models(ModelFilter())
for thing in [
    UnknownModel(evil, 1, {{evil: evil, "more": {{evil: [evil]}}, "error": Exception(evil)}}),
    UnknownModel("frame", 1, {{"frame": pd.DataFrame({{clean: [clean]}}, index=[clean])}}),
    group, models, models[0], await read_nodes(NodeFilter()), await read_tree(),
    *await read_artifacts(NodeFilter()), NodeFilter(label=clean[:1000]),
]:
    display(thing)
    # As an application that prefers pictures would.
    for kind in ("svg", "markdown"):
        if hasattr(thing, f"_repr_{{kind}}_"):
            source = getattr(thing, f"_repr_{{kind}}_")()
            mime = "image/svg+xml" if kind == "svg" else "text/markdown"
            display({{mime: source, "text/plain": "-"}}, raw=True)
"""


def run_to_the_end(notebook: Notebook, cells: int) -> None:
    """Run all cells, and unfold what folds."""
    notebook.run_all()
    notebook.page.wait_for_function(
        """count => {
            const cells = window.jupyterapp.shell.currentWidget.content.widgets;
            return cells.length >= count && cells.every(cell =>
                cell.model.type !== "code" || cell.model.executionCount !== null);
        }""",
        arg=cells,
        timeout=120_000,
    )


def photograph(notebook: Notebook, name: str) -> None:
    """Keep a picture of the whole notebook, which must not scroll inside of the page for it."""
    height = notebook.page.evaluate(
        """() => {
            const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
            return cells.reduce((sum, cell) => sum + cell.getBoundingClientRect().height, 400);
        }"""
    )
    notebook.page.set_viewport_size({"width": 1200, "height": min(int(height), 8000)})
    notebook.page.evaluate(
        """async () => {
            const cells = window.jupyterapp.shell.currentWidget.content;
            cells.activeCellIndex = 0;
            await cells.scrollToItem(0);
            cells.node.querySelector(".jp-WindowedPanel-outer")?.scrollTo(0, 0);
        }"""
    )
    notebook.page.wait_for_timeout(500)
    notebook.screenshot(name)


THEMES = [
    ("lab", "JupyterLab Light"),
    ("lab", "JupyterLab Dark"),
    ("notebook", "JupyterLab Light"),
    ("notebook", "JupyterLab Dark"),
]


@pytest.mark.parametrize(("app", "theme"), THEMES)
def test_everything_is_shown(notebook: OpenNotebook, app: str, theme: str) -> None:
    """In JupyterLab and Notebook 7, light and dark, each cell ends in its own HTML."""
    opened = notebook([dedent(cell).strip() for cell in GALLERY], app=app)
    opened.page.evaluate(
        "async theme => {"
        " await window.jupyterapp.commands.execute('apputils:change-theme', {theme}); }",
        theme,
    )
    run_to_the_end(opened, len(GALLERY))
    page = opened.page
    assert page.locator(".jp-RenderedHTMLCommon .ag-repr").count() == len(GALLERY)
    colours = page.evaluate(
        """() => [...document.querySelectorAll(".ag-repr .ag-name")].map(
            name => getComputedStyle(name).color)"""
    )
    assert {sum(map(int, re.findall(r"\d+", c)[:3])) > 384 for c in colours} == {"Dark" in theme}
    photograph(opened, f"reprs-{app}-{theme.split()[-1].lower()}")
    page.evaluate("document.querySelectorAll('.ag-repr details').forEach(d => { d.open = true })")
    photograph(opened, f"reprs-{app}-{theme.split()[-1].lower()}-unfolded")


def test_pages_without_a_kernel(notebook: OpenNotebook, browser: Browser) -> None:
    """A page of nbconvert shows all; without style and classes, as on GitHub, it reads as well."""
    opened = notebook([dedent(cell).strip() for cell in GALLERY])
    run_to_the_end(opened, len(GALLERY))
    opened.save()
    saved = nbformat.read(opened.path, as_version=4)  # type: ignore[no-untyped-call]  # it has none
    page = browser.new_context(viewport={"width": 1000, "height": 800}, offline=True).new_page()
    outputs = [
        "".join(output["data"]["text/html"])
        for cell in saved.cells
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    assert len(outputs) == len(GALLERY)
    bare = re.sub(r"<style>.*?</style>", "", "<hr>".join(outputs), flags=re.DOTALL)
    bare = re.sub(r' class="[^"]*"', "", bare)
    page.set_content(f"<meta charset=utf8>{bare}")
    assert page.locator("details").count() > 10
    words = " ".join(page.inner_text("body").split())
    assert "Fit fit · v2 · database id 3 · path wine / run 1 · created " in words
    page.screenshot(path=SCREENSHOTS / "reprs-bare.png", full_page=True)
    exporter = HTMLExporter(template_name="lab")  # type: ignore[no-untyped-call]  # it has none
    converted, _ = exporter.from_notebook_node(saved)
    # Its own scripts would be fetched: of those nothing is shown here.
    page.set_content(re.sub(r"<script.*?</script>", "", converted, flags=re.DOTALL))
    assert page.locator(".ag-repr").count() == len(GALLERY)
    page.screenshot(path=SCREENSHOTS / "reprs-nbconvert.png", full_page=True)
    page.context.close()


RUNS = [
    """
    from artigraph import *
    set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    for number in range(4):
        try:
            async with start_run(f"r{number}", **{f"param_{n}": n / 7 for n in range(6)}) as run:
                for step in range(50):
                    run.log(step, loss=1 / (step + 1), accuracy=step / (number + 50))
                if number == 2:
                    raise ValueError("loss is no number any more")
        except ValueError:
            pass
    await read_runs()
    """,
    "await read_nodes(NodeFilter())",
    "(await read_nodes(NodeFilter()))[2]",
]


def test_curves_keep_their_width(notebook: OpenNotebook) -> None:
    """JupyterLab leaves drawings no width in a wide table; curves have one of their own."""
    opened = notebook([dedent(cell).strip() for cell in RUNS])
    run_to_the_end(opened, len(RUNS))
    curves = opened.page.locator(".ag-table td svg")
    expect(curves).to_have_count(8)
    sizes = curves.evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")
    assert {(size["width"], size["height"]) for size in sizes} == {(96, 20)}
    expect(opened.outputs(0).locator(".ag-failed")).to_have_text("failed")
    photograph(opened, "reprs-runs")


def test_no_hostile_text_runs(notebook: OpenNotebook) -> None:
    """In a trusted notebook the corpus, in every representation, runs and asks for nothing."""
    texts = [text[:20_000] for text in HOSTILE.values()]
    opened = notebook([ATTACK.format(text=text) for text in texts])
    run_to_the_end(opened, len(texts))
    page = opened.page
    for number in range(len(texts)):
        # Cells that are out of sight are drawn once they come into it.
        page.evaluate("n => window.jupyterapp.shell.currentWidget.content.scrollToItem(n)", number)
        opened.outputs(number).first.wait_for(state="attached")
    expect(page.locator(".ag-repr")).to_have_count(10 * len(texts))
    expect(page.locator(".jp-RenderedSVG")).to_have_count(len(texts))
    page.wait_for_timeout(500)  # what would run has time to
    assert page.locator(".jp-OutputArea-output[data-mime-type*='error']").count() == 0
    assert page.evaluate("window.ag_ran") is None
    found: list[Any] = page.evaluate(
        """() => [...document.querySelectorAll(".ag-repr *")].filter(element =>
            ["SCRIPT", "IFRAME", "A", "INPUT", "FORM", "OBJECT", "EMBED"].includes(element.tagName)
            || element.id || [...element.attributes].some(a => a.name.startsWith("on"))
        ).map(element => element.outerHTML.slice(0, 200))"""
    )
    assert found == []
    page.mouse.move(300, 300)
    for element in page.locator(".ag-repr summary").all()[:40]:
        element.dispatch_event("mouseover")
        element.dispatch_event("click")
    assert page.evaluate("window.ag_ran") is None
    # The fixture fails the test if any request was for another machine.
    assert opened.outside == []
