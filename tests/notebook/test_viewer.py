"""The viewer's Python side: what a page asks by messages, and what a cell asks by names.

Messages take the way of a kernel's, through ipywidgets, on a comm that keeps
what is sent. A real kernel and a real page are in ``tests/browser``.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from comm.base_comm import BaseComm
from pandas.testing import assert_frame_equal

from artigraph import (
    DataModel,
    FrameViewer,
    ModelFilter,
    NodeFilter,
    SerializationError,
    delete_nodes,
    read_model,
    set_engine,
    write_model,
)
from artigraph.errors import PartError
from artigraph.frame.pyarrow import order as order_module
from artigraph.notebook import viewer_jobs
from artigraph.serializer.pandas import dataframe_serializer
from tests.conftest import Statements
from tests.frame.sources import CountingSource, keep

WAIT = 300.0
"""Seconds after which a test gives up."""


class Wire(BaseComm):
    """A comm that keeps what Python sends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **__: Any) -> None:
        # As a kernel would, so what is no JSON fails here.
        if data:
            self.sent.append(json.loads(json.dumps(data)))


@pytest.fixture(autouse=True)
def _wires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", Wire)


class Page:
    """One view of a viewer, which asks as the page does and waits without a loop."""

    def __init__(self, viewer: FrameViewer, view: str = "v") -> None:
        self.viewer, self.view, self.numbers = viewer, view, 0
        assert isinstance(viewer.comm, Wire)
        self.wire = viewer.comm

    def send(self, **content: Any) -> None:
        data = {"method": "custom", "content": {"view": self.view, **content}}
        self.wire.handle_msg({"content": {"data": data}, "buffers": []})

    def choose(self, **chosen: Any) -> None:
        """Select something, as the page does: by a message."""
        self.send(kind="set", name="chosen", value=chosen)

    def begin(self, method: str, **params: Any) -> int:
        self.numbers += 1
        self.send(kind="request", number=self.numbers, method=method, params=params)
        return self.numbers

    def replies(self, number: int) -> list[dict[str, Any]]:
        found = [data["content"] for data in self.wire.sent if data.get("method") == "custom"]
        return [c for c in found if (c["view"], c["number"]) == (self.view, number)]

    def answer(self, method: str, **params: Any) -> dict[str, Any]:
        """The reply to a question; nothing else runs in this thread meanwhile."""
        number = self.begin(method, **params)
        until = time.monotonic() + WAIT
        while not self.replies(number):
            assert time.monotonic() < until, f"{method} was not answered"
            time.sleep(0.005)
        return self.replies(number)[0]

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a question, of work that takes long the last one."""
        answer = self.answer(method, **params)
        assert "error" not in answer, answer
        result = answer["result"]
        while isinstance(result, dict) and "job" in result:
            result = self.ask(method, **{**params, "job": result["job"]})
        return result

    def arrange(self, sort: Any = (), conditions: Any = ()) -> dict[str, Any]:
        """Have rows sorted and filtered; returns the state then."""
        answer = self.ask("arrange", sort=list(sort), conditions=list(conditions))
        state: dict[str, Any] = answer["result"]
        return state


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Three row groups."""
    random = np.random.default_rng(0)
    rows = 50_000
    return pd.DataFrame(
        {
            "loss": random.standard_normal(rows),
            "name": [f"run {i % 100}" for i in range(rows)],
            "step": np.arange(rows),
        }
    )


@pytest.fixture
def viewer(frame: pd.DataFrame) -> Iterator[FrameViewer]:
    """A viewer of the frame."""
    made = FrameViewer(frame)
    yield made
    made.close()


@pytest.fixture
def page(viewer: FrameViewer) -> Page:
    """A view of it."""
    return Page(viewer)


def first_page(viewer: FrameViewer) -> dict[str, Any]:
    """The first page, once it is read."""
    viewer._first.result(WAIT)
    page: dict[str, Any] = viewer.first_page
    return page


def wait_until(true: Any) -> None:
    until = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


