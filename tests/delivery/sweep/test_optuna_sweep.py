"""Sweeps that Optuna directs, and cells that are drawn."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest
from folder_place import FileTask, FolderBatch, FolderExecutor, run_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tg.common._core.errors import (
    ConfigError,
    MissingDependencyError,
    NamingError,
    StorageError,
    SweepError,
    SweepPausedError,
)
from tg.common.delivery.sagemaker import Autonamer
from tg.common.delivery.sweep import Integers, OptunaSweep, Sweep, Uniform, draw

SPACE = {
    "rate": Uniform(low=1e-4, high=1.0, log=True),
    "depth": Integers(low=1, high=8),
    "layers": [[10], [10, 5]],
}


def build(rate: float = 0.1, depth: int = 3, layers: list[int] | None = None) -> FileTask:
    return FileTask("", metrics={"score": [-abs(rate - 0.1) - abs(depth - 4) - len(layers or [])]})


def test_drawn_cells_are_named_by_what_was_drawn(place: Path) -> None:
    tasks = Autonamer(build).build_cells(draw(20, seed=1, **SPACE))
    assert len({task.info["name"] for task in tasks}) == 20
    sweep = Sweep(tasks, FolderExecutor(place), name="random")
    assert sweep.run()["completed"] == 20
    first = sweep.rows()[0]
    assert first.parameters == draw(1, seed=1, **SPACE)[0]
    assert first.name.startswith("R")


def test_more_cells_begin_with_the_same_ones() -> None:
    # else a search that is made larger would train everything again
    assert draw(30, seed=4, **SPACE)[:10] == draw(10, seed=4, **SPACE)
    assert draw(10, seed=5, **SPACE) != draw(10, seed=4, **SPACE)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.booleans(), st.integers(0, 9))
def test_a_number_drawn_is_within_its_range(a: float, b: float, log: bool, seed: int) -> None:
    low, high = sorted((a, b))
    if low < high:
        assert low <= Uniform(low=low, high=high, log=log).draw(random.Random(seed)) <= high


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 10**9), st.integers(1, 10**9), st.booleans(), st.integers(0, 9))
def test_a_whole_number_drawn_is_within_its_range(a: int, b: int, log: bool, seed: int) -> None:
    low, high = sorted((a, b))
    if low < high:
        assert low <= Integers(low=low, high=high, log=log).draw(random.Random(seed)) <= high


@pytest.mark.parametrize(
    ("count", "space", "error"),
    [
        (0, {"a": [1]}, ConfigError),
        (2, {}, ConfigError),
        (3, {"a": [1, 2]}, ConfigError),
        (1, {"a": []}, NamingError),
        (1, {"a": 5}, NamingError),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    count: int, space: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        draw(count, **space)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uniform(low=2, high=1),
        lambda: Uniform(low=0, high=1, log=True),
        lambda: Uniform(low=0, high=float("inf")),
        lambda: Integers(low=0, high=1.5),  # type: ignore[arg-type]
    ],
)
def test_a_range_that_is_none_is_refused(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def searched(place: Path, executor: FolderExecutor | None = None, **changes: Any) -> OptunaSweep:
    settings: dict[str, Any] = {"name": "o", "metric": "score", "trials": 12, "at_once": 4}
    return OptunaSweep(
        Autonamer(build), SPACE, executor or FolderExecutor(place), **(settings | changes)
    )


def test_optuna_is_asked_and_told(place: Path) -> None:
    pytest.importorskip("optuna")
    sweep = searched(place)
    status = sweep.run()
    assert status["completed"] == 12
    rows = sweep.rows()
    assert [row.name.split("-")[0] for row in rows] == [f"T{number}" for number in range(12)]
    study = sweep.study()
    assert study.best_value == max(row.metrics["score"] for row in rows)
    assert len(study.trials) == 12
    # asked for more, the same search goes on
    assert searched(place, trials=16).run()["completed"] == 16
    assert len(run_files(place)) == 16


def test_a_search_goes_on_where_it_was_ended(place: Path) -> None:
    # the study is not lost with the process
    pytest.importorskip("optuna")
    executor = FolderExecutor(place)

    def full(name: str, attempt: int, at: int) -> None:
        if name.startswith("T6"):
            raise StorageError("the disk is full")

    def change(batch: FolderBatch) -> None:
        batch.before_start = full

    executor.change = change
    with pytest.raises(SweepPausedError):
        searched(place, executor).run()
    before = run_files(place)
    again = searched(place)
    assert again.run()["completed"] == 12
    assert set(before) <= set(run_files(place))
    assert len(run_files(place)) == 12
    assert len(again.study().trials) == 12


def test_another_search_of_the_same_name_is_refused(place: Path) -> None:
    pytest.importorskip("optuna")
    searched(place).run()
    with pytest.raises(SweepError, match="searches elsewhere"):
        searched(place, metric="other").run()


def test_without_optuna_the_extra_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"training-grounds\[optuna\]"):
        searched(place).run()


@pytest.mark.parametrize("changes", [{"direction": "up"}, {"trials": 0}, {"no_such": 1}])
def test_a_search_that_makes_no_sense_is_refused(place: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        searched(place, **changes)
