"""Places that refuse, fail, forget and do not answer."""

from __future__ import annotations

import dataclasses
import errno
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from folder_place import FileRun, FileTask, FolderBatch, FolderExecutor, run_files, tasks

from tg.common._core.errors import (
    AwsConnectionError,
    AwsCredentialsError,
    AwsError,
    AwsQuotaError,
    AwsThrottledError,
    ConfigError,
    SweepPausedError,
    TrainingTimeoutError,
)
from tg.common.contract.run_state import RunState
from tg.common.delivery.execution.failure_kind import FailureKind
from tg.common.delivery.execution.run import Run
from tg.common.delivery.sweep import Pace, RetryPolicy, Sweep, SweepStatus, TaskState, calls
from tg.common.delivery.sweep.journal import Journal
from tg.common.delivery.sweep.scheduler import Scheduler
from tg.common.delivery.sweep.settings import SweepSettings

QUICK = Pace(first_pause_seconds=0.01, longest_pause_seconds=0.1, longest_poll_seconds=0.05)


def executor_with(
    place: Path, fault: Callable[[FolderBatch, str, int, int], None], **record: Any
) -> FolderExecutor:
    """An executor whose starts go through `fault` first."""
    executor = FolderExecutor(place, **record)

    def change(batch: FolderBatch) -> None:
        batch.before_start = lambda *what: fault(batch, *what)

    executor.change = change
    return executor


def running(place: Path) -> int:
    return sum(not FileRun(place / name).state.is_final for name in run_files(place))


def finish(path: Path) -> None:
    """Let a run be at its end."""
    os.utime(path, (0, 0))


def assert_all_completed(sweep: Sweep, place: Path) -> None:
    rows = sweep.rows()
    assert {row.state for row in rows} == {TaskState.COMPLETED}
    assert len(run_files(place)) == len(rows)


def test_a_quota_of_three_runs_fifty_tasks_by_three(place: Path) -> None:
    # else a sweep on a small account ends in errors, or asks without end
    lock = threading.Lock()
    most = 0

    def quota(batch: FolderBatch, name: str, attempt: int, at: int) -> None:
        nonlocal most
        lock.acquire()  # until the run is there: the place counts what it has
        count = running(place)
        most = max(most, count)
        if count >= 3:
            lock.release()
            raise AwsQuotaError("the account may run 3", code="ResourceLimitExceeded")

    executor = executor_with(place, quota)
    with_hook = executor.change

    def change(batch: FolderBatch) -> None:
        with_hook(batch)
        batch.after_start = lambda *_: lock.release()

    executor.change = change
    sweep = Sweep(tasks(50, seconds=0.03), executor, name="quota", pace=QUICK)
    sweep.run()
    assert_all_completed(sweep, place)
    assert most <= 3
    # a refusal is a signal, not a reason to ask all the time
    assert len(executor.last.starts) < 50 * 3 + 64


def test_a_storm_of_throttling_loses_no_task(place: Path) -> None:
    chance = random.Random(0)

    def throttle(*_: object) -> None:
        if chance.random() < 0.5:
            raise AwsThrottledError("Rate exceeded", code="ThrottlingException")

    sweep = Sweep(tasks(40), executor_with(place, throttle), name="storm", pace=QUICK)
    sweep.run()
    assert_all_completed(sweep, place)
    assert {row.attempt for row in sweep.rows()} == {1}


def test_throttled_looks_are_taken_later(place: Path) -> None:
    executor = FolderExecutor(place)
    left = [5]

    def throttle() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise AwsThrottledError("Rate exceeded")

    executor.change = lambda batch: setattr(batch, "before_look", throttle)
    sweep = Sweep(tasks(5), executor, name="looks", pace=QUICK)
    sweep.run()
    assert_all_completed(sweep, place)


