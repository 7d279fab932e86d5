"""What a tuner is asked for is checked against the task before anything is built or paid for."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import ConfigError, MissingDependencyError
from tg.common.delivery.sagemaker import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    SagemakerRoutine,
)
from tg.common.delivery.sagemaker import tuner as tuner_module
from tg.common.delivery.sagemaker.tuner_options import TunerOptions
from tg.common.delivery.sagemaker.tuning_range import check_ranges, tuning_ranges
from tg.common.ml.training_core import FunctionTask

ROLE = f"arn:aws:iam::{'1' * 12}:role/train"
RATE = {"rate": ContinuousRange(low=0.1, high=0.9)}


class Net:
    def __init__(self) -> None:
        self.rate, self.layers, self.name, self.shuffle, self.depth = 0.1, [8], "relu", True, None


class NetTask(FunctionTask):
    def __init__(self) -> None:
        super().__init__(train, metric_names=["auc"])
        self.net = Net()


def train(data: Any, env: Any, *, rate: float = 0.5, folds: int = 2) -> dict[str, float]:
    return {"auc": rate}


@pytest.fixture
def routine(project: Path, monkeypatch: pytest.MonkeyPatch) -> SagemakerRoutine:
    """One that would fail loudly if anything was built, with modules in the SDK's place."""
    for name in ("train.tuner", "core.shapes", "core.parameter"):
        monkeypatch.setitem(sys.modules, f"sagemaker.{name}", types.ModuleType(name))
    for name in ("sagemaker", "sagemaker.train", "sagemaker.core"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setenv("TG_DOCKER", "/nowhere/docker")
    return SagemakerRoutine(
        NetTask(), "tea.parquet", "tea", bucket="shop-bucket", role=ROLE, name="tea"
    )


def test_without_the_sdk_the_error_says_what_to_install(
    routine: SagemakerRoutine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sagemaker", None)
    monkeypatch.delitem(sys.modules, "sagemaker.train.tuner")
    with pytest.raises(MissingDependencyError, match=re.escape("training-grounds[sagemaker]")):
        routine.config.tuner(RATE, "auc")


@pytest.mark.parametrize(
    ("ranges", "options", "message"),
    [
        ({}, {}, "Give 1 to 30"),
        ({"rate": (0.1, 0.9)}, {}, "Give a list of values, ContinuousRange"),
        ({"rat": [0.1]}, {}, "Did you mean 'rate'"),
        ({"net.rate:flot": [0.1]}, {}, "Did you mean 'float'"),
        ({"folds": ContinuousRange(low=1, high=3)}, {}, "is to be int"),
        ({"net.name": IntegerRange(low=1, high=3)}, {}, "is no number: it would be set to '1'"),
        ({"net.shuffle": IntegerRange(low=0, high=1)}, {}, "is no number"),
        ({"net.shuffle": ["yes", "maybe"]}, {}, "'maybe'"),
        ({"rate": [0.1], "hyperparameters.rate": [0.2]}, {}, "set the same field"),
        (RATE, {"hyperparameters": {"rate": 0.5}}, "has a range and the value '0.5'"),
        (RATE, {"hyperparameters": {"rate:float": 0.5}}, "set the same field"),
        (RATE, {"max_job": 3}, "Did you mean 'max_jobs'"),
        (RATE, {"max_jobs": 0}, "max_jobs is 0"),
        (RATE, {"max_jobs": 2, "max_parallel_jobs": 3}, "max_parallel_jobs is 3"),
        (RATE, {"strategy": "Grid"}, "a grid has no ContinuousRange"),
        ({"rate": [0.1, 0.2]}, {"strategy": "Grid", "max_jobs": 3}, "the grid has 2 cells"),
        (RATE, {"strategy": "grid"}, "strategy is 'grid'"),
        (RATE, {"goal": "max"}, "Choose of Maximize, Minimize"),
        (RATE, {"max_tuning_seconds": 60}, "from 120 to"),
        (RATE, {"random_seed": 0}, "random_seed is 0"),
        (RATE, {"strategy": "Hyperband", "early_stopping": True}, "Leave it out"),
        (RATE, {"instance_type": "local_cpu"}, "no trainings on this machine"),
        (RATE, {"session": object()}, "needs an image in a registry"),
        (RATE, {}, "there is no dataset"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_built(
    routine: SagemakerRoutine, ranges: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        routine.config.tuner(ranges, "auc", **options)


def test_an_objective_that_the_task_does_not_name_has_to_be_named_twice(
    routine: SagemakerRoutine,
) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'auc'"):
        routine.config.tuner(RATE, "acu")
    metrics = tuner_module._metrics(routine.config.job.task, "acu", ["acu", "loss"])
    assert metrics == ["acu", "loss"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ContinuousRange, {"low": 1.0, "high": 1.0}),
        (ContinuousRange, {"low": 0, "high": float("inf")}),
        (ContinuousRange, {"low": "0", "high": 1}),
        (ContinuousRange, {"low": 0, "high": 1, "scaling": "Logarithmic"}),
        (ContinuousRange, {"low": 0, "high": 1, "scaling": "ReverseLogarithmic"}),
        (ContinuousRange, {"low": 0, "high": 1, "scaling": "log"}),
        (IntegerRange, {"low": 1, "high": 2.5}),
        (IntegerRange, {"low": False, "high": True}),
        (IntegerRange, {"low": 1, "high": 2, "scaling": "ReverseLogarithmic"}),
        (CategoricalRange, {"values": []}),
        (CategoricalRange, {"values": "adam"}),
        (CategoricalRange, {"values": [1, "1"]}),
        (CategoricalRange, {"values": ["x" * 257]}),
        (CategoricalRange, {"values": [object()]}),
    ],
)
def test_a_range_that_the_service_would_refuse_is_none(kind: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        kind(**values)


def test_values_of_several_types_fit_a_field_that_holds_nothing() -> None:
    ranges = tuning_ranges({"net.depth": [3, "auto", None, [1, 2]], "net.layers": [[8], [8, 8]]})
    check_ranges(NetTask(), ranges, {})
    assert ranges["net.depth"].texts == ("3", "auto", "null", "[1, 2]")


def test_looking_for_ranges_does_not_change_the_users_task() -> None:
    task = NetTask()
    check_ranges(task, tuning_ranges({"net.rate": [0.5]}), {"folds": "7"})
    assert task.net.rate == 0.1
    assert task.hyperparameters["folds"] == 2


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2, unique=True)
)
def test_the_ends_of_a_range_reach_the_task_bit_for_bit(ends: list[float]) -> None:
    low, high = sorted(ends)
    task = NetTask()
    for text, value in zip(ContinuousRange(low=low, high=high).texts, (low, high), strict=True):
        assert task.apply_hyperparameters({"net.rate": text})["net.rate"] == value


def test_a_grid_has_as_many_trainings_as_cells() -> None:
    ranges = tuning_ranges({"net.rate": [0.1, 0.2, 0.3], "net.name": ["a", "b"]})
    assert TunerOptions(strategy="Grid").job_count(ranges) == 6
    assert TunerOptions().job_count(ranges) == 10
