"""The sub-commands that throw nodes away, give them back and lock them."""

from __future__ import annotations

from pathlib import Path

import pytest

from artigraph import (
    LabelExistsError,
    LockedError,
    MultipleNodesFoundError,
    NodeNotFoundError,
    ValueDroppedError,
)
from tests.notebook.magic.test_magic import complete
from tests.notebook.shell import Shell

TREE = """
top = await write_node(new_node(node_label='top'))
run = await write_node(new_node(node_label='run 1', node_parent_id=top.node_id))
leaf = await write_node(new_node(node_label='leaf', node_parent_id=run.node_id))
"""


def said(shell: Shell, line: str) -> str:
    """What a line says."""
    return repr(shell.run(line))


def test_rm_moves_to_the_trash_and_says_how_to_restore(shell: Shell) -> None:
    """Nobody is asked; the line that it names gives all of it back."""
    shell.run(TREE)
    told = said(shell, "%ag rm 'run 1'")
    assert "Moved node" in told
    assert "2 rows" in told
    assert [node.label for node in shell.run("%ag tree")] == ["top"]
    line = next(line for line in told.splitlines() if "restore" in line)
    shell.run(line[: line.index(" gives")])
    assert [node.label for node in shell.run("%ag tree")] == ["top", "run 1", "leaf"]


def test_several_nodes_at_once(shell: Shell) -> None:
    """One that is not there leaves the others where they are."""
    shell.run(TREE, "other = await write_node(new_node(node_label='other'))")
    assert isinstance(shell.fail("%ag rm other nothing").error, NodeNotFoundError)
    assert len(shell.run("%ag tree")) == 4
    assert "3 rows" in said(shell, "%ag rm 'run 1' $other")
    assert len(shell.run("%ag tree")) == 1
    assert "3 rows" in said(shell, "%ag restore 'run 1' other")
    assert len(shell.run("%ag tree")) == 4


