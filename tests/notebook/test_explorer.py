"""The explorer's Python side, asked as a page asks it: by messages over a comm."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import comm
import pandas as pd
import pytest
from comm.base_comm import BaseComm
from ipywidgets import Widget
from sqlalchemy import event

from artigraph import (
    CellRun,
    DataModel,
    Explorer,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NoEngineError,
    delete_nodes,
    explore,
    get_engine,
    lock_nodes,
    new_node,
    set_engine,
    start_run,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.notebook import answering
from artigraph.notebook.answering import Answering
from artigraph.serializer.pandas import dataframe_serializer

HOSTILE = "<img src=x onerror=alert(1)>\u202e&\"'"


class Fit(DataModel, version=1):
    loss: float
    curve: Annotated[pd.DataFrame, dataframe_serializer]


class RecordingComm(BaseComm):
    """The kernel's end of a wire without a page at its other end."""

    sent: list[dict[str, Any]]

    def publish_msg(
        self, msg_type: str, data: dict[str, Any] | None = None, *_: Any, **__: Any
    ) -> None:
        if not hasattr(self, "sent"):
            self.sent = []
        # What does not go through JSON reaches no page.
        self.sent.append(json.loads(json.dumps(data or {}, allow_nan=False)))


@pytest.fixture(autouse=True)
def _wires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give widgets a comm that remembers what was sent."""
    monkeypatch.setattr(comm, "create_comm", RecordingComm)


class Page:
    """A view in a page, asking questions.

    Args:
        widget: What it is a view of.
        view: Its key.
    """

    def __init__(self, widget: Any, view: str = "one") -> None:
        self.widget, self.view, self._numbers = widget, view, count(1)

    @property
    def _comm(self) -> RecordingComm:
        found = self.widget.comm
        assert isinstance(found, RecordingComm)
        return found

    def send(self, **content: Any) -> None:
        """Say something."""
        data = {"method": "custom", "content": {"view": self.view, **content}}
        self._comm.handle_msg({"content": {"data": data}, "buffers": []})

    def begin(self, method: str, /, **params: Any) -> int:
        """Ask something, without waiting for the answer."""
        number = next(self._numbers)
        self.send(kind="request", number=number, method=method, params=params)
        return number

    def answers(self, number: int) -> list[dict[str, Any]]:
        """What was answered to one question."""
        contents = [sent.get("content", {}) for sent in self._comm.sent]
        return [
            content
            for content in contents
            if (content.get("view"), content.get("number")) == (self.view, number)
        ]

    async def ask(self, method: str, /, **params: Any) -> Any:
        """Ask something, and wait for the answer."""
        number = self.begin(method, **params)
        await until(lambda: bool(self.answers(number)))
        (answer,) = self.answers(number)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something has come to pass."""
    async with asyncio.timeout(300):
        while not holds():  # noqa: ASYNC110  # the portal is another thread's loop
            await asyncio.sleep(0.005)


async def small_tree() -> tuple[Node, int, int]:
    """A root with a model that has a frame; the root, and the ids of model and frame."""
    root = await write_node(new_node(node_label="root"))
    frame = pd.DataFrame({"x": range(100), "y": ["a"] * 100})
    model = await write_model(parent_id=root.node_id, label="fit", model=Fit(0.5, frame))
    page = Page(await explore(model.artifact.node_id))
    (row,) = page.widget.first_page["rows"]
    return root, model.artifact.node_id, row["node"]


async def test_first_page_is_read_at_once(store: str) -> None:
    """An explorer of everything begins with the roots, their counts and the types of models."""
    root, model, _ = await small_tree()
    first = (await explore()).first_page
    assert first["root"]["type"] == "database"
    assert [(row["label"], row["count"]) for row in first["rows"]] == [("root", 1)]
    assert (first["after"], first["total"], first["types"]) == (None, 1, [Fit.model_name])
    assert (await explore(root)).first_page["rows"][0]["node"] == model
    assert (await explore(root.node_id)).first_page["root"]["label"] == "root"


