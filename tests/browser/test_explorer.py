"""The explorer in JupyterLab and Notebook 7, looked at and used as people do."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Notebook, OpenNotebook

HOSTILE = '<img src=x onerror="window.hacked=1">&\'\u202etxt'

SETUP = """
import numpy as np, pandas as pd
from typing import Annotated
from artigraph import *
from artigraph.serializer.pandas import dataframe_serializer
undo = set_engine("sqlite+aiosqlite:///{name}.db", create_tables=True)

class Fit(DataModel, version=1):
    loss: float
    optimizer: str
    curve: Annotated[pd.DataFrame, dataframe_serializer]

class Dataset(DataModel, version=2):
    name: str
    rows: int
"""
FILL = """
curve = pd.DataFrame({"step": np.arange(200), "loss": np.linspace(1, 0, 200)})
for run in range(6):
    async with ModelGroup(new_node(node_label=f"run {run}")) as group:
        group.add_model("data", Dataset(f"set {run}", 1000 * run))
        async with ModelGroup(new_node(node_label="training")) as training:
            for fold in range(3):
                training.add_model(f"fold {fold}", Fit(0.5 / (fold + run + 1), "adam", curve))
async with ModelGroup(new_node(node_label="sweep")) as sweep:
    sweep.add_models({f"trial {n:03d}": Dataset(f"trial {n}", n) for n in range(300)})
"""
HOSTILE_SETUP = f"""
from artigraph import *
undo = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
hostile = {HOSTILE!r}

class Text(DataModel, version=1):
    text: str

root = await write_node(new_node(node_label=hostile))
model = await write_model(parent_id=root.node_id, label=hostile, model=Text(hostile))
"""
PREVIEWS = f"""
import io, numpy as np
from PIL import Image
from artigraph import *
undo = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
hostile = {HOSTILE!r}
y, x = np.mgrid[0:120, 0:200]

class Drawn(DataModel, version=1):
    array: np.ndarray
    page: File
    photo: File
    table: File

data = io.BytesIO()
Image.effect_noise((900, 600), 40).convert("RGB").save(data, "jpeg")
drawn = Drawn(
    np.stack([x, y * 2, 255 - x], axis=-1).astype("uint8"),
    File(("<script>window.hacked=1</script>" + hostile).encode(), name="page.html"),
    File(data.getvalue(), name="photo.png"),
    File(b"step,loss\\n1,0.5\\n2,0.25\\n", name="losses.csv"),
)
model = await write_model(label="drawn", model=drawn)
"""
BUSY = """
import asyncio
for _ in range(600):
    await asyncio.sleep(0.05)
    if explorer.selected:
        break
"""
RUNS = """
from artigraph import *
undo = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
went = ("finished", "failed", "interrupted", "running")
n = await write_nodes([CellRun(node_label="a" * 40, cell_run_status=w) for w in went])
"""
SHOW = "explorer = await explore()\nexplorer"


def cells(name: str, *more: str) -> list[str]:
    return [SETUP.replace("{name}", name), FILL, SHOW, *more]


class Explored:
    """An explorer that is shown in a notebook."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.tree = self.page.locator("svg.tree").first
        self.tree.locator(".item").first.wait_for()
        self.tree.scroll_into_view_if_needed()
        self.details = self.page.locator("aside.details").first
        self.search = self.page.get_by_role("combobox", name="Search the whole tree").first

    def item(self, name: str) -> Locator:
        """The box whose spoken name begins with a text."""
        return self.tree.get_by_role("treeitem", name=re.compile(f"^{re.escape(name)}")).first

    def toggle(self, name: str) -> None:
        """Click the count behind a box."""
        self.item(name).locator(".toggle").click()

    def choose(self, name: str) -> None:
        """Click a box."""
        self.item(name).locator(".box").click()

    def names(self) -> list[str]:
        """What is drawn."""
        return self.tree.locator(".item .name").all_inner_texts()

    def run(self, source: str) -> str:
        """Run a line in the kernel beside the page, and return what it shows."""
        return run_line(self.page, source)


