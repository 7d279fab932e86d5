"""Sweeps in MLflow: what people who watch there would see, and what a failure there may not do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")
pytest.importorskip("alembic")

from mlflow import MlflowClient

from tg.common import Loc
from tg.common._core.errors import ConfigError, SweepError
from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
from tg.common.delivery.sweep import MlflowMirror, Sweep, TaskRow, TaskState
from tg.common.delivery.sweep.mirror import mirrored
from tg.common.delivery.sweep.mlflow_log import MlflowLog, mlflow_client, mlflow_names

pytestmark = [
    # of its own database layer
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TASKS = """
    from pathlib import Path
    from tg.common.ml.training_core import FunctionTask

    def train(data, env, alpha=1.0, fails=False):
        for step in range(3):
            env.output_metric("loss", alpha / (step + 1))
        env.store_artifact(("runs", 0), "notes", "x" * 5000)
        if fails and not Path(fails).exists():
            Path(fails).touch()
            raise ValueError("the tea is cold")
        return {"r2[test]": alpha / 2}

    def build(alpha, fails=False):
        return FunctionTask(train, {"alpha": alpha, "fails": fails})
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def tea(project: Path, write_files: Callable[..., None]) -> Callable[..., tuple[Any, Any]]:
    """Tasks of a grid, and where they run: this process."""
    write_files({"leaves.py": TASKS})
    folder = Loc.data_cache_path / "datasets" / "tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")

    def make(**grid: Any) -> tuple[Any, Any]:
        import leaves

        tasks = Autonamer(leaves.build).build_tasks(**grid)
        return tasks, SagemakerRoutine(tasks[0], "d.parquet", "tea", name="tea").attached()

    return make


def stored(uri: str, experiment: str = "tea") -> tuple[Any, dict[str, Any]]:
    """The run of the sweep, and those of its tasks by run id of ours."""
    client = MlflowClient(uri)
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    (parent,) = [run for run in found if run.data.tags["tg.kind"] == "sweep"]
    tasks = [run for run in found if run.data.tags["tg.kind"] == "task"]
    by_id = {run.data.tags["tg.run"]: run for run in tasks}
    assert len(by_id) == len(tasks)
    return parent, by_id


def test_a_sweep_is_seen_whole_with_one_run_a_task_below_it(
    tea: Callable[..., tuple[Any, Any]], store: str
) -> None:
    tasks, executor = tea(alpha=[1.0, 2.0, 4.0])
    mirror = MlflowMirror(store, "tea")
    sweep = Sweep(tasks, executor, name="demo", mirror=mirror)
    assert sweep.run().is_done
    parent, runs = stored(store)
    assert (parent.info.run_name, parent.info.status) == ("demo", "FINISHED")
    assert parent.data.tags["tg.completed"] == "3"
    client = MlflowClient(store)
    for row in sweep.rows():
        run = runs[row.run_id]
        assert run.info.status == "FINISHED"
        assert run.info.run_name == row.name
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert (run.data.tags["tg.state"], run.data.tags["tg.attempt"]) == ("completed", "1")
        alpha = row.parameters["alpha"]
        assert run.data.params["alpha"] == str(alpha)
        history = client.get_metric_history(run.info.run_id, "loss")
        assert [(m.step, m.value) for m in history] == [(n, alpha / (n + 1)) for n in range(3)]
        assert run.data.metrics["r2_test_"] == alpha / 2  # MLflow takes no brackets
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert files == {"metrics.json", "task.json", "manifest.json"}


def test_who_mirrors_again_in_a_new_process_writes_nothing_twice(
    tea: Callable[..., tuple[Any, Any]], store: str
) -> None:
    tasks, executor = tea(alpha=[1.0, 2.0])
    sweep = Sweep(tasks, executor, name="demo")
    sweep.run()
    first = MlflowMirror(store, "tea", artifacts=["runs/*"], max_artifact_bytes=100)
    parent_id = first.mirror(Sweep.open("demo"))
    # another one knows only what MLflow tells it
    assert MlflowMirror(store, "tea").mirror(Sweep.open("demo")) == parent_id
    parent, runs = stored(store)
    assert parent.info.run_id == parent_id
    assert len(runs) == 2
    client = MlflowClient(store)
    for run in runs.values():
        assert len(client.get_metric_history(run.info.run_id, "loss")) == 3
        assert client.list_artifacts(run.info.run_id) == []  # the only one is too large


def test_a_mirror_that_died_half_way_is_made_whole(
    tea: Callable[..., tuple[Any, Any]], store: str
) -> None:
    tasks, executor = tea(alpha=[1.0, 2.0])
    sweep = Sweep(tasks, executor, name="demo")
    sweep.run()
    dying = MlflowMirror(store, "tea")
    log = dying._log_of(sweep)
    rows = sweep.rows()
    run_id = log.begin(rows[0])
    log.log_metrics(run_id, {"loss": [1.0, 0.5]})
    MlflowMirror(store, "tea").mirror(sweep)
    _, runs = stored(store)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    history = MlflowClient(store).get_metric_history(runs[rows[0].run_id].info.run_id, "loss")
    assert [m.value for m in history] == [1.0, 0.5, 1.0 / 3]