def test_without_capacity_the_next_place_is_tried(place: Path) -> None:
    def full(batch: FolderBatch, name: str, attempt: int, at: int) -> None:
        if at != 2:
            raise AwsError("no machine", code="InsufficientCapacity")

    executor = executor_with(place, full, places=["small", "middle", "large"])
    sweep = Sweep(tasks(10), executor, name="capacity", pace=QUICK)
    sweep.run()
    assert_all_completed(sweep, place)
    assert {row.place for row in sweep.rows()} == {2}


def test_a_run_that_found_no_machine_is_tried_at_the_next_place(place: Path) -> None:
    executor = FolderExecutor(place, places=["small", "large"])
    sweep = Sweep([FileTask("a", fails=["capacity"])], executor, name="full", pace=QUICK)
    sweep.run()
    (row,) = sweep.rows()
    assert (row.state, row.attempt, row.place) == (TaskState.COMPLETED, 2, 1)
    assert row.run_id.endswith("-r2")


def test_interrupted_runs_are_tried_again_under_further_names(place: Path) -> None:
    chance = random.Random(3)
    planned = tasks(40)
    for task in planned:
        while chance.random() < 0.3:
            task.fails.append("interrupted")
    sweep = Sweep(planned, FolderExecutor(place), name="spot", pace=QUICK)
    status = sweep.run()
    assert status["completed"] == 40
    assert len(run_files(place)) == 40 + sum(len(task.fails) for task in planned)
    for task, row in zip(planned, sweep.rows(), strict=True):
        assert row.attempt == 1 + len(task.fails)
        assert row.failures == ({"interrupted": len(task.fails)} if task.fails else {})


def test_a_task_that_always_fails_fails_once_and_alone(place: Path) -> None:
    planned = [*tasks(9), FileTask("bad", fails=["task"] * 9)]
    sweep = Sweep(planned, FolderExecutor(place), name="one", pace=QUICK)
    status = sweep.run()
    assert (status["completed"], status["failed"]) == (9, 1)
    bad = sweep.rows()[-1]
    assert (bad.kind, bad.attempt) == ("task", 1)
    assert "failed for task" in bad.reason
    # opened again, there is nothing to do; asked for, it is tried as another run
    assert Sweep.open("one").run().is_done
    assert len(run_files(place)) == 10
    assert Sweep.open("one").resume()["failed"] == 1
    assert sweep.rows()[-1].run_id.endswith("-r2")
    assert len(run_files(place)) == 11


def test_the_tasks_own_failure_is_tried_again_when_asked_for(place: Path) -> None:
    planned = [FileTask("a", fails=["task", "task"])]
    retry = RetryPolicy(task=3)
    sweep = Sweep(planned, FolderExecutor(place), name="retry", retry=retry, pace=QUICK)
    assert sweep.run()["completed"] == 1
    assert sweep.rows()[0].attempt == 3


class LimitedRun(FileRun):
    """A run that its place stops by itself after some time, as SageMaker does."""

    @property
    def state(self) -> RunState:
        return RunState.STOPPED if super().state is RunState.FAILED else super().state

    @property
    def failure_kind(self) -> FailureKind | None:
        return FailureKind.TIMEOUT if self.spec["fails"] else None

    def wait(self, timeout_seconds: float | None = None) -> Run:
        if self.state is RunState.STOPPED:
            raise TrainingTimeoutError(f"{self.id} took longer than 5 seconds")
        return super().wait(timeout_seconds)


