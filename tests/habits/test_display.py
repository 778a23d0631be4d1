"""Adding something that is shown takes one registration, and every representation has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.formatters import DisplayFormatter
from sqlalchemy.orm import Mapped, mapped_column

from artigraph import (
    DataModel,
    NodeFilter,
    read_nodes,
    read_tree,
    set_engine,
    to_graphviz,
    to_networkx,
    write_node,
)
from artigraph.display import library
from artigraph.display.forest import Forest, tree_form, tree_forms
from artigraph.display.library import Describer, describe_type
from artigraph.display.row import ResultList, RowFacts, row_fact
from artigraph.display.shown import as_html, as_text
from artigraph.display.tree import TreeItem
from artigraph.errors import NameTakenError, NodeTypeError
from artigraph.notebook.explorer_details import node_details
from artigraph.orm.node import Node
from artigraph.orm.run import CellRun
from tests.notebook.shell import Shell


def tell_device(facts: RowFacts, device: str) -> None:
    """Say in a badge where a training ran."""
    facts.badge(device, "failed" if device == "abacus" else "state", cell="device")


def tell_seed(facts: RowFacts, seed: int) -> None:
    """Say what it drew its numbers from."""
    facts.note("seed", seed, cell="seed")


class HabitTraining(CellRun):
    __mapper_args__ = {"polymorphic_identity": "habit_training"}  # noqa: RUF012  # SQLAlchemy types it as an instance's
    habit_device: Mapped[str | None] = mapped_column(
        info=row_fact("device", tell_device, in_trees=True)
    )
    habit_seed: Mapped[int | None] = mapped_column(
        info=row_fact("seed", tell_seed, in_trees=True, is_field=False)
    )


@pytest.fixture
def memory_store() -> Iterator[None]:
    reset = set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    yield
    reset()


async def test_a_badge_and_a_fact_of_a_row_are_shown_wherever_the_row_is(
    memory_store: None,
) -> None:
    """A column that tells something does so in cards, lists, trees and the explorer."""
    node = await write_node(
        HabitTraining(node_label="a", habit_device="<b>abacus</b>", habit_seed=7)
    )
    nodes, tree = await read_nodes(NodeFilter()), await read_tree()
    assert as_text(node).split("\n")[0] == "HabitTraining 'a'  [<b>abacus</b>]"
    assert "· seed 7" in as_text(node)
    assert "habit_seed" not in as_text(node)
    assert 'class="ag-badge ag-state">&lt;b&gt;abacus' in as_html(node)
    heads = as_text(ResultList(nodes), 200).split("\n")[1].split()
    assert heads[-3:] == ["device", "seed", "habit_device"]
    forest = tree._forest()
    assert forest.text() == "(a)  habit_training · <b>abacus</b> · seed 7"
    assert "&lt;b&gt;abacus&lt;/b&gt; · seed 7" in forest.html()
    assert "seed 7" in forest.draw("svg")
    assert "seed 7" in forest.draw("markdown")
    assert "seed 7" in (await to_graphviz()).source
    assert (await to_networkx()).nodes[node.node_id]["habit_seed"] == 7
    details = await node_details(node.node_id)
    assert {"text": "<b>abacus</b>", "role": "state"} in details["facts"]["badges"]
    assert ["seed", "7"] in details["facts"]["notes"]
    assert details["row"]["status"] == "<b>abacus</b> · seed 7"


async def test_what_went_wrong_is_red_and_what_raises_hides_nothing(memory_store: None) -> None:
    """A badge's role colours trees as well; a fact that cannot be told says so, alone."""
    await write_node(HabitTraining(node_label="a", habit_device="abacus"))
    assert 'class="ag-badge ag-failed">abacus<' in (await read_tree())._repr_html_()

    class HabitBroken(Node):
        __mapper_args__ = {"polymorphic_identity": "habit_broken"}  # noqa: RUF012  # as above
        habit_broken: Mapped[int | None] = mapped_column(
            info=row_fact("broken", lambda facts, value: facts.badge(1 / 0))
        )

    text = as_text(HabitBroken(node_label="b", habit_broken=1))
    assert text.startswith("HabitBroken 'b'  [not written]\nbroken <repr failed: ZeroDivision")


def test_a_fact_told_twice_or_half_is_refused() -> None:
    """Two facts of one name in a class, one without a name, and one that nothing tells."""
    with pytest.raises(NodeTypeError, match=r"HabitTwice has the fact 'status' of 'habit_status'"):

        class HabitTwice(CellRun):
            __mapper_args__ = {"polymorphic_identity": "habit_twice"}  # noqa: RUF012  # as above
            habit_status: Mapped[str | None] = mapped_column(info=row_fact("status", tell_device))

    with pytest.raises(NodeTypeError, match="wants a name and a function"):
        row_fact("", tell_device)
    with pytest.raises(NodeTypeError, match="'device'"):
        row_fact("device", None)  # type: ignore[arg-type]  # what is refused


