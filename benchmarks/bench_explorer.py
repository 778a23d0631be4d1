"""Exploring a graph of a million nodes in SQLite, in Python and on a page.

``python -m benchmarks.bench_explorer`` writes the graph with plain sqlite3 into a
temporary folder. With Chromium, the page's half is measured too, in a window of
its own that no Jupyter slows down or speeds up.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import sqlite3
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from artigraph import DataModel, delete_nodes, explore, set_engine, write_model
from artigraph.filter.node import NodeFilter
from artigraph.notebook.explorer import Explorer
from benchmarks.report import Report, seconds_async

NODES = 1_000_000
WIDE = 50_000
ROUNDS = 5
DRAWN = 2_000


class Fit(DataModel, version=1):
    loss: float
    name: str


def rows() -> Iterator[tuple[Any, ...]]:
    """One root with 50,000 models, then experiments of 100 runs with nine models each."""
    now, number = "2026-01-01 00:00:00.000000", 1
    yield (number, None, "node", "sweep", now, now, None, None, None, None)
    for n in range(WIDE):
        number += 1
        document = f'{{"loss":{n / WIDE},"name":"m{n}"}}'
        label = f"trial {n:05d}"
        yield (number, 1, "model_artifact", label, now, now, Fit.model_name, 1, document, 0)
    while number < NODES:
        number += 1
        experiment = number
        yield (number, None, "node", f"experiment {number}", now, now, None, None, None, None)
        for run in range(100):
            number += 1
            above = number
            yield (number, experiment, "node", f"run {run}", now, now, None, None, None, None)
            for model in range(9):
                number += 1
                document = '{"loss":0.5,"name":"m"}'
                label = f"model {model}"
                yield (number, above, "model_artifact", label, now, now, "Other", 1, document, 0)


def fill(path: Path) -> None:
    """Write the graph."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        connection.executemany(
            "INSERT INTO artigraph_node (node_id, node_parent_id, node_type, node_label, "
            "node_created_at, node_updated_at, model_artifact_type, model_artifact_version, "
            "model_artifact_data, model_artifact_parts) VALUES (?,?,?,?,?,?,?,?,?,?)",
            rows(),
        )
    connection.close()


async def ask(explorer: Explorer, method: str, /, **params: Any) -> Any:
    """What a page would be answered."""
    return await explorer._run(explorer._pages.methods[method](params))


async def measure(path: Path, report: Report) -> dict[str, Any]:
    """Time what a page asks for; returns a first page to draw."""
    set_engine(f"sqlite+aiosqlite:///{path}", create_tables=True)
    await write_model(label="makes the tables", model=Fit(0.0, ""))
    await delete_nodes(NodeFilter(), everything=True)
    await asyncio.to_thread(fill, path)
    explorer = await explore()

    async def times(name: str, most: float, method: str, **params: Any) -> None:
        async def once() -> None:
            await ask(explorer, method, **params)

        report.median(name, [await seconds_async(once) for _ in range(ROUNDS)], most)

    report.median("explore()", [await seconds_async(explore) for _ in range(ROUNDS)], 100)
    await times("a page of 100 roots", 150, "children", node=0, limit=100)
    await times("the first 100 of 50,000", 150, "children", node=1, limit=100)
    await times("the last 100 of 50,000", 150, "children", node=1, after=WIDE - 100, limit=100)
    await times("counting 50,000", 150, "count", node=1)
    await times("the path to a model", 150, "path", node=NODES - 5)
    await times("details of a model", 150, "details", node=100)
    await times("a search that finds much", 150, "search", text="model")
    await times("a search that finds nothing", 2000, "search", text="nowhere")

    tracemalloc.start()
    before = 0
    for page in range(60):
        if page == 10:  # what is kept once and for all is there by now
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
        await ask(explorer, "children", node=1, after=1 + page * 100, limit=100)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    report.value("MB that 50 pages leave behind", kept / 1e6, 1)
    return {**explorer.first_page, "types": []}