async def test_filter_is_where_it_begins(store: str) -> None:
    """With a filter, what it finds stands below a box that says so."""
    _, model, _ = await small_tree()
    explorer = await explore(ModelFilter(model_type=Fit))
    first = explorer.first_page
    assert [row["node"] for row in first["rows"]] == [model]
    assert "Fit" in first["root"]["label"]
    page = Page(explorer)
    assert (await page.ask("children", node=0))["rows"] == first["rows"]
    assert (await page.ask("count", node=0))["total"] == 1


@asynccontextmanager
async def counted(explorer: Explorer) -> AsyncIterator[list[str]]:
    """The statements that an explorer sends, on the portal's own engine."""
    engine = (await explorer._run(get_engine())).sync_engine
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


async def test_each_question_costs_few_statements(store: str) -> None:
    """However many nodes there are, a question costs the same few statements."""
    root, model, part = await small_tree()
    await write_nodes([new_node(node_label=f"run {n}") for n in range(120)])
    explorer = await explore()
    page = Page(explorer)
    first = explorer.first_page
    assert (len(first["rows"]), first["total"]) == (20, 121)
    assert first["after"] == first["rows"][-1]["node"]
    costs = [
        (3, "refresh", {}),
        (1, "children", {"node": 0, "after": first["after"], "limit": 101}),
        (1, "count", {"node": 0}),
        (1, "path", {"node": part}),
        # Where there may be an index of labels, whether there is one is asked first.
        (1 if store == "mariadb" else 2, "search", {"text": "run"}),
        (2, "search", {"text": "loss<1"}),
        # One of each reads the notes.
        (3, "details", {"node": root.node_id}),
        (4, "details", {"node": model}),
        (3, "details", {"node": part}),
    ]
    for cost, method, params in costs:
        async with counted(explorer) as sent:
            await page.ask(method, **params)
        assert len(sent) == cost, (method, sent)
        assert not any("database_artifact_value" in each for each in sent if method != "details")
    further = await page.ask("children", **costs[1][2])
    assert (len(further["rows"]), further["after"]) == (101, None)


@pytest.mark.parametrize("wrong", ["7", 1.5, True, object(), Node(), None])
async def test_strange_scope_is_refused(store: str, wrong: Any) -> None:
    """What is neither node, id nor filter is refused in words."""
    with pytest.raises(FilterError, match=r"explore\(\) takes|Write the node"):
        await explore(wrong)


async def test_scope_must_exist(store: str) -> None:
    """A node that does not exist cannot be explored."""
    with pytest.raises(NodeNotFoundError, match="no node 123456789"):
        await explore(123456789)


async def test_engine_must_be_set() -> None:
    """Without a database the error shows what to type."""
    with pytest.raises(NoEngineError, match="set_engine"):
        await explore()


async def test_details_tell_facts_frames_and_code(store: str) -> None:
    """A model's details have its fields, its frames and a line of code that works."""
    root, model, part = await small_tree()
    page = Page(await explore())
    details = await page.ask("details", node=model)
    assert {field["name"]: field["value"] for field in details["facts"]["fields"]}["loss"] == "0.5"
    assert details["frames"] == [{"label": "curve", "node": part}]
    namespace: dict[str, Any] = {}
    exec("from artigraph import *", namespace)
    for node in (model, part, root.node_id):
        code = (await page.ask("details", node=node))["code"]
        exec(f"async def read():\n    return {code}", namespace)
        assert await namespace["read"]() is not None
    kinds = [(await page.ask("details", node=node))["row"]["kind"] for node in (model, part)]
    assert kinds == ["model", "artifact"]


async def test_details_of_a_run_draw_its_curves(store: str) -> None:
    """Each is a row with the points of a line; names are texts and nothing else."""
    async with start_run("fit", lr=0.1) as run:
        for step in range(3):
            run.log(step, **{"<b>\u202e": step, "nothing": float("nan")})
    facts = (await Page(await explore()).ask("details", node=run.node.node_id))["facts"]
    drawn, nothing = (row[-1] for row in facts["table"]["rows"])
    assert facts["table"]["rows"][0][0] == "<b>\\u202e"
    assert drawn["text"] == "▁▅█"
    assert drawn["lines"] == ["1.0,19.0 48.0,10.0 95.0,1.0"]
    assert nothing["lines"] == []
    assert {"duration", "created"} <= {name for name, _ in facts["notes"]}


