"""Callbacks of training loops log to a run, tried with the libraries themselves."""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from artigraph import (
    LabelExistsError,
    NodeRelationshipFilter,
    TagFilter,
    TrackedRun,
    read_node,
    read_nodes,
    read_runs,
    start_run,
)
from artigraph.callbacks.base import log_numbers
from artigraph.callbacks.sklearn import log_search_results
from artigraph.errors import RunError

REASON = "is not among the libraries of the tests: pip install it to try its callback"


class Logged:
    """What has the method of a run, and remembers."""

    def __init__(self) -> None:
        self.curves: dict[str, list[tuple[int | None, float]]] = defaultdict(list)

    def log(self, step: int | None = None, **values: float) -> None:
        """Remember a point."""
        for name, value in values.items():
            assert type(value) is float
            self.curves[name].append((step, value))

    def steps(self, name: str) -> list[int | None]:
        """The steps of a curve."""
        return [step for step, _ in self.curves[name]]


def line(rows: int = 200) -> tuple[Any, Any]:
    """Numbers that can be learnt."""
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("float32")
    return x, (x @ np.array([1.0, 2.0, 3.0])).astype("float32")


def test_only_numbers_are_logged() -> None:
    """Numbers of any library are logged under their names; what is no number is left out."""
    run = Logged()
    values = {"a": np.float32(1), "b": np.array([2]), "c": "x", "d": None, "e": np.zeros(3)}
    log_numbers(run, 3, {**values, "step": 4, "self": 5, "nan": math.nan, "flag": True})
    log_numbers(run, 4, {"c": "x"})
    assert sorted(run.curves) == ["a", "b", "nan", "self_", "step_"]
    assert run.curves["b"] == [(3, 2.0)]


def test_lightgbm_without_it() -> None:
    """Its callback takes what LightGBM hands on, of train and of cv, old and new."""
    from artigraph.callbacks.lightgbm import run_callback

    run = Logged()
    told = [("valid_0", "l2", 0.5, False), ("valid", "l1", 0.25, False, 0.125)]
    old = ("cv_agg", "valid auc", 0.75, True, 0.0)
    run_callback(run)(SimpleNamespace(iteration=7, evaluation_result_list=[*told, old]))
    assert run.curves["valid_0/l2"] == [(7, 0.5)]
    assert run.curves["valid/l1_std"] == [(7, 0.125)]
    assert run.curves["valid/auc"] == [(7, 0.75)]


def test_lightgbm() -> None:
    """LightGBM logs each evaluation of its iterations, also where it stops early."""
    lightgbm = pytest.importorskip("lightgbm", reason=f"lightgbm {REASON}")
    from artigraph.callbacks.lightgbm import run_callback

    x, y = line()
    run, params = Logged(), {"objective": "l2", "verbose": -1, "num_threads": 1}
    data = lightgbm.Dataset(x, y)
    valid = lightgbm.Dataset(x[:50], y[:50], reference=data)
    callbacks = [lightgbm.early_stopping(3, verbose=False), run_callback(run)]
    lightgbm.train(params, data, 8, valid_sets=[valid], callbacks=callbacks)
    assert run.steps("valid_0/l2") == list(range(8))
    cv = Logged()
    data = lightgbm.Dataset(x, y)
    lightgbm.cv(params, data, 4, nfold=2, stratified=False, callbacks=[run_callback(cv)])
    assert cv.steps("valid/l2") == list(range(4))
    assert len(cv.curves["valid/l2_std"]) == 4


def test_xgboost() -> None:
    """XGBoost logs each evaluation of its rounds, of train, of cv and of an estimator's copy."""
    xgboost = pytest.importorskip("xgboost", reason=f"xgboost {REASON}")
    from artigraph.callbacks.xgboost import run_callback

    x, y = line()
    data, run, params = xgboost.DMatrix(x, y), Logged(), {"nthread": 1}
    xgboost.train(params, data, 5, evals=[(data, "train")], callbacks=[run_callback(run)])
    assert run.steps("train/rmse") == list(range(5))
    cv = Logged()
    xgboost.cv(params, data, 4, nfold=2, callbacks=[run_callback(cv)])
    assert cv.steps("test/rmse") == list(range(4))
    assert len(cv.curves["test/rmse_std"]) == 4
    fitted = Logged()
    model = xgboost.XGBRegressor(n_estimators=3, n_jobs=1, callbacks=[run_callback(fitted)])
    copy.deepcopy(model).fit(x, y, eval_set=[(x, y)], verbose=False)
    assert fitted.steps("validation_0/rmse") == list(range(3))


