"""What scikit-learn's searches have found, as runs below a run.

A ``partial_fit`` loop needs nothing from here: call ``run.log(loss=...)`` in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artigraph.callbacks.base import log_numbers, number
from artigraph.display.escape import cut
from artigraph.errors import RunError
from artigraph.orm.run import TrackedRun

if TYPE_CHECKING:
    from artigraph.run.run import Run

__all__ = ["log_search_results"]

LONGEST = 200
"""Characters of a parameter that is written as Python shows it, such as an estimator."""


async def log_search_results(run: Run, search: Any) -> None:
    """Write the candidates of a search, such as ``GridSearchCV``, as runs below a run.

    ::

        search = GridSearchCV(model, grid).fit(x, y)
        async with start_run("search") as run:
            await log_search_results(run, search)

    Each candidate is a run of its own with its parameters. What the search tells of it are its
    metrics (``mean_test_score``, ``rank_test_score``, ``mean_fit_time``, ...), and its scores by
    split are a curve (``split_test_score``, the split being the step). The best one gets the
    tag ``best``.

    Args:
        run: A run under way.
        search: A search that was fitted.

    Raises:
        RunError: The search was not fitted, or the run has not begun.
        LabelExistsError: The run has the candidates of a search already.
    """
    from artigraph.run.params import as_params
    from artigraph.run.run import Run

    results = getattr(search, "cv_results_", None)
    if not isinstance(results, Mapping) or "params" not in results:
        raise RunError(
            f"log_search_results() takes a search that was fitted, not {cut(repr(search), 80)}. "
            "Call search.fit(x, y) first."
        )
    if (parent := run.node.node_id) is None:
        raise RunError(
            "The run has not begun: call log_search_results() inside of async with start_run(…)."
        )
    best = getattr(search, "best_index_", None)
    for place, given in enumerate(results["params"]):
        node = TrackedRun(
            node_label=f"candidate {place}",
            node_parent_id=parent,
            tracked_run_params=as_params({name: _plain(one) for name, one in given.items()}),
        )
        async with Run(node) as candidate:
            for step, values in _curves(results, place).items():
                log_numbers(candidate, step, values)
            log_numbers(candidate, 0, _metrics(results, place))
            if best is not None and place == best:
                candidate.tag("best")


def _plain(value: Any) -> Any:
    """A parameter as JSON has it; what JSON lacks as Python shows it."""
    plain = number(value) if hasattr(value, "dtype") else value
    try:
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return cut(repr(value), LONGEST)
    return plain


def _metrics(results: Mapping[str, Any], place: int) -> dict[str, Any]:
    wanted = ("mean_", "std_", "rank_")
    return {name: of[place] for name, of in results.items() if name.startswith(wanted)}


def _curves(results: Mapping[str, Any], place: int) -> dict[int, dict[str, Any]]:
    """Scores by split, as ``split0_test_score`` has them."""
    found: dict[int, dict[str, Any]] = {}
    for name, values in results.items():
        split, _, metric = name.removeprefix("split").partition("_")
        if name.startswith("split") and split.isdecimal() and metric:
            found.setdefault(int(split), {})[f"split_{metric}"] = values[place]
    return found