def run_line(page: Page, source: str) -> str:
    shown: str = page.evaluate(
        """async source => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({code: source, store_history: false});
            let shown = "";
            future.onIOPub = message => {
                const {content, header} = message;
                if (header.msg_type === "stream") shown += content.text;
                if (header.msg_type === "execute_result") shown += content.data["text/plain"];
                if (header.msg_type === "error") shown += content.ename + ": " + content.evalue;
            };
            await future.done;
            return shown;
        }""",
        source,
    )
    return shown


@pytest.fixture
def lab(notebook: OpenNotebook, request: pytest.FixtureRequest) -> Explored:
    """An explorer of a small tree in JupyterLab, in the file folder of the test."""
    opened = notebook(cells(request.node.name))
    opened.run_all()
    return Explored(opened)


def test_walk_select_and_read_in_python(lab: Explored) -> None:
    """Boxes open by click and page on, files have what is open, Python reads what is chosen."""
    lab.notebook.screenshot("explorer-first")
    lab.toggle("run 2")
    lab.toggle("training")
    expect(lab.item("fold 1: model Fit")).to_be_visible()
    lab.choose("fold 1: model Fit")
    expect(lab.details.get_by_role("heading", name="fold 1")).to_be_visible()
    expect(lab.details.locator(".field-name", has_text="optimizer")).to_be_visible()
    lab.notebook.screenshot("explorer-details")
    assert lab.run("(await explorer.selected_model()).optimizer") == "'adam'"
    line = lab.details.locator(".code-line code")
    assert line.evaluate("e => e.scrollWidth <= e.clientWidth"), "all of it is in sight"
    code = line.inner_text()
    assert lab.run(f"({code}).loss == (await explorer.selected_model()).loss") == "True"

    # What is open as files.
    for name, begin in (
        ("SVG", b"<svg"),
        ("PNG", b"\x89PNG"),
        ("Mermaid", b"graph LR"),
        ("DOT", b"digraph"),
    ):
        lab.page.get_by_label("Save what is open as a file").click()
        with lab.page.expect_download() as download:
            lab.page.get_by_role("button", name=f"Save as {name}").click()
        content = download.value.path().read_bytes()
        assert content.startswith(begin)
        if name == "Mermaid":
            assert b"-->" in content
            assert b'"Dataset v2"' in content
        lab.page.get_by_label("Save what is open as a file").click()

    # Into the frame, with the viewer's own code.
    lab.details.get_by_role("button", name="Look into curve").click()
    expect(lab.details.locator(".frame").get_by_text("200 rows")).to_be_visible()
    lab.notebook.screenshot("explorer-frame")

    # What is worked at stays in sight where there is less room, and may be dragged along.
    expect(lab.item("fold 1: model Fit").locator(".box")).to_be_visible()
    world = lab.tree.locator("g.world")
    before = world.get_attribute("transform")
    box = lab.tree.bounding_box()
    assert box is not None
    lab.page.mouse.move(box["x"] + 20, box["y"] + 20)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 60, box["y"] + 50, steps=4)
    lab.page.mouse.up()
    expect(world).not_to_have_attribute("transform", before or "")

    # A selection made in Python opens the way to it.
    lab.details.get_by_role("button", name="Look into curve").click()
    expect(lab.details.locator(".frame > *")).to_have_count(0)
    lab.page.get_by_role("button", name="Show all that is open").click()
    lab.toggle("run 2")
    expect(lab.item("training")).to_have_count(0)
    lab.run("explorer.selected = (await read_node(NodeFilter(label='trial 250'))).node_id")
    expect(lab.item("trial 250: model Dataset")).to_have_attribute("aria-selected", "true")
    expect(lab.details.get_by_role("heading", name="trial 250")).to_be_visible()

    # What is opened and what is more of it.
    more = lab.item("+279 more")
    more.scroll_into_view_if_needed()
    lab.notebook.screenshot("explorer-pages")
    more.locator(".box").click()
    expect(lab.item("trial 020: model Dataset")).to_be_visible()
    lab.page.keyboard.press("End")
    lab.page.keyboard.press("ArrowUp")
    expect(lab.item("+179 more")).to_be_visible()


