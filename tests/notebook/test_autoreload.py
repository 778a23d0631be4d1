"""A module that IPython's autoreload loads again changes its classes under their instances."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.notebook.shell import Shell


def edit(folder: Path, name: str, fields: str, at: int) -> None:
    """Write a module with one model, as an editor does at some second."""
    # Without the statement at its end IPython 9 and later patch functions only.
    source = (
        "from dataclasses import field\nfrom artigraph import DataModel\n"
        f"class Fit(DataModel, version=1):\n    {fields}\nif len('{at}') > 0: AT = {at}\n"
    )
    file = folder / f"{name}.py"
    file.write_text(source)
    os.utime(file, (at, at))


def start(shell: Shell, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import a module of one field, write one model, and add a field to the module."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    edit(folder, name, "loss: float", 1_000_000_000)
    shell.run(
        "%load_ext autoreload\n%autoreload 2",
        f"import {name}\nfrom {name} import Fit",
        "old = Fit(0.5)\nwritten = await write_model(label='before', model=old)",
    )


def test_a_field_that_a_module_gained_is_written(
    memory_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The class that the notebook holds has the new field, and so have its rows and filters."""
    start(memory_shell, tmp_path, "reloaded_gained", monkeypatch)
    edit(tmp_path, "reloaded_gained", "loss: float; note: str = 'none'", 1_000_000_002)
    read = "{m.artifact.node_label: m.value.note for m in await read_models(ModelFilter())}"
    notes = memory_shell.run(
        "fit = Fit(0.1, 'the one')\nwritten = await write_model(label='fit', model=fit)",
        "written = await write_model(label='after', model=old)",
        read,
    )
    assert notes == {"before": "none", "fit": "the one", "after": "none"}
    assert memory_shell.run("repr(fit)") == "Fit(loss=0.1, note='the one')"
    assert memory_shell.run("await count_models(Fit.where(lambda f: f.note == 'the one'))") == 1


def test_an_instance_without_a_field_that_its_class_gained_is_refused(
    memory_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made before has no value for a field without a default; making it anew helps."""
    start(memory_shell, tmp_path, "reloaded_needs", monkeypatch)
    edit(tmp_path, "reloaded_needs", "loss: float; note: str", 1_000_000_002)
    refused = memory_shell.fail("await write_model(label='after', model=old)")
    assert "has no 'note'" in str(refused.error)
    assert "Make it anew with Fit(…)" in str(refused.error)
    memory_shell.run(
        "old = Fit(old.loss, 'anew')\nwritten = await write_model(label='after', model=old)"
    )
    assert memory_shell.run("(await read_model(NodeFilter(label='after'))).value.note") == "anew"


def test_a_reload_that_fails_half_way_loses_nothing(
    memory_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What autoreload could patch in part only is written whole, or refused."""
    start(memory_shell, tmp_path, "reloaded_half", monkeypatch)
    more = "loss: float; tags: list = field(default_factory=list)"
    edit(tmp_path, "reloaded_half", more, 1_000_000_002)
    cell = memory_shell.try_("fit = Fit(0.1, ['a'])\nawait write_model(label='fit', model=fit)")
    if cell.error is None:
        tags = memory_shell.run("(await read_model(NodeFilter(label='fit'))).value.tags")
        assert tags == ["a"]
    else:
        assert memory_shell.run("await nodes_exist(NodeFilter(label='fit'))") is False


def test_a_second_module_with_a_model_of_the_name_is_refused(
    memory_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only cells replace each other's classes: no module reads the rows of another."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("reloaded_one", "reloaded_two"):
        edit(tmp_path, name, "loss: float", 1_000_000_000)
    memory_shell.run("import reloaded_one")
    for cell in (
        "import reloaded_two",
        "class Fit(DataModel, version=1):\n    loss: float\n    note: str = 'none'",
    ):
        refused = memory_shell.fail(cell)
        assert "'Fit' belongs to reloaded_one.Fit, so " in str(refused.error)
    memory_shell.run("with allow_model_type_overwrites():\n    import reloaded_two")
    memory_shell.run("class Own(DataModel, version=1):\n    x: int")
    memory_shell.run("class Better(DataModel, version=1, name='Own'):\n    x: int\n    y: int = 0")
    memory_shell.run("written = await write_model(label='m', model=Better(1))")
    assert memory_shell.run("type((await read_model(NodeFilter(label='m'))).value).__name__") == (
        "Better"
    )


def test_an_enumeration_that_a_module_makes_again(
    memory_shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members of before are written and asked for, though autoreload cannot change their class."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    edit(tmp_path, "reloaded_enum", "solver: 'Solver'", 1_000_000_000)
    file = tmp_path / "reloaded_enum.py"
    enum = "from enum import Enum\nclass Solver(Enum):\n    A = 1\n"
    file.write_text(enum + file.read_text())
    os.utime(file, (1_000_000_001, 1_000_000_001))
    memory_shell.run(
        "%load_ext autoreload\n%autoreload 2",
        "import reloaded_enum\nfrom reloaded_enum import Fit, Solver\nold = Solver.A",
    )
    file.write_text(enum + "    B = 2\n" + file.read_text().removeprefix(enum))
    os.utime(file, (1_000_000_003, 1_000_000_003))
    memory_shell.run("written = await write_model(label='fit', model=Fit(old))")
    assert memory_shell.run("await count_models(Fit.where(lambda f: f.solver == old))") == 1
    assert memory_shell.run(
        "(await read_model(NodeFilter(label='fit'))).value.solver is reloaded_enum.Solver.A"
    )
