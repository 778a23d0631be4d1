"""Each sub-command, in a real IPython, on each database."""

from __future__ import annotations

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import artigraph
from artigraph import (
    CellRun,
    FilterError,
    LabelExistsError,
    Log,
    MultipleNodesFoundError,
    NodeFilter,
    NodeNotFoundError,
    QualifiedArtifact,
    SerializationError,
    Tree,
    UnknownModelError,
    read_node,
    write_node,
)
from tests.notebook.shell import Shell
from tests.store.old import FIRST

DEFINE = """
    from dataclasses import field
    from datetime import date, datetime, timedelta

    class Fit(DataModel, version=1):
        loss: float
        name: str = "adam"
        good: bool = True
        day: date | None = None
        took: timedelta = timedelta(0)
        params: dict[str, int] = field(default_factory=dict)
    """


def test_connect_sets_database_and_can_be_undone(bare_shell: Shell, tmp_path: Path) -> None:
    """The address may be typed, with or without a variable; the result undoes it."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'typed.db'}"
    bare_shell.ipython.user_ns["folder"] = tmp_path
    bare_shell.run(f"undo = %artigraph connect {url} --create-tables")
    assert "typed.db" in repr(bare_shell.run("%ag status"))
    other = "sqlite+aiosqlite:///{folder}/other.db"
    bare_shell.run(f"again = %artigraph connect {other} --create-tables")
    assert "other.db" in repr(bare_shell.run("%ag status"))
    bare_shell.run("again()", "undo()")
    assert "%artigraph connect" in repr(bare_shell.run("%ag status"))


def test_an_old_store_is_upgraded_by_the_line_that_is_advised(
    bare_shell: Shell, tmp_path: Path
) -> None:
    """The address stays set, so that the advice works as it stands."""
    file = tmp_path / "old.db"
    shutil.copy(FIRST / "sqlite.db", file)
    cell = bare_shell.fail(f"%ag connect sqlite+aiosqlite:///{file}")
    assert "%artigraph upgrade" in str(cell.error)
    planned = bare_shell.run("%artigraph upgrade --dry-run")
    assert planned.dry_run
    report = bare_shell.run("%artigraph upgrade")
    assert report.copy == tmp_path / "old.db.before-2"
    assert "old.db.before-2" in report._repr_html_()
    # Node classes of other tests want columns of theirs in it.
    bare_shell.run(f"undo = %artigraph connect sqlite+aiosqlite:///{file} --create-tables")
    assert "46 nodes" in repr(bare_shell.run("%artigraph status"))


def test_connect_that_fails_keeps_what_was_set(shell: Shell, tmp_path: Path) -> None:
    """A database that does not answer is refused at once, and the other one stays."""
    cell = shell.fail(f"%ag connect sqlite+aiosqlite:///{tmp_path}/no/such/folder.db")
    assert isinstance(cell.error, artigraph.EngineURLError)
    assert "cannot be opened" in cell.out
    assert "Traceback" not in cell.out
    assert len(shell.run("%ag ls")) == 0


def test_save_and_load_come_back_equal(shell: Shell) -> None:
    """Models and frames are saved by their variables' names, or others, and loaded by label."""
    shell.run(
        DEFINE,
        "import pandas as pd; fit, frame = Fit(0.5), pd.DataFrame({'x': [1, 2]})",
    )
    one = shell.run("%ag save fit")
    assert isinstance(one, QualifiedArtifact)
    assert one.artifact.node_label == "fit"
    shell.run("both = %ag save again=fit other=$frame third=$fit")
    assert list(shell.get("both")) == ["again", "other", "third"]
    assert shell.run("%ag load fit") == shell.get("fit")
    assert "no name of a variable" in shell.fail("%ag load fit --into class").err
    loaded = shell.run("%ag load again other")
    assert loaded["again"] == shell.get("fit")
    assert loaded["other"].equals(shell.get("frame"))
    nodes = shell.run("x, y = both['again'], both['other'].artifact", "%ag load $x $y")
    assert list(nodes) == ["again", "other"]
    assert shell.run("%ag load other --into kept") is None
    assert shell.get("kept").equals(shell.get("frame"))


