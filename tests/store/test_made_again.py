"""Classes that cells, modules, scripts and workers make again."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from artigraph import (
    FilterError,
    ModelDefinitionError,
    ModelFilter,
    NodeFilter,
    SerializationError,
    count_models,
    create_model,
    new_node,
    read_frame,
    read_model,
    read_models,
    read_node,
    write_model,
    write_node,
)
from artigraph.errors import NameTakenError
from artigraph.home import home, newest
from tests.store.test_redefinition import run_cell

ENUMERATION = """
    from dataclasses import field
    from enum import Enum, Flag
    class Solver(Enum):
        {members}
    class Access(Flag):
        READ = 1
        WRITE = 2
    """
MODEL = """
    class AgainFit(DataModel, version=1):
        solver: Solver
        others: list[Solver | None] = field(default_factory=list)
        access: Access = Access.READ
        by_solver: dict[Solver, int] = field(default_factory=dict)
    """


def edit(file: Path, source: str) -> None:
    """Write a module, as if it were another second."""
    before = file.stat().st_mtime if file.exists() else 1_000_000_000
    file.write_text(source)
    os.utime(file, (before + 2, before + 2))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A module that is imported, and loaded again, with the source that is given."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    name = f"made_again_{tmp_path.name.replace('-', '_')}"

    def load(source: str) -> ModuleType:
        edit(tmp_path / f"{name}.py", source)
        known = sys.modules.get(name)
        return importlib.import_module(name) if known is None else importlib.reload(known)

    return load


async def test_a_module_that_is_loaded_again_replaces_its_models(
    store: str, module: Callable[[str], ModuleType]
) -> None:
    """importlib.reload() is no second class, also where the source has changed."""
    source = "from artigraph import DataModel\nclass AgainLoaded(DataModel, version=1):\n    x: int"
    first = module(source)
    await write_model(label="m", model=first.AgainLoaded(1))
    again = module(source)
    assert type((await read_model(NodeFilter(label="m"))).value) is again.AgainLoaded
    changed = module("# A line more.\n" + source + "\n    y: int = 2")
    assert (await read_model(NodeFilter(label="m"))).value == changed.AgainLoaded(1, 2)


async def test_a_script_that_runs_again_in_another_module_object(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its compiled code may be the same, and its names new ones, as Streamlit does it."""
    code = compile(
        "from artigraph import *\ndef page():\n    class Inside(DataModel, version=1):\n"
        "        x: int\n    return Inside\nclass AgainPage(DataModel, version=1):\n    x: int\n"
        "made = page()",
        "page.py",
        "exec",
    )
    for number in range(2):
        monkeypatch.setitem(sys.modules, "again_page", ModuleType("again_page"))
        names = vars(sys.modules["again_page"])
        exec(code, names)
        await write_model(label=f"m{number}", model=names["AgainPage"](number))
        await write_model(label=f"i{number}", model=names["made"](number))
    found = await read_models(ModelFilter(model_type=names["AgainPage"]))
    assert [m.value for m in found] == [names["AgainPage"](0), names["AgainPage"](1)]


def test_a_second_class_of_one_module_is_an_error_that_names_both_lines(
    module: Callable[[str], ModuleType],
) -> None:
    """Two statements of one module make two classes, and one of them needs another name."""
    one = "class AgainTwice(DataModel, version=1):\n    x: int\n"
    with pytest.raises(
        ModelDefinitionError,
        match=r"belongs to line 2's made_again\w+\.AgainTwice, so line 4's made_again\w+\.Aga",
    ):
        module("from artigraph import DataModel\n" + one + one)


def test_one_call_that_makes_two_models_of_a_name_is_an_error() -> None:
    """Other fields from the same line are another model, and equal ones the same."""

    def make(**fields: Any) -> Any:
        return create_model("AgainCalled", **fields)

    make(x=int)
    make(x=int)
    with pytest.raises(ModelDefinitionError, match="needs another"):
        make(y=int)


# ---------------------------------------------------------------- enumerations


@pytest.mark.parametrize("first", ["model", "enumeration"])
async def test_an_enumeration_that_is_made_again(store: str, first: str) -> None:
    """Its members are written, read, compared and put into frames, whichever cell ran last."""
    enum = ENUMERATION.format(members="A = 'a'; B = 'b'")
    names = run_cell(enum + MODEL)
    old, fit = names["Solver"], names["AgainFit"]
    if first == "model":  # it was used before
        await write_model(label="before", model=fit(old.A))
    names = run_cell(enum)
    new, access = names["Solver"], names["Access"]
    assert newest(old) is new
    model = fit(new.A, [new.B, None], access.READ | access.WRITE, {new.A: 1})
    await write_model(label="m", model=model)
    back = (await read_model(NodeFilter(label="m"))).value
    assert back == model
    assert back.solver is new.A
    await write_model(label="old", model=fit(old.B))
    assert (await read_model(NodeFilter(label="old"))).value.solver is new.B
    for solver in (old.B, new.B):
        assert await count_models(fit.where(lambda f, solver=solver: f.solver == solver)) == 1
        assert await count_models(fit.where({"solver": [solver]})) == 1
    frame = await read_frame(ModelFilter(model_type=fit, label="m"))
    assert list(frame["solver"]) == ["A"]


async def test_a_member_that_is_gone_says_so(store: str) -> None:
    """A member of the earlier enumeration that the newer one lacks is refused with the way out."""
    both = ENUMERATION.format(members="A = 'a'; B = 'b'")
    names = run_cell(both + MODEL)
    run_cell(ENUMERATION.format(members="A = 'a'"))
    model = names["AgainFit"](names["Solver"].B)
    with pytest.raises(SerializationError, match="made again without this member: take one of"):
        await write_model(label="m", model=model)
    with pytest.raises(FilterError):
        names["AgainFit"].where(lambda f: f.solver == names["Solver"].B)