def test_notes_and_saved_questions(lab: Explored) -> None:
    """Notes stand in the details as they were written; @good finds what is saved so."""
    lab.run("hostile = '<b onclick=alert(1)>bold</b>\\n\\n' + '\\u202etxt'")
    lab.run("run = await read_node(NodeFilter(label='run 2'))")
    lab.run("for text in ('first', hostile): await write_note(run, text)")
    lab.choose("run 2")
    notes = lab.details.get_by_role("region", name="Notes")
    expect(notes.locator("li")).to_have_count(2)
    expect(notes.locator(".note-text").first).to_have_text("first")
    last = notes.locator(".note-text").last
    assert last.inner_text() == "<b onclick=alert(1)>bold</b>\n\n\\u202etxt"
    assert last.evaluate("e => e.children.length") == 0
    lab.notebook.screenshot("explorer-notes")
    lab.choose("run 3")
    expect(lab.details.get_by_role("heading", name="run 3")).to_be_visible()
    expect(notes).to_have_count(0)

    lab.run("_ = await save_query('good', Fit.where(lambda f: f.loss < 0.1))")
    lab.search.fill("@goo")
    expect(lab.page.get_by_text("Did you mean 'good'?")).to_be_visible()
    lab.search.fill("@good fold 2")
    hits = lab.page.locator(".search .hit")
    expect(hits).to_have_count(3)
    lab.search.press("ArrowDown")
    lab.search.press("Enter")
    expect(lab.item("fold 2: model Fit")).to_have_attribute("aria-selected", "true")


def test_search_jumps_and_filters(lab: Explored) -> None:
    """A search over everything opens the way to its hit; the filter hides other models."""
    lab.search.fill("fold 2 loss<0.1")
    hits = lab.page.locator(".search .hit")
    expect(hits).to_have_count(3)
    lab.notebook.screenshot("explorer-search")
    lab.search.press("ArrowDown")
    lab.search.press("Enter")
    expect(lab.item("fold 2: model Fit")).to_have_attribute("aria-selected", "true")
    expect(lab.item("training")).to_have_attribute("aria-expanded", "true")

    lab.search.fill("no such thing")
    expect(lab.page.get_by_text("Nothing found.")).to_be_visible()
    lab.search.fill("trial")
    expect(hits).to_have_count(51)  # with the one that brings more
    hits.last.click()
    expect(hits).to_have_count(101)
    lab.search.press("Escape")

    lab.toggle("run 0")
    expect(lab.item("data: model Dataset")).to_be_visible()
    lab.page.get_by_label("Choose which models to show").click()
    lab.page.get_by_label("Fit", exact=True).check()
    expect(lab.item("data: model Dataset")).to_have_count(0)
    expect(lab.item("training")).to_be_attached()
    lab.notebook.screenshot("explorer-filter")
    lab.page.get_by_role("button", name="Show all", exact=True).click()
    expect(lab.item("data: model Dataset")).to_be_attached()

    # One with hundreds below it has a list of its own to search in.
    lab.page.get_by_label("Choose which models to show").click()
    lab.choose("sweep")
    lab.details.get_by_role("combobox", name="Find below sweep").fill("TRIAL 12")
    found = lab.details.locator(".hit")
    expect(found).to_have_count(10)
    found.nth(3).click()
    expect(lab.item("trial 123: model Dataset")).to_have_attribute("aria-selected", "true")