def test_save_makes_labels_in_a_loop(shell: Shell) -> None:
    """Variables and quotes stand in a label as anywhere; an = of theirs is none."""
    shell.run(
        DEFINE,
        "for i in range(3):\n    fit = Fit(i / 2)\n    %ag save fit-{i}=fit",
        "name, odd = 'the best', 'a=b'\n%ag save $name=fit",
        "%ag save 'last one'=fit {odd}-{i}=fit",
    )
    labels = [node.label for node in shell.run("%ag ls")]
    assert labels == ["fit-0", "fit-1", "fit-2", "the best", "last one", "a=b-2"]
    assert shell.run("%ag load fit-1").loss == 0.5


def test_save_writes_all_or_nothing(shell: Shell) -> None:
    """A label that is taken leaves none of the others behind."""
    shell.run(
        DEFINE, "fit = Fit(0.5)", "node = await write_node(new_node())", "%ag save fit --to $node"
    )
    shell.run("import numpy as np; array = np.arange(3)")
    for names in ("new=fit fit", "array fit", "new=fit fit=array"):
        cell = shell.fail(f"%ag save {names} --to $node")
        assert isinstance(cell.error, LabelExistsError)
    assert [node.label for node in shell.run("%ag ls $node")] == ["fit"]


def test_save_explains_what_it_cannot_save(shell: Shell) -> None:
    """A number is no model: the message names the line that keeps it. A typo names the variable."""
    cell = shell.fail("step = 3\n%ag save step")
    assert "%artigraph log step" in cell.err
    cell = shell.fail("%ag save setp")
    assert "Did you mean step?" in cell.err


