"""Runs by their metrics: conditions, orders and the search box, with one answer everywhere."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from artigraph import (
    Filter,
    FilterError,
    Node,
    NodeFilter,
    Order,
    TrackedRun,
    ValueFilter,
    count_nodes,
    create_field_index,
    delete_nodes,
    is_in,
    is_null,
    iter_nodes,
    open_series,
    read_frame,
    read_nodes,
    write_nodes,
)
from artigraph.outline.page import browse_search
from artigraph.outline.search import search_clause, words_in
from tests.conftest import Statements

RUNS = NodeFilter(node_type=TrackedRun)
CURVES: dict[str, dict[str, list[float]]] = {
    "a": {"accuracy": [0.1, 0.9], "loss": [3.0, 1.0]},
    "b": {"accuracy": [0.95, 0.5], "val/loss": [2.0]},
    "c": {"loss": [1.0, float("nan")], "val.loss": [0.25]},
    "d": {},
    "e": {"accuracy": [-1.0, 0.0, 1.0]},
}


@pytest.fixture
async def runs(store: str) -> str:
    """Runs with these curves, a parameter that is called as a metric, and a node with a curve."""
    written = await write_nodes(
        [
            *(
                TrackedRun(
                    node_label=label,
                    tracked_run_status="failed" if label == "b" else "finished",
                    tracked_run_params={"lr": 0.1} | ({"accuracy": 0.85} if label == "d" else {}),
                )
                for label in CURVES
            ),
            Node(node_label="n"),
        ]
    )
    for node, curves in zip(written, [*CURVES.values(), {"accuracy": [0.99]}], strict=True):
        async with open_series(node) as series:
            for name, values in curves.items():
                for step, value in enumerate(values):
                    series.add(step, **{name: value})
    return store


async def labels(filter: Filter, **options: Any) -> str:
    return "".join(str(node.node_label) for node in await read_nodes(filter, **options))


async def test_runs_are_found_by_what_is_told_of_their_metrics(runs: str) -> None:
    """The last value, the smallest, the largest and how many points; missing is missing."""
    asked: list[tuple[Callable[[Any], object], str]] = [
        (lambda r: r.metrics["accuracy"] > 0.8, "ae"),
        (lambda r: r.metrics.accuracy.last > 0.8, "ae"),
        (lambda r: (r.metrics.accuracy > 0.8) & (r.params["lr"] < 0.2), "ae"),
        (lambda r: (r.metrics.accuracy > 0.8) | (r.status == "failed"), "abe"),
        (lambda r: ~(r.metrics["accuracy"] > 0.8), "bcd"),
        (lambda r: r.metrics.accuracy == 1, "e"),
        (lambda r: r.metrics.accuracy != 1, "ab"),
        (lambda r: r.metrics.accuracy != float("nan"), "abe"),
        (lambda r: r.metrics.accuracy == float("nan"), ""),
        (lambda r: r.metrics.accuracy < float("inf"), "abe"),
        (lambda r: is_in(r.metrics.accuracy, [0.5, 0.9]), "ab"),
        (lambda r: is_in(r.metrics.accuracy, [0.5, None]), "bcd"),
        (lambda r: is_in(r.metrics.accuracy, [1, 0.5]), "be"),
        (lambda r: is_in(r.metrics.accuracy, [2**60, 0.5]), "b"),
        (lambda r: r.metrics.accuracy < 2**60, "abe"),
        (lambda r: is_null(r.metrics.accuracy), "cd"),
        (lambda r: ~is_null(r.metrics.accuracy), "abe"),
        (lambda r: r.metrics["accuracy"].min < 0, "e"),
        (lambda r: r.metrics["accuracy"]["max"] >= 0.95, "be"),
        (lambda r: r.metrics.accuracy.points == 2, "ab"),
        (lambda r: r.metrics.accuracy.points > 2.5, "e"),
        (lambda r: is_null(r.metrics.loss), "bcde"),  # the last one of c is NaN
        (lambda r: r.metrics.loss.points >= 1, "ac"),
        (lambda r: r.metrics["val/loss"] == 2, "b"),
        (lambda r: r.metrics["val.loss"] == 0.25, "c"),
        (lambda r: is_null(r.metrics), "d"),
        (lambda r: r.metrics.nobody < 1, ""),
        (lambda r: ~(r.metrics.nobody < 1), "abcde"),
    ]
    for at, (make, found) in enumerate(asked):
        assert await labels(TrackedRun.where(make)) == found, at
    assert await labels(TrackedRun.where({"metrics.accuracy": ValueFilter(not_in=[0.5])})) == "ae"
    assert await labels(TrackedRun.where({("metrics", "val.loss"): 0.25})) == "c"


async def test_without_a_class_whatever_has_the_metric_is_found(
    runs: str, statements: Statements
) -> None:
    """By the index of curves, in one statement; deleting takes such a filter, too."""
    high = NodeFilter(where={"metrics.accuracy": ValueFilter(gt=0.8)})
    assert await labels(high) == "aen"
    assert await labels(high & NodeFilter(where={"status": "finished"})) == "ae"
    assert await count_nodes(high) == 3
    assert len(statements) == 3
    await delete_nodes(high)
    assert await labels(NodeFilter()) == "bcd"


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"metrics.accuracy": "high"}, "TrackedRun.metrics.accuracy is a number, which does not"),
        ({"metrics.accuracy": ValueFilter(like="1%")}, "only text is like a pattern"),
        ({"metrics.accuracy": True}, "is a number"),
        ({"metrics": 1}, "TrackedRun.metrics is the metrics of a run, which is not compared"),
        ({"metrics.accuracy.mix": 1}, "Of a metric there is no 'mix'. Did you mean 'min'"),
        ({"metrics.val.loss": 1}, "('metrics', 'val.loss')"),
        ({"metrics.loss.min.x": 1}, "cannot look for 'x'"),
        ({"metrisc.loss": 1}, "Did you mean 'metrics'"),
    ],
)
def test_what_makes_no_sense_is_refused(where: Any, says: str) -> None:
    """A text, an unknown word behind a metric, a name with a dot."""
    with pytest.raises(FilterError) as caught:
        TrackedRun.where(where)
    assert says in str(caught.value)


async def test_an_index_of_a_metric_is_refused(store: str) -> None:
    """There is one for all of them."""
    with pytest.raises(FilterError, match="needs no index"):
        await create_field_index(TrackedRun, "metrics.loss")


def test_such_filters_are_written_and_read() -> None:
    """JSON and pickles give equal filters."""
    for filter in (
        TrackedRun.where(lambda r: ~(r.metrics["a"].min > 0.8) & is_null(r.metrics)),
        NodeFilter(where={("metrics", "val.loss"): ValueFilter(lt=1, ne=None)}),
    ):
        assert Filter.from_json(filter.to_json()) == filter
        assert pickle.loads(pickle.dumps(filter)) == filter


async def test_orders_by_metrics(runs: str) -> None:
    """By the last value or another one; runs without it come last, and pages go on."""
    assert await labels(RUNS, order_by="metrics.accuracy") == "baecd"
    assert await labels(RUNS, order_by="-metrics.accuracy", limit=2) == "ea"
    assert await labels(RUNS, order_by=["-metrics.accuracy.points", "-label"]) == "ebadc"
    assert await labels(RUNS, order_by=Order(("metrics", "val/loss"))) == "bacde"
    pages = iter_nodes(RUNS, order_by="-metrics.accuracy", page_size=1)
    assert "".join([str(node.node_label) async for node in pages]) == "eabdc"
    with pytest.raises(FilterError, match=r"metrics\.loss"):
        await read_nodes(RUNS, order_by="metrics")
    with pytest.raises(FilterError, match=r"a metric as 'metrics\.loss'"):
        await read_nodes(RUNS, order_by="accuracy")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("accuracy>0.8", "aden"),  # a parameter or a metric
        ("accuracy>0.8 failed", ""),
        ("accuracy.max>0.94 failed", "b"),
        ("metrics.accuracy>0.8", "aen"),
        ("accuracy=0.85", "d"),
        ("loss<1.5", "a"),
        ("loss.points=2", "ac"),
        ("val.loss<1", "c"),
        ("val/loss>1", "b"),
        ("nobody>1", ""),
        ("val.loss=*", "c"),
    ],
)
async def test_the_search_box_finds_metrics(runs: str, text: str, found: str) -> None:
    """Under their names alone, or behind ``metrics.``."""
    page = await browse_search(search_clause(text), words=words_in(text))
    assert "".join(sorted(str(node.label) for node in page.nodes)) == found


async def test_a_frame_of_runs_says_where_metrics_are(runs: str) -> None:
    """Its columns are those of the nodes; read_runs has metrics."""
    with pytest.raises(FilterError, match="read_runs"):
        await read_frame(RUNS, columns=["path", "metrics.accuracy"])