def test_keyboard_alone(lab: Explored) -> None:
    """Everything is reached without a mouse, and no key reaches the notebook around."""
    page = lab.page
    before = page.locator(".jp-Notebook .jp-Cell").count()
    lab.item("explorer").or_(lab.tree.locator(".item").first).focus()

    def focused() -> str:
        label: str = page.evaluate(
            "() => { let e = document.activeElement;"
            " while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;"
            " return e?.getAttribute('aria-label') ?? ''; }"
        )
        return label

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused().startswith("run 1")
    page.keyboard.press("ArrowRight")
    expect(lab.item("data: model Dataset")).to_be_visible()
    page.keyboard.press("ArrowRight")
    assert focused().startswith("training")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(lab.details.get_by_role("heading", name="data")).to_be_visible()
    lab.notebook.screenshot("explorer-keyboard")
    page.keyboard.press("ArrowLeft")
    assert focused().startswith("run 1")
    page.keyboard.press("ArrowLeft")
    expect(lab.item("data: model Dataset")).to_have_count(0)
    page.keyboard.press("End")
    assert focused().startswith("sweep")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    expect(lab.item("run 1")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(lab.item("run 1")).to_be_visible()
    for key in "d", "d", "a", "b", "x", "m":  # what deletes, adds and changes cells
        page.keyboard.press(key)
    page.keyboard.press("/")
    page.keyboard.type("dd run 3")
    assert page.locator(".jp-Notebook .jp-Cell").count() == before
    page.keyboard.press("Control+a")
    page.keyboard.type("run 3")
    page.locator(".search .hit").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(lab.item("run 3")).to_have_attribute("aria-selected", "true")
    roles = lab.tree.locator("[role=treeitem]")
    assert roles.first.get_attribute("aria-level") == "1"
    assert {"aria-level", "aria-setsize", "aria-posinset", "aria-label"} <= set(
        roles.nth(1).evaluate("e => e.getAttributeNames()")
    )


def test_dark_theme_and_notebook_7(notebook: OpenNotebook) -> None:
    """In dark JupyterLab and in Notebook 7, texts stand out and everything answers."""
    opened = notebook(cells("themes"), theme="JupyterLab Dark", name="dark")
    opened.run_all()
    dark = Explored(opened)
    dark.toggle("run 1")
    dark.choose("data: model Dataset")
    expect(dark.details.get_by_role("heading", name="data")).to_be_visible()
    opened.screenshot("explorer-dark")
    for selector in (".node .name", ".model .name", ".details h3", ".details .quiet", ".edge text"):
        assert contrast(dark.page, selector) >= 4.5, selector

    plain = notebook([SETUP.replace("{name}", "themes"), SHOW], app="notebook", name="seven")
    plain.run_all()
    seven = Explored(plain)
    seven.toggle("run 1")
    seven.choose("data: model Dataset")
    expect(seven.details.get_by_role("heading", name="data")).to_be_visible()
    plain.screenshot("explorer-notebook")
    for selector in (".node .name", ".model .name", ".details h3", ".details .quiet", ".edge text"):
        assert contrast(seven.page, selector) >= 4.5, selector


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_failed_runs_stand_out(notebook: OpenNotebook, theme: str) -> None:
    """What went wrong is marked as in static trees, readably, behind however long a name."""
    opened = notebook([RUNS, SHOW], theme=theme)
    opened.run_all()
    shown = Explored(opened)
    name = "a" * 29 + "…"
    expect(shown.tree.locator(".failed")).to_have_text([" · failed", " · interrupted"])
    expect(shown.item("a" * 40 + " · running").locator(".name")).to_have_text(f"{name} · running")
    opened.screenshot(f"explorer-failed-{theme.split()[-1].lower()}")
    assert contrast(shown.page, ".tree .failed") >= 4.5
    colours = {
        shown.page.locator(f".tree {each}").last.evaluate("e => getComputedStyle(e).fill")
        for each in (".failed", ".node .name")
    }
    assert len(colours) == 2
    shown.search.fill("aaa")
    told = shown.page.locator(".search .hit .badge")
    expect(told).to_have_text(["running", "interrupted", "failed", "finished"])
    assert contrast(shown.page, ".search .badge[data-role=failed]") >= 4.5
    opened.screenshot(f"explorer-failed-hits-{theme.split()[-1].lower()}")


def contrast(page: Page, selector: str) -> float:
    """The ratio by which a text stands out from what is painted behind it."""
    ratio: float = page.locator(selector).first.evaluate(
        """element => {
            const canvas = document.createElement("canvas").getContext("2d");
            const light = colour => {
                canvas.clearRect(0, 0, 1, 1);
                canvas.fillStyle = colour;
                canvas.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(v => {
                    v /= 255;
                    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const style = getComputedStyle(element);
            const ink = element instanceof SVGElement ? style.fill : style.color;
            const box = element.closest("g")?.querySelector("rect, .box");
            const host = element.getRootNode().host;
            const paper = element instanceof SVGElement
                ? getComputedStyle(box).fill : getComputedStyle(host).backgroundColor;
            const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05);
        }"""
    )
    return ratio


def test_hostile_labels_are_only_text(notebook: OpenNotebook) -> None:
    """Markup in labels, types and fields is shown as it is written, and does nothing."""
    opened = notebook([HOSTILE_SETUP, SHOW])
    opened.run_all()
    shown = Explored(opened)
    shown.toggle("<img")
    expect(shown.tree.locator(".model")).to_be_attached()
    shown.page.get_by_role("button", name="Show all that is open").click()
    shown.choose('<img src=x onerror="window.hacked=1">&\'\\u202etxt: model')
    expect(shown.details.locator(".field-value").first).to_contain_text("<img src=x")
    shown.search.fill("img")
    shown.page.locator(".search .hit").first.wait_for()
    opened.screenshot("explorer-hostile")
    assert shown.page.evaluate("() => window.hacked") is None
    assert shown.page.locator(".explorer img").count() == 0
    assert "\u202e" not in shown.page.locator(".explorer").inner_text()


def test_answers_while_a_cell_awaits_and_after_changes(lab: Explored) -> None:
    """Clicks are answered while a cell awaits; a refresh shows what others wrote and deleted."""
    lab.page.evaluate(
        """code => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            window.future = kernel.requestExecute({code});
        }""",
        BUSY,
    )
    lab.toggle("run 1")
    expect(lab.item("training")).to_be_visible()
    for _ in range(10):
        lab.toggle("run 2")
    expect(lab.item("run 2")).to_have_attribute("aria-expanded", "false")
    lab.toggle("run 2")
    expect(lab.item("data: model Dataset")).to_be_visible()
    lab.choose("data: model Dataset")
    lab.page.evaluate("async () => { await window.future.done; }")
    assert lab.run("explorer._answering.open_count") == "0"

    # A cell that does not await, stopped: what was asked meanwhile is answered then.
    lab.page.evaluate(
        """async () => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({code: "import time; time.sleep(600)"});
            setTimeout(() => kernel.interrupt(), 500);
            await future.done;
        }"""
    )
    lab.toggle("run 4")
    expect(lab.item("run 4")).to_have_attribute("aria-expanded", "true")

    # What others write meanwhile, and what they delete.
    lab.run("n = await write_node(new_node(node_label='written meanwhile'))")
    lab.run("n = await delete_nodes(NodeFilter(label='run 3'))")
    lab.toggle("run 3")
    gone = lab.item("Node")
    expect(gone).to_contain_text("was deleted. Refresh to see what is left.")
    stage, box = lab.tree.bounding_box(), gone.locator(".box").bounding_box()
    assert stage is not None
    assert box is not None
    assert stage["x"] <= box["x"], "all of it is in sight"
    assert box["x"] + box["width"] <= stage["x"] + stage["width"]
    lab.notebook.screenshot("explorer-gone")
    lab.page.get_by_role("button", name="Refresh: read").click()
    expect(lab.item("written meanwhile")).to_be_attached()
    expect(lab.item("run 3")).to_have_count(0)
    expect(lab.item("training")).to_be_visible()


def test_two_views_and_no_kernel(notebook: OpenNotebook) -> None:
    """Two views share what is chosen; with the kernel gone both fold, and say what is missing."""
    opened = notebook(cells("twice", "explorer"))
    opened.run_all()
    trees = opened.page.locator("svg.tree")
    expect(trees).to_have_count(2)
    first = Explored(opened)
    first.toggle("run 1")
    expect(first.item("training")).to_be_visible()
    expect(trees.nth(1).get_by_role("treeitem", name="training")).to_have_count(0)
    first.choose("data: model Dataset")
    chosen = trees.nth(1).get_by_role("treeitem", name="data: model Dataset")
    expect(chosen).to_have_attribute("aria-selected", "true")

    opened.use_kernel("restart")
    first.toggle("run 1")
    expect(first.item("training")).to_have_count(0)
    first.toggle("run 1")
    expect(first.item("training")).to_be_visible()
    first.toggle("run 2")
    expect(first.item("Python has not answered")).to_be_visible()
    opened.screenshot("explorer-restart")


def test_saved_notebook_shows_first_page(notebook: OpenNotebook) -> None:
    """Saved and opened again without a kernel's help, the first page is drawn from its state."""
    opened = notebook(cells("saved"), name="saved")
    opened.run_all()
    explorer = Explored(opened)
    explorer.toggle("run 1")
    expect(explorer.item("training")).to_be_visible()
    opened.save()
    stored = json.loads(opened.path.read_text())
    outputs = [output for cell in stored["cells"] for output in cell["outputs"]]
    assert any("run 1" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs)
    opened.page.context.close()
    again = notebook(None, name="saved")
    again.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.context.ready; }"
    )
    shown = again.page.locator("svg.tree").or_(again.page.locator(".ag-repr")).first
    expect(shown).to_be_visible()
    again.screenshot("explorer-saved")
    expect(shown).to_contain_text("run 1")


