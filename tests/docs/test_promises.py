"""What the guides promise beyond what their own blocks show."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    DataModel,
    ModelFilter,
    ModelGroup,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    ReadOnlyError,
    check_storage,
    collect_garbage,
    count_models,
    count_nodes,
    create_current,
    create_model,
    delete_nodes,
    engine_context,
    get_engine,
    new_artifact,
    new_node,
    new_session,
    read_artifact,
    read_models,
    read_node,
    read_tree,
    write_artifact,
    write_model,
    write_node,
    write_parent_child_relationships,
)
from artigraph.serializer.json import json_serializer
from artigraph.storage.file import FileSystemStorage
from tests.conftest import own_database
from tests.store.test_redefinition import run_cell

DOCS = Path(__file__).parents[2] / "docs"


def block(page: str, number: int, language: str = "python") -> str:
    """A block of a page."""
    found = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.S)
    return str(found[number])


def names_of(source: str) -> dict[str, Any]:
    """What a block's imports and definitions define; the calls at its end are left out."""
    names: dict[str, Any] = {"__name__": "promises"}
    exec(re.split(r"^(?:await|assert|set_engine|class|with) ", source, flags=re.M)[0], names)
    return names


# ----------------------------------------------- copying to another database


class PromisedFit(DataModel, version=1):
    """A model on the tree that is copied."""

    loss: float


RUN = """
    class PromisedRun(Node):
        __mapper_args__ = {"polymorphic_identity": "promised_run"}
        promised_run_by: Mapped[str]
"""


def copying() -> Any:
    """The function of the page, with what the page imports."""
    page = "how-to/copy-to-another-database.md"
    imports = block(page, 0).split("mine =")[0]
    return names_of(imports + block(page, 1))["copy_tree"]


async def test_a_copy_has_all_that_hangs_on_the_nodes(tmp_path: Path) -> None:
    """Node classes with their columns and times, models and artifacts come along."""
    run: Any = run_cell(RUN)["PromisedRun"]
    then = datetime(2020, 1, 1, tzinfo=UTC)
    with engine_context(f"sqlite+aiosqlite:///{tmp_path}/mine.db", create_tables=True):
        wine = new_node(run, node_label="wine", promised_run_by="ada", node_created_at=then)
        async with ModelGroup(wine) as group:
            group.add_model("fit", PromisedFit(0.1))
            async with create_current(new_node(node_label="inner")) as inner:
                pass
        note = new_artifact("note", [1, 2], json_serializer, parent_id=inner.node_id)
        await write_artifact(note)
        theirs = f"sqlite+aiosqlite:///{tmp_path}/theirs.db"
        await copying()(wine, theirs)
        count = await count_nodes(NodeFilter())
    with engine_context(theirs):
        copy: Any = await read_node(NodeFilter(label="wine"))
        assert (type(copy), copy.promised_run_by, copy.node_created_at) == (run, "ada", then)
        assert await count_nodes(NodeFilter()) == count == 4
        assert (await read_artifact(NodeFilter(label="note"))).value == [1, 2]
        (fit,) = await read_models(NodeRelationshipFilter(child_of=copy))
        assert fit.value == PromisedFit(0.1)


async def test_a_copy_stops_at_a_row_whose_class_is_not_here(tmp_path: Path) -> None:
    """Nothing is written there, and the error says which class to import."""
    run: Any = run_cell(RUN)["PromisedRun"]
    theirs = f"sqlite+aiosqlite:///{tmp_path}/theirs.db"
    with engine_context(f"sqlite+aiosqlite:///{tmp_path}/mine.db", create_tables=True):
        wine = await write_node(new_node(run, node_label="wine", promised_run_by="ada"))
        identity = Node.__mapper__.polymorphic_map.pop("promised_run")
        with pytest.raises(TypeError, match=r"Import the class of 'promised_run' first: node 1\."):
            await copying()(await read_node(NodeFilter(node_id=wine.node_id)), theirs)
        Node.__mapper__.polymorphic_map["promised_run"] = identity
    assert not (tmp_path / "theirs.db").exists()


# ------------------------------------------------------------ resuming a sweep


async def test_two_first_starts_of_a_sweep_at_once(store: str) -> None:
    """Each depth is kept once, the other start is told so, and the next one goes on."""
    source = block("how-to/resume-an-interrupted-sweep.md", 0)
    source = source.replace("set_engine(", "(lambda *a, **k: None)(").split("assert await")[0]
    names = run_cell(source, "promised_sweep")
    await asyncio.gather(*(count_nodes(NodeFilter()) for _ in range(3)))
    starts = await asyncio.gather(
        *(names["sweep"]([1, 2]) for _ in range(2)), return_exceptions=True
    )
    errors = [type(one).__name__ for one in starts if isinstance(one, BaseException)]
    assert errors in ([], ["LabelExistsError"]), starts
    assert await names["sweep"]([1, 2, 3]) in ([3], [2, 3])
    assert await count_models(ModelFilter(model_type=names["Fit"])) == 3
    assert await names["sweep"]([1, 2, 3]) == []