def test_connect_to_an_empty_database_says_how_it_gets_tables(
    bare_shell: Shell, tmp_path: Path
) -> None:
    """It is not set, and the message names the option."""
    cell = bare_shell.fail(f"%ag connect sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    assert "--create-tables" in cell.out
    assert "No database is set" in repr(bare_shell.run("%ag status"))


def test_log_and_save_do_not_send_each_other_what_neither_takes(shell: Shell) -> None:
    """What is neither a note nor has a serializer has to become a model, say both."""
    shell.run("thing = object()")
    for line in ("%ag log thing", "%ag log x=$thing", "%ag save thing"):
        cell = shell.fail(line)
        assert "of the type object" in cell.err
        assert "Make a DataModel" in cell.err
        assert "%artigraph" not in cell.err


def test_log_refuses_names_that_would_not_come_back(shell: Shell) -> None:
    """A name given twice, or one that the store keeps for itself; the other notes stay readable."""
    assert "given twice" in shell.fail("%ag log a=1 a=2").err
    assert "given twice" in shell.fail("%%ag run --param a=1 --param a=2\n0").err
    cell = shell.fail("%ag log $=1")
    assert isinstance(cell.error, SerializationError)
    assert "'$' can be no field's name" in cell.out
    assert shell.run("%ag find Log") == []


def test_find_tells_of_a_value_whatever_its_repr_does(shell: Shell) -> None:
    """An object whose repr raises is compared with no field, and the message says so."""
    shell.run(DEFINE, "class Bad:\n    def __repr__(self):\n        raise ValueError('no')")
    cell = shell.fail("bad = Bad()\n%ag find Fit loss<$bad")
    assert isinstance(cell.error, FilterError)
    assert "does not compare with <repr failed: ValueError: no> (Bad)" in cell.out


def test_current_node_is_where_things_hang(shell: Shell) -> None:
    """Inside a group lines save, log, list and find below its node, which may be new."""
    shell.run(
        DEFINE,
        "fit = Fit(0.5)",
        """
        async with ModelGroup(new_node(node_label="outer")):
            async with ModelGroup(new_node(node_label="inner")) as group:
                unwritten = %ag ls
                %ag save fit
                %ag log loss=0.25 step=3
                listed = %ag ls
                loaded = %ag load fit
        """,
    )
    assert len(shell.get("unwritten")) == 0
    assert shell.get("listed")[0].label == "fit"
    assert shell.get("loaded") == shell.get("fit")
    path = shell.run("[n.node_label for n in await read_path(listed[0].node_id)]")
    assert path == ["outer", "inner", "fit"]


def test_log_is_read_back_by_filter_and_line(shell: Shell) -> None:
    """Notes are models of one class: found by field, in order, and typed as they were."""
    shell.run(
        "from datetime import datetime; when = datetime(2026, 1, 2); loss = 0.5",
        '%ag log loss step=1 note="it\'s fine" done=false missing=null at=$when',
        "%ag log loss=0.25 step=2",
    )
    best = shell.run("(await read_first_model(ModelFilter(model_type=Log), order_by='loss')).value")
    assert isinstance(best, Log)
    assert dict(best) == {"loss": 0.25, "step": 2}
    (first,) = shell.run("%ag find Log step=1")
    assert first.value == Log(
        loss=0.5, step=1, note="it's fine", done=False, missing=None, at=shell.get("when")
    )
    cell = shell.fail("import pandas as pd; frame = pd.DataFrame()\n%ag log frame")
    assert "%artigraph save frame" in cell.err


CONDITIONS: list[tuple[str, list[float]]] = [
    ("loss<0.2", [0.1]),
    ("loss < 0.2", [0.1]),
    ("loss>=0.2 loss<=0.3", [0.2, 0.3]),
    ("loss!=0.1", [0.2, 0.3]),
    ("loss=$best", [0.1]),
    ("loss < {best}", []),
    ("name=adam", [0.1]),
    ('name="sgd momentum"', [0.2]),
    ("name~%d%", [0.1, 0.2]),
    ("good=true", [0.1, 0.3]),
    ("good==false", [0.2]),
    ("day>2026-01-01", [0.2]),
    ("day=null", [0.3]),
    ("day!=null", [0.1, 0.2]),
    ("took>1h30m", [0.3]),
    ("params.depth=3", [0.2]),
    ("--order -loss", [0.3, 0.2, 0.1]),
    ("--order=-loss --limit 2", [0.3, 0.2]),
    ("loss>0.1 --limit 1 good=true", [0.3]),
    ("--in $node", [0.2]),
]


def test_find_compares_by_type(shell: Shell) -> None:
    """A value is read as what its field is: numbers, dates, times, texts, bools and null."""
    shell.run(
        DEFINE,
        """
        best = 0.1
        node = await write_node(new_node())
        models = {
            "a": Fit(0.1, day=date(2026, 1, 1)),
            "c": Fit(0.3, name="rms", took=timedelta(hours=2)),
        }
        await write_models(models=models);
        fit = Fit(0.2, "sgd momentum", False, date(2026, 1, 2), params={"depth": 3})
        await write_model(parent_id=node.node_id, label="b", model=fit);
        """,
    )
    for condition, wanted in CONDITIONS:
        models = shell.run(f"%ag find Fit {condition}")
        assert isinstance(models, list)
        found = [model.value.loss for model in models]
        found = found if "--order" in condition else sorted(found)
        assert found == wanted, condition


BAD_QUESTIONS = [
    ("find Fti", "Did you mean 'Fit'"),
    ("find Fit los<1", "Did you mean 'loss'"),
    ("find Fit loss<abc", "'abc' is none"),
    ("find Fit loss", "is no condition"),
    ("find Fit loss<", "is no condition"),
    ("find Fit good=yes", "Type true or false"),
    ("find Fit day<soon", "Type 2024-01-31"),
    ("find Fit good<true", "no order"),
    ("find Fit __class__=1", "has no field"),
    ("find $best", "not a float"),
    ("find Fit --limit many", "a count from 0 on is wanted, not 'many'"),
]


def test_find_explains_bad_question(memory_shell: Shell) -> None:
    """An unknown class or field, or a value of another type, is told in one message."""
    memory_shell.run(DEFINE, "best = 0.1")
    for line, says in BAD_QUESTIONS:
        cell = memory_shell.fail(f"%ag {line}")
        assert says in cell.out + cell.err, line
        assert "Traceback" not in cell.out + cell.err


def test_find_and_load_of_class_that_is_not_defined(shell: Shell) -> None:
    """A stored class that is not defined here is found by its name; loading it says how."""
    shell.run(
        """
        from artigraph.model import base
        Gone = create_model("Gone", loss=float)
        await write_model(label="gone", model=Gone(0.5));
        del base.models_by_name["Gone"], Gone
        """
    )
    (found,) = shell.run("%ag find Gone loss<1")
    assert found.value.data == {"loss": 0.5}
    cell = shell.fail("%ag load gone")
    assert isinstance(cell.error, UnknownModelError)
    assert "class Gone(DataModel, version=1)" in cell.out


def test_node_is_meant_by_id_label_or_variable(shell: Shell) -> None:
    """All of them lead to the same node; a label that several have is asked back."""
    shell.run(
        "node = await write_node(new_node(node_label='run 1'))",
        "inner = await write_node(new_node(node_label='x', node_parent_id=node.node_id))",
        "group = ModelGroup(node)",
    )
    number = shell.get("node").node_id
    for word in (f"{number}", f"#{number}", "'run 1'", "$node", "{group}", "{node.node_id}"):
        (below,) = shell.run(f"%ag ls {word}")
        assert below.label == "x"
    shell.run("digits = await write_node(new_node(node_label=str(node.node_id)))")
    shell.run("text = str(node.node_id)")
    for word in (f"'{number}'", f'"{number}"', "$text"):
        assert shell.run(f"%ag show {word}").node_id == shell.get("digits").node_id
    shell.run("other = await write_node(new_node(node_label='x'))")
    cell = shell.fail("%ag show x")
    assert isinstance(cell.error, MultipleNodesFoundError)
    assert str(shell.get("other").node_id) in cell.out
    cell = shell.fail("%ag show nothing")
    assert isinstance(cell.error, NodeNotFoundError)
    assert "%artigraph tree" in cell.out


def test_variable_without_a_node_never_means_the_whole_store(shell: Shell) -> None:
    """None, an unwritten node, nothing and an empty text: each is refused, nothing is deleted."""
    shell.run(
        DEFINE,
        "await write_node(new_node(node_label='years of work'))",
        "fit, none, empty, several, draft = Fit(0.5), None, '', [], new_node()",
    )
    lines = [
        "tree",
        "ls",
        "show",
        "rm",
        "rm --final --yes",
        "restore",
        "lock",
        "graph --picture",
        "export mermaid",
    ]
    lines += ["find Fit --in", "load fit --from", "save fit --to", "log a=1 --to"]
    for line in lines:
        for word in ("$none", "$empty", "$several", "$draft", "{draft.node_id}", "''"):
            cell = shell.fail(f"%ag {line} {word}")
            assert isinstance(cell.error, FilterError | NodeNotFoundError), (line, word)
            if word in ("$none", "{draft.node_id}"):
                assert "not by None. A node that is not written yet has node_id None" in cell.out
    assert isinstance(shell.fail("%%ag run --to $none\n1").error, FilterError)
    assert [node.label for node in shell.run("%ag tree")] == ["years of work"]


def test_tree_and_its_pictures(shell: Shell) -> None:
    """The tree is what read_tree() returns; the graph is a picture without a widget."""
    shell.run("%%ag run top\n%ag log note=a\n%ag log note=b")
    tree = shell.run("%ag tree")
    assert isinstance(tree, Tree)
    assert len(tree) == 3
    assert len(shell.run("%ag tree top --depth 0")) == 1
    picture = shell.run("%ag graph top")
    assert picture._repr_svg_().startswith("<svg")
    # A run of the built-in kind is told by how it went.
    assert "finished" in repr(picture)
    assert "artigraph_cell_run" not in repr(picture)


def test_export_formats_and_files(shell: Shell, tmp_path: Path) -> None:
    """Each format comes back as its own object, or goes into a file as text."""
    shell.run("%%ag run top\n%ag log note=a")
    assert shell.run("%ag export mermaid").startswith("graph LR")
    assert "digraph" in shell.run("%ag export dot top").source
    assert len(shell.run("%ag export networkx")) == 2
    graph = shell.run("%ag export json")
    assert graph["edges"][0]["label"].startswith("log ")
    shell.ipython.user_ns["file"] = str(tmp_path / "a graph.json")
    shell.run("%ag export json --to $file")
    assert json.loads((tmp_path / "a graph.json").read_text()) == graph
    cell = shell.fail("%ag export memraid")
    assert "Did you mean 'mermaid'" in cell.err
    cell = shell.fail(f"%ag export dot --to {tmp_path}/no/such/folder.dot")
    assert "cannot be written" in cell.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("show .", "No node is current here"),
        ("show 99", "There is no node 99"),
        ("show {node:q}", "{node:q} cannot be put in: TypeError"),
        ("show {node.no}", "node.no is not there: AttributeError"),
        ("save =x", "a name comes first"),
        ("save x=$node x=$node", "The label 'x' is given twice"),
        ("load top", "top is a node without a value. %artigraph ls 1"),
        ("load nothing --from top", "hangs nothing that is called 'nothing'. %artigraph ls 1"),
        ("export networkx --to x", "Use: %artigraph export json --to FILE"),
    ],
)
def test_what_cannot_be_done_is_told(memory_shell: Shell, line: str, message: str) -> None:
    """What is not there, is named twice or has no such form is told with what to type."""
    memory_shell.run('node = await write_node(new_node(node_label="top"))')
    assert message in str(memory_shell.fail(f"%ag {line}").error)