def test_nothing_lies_over_what_is_used_next(lab: Explored) -> None:
    """A list of hits and a menu go when another one opens, or when one clicks elsewhere."""
    nothing = lab.page.get_by_text("Nothing found.")
    menu = lab.page.get_by_label("Choose which models to show")
    types = lab.page.get_by_label("Fit", exact=True)
    lab.search.fill("no such thing")
    expect(nothing).to_be_visible()
    menu.click()
    expect(nothing).to_be_hidden()
    expect(types).to_be_visible()
    lab.notebook.screenshot("explorer-menu")
    lab.search.click()
    expect(types).to_be_hidden()
    expect(nothing).to_be_visible()
    # What takes no focus is elsewhere as well.
    empty = lab.tree.bounding_box()
    assert empty is not None
    lab.page.mouse.click(empty["x"] + 5, empty["y"] + empty["height"] - 5)
    expect(nothing).to_be_hidden()
    lab.search.focus()
    expect(nothing).to_be_visible()
    lab.page.keyboard.press("Tab")
    expect(nothing).to_be_hidden()


TAGS = f"""
from artigraph import *
undo = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)

class Fit(DataModel, version=1):
    loss: float

root = await write_node(new_node(node_label="family"))
for day in ("monday", "tuesday"):
    await write_model(parent_id=root.node_id, label=day, model=Fit(0.5))
tuesday = NodeFilter(label="tuesday")
await tag_nodes(tuesday, {{"best": None, "stage": "prod"}})
await tag_nodes(NodeFilter(node_id=root.node_id), {{"text": {HOSTILE!r}}})
"""


