"""Sweeps that are planned, watched, cancelled, resumed, and made again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from folder_place import FileRun, FileTask, FolderBatch, FolderExecutor, run_files, tasks

from tg.common._core.errors import (
    ConfigError,
    FormatError,
    GridError,
    NamingError,
    SweepBusyError,
    SweepError,
)
from tg.common.delivery.sagemaker import Autonamer
from tg.common.delivery.sweep import MedianStopping, Pace, Sweep, SweepStatus, TaskState
from tg.common.delivery.sweep.journal import Journal
from tg.common.delivery.sweep.sweep_title import sweep_title
from tg.common.ml.training_core import FunctionTask

QUICK = Pace(first_pause_seconds=0.01, longest_poll_seconds=0.05, metric_seconds=0.02)
HERE = Path(__file__).parent


def build(rate: float = 1.0, layers: list[int] | None = None) -> FileTask:
    return FileTask("", metrics={"auc": [rate]})


def test_an_autonamers_tasks_bring_their_parameters(place: Path) -> None:
    grid = Autonamer(build).build_tasks(rate=[0.1, 0.2], layers=[[10], [10, 5]])
    sweep = Sweep(grid[1:], FolderExecutor(place), name="grid")
    sweep.run()
    rows = sweep.rows()
    assert [row.name for row in rows] == ["R0p1-L10-5", "R0p2-L10", "R0p2-L10-5"]
    assert rows[0].parameters == {"rate": 0.1, "layers": [10, 5]}
    assert rows[2].metrics == {"auc": 0.2}


def test_all_cells_that_cannot_be_built_are_named_before_anything_starts() -> None:
    # else the user mends one cell after the other
    def picky(rate: int) -> FileTask:
        if rate % 2:
            raise ValueError(f"{rate} is odd")
        return FileTask("")

    with pytest.raises(
        GridError, match=r"3 of 6 cells: R1 .*R3 .*R5 \(ValueError: 5 is odd\)"
    ) as e:
        Autonamer(picky).build_tasks(rate=range(6))
    assert e.value.failures["R3"] == "ValueError: 3 is odd"
    assert isinstance(e.value.__cause__, ValueError)


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(NamingError, match="rate"):
        Autonamer(build).build_tasks(rate=[])


@pytest.mark.parametrize(
    ("planned", "error", "text"),
    [
        ([], ConfigError, "no tasks"),
        ({}, ConfigError, "no tasks"),
        (FileTask("a"), ConfigError, "not a FileTask"),
        ([FileTask("a"), FileTask("b"), FileTask("a")], NamingError, r"'a' \(2x\)"),
        ([FileTask("a"), FileTask("")], NamingError, "1 of 2 tasks have no name: those at 1"),
        ([SimpleNamespace(info=None)], NamingError, "1 of 1 tasks have no name"),
        ([FileTask(["a"])], NamingError, r"\['a'\]"),  # type: ignore[arg-type]
        ({"a": SimpleNamespace(info={})}, ConfigError, "SimpleNamespace"),
        ({1: FileTask("a")}, NamingError, "1"),
        ({os.fsdecode(b"caf\xe9"): FileTask("a")}, NamingError, r"'caf\\udce9'"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_at_once(
    place: Path, planned: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        Sweep(planned, FolderExecutor(place))


@pytest.mark.parametrize(
    "settings",
    [
        {"max_parallel": 0},
        {"max_parallel": True},
        {"max_cost": True},
        {"fail_fast": "no"},  # would be yes
        {"max_cost": 0.0},
        {"max_cost": float("nan")},
        {"max_cost": "3"},
        {"stopping": object()},
        {"deadline": 3600},  # would be no deadline at all
        {"retry": 3},
        {"pace": 1.0},
        {"parameters": [{"rate": 1}]},
        {"parameters": {"t00000": 1}},
        {"on_progress": 3},  # else the user finds out from a warning, hours later
        {"on_progress": False},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_at_once(place: Path, settings: Any) -> None:
    with pytest.raises(ConfigError):
        Sweep(tasks(1), FolderExecutor(place), **settings)


@pytest.mark.parametrize("what", [object(), FolderExecutor, None])
def test_what_cannot_run_tasks_is_refused(place: Path, what: Any) -> None:
    # also the class, where an executor is meant
    with pytest.raises(ConfigError, match="routine"):
        Sweep(tasks(1), what)


def test_a_routine_stands_for_processes_on_this_machine(place: Path) -> None:
    routine = SimpleNamespace(process=lambda: FolderExecutor(place))
    assert Sweep(tasks(2), routine, name="routine").run()["completed"] == 2


def test_parameters_of_any_kind_are_kept_as_plain_values(place: Path) -> None:
    class Loss(Enum):
        L1 = 1

    parameters = {
        "t00000": {
            "a": np.float32(0.5),
            "b": np.arange(3),
            "c": Loss.L1,
            "d": (1, None),
            "e": {2, 1},
            "f": float("nan"),
            "g": dict,
        }
    }
    sweep = Sweep(tasks(1), FolderExecutor(place), name="any", parameters=parameters)
    sweep.run()
    shown = sweep.rows()[0].parameters
    assert json.loads(json.dumps(shown)) == {
        "a": 0.5,
        "b": [0, 1, 2],
        "c": "L1",
        "d": [1, None],
        "e": [1, 2],
        "f": "nan",
        "g": "dict",
    }


def test_the_same_tasks_are_the_same_sweep_without_a_name(place: Path) -> None:
    # a notebook's cell that is run again goes on
    first = Sweep(tasks(5), FolderExecutor(place))
    assert first.name is None
    first.run()
    executor = FolderExecutor(place)
    second = Sweep(tasks(5), executor)
    second.run()
    assert second.name == first.name
    assert executor.last.starts == []


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["ridge-A0p1", "ridge-A0p01"], "ridge"),
        (["my_net-L1-R2", "my_net-L1-R3"], "my-net-L1"),
        (["seed-1", "seed-2", "sort-1"], "FileTask"),
        (["ridge", "ridge-2"], "ridge"),
        (["A0p1", "A0p01"], "FileTask"),
        (["naïve-1", "naïve-2"], "naive"),
    ],
)
def test_a_sweep_without_a_name_is_called_as_its_tasks_are(
    place: Path, names: list[str], title: str
) -> None:
    # a list of sweeps with names of hashes says nothing
    for planned in (names, names[::-1]):
        sweep = Sweep({name: FileTask(name) for name in planned}, FolderExecutor(place))
        sweep.run()
        assert re.fullmatch(rf"{title}-[0-9a-f]{{10}}", str(sweep.name))


def test_a_sweep_of_functions_is_called_as_these_are() -> None:
    def steep(data: Any, env: Any, minutes: int = 3) -> None: ...

    assert sweep_title({f"M{n}": FunctionTask(steep, {"minutes": n}) for n in (1, 2)}) == "steep"
    assert sweep_title({"a": FunctionTask(lambda data, env: None)}) == "a"
    nameless = {name: FunctionTask(lambda data, env: None) for name in "ab"}
    assert sweep_title(nameless) == "FunctionTask"


def test_the_same_tasks_at_another_place_are_another_sweep(project: Path, place: Path) -> None:
    class Elsewhere(FolderExecutor):
        def batch(self, tasks: Any, *, batch_id: str = "") -> FolderBatch:
            batch = super().batch(tasks)
            names = {name: f"{batch.fingerprint(name)[:8]}-far" for name in batch.names}
            batch.run_id = lambda name, attempt=1: names[name]  # type: ignore[method-assign]
            return batch

    here = Sweep(tasks(3), FolderExecutor(place))
    here.run()
    (project / "far").mkdir()
    there = Sweep(tasks(3), Elsewhere(project / "far"))
    assert there.run().reused == 0
    assert there.name != here.name
    with pytest.raises(SweepError, match="another place"):
        Sweep(tasks(3), Elsewhere(project / "far"), name=here.name).run()


def test_a_result_of_an_earlier_sweep_is_taken_over(place: Path) -> None:
    Sweep(tasks(5), FolderExecutor(place), name="small").run()
    executor = FolderExecutor(place)
    large = Sweep(tasks(8), executor, name="large")
    status = large.run()
    assert (status["completed"], status.reused) == (8, 5)
    assert len(executor.last.starts) == 3
    assert [row.reused for row in large.rows()] == [True] * 5 + [False] * 3
    assert large.rows()[0].metrics == {"m": 1.0}
    # a result that was deleted meanwhile is made again
    (place / large.rows()[0].run_id).unlink()
    other = Sweep(tasks(6), FolderExecutor(place), name="other")
    assert other.run().reused == 5
    assert len(run_files(place)) == 8


def test_asked_to_rerun_every_task_gets_another_run(place: Path) -> None:
    Sweep(tasks(3), FolderExecutor(place), name="a").run()
    again = Sweep(tasks(3), FolderExecutor(place), name="b", rerun=True)
    assert again.run().reused == 0
    assert {row.run_id[-3:] for row in again.rows()} == {"-r2"}
    assert Sweep(tasks(3), FolderExecutor(place), name="b", rerun=True).run()["completed"] == 3
    assert len(run_files(place)) == 9


def test_what_failed_in_an_earlier_sweep_is_tried_as_another_run(place: Path) -> None:
    planned = [FileTask("a", fails=["task"])]
    assert Sweep(planned, FolderExecutor(place), name="first").run()["failed"] == 1
    second = Sweep(planned, FolderExecutor(place), name="second")
    assert second.run()["completed"] == 1
    assert second.rows()[0].attempt == 2


@pytest.fixture
def driven(project: Path, place: Path) -> Iterator[subprocess.Popen[str]]:
    """A sweep called `far` that another process drives, of tasks that take long."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "sweep_driver.py"), "far", str(place), "20", "3600", "0"],
        env={**os.environ, "TG_ROOT": str(project)},
        stdout=subprocess.PIPE,
        text=True,
    )
    while len(run_files(place)) < 8:
        assert process.poll() is None
        time.sleep(0.01)
    yield process
    process.kill()
    process.communicate()


