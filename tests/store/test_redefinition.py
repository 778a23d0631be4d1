"""Classes are defined again, changed, and met in databases older than they are."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import inspect, text

from artigraph import (
    DataModel,
    ModelDefinitionError,
    ModelFilter,
    ModelTypeFilter,
    ModelVersionError,
    Node,
    NodeFilter,
    NodeTypeError,
    NodeTypeFilter,
    SchemaError,
    UnknownModel,
    allow_model_type_overwrites,
    create_model,
    get_engine,
    new_node,
    nodes_exist,
    read_first_model,
    read_model,
    read_models,
    read_node,
    read_nodes,
    set_engine,
    write_model,
    write_models,
    write_node,
    write_nodes,
)


def run_cell(source: str, module: str = "redefinition_cell") -> dict[str, Any]:
    """Define things as a cell or a file of their own does; return its names."""
    names = sys.modules.setdefault(module, ModuleType(module)).__dict__
    exec(
        compile(
            "from datetime import datetime\n"
            "from typing import Any\n"
            "from sqlalchemy import JSON, String\n"
            "from sqlalchemy.orm import Mapped, mapped_column\n"
            "from artigraph import *\n" + textwrap.dedent(source),
            f"<{module}>",
            "exec",
            dont_inherit=True,
        ),
        names,
    )
    return dict(names)


# ------------------------------------------------------ node classes, run again


RUN = """
    class Run(Node):
        __mapper_args__ = {"polymorphic_identity": "redef_run"}
        redef_note: Mapped[str | None] = None