async def test_a_column_of_an_enumeration_that_is_made_again_says_what_to_run(store: str) -> None:
    """A node class has the enumeration that it was made with."""
    if store != "sqlite":
        pytest.skip("tables of servers keep the columns of other tests")
    enum = ENUMERATION.format(members="A = 'a'")
    node = """
    class AgainRun(Node):
        __mapper_args__ = {"polymorphic_identity": "again_run"}
        again_run_solver: Mapped[Solver]
    """
    names = run_cell(enum + node)
    new = run_cell(enum)["Solver"]
    with pytest.raises(SerializationError, match="run the node class's cell again, too"):
        await write_node(new_node(names["AgainRun"], again_run_solver=new.A))
    run = run_cell(node)["AgainRun"]
    await write_node(new_node(run, again_run_solver=new.A))
    assert (await read_node(NodeFilter(node_type=run))).again_run_solver is new.A  # type: ignore[attr-defined]  # of a cell


def test_a_class_that_a_function_makes_is_not_taken_for_the_modules() -> None:
    """It has a name of the module's, and was made later."""

    def other() -> type[Enum]:
        made = Enum("Kept", "A")  # type: ignore[misc]  # that is the point
        assert home(made) == home(Kept)
        return made

    made = other()
    assert newest(made) is made
    assert newest(Kept) is Kept


class Kept(Enum):
    """An enumeration of this module."""

    A = 1


# ------------------------------------------------------- models, values, workers


async def test_a_nested_model_that_is_made_again(store: str) -> None:
    """The model around it holds, finds and reads the newer one."""
    inner = "class AgainInner(DataModel, version=1):\n    x: int\n"
    names = run_cell(inner + "class AgainOuter(DataModel, version=1):\n    inner: AgainInner\n")
    outer = names["AgainOuter"]
    await write_model(label="old", model=outer(names["AgainInner"](1)))
    assert await count_models(outer.where(lambda f: f.inner.x == 1)) == 1
    new = run_cell(inner + "    y: int = 5\n")["AgainInner"]
    await write_model(label="new", model=outer(new(1, 6)))
    assert await count_models(outer.where(lambda f: f.inner.y == 6)) == 1
    assert (await read_model(NodeFilter(label="old"))).value == outer(new(1, 5))


SERIALIZER = """
    from artigraph.serializer.base import Serializer
    class ReadingSerializer(Serializer):
        name = "again-reading"
        types = (Reading,)
        def __init__(self, unit="C"):
            self.unit = unit
        def serialize(self, value):
            return str(value.degrees).encode()
        def deserialize(self, data):
            return Reading(float(data))
        def __eq__(self, other):
            return isinstance(other, ReadingSerializer) and self.unit == other.unit
        def __hash__(self):
            return 1
    made = ReadingSerializer().register()
    """


async def test_a_class_and_its_serializer_that_are_made_again(store: str) -> None:
    """Each of the two cells may run again without the other."""
    reading = """
    class Reading:
        def __init__(self, degrees):
            self.degrees = degrees
    """
    run_cell(reading + SERIALIZER)
    fit = create_model("AgainReading", value=Any)
    for cell in (SERIALIZER, reading, reading + SERIALIZER):
        new = run_cell(cell)["Reading"]
        written = await write_model(label="m", model=fit(value=new(21.5)))  # type: ignore[call-arg]  # made at run time
        back = (await read_model(NodeFilter(node_id=written.artifact.node_id))).value
        assert type(back.value) is new
        assert back.value.degrees == 21.5


def test_another_serializer_of_the_name_is_still_refused() -> None:
    """What is made elsewhere, or is of the same class with other settings, is another one."""
    run_cell("    class Reading: pass\n" + SERIALIZER)
    with pytest.raises(NameTakenError):
        run_cell("    class Reading: pass\n" + SERIALIZER, "again_elsewhere")
    with pytest.raises(NameTakenError):
        run_cell("ReadingSerializer('F').register()")


WORKER = """
import asyncio, sys, pickle
fit = pickle.loads(sys.stdin.buffer.read())
from artigraph import *
async def main():
    set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    await write_model(label="m", model=fit)
    back = (await read_model(NodeFilter(label="m"))).value
    assert back == fit and type(back) is type(fit) and hash(back) == hash(fit), back
    assert await count_models(type(fit).where(lambda f: f.solver == fit.solver)) == 1
asyncio.run(main())
import cloudpickle
sys.stdout.buffer.write(cloudpickle.dumps((fit, type(fit)(fit.solver))))
"""


async def test_a_worker_has_the_models_of_a_notebook() -> None:
    """What cloudpickle carries to a worker is a model there, and comes back as one of here."""
    pickler: Any = pytest.importorskip("cloudpickle")
    names = run_cell(
        ENUMERATION.format(members="A = 'a'")
        + """
    class AgainWorked(DataModel, version=1):
        solver: Solver
        depth: int = model_field(default=3, repr=False)
    """,
        "again_main",
    )
    pickler.register_pickle_by_value(sys.modules["again_main"])
    model = names["AgainWorked"](names["Solver"].A)
    worker = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "ignore", "-c", WORKER],
        input=pickler.dumps(model),
        capture_output=True,
        check=False,
    )
    assert worker.returncode == 0, worker.stderr.decode()
    same, made = pickler.loads(worker.stdout)
    assert same == made == model
    assert type(same) is type(model)