def test_status_tells_of_what_is_not_written_yet(memory_shell: Shell) -> None:
    """A session that is open is told, and a group whose node waits for the session's end."""
    told = memory_shell.run(
        """
        async with ModelGroup(new_node(node_label="late")), new_session():
            found = %ag status
        found
        """
    )
    assert "The current node, late, is not written yet" in repr(told)
    assert "A session is open" in repr(told)


def test_status_counts_in_everyday_words(shell: Shell) -> None:
    """Runs, models, frames and the rest, each once; classes that others have defined as well."""
    shell.run(
        DEFINE,
        """
        import pandas as pd
        top = await write_node(new_node(node_label="sweep"))
        nodes = [new_node(CellRun, node_label="c"), new_node(TrackedRun, node_label="t")]
        await write_nodes(nodes)
        await write_models(models={"a": Fit(0.1), "b": Fit(0.2)})
        f, numbers = pd.DataFrame({"x": [1]}), {"a": 1}
        %ag save f
        from artigraph.serializer.json import json_serializer
        await write_artifact(new_artifact("j", [1], json_serializer));
        """,
    )
    shown = shell.run("%ag status")
    (table,) = [shown._describe(artigraph.options.limits).table]
    assert table.rows == (
        ("runs", "2"),
        ("models", "2"),
        ("frames", "1"),
        ("other values", "1"),
        ("other nodes", "1"),
    )
    assert "7 nodes" in repr(shown)