async def test_details_of_unknown_class_still_tell(store: str) -> None:
    """A model whose class is not defined here is shown by what its row holds."""
    from artigraph.model import base as model_base

    _, model, part = await small_tree()
    del model_base.models_by_name[Fit.model_name]
    details = await Page(await explore()).ask("details", node=model)
    assert [badge["text"] for badge in details["facts"]["badges"]].count("class not defined here")
    assert details["frames"] == [{"label": "curve", "node": part}]


async def test_frame_is_looked_into(store: str) -> None:
    """The frame of a model answers for itself, with the code that shows it."""
    _, model, part = await small_tree()
    page = Page(await explore())
    first = await page.ask("viewer", node=part, method="first")
    assert first["first"]["rows"] == 100
    assert "mountViewer" in first["code"]
    params = {"revision": 0, "start": 50, "stop": 52, "columns": [0]}
    assert await page.ask("viewer", node=part, method="values", params=params) == {
        "values": [["50", "51"]]
    }
    with pytest.raises(RuntimeError, match="holds no frame"):
        await page.ask("viewer", node=model, method="first")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("loss <1", "<1 was looked for as a word: fields are compared without spaces"),
        ("los<1", "No model has a value in a field los."),
        ("loss<-9", ""),
        ("loss<abc", "abc is no number, and no model has a text in loss. Compare it with a number"),
        ("loss=abc fit", "abc is no number"),
        ("loss<true", "true is no number"),
        ("loss~abc", ""),
        ("#99999", "There is no node 99999."),
        ("#fit", "No node has a tag fit"),
        ("tag:fit>3", "No node has a tag fit"),
        ("nobody", ""),
        ('"a<b c"', ""),
    ],
)
async def test_search_that_finds_nothing_says_what_is_wrong(
    store: str, text: str, hint: str
) -> None:
    """A question that was understood otherwise, or asks for an unknown field, says so."""
    await small_tree()
    found = await Page(await explore()).ask("search", text=text)
    assert found["rows"] == []
    assert hint in found["hint"]
    assert bool(hint) == bool(found["hint"])


async def test_search_for_a_metric_that_no_run_has_names_the_nearest(store: str) -> None:
    """Also where there is no model at all."""
    async with start_run("r", depth={"net": 3}) as run:
        run.log(accuracy=0.9, bad=float("nan"))
    page = Page(await explore())
    found = await page.ask("search", text="bad<1")
    assert "No metric bad has a number as its last value" in found["hint"]
    assert len((await page.ask("search", text="accuracy>0.8"))["rows"]) == 1
    for name, near in {"acuracy": "accuracy", "depth.nett": "depth.net"}.items():
        found = await page.ask("search", text=f"{name}>0.8")
        said = f"No run has a parameter or a metric {name}. Did you mean {near}?"
        assert said in found["hint"]


async def test_search_tells_where_hits_hang(store: str) -> None:
    """A hit comes with its parent's label, and its path leads to it."""
    root, model, _ = await small_tree()
    page = Page(await explore())
    found = await page.ask("search", text="loss<1")
    assert [(row["node"], row["below"]) for row in found["rows"]] == [(model, "root")]
    path = await page.ask("path", node=model)
    assert [row["node"] for row in path["rows"]] == [root.node_id, model]
    narrow = {"types": ["Another"], "created_after": None, "created_before": None}
    assert (await page.ask("search", text="fit", **narrow))["rows"] == []


async def test_refresh_shows_what_others_wrote(store: str) -> None:
    """A page may ask for everything anew, and so may a cell."""
    explorer = await explore()
    await write_node(new_node(node_label="first"))
    await Page(explorer).ask("refresh")
    assert [row["label"] for row in explorer.first_page["rows"]] == ["first"]
    await write_node(new_node(node_label="second"))
    await explorer.refresh()
    assert [row["label"] for row in explorer.first_page["rows"]] == ["first", "second"]


