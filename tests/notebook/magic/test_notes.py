"""``%artigraph note`` and ``notes``, and notes in the explorer's details, on each database."""

from __future__ import annotations

import comm
import pytest
from IPython.lib.pretty import pretty

from artigraph import NodeNotFoundError, explore, new_node, write_node, write_note
from tests.notebook.shell import Shell
from tests.notebook.test_explorer import Page, RecordingComm


def test_note_is_written_by_a_line_or_a_cell_and_read(shell: Shell) -> None:
    """The text stands on the line, with variables, or in the cell's other lines as it is."""
    shell.run("node = await write_node(new_node(node_label='run one'))", "loss = 0.5")
    first = shell.run('%ag note "run one" the loss is $loss')
    assert first.text == "the loss is 0.5"
    cell = "%%artigraph note $node\n# Title\n\nit's **kept** {as} $typed\n    %ag ls\n"
    second = shell.run(cell)
    assert second.text == "# Title\n\nit's **kept** {as} $typed\n    %ag ls"
    assert shell.run(f"%ag notes {first.node_id}") == [first, second]
    assert shell.run('%ag notes "run one" --limit 1') == [first]
    assert len(shell.run("x = %ag notes $node\nx")) == 2


def test_note_is_written_from_where_nothing_is_awaited(shell: Shell) -> None:
    """In a function, and below another cell magic, a note is written as well."""
    shell.run("node = await write_node(new_node(node_label='a'))")
    shell.run("def f():\n    %ag note $node from a function\nf()")
    shell.run("%%capture\n%ag note $node captured")
    shell.ipython.run_cell_magic("artigraph", "note $node", "as a cell\n")
    found = shell.run("%ag notes $node")
    assert [one.text for one in found] == ["from a function", "captured", "as a cell"]


def test_current_node_takes_notes(shell: Shell) -> None:
    """A dot is the current node, which is written first if it is new."""
    shell.run("""
        async with ModelGroup(new_node(node_label="group")):
            %ag note . inside of it
            inside = %ag notes
        """)
    (note,) = shell.get("inside")
    assert note.text == "inside of it"
    assert shell.run("%ag notes group") == [note]


def test_note_says_what_is_wrong(shell: Shell) -> None:
    """Without a text, a node or both in one place the answer says what to type."""
    shell.run("node = await write_node(new_node(node_label='a'))")
    assert "says nothing" in (cell := shell.fail("%ag note a")).out + cell.err
    assert "not in both" in (cell := shell.fail("%%ag note a text\nmore\n")).out + cell.err
    assert isinstance(shell.fail("%ag note nobody hello").error, NodeNotFoundError)
    assert "No node is current" in (cell := shell.fail("%ag notes")).out + cell.err
    assert "required: NODE" in (cell := shell.fail("%ag note")).out + cell.err
    assert "%%artigraph note NODE takes the lines" in shell.fail("%ag note a Diverges: it's").err
    assert "No note is written about node" in pretty(shell.run("%ag notes a"))
    assert "Write a note about a node" in repr(shell.run("%ag note --help"))


@pytest.fixture
def _wires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give widgets a comm that remembers what was sent."""
    monkeypatch.setattr(comm, "create_comm", RecordingComm)


@pytest.mark.usefixtures("_wires")
async def test_details_tell_the_newest_notes(store: str) -> None:
    """Notes come with the details of a node, as they were written, the newest of many."""
    about = await write_node(new_node(node_label="a"))
    page = Page(await explore())
    told = await page.ask("details", node=about.node_id)
    assert (told["notes"], told["more_notes"]) == ([], False)
    await write_note(about, "<b>x</b>\n\u202e" + "y" * 20_000)
    (note,) = (await page.ask("details", node=about.node_id))["notes"]
    assert note["text"].startswith("<b>x</b>\n\\u202eyyy")
    assert len(note["text"]) < 11_000
    assert note["by"]
    assert note["at"].endswith("UTC")
    for number in range(25):
        await write_note(about, str(number))
    told = await page.ask("details", node=about.node_id)
    assert [one["text"] for one in told["notes"]] == [str(n) for n in range(5, 25)]
    assert told["more_notes"]


def test_notes_in_a_list_keep_their_lines(shell: Shell) -> None:
    """Short ones are a table; with one of several lines each is shown in full."""
    shell.run("node = await write_node(new_node(node_label='a'))", "%ag note a short")
    assert "│" in (short := pretty(shell.run("%ag notes a"))) or "note" in short
    shell.run("%%ag note a\n# Title\n\n- one\n- " + "two " * 100 + "end\n")
    shown = pretty(shell.run("%ag notes a"))
    assert "    # Title\n\n    - one\n    - two" in shown.replace("  \n", "\n")
    assert "two end" in shown
    assert "    short" in shown
    assert "- one\n" in shell.run("%ag notes a")._repr_html_()
