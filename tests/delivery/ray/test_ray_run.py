"""Trainings on a real Ray cluster: what a user would lose there, or pay for twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common import Loc
from tg.common._core.errors import (
    EngineUnavailableError,
    InfrastructureError,
    RunCancelledError,
    TrainingFailedError,
)
from tg.common.contract import RunState
from tg.common.delivery.execution.failure_kind import FailureKind
from tg.common.delivery.execution.run_folder import RunFolder
from tg.common.delivery.execution.task_batch import open_batch
from tg.common.delivery.ray import RayExecutor, RayOptions
from tg.common.delivery.ray.jobs import RayJobs
from tg.common.delivery.ray.run import RayRun
from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
from tg.common.delivery.sweep import Sweep

pytestmark = [pytest.mark.slow]

TASKS = """
    import os
    import signal
    import time
    from pathlib import Path

    from tg.common.ml.training_core import FunctionTask

    def train(data, env, alpha=1.0, mode=""):
        Path(os.environ["TG_RUN_FOLDER"], f"began-{os.getpid()}").touch()
        for step in range(3):
            env.output_metric("loss", alpha / (step + 1))
        if mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "sleep":
            time.sleep(600)
        return {"r2_test": alpha / 2, "secret": float(os.environ.get("SECRET", 0))}

    def build(alpha, mode=""):
        return FunctionTask(train, {"alpha": alpha, "mode": mode})
"""
DRIVER = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, "."]
import leaves
from tg.common.delivery.ray import RayExecutor, RayOptions
from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
from tg.common.delivery.sweep import Sweep
tasks = Autonamer(leaves.build).build_tasks(alpha=[1.0, 2.0, 3.0])
options = RayOptions(**{options!r})
executor = RayExecutor(SagemakerRoutine(tasks[0], "d.parquet", "tea", name="tea"), options)
Sweep(tasks, executor, name="demo", on_progress=lambda status: Path("began").touch()).run()
"""


@pytest.fixture
def options(cluster: Any) -> dict[str, Any]:
    return {
        "address": cluster.address,
        "libraries": "none",
        "python": sys.executable,
        "cpus": 0.5,
    }


@pytest.fixture
def leaves(project: Path, write_files: Callable[..., None]) -> Any:
    write_files({"leaves.py": TASKS})
    folder = Loc.data_cache_path / "datasets" / "tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    import leaves

    return leaves


@pytest.fixture
def make(leaves: Any, options: dict[str, Any]) -> Callable[..., RayExecutor]:
    def make(mode: str = "", **changes: Any) -> RayExecutor:
        routine = SagemakerRoutine(leaves.build(2.0, mode), "d.parquet", "tea", name="tea")
        return RayExecutor(routine, RayOptions(**{**options, **changes}))

    return make