# ------------------------------------------------------------ the first page


def test_first_page_is_read_without_being_asked_for(viewer: FrameViewer) -> None:
    """Making a viewer reads its first rows, which a saved notebook keeps in its state."""
    page = first_page(viewer)
    assert (page["rows"], page["num_columns"]) == (50_000, 3)
    assert page["cells"]["texts"][2][:3] == ["0", "1", "2"]
    assert len(page["cells"]["numbers"]) == 40
    assert viewer.get_state()["first_page"] == page
    assert json.loads(json.dumps(page)) == page


def test_saved_notebook_has_the_first_rows_as_plain_html(viewer: FrameViewer) -> None:
    """Beside the widget stands a table that needs neither script nor style."""
    data = viewer._repr_mimebundle_()[0]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<strong>50,000 rows \N{MULTIPLICATION SIGN} 3 columns</strong>" in data["text/html"]
    assert "49,990 more rows" in data["text/html"]
    assert "FrameViewer of <StoredFrame" in data["text/plain"]
    for word in ("<script", "<style", " id=", "class="):
        assert word not in data["text/html"]


def test_html_holds_nobodys_markup() -> None:
    """Labels, types and values of a hostile frame are text in the table and in the page."""
    evil = "<img src=x onerror=alert(1)>\u202e"
    made = FrameViewer(pd.DataFrame({evil: [evil, None]}))
    html = made._repr_mimebundle_()[0]["text/html"]
    assert "<img" not in html
    assert "\u202e" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;\\u202e" in html
    assert "<em>NaN</em>" in html
    assert first_page(made)["columns"][0]["label"] == evil.replace("\u202e", "\\u202e")
    made.close()


def test_whole_of_a_long_text_is_shown_with_its_lines_and_nothing_hidden() -> None:
    """What is shown of a cell writes hidden characters out; what is copied is the value."""
    text = "first\n\u202esecond" + "x" * 200_000
    made = FrameViewer(pd.DataFrame({"t": [text]}))
    first_page(made)
    found = Page(made).ask("cell", revision=0, row=0, column=0)
    assert found["text"] == text[:100_000]
    assert found["shown"].startswith("first\n\\u202esecondxxx")
    assert found["length"] == len(text)
    made.close()


def test_fault_of_the_first_page_is_told_in_place(tmp_path: Path) -> None:
    """A frame that cannot be read makes a viewer that says so, not an exception."""
    handle, source = keep(dataframe_serializer, pd.DataFrame({"x": [1]}), tmp_path / "blob")
    source.path.rename(tmp_path / "away")
    made = handle.view()
    assert "artifact 'value' of node 7 cannot be read" in first_page(made)["error"]
    assert "text/html" not in made._repr_mimebundle_()[0]
    (tmp_path / "away").rename(source.path)
    assert Page(made).ask("open")["rows"] == 1
    made.close()


@pytest.mark.parametrize("value", [3, "text", pd.Series([1])])
def test_only_frames_are_viewed(value: Any) -> None:
    """What is no frame is refused at once, and the error says what to give."""
    with pytest.raises(SerializationError, match="A frame was expected"):
        FrameViewer(value)


@pytest.mark.parametrize(
    "value", [pd.DataFrame({"x": [1, 2]}), pl.DataFrame({"x": [1, 2]}), pa.table({"x": [1, 2]})]
)
def test_frames_in_memory_are_viewed(value: Any) -> None:
    """Frames of pandas and Polars and tables of Arrow are shown as they are now."""
    made = FrameViewer(value, height=200)
    assert first_page(made)["cells"]["texts"] == [["1", "2"]]
    assert made.height == 200
    made.close()


# ---------------------------------------------------------------- questions


