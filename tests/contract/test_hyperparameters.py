"""A sweep sets what it says, with the type it says, or nothing at all."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import HyperparameterError
from tg.common.contract.fields import walk_fields
from tg.common.contract.hyperparameters import apply_hyperparameters


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Constructor:
    def __init__(self, **kwargs):
        self.type_name = "a:B"
        self.kwargs = kwargs

    def open_hyperparameters(self, field):
        return None if field == "kwargs" else []


class Task:
    batch_size = 32  # a default in the class body, as many write them

    def __init__(self):
        self.rate = 0.1
        self.epochs = 5
        self.shuffle = True
        self.name = "task"
        self.note = None
        self.layers = [8, 16]
        self.options = {"depth": 3, 7: "seven"}
        self.shape = (2, 3)
        self.colour = Colour.RED
        self.folder = Path("a")
        self.constructor = Constructor(max_iter=100)
        self._secret = 1
        self._level = 0

    def method(self):
        """Callable, so no field."""

    @property
    def level(self):
        return self._level

    @level.setter
    def level(self, value):
        if value > 9:
            raise ValueError("too high")
        self._level = value

    @property
    def computed(self):
        return 1


def state(task):
    return repr({**vars(task), "constructor": vars(task.constructor)})


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("rate", "0.5", 0.5),
        ("rate", "1", 1.0),
        ("epochs", "7", 7),
        ("epochs:float", "7", 7.0),
        ("shuffle", "False", False),
        ("shuffle:bool", "no", False),
        ("shuffle:bool", "YES", True),
        ("name", "12", "12"),
        ("note", "plain text", "plain text"),
        ("note", "[1, 2]", [1, 2]),
        ("note:str", "[1, 2]", "[1, 2]"),
        ("layers.1", "4", 4),
        ("layers:json", "[1]", [1]),
        ("layers", "[1]", [1]),
        ("options.depth", "9", 9),
        ("options.7", "eight", "eight"),
        ("shape", "[4, 5]", (4, 5)),
        ("colour", "BLUE", Colour.BLUE),
        ("colour", "blue", Colour.BLUE),
        ("folder", "b/c", Path("b/c")),
        ("name:none", "None", None),
        ("batch_size", "64", 64),
        ("level", "3", 3),
        ("constructor.kwargs.max_iter", "200", 200),
        ("constructor.kwargs.C:float", "1", 1.0),
        ("constructor.kwargs.penalty", "l2", "l2"),
    ],
)
def test_a_text_becomes_the_value_it_stands_for(key, text, expected):
    task = Task()
    applied = apply_hyperparameters(task, {key: text})
    value = next(iter(applied.values()))
    assert value == expected
    assert type(value) is type(expected)
    owner = task
    steps = next(iter(applied)).split(".")
    for step in steps:
        if isinstance(owner, dict):
            owner = owner[step] if step in owner else owner[int(step)]
        elif isinstance(owner, list):
            owner = owner[int(step)]
        else:
            owner = getattr(owner, step)
    assert owner == expected


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("epochs", "1.5"),
        ("epochs:int", "1.5"),
        ("epochs:int", "1_000"),
        ("epochs:int", ""),
        ("rate", "fast"),
        ("rate", "1,5"),
        ("shuffle", "maybe"),
        ("shuffle:bool", "2"),
        ("layers:json", "[1"),
        ("name:none", "something"),
        ("colour", "green"),
        ("constructor", "x"),
        ("name", 5),
        ("epochs", True),
        ("rate:flot", "1"),
        ("shape.0", "1"),
        ("computed", "2"),
        ("level", "10"),
        ("_secret", "2:"),
        ("__class__", "x"),
        ("constructor.__class__", "x"),
        ("method", "x"),
        ("name.upper", "x"),
        ("constructor.kwargs._x", "1"),
        ("layers.2", "1"),
        ("layers.-1", "1"),
        ("options.new", "1"),
        ("", "1"),
        (".", "1"),
        ("rate.", "1"),
    ],
)
def test_what_cannot_be_set_is_an_error_and_nothing_is_changed(key, text):
    task = Task()
    before = state(task)
    values = {"rate:float": "0.9", "batch_size": "1", key: text}
    with pytest.raises(HyperparameterError) as caught:
        apply_hyperparameters(task, values)
    assert key.rpartition(":")[0] in str(caught.value)
    assert state(task) == before
    assert task.batch_size == 32


def test_what_was_set_is_set_back_when_a_setter_refuses():
    # A sweep over a task whose property checks its value must not leave half a configuration.
    task = Task()
    apply_hyperparameters(task, {"level": "4"})
    before = state(task)
    with pytest.raises(HyperparameterError, match="too high"):
        apply_hyperparameters(
            task,
            {
                "rate": "9",
                "layers.0": "1",
                "constructor.kwargs.C": "1",
                "batch_size": "2",
                "level": "10",
            },
        )
    assert state(task) == before
    assert "batch_size" not in vars(task)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("epoch", "epochs"),
        ("constructor.kwarg.C", "constructor.kwargs.C"),
        ("construktor.kwargs.C", "constructor.kwargs.C"),
        ("max_iter", "constructor.kwargs.max_iter"),
        ("kwargs.max_iter", "constructor.kwargs.max_iter"),
        ("options.dept", "options.depth"),
        ("Rate", "rate"),
    ],
)
def test_a_wrong_path_names_the_nearest_right_one(wrong, right):
    with pytest.raises(HyperparameterError, match=f"Did you mean '{right}'"):
        apply_hyperparameters(Task(), {wrong: "1"})


def test_keys_that_sagemaker_adds_are_passed_over():
    values = {
        "_tuning_objective_metric": "roc_auc_score_test",
        "sagemaker_program": "train.py",
        "sagemaker_region": "x",
        "rate": "2",
    }
    assert apply_hyperparameters(Task(), values) == {"rate": 2.0}


@pytest.mark.parametrize(
    "keys", [("rate", "rate:float"), ("constructor.kwargs:json", "constructor.kwargs.C:float")]
)
def test_two_keys_for_one_field_are_an_error(keys):
    # The winner would hang on the order in which SageMaker lists them.
    with pytest.raises(HyperparameterError, match="same field"):
        apply_hyperparameters(Task(), dict.fromkeys(keys, "1"))


def test_a_frozen_object_is_refused_before_anything_is_set():
    @dataclass(frozen=True)
    class Frozen:
        alpha: float = 1.0

    task = Task()
    task.note = Frozen()
    with pytest.raises(HyperparameterError, match="frozen"):
        apply_hyperparameters(task, {"rate": "3", "note.alpha": "2"})
    assert task.rate == 0.1


def test_slots_can_be_set():
    class Slotted:
        __slots__ = ("alpha",)

        def __init__(self):
            self.alpha = 1

    slotted = Slotted()
    assert apply_hyperparameters(slotted, {"alpha": "2"}) == {"alpha": 2}
    assert slotted.alpha == 2


def test_cycles_and_data_do_not_hang_the_search_for_a_suggestion():
    task = Task()
    task.itself = task
    task.layers.append(task)
    task.frame = pd.DataFrame({"rates": range(100_000)})
    task.array = np.zeros((1000, 1000))
    with pytest.raises(HyperparameterError):
        apply_hyperparameters(task, {"itself.itself.nothing_like_it": "1"})
    paths = [path for path, _ in walk_fields(task)]
    assert "frame" in paths
    assert not any(path.startswith(("frame.", "array.")) for path in paths)
    assert apply_hyperparameters(task, {"itself.itself.rate": "7"}) == {"itself.itself.rate": 7.0}


@pytest.mark.parametrize("path", ["frame.columns", "frame.rates", "array.shape", "array.0"])
def test_no_path_leads_into_data(path):
    task = Task()
    task.frame = pd.DataFrame({"rates": [1]})
    task.array = np.zeros(3)
    with pytest.raises(HyperparameterError):
        apply_hyperparameters(task, {path: "1"})


@pytest.mark.parametrize(
    ("current", "text", "expected"),
    [
        (np.float64(1.0), "2", 2.0),
        (np.int64(1), "2", 2),
        (np.bool_(True), "False", False),
    ],
)
def test_numpy_numbers_tell_their_type(current, text, expected):
    assert apply_hyperparameters({"x": current}, {"x": text}) == {"x": expected}


@given(st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text())
def test_every_plain_value_comes_back_from_its_text(value):
    # SageMaker hands strings only: a value that changed on the way would be trained silently.
    target = {"x": copy.copy(value)}
    assert apply_hyperparameters(target, {"x": str(value)}) == {"x": value}
    assert type(target["x"]) is type(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_every_json_value_comes_back_from_its_text(value):
    assert apply_hyperparameters({"x": None}, {"x:json": json.dumps(value)}) == {"x": value}


NAMES = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True)
TREES = st.dictionaries(
    NAMES, st.recursive(st.integers(), lambda inner: st.dictionaries(NAMES, inner), max_leaves=5)
)


@given(TREES, NAMES)
def test_a_path_is_taken_exactly_if_it_is_there(tree, step):
    paths = dict(walk_fields(tree, max_depth=20))
    for path, value in paths.items():
        if isinstance(value, int):
            assert apply_hyperparameters(copy.deepcopy(tree), {path: "3"}) in (
                {path: 3},
                {},  # a key such as sagemaker_x is not ours
            )
    if step not in tree:
        with pytest.raises(HyperparameterError):
            apply_hyperparameters(tree, {step: "3"})


@given(st.text())
def test_any_key_is_set_passed_over_or_a_typed_error(key):
    before = state(Task())
    task = Task()
    try:
        applied = apply_hyperparameters(task, {key: "3"})
    except HyperparameterError:
        applied = {}
    if not applied:
        assert state(task) == before


def test_setting_hyperparameters_loads_no_pandas():
    # It runs in the client and in slim containers, where pandas may not be.
    code = (
        "import sys; from tg.common.contract.hyperparameters import apply_hyperparameters;"
        "apply_hyperparameters({'a': 1}, {'a': '2'});"
        "sys.exit('pandas' in sys.modules or 'numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