def until(condition: Callable[[], Any], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def tg(*words: str) -> str:
    program = [sys.executable, "-m", "tg.cli.main", *words]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def jobs_of(address: str) -> list[str]:
    with urllib.request.urlopen(f"{address}/api/jobs/") as answer:
        return [job["submission_id"] for job in json.load(answer) if job["submission_id"]]


def test_it_is_followed_and_stopped_by_any_process(
    make: Callable[..., RayExecutor],
) -> None:
    executor = make("sleep")
    run = executor.submit()
    until(lambda: run.metric_values().get("loss") == [2.0, 1.0, 2 / 3])
    other = make("sleep").run(run.id)
    assert isinstance(other, RayRun)
    assert other.state is RunState.IN_PROGRESS
    other.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(120)
    assert "Stopped on request" in list(other.logs())[-1]


def test_one_that_waits_for_a_node_is_cancelled_at_once(
    make: Callable[..., RayExecutor], cluster: Any
) -> None:
    run = make(cpus=100).submit()
    assert run.state is RunState.PENDING
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(120)
    assert not list(make().runs_folder.glob(f"{run.id}/began-*"))


def test_what_ends_a_training_from_outside_is_not_the_tasks_fault(
    make: Callable[..., RayExecutor],
) -> None:
    run = make("kill").submit()
    with pytest.raises(InfrastructureError, match="exit code -9"):
        run.wait(120)
    assert run.failure_kind is FailureKind.INTERRUPTED
    assert run.metric_values()["loss"] == [2.0, 1.0, 2 / 3]


def test_a_node_that_dies_is_told_as_such(make: Callable[..., RayExecutor]) -> None:
    run = make("sleep").submit()
    until(run.metric_values)
    pid = RunFolder.find(make().runs_folder, run.id).read_number("pid")
    assert pid is not None
    os.kill(_parent(pid), signal.SIGKILL)  # Ray's own process, which would see to the training
    with pytest.raises(InfrastructureError, match="Ray says"):
        run.wait(120)
    assert run.failure_kind is FailureKind.INTERRUPTED
    until(lambda: not _is_running(pid))


def test_a_node_that_does_not_see_the_folder_is_told_as_such(
    make: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = RayJobs.start

    def elsewhere(self: RayJobs, job_id: str, command: str, **more: Any) -> None:
        start(self, job_id, command.replace("/start.sh", "/no/start.sh"), **more)

    monkeypatch.setattr(RayJobs, "start", elsewhere)
    run = make().submit()
    with pytest.raises(InfrastructureError, match="do all nodes see the folder"):
        run.wait(120)
    assert run.failure_kind is FailureKind.ENGINE


def test_a_cluster_that_is_not_there_is_told_before_anything_is_packed(
    make: Callable[..., RayExecutor],
) -> None:
    executor = make(address="http://127.0.0.1:9")
    with pytest.raises(EngineUnavailableError, match="does not answer"):
        executor.submit()
    assert not executor.runs_folder.exists()


def test_an_answer_that_was_lost_is_no_second_job(
    make: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch, cluster: Any
) -> None:
    call = RayJobs._call
    known = set(jobs_of(cluster.address))

    def lossy(self: RayJobs, method: str, *args: Any, **kwargs: Any) -> Any:
        answer = call(self, method, *args, **kwargs)
        if method == "submit_job":
            raise EngineUnavailableError("the answer was lost", hint="")
        return answer

    monkeypatch.setattr(RayJobs, "_call", lossy)
    run = make().submit()
    monkeypatch.undo()
    assert run.wait(120).result().metrics["r2_test"] == 1.0
    assert set(jobs_of(cluster.address)) - known == {run.id}


def test_a_task_is_started_once_however_often_it_is_asked_for(
    leaves: Any, make: Callable[..., RayExecutor], cluster: Any
) -> None:
    tasks = {"one": leaves.build(2.0), "two": leaves.build(4.0)}
    batch = make().batch(tasks)
    first = batch.start("one")
    again = open_batch(json.loads(json.dumps(batch.record())))
    assert again.start("one").id == first.id == again.run_id("one")
    assert again.states([first.id, "no-such-run"]).keys() == {first.id}
    first.wait(120)
    assert again.ended([first.id, "no-such-run"]) == {first.id: True}
    assert again.start("one").state is RunState.COMPLETED
    folder = make().runs_folder / first.id
    assert len(list(folder.glob("began-*"))) == 1
    assert jobs_of(cluster.address).count(first.id) == 1


def test_one_whose_starter_died_before_it_was_submitted_is_started_by_the_next(
    leaves: Any, make: Callable[..., RayExecutor]
) -> None:
    batch = make().batch({"one": leaves.build(2.0)})
    batch.prepare()
    folder = RunFolder.reserve(make().runs_folder, batch.run_id("one"))
    folder.write_pending("ray", {"submitter": 2**22 + 1, "submitter_process": "gone"})
    (folder.work / "opt").mkdir(parents=True)  # and a part of what it needs was there
    assert batch.start("one").wait(120).result().metrics["r2_test"] == 1.0


def test_the_command_line_finds_it_wherever_its_folder_is(
    make: Callable[..., RayExecutor], tmp_path: Path
) -> None:
    for change in ({}, {"shared_folder": tmp_path / "shared"}):
        run = make("sleep", **change).submit()
        until(run.metric_values)
        states = {row["run"]: row["state"] for row in json.loads(tg("runs", "--json"))["runs"]}
        assert states[run.id] == "InProgress"
        assert f"{run.id}: Stop" in tg("runs", "cancel", run.id)  # it may have stopped meanwhile
        assert "loss" in tg("logs", run.id)
        with pytest.raises(RunCancelledError):
            run.wait(120)
        ended = make(**change).submit()
        assert "loss" in tg("logs", ended.id)
        assert "r2_test: 1.0" in tg("result", "show", ended.id)


def test_a_training_of_another_place_does_not_take_its_checkpoints(
    leaves: Any, make: Callable[..., RayExecutor]
) -> None:
    routine = SagemakerRoutine(leaves.build(2.0, "sleep"), "d.parquet", "tea", name="tea")
    run = make("sleep").submit()
    until(run.metric_values)
    here = routine.process().submit()
    folder = make().runs_folder
    taken = [RunFolder.find(folder, one.id).read().details["checkpoints"] for one in (run, here)]
    assert taken[1] == f"{taken[0]}-{here.id}"
    for one in (run, here):
        one.cancel()
        with pytest.raises(RunCancelledError):
            one.wait(120)


def test_secrets_are_in_no_dashboard_and_with_the_training(
    make: Callable[..., RayExecutor], cluster: Any
) -> None:
    run = make(environment={"SECRET": "7351.0"}).submit()
    with urllib.request.urlopen(f"{cluster.address}/api/jobs/{run.id}") as answer:
        assert b"7351" not in answer.read()
    assert run.wait(120).result().metrics["secret"] == 7351.0


def test_a_sweep_whose_driver_is_killed_goes_on_with_nothing_started_twice(
    leaves: Any, options: dict[str, Any], cluster: Any, project: Path
) -> None:
    known = set(jobs_of(cluster.address))
    root = str(Path(__file__).parents[3])
    program = project / "drive.py"
    program.write_text(DRIVER.format(root=root, options=options))
    driver = subprocess.Popen([sys.executable, str(program)], cwd=project)
    until((project / "began").exists)
    until(lambda: set(jobs_of(cluster.address)) - known)
    driver.kill()
    driver.wait()
    sweep = Sweep.open("demo")
    assert sweep.run()["completed"] == 3
    assert sweep.table()["r2_test"].to_list() == [0.5, 1.0, 1.5]
    runs = [row.run_id for row in sweep.rows()]
    assert set(jobs_of(cluster.address)) - known == set(runs)
    folder = Loc.data_cache_path / "sagemaker" / "tea" / "output"
    assert [len(list(folder.glob(f"{run}/began-*"))) for run in runs] == [1, 1, 1]


def test_a_task_that_fails_in_a_sweep_is_not_tried_again(
    leaves: Any, make: Callable[..., RayExecutor]
) -> None:
    tasks = Autonamer(leaves.build).build_tasks(alpha=[1.0, "two"])
    sweep = Sweep(tasks, make(), name="demo")
    status = sweep.run()
    assert (status["completed"], status["failed"]) == (1, 1)
    (failed,) = [row for row in sweep.rows() if row.state == "failed"]
    assert (failed.kind, failed.attempt) == ("task", 1)
    with pytest.raises(TrainingFailedError, match="unsupported operand"):
        sweep.run_of(failed.name).wait()


def _parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