def test_trash_lists_and_is_emptied(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list shows itself; emptying asks, and looks at the age."""
    shell.run(TREE)
    assert "nothing in the trash" in said(shell, "%ag trash")
    shell.run("%ag rm 'run 1'")
    entries = shell.run("%ag trash")
    assert [entry.label for entry in entries] == ["run 1"]
    assert "nothing of that age" in said(shell, "%ag trash --older-than 30d").lower()
    assert "nothing of that age" in said(shell, "%ag trash --empty --older-than 30d --yes").lower()
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr("builtins.input", answer)
    assert said(shell, "%ag trash --empty") == "Nothing was done."
    assert "1 tree with 2 rows for good?" in asked[0]
    assert len(shell.run("%ag trash")) == 1
    assert "2 rows" in said(shell, "%ag trash --empty --yes")
    assert "nothing in the trash" in said(shell, "%ag trash")
    assert "no age" in str(shell.fail("%ag trash --older-than soon").error)


def test_restored_elsewhere_and_called_otherwise(shell: Shell) -> None:
    """``--to``, ``--root`` and ``--label``; what is taken says so."""
    shell.run(TREE, "%ag rm 'run 1'")
    shell.run("await write_node(new_node(node_label='run 1', node_parent_id=top.node_id))")
    assert isinstance(shell.fail("%ag restore 'run 1'").error, LabelExistsError)
    shell.run("%ag restore 'run 1' --label again")
    assert [node.label for node in shell.run("%ag ls top")] == ["again", "run 1"]
    shell.run("%ag rm leaf", "%ag restore leaf --to top")
    assert [node.label for node in shell.run("%ag ls top")] == ["again", "leaf", "run 1"]
    shell.run("%ag rm leaf", "entry = (await read_trash())[0]", "%ag restore $entry --root")
    assert [node.label for node in shell.run("%ag ls")] == ["top", "leaf"]
    assert "say two things" in str(shell.fail("%ag restore leaf --root --to top").error)


def test_restore_of_a_label(shell: Shell) -> None:
    """One that several have, none has, or that lacks its quotes."""
    shell.run(TREE, "%ag rm 'run 1'")
    shell.run("await write_node(new_node(node_label='run 1'))", "%ag rm 'run 1'")
    assert isinstance(shell.fail("%ag restore 'run 1'").error, MultipleNodesFoundError)
    assert "trash lists" in shell.fail("%ag restore nothing").out
    assert "Did you mean 'run 1'?" in shell.fail("%ag restore run 1").out
    assert "in the trash with node" in shell.fail("%ag restore {leaf.node_id}").out


def test_lock_and_unlock(shell: Shell) -> None:
    """What is locked is not moved to the trash, and is shown as such."""
    shell.run(TREE)
    assert "2 rows" in said(shell, "%ag lock 'run 1'")
    assert "was locked already" in said(shell, "%ag lock 'run 1'")
    cell = shell.fail("%ag rm top")
    assert isinstance(cell.error, LockedError)
    assert "'run 1'" in cell.out
    assert "locked" in shell.run("%ag show leaf")._repr_html_()
    assert "2 rows" in said(shell, "%ag unlock 'run 1'")
    assert "was not locked" in said(shell, "%ag unlock 'run 1'")
    assert "3 rows" in said(shell, "%ag rm top")


def test_drop_asks(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes go, the row stays; only after a yes."""
    shell.run("import numpy", "array = numpy.arange(3)", "%ag save array;")
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr("builtins.input", answer)
    assert said(shell, "%ag drop array") == "Nothing was done."
    assert "(1 value, 152 B)" in asked.pop()
    shell.run("%ag lock array")
    assert isinstance(shell.fail("%ag drop array").error, LockedError)
    shell.run("%ag unlock array")
    assert not asked
    assert list(shell.run("%ag load array")) == [0, 1, 2]
    assert "1 value dropped" in said(shell, "%ag drop array --yes")
    assert "no value to drop" in said(shell, "%ag drop array")
    assert not asked
    cell = shell.fail("%ag load array")
    assert isinstance(cell.error, ValueDroppedError)
    assert "dropped" in shell.run("%ag show array")._repr_html_()


def test_completion_and_help(memory_shell: Shell) -> None:
    """The Tab key offers them, their options and variables; each explains itself."""
    offered = complete(memory_shell, "%ag ")
    assert {
        f"%ag {name}" for name in ("rm", "restore", "trash", "lock", "unlock", "drop")
    } <= offered
    assert complete(memory_shell, "%ag trash --o") == {"%ag trash --older-than"}
    assert complete(memory_shell, "%ag rm --f") == {"%ag rm --final"}
    for name in ("rm", "restore", "trash", "lock", "unlock", "drop"):
        assert f"%artigraph {name}" in said(memory_shell, f"%ag {name} --help")


def test_advice_is_a_line_of_the_magic(shell: Shell) -> None:
    """What is said behind a magic is typed behind one, and works; in Python it is Python."""
    shell.run(TREE, "%ag lock 'run 1'")
    told = str(shell.fail("%ag rm leaf").error)
    assert "unlock_nodes" not in told
    assert told.endswith("Unlock it first: %artigraph unlock {}".format(shell.run("run.node_id")))
    in_python = shell.fail("await trash_nodes(NodeFilter(node_id=leaf.node_id))")
    assert "await unlock_nodes(NodeFilter(" in str(in_python.error)
    shell.run(told.rpartition(": ")[2], "%ag rm 'run 1'")
    shell.run("again = await write_node(new_node(node_label='run 1', node_parent_id=top.node_id))")
    told = str(shell.fail("%ag restore 'run 1'").error)
    assert "--label …; or hang it elsewhere with --to NODE" in told
    assert "await" not in told
    shell.run("%ag rm top")
    told = str(shell.fail("%ag restore 'run 1'").error)
    assert "--root, or --to a node" in told
    assert "await" not in told
    assert "%artigraph restore" in str(shell.fail("%ag restore {again.node_id}").error)
    assert "%artigraph trash lists" in str(shell.fail("%ag restore 99999").error)


def test_a_database_that_is_only_read_says_how_to_write(shell: Shell, tmp_path: Path) -> None:
    """The address is given again without --read-only."""
    address = f"sqlite+aiosqlite:///{tmp_path}/only.db"
    shell.run(f"%ag connect {address} --create-tables", TREE)
    shell.run(f"%ag connect {address} --read-only")
    told = str(shell.fail("%ag rm leaf").error)
    assert "set_engine" not in told
    assert "%artigraph connect ADDRESS, without --read-only" in told


def test_what_is_in_the_trash_is_said_to_be_there(shell: Shell) -> None:
    """By its label or id, also of what hangs below; the line that is named works."""
    shell.run(TREE, "%ag rm 'run 1'")
    told = str(shell.fail("%ag show leaf").error)
    assert "One is in the trash: %artigraph restore" in told
    assert "%artigraph restore" in str(shell.fail("%ag show {leaf.node_id}").error)
    assert "Did you mean 'run 1'?" in str(shell.fail("%ag restore 'rnu 1'").error)
    shell.run(told[told.index("%artigraph") : told.index(" gives")])
    assert shell.run("%ag show leaf").node_label == "leaf"