def test_tags_are_chips_and_are_found(notebook: OpenNotebook) -> None:
    """On boxes and in the details, as text whatever they hold; the box takes them as typed."""
    opened = notebook([TAGS, SHOW])
    opened.run_all()
    lab = Explored(opened)
    expect(lab.tree.locator(".tags")).to_have_text([re.compile(r"#text=<img src=x")])
    assert lab.page.evaluate("() => window.hacked") is None
    lab.toggle("family")
    expect(lab.tree.locator(".tags").nth(1)).to_have_text(re.compile("#best.*#stage=prod"))
    lab.search.fill("#best")
    expect(lab.page.locator(".search .hit")).to_have_count(1)
    lab.search.press("ArrowDown")
    lab.search.press("Enter")
    badges = lab.details.locator('.badge[data-role="tag"]')
    expect(badges).to_have_text(["#best", "#stage=prod"])
    lab.search.fill("tag:stag")
    expect(lab.page.get_by_text("Nothing found. No node has a tag stag.")).to_be_visible()
    opened.screenshot("explorer-tags")


def test_node_is_thrown_away_given_back_and_locked(lab: Explored) -> None:
    """Each asks first; the tree follows, and one line takes a node out of the trash again."""
    lab.choose("run 3")
    lab.details.get_by_role("button", name="Move to trash").click()
    expect(lab.details.get_by_text("Move run 3 and the 8 below it to the trash?")).to_be_visible()
    lab.details.get_by_role("button", name="Cancel").click()
    assert lab.run("await nodes_exist(NodeFilter(label='run 3'))") == "True"
    lab.details.get_by_role("button", name="Move to trash").click()
    lab.details.get_by_role("button", name="Move to trash").click()
    expect(lab.item("run 3")).to_have_count(0)
    expect(lab.details.get_by_text("run 3 is in the trash.")).to_be_visible()
    assert lab.run("await nodes_exist(NodeFilter(label='run 3'))") == "False"
    lab.notebook.screenshot("explorer-trash")
    lab.details.get_by_role("button", name="Undo").click()
    expect(lab.item("run 3")).to_be_visible()
    expect(lab.details.get_by_role("heading", name="run 3")).to_be_visible()
    assert lab.run("await nodes_exist(NodeFilter(label='run 3'))") == "True"

    lab.details.get_by_role("button", name="Lock").click()
    lab.details.get_by_role("button", name="Lock").click()
    expect(lab.details.get_by_role("button", name="Unlock")).to_be_visible()
    lab.details.get_by_role("button", name="Delete for good").click()
    lab.details.get_by_role("button", name="Delete for good").click()
    expect(lab.details.get_by_role("alert")).to_contain_text("is locked")
    lab.notebook.screenshot("explorer-locked")
    lab.toggle("run 3")
    expect(lab.item("data: model Dataset v2 · locked")).to_be_visible()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_database_that_is_only_read(notebook: OpenNotebook, theme: str) -> None:
    """Buttons look like buttons; those that change something are off, and say why."""
    name = "only-" + theme.split()[-1].lower()
    again = f'undo = set_engine("sqlite+aiosqlite:///{name}.db", read_only=True)'
    opened = notebook([SETUP.replace("{name}", name), FILL, again, SHOW], theme=theme)
    opened.run_all()
    lab = Explored(opened)
    lab.choose("run 3")
    for named in ("Move to trash", "Delete for good", "Lock"):
        button = lab.details.get_by_role("button", name=named)
        expect(button).to_be_disabled()
        expect(button).to_have_attribute("title", re.compile("can only be read here"))
    copy = lab.details.get_by_role("button", name="Copy")
    assert copy.evaluate("e => getComputedStyle(e).borderTopWidth") == "1px"
    line, ground = copy.evaluate(
        """e => [
            getComputedStyle(e).borderTopColor,
            getComputedStyle(e.getRootNode().host).backgroundColor,
        ]"""
    )
    assert line not in (ground, "rgba(0, 0, 0, 0)")
    opened.screenshot(f"explorer-{name}")


