"""A value described by less than what it is makes two trainings one."""

import dataclasses
import enum
import functools
import re
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from tg.common._core.errors import NamingError
from tg.common.delivery.naming import NamePlan
from tg.common.delivery.naming.description import describe


class Colour(enum.Enum):
    red = 1
    RED = 2
    blue = 3


class Size(enum.IntEnum):
    one = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(frozen=True)
class Layer:
    size: int
    activation: str = "relu"


class Quiet:
    pass


class Shouting(str):
    def __str__(self):
        return "same"


Point = namedtuple("Point", "x y")


def module_function():
    pass


def canonical(value):
    return describe(value, "value").canonical()


NAIVE = datetime.fromisoformat("2026-01-02T00:00:00")
DIFFERENT = [
    1, Size.one, True, np.int64(1), np.int32(1), np.float64(1), np.float32(1), 1.0, Decimal(1),
    Decimal("1.0"), Fraction(1), complex(1), "1", b"1", bytearray(b"1"), np.str_("1"), [1], (1,),
    np.array([1]), np.array([1], dtype="int32"), np.array([[1]]), np.array(1), np.zeros((0, 3)),
    np.zeros((0, 5)), np.zeros(9), np.ones(9), np.array([1, "a"], dtype=object), np.bool_(True),
    np.datetime64("2026-01-01"), Colour.red, Colour.RED, "red", Access.READ,
    Access.READ | Access.WRITE, Path("a"), "a", Path("a/b"), Path("A"), date(2026, 1, 2), NAIVE,
    datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1))),
    NAIVE.replace(fold=1), pd.Timestamp("2026-01-02"), timedelta(1), timedelta(seconds=1),
    UUID(int=1), UUID(int=2), Layer(1), Layer(2), Layer(1, "tanh"), Layer, Quiet, int, float, len,
    module_function, str.upper, np.sqrt, np.dtype("f4"), Shouting("a"), Shouting("b"), Point(1, 2),
    (1, 2), {"a": 1, "b": 2}, OrderedDict(a=1, b=2), OrderedDict(b=2, a=1), SimpleNamespace(a=1),
    re.compile("a" * 300), re.compile("a" * 300 + "b"), re.compile("a", re.I), range(3), range(4),
    functools.partial(int, base=2), functools.partial(int, base=3), LogisticRegression(),
    LogisticRegression(C=2.0), Layer(1).__eq__, {1, 2}, frozenset({1, 2}), [Colour.red], [Layer(1)],
]  # fmt: skip


def test_different_values_are_described_differently():
    seen = {}
    for value in DIFFERENT:
        assert seen.setdefault(canonical(value), value) is value


def test_equal_values_are_described_alike():
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    assert canonical({"x", "y", "z"}) == canonical({"z", "x", "y"})
    assert canonical(Path("a/b")) == canonical(PurePosixPath("a/b"))
    table = np.arange(6).reshape(2, 3)
    assert canonical(table) == canonical(np.asfortranarray(table))
    assert canonical(float("nan")) == canonical(float("-nan"))


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Quiet(),
        lambda: 1,
        {"deep": [Quiet()]},
        Layer(Quiet()),
        pd.DataFrame({"a": [1]}),
        pd.Series([1]),
        np.random.default_rng(0),
        np.ma.masked_array([1, 2], [True, False]),
        SimpleNamespace(a=Quiet()),
        functools.partial(lambda: 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_without_a_stable_description_is_refused_by_its_parameter(value):
    with pytest.raises(NamingError, match=r"the value of callback") as caught:
        describe(value, "callback")
    assert caught.value.hint


def test_the_error_names_the_place_within_the_value():
    with pytest.raises(NamingError, match=re.escape("the value of network['layers'][1] is")):
        describe({"layers": [1, Quiet()]}, "network")


def test_a_value_that_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(NamingError, match="contains itself"):
        describe(endless, "network")


def test_closures_are_refused_since_their_names_are_all_the_same():
    def make(power):
        def inner(value):
            return value**power

        return inner

    with pytest.raises(NamingError, match="no name that tells it from others"):
        NamePlan({"loss": [make(1), make(2)]})


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([Colour.red, Colour.blue], ["VRed", "Vblue"]),
        ([LogisticRegression, Layer], ["VLogisticRegression", "VLayer"]),
        ([np.float64(1e-5), np.float64(0.5)], ["V1em5", "V0p5"]),
        (np.array([1, 5]), ["V1", "V5"]),
        ([np.array([10]), np.array([10, 5])], ["V10", "V10-5"]),
        ([date(2026, 1, 2), date(2026, 1, 3)], ["V20260102", "V20260103"]),
        ([Decimal("0.1"), Decimal("0.10")], ["V0p1", "V0p10"]),
        ([(10,), (10, 5)], ["V10", "V10-5"]),
        ([timedelta(hours=1), timedelta(hours=2)], ["V3600p0", "V7200p0"]),
        ([Path("a.csv"), Path("b.csv")], ["Vazpcsv", "Vbzpcsv"]),
        ([10, [10], [10, 5]], ["V10", "Vzb10ze", "V10-5"]),
    ],
    ids=str,
)
def test_values_of_one_type_are_shown_by_what_tells_them_apart(values, names):
    found = NamePlan({"value": values}).names
    assert [name.lower() for name in found] == [name.lower() for name in names]


def test_values_of_two_types_with_one_label_get_a_hash():
    names = NamePlan({"value": ["red", Colour.red]}).names
    assert names[0] == "Vred"
    assert re.fullmatch(r"Vredzo\w{12}", names[1])
    upper, lower = NamePlan({"value": [Colour.red, Colour.RED]}).names
    assert upper.lower() != lower.lower()
