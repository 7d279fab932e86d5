"""Two tasks under one name overwrite each other; a name without a way back says nothing."""

import itertools
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import NamingError
from tg.common.delivery.naming import (
    DOCKER_TAG,
    PYTHON_MODULE,
    S3_KEY,
    SAGEMAKER_JOB,
    TARGETS,
    NamePlan,
    Target,
)
from tg.common.delivery.naming.description import describe

KEYS = st.sampled_from(["learning_rate", "loss_ratio", "lr", "l_r", "network_size", "l1", "l2"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2000)
    | st.floats()
    | st.text(max_size=6)
    | st.text(alphabet="aAbzZ01-_.", max_size=5)
    | st.sampled_from(["Adam", "adam", "ADAM", "x" * 70, "é", "LR1", "1-LR1"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=2).map(tuple),
    max_leaves=4,
)


def canonical(value):
    return describe(value, "value").canonical()


GRIDS = st.dictionaries(
    KEYS, st.lists(VALUES, min_size=1, max_size=4, unique_by=canonical), min_size=1, max_size=4
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.title)
@given(grid=GRIDS, prefix=st.none() | st.just("sweep1"))
def test_names_are_unique_legal_and_lead_back(target, grid, prefix):
    plan = NamePlan(grid, prefix=prefix, target=target)
    cells = list(itertools.product(*grid.values()))
    assert len({name.lower() for name in plan}) == len(cells) == len(plan)
    assert all(target.is_legal(name) for name in plan)
    for name, cell in zip(plan, cells, strict=True):
        assert canonical(plan.cell(name)) == canonical(dict(zip(grid, cell, strict=True)))


@given(grid=GRIDS)
def test_the_order_of_the_grid_does_not_change_a_name(grid):
    plan = NamePlan(grid)
    turned = NamePlan({key: list(reversed(grid[key])) for key in reversed(grid)})
    found = {canonical(turned[name]): name for name in turned}
    assert found == {canonical(plan[name]): name for name in plan}


NUMBERS = st.integers(0, 200) | st.floats(0, 1)


@given(
    first=st.lists(NUMBERS, min_size=2, max_size=4, unique_by=canonical),
    more=st.lists(NUMBERS, max_size=4),
)
def test_more_values_do_not_change_the_names_of_those_before(first, more):
    both = list({canonical(value): value for value in first + more}.values())
    small = NamePlan({"learning_rate": first, "layers": [[10], [10, 5]]})
    large = NamePlan({"learning_rate": both, "layers": [[10], [10, 5], [7]]})
    assert set(small) <= set(large)


def test_the_documented_names_stay():
    grid = {"learning_rate": [1, 2], "network_size": [[10], [10, 5]]}
    assert NamePlan(grid, order=["learning_rate", "network_size"]).names == (
        "LR1-NS10",
        "LR1-NS10-5",
        "LR2-NS10",
        "LR2-NS10-5",
    )


def test_each_target_has_its_own_rendering_of_the_same_cells():
    plan = NamePlan({"learning_rate": [0.001, 3e-5], "model": ["bert_base", "GPT"]})
    assert plan.names[:2] == ("LR0p001-Mbertzubase", "LR0p001-MGPT")
    assert plan.for_target(DOCKER_TAG).names[:2] == ("LR0.001-Mbert_base", "LR0.001-MGPT")
    assert plan.for_target(S3_KEY).names[:2] == ("LR0.001-Mbert_base", "LR0.001-MGPT")
    modules = plan.for_target(PYTHON_MODULE)
    assert modules.names[:2] == ("lr0p001_mbertzubase", "lr0p001_mzlgpt")
    assert modules.target is PYTHON_MODULE
    assert [plan[name] for name in plan] == [modules[name] for name in modules]


def test_parameters_that_do_not_fit_are_dropped_whole_and_a_hash_stays():
    grid = {"a": [1, 2], "long_text": ["x" * 80 + "1", "x" * 80 + "2"], "z": [1, 2]}
    plan = NamePlan(grid)
    assert len(set(plan)) == 8
    for name in plan:
        kept, _, digest = name.partition("--")
        assert kept in {"A1-Z1", "A1-Z2", "A2-Z1", "A2-Z2"}
        assert len(digest) == 12
    only_long = NamePlan({"text": ["x" * 80, "y" * 80]})
    assert all(SAGEMAKER_JOB.is_legal(name) and len(name) == 13 for name in only_long)


def test_hashes_that_meet_are_made_longer():
    tight = Target(title="tight name", pattern=r"[a-zA-Z0-9-]+", limit=24, digest_length=1)
    plan = NamePlan({"text": [f"{'x' * 30}{number}" for number in range(200)]}, target=tight)
    assert len(set(plan)) == 200
    assert all(len(name) <= 24 for name in plan)


def test_a_collision_without_a_way_out_is_told():
    tiny = Target(
        title="tiny name", pattern=r"[a-z0-9-]+", limit=2, digest_length=1, lower_case=True
    )
    with pytest.raises(NamingError, match="tiny name"):
        NamePlan({"text": [f"{'x' * 30}{number}" for number in range(200)]}, target=tiny)


def test_values_that_differ_in_case_only_have_names_that_differ_in_more():
    names = NamePlan({"optimizer": ["adam", "Adam", "sgd"]}).names
    assert len({name.lower() for name in names}) == 3
    assert names[2] == "Osgd"


def test_a_grid_in_which_nothing_varies_still_has_a_name():
    assert NamePlan({"learning_rate": [1], "layers": [[10, 5]]}).names == ("L10-5-LR1",)
    assert NamePlan({"learning_rate": [1]}, prefix="base").names == ("base",)
    assert NamePlan({}, fallback="build task").names == ("build-task",)


def test_what_a_plan_hands_out_can_be_changed_without_harm():
    layers = [[10], [10, 5]]
    plan = NamePlan({"layers": layers})
    layers[0].append(99)
    plan["L10"]["layers"].append(99)
    assert plan["L10"] == {"layers": [10]}


def test_a_plan_outlives_its_process():
    plan = NamePlan({"learning_rate": [0.1, 0.2]}, prefix="p")
    again = pickle.loads(pickle.dumps(plan))
    assert again.names == plan.names
    assert again.cell("p-LR0p2") == {"learning_rate": 0.2}
    assert repr(again) == "<NamePlan of 2, each a SageMaker job name: p-LR0p1, p-LR0p2>"


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(NamingError, match="'LR0p1'"):
        NamePlan({"learning_rate": [0.1, 0.2]}).cell("LR0p11")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "learning_rate has no values"),
        ((), "learning_rate has no values"),
        ("adam", "learning_rate has the text 'adam'"),
        (b"adam", "learning_rate has the text"),
        (0.1, "learning_rate has the single value 0.1"),
        ({1, 2}, "learning_rate has a set"),
        ({1: 2}, "learning_rate has a dict"),
        ([1, 2, 1], "the values 0 and 2 of learning_rate are equal: 1"),
        ([float("nan"), float("nan")], "are equal: nan"),
        ([[1], [1]], "are equal"),
        ([object(), 1], "the value of learning_rate"),
    ],
)
def test_a_list_that_is_none_or_cannot_be_named_is_told_by_its_key(values, message):
    with pytest.raises(NamingError, match=message) as caught:
        NamePlan({"layers": [1, 2], "learning_rate": values})
    assert caught.value.hint