def test_page_asks_for_windows(page: Page, frame: pd.DataFrame) -> None:
    """Windows, whole values and single cells are answered by number."""
    facts = page.ask("open")
    assert [column["label"] for column in facts["columns"]] == ["loss", "name", "step"]
    cells = page.ask("cells", revision=0, start=20_000, stop=20_003, columns=[2, 1])
    assert cells["texts"] == [["20000", "20001", "20002"], ["run 0", "run 1", "run 2"]]
    values = page.ask("values", revision=0, start=7, stop=8, columns=[0])
    assert values["values"] == [[repr(float(frame.loss[7]))]]
    assert page.ask("cell", revision=0, row=7, column=1) == {
        "text": "run 7",
        "shown": "run 7",
        "length": 5,
    }
    summary = page.ask("summary", column=2)["result"]
    assert (summary["low"], summary["high"]) == ("0", "49999")


async def test_page_sorts_and_filters_and_python_sees_it(
    viewer: FrameViewer, page: Page, frame: pd.DataFrame
) -> None:
    """What a page sorts, filters, hides and selects is what Python reads."""
    state = page.arrange(
        [{"column": 0, "descending": True}], [{"column": 1, "operator": "eq", "value": "run 3"}]
    )
    expected = frame[frame.name == "run 3"].sort_values("loss", ascending=False)
    assert state["rows"] == viewer.num_rows == len(expected)
    await asyncio.sleep(0)
    assert viewer.state["revision"] == state["revision"] == 1
    cells = page.ask("cells", revision=1, start=0, stop=2, columns=[2])
    assert cells["texts"] == [[str(step) for step in expected.step[:2]]]
    assert cells["numbers"] == list(expected.index[:2])
    page.ask("hide", columns=[1])
    await asyncio.sleep(0)  # what observes traits is called where cells run
    page.choose(revision=1, start=1, stop=4, columns=[0, 2])
    assert viewer.selection == {"rows": (1, 4), "columns": ["loss", "step"]}
    assert_frame_equal(await viewer.to_pandas(), expected[["loss", "step"]])
    assert_frame_equal(await viewer.to_pandas(limit=5), expected[["loss", "step"]][:5])
    assert_frame_equal(await viewer.to_pandas(selected=True), expected[["loss", "step"]][1:4])
    assert page.arrange()["rows"] == 50_000
    await asyncio.sleep(0)
    assert viewer.selection is None
    with pytest.raises(PartError, match="Nothing is selected"):
        await viewer.to_pandas(selected=True)


async def test_python_sorts_and_the_page_is_told(viewer: FrameViewer, frame: pd.DataFrame) -> None:
    """``arrange`` takes labels, and the trait ``state`` tells every page of it."""
    seen: list[Any] = []
    viewer.observe(lambda change: seen.append(change["new"]), "state")
    await viewer.arrange(["name", "-loss"], [("step", "lt", 1000), ("loss", "present")])
    expected = frame[:1000].sort_values(["name", "loss"], ascending=[True, False])
    assert_frame_equal(await viewer.to_pandas(), expected)
    assert seen[-1]["sort"] == [
        {"column": 1, "descending": False},
        {"column": 0, "descending": True},
    ]
    with pytest.raises(PartError, match=r"no column 'lss'\. Did you mean 'loss'"):
        await viewer.arrange("lss")
    with pytest.raises(PartError, match="no operator 'like'"):
        await viewer.arrange(where=[("name", "like", "x")])
    with pytest.raises(PartError, match="A condition is a tuple such as"):
        await viewer.arrange(where=["loss"])  # type: ignore[list-item]  # the point
    assert viewer.num_rows == 1000


def test_stale_windows_are_answered_with_how_things_are(viewer: FrameViewer, page: Page) -> None:
    """A window of rows that were shown before the last sort is not answered with others."""
    first_page(viewer)
    state = page.arrange([{"column": 0, "descending": False}])
    for method, params in (
        ("cells", {"start": 0, "stop": 5, "columns": [0]}),
        ("values", {"start": 0, "stop": 5, "columns": [0]}),
        ("cell", {"row": 0, "column": 0}),
    ):
        assert page.ask(method, revision=0, **params) == {"state": state}
    page.choose(revision=0, start=0, stop=5, columns=[0])
    assert viewer.selection is None