"""


async def test_a_node_class_may_be_defined_twice(store: str) -> None:
    """The same cell again: no warning, no error, and rows of both are the newer class."""
    first = run_cell(RUN)["Run"]
    old = await write_node(first(redef_note="one"))
    second = run_cell(RUN)["Run"]
    assert second is not first
    await write_node(second(redef_note="two"))
    rows = await read_nodes(NodeFilter(node_type=second))
    assert [type(row) for row in rows] == [second, second]
    assert [row.redef_note for row in rows] == ["one", "two"]  # type: ignore[attr-defined]  # as defined
    assert rows[0].node_id == old.node_id


async def test_the_older_class_still_asks_for_the_same_rows(store: str) -> None:
    """A filter with a variable of before the re-run finds the rows of both."""
    first = run_cell(RUN)["Run"]
    second = run_cell(RUN)["Run"]
    await write_node(second())
    assert await nodes_exist(NodeFilter(node_type=first))
    assert await nodes_exist(NodeTypeFilter(type=first))


async def test_an_instance_of_the_older_class_is_still_written(store: str) -> None:
    """What was made before the cell ran again is written, and read as the newer class."""
    unwritten = run_cell(RUN)["Run"](redef_note="made before")
    second = run_cell(RUN)["Run"]
    written = await write_node(unwritten)
    written.redef_note = "changed after"
    await write_node(written)
    read: Any = await read_node(NodeFilter(node_id=written.node_id))
    assert type(read) is second
    assert read.redef_note == "changed after"


async def test_a_changed_cell_adds_a_column(store: str) -> None:
    """The database takes the new column at the next use; older rows have nothing in it."""
    column = f"redef_{uuid4().hex[:8]}"
    old = await write_node(run_cell(RUN)["Run"](redef_note="old"))
    second = run_cell(
        f"""
        class Run(Node):
            __mapper_args__ = {{"polymorphic_identity": "redef_run"}}
            redef_note: Mapped[str | None] = None
            {column}: Mapped[int] = 7
        """
    )["Run"]
    new = await write_node(second(redef_note="new"))
    rows = await read_nodes(NodeFilter(node_id=[old.node_id, new.node_id]))
    assert [getattr(row, column) for row in rows] == [None, 7]
    assert [row.redef_note for row in rows] == ["old", "new"]  # type: ignore[attr-defined]  # as defined


async def test_a_changed_cell_drops_a_column(store: str) -> None:
    """The class no longer has it; the database keeps it, and what it held."""
    old = await write_node(run_cell(RUN)["Run"](redef_note="kept"))
    second = run_cell(
        """
        class Run(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_run"}
        """
    )["Run"]
    with pytest.raises(TypeError, match="Run has no column 'redef_note'"):
        second(redef_note="x")
    await write_node(second())
    assert len(await read_nodes(NodeFilter(node_type=second))) == 2
    async with (await get_engine()).connect() as connection:
        kept = await connection.execute(
            text("SELECT redef_note FROM artigraph_node WHERE node_id = :id"), {"id": old.node_id}
        )
        assert kept.scalar_one() == "kept"


def test_a_changed_cell_changes_a_type() -> None:
    """The newer annotation counts, since nothing else claims the column."""
    for annotation, python_type in (("int", int), ("str | None", str), ("float", float)):
        cls = run_cell(
            f"""
            class Retyped(Node):
                __mapper_args__ = {{"polymorphic_identity": "redef_retyped"}}
                redef_retyped: Mapped[{annotation}] = None
            """
        )["Retyped"]
        assert cls.__table__.c.redef_retyped.type.python_type is python_type
        assert cls.__table__.c.redef_retyped.nullable


def test_a_changed_default_counts() -> None:
    """The default of the newer definition is that of new instances."""
    for default in (1, 2, None):
        cls = run_cell(
            f"""
            class Defaulted(Node):
                __mapper_args__ = {{"polymorphic_identity": "redef_defaulted"}}
                redef_defaulted: Mapped[int | None] = {default}
            """
        )["Defaulted"]
        assert cls().redef_defaulted == default


def test_a_cell_that_fails_leaves_the_older_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition that is refused takes nothing away."""
    first = run_cell(RUN)["Run"]
    with pytest.raises(NodeTypeError, match="node_label"):
        run_cell(
            """
            class Run(Node):
                __mapper_args__ = {"polymorphic_identity": "redef_run"}
                node_label: Mapped[int]
            """
        )
    assert Node.__mapper__.polymorphic_map["redef_run"].class_ is first
    assert first(redef_note="x").redef_note == "x"


async def test_subclasses_of_a_class_that_ran_again(store: str) -> None:
    """Rows of a subclass are found through the newer base, and through the older one."""
    names = run_cell(
        """
        class Base(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_base"}

        class Derived(Base):
            __mapper_args__ = {"polymorphic_identity": "redef_derived"}
            redef_derived_note: Mapped[str | None] = None
        """
    )
    derived = await write_node(names["Derived"](redef_derived_note="x"))
    again = run_cell(
        """
        class Base(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_base"}
        """
    )
    await write_node(again["Base"]())
    for base in (names["Base"], again["Base"]):
        assert len(await read_nodes(NodeFilter(node_type=base))) == 2
        assert len(await read_nodes(NodeTypeFilter(type=base, subclasses=False))) == 1
        assert len(await read_nodes(NodeTypeFilter(type=Node, not_type=base))) == 0
    read: Any = await read_node(NodeFilter(node_id=derived.node_id))
    assert type(read) is names["Derived"]
    assert read.redef_derived_note == "x"


# ------------------------------------------------- node classes of two modules


def test_two_modules_may_not_claim_one_identity() -> None:
    """The error names the identity, both classes, and what the second has to change."""
    run_cell(RUN, "redef_module_a")
    with pytest.raises(
        NodeTypeError,
        match=r"The node type 'redef_run' belongs to redef_module_a\.Run, so redef_module_b\.Run "
        r"needs another polymorphic_identity\.",
    ):
        run_cell(RUN, "redef_module_b")
    assert issubclass(NodeTypeError, TypeError)


def test_nobody_may_claim_a_built_in_identity() -> None:
    """The types that artigraph writes itself are not for a user's class."""
    with pytest.raises(NodeTypeError, match="'model_artifact' belongs to artigraph"):
        run_cell(
            """
            class Mine(Node):
                __mapper_args__ = {"polymorphic_identity": "model_artifact"}
            """
        )
    with pytest.raises(NodeTypeError, match="'node' belongs to artigraph"):
        run_cell(
            """
            class Mine(Node):
                __mapper_args__ = {"polymorphic_identity": "node"}
            """
        )


def test_two_classes_may_share_a_column_of_one_type() -> None:
    """The same name with the same type is one column of the table."""
    names = run_cell(
        """
        class One(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_one"}
            redef_shared: Mapped[str | None] = None

        class Two(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_two"}
            redef_shared: Mapped[str | None] = "two"
        """
    )
    assert names["One"]().redef_shared is None
    assert names["Two"]().redef_shared == "two"


def test_two_classes_may_not_share_a_column_of_two_types() -> None:
    """The error names both classes and the prefix to use; the first keeps its type."""
    first = run_cell(
        """
        class Owner(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_owner"}
            redef_owned: Mapped[str | None] = None
        """
    )["Owner"]
    with pytest.raises(
        NodeTypeError,
        match=r"redef_other\.Thief declares the column 'redef_owned' as .*, but "
        r"redefinition_cell\.Owner has it as .*Prefix it, as in thief_redef_owned\.",
    ):
        run_cell(
            """
            class Thief(Node):
                __mapper_args__ = {"polymorphic_identity": "redef_thief"}
                redef_owned: Mapped[int]
            """,
            "redef_other",
        )
    assert first.__table__.c.redef_owned.type.python_type is str
    assert "redef_thief" not in Node.__mapper__.polymorphic_map


def test_a_class_without_an_identity_is_told_the_line() -> None:
    """Left out, empty or merely inherited: the error shows what to add."""
    for body in (
        "pass",
        "__mapper_args__ = {}",
        "__mapper_args__ = {'polymorphic_identity': ''}",
    ):
        with pytest.raises(
            NodeTypeError,
            match=r'Nameless does not say .*__mapper_args__ = \{"polymorphic_identity": "nameless"',
        ):
            run_cell(f"class Nameless(Node):\n    {body}")


# ---------------------------------------------------------- columns and defaults


async def test_columns_of_subclasses_are_nullable(store: str) -> None:
    """However they are declared: rows of other classes have no value for them."""
    run_cell(
        """
        class Strict(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_strict"}
            redef_strict_plain: Mapped[int]
            redef_strict_default: Mapped[int] = 3
            redef_strict_column: Mapped[str] = mapped_column(String(20))
            redef_strict_stated: Mapped[str] = mapped_column(String(20), nullable=False)
        """
    )
    await write_node(new_node())
    async with (await get_engine()).connect() as connection:
        columns = await connection.run_sync(lambda c: inspect(c).get_columns("artigraph_node"))
    nullable = {c["name"]: c["nullable"] for c in columns if c["name"].startswith("redef_strict")}
    assert nullable == dict.fromkeys(nullable, True)
    assert len(nullable) == 4


async def test_plain_defaults_work(store: str) -> None:
    """A value after ``=`` is what a new instance has, in memory and in the row."""
    cls = run_cell(
        """
        class Plain(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_plain"}
            redef_plain_text: Mapped[str] = "x"
            redef_plain_number: Mapped[int] = 0
            redef_plain_flag: Mapped[bool] = False
            redef_plain_none: Mapped[datetime | None] = None
            redef_plain_column: Mapped[int] = mapped_column(default=5)
            redef_plain_factory: Mapped[datetime] = mapped_column(
                default=lambda: datetime(2024, 1, 2).astimezone()
            )
            redef_plain_required: Mapped[int]
        """
    )["Plain"]
    new = cls()
    assert (new.redef_plain_text, new.redef_plain_number, new.redef_plain_flag) == ("x", 0, False)
    assert new.redef_plain_none is None
    written = await write_node(cls(redef_plain_number=4))
    read: Any = await read_node(NodeFilter(node_id=written.node_id))
    for node in (written, read):
        assert (node.redef_plain_text, node.redef_plain_number) == ("x", 4)
        assert node.redef_plain_flag is False
        assert node.redef_plain_none is None
        assert node.redef_plain_column == 5
        assert node.redef_plain_factory == datetime(2024, 1, 2).astimezone(UTC)
        assert node.redef_plain_required is None


async def test_mutable_defaults_are_not_shared(store: str) -> None:
    """Each instance has a list or dict of its own."""
    cls = run_cell(
        """
        class Mutable(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_mutable"}
            redef_mutable_dict: Mapped[dict[str, Any]] = {}
            redef_mutable_list: Mapped[list[int]] = mapped_column(JSON, default=list)
            redef_mutable_deep: Mapped[dict[str, Any]] = {"inner": []}
        """
    )["Mutable"]
    one, two = cls(), cls()
    one.redef_mutable_dict["a"] = 1
    one.redef_mutable_deep["inner"].append(1)
    assert two.redef_mutable_dict == {}
    assert two.redef_mutable_deep == {"inner": []}
    assert cls().redef_mutable_deep == {"inner": []}
    await write_nodes([one, two])
    rows: list[Any] = list(await read_nodes(NodeFilter(node_type=cls)))
    assert [row.redef_mutable_dict for row in rows] == [{"a": 1}, {}]
    assert [row.redef_mutable_list for row in rows] == [[], []]


async def test_a_subclass_inherits_columns_and_defaults(store: str) -> None:
    """Two levels down, the columns and defaults of both are there."""
    names = run_cell(
        """
        class Top(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_top"}
            redef_top: Mapped[int] = 1

        class Below(Top):
            __mapper_args__ = {"polymorphic_identity": "redef_below"}
            redef_below: Mapped[int] = 2
        """
    )
    written = await write_node(names["Below"]())
    read: Any = await read_node(NodeFilter(node_id=written.node_id))
    assert type(read) is names["Below"]
    assert (read.redef_top, read.redef_below) == (1, 2)
    with pytest.raises(TypeError, match="Top has no column 'redef_below'"):
        names["Top"](redef_below=1)


# ------------------------------------------------------------- older databases


def define_with_new_column(identity: str) -> tuple[type[Any], str]:
    """A class whose column no database has seen."""
    column = f"{identity}_{uuid4().hex[:8]}"
    cls = run_cell(
        f"""
        class Late(Node):
            __mapper_args__ = {{"polymorphic_identity": "{identity}"}}
            {column}: Mapped[str | None] = None
        """,
        f"redef_{identity}",
    )["Late"]
    return cls, column


async def test_an_older_database_gains_the_columns(store: str, database_url: str) -> None:
    """create_tables adds what is missing at the next use, and keeps every row."""
    old = await write_node(new_node(node_label="old"))
    cls, column = define_with_new_column("redef_late")
    reset = set_engine(database_url, create_tables=True)
    try:
        written = await write_node(cls(**{column: "new"}))
        assert getattr(await read_node(NodeFilter(node_id=written.node_id)), column) == "new"
        assert (await read_node(NodeFilter(node_id=old.node_id))).node_label == "old"
    finally:
        reset()


async def test_without_create_tables_the_missing_columns_are_named(
    store: str, database_url: str
) -> None:
    """The error names table, columns and the call that makes them; nothing was changed."""
    await write_node(new_node(node_label="old"))
    cls, column = define_with_new_column("redef_missing")
    reset = set_engine(database_url)
    try:
        with pytest.raises(
            SchemaError,
            match=rf"The table 'artigraph_node' of .* has no columns .*{column}.*, which classes "
            r"defined here need\. set_engine\('.*', create_tables=True\) makes them\.",
        ):
            await write_node(cls(**{column: "new"}))
    finally:
        reset()
    # The store of the fixture may make them.
    await write_node(cls(**{column: "new"}))
    assert len(await read_nodes(NodeFilter())) == 2


async def test_a_class_defined_between_two_uses(store: str) -> None:
    """The engine that is already in use looks again, in the same task."""
    await write_node(new_node())
    cls, column = define_with_new_column("redef_between")
    await write_node(cls(**{column: "a"}))
    other, other_column = define_with_new_column("redef_between_two")
    await write_node(other(**{other_column: "b"}))
    rows = await read_nodes(NodeFilter())
    assert [type(row) for row in rows] == [Node, cls, other]


async def test_rows_of_unknown_classes_are_listed_as_nodes(store: str) -> None:
    """A process that never ran the cell lists them, asks for them by name, and keeps their type."""
    written = await write_node(new_node(node_label="theirs"))
    async with (await get_engine()).begin() as connection:
        await connection.execute(text("UPDATE artigraph_node SET node_type = 'unheard_of'"))
    (row,) = await read_nodes(NodeFilter())
    assert type(row) is Node
    assert row.node_type == "unheard_of"
    assert await nodes_exist(NodeTypeFilter(type="unheard_of"))
    assert await nodes_exist(NodeFilter(node_type=Node))
    row.node_label = "renamed"
    await write_node(row)
    again = await read_node(NodeFilter(node_id=written.node_id))
    assert (again.node_type, again.node_label) == ("unheard_of", "renamed")


async def test_a_class_defined_after_its_rows_were_listed(store: str) -> None:
    """The same rows are of the class as soon as its cell has run."""
    await write_node(new_node())
    async with (await get_engine()).begin() as connection:
        await connection.execute(text("UPDATE artigraph_node SET node_type = 'redef_afterwards'"))
    assert [type(row) for row in await read_nodes(NodeFilter())] == [Node]
    cls = run_cell(
        """
        class Afterwards(Node):
            __mapper_args__ = {"polymorphic_identity": "redef_afterwards"}
            redef_afterwards: Mapped[int] = 1
        """
    )["Afterwards"]
    assert [type(row) for row in await read_nodes(NodeFilter(node_type=cls))] == [cls]


# ----------------------------------------------------------------------- models


def test_a_second_model_of_a_name_is_an_error() -> None:
    """Outside of IPython the error names both homes and all three ways out."""
    create_model("RedefTwice", x=int)
    with pytest.raises(
        ModelDefinitionError,
        match=r"The model name 'RedefTwice' belongs to .*RedefTwice, so .*RedefTwice needs "
        r"another: rename the class, or give it one with class RedefTwice\(…, name='…'\)\. "
        r"To replace it on purpose, define it inside: with allow_model_type_overwrites\(\):",
    ):
        create_model("RedefTwice", y=int)


async def test_a_refused_model_leaves_the_first(store: str) -> None:
    """The name still means the first class, and filters do not see the refused one."""
    first = create_model("RedefRefused", x=int)
    with pytest.raises(ModelDefinitionError):
        create_model("RedefRefused", y=int)
    await write_model(label="m", model=first(x=1))  # type: ignore[call-arg]  # made at run time
    assert type((await read_model(ModelFilter(model_type=first))).value) is first


def test_two_modules_of_one_model_name() -> None:
    """The error tells the two modules apart."""
    source = "class RedefModules(DataModel, version=1):\n    x: int"
    run_cell(source, "redef_models_a")
    with pytest.raises(
        ModelDefinitionError,
        match=r"belongs to redef_models_a\.RedefModules, so redef_models_b\.RedefModules needs",
    ):
        run_cell(source, "redef_models_b")


async def test_a_model_may_be_replaced_on_purpose(store: str) -> None:
    """Inside allow_model_type_overwrites() the newer class reads the older rows."""
    first = create_model("RedefReplaced", x=int)
    await write_model(label="m", model=first(x=1))  # type: ignore[call-arg]  # made at run time
    with allow_model_type_overwrites():
        second = create_model("RedefReplaced", x=int, y=(int, 5))
    read = await read_model(ModelFilter(label="m"))
    assert type(read.value) is second
    assert read.value == second(x=1, y=5)
    with pytest.raises(ModelDefinitionError):
        create_model("RedefReplaced", x=int)  # the permission has ended with its block


def test_the_permission_ends_with_an_error() -> None:
    """allow_model_type_overwrites() is over even if its block raises."""
    create_model("RedefPermission", x=int)
    with pytest.raises(ValueError, match="on purpose"), allow_model_type_overwrites():
        raise ValueError("on purpose")
    with pytest.raises(ModelDefinitionError):
        create_model("RedefPermission", x=int)


async def test_a_name_of_its_own(store: str) -> None:
    """``name=`` lets two classes of one Python name live side by side."""
    first = run_cell("class Fit(DataModel, version=1, name='RedefFitA'):\n    x: int")["Fit"]
    second = run_cell("class Fit(DataModel, version=1, name='RedefFitB'):\n    x: int")["Fit"]
    assert (first.model_name, second.model_name) == ("RedefFitA", "RedefFitB")
    await write_model(label="a", model=first(1))
    await write_model(label="b", model=second(1))
    for cls, label in ((first, "a"), (second, "b")):
        read = await read_model(ModelFilter(model_type=cls))
        assert type(read.value) is cls
        assert read.artifact.node_label == label
        assert read.artifact.model_artifact_type == cls.model_name
    assert first(1) != second(1)


async def test_a_name_survives_renaming_the_class(store: str) -> None:
    """A class with the old name reads the rows of the class it once was."""
    old = create_model("RedefOldName", x=int)
    await write_model(label="m", model=old(x=1))  # type: ignore[call-arg]  # made at run time
    with allow_model_type_overwrites():
        renamed = run_cell("class Renamed(DataModel, version=1, name='RedefOldName'):\n    x: int")
    assert (await read_model(ModelFilter(label="m"))).value == renamed["Renamed"](1)


def test_a_subclass_does_not_inherit_the_name() -> None:
    """``name=`` is the class's own; its subclass is called by its own name."""
    names = run_cell(
        """
        class RedefNamed(DataModel, version=1, name="redef-named"):
            x: int

        class RedefNamedChild(RedefNamed, version=1):
            y: int = 0
        """
    )
    assert names["RedefNamed"].model_name == "redef-named"
    assert names["RedefNamedChild"].model_name == "RedefNamedChild"


async def test_subclass_filters_after_the_base_ran_again(store: str) -> None:
    """Models of a subclass are found through either definition of its base."""
    source = """
        class RedefBase(DataModel, version=1):
            x: int
    """
    names = run_cell(
        source
        + """
        class RedefDerived(RedefBase, version=1):
            y: int = 0
        """
    )
    await write_model(label="derived", model=names["RedefDerived"](1))
    with allow_model_type_overwrites():
        again = run_cell(source)
    await write_model(label="base", model=again["RedefBase"](2))
    for base in (names["RedefBase"], again["RedefBase"]):
        found = await read_models(ModelFilter(model_type=base))
        assert [m.artifact.node_label for m in found] == ["derived", "base"]
        only = ModelTypeFilter(type=base, subclasses=False)
        assert [m.artifact.node_label for m in await read_models(ModelFilter(model_type=only))] == [
            "base"
        ]


async def test_subclass_filters_after_the_subclass_ran_again(store: str) -> None:
    """The base finds the rows of the subclass once, whichever definition wrote them."""
    base = create_model("RedefKeptBase", x=int)
    for number in range(2):
        with allow_model_type_overwrites():
            derived = create_model("RedefAgain", base=base, y=(int, number))
        await write_model(label=f"m{number}", model=derived(x=number))  # type: ignore[call-arg]  # as above
    found = await read_models(ModelFilter(model_type=base))
    assert [m.artifact.node_label for m in found] == ["m0", "m1"]
    assert {type(m.value) for m in found} == {derived}


async def test_a_base_finds_rows_of_subclasses_that_are_not_defined(
    store: str, database_url: str
) -> None:
    """The same question has the same answer in a kernel without a subclass."""
    names = run_cell(
        """
        class RedefAbstract(DataModel):
            x: float

        class RedefMissed(RedefAbstract, version=1):
            pass

        class RedefTuned(RedefMissed, version=1):
            when: datetime | None = None
        """
    )
    base, tuned = names["RedefMissed"], names["RedefTuned"]
    now = datetime.now(UTC)
    await write_models(models={"a": base(0.3), "b": tuned(0.1, now)})
    async with (await get_engine()).begin() as connection:
        await connection.execute(text(RENAMED))
    reset = set_engine(database_url)
    try:
        await get_engine()
        assert len(await read_models(ModelFilter(model_type=base))) == 2
        assert await read_models(ModelFilter(model_type=create_model("RedefUnrelated"))) == []
        both = ModelFilter(model_type=[base, "RedefGone"])
        assert len(await read_models(both)) == 2
        only = ModelTypeFilter(type=base, subclasses=False)
        assert len(await read_models(ModelFilter(model_type=only))) == 1
        for asked in (base, names["RedefAbstract"], base):
            assert len(await read_models(ModelFilter(model_type=asked))) == 2
        best = await read_first_model(ModelFilter(model_type=base), order_by="x")
        assert best is not None
        assert type(best.value) is UnknownModel
        assert (best.value.x, best.value.when) == (0.1, now)
        assert not hasattr(best.value, "y")
        assert copy.copy(best.value) == pickle.loads(pickle.dumps(best.value)) == best.value
    finally:
        reset()


RENAMED = (
    "UPDATE artigraph_node SET model_artifact_type = 'RedefGone' "
    "WHERE model_artifact_type = 'RedefTuned'"
)


async def test_a_changed_version_without_migration(store: str) -> None:
    """A replaced class of another version says what to write, for the old rows only."""
    with allow_model_type_overwrites():
        for version in (1, 2):
            cls = create_model("RedefVersion", version=version, x=int)
            await write_model(label=f"v{version}", model=cls(x=version))  # type: ignore[call-arg]  # as above
    assert (await read_model(ModelFilter(label="v2"))).value == cls(x=2)  # type: ignore[call-arg]  # as above
    only_new = ModelFilter(model_type=ModelTypeFilter(type=cls, version=2))
    assert len(await read_models(only_new)) == 1
    with pytest.raises(ModelVersionError, match="at version 1, and its class is at version 2"):
        await read_models(ModelFilter(model_type=cls), strict=True)


def test_an_abstract_base_takes_no_name() -> None:
    """A class without a version is only there to be derived from, and may be defined often."""
    for _ in range(2):
        names = run_cell("class RedefAbstract(DataModel):\n    x: int")
        assert names["RedefAbstract"].model_version is None


def test_in_ipython_a_cell_may_run_again(tmp_path: Path) -> None:
    """In a real shell node and model classes are replaced without a word."""
    code = """
        import warnings
        from IPython.core.interactiveshell import InteractiveShell

        warnings.simplefilter("error")
        shell = InteractiveShell.instance()

        def run(cell):
            result = shell.run_cell(cell)
            result.raise_error()

        run("%load_ext artigraph")
        run('''
        from artigraph import *
        from sqlalchemy.orm import Mapped
        set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
        ''')
        first, changed = ("x: int", ""), ("x: int; y: int = 3", "run_y: Mapped[int] = 3")
        for fields, column in (first, first, changed):
            run(f'''
        class Fit(DataModel, version=1):
            {fields}

        class Run(Node):
            __mapper_args__ = {{"polymorphic_identity": "run"}}
            run_x: Mapped[int] = 1
            {column}
        ''')
            run('''
        run_node = await write_node(Run())
        await write_model(parent_id=run_node.node_id, label="fit", model=Fit(x=1))
        ''')
        run('''
        models = await read_models(ModelFilter(model_type=Fit))
        assert [m.value for m in models] == [Fit(x=1, y=3)] * 3, models
        rows = await read_nodes(NodeFilter(node_type=Run))
        assert [row.run_y for row in rows] == [None, None, 3], rows
        print("all well")
        ''')
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "all well" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_model_class_knows_its_name_and_version() -> None:
    """What identifies a row can be read off the class."""

    class RedefIdentity(DataModel, version=4):
        x: int

    assert RedefIdentity.model_name == "RedefIdentity"
    assert RedefIdentity.model_version == 4