@pytest.mark.parametrize("prefix", ["", "-a", "a-", "a_b", "é", "a b", "a" * 60, "a\n"])
def test_a_prefix_that_no_job_can_have_is_refused(prefix):
    with pytest.raises(NamingError, match="prefix"):
        NamePlan({"learning_rate": [1, 2]}, prefix=prefix)


def test_a_prefix_is_checked_for_each_target():
    plan = NamePlan({"learning_rate": [1, 2]}, prefix="my-sweep")
    with pytest.raises(NamingError, match="Python module name"):
        plan.for_target(PYTHON_MODULE)


PROGRAM = """
import enum
from pathlib import Path
from tg.common.delivery.naming import NamePlan
class Mode(enum.Enum):
    fast = "f"
    slow = "s"
grid = dict(
    rate=[0.1, 3e-5],
    features=[{"age", "sex", "fare"}, frozenset({"b", "a"}), {"k": {"x", "y"}}],
    mode=[Mode.fast, Mode.slow],
    path=[Path("a"), "a"],
    text=["x" * 90, "y" * 90],
)
print("\\n".join(NamePlan(grid)))
"""


def test_a_restarted_kernel_gives_the_same_names():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
    assert len(set(outputs.pop().split())) == 48


def test_naming_needs_nothing_but_the_standard_library():
    program = (
        "import sys; import tg.common.delivery.naming as n; n.NamePlan({'a': [1, 2]}); n.job_name; "
        "n.encode; print([m for m in ('numpy', 'pandas', 'boto3') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