def test_each_try_of_a_task_is_a_run_of_its_own(
    tea: Callable[..., tuple[Any, Any]], store: str, tmp_path: Path
) -> None:
    tasks, executor = tea(alpha=[1.0], fails=[str(tmp_path / "failed")])
    mirror = MlflowMirror(store, "tea")
    sweep = Sweep(tasks, executor, name="demo", mirror=mirror)
    assert sweep.run()["failed"] == 1
    parent, runs = stored(store)
    (failed,) = runs.values()
    assert (parent.info.status, failed.info.status) == ("FAILED", "FAILED")
    assert "the tea is cold" in failed.data.tags["tg.reason"]
    assert failed.data.tags["tg.failure_kind"] == "task"
    assert failed.data.metrics["loss"] == 1.0 / 3
    assert sweep.resume()["completed"] == 1
    parent, runs = stored(store)
    assert parent.info.status == "FINISHED"
    assert {(r.data.tags["tg.attempt"], r.info.status) for r in runs.values()} == {
        ("1", "FAILED"),
        ("2", "FINISHED"),
    }


@pytest.mark.parametrize("task", ["A1", "the 'best' \"tea\" `of` %_all"])
def test_a_run_that_was_tried_again_at_once_does_not_run_for_ever(store: str, task: str) -> None:
    log = MlflowLog(mlflow_client(store), "tea", "demo", "0")
    first = TaskRow(number=0, name=task, run_id="a1-0", state=TaskState.RUNNING)
    log.begin(TaskRow(number=1, name="B2", run_id="b2-0", state=TaskState.RUNNING))
    log.begin(first)
    log.begin(first.but(run_id="a1-0-r2", attempt=2))  # nobody looked when the first had failed
    _, runs = stored(store)
    assert {name: run.info.status for name, run in runs.items()} == {
        "a1-0": "FAILED",
        "a1-0-r2": "RUNNING",
        "b2-0": "RUNNING",
    }


def test_what_came_of_a_task_is_seen_also_if_its_log_came_late(
    tea: Callable[..., tuple[Any, Any]], store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, executor = tea(alpha=[3.0])
    sweep = Sweep(tasks, executor, name="demo")
    sweep.run()
    (row,) = sweep.rows()
    cut = {"loss": [3.0, 1.5]}  # the service that keeps the log has not got all of it yet
    monkeypatch.setattr(type(sweep.run_of(row.name)), "metric_values", lambda _: cut)
    MlflowMirror(store, "tea").mirror(sweep)
    _, runs = stored(store)
    assert runs[row.run_id].data.metrics == {"loss": 1.0, "r2_test_": 1.5}


class Refusing:
    """A place that cannot be reached, for a while or for ever."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def mirror(self, sweep: Any) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise OSError("no route to host")


@pytest.fixture
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tg.common.delivery.sweep.mirror._PAUSE_SECONDS", 0.01)
    # nor is it mirrored before its end, however long the machine takes for it
    defaults = mirrored.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    monkeypatch.setitem(defaults, "every_seconds", 3_600)


@pytest.mark.usefixtures("_short_pause")
def test_a_mirror_that_fails_harms_no_sweep_and_is_tried_again(
    tea: Callable[..., tuple[Any, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    tasks, executor = tea(alpha=[1.0, 2.0])
    for_a_while, for_ever = Refusing(2), Refusing(10**6)
    assert Sweep(tasks, executor, name="one", mirror=for_a_while).run()["completed"] == 2
    assert for_a_while.calls == 3
    said = capsys.readouterr()
    assert "not mirrored" not in said.out + said.err
    assert Sweep(tasks, executor, name="two", mirror=for_ever, rerun=True).run()["completed"] == 2
    said = capsys.readouterr()
    assert "no route to host" in said.out + said.err


def test_a_mirror_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg.common.delivery.sweep.mirror._PATIENCE_SECONDS", 0.05)
    answer = threading.Event()

    class Silent:
        def mirror(self, sweep: Any) -> None:
            answer.wait(30)

    with mirrored(Silent(), tmp_path / "demo" / "journal.db"):
        pass
    answer.set()


def test_what_mlflow_refuses_is_one_error_that_says_what_to_do(
    tea: Callable[..., tuple[Any, Any]], tmp_path: Path, store: str
) -> None:
    tasks, executor = tea(alpha=[1.0])
    sweep = Sweep(tasks, executor, name="demo")
    sweep.run()
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match="cannot be mirrored to MLflow at sqlite"):
        MlflowMirror(f"sqlite:///{tmp_path / 'file' / 'x.db'}", "tea").mirror(sweep)
    with pytest.raises(ConfigError, match="artifacts is a text"):
        MlflowMirror(store, artifacts="metrics.json")


def test_every_name_has_one_of_its_own_in_mlflow() -> None:
    names = mlflow_names(["a", "a[0]", "a(0)", "a/../b", "/", "é", "x" * 300, "x" * 299])
    assert len(set(names.values())) == len(names)
    assert names["a/../b"] == "a/b"
    assert max(map(len, names.values())) <= 250


@pytest.fixture(autouse=True)
def _close_databases() -> Iterator[None]:
    yield
    import gc

    gc.collect()
