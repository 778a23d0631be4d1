"""``%artigraph log``: which lines become points of curves, and which notes."""

from __future__ import annotations

import re

import pytest
from IPython.lib.pretty import pretty

from artigraph import SeriesError
from tests.notebook.shell import Shell

POINTS = "[(one.name, one.points, one.last_step, one.last) for one in await list_series({})]"


def test_numbers_go_to_the_curves_of_the_run(shell: Shell) -> None:
    """200 lines are two curves and no box, and each step is where it was said to be."""
    shell.run(
        """
        %%ag run fit
        for epoch in range(100):
            loss = 1 / (epoch + 1)
            %ag log loss step=$epoch
            %ag log lr=0.5
        """
    )
    assert len(shell.run("%ag tree fit")) == 1
    assert len(shell.run("%ag ls fit")) == 0
    assert shell.run(f"run = %ag show fit\n{POINTS.format('run')}") == [
        ("loss", 100, 99, 0.01),
        ("lr", 100, 100, 0.5),  # a step behind the other one
    ]
    assert shell.run("%ag show fit").cell_run_saved == {}


def test_line_shows_what_it_has_logged(shell: Shell) -> None:
    """Its result is two short lines, and it says where the point went."""
    shell.run("node = await write_node(new_node(node_label='n'))")
    shown = pretty(shell.run("%ag log loss=0.25 f1=1e-7 step=3 --to n"))
    assert shown.startswith("logged 'loss=0.25 f1=1e-07'")
    assert "step 3" in shown
    assert f"node {shell.get('node').node_id}" in shown
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize(
    "line", ["loss=0.1 note=good", "done=true loss=1", "step=3", "missing=null", "loss=0.1 step=x"]
)
def test_other_lines_are_notes(memory_shell: Shell, line: str) -> None:
    """A text, a truth, nothing, or a step alone makes the whole line a note, as ever."""
    memory_shell.run("node = await write_node(new_node(node_label='n'))", f"%ag log {line} --to n")
    assert len(memory_shell.run("%ag find Log --in n")) == 1
    assert memory_shell.run("await list_series(node)") == []


def test_numbers_without_a_node_are_notes(memory_shell: Shell) -> None:
    """There is nothing there that could have a curve."""
    memory_shell.run("%ag log loss=0.1 step=3")
    (found,) = memory_shell.run("%ag find Log loss=0.1")
    assert dict(found.value) == {"loss": 0.1, "step": 3}


def test_failing_cell_keeps_its_points(shell: Shell) -> None:
    """What was logged stays, though what was added to the group does not."""
    shell.fail("%%ag run bad\n%ag log loss=0.5\n%ag log loss=0.25\n1 / 0")
    assert shell.run(f"run = %ag show bad\n{POINTS.format('run')}") == [("loss", 2, 1, 0.25)]
    assert shell.run("run.cell_run_status") == "failed"


def test_groups_and_runs_have_curves_of_their_own(shell: Shell) -> None:
    """A line in a group inside of a run is of the group, which it writes first if need be."""
    shell.run(
        """
        async with start_run("outer") as outer:
            %ag log a=1
            async with ModelGroup(new_node(node_label="inner")) as inner:
                %ag log b=2
                %ag log c=3 --to $outer
            %ag log a=4
        """
    )
    assert shell.run(POINTS.format("inner.node")) == [("b", 1, 0, 2.0)]
    assert shell.run(POINTS.format("outer.node")) == [("a", 2, 2, 4.0), ("c", 1, 1, 3.0)]


def test_arrays_of_one_number_and_odd_names(memory_shell: Shell) -> None:
    """A curve takes what holds one number, NaN as well, and may be called whatever it is."""
    memory_shell.run(
        "import numpy as np; x, nothing = np.array(0.5), float('nan')",
        "node = await write_node(new_node(node_label='n'))",
        "%ag log x nothing self=1 values=2 --to n",
    )
    curves = memory_shell.run("await list_series(node)")
    assert [(one.name, one.last) for one in curves] == [
        ("x", 0.5),
        ("nothing", None),
        ("self", 1.0),
        ("values", 2.0),
    ]


def test_step_that_is_none_is_refused(memory_shell: Shell) -> None:
    """Nothing is logged, and the error says what to type."""
    memory_shell.run("node = await write_node(new_node(node_label='n'))")
    cell = memory_shell.fail("%ag log loss=1 step=0.5 --to n")
    assert isinstance(cell.error, SeriesError)
    assert "int(step)" in cell.out
    assert memory_shell.run("await list_series(node)") == []


def test_locked_and_missing_nodes_take_no_point(shell: Shell) -> None:
    """A locked node stays as it is, and one that is not there is told."""
    shell.run("node = await write_node(new_node(node_label='n'))", "%ag lock n")
    assert "LockedError" in shell.fail("%ag log loss=1 --to n").out
    assert "No node is called" in str(shell.fail("%ag log loss=1 --to nowhere").error)
    shell.run("%ag unlock n", "%ag log loss=1 --to n")
    assert shell.run(POINTS.format("node")) == [("loss", 1, 0, 1.0)]


def test_show_draws_the_curves_of_a_run(shell: Shell) -> None:
    """Beside what it was given and how long it took; a repr of what was read otherwise has none."""
    shell.run(
        """
        async with start_run("fit", lr=0.1) as run:
            for step in range(20):
                run.log(step, loss=20 - step, **{"<b>": step})
        """
    )
    shown = shell.run("%ag show fit")
    text = pretty(shown)
    assert "started at" in text
    assert "duration" in text
    assert "'lr': 0.1" in text
    assert re.search(r"loss +20 +19 +1 +1 +20 +█.*▁", text)
    html = shown._repr_html_()
    assert html.count("<polyline") == 2
    assert "<b>" not in html.replace("<b>fit", "")
    read = shell.run(f"await read_node(NodeFilter(node_id={shown.node_id}))")
    assert "█" not in pretty(read)