def test_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras logs its losses and metrics after each epoch."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason=f"torch {REASON}")
    keras = pytest.importorskip("keras", reason=f"keras {REASON}")
    from artigraph.callbacks.keras import run_callback

    x, y = line()
    run = Logged()
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(loss="mse", metrics=["mae"])
    model.fit(x, y, epochs=3, validation_split=0.2, verbose=0, callbacks=[run_callback(run)])
    for name in ("loss", "val_loss", "mae", "val_mae"):
        assert run.steps(name) == [0, 1, 2]


@pytest.mark.filterwarnings("ignore")  # Lightning has advice for every machine
def test_lightning(tmp_path: Path) -> None:
    """Lightning logs what a module logs, at its steps."""
    torch = pytest.importorskip("torch", reason=f"torch {REASON}")
    lightning = pytest.importorskip("lightning", reason=f"lightning {REASON}")
    from artigraph.callbacks.lightning import run_logger

    class Line(lightning.LightningModule):  # type: ignore[misc, name-defined]  # it is not installed here
        def __init__(self) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(3, 1)

        def training_step(self, batch: Any, _: int) -> Any:
            loss = ((self.layer(batch[0])[:, 0] - batch[1]) ** 2).mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    x, y = line()
    data = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y))
    run = Logged()
    trainer = lightning.Trainer(
        max_epochs=2,
        logger=run_logger(run),
        log_every_n_steps=5,
        default_root_dir=tmp_path,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(Line(), torch.utils.data.DataLoader(data, batch_size=20))
    assert run.steps("loss") == [4, 9, 14, 19]
    assert list(run.curves) == ["loss"]


class Search:
    """What a search has once it was fitted."""

    cv_results_: ClassVar[dict[str, Any]] = {
        "mean_fit_time": np.array([0.1, 0.2]),
        "param_C": np.ma.masked_array([1, 10]),
        "params": [{"C": 1, "label": "a"}, {"C": np.int64(10), "label": Path("x")}],
        "split0_test_score": np.array([0.5, 0.6]),
        "split1_test_score": np.array([0.7, np.nan]),
        "mean_test_score": np.array([0.6, 0.9]),
        "rank_test_score": np.array([2, 1]),
    }
    best_index_ = np.int64(1)


async def test_search_becomes_runs(store: str) -> None:
    """Each candidate of a search is a run with parameters and metrics, and the best has a tag."""
    async with start_run("search") as run:
        await log_search_results(run, Search())
        with pytest.raises(LabelExistsError):
            await log_search_results(run, Search())
    below = NodeRelationshipFilter(child_of=run.node.node_id)
    found = sorted(await read_nodes(below), key=lambda node: node.node_id or 0)
    assert [node.node_label for node in found] == ["candidate 0", "candidate 1"]
    assert all(isinstance(node, TrackedRun) for node in found)
    first, params = (
        node.tracked_run_params or {} for node in found if isinstance(node, TrackedRun)
    )
    assert first == {"C": 1, "label": "a"}
    assert params["C"] == 10
    assert "x" in params["label"]
    best = await read_node(TagFilter(name="best") & below)
    assert best.node_label == "candidate 1"
    table = (await read_runs(below)).to_pandas()
    assert 0.9 in table.to_numpy().tolist()[0] + table.to_numpy().tolist()[1]


async def test_search_that_was_not_fitted_is_refused(store: str) -> None:
    """A search without results, and a run that has not begun, are refused."""
    async with start_run("search") as run:
        with pytest.raises(RunError, match=r"Call search\.fit"):
            await log_search_results(run, SimpleNamespace())
    with pytest.raises(RunError, match="has not begun"):
        await log_search_results(start_run("later"), Search())


async def test_real_search(store: str) -> None:
    """A GridSearchCV of scikit-learn becomes runs."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    x, y = line(40)
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=2).fit(x, y)
    async with start_run("grid") as run:
        await log_search_results(run, search)
    found = await read_nodes(NodeRelationshipFilter(child_of=run.node.node_id))
    given = [node.tracked_run_params for node in found if isinstance(node, TrackedRun)]
    assert given == [{"alpha": 0.1}, {"alpha": 1.0}, {"alpha": 10.0}]