class Grid:
    """A value of a library that nobody knows."""

    def __init__(self, size: int) -> None:
        self.size = size


Grid.__module__ = "habitlib.grids"


def grid_line(grid: Any) -> str:
    """How large it is."""
    return f"{grid.size} cells"


class HabitHolder(DataModel, version=1):
    grid: Any


@pytest.fixture
def described() -> Iterator[None]:
    describe_type(Describer(line=grid_line), "habitlib", "Grid")
    yield
    library._describers.pop(("habitlib", "Grid"))
    library._found.clear()


def test_a_type_of_a_library_is_told_everywhere(described: None) -> None:
    """Once described, its values stand in cards, lines, lists and lists of models."""
    holder = HabitHolder(Grid(9))
    assert repr(holder) == "HabitHolder(grid=<Grid 9 cells>)"
    for shown in (as_text(holder), as_html(holder)):
        assert "9 cells" in shown
    assert "9 cells" in as_text(HabitHolder([Grid(9)]))
    assert as_text(ResultList([holder])).split("\n")[-1].strip() == "9 cells"
    derived = type("Derived", (Grid,), {"__module__": "elsewhere"})
    assert repr(HabitHolder(derived(3))) == "HabitHolder(grid=<Derived 3 cells>)"


def test_a_type_described_twice_or_half_is_refused(described: None) -> None:
    """By others, without a type, without a word, or with facts below no line."""
    describe_type(Describer(line=grid_line), "habitlib", "Grid")  # as a cell that runs again
    with pytest.raises(NameTakenError, match=r"habitlib\.Grid are described already, by .*_line"):
        describe_type(Describer(line=str), "habitlib", "Grid")
    with pytest.raises(TypeError, match="'other'"):
        describe_type(Describer(), "habitlib", "other")
    with pytest.raises(TypeError, match="names of its classes"):
        describe_type(Describer(line=grid_line), "habitlib")
    with pytest.raises(TypeError, match="below a line"):
        describe_type(Describer(facts=lambda value, limits, brief: None), "habitlib", "x")  # type: ignore[arg-type, return-value]  # what is refused


def labels(forest: Forest) -> str:
    """The labels of the roots."""
    return ", ".join(item.label for item in forest.roots)


async def count(of: Any = None, **limits: Any) -> int:
    """How many nodes there are."""
    return len(await read_tree(**limits))


@pytest.fixture
def forms() -> Iterator[None]:
    tree_form("labels", "the labels", mime="text/x-labels")(labels)
    tree_form("count", "how many there are")(count)
    yield
    for name in ("labels", "count"):
        tree_forms.pop(name)


def test_a_form_of_trees_is_exported_helped_completed_and_shown(
    memory_shell: Shell, forms: None
) -> None:
    """One of a MIME type stands in cells; the magic knows both sorts by their names."""
    memory_shell.run("%%ag run top\n1")
    assert memory_shell.run("%ag export labels") == "top"
    assert memory_shell.run("%ag export count --depth 0") == 1
    lines = repr(memory_shell.run("%ag export --help")).split("\n")
    assert "count      how many there are" in lines
    assert "labels     the labels" in lines
    with provisionalcompleter():
        offered = {c.text for c in memory_shell.ipython.Completer.completions("%ag export ", 11)}
    assert {"labels", "count", "dot", "json", "mermaid", "networkx", "svg"} <= offered
    assert "no text" in str(memory_shell.fail("%ag export count --to x").error)
    tree = memory_shell.run("%ag tree")
    bundle = DisplayFormatter().format(tree)[0]
    assert bundle["text/x-labels"] == "top"
    assert {"text/plain", "text/html", "image/svg+xml", "text/markdown"} < bundle.keys()


def test_a_tree_that_does_not_fit_is_never_drawn_twice_alike() -> None:
    """Each further drawing of a large tree shows less than the one before."""
    drawn: list[int] = []

    def wide(forest: Forest) -> str:
        drawn.append(len(forest.roots))
        return "x" * (50_000 * len(forest.roots))

    tree_form("wide", "wide lines", mime="text/x-wide")(wide)
    try:
        Forest([TreeItem(str(number)) for number in range(20)]).draw("wide")
    finally:
        tree_forms.pop("wide")
    assert drawn == [20, 10, 5, 2]


def test_a_form_declared_twice_or_half_is_refused(forms: None) -> None:
    """By another function, for a MIME type that has one, and without name, help or function."""
    tree_form("count", "how many there are")(count)  # as a cell that runs again
    with pytest.raises(NameTakenError, match="'dot'"):
        tree_form("dot", "another")(count)
    with pytest.raises(NameTakenError, match="image/svg"):
        tree_form("painting", "another", mime="image/svg+xml")(labels)
    for name, help, function, mime in (
        ("", "help", count, ""),
        ("name", "", count, ""),
        ("name", "help", labels, ""),
        ("name", "help", count, "text/x-name"),
    ):
        with pytest.raises(TypeError, match="wants a name, help and a"):
            tree_form(name, help, mime=mime)(function)