def test_one_process_drives_and_the_others_watch(
    driven: subprocess.Popen[str], place: Path
) -> None:
    sweep = Sweep.open("far")
    status = sweep.status()
    assert status.is_driven
    assert status["waiting"] == 12
    with pytest.raises(SweepBusyError, match=f"process {driven.pid}") as busy:
        sweep.run()
    assert "Sweep.open('far').table()" in busy.value.hint
    waiting = next(row.name for row in sweep.rows() if row.state is TaskState.WAITING)
    with pytest.raises(SweepError, match=f"not started the task '{waiting}': it is waiting"):
        sweep.run_of(waiting)
    assert driven.poll() is None
    # whoever watches can end it
    sweep.cancel()
    assert driven.wait(timeout=120) == 0
    assert (sweep.status()["cancelled"], sweep.status().ended_by) == (20, "cancel")
    assert all(FileRun(place / name).state.is_final for name in run_files(place))
    assert len(run_files(place)) == 8


def test_a_sweep_that_nobody_drives_any_more_can_be_cancelled(
    driven: subprocess.Popen[str], place: Path
) -> None:
    driven.kill()
    driven.wait()
    sweep = Sweep.open("far")
    assert not sweep.status().is_driven
    sweep.cancel()
    assert sweep.status()["cancelled"] == 20
    assert all(FileRun(place / name).state.is_final for name in run_files(place))
    # it stays so when it is opened, and goes on when asked for
    assert Sweep.open("far").run()["cancelled"] == 20
    assert len(run_files(place)) == 8


