"""What every executor must do, whatever the place; each of them inherits this suite."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from tg.common._core.errors import (
    DatasetNotFoundError,
    HyperparameterError,
    ResultError,
    RunCancelledError,
    RunNotFoundError,
    TgError,
    TrainingFailedError,
)
from tg.common.contract import RunState
from tg.common.delivery.execution import Executor
from tg.common.delivery.sagemaker import SagemakerRoutine

TASKS = """
    import os
    import sys
    import time
    from dataclasses import dataclass

    import pandas as pd
    from shop.prices import doubled
    from tg.common.contract import TrainingTask


    @dataclass
    class Model:
        total: float

        def predict(self) -> float:
            return doubled(self.total)


    class SumTask(TrainingTask):
        def __init__(self, weight=1.0, folds=2):
            super().__init__()
            self.weight = weight
            self.folds = folds

        def run_with_environment(self, data, env):
            frame = pd.read_parquet(data)
            for fold in range(self.folds):
                env.log(f"fold {fold}")
                total = float(frame["x"].sum() / 3) * self.weight
                env.store_artifact(["runs", fold], "model", Model(total))
                env.store_artifact(["runs", fold], "training_task", self)
                env.store_artifact(["runs", fold], "result_df", frame * self.weight)
            env.output_metric("total", total)


    class FailingTask(SumTask):
        def run_with_environment(self, data, env):
            raise ValueError("the price of tea is unknown")


    class ExitingTask(SumTask):
        def run_with_environment(self, data, env):
            sys.exit(3)


    class WaitingTask(SumTask):
        def run_with_environment(self, data, env):
            for loss in (0.5, 0.25, 0.3):
                env.output_metric("loss", loss)
            time.sleep(3600)
"""
PRICES = """
    FACTOR = 2

    def doubled(value):
        return value * FACTOR