@pytest.mark.parametrize("tries", [1, 2])
def test_a_run_that_its_place_stopped_after_some_time_was_not_cancelled_by_anybody(
    place: Path, tries: int
) -> None:
    # else it is never tried again, and a script goes on as if all were well
    executor = FolderExecutor(place)
    executor.change = lambda batch: setattr(batch, "run", lambda name: LimitedRun(place / name))
    sweep = Sweep(
        [FileTask("a", fails=["timeout"]), *tasks(3)],
        executor,
        name="limited",
        retry=RetryPolicy(timeout=tries),
        fail_fast=True,
        max_parallel=1,
        pace=QUICK,
    )
    status = sweep.run()
    row = sweep.rows()[0]
    assert row.failures == {"timeout": 1}
    if tries == 1:
        assert (status["failed"], status.ended_by) == (1, "fail_fast")
        assert (row.kind, row.attempt) == ("timeout", 1)
        assert "longer than 5 seconds" in row.reason
    else:
        assert (status["completed"], row.attempt) == (4, 2)


def test_a_run_that_somebody_has_stopped_is_not_tried_again(place: Path) -> None:
    executor = FolderExecutor(place)

    def stop(name: str, attempt: int, at: int) -> None:
        FileRun(place / executor.last.run_id(name, attempt)).cancel()

    executor.change = lambda batch: setattr(batch, "after_start", stop)
    sweep = Sweep(tasks(1, seconds=3600), executor, name="outside", pace=QUICK)
    assert sweep.run()["cancelled"] == 1
    (row,) = sweep.rows()
    assert (row.kind, row.attempt, row.failures) == ("outside", 1, {})
    assert row.reason == f"{row.run_id} was cancelled"


def test_a_run_that_cannot_be_ended_is_told_of_once_and_asked_again(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # else a run that is paid for goes on after the deadline, and nobody knows
    refused: list[str] = []

    class Stubborn(FileRun):
        def cancel(self) -> None:
            if refused.count(self.id) < 3:
                refused.append(self.id)
                raise PermissionError(f"{self.id} is somebody else's")
            super().cancel()

    executor = FolderExecutor(place)
    executor.change = lambda batch: setattr(batch, "run", lambda name: Stubborn(place / name))
    planned = [FileTask("bad", fails=["task"]), *tasks(1, seconds=3600)]
    sweep = Sweep(planned, executor, name="stubborn", fail_fast=True, pace=QUICK)
    assert sweep.run()["cancelled"] == 1
    (name,) = set(refused)
    told = [line for line in capsys.readouterr().out.splitlines() if "somebody else's" in line]
    assert len(told) == 1
    assert f"WARNING: The run {name} cannot be ended" in told[0]


def test_a_task_that_cannot_be_started_does_not_stop_the_others(place: Path) -> None:
    def refuse(batch: FolderBatch, name: str, attempt: int, at: int) -> None:
        if name == "t00003":
            raise ConfigError("this one cannot be", hint="Mend it.")

    sweep = Sweep(tasks(6), executor_with(place, refuse), name="refused", pace=QUICK)
    status = sweep.run()
    assert (status["completed"], status["failed"]) == (5, 1)
    assert "this one cannot be" in sweep.rows()[3].reason


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("there is no text")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(os.fsdecode(b"no caf\xe9.csv")), r"no caf\udce9.csv"),
        (Mute(), "Mute"),
        (ValueError("x" * 3_000_000 + " is too long"), "is too long"),
    ],
    ids=["file name", "mute", "long"],
)
def test_an_error_that_is_no_text_costs_its_task_alone(
    place: Path, error: Exception, shown: str
) -> None:
    # a name of a file that is no UTF-8 would end every process that drives the sweep
    def refuse(batch: FolderBatch, name: str, attempt: int, at: int) -> None:
        if name == "t00003":
            raise error

    sweep = Sweep(tasks(6), executor_with(place, refuse), name="untold", pace=QUICK)
    status = sweep.run()
    assert (status["completed"], status["failed"]) == (5, 1)
    reason = sweep.rows()[3].reason
    assert shown in reason
    assert len(reason) < 1_000_000


