"""What is asked of a place about runs that go on, and what becomes of answers that do not come."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from folder_place import FileRun, FileTask, FolderBatch, FolderExecutor, run_files, tasks

from tg.common._core.errors import FormatError, RunNotFoundError
from tg.common.contract.run_state import RunState
from tg.common.delivery.execution.run import Run
from tg.common.delivery.sweep import MedianStopping, Pace, Sweep, TaskState
from tg.common.delivery.sweep.journal import Journal

QUICK = Pace(longest_poll_seconds=0.02, metric_seconds=0.02)
RULE = MedianStopping(metric="m", warmup_steps=50)


class WatchedRun(FileRun):
    def metric_values(self) -> dict[str, list[float]]:
        WatchedBatch.read[self.id] += 1
        return super().metric_values()


class WatchedBatch(FolderBatch):
    """Counts how often each run is looked for and read, and cannot be read at some looks.

    Runs that take long are at their end at the first look at which `is_time`: how often they were
    looked at by then is up to the test, and not to the machine.
    """

    found: ClassVar[Counter[str]] = Counter()
    read: ClassVar[Counter[str]] = Counter()
    is_time: ClassVar[Callable[[], bool]] = staticmethod(lambda: False)
    hidden: ClassVar[set[str]] = set()
    bad_looks: ClassVar[Collection[int]] = ()
    looks: ClassVar[int] = 0

    def run(self, run_id: str) -> Run:
        WatchedBatch.found[run_id] += 1
        if run_id in self.hidden:
            raise RunNotFoundError(f"there is no run {run_id!r}")
        if self.looks in self.bad_looks:
            raise FormatError("the record is being written")
        return WatchedRun(self.folder / run_id)

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        WatchedBatch.looks += 1
        if self.is_time():
            for name in run_files(self.folder):
                os.utime(self.folder / name, (0, 0))
        if self.looks in self.bad_looks:
            raise FormatError("a record is being written")
        return {one: FileRun(self.folder / one).state for one in run_ids}


class WatchedExecutor(FolderExecutor):
    def batch(self, tasks: Mapping[str, FileTask], *, batch_id: str = "") -> WatchedBatch:
        made = super().batch(tasks, batch_id=batch_id)
        return WatchedBatch(made.folder, made.specs, **made.extra)


class TellingBatch(FolderBatch):
    """Tells that a run has ended; each result is kept by whoever asks for it first."""

    listener: Callable[[], None] | None = None
    keeping: ClassVar[Callable[[], None]] = staticmethod(lambda: None)

    def listen(self, told: Callable[[], None] | None) -> None:
        self.listener = told

    def start(self, name: str, attempt: int = 1, place: int = 0) -> Run:
        run = super().start(name, attempt, place)
        threading.Timer(self.specs[name]["seconds"] + 0.05, self.tell).start()
        return run

    def tell(self) -> None:
        if self.listener is not None:
            self.listener()

    def ended(self, run_ids: Iterable[str]) -> dict[str, bool]:
        return {one: FileRun(self.folder / one).has_ended for one in run_ids}

    def run(self, run_id: str) -> Run:
        TellingBatch.keeping()
        return super().run(run_id)


class TellingExecutor(FolderExecutor):
    def batch(self, tasks: Mapping[str, FileTask], *, batch_id: str = "") -> TellingBatch:
        made = super().batch(tasks, batch_id=batch_id)
        self.last = TellingBatch(made.folder, made.specs, **made.extra)
        return self.last


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WatchedBatch, "found", Counter())
    monkeypatch.setattr(WatchedBatch, "read", Counter())
    monkeypatch.setattr(WatchedBatch, "is_time", staticmethod(lambda: False))
    monkeypatch.setattr(WatchedBatch, "hidden", set())
    monkeypatch.setattr(WatchedBatch, "looks", 0)
    monkeypatch.setattr(WatchedBatch, "bad_looks", ())


def test_a_run_that_cannot_be_read_now_and_then_is_not_given_up(place: Path) -> None:
    # else three bad moments in three days lose a run that goes on, and is paid for
    WatchedBatch.bad_looks = (2, 3, 6, 7, 10, 11)
    WatchedBatch.is_time = staticmethod(lambda: WatchedBatch.looks > 12)
    sweep = Sweep([FileTask("a", seconds=3_600)], WatchedExecutor(place), name="now", pace=QUICK)
    assert sweep.run()["completed"] == 1, sweep.rows()


def test_a_run_that_cannot_be_read_at_all_has_failed(place: Path) -> None:
    # else the sweep never ends
    WatchedBatch.bad_looks = range(2, 1_000)
    sweep = Sweep([FileTask("a", seconds=3_600)], WatchedExecutor(place), name="bad", pace=QUICK)
    assert sweep.run()["failed"] == 1
    (row,) = sweep.rows()
    assert (row.kind, row.reason) == ("unreadable", "the record is being written")


def test_to_look_at_a_metric_again_does_not_find_its_run_anew(place: Path) -> None:
    # else each look reads the whole log from its beginning, where requests are counted
    found: dict[str, int] = {}

    def all_were_read_again_and_again() -> bool:
        if len(WatchedBatch.read) < 3 or min(WatchedBatch.read.values()) < 10:
            return False
        found.update({} if found else WatchedBatch.found)
        return True

    WatchedBatch.is_time = staticmethod(all_were_read_again_and_again)
    planned = tasks(3, seconds=3_600)
    sweep = Sweep(planned, WatchedExecutor(place), name="again", stopping=RULE, pace=QUICK)
    assert sweep.run()["completed"] == 3
    assert list(found.values()) == [1] * 3  # while they ran
    # and to their end; a look that had begun before may have come to one after that
    assert set(WatchedBatch.found.values()) <= {2, 3}


def test_the_metrics_of_a_run_that_was_removed_are_asked_for_once(place: Path) -> None:
    WatchedBatch.is_time = staticmethod(lambda: max(WatchedBatch.read.values(), default=0) >= 10)
    planned = [FileTask("kept"), FileTask("removed"), FileTask("long", seconds=3_600)]
    Sweep(planned, WatchedExecutor(place), name="ended", stopping=RULE, pace=QUICK).run()
    again = Sweep.open("ended")
    kept, removed, long = again.rows()
    with Journal(again.journal_path, "write") as journal:
        journal.write([long.but(state=TaskState.WAITING, attempt=2, run_id="")])
    WatchedBatch.found.clear()
    WatchedBatch.read.clear()
    WatchedBatch.hidden.add(removed.run_id)
    assert again.run()["completed"] == 3
    assert (WatchedBatch.found[kept.run_id], WatchedBatch.found[removed.run_id]) == (1, 1)


def test_a_log_that_cannot_be_read_for_a_moment_ends_no_sweep(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # else a shared folder that hangs once ends the driving, and nothing is started any more
    left, read = [3], FileRun.metric_values

    def torn(run: FileRun) -> dict[str, list[float]]:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(errno.ESTALE, "Stale file handle")
        return read(run)

    monkeypatch.setattr(FileRun, "metric_values", torn)
    WatchedBatch.is_time = staticmethod(lambda: left[0] < -3)
    planned = tasks(1, seconds=3_600)
    sweep = Sweep(planned, WatchedExecutor(place), name="torn", stopping=RULE, pace=QUICK)
    assert sweep.run()["completed"] == 1
    assert sweep.rows()[0].metrics == {"m": 1.0}


def test_to_draw_curves_again_does_not_find_runs_anew(place: Path) -> None:
    planned = [FileTask("a", seconds=36_000, metrics={"m": [1.0, 2.0]})]
    sweep = Sweep(planned, WatchedExecutor(place), name="drawn", pace=QUICK)
    driver = threading.Thread(target=sweep.run)
    driver.start()
    try:
        while not run_files(place):
            time.sleep(0.01)
        watching = Sweep.open("drawn")
        while watching.status()["running"] < 1:
            time.sleep(0.01)
        for _ in range(4):
            assert watching.curves("m") == {"a": [1.0]}
        assert list(WatchedBatch.found.values()) == [1]
    finally:
        sweep.cancel()
        driver.join()
    assert watching.curves("m") == {"a": [1.0]}  # of one that has ended, read anew


def test_nobody_waits_for_the_next_look_where_the_place_tells_of_ends(place: Path) -> None:
    executor = TellingExecutor(place)
    rare = Pace(first_poll_seconds=600, longest_poll_seconds=600)
    sweep = Sweep(tasks(6, seconds=0.2), executor, name="told", max_parallel=2, pace=rare)
    driver = threading.Thread(target=sweep.run, daemon=True)
    driver.start()
    driver.join(120)
    assert not driver.is_alive()
    assert sweep.status()["completed"] == 6
    assert executor.last.listener is None  # nobody is told any more


def test_the_next_one_starts_while_a_result_is_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # else a large result holds up all that would run meanwhile
    def until_both_were_started() -> None:
        deadline = time.monotonic() + 120
        while len(run_files(place)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        seen.append(len(run_files(place)))

    seen: list[int] = []
    monkeypatch.setattr(TellingBatch, "keeping", staticmethod(until_both_were_started))
    sweep = Sweep(tasks(2), TellingExecutor(place), name="kept", max_parallel=1, pace=QUICK)
    assert sweep.run()["completed"] == 2
    assert seen
    assert set(seen) == {2}


def test_what_runs_is_stopped_while_results_are_kept(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # else a cancelled training goes on, and costs money, until the last large result is archived
    def until_told() -> None:
        if threading.current_thread().name == "sweep-harvest":
            gate.wait(600)

    gate = threading.Event()
    monkeypatch.setattr(TellingBatch, "keeping", staticmethod(until_told))
    planned = [*tasks(30), FileTask("long", seconds=3_600)]
    sweep = Sweep(planned, TellingExecutor(place), name="stop", max_parallel=40, pace=QUICK)
    driver = threading.Thread(target=sweep.run)
    driver.start()
    try:
        while len(run_files(place)) < 31:
            time.sleep(0.01)
        Sweep.open("stop").cancel()
        deadline = time.monotonic() + 120
        while not list(place.glob("long*.stop")) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert list(place.glob("long*.stop"))
    finally:
        gate.set()
        driver.join()
