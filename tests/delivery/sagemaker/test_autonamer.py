"""What a user of the documented Autonamer relies on, and what the first one got wrong."""

import enum
import functools
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from yo_fluq_ds import Obj

from tg.common._core.errors import ConfigError, NamingError
from tg.common.delivery.naming import DOCKER_TAG, PYTHON_MODULE, SAGEMAKER_JOB
from tg.common.delivery.sagemaker.autonamer import Autonamer


def build(learning_rate=1, network_size=[10, 10], context_length=10):  # noqa: B006 - as documented
    return Obj(info={"name": ""})


def build_anything(**parameters):
    return SimpleNamespace(info={}, parameters=parameters)


class Optimizer(enum.Enum):
    adam = "adam"
    sgd = "sgd"


def names(**grid):
    return Autonamer(build_anything).names(**grid)


def test_the_documented_call_prints_the_documented_result():
    tasks = Autonamer(build).build_tasks(learning_rate=[1, 2], network_size=[[10], [10, 5]])
    assert str(tasks) == (
        "[{'info': {'name': 'LR1-NS10'}}, {'info': {'name': 'LR1-NS10-5'}}, "
        "{'info': {'name': 'LR2-NS10'}}, {'info': {'name': 'LR2-NS10-5'}}]"
    )


def test_the_order_of_the_keys_sets_the_order_of_tasks_but_not_the_names():
    found = Autonamer(build).names(network_size=[[10], [10, 5]], learning_rate=[1, 2])
    assert found == ["LR1-NS10", "LR2-NS10", "LR1-NS10-5", "LR2-NS10-5"]


@pytest.mark.parametrize(
    "grid",
    [
        {"learning_rate": [1.0, 10]},
        {"n": list(range(1000, 2000))},
        {"flag": [True, "True", False, "False", None, "None"]},
        {"learning_rate": [0.1, 0.2], "loss_ratio": [0.1, 0.2]},
        {"optimizer": list(Optimizer)},
        {"layers": [[[10], [5]], [[10, 5]], [10, [5]], [10, 5]]},
        {"path": ["a/b", "a_b", "ab", "a-b", "é", "e"]},
        {"text": ["x" * 63 + "a", "x" * 63 + "b"]},
        {"rate": [1e-5, 3e-5]},
        {"a": [1, 11], "b": ["1", "B1", 1]},
        {"size": [[1], [1, 2]], "b": [1, 2]},
    ],
    ids="-".join,
)
def test_what_the_first_autonamer_confused_is_told_apart(grid):
    found = names(**grid)
    assert len({name.lower() for name in found}) == len(list(itertools.product(*grid.values())))
    assert all(SAGEMAKER_JOB.is_legal(name) for name in found)


def test_members_of_an_enum_are_seen():
    assert names(optimizer=list(Optimizer)) == ["Oadam", "Osgd"]
    assert names(optimizer=Optimizer) == ["Oadam", "Osgd"]


def test_a_realistic_sweep_has_as_many_names_as_tasks():
    tasks = Autonamer(build_anything, prefix="titanic").build_tasks(
        learning_rate=np.logspace(-5, -1, 5),
        batch_size=[16, 32, 64, 128, 256, 512, 1024],
        loss_ratio=[0.1, 1.0, 10],
        network_size=[[10], [10, 5], [100, 50, 10], [], [1000]],
        optimizer=["adam", Optimizer.adam],
        context_length=[10],
    )
    found = [task.info["name"] for task in tasks]
    assert len(set(found)) == len(tasks) == 1050
    assert all(SAGEMAKER_JOB.is_legal(name) for name in found)


def test_the_prefix_and_common_arguments():
    autonamer = Autonamer(build_anything, prefix="sweep", common_arguments={"data": ["a"]})
    one, two = autonamer.build_tasks(learning_rate=[1, 2])
    assert [one.info["name"], two.info["name"]] == ["sweep-LR1", "sweep-LR2"]
    assert one.parameters == {"data": ["a"], "learning_rate": 1}


def test_the_way_back_is_exact():
    autonamer = Autonamer(build_anything)
    grid = {"rate": [1, 1.0, "1", True], "layers": [[10], (10,)], "text": ["x" * 70, "y" * 70]}
    for task in autonamer.build_tasks(**grid):
        found = autonamer.parameters(task.info["name"])
        assert repr(found) == repr(task.parameters)
        assert repr(Autonamer(build_anything).parameters(task.info["name"], **grid)) == repr(found)


def test_the_way_back_needs_a_grid():
    with pytest.raises(NamingError, match="no grid is known"):
        Autonamer(build).parameters("LR1")