async def test_deleted_node_says_so(store: str) -> None:
    """Whatever is asked about a node that was deleted meanwhile, the answer says that."""
    root, model, _ = await small_tree()
    page = Page(await explore())
    await delete_nodes(NodeFilter(node_id=root.node_id))
    for question in ("children", "details", "path"):
        with pytest.raises(RuntimeError, match=f"Node {model} is gone"):
            await page.ask(question, node=model)


@pytest.mark.parametrize(
    "question",
    [
        {"method": "nothing"},
        {"method": "__class__"},
        {"method": "children", "node": "1"},
        {"method": "children", "node": -1},
        {"method": "children", "node": True},
        {"method": "children", "node": 2**70},
        {"method": "children", "node": 0, "after": "x"},
        {"method": "children", "node": 0, "label": 5},
        {"method": "children", "node": 0, "types": "Fit"},
        {"method": "children", "node": 0, "created_after": "yesterday"},
        {"method": "search", "text": None},
        {"method": "search", "text": "\ud800"},
        {"method": "viewer", "node": 1, "method_": 1},
    ],
)
async def test_senseless_question_is_answered(store: str, question: dict[str, Any]) -> None:
    """What makes no sense is answered with an error, and the next question as ever."""
    page = Page(await explore())
    params = {name: value for name, value in question.items() if name != "method"}
    with pytest.raises(RuntimeError):
        await page.ask(question["method"], **params)
    assert (await page.ask("children", node=0))["rows"] == []


@pytest.mark.parametrize(
    "content", [None, 5, "x", {}, {"kind": "request"}, {"kind": "request", "view": 1}]
)
async def test_strange_message_is_let_be(store: str, content: Any) -> None:
    """A message that is no question changes nothing."""
    explorer = await explore()
    assert isinstance(explorer.comm, RecordingComm)
    data = {"method": "custom", "content": content}
    explorer.comm.handle_msg({"content": {"data": data}, "buffers": []})
    assert (await Page(explorer).ask("children", node=0))["rows"] == []


async def test_views_are_answered_apart(store: str) -> None:
    """Two views count their questions by themselves; each hears its own answers."""
    root, _, _ = await small_tree()
    explorer = await explore()
    one, two = Page(explorer, "one"), Page(explorer, "two")
    answers = await asyncio.gather(
        one.ask("children", node=0), two.ask("children", node=root.node_id)
    )
    assert [page["rows"][0]["label"] for page in answers] == ["root", "fit"]


async def test_hostile_labels_go_as_text(store: str) -> None:
    """Markup stays what it is, for the page to set as text; what would reorder is written out."""
    await write_node(new_node(node_label=HOSTILE))
    explorer = await explore()
    assert explorer.first_page["rows"][0]["label"] == HOSTILE.replace("\u202e", "\\u202e")
    bundle = explorer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "<img" not in data["text/html"]
    assert "onerror" in data["text/html"]


async def test_static_tree_stands_beside_the_widget(store: str) -> None:
    """The first page is there as HTML and as text, for whoever has no kernel."""
    await small_tree()
    explorer = await explore()
    bundle = explorer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "root" in data["text/html"]
    assert "(root)" in data["text/plain"]
    assert "root" not in repr(Explorer())


@pytest.mark.parametrize(
    ("status", "failed"), [("failed", True), ("interrupted", True), ("running", False)]
)
async def test_what_went_wrong_is_marked(store: str, status: str, failed: bool) -> None:
    """A run that failed or was stopped has the mark of trees, on the page and beside it."""
    await write_node(CellRun(node_label="a run", cell_run_status=status))
    explorer = await explore()
    (row,) = explorer.first_page["rows"]
    assert (row["status"], row["failed"]) == (status, failed)
    bundle = explorer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert ('class="ag-badge ag-failed"' in data["text/html"]) == failed


async def test_selection_is_read_in_python(store: str) -> None:
    """The chosen model and node are read by their id; callbacks hear of each choice."""
    root, model, _ = await small_tree()
    explorer = await explore()
    with pytest.raises(NodeNotFoundError, match="Nothing is selected"):
        await explorer.selected_model()
    heard: list[int | None] = []
    told: list[int | None] = []

    async def tell(node: int | None) -> None:
        told.append(node)

    forget = explorer.on_select(heard.append)
    explorer.on_select(tell)
    explorer.selected = model
    assert (await explorer.selected_model()).loss == 0.5
    explorer.selected = root.node_id
    assert (await explorer.selected_node()).node_label == "root"
    with pytest.raises(NodeNotFoundError):
        await explorer.selected_model()
    forget()
    explorer.selected = None
    assert heard == [model, root.node_id]
    await until(lambda: told == [model, root.node_id, None])


