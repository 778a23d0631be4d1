"""Adding a comparison operator: one row, and everything that compares knows it."""

from __future__ import annotations

import inspect
import pickle
import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from artigraph import (
    DataModel,
    FilterError,
    ModelFilter,
    NodeFilter,
    ValueFilter,
    read_models,
    read_nodes,
    write_models,
)
from artigraph.errors import NameTakenError
from artigraph.filter import operator as operator_module
from artigraph.filter.operator import OPERATORS, SIGNS, Operator, keys, register
from artigraph.frame.memory import store_in_memory
from artigraph.frame.query import Condition, read_conditions
from artigraph.frame.view import FrameView
from artigraph.notebook.magic.parser import commands
from artigraph.outline.page import browse_search
from artigraph.outline.search import search_clause
from tests.notebook.shell import new_shell

FRONTEND = Path(__file__).parents[2] / "frontend"

nothing = operator_module._asks_no_database

# Callers in notebooks are not type-checked.
Asked: Any = ValueFilter


def row(**facts: Any) -> Operator:
    """An operator that asks how a text begins, but for what is said otherwise."""
    given: dict[str, Any] = {
        "name": "startswith",
        "words": "starts with",
        "help": "Begins with this text.",
        "signs": ("^=",),
        "needs": "text",
        "clause": lambda column, text: column.startswith(text, autoescape=True),
        "arrow": "starts_with",
    }
    return Operator(**(given | facts))


class Begun(DataModel, version=1):
    name: str
    count: int = 0


@pytest.fixture(autouse=True)
def _forget_operators() -> Iterator[None]:
    """Forget what a test registers."""
    tables: list[dict[str, Operator]] = [OPERATORS, SIGNS]
    kept = [dict(table) for table in tables]
    yield
    for table, before in zip(tables, kept, strict=True):
        table.clear()
        table.update(before)
    register()


@pytest.fixture
def startswith() -> Operator:
    """The operator, registered."""
    register(row())
    return OPERATORS["startswith"]


@pytest.mark.usefixtures("startswith")
async def test_databases_are_asked_by_it(store: str) -> None:
    """Columns, fields in Python and mappings compare by it, and the search box by its sign."""
    models = {"a": Begun("100% pure"), "b": Begun("100 grams"), "c": Begun("adam")}
    await write_models(models=models)

    async def found(filter: Any) -> str:
        return "".join(sorted(m.artifact.node_label or "" for m in await read_models(filter)))

    assert await found(Begun.where(lambda f: f.name == Asked(startswith="100%"))) == "a"
    assert await found(ModelFilter(where={"name": Asked(startswith="100")})) == "ab"
    assert await found(~Begun.where({"name": Asked(startswith="100", ne="x")})) == "c"
    assert len(await read_nodes(NodeFilter(label=Asked(startswith="b")))) == 1
    page = await browse_search(search_clause("name^=100"))
    assert "".join(node.label or "" for node in page.nodes) == "ba"
    with pytest.raises(FilterError, match=r"Begun\.count is an integer, and only text"):
        Begun.where(lambda f: f.count == Asked(startswith="1"))
    with pytest.raises(FilterError, match=r"NodeFilter\(node_id=…\) is no text"):
        NodeFilter(node_id=Asked(startswith="1"))


@pytest.mark.usefixtures("startswith")
def test_magic_takes_its_sign(tmp_path: Path) -> None:
    """The magic reads it from a line, and its help names it."""
    with new_shell(tmp_path) as shell:
        shell.run(
            "from artigraph import *",
            "undo = set_engine('sqlite+aiosqlite:///:memory:', create_tables=True)",
            "class Started(DataModel, version=1):\n    name: str",
            'await write_models(models={"a": Started("adam"), "b": Started("bert")});',
        )
        assert [one.value.name for one in shell.run("%artigraph find Started name ^= ad")] == [
            "adam"
        ]
        assert "^=" in repr(shell.run("%artigraph find --help"))
        assert "^=" in shell.fail("%artigraph find Started name").err
        shell.run("undo()")


@pytest.mark.usefixtures("startswith")
async def test_viewer_compares_by_it() -> None:
    """What its page sends is taken, and shows the rows that hold."""
    view = await FrameView.open(store_in_memory(pd.DataFrame({"x": ["ab", "Ac", None, "b"]})))
    sent = [{"column": 0, "operator": "startswith", "value": "a"}]
    found = await view.arrange(conditions=read_conditions(sent, 1))
    assert list(found.rows) == [0, 1]
    assert found.conditions == (Condition(0, "startswith", "a"),)


def test_it_reads_well_and_travels(startswith: Operator) -> None:
    """Filters say it in words, a signature and its help name it, and pickles find it again."""
    filter = Begun.where({"name": Asked(startswith="ad")})
    assert str(filter) == "Begun with name starts with 'ad'"
    assert repr(Asked(startswith="ad")) == "ValueFilter(startswith='ad')"
    assert Asked(startswith="ad").startswith == "ad"
    assert "startswith" in inspect.signature(ValueFilter).parameters
    assert "startswith: Begins with this text." in (inspect.getdoc(ValueFilter) or "")
    assert pickle.loads(pickle.dumps(filter)) == filter
    assert pickle.loads(pickle.dumps(startswith)) is startswith
    with pytest.raises(FilterError, match="Did you mean 'startswith'"):
        Asked(startwith="ad")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"name": "eq"}, "'eq' needs another name or sign: {'eq'} is taken"),
        ({"signs": ("^", "!=")}, "'startswith' needs another name or sign: {'!='} is taken"),
        ({"name": "starts with"}, "'starts with' needs a name that is an identifier"),
        ({"words": ""}, "'startswith' needs a name .* words"),
        ({"help": ""}, "'startswith' needs a name .* help"),
        ({"clause": nothing, "arrow": "", "signs": ()}, "'startswith' needs a clause in SQL or a"),
        ({"clause": nothing}, "'startswith' has a sign, so it needs a clause"),
        ({"takes": "several"}, "'startswith' has a sign, so it .* one value"),
        ({"takes": "nothing"}, "'startswith' has a sign, so it .* one value"),
        ({"signs": ("begins",)}, "'startswith' needs signs of one to three of"),
    ],
)
def test_twice_or_half_is_refused(facts: dict[str, Any], message: str) -> None:
    """A name or a sign that is taken, and a row that lacks something, are refused by name."""
    before = dict(OPERATORS), dict(SIGNS)
    with pytest.raises((FilterError, NameTakenError), match=message):
        register(row(**facts))
    assert (dict(OPERATORS), dict(SIGNS)) == before


def test_everything_about_the_ones_there_are_stands_in_their_rows() -> None:
    """Type checkers know the keys that there are, and the viewer's page its operators."""
    assert operator_module._Asked.__annotations__.keys() == keys().keys()
    assert commands()["find"].parser.format_help().count("~ is like") == 1
    made = runpy.run_path(str(FRONTEND / "operators.py"))
    assert made["TARGET"].read_text(encoding="utf-8") == made["typescript"]()


def test_a_cell_that_runs_again_registers_it_again(startswith: Operator) -> None:
    """The newer one is used, and a sign that it has no more is free."""
    register(replace(row(), signs=("^^",)))
    assert SIGNS.keys() & {"^=", "^^"} == {"^^"}
    with pytest.raises(NameTakenError):
        register(replace(row(), clause=lambda column, value: column == value))
    register(row())
    assert OPERATORS["startswith"].signs == startswith.signs