def test_previews_are_shown_when_asked_for(notebook: OpenNotebook) -> None:
    """Pictures, tables and texts unfold in the details, and a page that is stored runs nothing."""
    opened = notebook([PREVIEWS, SHOW, "await drawn.page.preview()"])
    opened.run_all()
    lab = Explored(opened)
    lab.choose("drawn")
    offered = lab.details.get_by_role("button", name=re.compile("^Preview of "))
    expect(offered).to_have_count(4)
    expect(lab.details.locator("img")).to_have_count(0)
    for name in ("array", "photo"):
        lab.details.get_by_role("button", name=f"Preview of {name}").click()
    images = lab.details.locator(".frame img")
    expect(images).to_have_count(2)
    for at, width in enumerate((200, 480)):
        image = images.nth(at)
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("e => e.naturalWidth") == width
    opened.screenshot("explorer-preview-pictures")
    for name in ("array", "photo"):
        lab.details.get_by_role("button", name=f"Preview of {name}").click()
    expect(images).to_have_count(0)
    lab.details.get_by_role("button", name="Preview of table").click()
    expect(lab.details.locator(".frame td", has_text="0.25")).to_be_visible()
    lab.details.get_by_role("button", name="Preview of page").click()
    expect(lab.details.locator(".frame pre")).to_contain_text("<script>window.hacked=1</script>")
    expect(opened.page.locator(".ag-repr .ag-code")).to_contain_text(
        "<script>window.hacked=1</script>"
    )
    assert opened.page.evaluate("window.hacked") is None
    opened.screenshot("explorer-preview-texts")