def test_tasks_share_nothing_with_each_other_nor_with_the_grid():
    def keep(layers, options, callbacks=[]):  # noqa: B006 - what users write
        return SimpleNamespace(info={}, layers=layers, options=options, callbacks=callbacks)

    layers, options = [[10], [5]], {"deep": [1]}
    autonamer = Autonamer(keep, common_arguments={"options": options})
    tasks = autonamer.build_tasks(layers=layers)
    tasks[0].layers.append(99)
    tasks[0].options["deep"].append(99)
    tasks[0].callbacks.append(99)
    assert (layers, options) == ([[10], [5]], {"deep": [1]})
    assert (tasks[1].layers, tasks[1].options, tasks[1].callbacks) == ([5], {"deep": [1]}, [])
    assert keep([], {}).callbacks == []


def test_other_targets():
    plan = Autonamer(build).plan(learning_rate=[0.1], network_size=[[10], [10, 5]])
    assert plan.names == ("NS10", "NS10-5")
    assert plan.for_target(PYTHON_MODULE).names == ("ns10", "ns10_5")
    tags = Autonamer(build, target=DOCKER_TAG).names(learning_rate=[0.1, 0.2])
    assert tags == ["LR0.1", "LR0.2"]


def test_nothing_is_built_before_all_names_are_known():
    built = []

    def record(rate, callback=None):
        built.append(rate)
        return SimpleNamespace(info={})

    for grid in (
        {"rate": [1, 2], "callback": [object()]},
        {"rate": []},
        {"rate": [1, 1]},
        {"rate": "12"},
        {"rate": [1], "unknown": [1]},
        {"callback": [None]},
    ):
        with pytest.raises(ConfigError):
            Autonamer(record).build_tasks(**grid)
    with pytest.raises(NamingError):
        Autonamer(record, prefix="a b").build_tasks(rate=[1, 2])
    with pytest.raises(ConfigError, match="cannot be copied"):
        Autonamer(record, common_arguments={"callback": (i for i in "a")}).build_tasks(rate=[1])
    assert built == []


def test_the_error_names_the_parameter_without_a_value_of_its_own():
    with pytest.raises(NamingError, match="value of learning_rate"):
        Autonamer(build).build_tasks(learning_rate=[1, object()])


def test_a_mistyped_parameter_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'learning_rate'"):
        Autonamer(build).build_tasks(learning_rat=[1])
    with pytest.raises(ConfigError, match="Did you mean 'context_length'"):
        Autonamer(build, common_arguments={"contextlength": 3}).build_tasks(learning_rate=[1])


def test_a_parameter_given_twice_or_not_at_all_is_told():
    with pytest.raises(ConfigError, match="learning_rate is both"):
        Autonamer(build, common_arguments={"learning_rate": 3}).build_tasks(learning_rate=[1])
    with pytest.raises(ConfigError, match="needs 'path'"):
        Autonamer(lambda path, rate: None).build_tasks(rate=[1])


@pytest.mark.parametrize("result", [None, 1, SimpleNamespace(), SimpleNamespace(info=None), {}])
def test_a_build_method_that_returns_no_task_is_told(result):
    with pytest.raises(ConfigError, match="info"):
        Autonamer(lambda rate: result).build_tasks(rate=[1, 2])


def test_a_build_method_that_returns_one_task_twice_is_told():
    task = SimpleNamespace(info={})
    with pytest.raises(ConfigError, match="same info for 'R1' and 'R2'"):
        Autonamer(lambda rate: task).build_tasks(rate=[1, 2])


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ConfigError, match="cannot be called"):
        Autonamer(3)


def test_any_callable_builds():
    class Task:
        def __init__(self, self_name="", rate=0):
            self.info = {}
            self.rate = rate

    class Factory:
        def __call__(self, rate):
            return Task(rate=rate)

    for method in (Task, Factory(), functools.partial(Task, self_name="x"), Factory().__call__):
        found = Autonamer(method).build_tasks(rate=[1, 2])
        assert [(task.info["name"], task.rate) for task in found] == [("R1", 1), ("R2", 2)]


def test_a_grid_of_one_or_none_has_a_name():
    assert Autonamer(build).names() == ["build"]
    assert Autonamer(build).names(learning_rate=[1]) == ["LR1"]
    assert Autonamer(lambda: None).names() == ["lambda"]
    assert Autonamer(build, prefix="p").names(learning_rate=[1]) == ["p"]


def test_a_parameter_may_have_any_name():
    found = Autonamer(build_anything).build_tasks(self=[1, 2], name=[1], grid=[3])
    assert [task.parameters for task in found] == [
        {"self": 1, "name": 1, "grid": 3},
        {"self": 2, "name": 1, "grid": 3},
    ]
