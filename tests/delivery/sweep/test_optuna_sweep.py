"""Sweeps that Optuna directs, and cells that are drawn."""

from __future__ import annotations

import importlib
import io
import random
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from folder_place import FileTask, FolderExecutor, run_files
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
from tg.common._core.logger import Logger
from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
from tg.common.delivery.sweep import Integers, OptunaSweep, Sweep, SweepStatus, Uniform, draw
from tg.common.delivery.sweep.journal import Journal
from tg.common.delivery.sweep.progress import SweepProgress
from tg.common.delivery.sweep.search_space import SearchSpace

SPACE = {
    "rate": Uniform(low=1e-4, high=1.0, log=True),
    "depth": Integers(low=1, high=8),
    "layers": [[10], [10, 5]],
}


SEARCH: dict[str, Any] = {"name": "brief", "metric": "score", "trials": 1}


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
    interrupted(place)
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


SHOP = {
    "shop/__init__.py": "",
    "shop/price.py": "RATE = 1\n",
    "shop/tasks.py": """
        import importlib
        from shop.price import RATE
        from tg.common.contract import TrainingTask

        class Selling(TrainingTask):
            def __init__(self, count, where):
                super().__init__()
                self.count, self.where = count, where

            def run_with_environment(self, data, env):
                module, name = self.where.split(":")
                env.output_metric("rate", float(RATE))
                env.output_metric("earned", getattr(importlib.import_module(module), name)())

        def build(count, where="shop.tasks:no_place"):
            return Selling(count, where)

        def no_place():
            return 0.0
    """,
    "market.py": "def visit():\n    return 1.0\n",
    "street.py": "def visit():\n    return 2.0\n",
}
COUNTS = {"count": Integers(low=1, high=9)}


@pytest.fixture
def shop(project: Path, write_files: Callable[..., None]) -> Callable[..., OptunaSweep]:
    write_files(SHOP)
    (project / "datasets" / "p").mkdir(parents=True)
    (project / "datasets" / "p" / "d").write_text("")

    def search(space: dict[str, Any] | None = None, **changes: Any) -> OptunaSweep:
        build = importlib.import_module("shop.tasks").build
        place = {"datasets_folder": project / "datasets", "name": "Shop"}
        routine = SagemakerRoutine(build(1), "d", "p", **place)
        settings: dict[str, Any] = {"name": "shop", "metric": "earned", "trials": 4, "at_once": 2}
        executor = routine.process()
        return OptunaSweep(Autonamer(build), space or COUNTS, executor, **(settings | changes))

    return search


def rates(sweep: Sweep) -> list[float]:
    return [row.metrics["rate"] for row in sweep.rows()]


def test_code_that_is_edited_meanwhile_does_not_enter_the_search(
    shop: Any, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # one study of two codes would find what is best for neither
    pytest.importorskip("optuna")

    def edit(status: SweepStatus) -> None:
        if status.done:
            (project / "shop" / "price.py").write_text("RATE = 1000\n")

    assert shop(on_progress=edit).run()["completed"] == 4
    assert rates(Sweep.open("shop")) == [1.0] * 4
    warnings: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Logger, "warning", warnings.append)
        assert shop(trials=6).run()["completed"] == 6  # as another process would
    assert rates(Sweep.open("shop")) == [1.0] * 6
    assert "the code has changed since the search shop began" in warnings[0]


def test_the_package_has_what_any_choice_leads_to(shop: Any) -> None:
    # else the first trial that chooses something else has no code, in the middle of the night
    pytest.importorskip("optuna")
    space = {"count": [1], "where": ["market:visit", "street:visit"]}
    wheres = iter([0, 1])

    class Sampler(importlib.import_module("optuna").samplers.RandomSampler):  # type: ignore[misc]
        def sample_independent(self, study: Any, trial: Any, name: str, kind: Any) -> int:
            return next(wheres) if name == "where" else 0

    search = shop(space, trials=2, at_once=1, sampler=Sampler)
    assert search.run()["completed"] == 2
    assert [row.metrics["earned"] for row in search.rows()] == [1.0, 2.0]