def test_a_node_is_named_by_its_path(shell: Shell) -> None:
    """Labels from a root down, as paths are shown; a label with a slash in it goes before."""
    shell.run(
        """
        sweep, other = await write_nodes([new_node(node_label=n) for n in ("sweep", "other")])
        r3, twin = await write_nodes(
            [new_node(node_label="r3", node_parent_id=n.node_id) for n in (sweep, other)]
        )
        bare = await write_node(new_node(node_parent_id=r3.node_id))
        deep = await write_node(new_node(node_label="deep", node_parent_id=bare.node_id))
        """
    )
    assert shell.run("%ag show sweep/r3").node_id == shell.get("r3").node_id
    assert shell.run("%ag show /other/r3/").node_id == shell.get("twin").node_id
    shell.run("path = f'sweep/r3/#{bare.node_id}/deep'")
    assert shell.run("%ag show $path").node_id == shell.get("deep").node_id
    assert [one.node_id for one in shell.run("%ag ls sweep/r3")] == [shell.get("bare").node_id]
    assert len(shell.run("%ag tree other/r3")) == 1
    noted = shell.run("%ag log note=good loss=1 --to sweep/r3")
    assert noted.artifact.node_parent_id == shell.get("r3").node_id
    assert len(shell.run("%ag find Log loss=1 --in sweep/r3")) == 1
    shell.run("%ag log loss=0.5 --to sweep/r3")
    assert [one.last for one in shell.run("await list_series(r3)")] == [0.5]
    for wrong in ("sweep/r4", "r3/deep", "sweep//r3", "a/" * 40 + "b"):
        assert "No node is called" in str(shell.fail(f"%ag show {wrong}").error)
    shell.run("slashed = await write_node(new_node(node_label='sweep/r3'))")
    assert shell.run("%ag show sweep/r3").node_id == shell.get("slashed").node_id
    assert "Several nodes are called 'r3'" in str(shell.fail("%ag show r3").error)