def test_two_views_share_what_is_shown(viewer: FrameViewer) -> None:
    """Each view hears the answers to its own questions, and both the same order."""
    one, other = Page(viewer, "one"), Page(viewer, "other")
    one.arrange([{"column": 0, "descending": False}])
    assert other.ask("open")["state"]["revision"] == 1
    number = one.begin("open")
    wait_until(lambda: one.replies(number))
    assert [reply["view"] for reply in one.replies(number)] == ["one"]


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"revision": 0},
        {"revision": 0, "start": 0, "stop": 5, "columns": [99]},
        {"revision": 0, "start": 5, "stop": 0, "columns": [0]},
        {"revision": 0, "start": 0, "stop": 5, "columns": ["loss"]},
        {"revision": 0, "start": 0, "stop": 5, "columns": []},
    ],
)
def test_senseless_selections_are_none(
    viewer: FrameViewer, page: Page, chosen: dict[str, Any]
) -> None:
    """What a page tells of its selection is not believed unless it is one."""
    first_page(viewer)
    page.choose(**chosen)
    assert viewer.selection is None


async def test_observers_are_called_where_cells_run(frame: pd.DataFrame) -> None:
    """A selection and an order are told in the thread that made the viewer."""
    made = FrameViewer(frame)
    first_page(made)
    threads: list[int] = []
    made.observe(lambda _: threads.append(threading.get_ident()), ["selection", "state"])
    page = Page(made)
    page.choose(revision=0, start=0, stop=5, columns=[0])
    await made.arrange("loss")
    assert made.selection is None
    assert len(threads) == 3
    assert set(threads) == {threading.get_ident()}
    made.close()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("no_such", {}),
        ("cells", {}),
        ("cells", {"revision": 0, "start": -1, "stop": 5, "columns": [0]}),
        ("cells", {"revision": 0, "start": 0, "stop": "x", "columns": [0]}),
        ("cells", {"revision": 0, "start": 0, "stop": 5, "columns": "all"}),
        ("cells", {"revision": 0, "start": 0, "stop": 5, "columns": [9]}),
        ("values", {"revision": 0, "start": 0, "stop": 10**9, "columns": [0, 1, 2] * 9}),
        ("cell", {"revision": 0, "row": None, "column": 0}),
        ("arrange", {"sort": [{"column": 17}]}),
        ("arrange", {"conditions": [{"column": 0, "operator": "eq", "value": "many"}]}),
        ("arrange", {"job": 12345}),
        ("summary", {"column": 99}),
        ("hide", {"columns": [99]}),
        ("hide", {}),
    ],
)
def test_senseless_questions_are_answered_with_an_error(
    page: Page, method: str, params: dict[str, Any]
) -> None:
    """Whatever a page sends is answered, and nothing that is shown changes."""
    before = page.ask("open")["state"]
    answer = page.answer(method, **params)
    while "result" in answer:
        answer = page.answer(method, **params, job=answer["result"]["job"])
    assert answer["error"]
    assert page.ask("open")["state"] == before


# --------------------------------------------------------- stopping and ending


