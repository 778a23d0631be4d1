"""``%artigraph find run status=failed lr<0.1``: runs and other nodes, in a real shell."""

from __future__ import annotations

from typing import Any

from IPython.lib.pretty import pretty

from tests.notebook.magic.test_magic import complete
from tests.notebook.shell import Shell

DEFINE = """
    from datetime import datetime, timedelta, timezone
    from sqlalchemy.orm import Mapped
    from artigraph import CellRun, TrackedRun

    class FindTrain(Node):
        __mapper_args__ = {"polymorphic_identity": "find_train"}
        find_train_device: Mapped[str]

    for label, status, lr in [("a", "finished", 0.05), ("b", "failed", 0.2), ("c", "running", 0.7)]:
        await write_node(TrackedRun(
            node_label=label, tracked_run_status=status,
            tracked_run_params={"lr": lr, "name": f"n{label}"},
            tracked_run_started_at=datetime(2024, 1, ord(label) - 96, tzinfo=timezone.utc),
            tracked_run_beat_at=datetime(2024, 1, 1, tzinfo=timezone.utc),
        ))
    await write_node(FindTrain(node_label="t", find_train_device="gpu"))
    """


def labels(found: Any) -> str:
    return "".join(node.node_label for node in found)


def test_find_runs(shell: Shell) -> None:
    """By status, by parameters under their own names, by moments, in an order, a few."""
    shell.run(DEFINE)
    for line, found in {
        "run": "abc",
        "run status=failed": "b",
        "run lr<0.1": "a",
        "run params.lr<0.1 status=finished": "a",
        "run status=failed lr<0.1": "",
        "run status!=failed --order -lr": "ca",
        "run --order -started_at --limit 2": "cb",
        "run status=lost": "c",
        "run name~n%": "abc",
        "run started_at>2024-01-01T12:00": "bc",
        "run momentum=null": "abc",
        "TrackedRun name=na": "a",
        "artigraph_run name=na": "a",
        "cell_run": "",
        "FindTrain device=gpu": "t",
        "find_train device=cpu": "",
        "$FindTrain": "t",
    }.items():
        assert labels(shell.run(f"%ag find {line}")) == found, line


def test_find_says_what_there_is(shell: Shell) -> None:
    """Nothing found, nothing stored, a name that is misspelt, a value that is none."""
    assert "No run is stored" in pretty(shell.run("%ag find run"))
    shell.run(DEFINE)
    said = pretty(shell.run("%ag find run status=done"))
    assert "Nothing found" in said
    assert "3 nodes of run in all" in said
    assert "or status?" in pretty(shell.run("%ag find run statsu=done"))
    assert "Did you mean 'device'" in shell.fail("%ag find FindTrain devise=gpu").out
    assert "Type 2024-01-31" in shell.fail("%ag find run started_at>soon").err


def test_find_saves_and_narrows_a_question_about_runs(shell: Shell) -> None:
    """It is asked again by its name, narrowed as any other."""
    shell.run(DEFINE)
    assert labels(shell.run("%ag find run lr<0.5 --order -lr --save good")) == "ba"
    assert labels(shell.run("%ag find @good")) == "ba"
    assert labels(shell.run("%ag find @good status=finished")) == "a"


METRICS = """
    for label, accuracy, lr in [("a", 0.9, 0.1), ("b", 0.5, 0.2), ("c", None, 0.95)]:
        async with start_run(label, lr=lr) as run:
            if accuracy is not None:
                run.log(0, accuracy=accuracy)
                run.log(1, **{"val/loss": 1 - accuracy, "lr": 5.0, "bad": float("nan")})
    """


def test_find_runs_by_metrics(shell: Shell) -> None:
    """A bare name is a parameter or a metric; an order by it is by what the runs have."""
    shell.run(METRICS)
    for line, found in {
        "run accuracy>0.8": "a",
        "run lr<0.15 accuracy>0.8": "a",
        "run lr>0.9": "abc",  # the parameter of one, the metric of the others
        "run accuracy=null": "c",
        "run accuracy!=null": "ab",
        "run accuracy.points=1 --order -accuracy": "ab",
        "run metrics.lr>1": "ab",
        "run params.lr>1": "",
        "run val/loss<0.2": "a",
        "run accuracy=high": "",
        "run --order -accuracy": "abc",
        "run --order accuracy": "bac",
        "run --order -lr": "cba",  # the parameter, which they have
        "run --order metrics.accuracy.max": "bac",
        "run accuracy>0.1 --order val/loss --save good": "ab",
        "@good accuracy<0.6": "b",
        "@good --order accuracy": "ba",
    }.items():
        assert labels(shell.run(f"%ag find {line}")) == found, line


def test_find_says_that_no_run_has_a_name(shell: Shell) -> None:
    """With the nearest one; an order by it is an error, and none where there is no run."""
    assert "No run is stored" in pretty(shell.run("%ag find run --order -acuracy"))
    shell.run(METRICS)

    def told(line: str) -> str:
        return " ".join(pretty(shell.run(f"%ag find {line}")).split())

    nobody = "No run has a parameter or a metric acuracy. Did you mean accuracy?"
    assert nobody in told("run acuracy>0.8")
    assert nobody in told("run metrics.acuracy>0.8")
    assert "No run has a parameter or a metric zzz." in told("run lr<1 zzz>0.8")
    assert "No run has" not in told("run accuracy>0.99")
    assert "No run has" not in told("run bad<1")
    assert labels(shell.run("%ag find run --order bad")) == "abc"
    assert "lr = 7 or metrics.lr = 7" in told("run lr=7")
    assert nobody in str(shell.fail("%ag find run --order -acuracy").error)
    assert nobody in str(shell.fail("%ag find run --order metrics.acuracy").error)


def test_tab_offers_node_classes_and_their_columns(memory_shell: Shell) -> None:
    """What find takes is completed, without a query."""
    memory_shell.run("from artigraph import CellRun")
    assert "%ag find run" in complete(memory_shell, "%ag find ru")
    assert "%ag find run status" in complete(memory_shell, "%ag find run stat")
    assert "%ag find cell_run params" in complete(memory_shell, "%ag find cell_run par")