def test_what_is_found_says_where_it_hangs(shell: Shell) -> None:
    """Lists have the path of every row that they show, and no bare ids of parents."""
    shell.run(
        DEFINE,
        """
        top = await write_node(new_node(node_label="sweep"))
        inner = [new_node(node_label=f"r{i}", node_parent_id=top.node_id) for i in range(40)]
        bare = await write_node(new_node(node_parent_id=top.node_id))
        for i, node in enumerate([*await write_nodes(inner), bare]):
            await write_model(parent_id=node.node_id, label="fit", model=Fit(i))
        await write_model(label="root", model=Fit(100));
        """,
    )
    found = shell.run("%ag find Fit --order loss")
    table = found._describe(artigraph.options.limits).table
    assert "below" not in table.columns
    at, shown = table.columns.index("path"), table.columns.index("loss")
    bare = f"sweep / #{shell.get('bare').node_id}"
    for row in table.rows:
        loss = int(float(row[shown]))
        assert row[at] == {40: bare, 100: ""}.get(loss, f"sweep / r{loss}")
    assert found[3].path == ("sweep", "r3")
    shell.run("await save_query('deep', NodeFilter(label='r1'));")
    (node,) = shell.run("%ag find @deep")
    assert ("path", "sweep") in node._describe(artigraph.options.limits).notes
    assert "sweep/r3" in repr(shell.run("%ag ls sweep/r3"))


def test_of_several_roots_reading_takes_the_newest(shell: Shell) -> None:
    """It says so in a line; what writes, and other nodes of one label, are still refused."""
    shell.run(
        """
        old, new = await write_nodes([new_node(node_label="sweep") for _ in range(2)])
        last = await write_node(new_node(node_label="r1", node_parent_id=new.node_id))
        late = await write_node(new_node(node_label="r1", node_parent_id=old.node_id))
        """
    )
    new, last = shell.get("new").node_id, shell.get("last").node_id
    cell = shell.try_("%ag show sweep")
    assert cell.value.node_id == new
    said = f"Several roots are called 'sweep'; of the newest is node {new}."
    assert cell.out.splitlines()[0] == said
    assert shell.run("%ag show sweep/r1").node_id == last
    assert [one.label for one in shell.run("%ag ls sweep")] == ["r1"]
    for writes in ("log a=1 --to sweep", "rm sweep", "rm sweep/r1", "tag sweep good", "lock sweep"):
        assert "Several nodes are called" in str(shell.fail(f"%ag {writes}").error)
    shell.run("await write_node(new_node(node_label='sweep', node_parent_id=last.node_id));")
    assert "Several nodes are called" in str(shell.fail("%ag show sweep").error)


def test_storage_that_is_not_defined_is_left_out(memory_shell: Shell, tmp_path: Path) -> None:
    """Looking after all storages says which one nobody has defined."""
    memory_shell.ipython.user_ns["folder"] = tmp_path
    memory_shell.run(
        """
        from datetime import timedelta
        from artigraph.serializer.json import json_sorted_serializer
        from artigraph.storage.base import storages
        from artigraph.storage.file import FileSystemStorage

        day = timedelta(days=2)
        for name in ("elsewhere", "here"):
            files = FileSystemStorage(folder / name, name=name)
            _ = await write_artifact(new_artifact(name, 1, json_sorted_serializer, storage=files))
        _ = storages.loaded.pop("elsewhere")
        """
    )
    told = " ".join(memory_shell.try_("%ag gc --older-than $day").out.split())
    assert "The storage 'elsewhere' is not defined here, so it was left out" in told


