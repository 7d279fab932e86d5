"""When the next run may be started, and which runs are worth another try or no try more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tg.common._core.errors import ConfigError
from tg.common.delivery.sweep import MedianStopping, Pace, RetryPolicy
from tg.common.delivery.sweep.gate import Gate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def gate(limit: int | None = None, **pace: float) -> tuple[Gate, Clock]:
    clock = Clock()
    return Gate(limit, Pace(**pace), clock, noise=lambda: 1.0), clock  # type: ignore[arg-type]


def room(one: Gate, running: int, starting: int = 0) -> int:
    """What a sweep finds that looks whether it may start anything."""
    one.probe(running)
    return one.room(running, starting)


def test_a_slot_is_free_when_an_own_run_ends() -> None:
    one, _ = gate()
    one.met_quota(running=3)
    assert room(one, running=3) == 0
    assert room(one, running=2) == 1
    assert room(one, running=2, starting=1) == 0


def test_results_that_are_not_kept_yet_do_not_pile_up() -> None:
    one, _ = gate(limit=2)
    assert [one.room(0, 0, ended) for ended in range(6)] == [2, 2, 2, 1, 0, 0]
    assert one.room(1, 0, 3) == 0


def test_a_quota_that_was_raised_is_found_out() -> None:
    # else a sweep would stay slow for hours after the user's limit was raised
    one, clock = gate(probe_seconds=60)
    one.met_quota(running=3)
    assert one.opens_in() == 60
    clock.now = 60
    assert room(one, running=3) == 1
    one.took(running=4)
    assert room(one, running=4) == 0
    clock.now = 120
    assert room(one, running=4) == 1


def test_with_no_run_of_its_own_a_quota_is_asked_later() -> None:
    one, clock = gate(first_pause_seconds=2)
    one.met_quota(running=0)
    assert room(one, running=0) == 0
    clock.now = one.opens_in()
    assert room(one, running=0) == 1


def test_pauses_grow_up_to_the_longest_and_end_with_the_first_success() -> None:
    one, clock = gate(first_pause_seconds=1, longest_pause_seconds=8)
    pauses = []
    for _ in range(6):
        one.met_throttle()
        one.met_throttle()  # another answer to the same burst
        pauses.append(one.opens_in())
        clock.now += one.opens_in()
    assert pauses == [1, 2, 4, 8, 8, 8]
    one.took(running=1)
    one.met_throttle()
    assert one.opens_in() == 1


def test_silence_is_measured_until_something_answers() -> None:
    one, clock = gate()
    one.met_silence()
    clock.now = 50
    one.met_silence()
    assert one.silent_seconds == 50
    one.was_answered()
    assert one.silent_seconds == 0


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 100),
    st.lists(st.sampled_from(["quota", "throttle", "silence", "took", "wait"]), max_size=30),
    st.integers(0, 200),
    st.integers(0, 200),
)
def test_never_more_than_the_limit(
    limit: int, story: list[str], running: int, starting: int
) -> None:
    one, clock = gate(limit)
    for event in story:
        if event == "wait":
            clock.now += 30
        elif event == "took":
            one.took(running)
        elif event == "quota":
            one.met_quota(running)
        elif event == "throttle":
            one.met_throttle()
        else:
            one.met_silence()
        found = room(one, running, starting)
        assert 0 <= found <= max(0, limit - running - starting)
        assert one.room(running, starting) == found  # to ask changes nothing
        assert one.opens_in() >= 0
    # whatever was refused, it goes on in the end
    clock.now += 1000
    assert room(one, 0) >= 1


@pytest.mark.parametrize("wrong", [{"task": 0}, {"engine": -1}, {"capacity": 1.5}])
def test_a_number_of_tries_is_one_at_least(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        RetryPolicy(**wrong)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=6), min_size=1, max_size=8))
def test_the_best_run_is_never_stopped(histories: list[list[float]]) -> None:
    named = {f"t{place}": values for place, values in enumerate(histories)}
    for mode, choose in (("max", max), ("min", min)):
        rule = MedianStopping(metric="m", mode=mode, warmup_steps=1, min_runs=1)  # type: ignore[arg-type]
        reported = {name: choose(values) for name, values in named.items() if values}
        stopped = rule.to_stop(named, named)
        assert stopped <= reported.keys()
        if reported:
            assert choose(reported, key=reported.__getitem__) not in stopped


def test_a_value_that_is_no_number_is_worse_than_any() -> None:
    rule = MedianStopping(metric="loss", mode="min", warmup_steps=1, min_runs=2)
    named = {"a": [0.5], "b": [0.4], "c": [float("nan")]}
    assert rule.to_stop(named, named) == {"c"}


def test_runs_are_not_judged_before_the_warmup_nor_by_too_few() -> None:
    rule = MedianStopping(metric="m", warmup_steps=3, min_runs=2)
    named = {"a": [0.9] * 5, "b": [0.8] * 5, "c": [0.1] * 2}
    assert rule.to_stop(named, named) == set()
    named["c"] = [0.1] * 3
    assert rule.to_stop(named, named) == {"c"}
    del named["b"]
    assert rule.to_stop(named, named) == set()