# --------------------------------------------------------- a team on PostgreSQL


@pytest.fixture
def team_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database on PostgreSQL."""
    if "postgresql" not in request.config.getoption("--databases"):
        pytest.skip("it is about PostgreSQL")
    with own_database("postgresql", "artigraph_team") as url:
        yield url


Team = Callable[..., Awaitable[str]]


@pytest.fixture
async def team(team_url: str) -> AsyncIterator[Team]:
    """Runs statements as the owner of tables; the role ``analysts`` has an address of its own."""
    owner = make_url(team_url)
    role = f"analysts_of_{owner.database}"
    engine = create_async_engine(owner, isolation_level="AUTOCOMMIT")

    async def run(*statements: str) -> str:
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement.replace("analysts", role)))
        return owner.set(username=role).render_as_string()

    with engine_context(team_url, create_tables=True):
        await get_engine()
    await run("CREATE ROLE analysts LOGIN")
    yield run
    await run("DROP OWNED BY analysts", "DROP ROLE analysts")
    await engine.dispose()


GRANTS = [
    line for line in block("guides/databases.md", 1, "sql").split("\n") if line.startswith("GRANT")
]


async def test_the_grants_of_the_guide_are_enough(team: Team, tmp_path: Path) -> None:
    """An analyst can do all that writes and reads rows, chosen ids of any size included."""
    files = FileSystemStorage(tmp_path, name="promised-files")
    part = create_model("PromisedPart", values=Annotated[list[int], files])
    with engine_context(await team(*GRANTS)):
        async with new_session():
            root = await write_node(new_node(node_label="root"))
            await write_model(parent_id=root.node_id, label="m", model=part(values=[1]))  # type: ignore[call-arg]  # made at run time
        far = await write_node(new_node(node_id=10**12, node_label="far"))
        assert (await write_node(new_node())).node_id == 10**12 + 1
        await write_parent_child_relationships([(root.node_id, far.node_id)])
        root.node_label = "renamed"
        await write_node(root)
        assert [item.label for item in await read_tree(root)] == ["renamed", "m", "values", "far"]
        assert (await collect_garbage(files)).num_blobs == 0
        assert (await check_storage(files)).ok
        await delete_nodes(NodeFilter(node_id=root.node_id))
        assert await count_nodes(NodeFilter()) == 1


async def test_who_may_not_set_sequences_counts(team: Team) -> None:
    """Chosen ids work without that right, too; one that is far off is told with the grant."""
    grants = [line.replace(", UPDATE ON ALL", " ON ALL") for line in GRANTS]
    assert grants != GRANTS
    with engine_context(await team(*grants)):
        await write_node(new_node(node_id=500))
        await write_node(new_node(node_id=400))
        assert (await write_node(new_node())).node_id == 501
        with pytest.raises(ReadOnlyError, match="GRANT UPDATE ON SEQUENCE artigraph_node_id_seq"):
            await write_node(new_node(node_id=10**9))
        await team("GRANT UPDATE ON SEQUENCE artigraph_node_id_seq TO analysts")
        assert (await write_node(new_node(node_id=10**9))).node_id == 10**9


async def test_rights_to_the_nodes_alone_are_enough_to_write_them(team: Team) -> None:
    """Who was given rights before there were tags goes on writing, with ids of his own, too."""
    grants = [
        "GRANT SELECT, INSERT, UPDATE, DELETE ON artigraph_node, artigraph_storage TO analysts",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO analysts",
    ]
    with engine_context(await team(*grants)):
        await write_node(new_node(node_label="counted"))
        assert (await write_node(new_node(node_id=500))).node_id == 500


async def test_who_may_only_select_reads_all(team: Team, team_url: str) -> None:
    """And a write is refused, with what the server says."""
    with engine_context(team_url):
        node = await write_node(new_node(node_label="root"))
        await write_model(parent_id=node.node_id, label="m", model=PromisedFit(0.1))
    with engine_context(await team("GRANT SELECT ON ALL TABLES IN SCHEMA public TO analysts")):
        assert [item.label for item in await read_tree(node)] == ["root", "m"]
        below = NodeRelationshipFilter(descendant_of=node.node_id)
        assert [m.value for m in await read_models(below)] == [PromisedFit(0.1)]
        with pytest.raises(ReadOnlyError, match="permission denied"):
            await write_node(new_node())


def test_the_task_of_mlflow_takes_no_more_lines() -> None:
    """The page that compares both shows one task twice: ours is not the longer one."""
    page = (Path(__file__).parents[2] / "docs" / "coming-from" / "mlflow.md").read_text(
        encoding="utf-8"
    )
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    theirs = next(one for one in blocks if one.startswith("import mlflow"))
    ours = next(one for one in blocks if "set_engine(" in one)
    lines = [sum(bool(line.strip()) for line in one.splitlines()) for one in (ours, theirs)]
    assert lines[0] <= lines[1]