PAGE = """
async ([code, first, drawn, height]) => {
    const url = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
    const widget = (await import(url)).default;
    const make = (n, rest) => ({node: n, parent: 1, kind: "node", label: `node ${n}`, type: "Node",
        version: null, created: "", size: null, count: 0, capped: false, ...rest});
    const listeners = new Set();
    const traits = {first_page: first, selected: null, height};
    const model = {
        get: name => traits[name], set: (name, value) => { traits[name] = value; },
        save_changes() {}, on: (event, f) => { if (event === "msg:custom") listeners.add(f); },
        off: (event, f) => listeners.delete(f),
        send: sent => {
            if (sent.kind !== "request") return;
            const kind = n => n % 2 ? "model" : "node";
            const rows = Array.from({length: drawn}, (_, n) => make(100 + n, {kind: kind(n)}));
            const counted = {total: drawn, capped: false};
            const result = sent.method === "count" ? counted : {rows, after: null};
            const reply = {kind: "reply", view: sent.view, number: sent.number, result};
            queueMicrotask(() => listeners.forEach(listener => listener(reply)));
        },
    };
    const frame = () => new Promise(requestAnimationFrame);
    const el = document.body.appendChild(document.createElement("div"));
    let start = performance.now();
    widget.render({model, el});
    await frame(); await frame();
    const first_drawn = performance.now() - start;
    const root = el.firstElementChild.shadowRoot;
    const tree = root.querySelector("svg.tree");
    start = performance.now();
    root.querySelectorAll(".item .toggle rect")[1].dispatchEvent(
        new MouseEvent("click", {bubbles: true, composed: true}));
    await frame(); await frame(); await frame();
    root.querySelector('[aria-label="Show all that is open"]').click();
    // All in sight, and some more of it in the margins.
    await frame(); await frame();
    const opened = performance.now() - start;
    const point = (type, x, y) => tree.dispatchEvent(new PointerEvent(type,
        {bubbles: true, composed: true, button: 0, pointerId: 1, clientX: x, clientY: y}));
    tree.setPointerCapture = () => undefined;
    const count = root.querySelectorAll(".item").length;
    const pan = async () => {
        point("pointerdown", 300, 300);
        const times = [];
        let last = await frame();
        // Far enough that what comes into sight has to be drawn on the way.
        for (let n = 0; n < 90; n++) {
            point("pointermove", 300, 300 - 40 * n);
            const now = await frame();
            times.push(now - last);
            last = now;
        }
        point("pointerup", 300, 300);
        times.sort((a, b) => a - b);
        return times;
    };
    const far = await pan();
    for (let n = 0; n < 12; n++) root.querySelector('[aria-label="Zoom in"]').click();
    const near = await pan();
    const worst = Math.max(far[85], near[85]);
    return {first_drawn, opened, count, far: far[45], near: near[45], worst};
}
"""


def measure_page(first: dict[str, Any], report: Report) -> None:
    """Time what the page does, if there is a browser."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("No Chromium here: the page is not measured.")
        return
    from playwright.sync_api import sync_playwright

    code = Path(sys.modules[Explorer.__module__].__file__ or "").with_name("static") / "explorer.js"
    args = ["--headless", "--no-sandbox", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=args)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto("about:blank")
        found = page.evaluate(PAGE, [code.read_text(), first, DRAWN, 700])
        browser.close()
    print(f"{found['count']:,} boxes are drawn, when {DRAWN:,} more are open")
    report.value("ms until the first page is drawn", found["first_drawn"], 1000)
    report.value("ms until 2,000 children are drawn", found["opened"], 1000)
    report.value("ms a frame while panning all of them", found["far"], 1000 / 30)
    report.value("ms a frame while panning some of them", found["near"], 1000 / 30)
    report.value("ms a frame, one in twenty", found["worst"], 100)


def main() -> int:
    """Run all of it."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        first = asyncio.run(measure(Path(folder) / "million.db", report))
    measure_page(first, report)
    return report.failures


if __name__ == "__main__":
    sys.exit(main())
