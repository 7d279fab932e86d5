"""A value that is written wrongly gives two trainings one name, or a name that lies."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tg.common._core.errors import NamingError
from tg.common.delivery.naming import (
    DOCKER_TAG,
    PYTHON_MODULE,
    SAGEMAKER_JOB,
    TARGETS,
    decode,
    encode,
)
from tg.common.delivery.naming.description import describe

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(alphabet="abzZeAlsm01._- nonetrue")
)
# a set may hold two of nan, which is equal to nothing
HASHABLE = st.recursive(
    SCALARS.filter(lambda value: value == value),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
    ),
    max_leaves=8,
)
AWKWARD = [
    None, True, False, "None", "True", "none", "true", "", "0", "1", 0, 1, -1, 1.0, 10, 10.0, -0.0,
    0.0, 1e-5, 3e-5, 1e5, 100000, 1e16, 1e-300, float("inf"), float("-inf"), float("nan"), "inf",
    "nan", "m1", "M1", "1p0", "1e5", "a", "A", "é", "e", "É", "z", "zz", "Z", "zs", "ZS", "a/b",
    "a_b", "a-b", "a.b", "a b", "-", "--", "_", " ", [], [[]], [10], [10, 5], [[10], [5]],
    [[10, 5]], 10**5000, [105], "10-5", ["10", "5"], ["10-5"], (10, 5), (10,), (), {10, 5},
    frozenset({10, 5}), {}, {10: 5}, {"a": 1, "b": [2]}, [None], ["a"], ["a", "b"], ["a-00b"],
    [1.5, -2], "zb10ze", 10**900, -(10**900), "abLR1", "ABLc", "\ud800", "\0", "模型", [0], [0, 0],
    ["0", 0], "x" * 200,
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.title)
@given(value=VALUES)
@example("ABzl")
@example("ABZAB")
@example(["", ".5", "00"])
@example({(1, 2): {"a": [(), frozenset()]}})
def test_what_is_written_reads_back_as_the_same_value_of_the_same_type(target, value):
    again = decode(encode(value, target=target), target=target)
    assert describe(again, "again").canonical() == describe(value, "value").canonical()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.title)
@given(value=VALUES)
def test_a_value_never_seems_to_begin_another_parameter(target, value):
    text = encode(value, target=target)
    assert target.is_legal(f"k{text}"[: target.limit].rstrip("-._"))
    for part in text.split(target.joiner)[1:]:
        assert part[:1].isdigit()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.title)
def test_no_two_awkward_values_are_written_alike(target):
    texts = [encode(value, target=target) for value in AWKWARD]
    if target.lower_case:
        assert texts == [text.lower() for text in texts]
    assert len(set(texts)) == len(AWKWARD)


def test_the_pairs_that_other_tools_confuse_are_told_apart():
    pairs = [(1.0, 10), (1, 1.0), (True, "True"), (1e-5, 3e-5), ("a/b", "a_b"), ("é", "e")]
    for one, other in pairs:
        assert encode(one) != encode(other)
    assert len({encode(number) for number in range(1000, 2000)}) == 1000
    assert len({encode([[10], [5]]), encode([[10, 5]]), encode([10, [5]]), encode([10, 5])}) == 4


def test_common_values_stay_readable():
    assert encode(0.001) == "0p001"
    assert encode(3e-5) == "3em5"
    assert encode(0.001, target=DOCKER_TAG) == "0.001"
    assert encode("bert_base", target=DOCKER_TAG) == "bert_base"
    assert encode("Adam") == "Adam"
    assert encode("SGD", target=PYTHON_MODULE) == "zlsgd"
    assert encode(["relu", "tanh"]) == "relu-00tanh"


def test_special_floats_come_back():
    assert math.isnan(decode("nan"))
    assert decode("minf") == -math.inf
    assert math.copysign(1, decode(encode(-0.0))) == -1


@pytest.mark.parametrize("text", ["", "zb10", "zmaze", "zyzbzeze", "10-", "1x", "-5", "a_b", "aze"])
def test_a_text_that_stands_for_nothing_is_refused(text):
    with pytest.raises(NamingError, match="does not stand for a value"):
        decode(text, target=SAGEMAKER_JOB)


def test_an_object_is_not_taken_for_a_text():
    with pytest.raises(NamingError, match="plan"):
        decode(encode(int))
