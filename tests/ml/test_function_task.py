"""A function is a task: its hyperparameters are checked before it is called."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import ConfigError, DatasetNotFoundError, HyperparameterError
from tg.common.contract import InMemoryTrainingEnvironment, apply_hyperparameters
from tg.common.ml.training_core import FunctionTask, read_data


def train(data, env, alpha=0.1, steps=10, verbose=False, layers=None):
    env.log(f"{len(data)} rows")
    return {"loss": alpha * steps, "rows": np.int64(len(data))}


def needs(data, env, *, rate, name="x"):
    return {"rate": rate}


def any_way(data, env, **hyperparameters):
    return hyperparameters


def test_numbers_are_metrics():
    result = FunctionTask(train, {"alpha": 0.5}).run([1, 2, 3])
    assert result["metrics"] == {"loss": 5.0, "rows": 3.0}
    assert result["log"][0] == "3 rows"
    assert result["runs"] == {}


@pytest.mark.parametrize("returned", ["a model", {"a": "text"}, [1, 2], {}, {1: 2}])
def test_anything_else_is_the_model(returned):
    result = FunctionTask(lambda data, env: returned).run(None)
    assert result["metrics"] == {}
    assert result["runs"] == {0: {"model": returned}}


def test_nothing_returned_is_nothing_stored():
    assert FunctionTask(lambda data, env: None).run(None)["runs"] == {}


@pytest.mark.parametrize("prefix", ["", "hyperparameters."])
@pytest.mark.parametrize("apply", [apply_hyperparameters, FunctionTask.apply_hyperparameters])
def test_hyperparameters_have_a_short_and_a_long_path(prefix, apply):
    task = FunctionTask(train)
    applied = apply(
        task,
        {
            f"{prefix}alpha:float": "2",
            f"{prefix}steps": "3",
            f"{prefix}verbose": "False",
            f"{prefix}layers": "[1, 2]",
        },
    )
    assert applied[f"{prefix}verbose"] is False
    assert task.hyperparameters == {"alpha": 2.0, "steps": 3, "verbose": False, "layers": [1, 2]}


def test_a_hyperparameter_without_a_default_can_be_set():
    task = FunctionTask(needs)
    with pytest.raises(HyperparameterError, match="needs a value of rate"):
        task.run(None)
    apply_hyperparameters(task, {"rate:float": "0.5", "name": "info"})
    assert task.run(None)["metrics"] == {"rate": 0.5}
    assert task.hyperparameters["name"] == "info"
    assert task.info["name"] == "needs"


def test_a_function_of_any_hyperparameters_takes_any():
    task = FunctionTask(any_way, {"depth": 1})
    apply_hyperparameters(task, {"hyperparameters.rate:float": "0.5", "depth": "2"})
    assert task.run(None)["metrics"] == {"depth": 2.0, "rate": 0.5}


@pytest.mark.parametrize("key", ["alhpa", "hyperparameters.alhpa", "hyperparameter.alpha"])
def test_a_wrong_name_says_the_right_one(key):
    with pytest.raises(HyperparameterError, match=r"Did you mean '(hyperparameters\.)?alpha'"):
        apply_hyperparameters(FunctionTask(train), {key: "1"})
    with pytest.raises(HyperparameterError, match="Did you mean 'alpha'"):
        FunctionTask(train, {"alhpa": 1})


def test_both_paths_of_one_hyperparameter_are_one_field():
    with pytest.raises(HyperparameterError, match="same field"):
        apply_hyperparameters(FunctionTask(train), {"alpha": "1", "hyperparameters.alpha": "2"})


def test_a_wrong_type_is_an_error_before_the_function_is_called():
    task = FunctionTask(train)
    with pytest.raises(HyperparameterError, match="'steps' is to be int"):
        apply_hyperparameters(task, {"alpha": "9", "steps": "1.5"})
    assert task.hyperparameters["alpha"] == 0.1


@pytest.mark.parametrize(
    "function", [lambda: 1, lambda data: 1, lambda *, data, env: 1, lambda **kw: 1]
)
def test_a_function_that_does_not_take_data_and_env_is_refused(function):
    with pytest.raises(ConfigError, match="data and env"):
        FunctionTask(function)
    with pytest.raises(ConfigError, match="no function"):
        FunctionTask("train")


class Callable:
    def __call__(self, data, env, power=2):
        return {"power": power}


@pytest.mark.parametrize(
    ("function", "name", "metrics"),
    [
        (functools.partial(train, alpha=3), "train", {"loss": 30.0, "rows": 0.0}),
        (Callable(), "Callable", {"power": 2.0}),
        (lambda *everything: {"count": len(everything)}, "<lambda>", {"count": 2.0}),
    ],
)
def test_all_that_can_be_called_is_a_function(function, name, metrics):
    task = FunctionTask(function)
    assert task.info["name"] == name
    assert task.run([])["metrics"] == metrics


def test_a_task_survives_pickling():
    task = pickle.loads(pickle.dumps(FunctionTask(train, {"steps": 2}, name="mine")))
    assert task.info["name"] == "mine"
    assert task.run([])["metrics"]["loss"] == 0.2


def test_defaults_of_the_function_are_not_changed():
    def with_list(data, env, layers=[8]):  # noqa: B006 - users write this
        return {"first": layers[0]}

    apply_hyperparameters(FunctionTask(with_list), {"layers.0": "1"})
    assert FunctionTask(with_list).run(None)["metrics"] == {"first": 8.0}


def test_a_function_can_resume_from_its_own_checkpoint():
    def counting(data, env):
        done = env.load_checkpoint("epoch") or 0
        for epoch in range(done, 3):
            env.save_checkpoint("epoch", epoch + 1)
            if epoch == 1 and done == 0:
                raise KeyboardInterrupt
        return {"first": done}

    checkpoints = {}
    with pytest.raises(KeyboardInterrupt):
        FunctionTask(counting).run(None, InMemoryTrainingEnvironment(checkpoints=checkpoints))
    env = InMemoryTrainingEnvironment(checkpoints=checkpoints)
    assert FunctionTask(counting).run(None, env)["metrics"] == {"first": 2.0}


def test_data_are_read_or_left_alone(tmp_path):
    df = pd.DataFrame({"x": [1, 2]})
    df.to_parquet(tmp_path / "a.parquet")
    df.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.png").touch()
    seen = []
    for data in (df, tmp_path / "a.parquet", tmp_path / "a.csv", tmp_path / "images"):
        FunctionTask(lambda data, env: seen.append(data)).run(data)
    assert all(isinstance(one, pd.DataFrame) for one in seen[:3])
    assert seen[3] == tmp_path / "images"
    FunctionTask(lambda data, env: seen.append(data), data_loader=None).run(tmp_path / "a.csv")
    assert seen[4] == tmp_path / "a.csv"
    with pytest.raises(DatasetNotFoundError):
        FunctionTask(train).run(tmp_path / "b.csv")


def test_parts_of_a_folder_are_read_in_the_order_of_their_names(tmp_path):
    for part in (3, 1, 2):
        pd.DataFrame({"x": [part, part]}).to_parquet(tmp_path / f"part-{part}.parquet")
    df = read_data(tmp_path)
    assert df["x"].tolist() == [1, 1, 2, 2, 3, 3]
    assert df.index.is_unique


@given(st.dictionaries(st.sampled_from(["alpha", "steps", "x", "data", "env"]), st.integers()))
def test_only_the_functions_own_hyperparameters_are_taken(given_values):
    allowed = set(given_values) <= {"alpha", "steps"}
    try:
        task = FunctionTask(train, given_values)
    except HyperparameterError:
        assert not allowed
    else:
        assert allowed
        assert task.hyperparameters.items() >= given_values.items()


def test_a_tuner_learns_the_metrics_before_the_training():
    assert FunctionTask(train, metric_names=("loss",)).get_metric_names() == ["loss"]
    assert FunctionTask(train).get_metric_names() == []
