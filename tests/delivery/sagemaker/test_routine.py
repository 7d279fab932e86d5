from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common import Loc
from tg.common._core.errors import (
    ColumnNotFoundError,
    ConfigError,
    DatasetNotFoundError,
    HyperparameterError,
    NamingError,
    TrainingFailedError,
    UnpicklableError,
)
from tg.common.delivery.delivery import DependencyList
from tg.common.delivery.sagemaker import (
    SagemakerJob,
    SagemakerOptions,
    SagemakerProcessExecutor,
    SagemakerRoutine,
)
from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import FunctionTask


def train(data: pd.DataFrame, env: Any, *, factor: float = 1.0, fail: str = "") -> dict[str, float]:
    if fail:
        raise KeyError(fail)
    return {"total": float(data["x"].sum() * factor)}


@pytest.fixture
def routine(project: Path) -> SagemakerRoutine:
    folder = Loc.data_cache_path / "datasets" / "shop"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1, 2]}).to_parquet(folder / "d.parquet")
    return SagemakerRoutine(FunctionTask(train), "d.parquet", "shop")


def test_the_defaults_of_a_routine(
    routine: SagemakerRoutine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert routine.config.packaging.name == "train"
    assert routine.config.packaging.version is None
    monkeypatch.setenv("AWS_ROLE", "a-role")
    task = FunctionTask(train, name="LR1-NS10")
    named = SagemakerRoutine(task, "d.parquet", "shop", version="7", bucket="b")
    assert (named.config.packaging.name, named.config.packaging.version) == ("FunctionTask", "7")
    assert (named.config.settings.aws_role, named.config.settings.s3_bucket) == ("a-role", "b")
    assert task.info["name"] == "LR1-NS10"
    own = [DependencyList("mine", ["pandas"])]
    config = SagemakerRoutine(task, "d", "shop", role="mine", dependencies=own).config
    assert config.settings.aws_role == "mine"
    assert config.packaging.dependencies == own


def test_attached_gives_the_result_and_keeps_nothing(routine: SagemakerRoutine) -> None:
    result = routine.attached().execute({"factor:float": "2"})
    assert result["metrics"] == {"total": 6.0}
    assert result["log"] == ["###total:6.0"]
    assert not (Loc.data_cache_path / "sagemaker").exists()


@pytest.mark.parametrize("place", ["process", pytest.param("local", marks=pytest.mark.docker)])
def test_a_run_logs_and_is_opened_alike_in_a_process_and_in_a_container(
    routine: SagemakerRoutine, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    executor = getattr(routine, place)()
    run_id = executor.execute()
    out = capsys.readouterr().out
    assert f"{run_id} | " in out
    assert "This is Sagemaker Job performing a training task" in out
    assert "###METRIC###total:3.0###" in out
    assert executor.load_result(run_id).metrics == {"total": 3.0}
    assert routine.process().get_result(run_id).metrics == {"total": 3.0}


def test_what_a_task_raises_is_its_cause_here(routine: SagemakerRoutine) -> None:
    with pytest.raises(TrainingFailedError, match="tea") as caught:
        routine.attached().execute({"fail": "tea"})
    assert isinstance(caught.value.__cause__, KeyError)
    assert "test_routine.py" in caught.value.traceback_tail


def test_a_wrong_hyperparameter_is_refused_with_the_right_one(routine: SagemakerRoutine) -> None:
    with pytest.raises(HyperparameterError, match="factor"):
        routine.attached().execute({"facter:float": "2"})
    with pytest.raises(HyperparameterError, match="two"):
        routine.attached().execute({"factor:float": "two"})
    with pytest.raises(ConfigError, match="JSON"):
        routine.attached().execute({"factor": object()})


def test_a_wrong_column_is_named(routine: SagemakerRoutine) -> None:
    task = sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("y"),
        model_provider=sft.ModelProvider(sft.ModelConstructor("sklearn.linear_model:Ridge")),
        evaluator=sft.Evaluation.regression,
    )
    with pytest.raises(ColumnNotFoundError, match="'y'"):
        SagemakerRoutine(task, "d.parquet", "shop").attached().execute()


@pytest.mark.parametrize("project_name", ["", "../up", "a/b", "a b", ".hidden"])
@pytest.mark.usefixtures("routine")
def test_a_project_must_be_a_folder_name(project_name: str) -> None:
    routine = SagemakerRoutine(FunctionTask(train), "d.parquet", project_name)
    with pytest.raises(ConfigError, match="project name"):
        routine.attached().execute()


@pytest.mark.usefixtures("routine")
def test_a_missing_dataset_is_named_with_its_path() -> None:
    with pytest.raises(DatasetNotFoundError, match=r"shop/nothing\.parquet"):
        SagemakerRoutine(FunctionTask(train), "nothing.parquet", "shop").process().submit()


def test_what_is_no_task_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="FunctionTask"):
        SagemakerJob(train)
    with pytest.raises(NamingError):
        SagemakerRoutine(FunctionTask(train), "d", "p", name="a-b")


def test_a_task_that_cannot_be_copied_names_the_attribute(routine: SagemakerRoutine) -> None:
    import threading

    routine.config.job.task.info["lock"] = threading.Lock()
    with pytest.raises(UnpicklableError, match=r"task\.info\.lock"):
        routine.attached().execute()


def test_the_documented_options() -> None:
    options = SagemakerOptions("role", None, "titanic_project", Path("/data"), "titanic.parquet")
    assert options.local_dataset_path == Path("/data/titanic_project/titanic.parquet")


def test_an_executor_made_of_a_routine_says_what_it_takes(routine: SagemakerRoutine) -> None:
    with pytest.raises(ConfigError, match=r"routine\.config"):
        SagemakerProcessExecutor(routine)  # type: ignore[arg-type]