def test_a_cancelled_sweep_can_be_resumed(place: Path) -> None:
    executor = FolderExecutor(place)
    sweep = Sweep(tasks(6, seconds=3600), executor, name="s", max_parallel=2, pace=QUICK)
    thread = threading.Thread(target=sweep.run)
    thread.start()
    while len(run_files(place)) < 2:
        time.sleep(0.01)
    sweep.cancel()
    thread.join()
    assert sweep.status()["cancelled"] == 6
    batch = executor.last
    # from now on a training is at its end as soon as it has begun
    batch.after_start = lambda name, attempt, at: os.utime(
        place / batch.run_id(name, attempt), (0, 0)
    )
    assert sweep.resume()["completed"] == 6
    # what had no run is begun for the first time
    assert [row.attempt for row in sweep.rows()] == [2, 2, 1, 1, 1, 1]


def test_a_sweep_that_is_done_is_ended_by_nothing_any_more(place: Path) -> None:
    sweep = Sweep(tasks(2), FolderExecutor(place), name="s", deadline=timedelta(seconds=60))
    sweep.run()
    sweep.cancel()
    assert sweep.status().ended_by == ""
    passed = Sweep.open("s", deadline=datetime.now(UTC) - timedelta(hours=1))
    assert passed.run().ended_by == ""
    with Journal(sweep.journal_path) as journal:
        assert journal.requests() == []  # nothing waits for tasks to come