def test_rm_asks(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what would go; only a yes deletes, and --yes does not ask."""
    shell.run(
        "node = await write_node(new_node(node_label='top'))",
        "inner = await write_node(new_node(node_parent_id=node.node_id))",
    )
    asked = []

    def answer(question: str, says: str = "n") -> str:
        asked.append(question)
        return says

    monkeypatch.setattr("builtins.input", answer)
    assert repr(shell.run("%ag rm --final top")) == "Nothing was done."
    assert "'top' and the 1 below for good?" in asked[0]
    assert len(shell.run("%ag tree")) == 2
    monkeypatch.setattr("builtins.input", lambda question: answer(question, "yes"))
    assert "2 rows" in repr(
        shell.run("def f(): return get_ipython().run_line_magic('ag', 'rm top --final')\nf()")
    )
    assert len(asked) == 2
    shell.run("node = await write_node(new_node(node_label='top'))", "%ag rm top --final --yes")
    assert len(asked) == 2
    assert len(shell.run("%ag tree")) == 0


def test_rm_refuses_what_was_renamed_while_it_asked(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed as a label goes only if it has the label still; an id means one node."""
    shell.run("node = await write_node(new_node(node_label='top'))")

    async def rename(label: str) -> None:
        node = await read_node(NodeFilter())
        node.node_label = label
        await write_node(node)

    def answer(_: str) -> str:
        with ThreadPoolExecutor(1) as others:
            others.submit(asyncio.run, rename("kept")).result()
        return "yes"

    monkeypatch.setattr("builtins.input", answer)
    told = str(shell.fail("%ag rm top --final").error)
    assert "There is no node" in told
    assert "'top' any more: it was deleted or renamed meanwhile. Nothing was deleted." in told
    assert len(shell.run("%ag tree")) == 1
    assert "1 row" in repr(shell.run("%ag rm {node.node_id} --final"))


def test_gc_and_check_look_before_they_act(shell: Shell, tmp_path: Path) -> None:
    """Unless told nothing is removed and no blob is read; both say what does it."""
    # A server's database may know storages of other tests.
    shell.run(
        """
        from sqlalchemy import text
        async with new_session() as session:
            await session.execute(text("DELETE FROM artigraph_storage"))
        """
    )
    for line in ("%ag gc", "%ag check"):
        assert "Nothing to look at" in repr(shell.run(line))
    shell.ipython.user_ns["folder"] = tmp_path / "blobs"
    shell.run(
        """
        from typing import Annotated
        import numpy as np
        from artigraph.storage.file import FileSystemStorage
        files = FileSystemStorage(folder, name="magic-files")

        class Kept(DataModel, version=1):
            weights: Annotated[np.ndarray, files]

        await write_model(label="kept", model=Kept(np.arange(3.0)));
        lost = await files.create(b"nobody names it")
        """
    )
    blobs = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 2
    assert "--yes removes them" in repr(shell.run("%ag gc --older-than 0s"))
    assert len([path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]) == 2
    shell.run("%ag gc magic-files --older-than 0s --yes")
    (left,) = (path for path in (tmp_path / "blobs").rglob("*") if path.is_file())
    left.chmod(0o644)
    left.write_bytes(b"damaged")
    shell.run("light = %ag check", "full = %ag check --verify")
    assert "0" in [row[4] for row in shell.get("light")._facts.table.rows]
    assert [row[4] for row in shell.get("full")._facts.table.rows] == ["1"]
    cell = shell.fail("%ag gc magic-fiels")
    assert "magic-files" in cell.out
    assert "no age" in shell.fail("%ag gc --older-than soon").err


def test_show_gives_row_with_value(shell: Shell) -> None:
    """A model comes with its row, its frames unread; a node is shown as it is."""
    shell.run(
        """
        import pandas as pd

        class Framed(DataModel, version=1):
            frame: pd.DataFrame

        written = await write_model(label="framed", model=Framed(pd.DataFrame({"x": [1]})))
        """
    )
    shown = shell.run("%ag show framed")
    assert type(shown.value.frame).__name__ == "StoredFrame"
    shell.run("%%ag run top\npass")
    assert isinstance(shell.run("%ag show top"), CellRun)


def test_each_line_is_few_statements(shell: Shell) -> None:
    """Looking costs a statement a level, however many nodes there are."""
    shell.run(
        """
        from sqlalchemy import event
        sent = []
        nodes = await write_nodes([new_node(node_label=f"n{i}") for i in range(50)])
        inner = await write_nodes([new_node(node_parent_id=n.node_id) for n in nodes])
        engine = (await get_engine()).sync_engine
        note = lambda conn, cursor, statement, *rest: sent.append(statement)
        event.listen(engine, "before_cursor_execute", note)
        """
    )
    counts = {}
    for line in ("ls", "ls n3", "tree", "status", "show n3"):
        shell.run("sent.clear()", f"_ = %ag {line}")
        counts[line] = len(shell.get("sent"))
    shell.run('event.remove(engine, "before_cursor_execute", note)')
    assert counts == {"ls": 1, "ls n3": 3, "tree": 2, "status": 1, "show n3": 1}


def test_find_reads_all_rows_at_once(shell: Shell) -> None:
    """Finding is one statement, and none at all for a question without sense."""
    shell.run(DEFINE, "await write_models(models={str(i): Fit(i / 10) for i in range(20)});")
    shell.run(
        """
        from sqlalchemy import event
        sent = []
        engine = (await get_engine()).sync_engine
        note = lambda conn, cursor, statement, *rest: sent.append(statement)
        event.listen(engine, "before_cursor_execute", note)
        """,
        "found = %ag find Fit loss<1 --order -loss",
    )
    assert len(shell.get("found")) == 10
    assert len(shell.get("sent")) == 1
    shell.fail("%ag find Fit loss<no")
    assert len(shell.get("sent")) == 1
    shell.run('event.remove(engine, "before_cursor_execute", note)')


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("rm run 0 --final --yes", "Did you mean 'run 0'?"),
        ("ls run 0", "%artigraph ls 'run 0'"),
        ("tree --depth 2 run 0", "%artigraph tree 'run 0'"),
        ("show it's 0", "is never closed"),
        ("export dot run 0", "%artigraph export dot 'run 0'"),
        ("load run 0", "Did you mean 'run 0'?"),
        ("load x --from run 0", "Did you mean 'run 0'?"),
        ("load run --from 1", "Did you mean 'run 0'?"),
        ("find Fit --in run 0", "Did you mean 'run 0'?"),
        ("save fit --to run 0", "Did you mean 'run 0'?"),
        ("log a=1 --to run 0", "Did you mean 'run 0'?"),
        ("status run 0", "'run' is one word too many."),
    ],
)
def test_a_label_with_a_blank_is_told_to_be_quoted(shell: Shell, line: str, hint: str) -> None:
    """A sub-command that takes labels shows how one with a blank is typed; nothing is written."""
    shell.run(
        DEFINE,
        "fit = Fit(0.5)",
        "top = await write_node(new_node(node_id=1, node_label='all'))",
        "run = await write_model(parent_id=1, label='run 0', model=fit)",
    )
    cell = shell.fail(f"%ag {line}")
    assert hint in cell.out + cell.err
    assert len(shell.run("%ag ls 'run 0'")) == 0
    assert len(shell.run("%ag ls")) == 1


def test_find_without_a_hit_says_what_there_is(shell: Shell) -> None:
    """An empty answer is an empty list, that shows what was asked and how many there are."""
    shell.run(DEFINE)
    assert "No Fit is stored in this database." in shell.try_("%ag find Fit").out
    shell.run("await write_models(models={'a': Fit(1.0), 'b': Fit(2.0)})")
    cell = shell.try_("%ag find Fit loss<0.1")
    assert cell.value == []
    assert "Nothing found: Fit with loss < 0.1. 2 models of Fit in all." in cell.out
    shell.run("found = %ag find Fit loss<0.1", "found.append(3)")
    assert "Nothing found" not in shell.try_("found").out