def test_expired_credentials_pause_the_sweep_and_lose_nothing(place: Path) -> None:
    # a laptop that slept for a day: its token is not valid any more
    is_expired = threading.Event()

    def expire(batch: FolderBatch, name: str, attempt: int, at: int) -> None:
        if name == "t00010":
            is_expired.set()
        if is_expired.is_set():
            raise AwsCredentialsError("the token has expired", code="ExpiredToken")

    sweep = Sweep(tasks(30), executor_with(place, expire), name="asleep", pace=QUICK)
    with pytest.raises(SweepPausedError, match=r"expired.*Sweep\.open\('asleep'\)") as caught:
        sweep.run()
    assert isinstance(caught.value.__cause__, AwsCredentialsError)
    assert not sweep.status().is_done
    again = Sweep.open("asleep")
    assert again.run()["completed"] == 30
    assert_all_completed(again, place)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.EAGAIN])
def test_a_machine_that_has_no_more_room_pauses_the_sweep_and_fails_no_task(
    place: Path, number: int
) -> None:
    # else a full disk fails all tasks within a second, and room alone brings none of them back
    is_full = threading.Event()
    is_full.set()

    def fill(batch: FolderBatch, name: str, attempt: int, at: int) -> None:
        if is_full.is_set():
            raise OSError(number, os.strerror(number), "package.tar.gz")

    sweep = Sweep(tasks(5), executor_with(place, fill), name="full", pace=QUICK)
    with pytest.raises(SweepPausedError, match=os.strerror(number)):
        sweep.run()
    assert not sweep.status()["failed"]
    is_full.clear()
    assert sweep.run()["completed"] == 5


def test_a_lost_answer_is_no_second_run(place: Path) -> None:
    # the request was accepted, and the connection broke before the answer
    executor = FolderExecutor(place)
    chance = random.Random(5)

    def break_off(*_: object) -> None:
        if chance.random() < 0.4:
            raise AwsConnectionError("the connection was reset")

    executor.change = lambda batch: setattr(batch, "after_start", break_off)
    sweep = Sweep(tasks(30), executor, name="lost", pace=QUICK)
    sweep.run()
    assert_all_completed(sweep, place)


def test_a_place_that_does_not_answer_at_all_pauses_the_sweep(place: Path) -> None:
    def silent(*_: object) -> None:
        raise AwsConnectionError("no route")

    pace = Pace(first_pause_seconds=0.01, longest_pause_seconds=0.02, patience_seconds=0.1)
    sweep = Sweep(tasks(3), executor_with(place, silent), name="silent", pace=pace)
    with pytest.raises(SweepPausedError, match="no route"):
        sweep.run()
    assert Sweep.open("silent", pace=QUICK).run()["completed"] == 3


def test_a_start_that_hangs_holds_up_no_other_and_is_made_again(place: Path) -> None:
    # else one connection that was lost without a word takes its slot for ever, or all of them
    hangs = threading.Event()
    hung: list[str] = []

    def hang(batch: FolderBatch, name: str, attempt: int, at: int) -> None:
        if len(hung) < 2:
            hung.append(name)
            hangs.wait(60)

    pace = dataclasses.replace(QUICK, start_threads=2, call_seconds=0.3)
    sweep = Sweep(tasks(8), executor_with(place, hang), name="hung", pace=pace)
    try:
        assert sweep.run()["completed"] == 8
        assert len(hung) == 2
        assert {row.attempt for row in sweep.rows()} == {1}
    finally:
        hangs.set()
    assert_all_completed(sweep, place)