def test_data_that_have_changed_are_told(shop: Any, project: Path) -> None:
    pytest.importorskip("optuna")
    shop(trials=1).run()
    (project / "datasets" / "p" / "d").write_text("others")
    with pytest.raises(ConfigError, match="the data are not those"):
        shop().run()


def test_tasks_that_are_built_otherwise_are_not_mixed_with_the_earlier_ones(place: Path) -> None:
    pytest.importorskip("optuna")
    searched(place).run()
    before = run_files(place)

    def other(rate: float = 0.1, depth: int = 3, layers: list[int] | None = None) -> FileTask:
        return FileTask("", seconds=0.01, metrics=build(rate, depth, layers).metrics)

    settings: dict[str, Any] = {"name": "o", "metric": "score", "trials": 20}
    with pytest.raises(SweepError, match="not built any more as they were"):
        OptunaSweep(Autonamer(other), SPACE, FolderExecutor(place), **settings).run()
    assert run_files(place) == before


def test_a_function_that_builds_otherwise_each_time_can_go_on(place: Path) -> None:
    pytest.importorskip("optuna")

    def chancy(rate: float = 0.1, depth: int = 3, layers: list[int] | None = None) -> FileTask:
        return FileTask("", metrics={"score": [random.random()]})

    settings: dict[str, Any] = {"name": "chancy", "metric": "score"}
    for trials in (3, 6):
        search = OptunaSweep(
            Autonamer(chancy), SPACE, FolderExecutor(place), trials=trials, **settings
        )
        assert search.run()["completed"] == trials


def interrupted(place: Path) -> FolderExecutor:
    """Let a search of 12 end at its seventh trial, of which five are done and one is announced."""
    executor = FolderExecutor(place)

    def full(name: str, attempt: int, at: int) -> None:
        if name.startswith("T6"):
            raise StorageError("the disk is full")

    executor.change = lambda batch: setattr(batch, "before_start", full)
    with pytest.raises(SweepPausedError):
        searched(place, executor).run()
    return executor


@pytest.mark.parametrize("kind", [Sweep, OptunaSweep])
def test_a_search_that_is_opened_by_name_finishes_what_was_begun_and_says_how_to_go_on(
    place: Path, kind: type[Sweep]
) -> None:
    pytest.importorskip("optuna")
    interrupted(place)
    opened = kind.open("o")
    assert opened.status().total == 12
    assert not opened.status().is_done
    with pytest.raises(SweepPausedError, match=r"first 8 of 12 tasks.*OptunaSweep.*name='o'"):
        opened.run()
    assert (opened.status()["completed"], opened.status().known) == (8, 8)
    with pytest.raises(SweepPausedError):
        opened.resume()
    assert len(opened.table()) == 8
    assert searched(place).run()["completed"] == 12
    assert kind.open("o").run().is_done


def test_an_opened_search_tells_its_study(place: Path) -> None:
    pytest.importorskip("optuna")
    search = searched(place)
    search.run()
    opened = OptunaSweep.open("o")
    assert opened.study().best_params == search.study().best_params
    assert len(opened.study().trials) == 12


def test_a_sweep_that_searches_nothing_is_no_search(place: Path) -> None:
    Sweep([build_named("one")], FolderExecutor(place), name="plain").run()
    with pytest.raises(SweepError, match=r"no search.*Sweep\.open\('plain'\)"):
        OptunaSweep.open("plain")


def build_named(name: str) -> FileTask:
    return FileTask(name)


def test_a_search_that_was_cancelled_chooses_nothing_more_until_it_is_resumed(place: Path) -> None:
    pytest.importorskip("optuna")
    interrupted(place)
    with pytest.raises(SweepPausedError):
        Sweep.open("o").run()
    Sweep.open("o").cancel()
    assert Sweep.open("o").status().ended_by == "cancel"
    assert len(run_files(place)) == 8
    for sweep in (Sweep.open("o"), searched(place)):
        assert sweep.run().ended_by == "cancel"
    assert len(run_files(place)) == 8
    assert searched(place).resume()["completed"] == 12


