"""``@good`` in the magic and the explorer's search box, on each database."""

from __future__ import annotations

import time
from typing import Any

import comm
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.lib.pretty import pretty

from artigraph import (
    DataModel,
    FilterError,
    NameTakenError,
    NodeFilter,
    UnknownNameError,
    explore,
    new_node,
    save_query,
    write_model,
    write_node,
)
from artigraph.query.store import _here
from tests.conftest import Statements
from tests.notebook.shell import Shell
from tests.notebook.test_explorer import Page, RecordingComm

DEFINE = """
    class Fit(DataModel, version=1):
        loss: float
        name: str = "adam"

    for name, loss in {"a": 0.05, "b": 0.2, "c": 0.7}.items():
        await write_model(label=name, parent_id=None, model=Fit(loss, name))
    """


def labels(found: Any) -> list[str]:
    return [one.artifact.node_label for one in found]


def test_find_saves_a_question_and_asks_it_again(shell: Shell) -> None:
    """What was asked is saved, asked by its name, narrowed, and saved so under another."""
    shell.run(DEFINE)
    assert labels(shell.run("%ag find Fit loss<0.5 --order -loss --save good")) == ["b", "a"]
    assert labels(shell.run("%ag find @good")) == ["b", "a"]
    assert labels(shell.run("%ag find @good loss<0.1")) == ["a"]
    assert labels(shell.run("%ag find @good --order loss --limit 1")) == ["a"]
    assert labels(shell.run("%ag find @good name=b --save @best")) == ["b"]
    assert labels(shell.run("%ag find @best")) == ["b"]
    listed = shell.run("%ag find @")
    assert [one.name for one in listed] == ["best", "good"]
    assert shell.run("x = %ag find @good\nlen(x)") == 2


def test_find_says_what_is_wrong_with_a_question(shell: Shell) -> None:
    """Names that are taken, unknown or none, and fields that are misspelt, are told of."""
    assert "--save NAME saves one" in pretty(shell.run("%ag find @"))
    shell.run(DEFINE, "%ag find Fit loss<0.5 --save good")
    taken = shell.fail("%ag find Fit --save good")
    assert isinstance(taken.error, NameTakenError)
    assert "take its place: --replace." in str(taken.error)
    assert len(shell.run("%ag find @good")) == 2
    shell.run("%ag find Fit --save good --replace")
    assert len(shell.run("%ag find @good")) == 3
    unknown = shell.fail("%ag find @god")
    assert isinstance(unknown.error, UnknownNameError)
    assert "Did you mean 'good'?" in unknown.out + unknown.err
    assert isinstance(shell.fail("%ag find Fit --save 1a").error, FilterError)
    assert "Did you mean 'loss'" in (cell := shell.fail("%ag find @good los<1")).out + cell.err
    assert "A lone @ lists" in (cell := shell.fail("%ag find @ loss<1")).out + cell.err
    assert "Nothing found: Fit" in pretty(shell.run("%ag find @good loss<0.01"))


def test_question_about_nodes_finds_nodes(shell: Shell) -> None:
    """A saved question that does not ask for models finds what it asks for."""
    shell.run("_ = await write_node(new_node(node_label='<b>'))")
    shell.run("_ = await save_query('roots', NodeRelationshipFilter(is_root=True))")
    (found,) = shell.run("%ag find @roots")
    assert found.node_label == "<b>"
    assert shell.run("%ag find @roots loss<1") == []


def test_names_of_questions_are_completed(shell: Shell) -> None:
    """Behind @ the Tab key offers the questions that were saved or read."""
    shell.run(DEFINE, "%ag find Fit loss<0.5 --save completed")
    line = "%ag find @comp"
    with provisionalcompleter():
        offered = list(shell.ipython.Completer.completions(line, len(line)))
    assert [line[: one.start] + one.text for one in offered] == ["%ag find @completed"]


def test_names_are_read_for_a_kernel_that_knows_none(shell: Shell) -> None:
    """In a fresh kernel the first Tab behind @ has the names read, and a later one offers them."""
    shell.run("_ = await save_query('fresh', NodeFilter())")
    _here().clear()
    line = "%ag find @fr"
    offered: list[str] = []
    for _ in range(100):
        with provisionalcompleter():
            found = shell.ipython.Completer.completions(line, len(line))
            offered = [line[: one.start] + one.text for one in found]
        if offered == ["%ag find @fresh"]:
            break
        time.sleep(0.05)
    assert offered == ["%ag find @fresh"]


@pytest.fixture
def _wires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give widgets a comm that remembers what was sent."""
    monkeypatch.setattr(comm, "create_comm", RecordingComm)


class ShownFit(DataModel, version=1):
    loss: float


@pytest.mark.usefixtures("_wires")
async def test_explorer_searches_by_a_saved_question(store: str, statements: Statements) -> None:
    """@good in the search box finds what the question finds, along with other terms."""
    root = await write_node(new_node(node_label="root"))
    for label, loss in {"a": 0.05, "b": 0.2, "c": 0.7}.items():
        await write_model(label=label, parent_id=root.node_id, model=ShownFit(loss))
    await save_query("good", ShownFit.where(lambda f: f.loss < 0.5))
    page = Page(await explore())

    async def found(text: str) -> list[str]:
        return [row["label"] for row in (await page.ask("search", text=text))["rows"]]

    statements.clear()
    assert await found("@good") == ["b", "a"]
    assert len(statements) <= 3
    assert await found("@good loss<0.1") == ["a"]
    assert await found("@good b") == ["b"]
    assert await found('"@good"') == []
    answer = await page.ask("search", text="@goo")
    assert answer["rows"] == []
    assert "Did you mean 'good'" in answer["hint"]
    await write_node(new_node(node_label="ann@good"))
    assert await found("ann@good") == ["ann@good"]


@pytest.mark.usefixtures("_wires")
@pytest.mark.parametrize("text", ["@good @good", "@good @other"])
async def test_several_questions_must_all_hold(store: str, text: str) -> None:
    """Questions in a search are terms like others."""
    await write_node(new_node(node_label="a"))
    await save_query("good", NodeFilter(label="a"))
    await save_query("other", NodeFilter(label="b"))
    rows = (await Page(await explore()).ask("search", text=text))["rows"]
    assert len(rows) == (1 if text == "@good @good" else 0)