def test_what_was_announced_and_not_started_is_not_started_to_be_cancelled(place: Path) -> None:
    sweep = Sweep(tasks(3), FolderExecutor(place), name="s")
    sweep.run()
    for name in run_files(place):
        (place / name).unlink()
    with Journal(sweep.journal_path, "write") as journal:
        journal.write([row.but(state=TaskState.STARTING) for row in journal.rows()])
    sweep.cancel()
    assert sweep.status()["cancelled"] == 3
    assert run_files(place) == []


def test_progress_is_told_and_ends_with_the_end(place: Path) -> None:
    told: list[SweepStatus] = []
    sweep = Sweep(tasks(30, seconds=0.05), FolderExecutor(place), name="s", on_progress=told.append)
    sweep.run()
    done = [status.done for status in told]
    assert done == sorted(done)
    assert told[-1].is_done
    assert {status.total for status in told} == {30}


def test_a_display_that_fails_does_not_end_the_sweep(place: Path) -> None:
    def fail(status: SweepStatus) -> None:
        raise RuntimeError("no screen")

    assert Sweep(tasks(3), FolderExecutor(place), name="s", on_progress=fail).run().is_done


def test_a_run_that_falls_behind_is_stopped_early(place: Path) -> None:
    good = [FileTask(f"g{n}", 0.2, metrics={"auc": [0.8] * 10}) for n in range(4)]
    bad = FileTask("bad", 600, metrics={"auc": [0.1] * 1000})  # it would complete in the end
    rule = MedianStopping(metric="auc", warmup_steps=1, min_runs=3)
    sweep = Sweep([*good, bad], FolderExecutor(place), name="s", stopping=rule, pace=QUICK)
    status = sweep.run()
    assert (status["completed"], status["stopped"]) == (4, 1)
    assert sweep.rows()[-1].metrics == {"auc": 0.1}


def test_a_run_is_found_by_its_task(place: Path) -> None:
    sweep = Sweep(tasks(2), FolderExecutor(place), name="s")
    with pytest.raises(SweepError):
        _ = Sweep(tasks(2), FolderExecutor(place)).journal_path
    sweep.run()
    assert sweep.run_of("t00001").id == sweep.rows()[1].run_id
    with pytest.raises(SweepError, match="has no task 'x'") as unknown:
        sweep.run_of("x")
    assert unknown.value.hint == "The tasks are: t00000, t00001."
    with pytest.raises(SweepError, match="Did you mean 't00001'"):
        sweep.result("t0001")


def test_a_batch_that_cannot_be_imported_is_told(place: Path) -> None:
    sweep = Sweep(tasks(2), FolderExecutor(place), name="s")
    sweep.run()
    for kind in ("no.such:Batch", "os:path", "folder_place:NoSuch"):
        with Journal(sweep.journal_path, "write") as journal:
            journal._connection.execute(
                "UPDATE batches SET record = json_set(record, '$.kind', ?)", (kind,)
            )
        with pytest.raises(FormatError, match=kind):
            Sweep.open("s").run()


def test_ctrl_c_ends_the_driving_alone(project: Path, place: Path) -> None:
    program = f"""
        import os, signal, sys, threading
        sys.path.insert(0, {str(HERE)!r})
        from pathlib import Path
        from folder_place import FolderExecutor, tasks
        from tg.common.delivery.sweep import Sweep
        once = threading.Lock()

        def interrupt(*_):
            if once.acquire(blocking=False):
                os.kill(os.getpid(), signal.SIGINT)

        executor = FolderExecutor(Path({str(place)!r}))
        executor.change = lambda batch: setattr(batch, "after_start", interrupt)
        try:
            Sweep(tasks(4, seconds=1), executor, name="c").run()
        except KeyboardInterrupt:
            sys.exit(9)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        env={**os.environ, "TG_ROOT": str(project)},
        timeout=600,
    )
    assert ended.returncode == 9
    assert Sweep.open("c", pace=QUICK).run()["completed"] == 4
    assert len(run_files(place)) == 4