def slow_down(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Give sorting a last step that takes a while."""

    async def wait(function: Any, *arguments: Any) -> Any:
        await asyncio.sleep(seconds)
        return function(*arguments)

    monkeypatch.setattr(order_module, "run_in_thread", wait)


def test_long_work_tells_how_far_it_is(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sort that takes longer than an answer may tells its progress until it is done."""
    slow_down(monkeypatch, 0.3)
    monkeypatch.setattr(viewer_jobs, "PATIENCE", 0.05)
    answer = page.answer("arrange", sort=[{"column": 0}])["result"]
    assert set(answer) == {"job", "done", "total"}
    assert page.ask("arrange", sort=[], job=answer["job"])["result"]["revision"] == 1


@pytest.mark.parametrize("how", ["cancel", "close", "comm"])
def test_nothing_runs_on_when_a_view_goes(
    viewer: FrameViewer, page: Page, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Cancelling, closing the view and closing the comm each end a sort that is under way."""
    first_page(viewer)
    slow_down(monkeypatch, 60)
    monkeypatch.setattr(viewer_jobs, "PATIENCE", 60.0)
    number = page.begin("arrange", sort=[{"column": 0}])
    wait_until(lambda: viewer._pages.jobs.open_count == 1)
    if how == "cancel":
        page.send(kind="cancel", number=number)
    elif how == "close":
        page.send(kind="close")
    else:
        viewer.close()
    wait_until(lambda: viewer._pages.jobs.open_count == 0)
    wait_until(lambda: viewer._answering.open_count == 0)
    assert viewer._pages.revision == 0
    assert (viewer._pages.opened is None) == (how == "comm")


def test_work_that_nobody_asks_about_is_given_up(
    viewer: FrameViewer, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that vanishes between two questions leaves no work behind."""
    slow_down(monkeypatch, 60)
    monkeypatch.setattr(viewer_jobs, "PATIENCE", 0.01)
    monkeypatch.setattr(viewer_jobs, "FORGOTTEN", 0.05)
    job = page.answer("arrange", sort=[{"column": 0}])["result"]["job"]
    wait_until(lambda: viewer._pages.jobs.open_count == 0)
    assert "given up" in page.answer("arrange", sort=[], job=job)["error"]


def test_ten_quick_sorts_end_with_the_last(viewer: FrameViewer, page: Page) -> None:
    """Of many clicks the last one wins, and all are answered or cancelled."""
    numbers: list[int] = []
    for click in range(10):
        if numbers:
            page.send(kind="cancel", number=numbers[-1])
        numbers.append(page.begin("arrange", sort=[{"column": 0, "descending": click % 2 == 1}]))
    wait_until(lambda: page.replies(numbers[-1]))
    wait_until(lambda: viewer._pages.jobs.open_count == 0)
    assert viewer.state["sort"] == [{"column": 0, "descending": True}]


# ---------------------------------------------- while rows are looked for


class _Gated(CountingSource):
    """A source that gives no more than its first row groups until it is let."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.limit, self.gate = self.size, threading.Event()

    def _fetch(self, start: int, end: int) -> bytes:
        if start > self.limit:
            self.gate.wait(WAIT)
        return super()._fetch(start, end)


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[FrameViewer, Page, _Gated]]:
    """A viewer of a frame of ten row groups, of which all but the first are slow to come."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.standard_normal(200_000), "step": np.arange(200_000)})
    handle, _ = keep(dataframe_serializer, frame, tmp_path / "blob")
    source = handle._source = _Gated(tmp_path / "blob")
    viewer = FrameViewer(handle)
    first_page(viewer)
    source.limit = source.size // 8
    yield viewer, Page(viewer), source
    source.gate.set()
    viewer.close()


FOUND = {"sort": [], "conditions": [{"column": 0, "operator": "gt", "value": "1"}]}


async def test_first_rows_that_are_found_are_shown_at_once(
    gated: tuple[FrameViewer, Page, _Gated],
) -> None:
    """They are shown and stay while others are found; Python reads no less than all of them."""
    viewer, page, source = gated
    page.begin("arrange", **FOUND)
    wait_until(lambda: viewer._pages.revision == 1)
    state = viewer._pages.state()
    assert not state["complete"]
    assert 0 < state["rows"] < 20_000
    cells = page.ask("cells", revision=1, start=0, stop=20, columns=[1])
    assert len(cells["texts"][0]) == 20
    reading = asyncio.ensure_future(viewer.to_pandas())
    await asyncio.sleep(0.05)
    page.choose(revision=1, start=0, stop=20, columns=[1])
    assert len(await viewer.to_pandas(selected=True)) == 20
    assert not reading.done()
    source.gate.set()
    whole = await reading
    assert (whole["x"] > 1).all()
    assert len(whole) == viewer.num_rows > state["rows"]
    state = viewer._pages.state()
    assert (state["complete"], state["revision"]) == (True, 1)
    assert page.ask("cells", revision=1, start=0, stop=20, columns=[1]) == cells


def test_giving_up_shows_what_was_there_before(gated: tuple[FrameViewer, Page, _Gated]) -> None:
    """Cancelling a filter of which some rows are shown brings the earlier rows back."""
    viewer, page, _ = gated
    number = page.begin("arrange", **FOUND)
    wait_until(lambda: viewer._pages.revision == 1)
    page.send(kind="cancel", number=number)
    wait_until(lambda: viewer._pages.jobs.open_count == 0)
    wait_until(lambda: viewer.num_rows == 200_000)
    state = viewer._pages.state()
    assert (state["complete"], state["conditions"], state["revision"]) == (True, [], 2)


def test_another_order_replaces_the_first_rows(gated: tuple[FrameViewer, Page, _Gated]) -> None:
    """A question that takes the place of one half answered is what is shown in the end."""
    viewer, page, source = gated
    numbers = [page.begin("arrange", **FOUND)]
    wait_until(lambda: viewer._pages.revision == 1)
    page.send(kind="cancel", number=numbers[-1])
    less = [{"column": 0, "operator": "lt", "value": "-1"}]
    numbers.append(page.begin("arrange", sort=[], conditions=less))
    page.send(kind="cancel", number=numbers[-1])
    state = page.arrange()
    assert (state["rows"], state["conditions"], state["complete"]) == (200_000, [], True)
    source.gate.set()
    wait_until(lambda: viewer._pages.jobs.open_count == 0)
    assert viewer._pages.state() == state


# ------------------------------------------------------------- in the database


class Kept(DataModel, version=1):
    """A frame in the database itself."""

    frame: pd.DataFrame


async def stored_in_database() -> Any:
    """A stored frame whose bytes are in a row."""
    frame = pd.DataFrame({"a": range(45_000), "b": [f"text {i}" for i in range(45_000)]})
    await write_model(label="kept", model=Kept(frame))
    return (await read_model(ModelFilter(model_type=Kept), lazy=True)).value.frame


async def test_frame_in_the_database_is_viewed_while_the_cell_blocks(store: str) -> None:
    """The kernel's loop stands still here, and windows are read nevertheless."""
    viewer = (await stored_in_database()).view()
    # From here on nothing awaits, as in a cell that computes.
    assert first_page(viewer)["cells"]["texts"][1][:2] == ["text 0", "text 1"]
    page = Page(viewer)
    cells = page.ask("cells", revision=0, start=44_998, stop=45_000, columns=[1])
    assert cells["texts"] == [["text 44998", "text 44999"]]
    state = page.arrange([{"column": 0, "descending": True}])
    assert state["rows"] == 45_000
    assert (await viewer.to_pandas(limit=2))["a"].tolist() == [44_999, 44_998]
    viewer.close()


async def test_viewer_stays_with_its_database(store: str, tmp_path: Path) -> None:
    """Setting another database does not lead a viewer's ids astray."""
    viewer = (await stored_in_database()).view()
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}", create_tables=True)
    try:
        cells = Page(viewer).ask("cells", revision=0, start=30_000, stop=30_001, columns=[0])
    finally:
        reset()
    assert cells["texts"] == [["30000"]]
    viewer.close()


async def test_deleted_frame_is_told(store: str) -> None:
    """A frame that somebody deletes while it is shown is told of where its rows would be."""
    viewer = (await stored_in_database()).view()
    first_page(viewer)
    await delete_nodes(NodeFilter(label="kept"))
    answer = Page(viewer).answer("cells", revision=0, start=30_000, stop=30_001, columns=[0])
    assert "has no bytes any more; it was deleted" in answer["error"]
    viewer.close()


async def test_showing_a_viewer_asks_nothing(store: str, statements: Statements) -> None:
    """Once the first page is there, a repr reads loaded facts only."""
    viewer = (await stored_in_database()).view()
    first_page(viewer)
    statements.clear()
    repr(viewer)
    viewer._repr_mimebundle_()
    assert statements == []
    viewer.close()