"""
LISTING = [
    "package.tag.gz",
    "task.json",
    "package.json",
    "manifest.json",
    "metrics.json",
    "runs/",
    "runs/0/",
    "runs/0/model.pkl",
    "runs/0/result_df.parquet",
    "runs/0/training_task.pkl",
    "runs/1/",
    "runs/1/model.pkl",
    "runs/1/result_df.parquet",
    "runs/1/training_task.pkl",
]


class ExecutorSuite:
    """Inherit it and name the routine's method that gives your executor."""

    place: ClassVar[str]

    @pytest.fixture
    def routine_arguments(self) -> dict[str, Any]:
        """What the routine takes in this place alone."""
        return {}

    @pytest.fixture
    def make_executor(
        self,
        project: Path,
        write_files: Callable[..., None],
        routine_arguments: dict[str, Any],
    ) -> Callable[..., Any]:
        write_files({"shop/__init__.py": "", "shop/tasks.py": TASKS, "shop/prices.py": PRICES})
        folder = project / "datasets" / "tea"
        folder.mkdir(parents=True)
        pd.DataFrame({"x": [0.1, 0.2, 0.7]}).to_parquet(folder / "tea.parquet")

        def make(
            task_class: str = "SumTask", dataset: str = "tea.parquet", **arguments: Any
        ) -> Executor:
            import importlib

            tasks = importlib.import_module("shop.tasks")
            self.task = getattr(tasks, task_class)(**arguments)
            routine = SagemakerRoutine(
                self.task,
                dataset,
                "tea",
                datasets_folder=project / "datasets",
                **routine_arguments,
            )
            return self.executor_of(routine)

        return make

    def executor_of(self, routine: SagemakerRoutine) -> Executor:
        """Take the routine's own; a place of another room overrides it."""
        executor: Executor = getattr(routine, self.place)()
        return executor

    def test_a_run_completes_and_its_result_holds_everything(self, make_executor: Any) -> None:
        executor = make_executor()
        run = executor.submit().wait(timeout_seconds=600)
        assert run.state is RunState.COMPLETED
        result = run.result()
        assert result.list() == LISTING
        assert result.metrics == {"total": 1.0 / 3}
        assert result.result_df["x"].tolist() == [0.1, 0.2, 0.7]
        assert any(line.endswith("fold 1") for line in run.logs())
        assert run.metric_values() == {"total": [1.0 / 3]}

    def test_metrics_are_seen_while_it_runs_every_value_in_order(self, make_executor: Any) -> None:
        if self.place == "attached":
            pytest.skip("it has ended when it is seen")
        run = make_executor("WaitingTask").submit()
        deadline = time.monotonic() + 300
        while len(run.metric_values().get("loss", [])) < 3:
            assert time.monotonic() < deadline, run.metric_values()
            time.sleep(0.1)
        assert not run.state.is_final
        run.cancel()
        with pytest.raises(RunCancelledError):
            run.wait(timeout_seconds=300)
        assert run.metric_values() == {"loss": [0.5, 0.25, 0.3]}

    def test_objects_come_back_as_todays_classes_and_as_the_packages(
        self, make_executor: Any, write_files: Any
    ) -> None:
        executor = make_executor(weight=3.0)
        result = executor.submit().wait(timeout_seconds=600).result()
        write_files({"shop/prices.py": PRICES.replace("2", "5")})
        import shop.tasks

        model = result.model
        assert type(model) is shop.tasks.Model
        assert model.predict() == pytest.approx(5.0)
        old = result.unpickle("runs/0/model.pkl", code="package")
        assert type(old).__module__ == f"{result.package.module_name}.shop.tasks"
        assert old.predict() == pytest.approx(2.0)
        assert result.task.weight == 3.0

    def test_the_pickle_alone_does_not_open_or_opens_as_todays(self, make_executor: Any) -> None:
        result = make_executor().submit().wait(timeout_seconds=600).result()
        path = result.get_path("runs/0/training_task.pkl")
        if self.place == "attached":
            assert pickle.loads(path.read_bytes()).weight == 1.0
        else:
            with pytest.raises(ModuleNotFoundError, match="SumTask__"):
                pickle.loads(path.read_bytes())

    def test_hyperparameters_reach_the_task_but_not_the_users_own(self, make_executor: Any) -> None:
        executor = make_executor()
        run = executor.submit({"weight:float": "2.5", "folds:int": 1}).wait(timeout_seconds=600)
        assert run.result().metrics["total"] == 1.0 / 3 * 2.5
        assert "runs/1/" not in run.result().list()
        assert (self.task.weight, self.task.folds) == (1.0, 2)

    def test_a_wrong_hyperparameter_is_refused_before_anything_happens(
        self, make_executor: Any, project: Path
    ) -> None:
        executor = make_executor()
        with pytest.raises(HyperparameterError, match="weight"):
            executor.submit({"wieght:float": "2"})
        with pytest.raises(HyperparameterError, match="two"):
            executor.submit({"weight:float": "two"})
        assert not (project / "data-cache" / "sagemaker").exists()

    def test_a_failing_task_gives_its_own_traceback(self, make_executor: Any) -> None:
        run = make_executor("FailingTask").submit()
        with pytest.raises(TrainingFailedError, match="price of tea") as caught:
            run.wait(timeout_seconds=600)
        assert "shop/tasks.py" in caught.value.traceback_tail
        assert run.state is RunState.FAILED
        with pytest.raises(TgError):
            run.result()

    def test_a_task_that_exits_has_failed(self, make_executor: Any) -> None:
        run = make_executor("ExitingTask").submit()
        with pytest.raises(TrainingFailedError):
            run.wait(timeout_seconds=600)

    def test_a_missing_dataset_is_refused_before_anything_happens(
        self, make_executor: Any, project: Path
    ) -> None:
        with pytest.raises(DatasetNotFoundError, match="coffee"):
            make_executor(dataset="coffee.parquet").submit()
        assert not (project / "data-cache" / "sagemaker").exists()

    def test_a_dataset_may_be_a_folder(self, make_executor: Any, project: Path) -> None:
        folder = project / "datasets" / "tea" / "both"
        folder.mkdir()
        for name in ("a", "b"):
            pd.DataFrame({"x": [0.5]}).to_parquet(folder / f"{name}.parquet")
        run = make_executor(dataset="both").submit().wait(timeout_seconds=600)
        assert run.result().metrics == {"total": 1.0 / 3}

    def test_a_result_is_found_again_by_its_id_alone(
        self, make_executor: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run_id = make_executor().submit().wait(timeout_seconds=600).id
        capsys.readouterr()
        result = make_executor().load_result(run_id)
        assert capsys.readouterr().out.splitlines() == LISTING
        assert result.metrics == {"total": 1.0 / 3}
        with pytest.raises(RunNotFoundError, match="nothing-of-that-name"):
            make_executor().load_result("nothing-of-that-name")

    def test_an_unknown_artifact_names_what_is_there(self, make_executor: Any) -> None:
        result = make_executor().submit().wait(timeout_seconds=600).result()
        with pytest.raises(ResultError, match="model"):
            result.unpickle("runs/0/modle.pkl")

    def test_the_manifest_tells_where_a_result_comes_from(self, make_executor: Any) -> None:
        run = make_executor().submit({"weight:float": "2"}).wait(timeout_seconds=600)
        manifest = run.result().manifest
        assert manifest.package["name"] == "SumTask"
        assert manifest.package["travellers"] == ["shop", "tg"]
        assert any(pin.startswith("pandas==") for pin in manifest.package_manifest.lock)
        assert manifest.hyperparameters == {"weight": "2.0"}
        assert manifest.provenance["run_id"] == run.id
        assert manifest.files["runs/0/model.pkl"] > 0

    def test_tasks_of_a_batch_give_what_they_give_alone(self, make_executor: Any) -> None:
        executor = make_executor()
        tasks = {f"sum-{weight:g}": type(self.task)(weight) for weight in (1.0, 2.5, 3.0)}
        batch = executor.batch(tasks)
        runs = {name: batch.start(name) for name in batch.names}
        batches = {name: run.wait(timeout_seconds=600).result() for name, run in runs.items()}
        alone = {
            name: make_executor(weight=task.weight).submit().wait(timeout_seconds=600).result()
            for name, task in tasks.items()
        }
        for name, result in batches.items():
            assert result.metrics == alone[name].metrics
            assert result.list() == LISTING
            assert result.manifest.task_name == name
            assert result.task.weight == tasks[name].weight
            assert result.unpickle("runs/0/model.pkl", code="package").predict() == (
                2 * alone[name].metrics["total"]
            )
        packages = {result.manifest.package["content_hash"] for result in batches.values()}
        assert len(packages) == 1
        ids = [batch.run_id(name) for name in batch.names]
        assert [run.id for run in runs.values()] == ids
        assert batch.states([*ids, "nothing-of-that-name"]) == dict.fromkeys(
            ids, RunState.COMPLETED
        )
