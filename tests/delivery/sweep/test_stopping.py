"""Which runs a rule ends, and how long it takes to say so."""

from __future__ import annotations

import math
import statistics
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.sweep import MedianStopping

HISTORIES = st.lists(st.lists(st.integers(-9, 9), max_size=6), max_size=8)


@given(
    HISTORIES,
    st.sets(st.integers(0, 7)),
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from(["max", "min"]),
)
def test_runs_are_ended_as_the_rule_is_written_in_its_paper(histories, ended, warmup, least, mode):
    # else a sweep ends what would have been best, which nobody ever learns
    rule = MedianStopping(metric="m", mode=mode, warmup_steps=warmup, min_runs=least)
    sign = 1 if mode == "max" else -1
    expected = set()
    for number, own in enumerate(histories):
        step = len(own)
        others = [
            Fraction(sign * sum(other[:step]), min(step, len(other)))
            for place, other in enumerate(histories)
            if place != number and other and step > 0 and (step <= len(other) or place in ended)
        ]
        is_judged = number not in ended and step >= warmup and len(others) >= least
        if is_judged and max(sign * value for value in own) < statistics.median(others):
            expected.add(f"t{number}")
    named = {f"t{number}": list(map(float, own)) for number, own in enumerate(histories)}
    running = {f"t{number}" for number in range(len(histories)) if number not in ended}
    assert rule.to_stop(named, running) == expected


def test_who_reports_more_often_than_those_that_have_ended_is_judged_as_well():
    # else a training that goes on for ever is never ended, as nobody has come as far
    rule = MedianStopping(metric="m", warmup_steps=2, min_runs=2)
    named = {"a": [1.0] * 4, "b": [2.0] * 4, "c": [-9.0] * 100}
    assert rule.to_stop(named, ["c"]) == {"c"}
    assert rule.to_stop(named, ["a", "b", "c"]) == set()


def test_only_runs_that_go_on_are_ended():
    rule = MedianStopping(metric="m", warmup_steps=1, min_runs=1)
    assert rule.to_stop({"a": [3.0], "b": [1.0], "c": [1.0]}, ["a", "b"]) == {"b"}


@pytest.mark.parametrize("mode", ["max", "min"])
def test_values_beyond_all_numbers_end_no_sweep(mode):
    # a loss that explodes is what the rule is for
    rule = MedianStopping(metric="m", mode=mode, warmup_steps=1, min_runs=1)
    named = {
        "a": [math.inf, math.nan, 1.0],
        "b": [-math.inf, math.inf, 1.0],
        "c": [1e308, 1e308, 1e308],
        "d": [1.0, 1.0, 1.0],
    }
    assert rule.to_stop(named, named) <= named.keys()


def test_a_thousand_runs_of_a_thousand_steps_are_judged_at_once():
    # all of a sweep waits for the answer
    named = {f"t{n}": [float(n + step % 7) for step in range(1_000)] for n in range(1_000)}
    rule = MedianStopping(metric="m")
    began = time.thread_time()
    losers = rule.to_stop(named, named)
    assert time.thread_time() - began < 3.0
    assert 0 < len(losers) < 500