async def test_page_chooses_by_message(store: str) -> None:
    """A page's choice is heard in Python and not echoed; what it may not set stays."""
    root, model, _ = await small_tree()
    explorer = await explore()
    page = Page(explorer)
    heard: list[int | None] = []
    explorer.on_select(heard.append)
    page.send(kind="set", name="selected", value=model)
    sent = len(page._comm.sent)
    page.send(kind="set", name="selected", value=root.node_id)
    page.send(kind="set", name="selected", value="<b>")
    for name, value in [("height", 900), ("_esm", "alert(1)"), ("keys", []), (5, 5), (None, None)]:
        page.send(kind="set", name=name, value=value)
    assert (explorer.selected, explorer.height) == (root.node_id, 520)
    assert heard == [model, root.node_id]
    assert page._comm.sent[sent:] == []


async def test_explorer_keeps_its_database(store: str, tmp_path: Path) -> None:
    """What is set later is no business of an explorer that is shown already."""
    root, _, _ = await small_tree()
    explorer = await explore()
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}", create_tables=True)
    try:
        assert (await explore()).first_page["rows"] == []
        found = await Page(explorer).ask("children", node=0)
        assert [row["node"] for row in found["rows"]] == [root.node_id]
    finally:
        reset()


async def test_cancelled_and_closed_views_leave_no_work(store: str) -> None:
    """Work ends when a page cancels it, when its view closes, and when the widget does."""
    started = asyncio.Event()
    ended: list[str] = []
    loop = asyncio.get_running_loop()

    async def endless(params: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(started.set)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(params["name"])

    widget = Widget()
    door = Answering(widget, {"endless": endless})
    one, two = Page(widget, "one"), Page(widget, "two")
    cancelled = one.begin("endless", name="cancelled")
    for view, names in ((one, "ab"), (two, "cd")):
        for name in names:
            view.begin("endless", name=name)
    await asyncio.wait_for(started.wait(), 10)
    await until(lambda: door.open_count == 5)
    one.send(kind="cancel", number=cancelled)
    await until(lambda: ended == ["cancelled"])
    one.send(kind="close")
    await until(lambda: sorted(ended) == ["a", "b", "cancelled"])
    widget.close()
    await until(lambda: len(ended) == 5 and door.open_count == 0)


async def test_too_many_questions_are_turned_away(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that asks without end is told so, and does not bring the kernel down."""
    monkeypatch.setattr(answering, "MOST_AT_ONCE", 3)

    async def endless(_: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    widget = Widget()
    door = Answering(widget, {"endless": endless})
    page = Page(widget)
    numbers = [page.begin("endless") for _ in range(5)]
    answers = [answer["error"] for number in numbers for answer in page.answers(number)]
    assert [text for text in answers if "Too many" in text] == answers[-2:]
    door.cancel()


async def test_silence_has_an_end(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that takes too long is given up and answered with that."""
    monkeypatch.setattr(answering, "LONGEST_ANSWER", 0.05)

    async def endless(_: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    widget = Widget()
    door = Answering(widget, {"endless": endless})
    with pytest.raises(RuntimeError, match="No answer within"):
        await Page(widget).ask("endless")
    await until(lambda: door.open_count == 0)


async def test_lost_database_is_told(tmp_path: Path) -> None:
    """A database that cannot be reached is an answer in words, and its return another."""
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'here.db'}", create_tables=True)
    try:
        await write_models(models={})
        root = await write_node(new_node(node_label="root"))
        page = Page(await explore())
        (tmp_path / "here.db").rename(tmp_path / "gone.db")
        await page.widget._run(_dispose())
        with pytest.raises(RuntimeError, match=r"tables|database"):
            await page.ask("children", node=root.node_id)
    finally:
        reset()


async def test_locked_database_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program holds the whole database, the answer says so; then all is well."""
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'locked.db'}", create_tables=True)
    other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    try:
        root = await write_node(new_node(node_label="root"))
        page = Page(await explore())
        await page.widget._run(_dispose())
        await _dispose()
        monkeypatch.setattr(answering, "LONGEST_ANSWER", 0.3)
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RuntimeError, match=r"No answer within 0\.3 s\. Is the database busy"):
            await page.ask("children", node=root.node_id)
        other.execute("COMMIT")
        other.close()
        monkeypatch.setattr(answering, "LONGEST_ANSWER", 30)
        assert (await page.ask("children", node=root.node_id))["rows"] == []
    finally:
        other.close()
        reset()


async def test_altered_table_recovers(tmp_path: Path) -> None:
    """A table that somebody has renamed is told in words, and found again once it is back."""
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path / 'altered.db'}", create_tables=True)
    try:
        root = await write_node(new_node(node_label="root"))
        page = Page(await explore())
        with closing(sqlite3.connect(tmp_path / "altered.db")) as other:
            other.execute("ALTER TABLE artigraph_node RENAME TO elsewhere")
            with pytest.raises(RuntimeError, match="no such table: artigraph_node"):
                await page.ask("children", node=root.node_id)
            other.execute("ALTER TABLE elsewhere RENAME TO artigraph_node")
        assert (await page.ask("children", node=root.node_id))["rows"] == []
    finally:
        reset()


async def _dispose() -> None:
    await (await get_engine()).dispose()


async def test_node_is_thrown_away_and_given_back(store: str) -> None:
    """Also locked and deleted; what cannot be is told in words."""
    root, model, _ = await small_tree()
    page = Page(await explore())
    assert (await page.ask("lock", node=model))["rows"] > 0
    with pytest.raises(RuntimeError, match="is locked since"):
        await page.ask("trash", node=root.node_id)
    assert (await page.ask("unlock", node=model))["rows"] > 0
    thrown = (await page.ask("trash", node=root.node_id))["rows"]
    assert thrown > 1
    assert (await page.ask("children", node=0))["rows"] == []
    with pytest.raises(RuntimeError, match="is gone"):
        await page.ask("trash", node=root.node_id)
    assert (await page.ask("restore", node=root.node_id))["rows"] == thrown
    assert len((await page.ask("children", node=0))["rows"]) == 1
    assert (await page.ask("delete", node=root.node_id))["rows"] == thrown
    for wrong in (0, -1, None, "1", True):
        for method in ("trash", "restore", "delete", "lock", "unlock"):
            with pytest.raises(RuntimeError, match="the id of a node"):
                await page.ask(method, node=wrong)


async def test_marks_of_models_and_values_are_told(store: str) -> None:
    """A page and the text form of an explorer say what is locked, whatever kind it is."""
    root, model, _ = await small_tree()
    await lock_nodes(NodeFilter(node_id=model))
    explorer = await explore(root)
    assert explorer.first_page["rows"][0]["status"] == "locked"
    assert "v1 · locked" in explorer._repr_mimebundle_()[0]["text/plain"]
    (frame,) = (await Page(explorer).ask("children", node=model))["rows"]
    assert frame["status"] == "locked"


async def test_count_below_is_asked_for(store: str) -> None:
    """All that a change takes along is counted, not what hangs on the node itself alone."""
    root, model, frame = await small_tree()
    page = Page(await explore())
    rows = [(await page.ask("below", node=one))["rows"] for one in (root.node_id, model, frame)]
    assert rows == [2, 1, 0]
    with pytest.raises(RuntimeError, match="the id of a node"):
        await page.ask("below", node=0)


async def test_database_that_is_only_read_says_so(tmp_path: Path) -> None:
    """The details have the reason for which nothing can be changed."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'only.db'}"
    for read_only in (False, True):
        reset = set_engine(url, create_tables=not read_only, read_only=read_only)
        try:
            if not read_only:
                node = await write_node(new_node())
            refusal = (await Page(await explore()).ask("details", node=node.node_id))["refusal"]
            await _dispose()
        finally:
            reset()
        assert (refusal is not None) == read_only
    assert "can only be read here" in refusal