def test_a_search_that_failed_fast_goes_on(place: Path) -> None:
    pytest.importorskip("optuna")

    def picky(rate: float = 0.1, depth: int = 3, layers: list[int] | None = None) -> FileTask:
        return FileTask("", fails=["task"], metrics={"score": [1.0]})

    settings: dict[str, Any] = {"name": "picky", "metric": "score", "trials": 3, "at_once": 1}
    for failed in (1, 2, 3):
        search = OptunaSweep(
            Autonamer(picky), SPACE, FolderExecutor(place), fail_fast=True, **settings
        )
        assert search.run()["failed"] == failed


def test_the_bar_is_one_for_the_whole_search(place: Path) -> None:
    # else nobody sees how long the night will be
    pytest.importorskip("optuna")
    told: list[SweepStatus] = []
    screen = io.StringIO()
    with SweepProgress(screen, is_shown=True) as bar:

        def show(status: SweepStatus) -> None:
            told.append(status)
            bar(status)

        searched(place, on_progress=show, at_once=2).run()
    assert {status.total for status in told} == {12}
    assert [status.is_done for status in told].index(True) == len(told) - 1
    assert "12/12" in screen.getvalue()
    drawn = screen.getvalue().split("\r")
    assert not any("2/2" in line.split("|")[-1] for line in drawn)


def test_a_search_tells_how_long_it_is_before_it_begins(place: Path) -> None:
    assert repr(searched(place)) == "<sweep o of 12 tasks, not started>"


def test_searches_of_one_name_are_told_apart_by_what_they_build(place: Path) -> None:
    # else MLflow shows the trials of a search that was begun anew among those of the first
    pytest.importorskip("optuna")
    identities = []
    for builder in (build, lambda **cell: FileTask("", seconds=0.01)):
        search = OptunaSweep(
            Autonamer(builder), {"rate": SPACE["rate"]}, FolderExecutor(place), **SEARCH
        )
        search.run()
        with Journal(search.journal_path) as journal:
            identities.append(journal.about()["identity"])
        shutil.rmtree(search.journal_path.parent)
    assert len(set(identities)) == 2


def test_the_deadline_of_a_search_is_kept_from_its_first_moment(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # else one that is ended before its first trial goes on for ever when it is opened
    pytest.importorskip("optuna")

    def end(sweep: Sweep) -> None:
        raise KeyboardInterrupt

    brief = {"deadline": timedelta(0), **SEARCH}
    search = OptunaSweep(Autonamer(build), SPACE, FolderExecutor(place), **brief)
    with monkeypatch.context() as patch:
        patch.setattr(Sweep, "_driven", end)
        with pytest.raises(KeyboardInterrupt):
            search.run()
    Sweep.open("brief").run()
    assert Sweep.open("brief").status().ended_by == "deadline"


def test_a_space_is_read_as_it_was_written() -> None:
    space = SearchSpace.of({**SPACE, "loss": [min, max]}, "score", "minimize")
    read = SearchSpace.of_json(space.to_json())
    assert read.to_json() == space.to_json()
    assert read.choices["rate"] == SPACE["rate"]
    assert read.params({"rate": 0.5, "depth": 2, "layers": [10, 5], "loss": "max"}) == {
        "rate": 0.5,
        "depth": 2,
        "layers": 1,
        "loss": 1,
    }


def test_each_choice_is_in_a_cell_that_covers_the_space() -> None:
    cells = SearchSpace.of({**SPACE, "loss": ["a", "b", "c"]}, "m", "maximize").cover()
    assert [cell["loss"] for cell in cells] == ["a", "b", "c"]
    assert {str(cell["layers"]) for cell in cells} == {"[10]", "[10, 5]"}
    assert all(1 <= cell["depth"] <= 8 for cell in cells)
    assert len(SearchSpace.of({"same": [1, 1]}, "m", "maximize").cover()) == 1