def test_a_place_that_hangs_pauses_the_sweep_in_the_end(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_CLOSING_SECONDS", 0.1)  # it hangs for ever, so to speak
    hangs = threading.Event()
    executor = executor_with(place, lambda *_: hangs.wait(60) and None)
    pace = dataclasses.replace(QUICK, call_seconds=0.1, patience_seconds=0.3)
    sweep = Sweep(tasks(2), executor, name="dumb", pace=pace)
    try:
        with pytest.raises(SweepPausedError, match="no answer"):
            sweep.run()
    finally:
        hangs.set()
    assert Sweep.open("dumb", pace=QUICK).run()["completed"] == 2


def test_many_runs_elsewhere_are_looked_at_by_two_requests_a_second_at_most(place: Path) -> None:
    # a look at a thousand runs is ten requests; an account has few, and its other users need them
    looks: list[float] = []
    executor = FolderExecutor(place)

    def look() -> None:
        with Journal(sweep.journal_path) as journal:
            if journal.status()["running"] < 100:
                return  # such a look costs less
        looks.append(time.monotonic())
        if len(looks) == 20:
            for name in run_files(place):
                finish(place / name)

    executor.change = lambda batch: setattr(batch, "before_look", look)
    sweep = Sweep(tasks(100, seconds=3600), executor, name="many", pace=QUICK)
    assert sweep.run()["completed"] == 100
    # eight were saved up, and the first may have begun before it was known that all of them run;
    # the others were allowed after that one, however late they are noted on a busy machine
    assert looks[19] - looks[0] >= 0.5 * (18 - 8)


def test_a_run_that_was_removed_is_started_again(place: Path) -> None:
    executor = FolderExecutor(place)
    removed: list[str] = []

    def remove() -> None:
        with Journal(sweep.journal_path) as journal:
            if removed or journal.status()["running"] < 2:
                return  # of one whose start is not over yet, it would be the start that fails
        removed.extend(run_files(place))
        for name in removed:
            (place / name).unlink()

    def end_the_second(name: str, attempt: int, at: int) -> None:
        if removed:
            finish(place / executor.last.run_id(name, attempt))

    def change(batch: FolderBatch) -> None:
        batch.before_look, batch.after_start = remove, end_the_second

    executor.change = change
    sweep = Sweep(tasks(2, seconds=3600), executor, name="removed", pace=QUICK)
    sweep.run()
    assert len(removed) == 2
    assert_all_completed(sweep, place)


def test_a_run_that_is_removed_before_it_was_read_does_not_hold_up_the_end(place: Path) -> None:
    # else a sweep that was cancelled waits for ever for what nobody can read
    executor = FolderExecutor(place)

    def cost(run: Run) -> float | None:
        if run_files(place):
            (place / run.id).unlink()
            with Journal(sweep.journal_path, "write") as journal:
                journal.request("cancel")
        raise AwsConnectionError("no answer")

    executor.change = lambda batch: setattr(batch, "cost", cost)
    sweep = Sweep(tasks(1), executor, name="gone", pace=QUICK)
    driver = threading.Thread(target=sweep.run, daemon=True)
    driver.start()
    driver.join(60)
    assert not driver.is_alive()
    assert sweep.status()["cancelled"] == 1


def test_the_first_failure_ends_the_sweep_when_asked_for(place: Path) -> None:
    planned = [FileTask("bad", fails=["task"]), *tasks(20, seconds=3600)]
    sweep = Sweep(
        planned, FolderExecutor(place), name="fast", fail_fast=True, max_parallel=4, pace=QUICK
    )
    status = sweep.run()
    assert status.ended_by == "fail_fast"
    # what was started before the failure was seen is ended, and nothing after it is started
    assert status["failed"] == 1
    assert status["cancelled"] <= 4
    assert status["waiting"] == 20 - status["cancelled"]
    assert running(place) == 0


def test_a_ceiling_of_cost_is_never_passed(place: Path) -> None:
    executor = FolderExecutor(place, worst_cost=3.0, cost=1.0)
    sweep = Sweep(tasks(20), executor, name="dear", max_cost=10.0, pace=QUICK)
    status = sweep.run()
    assert status.ended_by == "max_cost"
    # the worst of what runs counts until it has ended: 7 + 3 could be 10, 8 + 3 could be 11
    assert status.spent == 8.0
    assert status["completed"] == 8
    more = Sweep.open("dear", max_cost=100.0).run()
    assert (more["completed"], more.spent, more.ended_by) == (20, 20.0, "")


def left_behind(place: Path, name: str) -> Sweep:
    """A killed driver's sweep of two, that spent 6 dollars: `t00000` waits, `t00001` was begun."""
    executor = FolderExecutor(place, worst_cost=3.0, cost=1.0)
    sweep = Sweep(tasks(2), executor, name=name, max_cost=10.0, pace=QUICK)
    sweep.run()
    with Journal(sweep.journal_path, "write") as journal:
        first, second = journal.rows()
        (place / first.run_id).unlink()
        waits = {"state": TaskState.WAITING, "attempt": 2, "cost": 6.0, "kind": "interrupted"}
        begun = {"state": TaskState.STARTING, "cost": None, "metrics": {}}
        journal.write([first.but(**waits), second.but(**begun)])
    return sweep


def test_a_start_that_was_announced_comes_before_what_cannot_be_paid(place: Path) -> None:
    # else a run that is paid for goes on unseen, and its result is never read
    left_behind(place, "begun")
    status = Sweep.open("begun").run()
    # it cost less than the worst, which pays for the other
    assert (status["completed"], status.spent, status.ended_by) == (2, 8.0, "")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_lower_ceiling_forgets_no_run_and_starts_none(place: Path, is_there: bool) -> None:
    sweep = left_behind(place, "lower")
    begun = sweep.rows()[1].run_id
    if not is_there:
        (place / begun).unlink()
    status = Sweep.open("lower", max_cost=7.0).run()
    assert (status["completed"], status["waiting"]) == (is_there, 2 - is_there)
    assert status.ended_by == "max_cost"
    assert run_files(place) == [begun] * is_there
    assert Sweep.open("lower", max_cost=100.0).run()["completed"] == 2


def test_at_the_deadline_nothing_is_started_and_nothing_goes_on(place: Path) -> None:
    late = datetime.now(UTC) + timedelta(hours=3)
    sweep = Sweep(
        tasks(8, seconds=3600),
        FolderExecutor(place),
        name="late",
        max_parallel=3,
        deadline=late,
        pace=QUICK,
    )
    sweep._bring_into_being()
    with Journal(sweep.journal_path, "write") as journal:
        settings = SweepSettings.of_json(journal.about()["settings"])
        # the time comes when all has been started that may be
        scheduler = Scheduler(
            journal,
            sweep._opened(journal),
            settings,
            now=lambda: late if journal.status()["running"] == 3 else late - timedelta(seconds=1),
        )
        status = scheduler.drive()
    assert status.ended_by == "deadline"
    assert (status["cancelled"], status["waiting"]) == (3, 5)
    assert running(place) == 0


def test_a_deadline_that_has_passed_while_nobody_drove_ends_what_runs(place: Path) -> None:
    sweep = Sweep(tasks(4, seconds=3600), FolderExecutor(place), name="past", max_parallel=2)
    driving = threading.Thread(target=sweep.run)
    driving.start()
    while running(place) < 2:
        time.sleep(0.01)
    # the driver has gone, and left two runs behind
    sweep.cancel()
    driving.join()
    for path in place.glob("*.stop"):
        path.unlink()
    with Journal(sweep.journal_path, "write") as journal:
        rows = [row for row in journal.rows() if row.run_id]
        journal.write([row.but(state=TaskState.RUNNING, kind="") for row in rows])
    assert running(place) == 2
    past = datetime.now(UTC) - timedelta(hours=1)
    status = Sweep.open("past", deadline=past).run()
    assert (status.ended_by, status["cancelled"]) == ("deadline", 4)
    assert running(place) == 0
    assert len(run_files(place)) == 2


def test_a_deadline_that_is_a_duration_counts_from_the_first_start(place: Path) -> None:
    # else each process that goes on would begin to count anew, and a longer one would be ignored
    def planned() -> Sweep:
        hours = timedelta(hours=3)
        return Sweep(tasks(3), FolderExecutor(place), name="brief", deadline=hours, pace=QUICK)

    sweep = planned()
    assert sweep.run().ended_by == ""
    with Journal(sweep.journal_path, "write") as journal:
        # as if it had begun long ago, and nothing were done yet
        begun = datetime.fromisoformat(journal.about()["begun_utc"])
        journal.note(begun_utc=(begun - timedelta(hours=4)).isoformat())
        journal.write([row.again() for row in journal.rows()])
    assert planned().run().ended_by == "deadline"
    assert Sweep.open("brief").run().ended_by == "deadline"
    assert Sweep.open("brief", deadline=timedelta(hours=3.5)).run().ended_by == "deadline"
    assert len(run_files(place)) == 3
    assert Sweep.open("brief", deadline=timedelta(hours=5)).run()["completed"] == 3


def test_after_the_first_failure_the_user_goes_on_with_what_is_left(place: Path) -> None:
    planned = [FileTask("bad", fails=["task", ""]), *tasks(3)]
    sweep = Sweep(
        planned, FolderExecutor(place), name="left", fail_fast=True, max_parallel=1, pace=QUICK
    )
    assert sweep.run().ended_by == "fail_fast"
    status = Sweep.open("left").run()
    assert (status["completed"], status["failed"], status.ended_by) == (3, 1, "")
    assert Sweep.open("left").resume()["completed"] == 4


def test_a_failure_that_is_tried_again_is_not_the_first(place: Path) -> None:
    planned = [FileTask("shaky", fails=["interrupted", ""]), *tasks(3)]
    sweep = Sweep(
        planned, FolderExecutor(place), name="shaky", fail_fast=True, max_parallel=1, pace=QUICK
    )
    status = sweep.run()
    assert (status["completed"], status.ended_by) == (4, "")


def test_no_more_run_at_once_than_may(place: Path) -> None:
    most = [0]

    def count(*_: object) -> None:
        most[0] = max(most[0], running(place) + 1)

    sweep = Sweep(
        tasks(30, seconds=0.02),
        executor_with(place, count, max_parallel=5),
        name="cap",
        pace=QUICK,
    )
    sweep.run()
    assert_all_completed(sweep, place)
    assert most[0] <= 5


@pytest.mark.parametrize(
    ("asked", "together"),
    [(None, 2), (1, 1), (6, 6), (50, 8)],
    ids=["usual", "less", "more", "all"],
)
def test_what_is_usual_yields_to_what_is_asked_for_and_that_to_what_is_possible(
    place: Path, asked: int | None, together: int
) -> None:
    executor = FolderExecutor(place, usual_parallel=2, max_parallel=8)
    seen: list[SweepStatus] = []

    def look() -> None:
        status = sweep.status()
        seen.append(status)
        # before each look all is announced that may be: one too many would be seen by then
        if [status["running"] >= together for status in seen].count(True) == 3:
            with Journal(sweep.journal_path, "write") as journal:
                journal.request("cancel")

    executor.change = lambda batch: setattr(batch, "before_look", look)
    planned = tasks(12, seconds=3600)
    sweep = Sweep(planned, executor, name="usual", max_parallel=asked, pace=QUICK)
    sweep.run()
    assert {status["waiting"] for status in seen if not status["cancelled"]} == {12 - together}
    assert len(run_files(place)) == together


def test_attempts_of_all_kinds_are_counted_by_kind(place: Path) -> None:
    planned = [FileTask("a", fails=["engine", "interrupted", "engine", "interrupted", "engine"])]
    sweep = Sweep(planned, FolderExecutor(place), name="kinds", pace=QUICK)
    sweep.run()
    (row,) = sweep.rows()
    # the third failure of the engine was one too many
    assert (row.state, row.attempt) == (TaskState.FAILED, 5)
    assert Counter(row.failures) == Counter(engine=3, interrupted=2)
