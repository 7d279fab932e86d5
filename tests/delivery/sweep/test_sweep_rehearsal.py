"""Sweeps over local containers, and over the remote path in a rehearsal, in fair weather and foul.

If one of these fails, a sweep that was tried out on this machine costs money, results or hours
where it is paid for.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rehearsed_project
from rehearsed_project import PACE, lay_out_project, routine_of, sweep_of, tasks_of

from tg.common._core.errors import SweepNotFoundError, SweepPausedError
from tg.common.contract import RunState
from tg.common.delivery.sagemaker import RemoteOptions
from tg.common.delivery.sweep import MedianStopping, RetryPolicy, Sweep, TaskRow, TaskState
from tg.common.delivery.sweep.histories import histories_of
from tg.common.delivery.sweep.known_runs import KnownRuns
from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal, pytest.mark.slow]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal(grace_seconds=2, checkpoint_seconds=0.2) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def calm(request: pytest.FixtureRequest, project: Path) -> Iterator[None]:
    """Each test has a project of its own, and leaves no fault to the next."""
    lay_out_project(project)
    cloud: Rehearsal = request.getfixturevalue("cloud")
    yield
    cloud.faults.clear()
    cloud.quotas.clear()


@pytest.fixture
def swept(project: Path, cloud: Rehearsal) -> Callable[..., Sweep]:
    def swept(case: str, count: int, **settings: Any) -> Sweep:
        return sweep_of(project, cloud.bucket, cloud.role_arn, case, count, **settings)

    return swept


def drive(project: Path, cloud: Rehearsal, case: str, count: int) -> subprocess.Popen[str]:
    settings = {
        "root": str(project),
        "bucket": cloud.bucket,
        "role": cloud.role_arn,
        "case": case,
        "count": count,
    }
    driver = subprocess.Popen(
        [sys.executable, rehearsed_project.__file__, json.dumps(settings)],
        cwd=project,
        env={**os.environ, "TG_ROOT": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert driver.stdout is not None
    driver.stdout.readline()
    return driver


def await_that(holds: Callable[[], bool], timeout_seconds: float = 600) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(sweep: Sweep) -> int:
    """How many trainings go on, as the cloud has it."""
    if sweep.name is None:
        return 0
    try:
        rows = sweep.rows()
    except SweepNotFoundError:  # it is being made
        return 0
    started = [row for row in rows if row.state is TaskState.RUNNING]
    return sum(sweep.run_of(row.name).state is RunState.IN_PROGRESS for row in started)


def walked(sweep: Sweep) -> list[Any]:
    names = [row.name for row in sweep.rows()]
    return [sweep.result(name).unpickle("runs/0/walk.pkl") for name in names]


def dollars_a_second(sweep: Sweep) -> float:
    costs = [sweep.run_of(row.name).cost for row in sweep.rows()]
    assert float(sum(cost.total_usd for cost in costs)) == pytest.approx(sweep.status().spent)
    return sweep.status().spent / sum(cost.training_seconds for cost in costs)


def heights(sweep: Sweep) -> dict[str, float]:
    return {row.name: row.metrics["height"] for row in sweep.rows()}


def test_a_sweep_is_one_image_and_comes_to_the_same_in_every_place(
    project: Path, cloud: Rehearsal, swept: Callable[..., Sweep]
) -> None:
    tasks = tasks_of(3, "places")
    routine = routine_of(tasks[0], project)
    here = Sweep(tasks, routine.process(), name="here", pace=PACE)
    contained = Sweep(tasks, routine.local(), name="contained", pace=PACE, max_parallel=2)
    far = swept("places", 3)
    before = {name: cloud.calls(name).count for name in ("s3.PutObject", "registry.PutManifest")}
    jobs = cloud.job_count
    for sweep in (here, contained, far):
        assert sweep.run()["completed"] == 3, sweep.table()
    spent = {name: cloud.calls(name).count - count for name, count in before.items()}
    # the data, and each task
    assert spent == {"s3.PutObject": 1 + 3, "registry.PutManifest": 1}
    assert cloud.job_count == jobs + 3
    assert heights(here) == heights(contained) == heights(far)
    walks = [walked(sweep) for sweep in (here, contained, far)]
    assert walks[0] == walks[1] == walks[2]
    table = far.table()
    assert (table["cost"] > 0).all()
    assert far.status().spent == pytest.approx(table["cost"].sum())


def test_a_new_process_reads_the_sweep_and_adds_no_job(
    project: Path, cloud: Rehearsal, swept: Callable[..., Sweep]
) -> None:
    first = swept("anew", 2)
    first.run()
    jobs = cloud.job_count
    driver = drive(project, cloud, "anew", 2)
    output, _ = driver.communicate(timeout=600)
    assert driver.returncode == 0, output
    assert "2 completed" in output
    assert cloud.job_count == jobs
    assert heights(Sweep.open("anew")) == heights(first)


@pytest.mark.parametrize(
    ("kills", "count"), [(3, 6), pytest.param(100, 40, marks=pytest.mark.soak)]
)
def test_a_driver_killed_anywhere_pays_each_training_once(
    project: Path, cloud: Rehearsal, kills: int, count: int
) -> None:
    chance = random.Random(kills)
    jobs, killed, number = cloud.job_count, 0, 0
    while killed < kills:
        case = f"killed{kills}n{number}"
        number += 1
        journal = project / "data-cache" / "sweeps" / case / "journal.db"
        while True:
            driver = drive(project, cloud, case, count)
            while not journal.exists() and driver.poll() is None:
                time.sleep(0.02)
            if killed < kills:
                time.sleep(chance.uniform(0.0, 2.0))
                driver.kill()
            output, _ = driver.communicate(timeout=1_200)
            assert driver.returncode in (0, -9), output
            if driver.returncode == 0:
                break
            killed += 1
        rows = Sweep.open(case).rows()
        assert [row.reason for row in rows if row.state is not TaskState.COMPLETED] == []
        assert {row.attempt for row in rows} == {1}
    assert cloud.job_count == jobs + number * count


def test_cancelled_trainings_are_stopped_where_they_are_paid_for(
    cloud: Rehearsal, swept: Callable[..., Sweep]
) -> None:
    sweep = swept("cancelled", 4, max_parallel=2, fields={"seconds": 600.0})
    driving = threading.Thread(target=sweep.run)
    driving.start()
    await_that(lambda: running(sweep) == 2)
    sweep.cancel()
    driving.join(timeout=600)
    assert not driving.is_alive()
    assert sweep.status()["cancelled"] == 4
    states = [sweep.run_of(row.name).state for row in sweep.rows() if row.run_id]
    assert states == [RunState.STOPPED] * 2


def test_where_there_is_no_machine_the_next_type_is_taken(
    cloud: Rehearsal, swept: Callable[..., Sweep]
) -> None:
    cloud.faults.no_capacity("ml.m5.large", times=None)
    sweep = swept("capacity", 4)
    assert sweep.run()["completed"] == 4, sweep.table()
    for row in sweep.rows():
        assert row.attempt >= 2
        assert row.failures.keys() == {"capacity"}
        described = sweep.run_of(row.name).describe()
        assert described["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"


@pytest.mark.parametrize("count", [12, pytest.param(50, marks=pytest.mark.soak)])
def test_a_quota_of_three_is_used_and_never_waited_out(
    cloud: Rehearsal, swept: Callable[..., Sweep], count: int
) -> None:
    cloud.quotas["ml.m5.large"] = 3
    jobs, asked = cloud.job_count, cloud.calls("sagemaker.CreateTrainingJob").count
    # how often it is looked whether others have ended depends on how long the trainings take
    sweep = swept(f"quota{count}", count, pace=dataclasses.replace(PACE, probe_seconds=3_600))
    assert sweep.run()["completed"] == count, sweep.table()
    assert {row.attempt for row in sweep.rows()} == {1}
    assert cloud.job_count == jobs + count
    refused = cloud.calls("sagemaker.CreateTrainingJob").count - asked - count
    # those that were under way when the quota was met
    assert refused <= 2 * count


@pytest.mark.parametrize("count", [4, pytest.param(16, marks=pytest.mark.soak)])
def test_a_storm_of_refusals_and_lost_answers_costs_no_training_twice(
    cloud: Rehearsal, swept: Callable[..., Sweep], count: int
) -> None:
    sweep = swept(f"storm{count}", count)
    sweep._bring_into_being()  # what follows is about the trainings
    jobs = cloud.job_count
    for operation in ("CreateTrainingJob", "ListTrainingJobs", "DescribeTrainingJob"):
        cloud.faults.throttle(f"sagemaker.{operation}", times=count // 2)
    cloud.faults.server_error("sagemaker.CreateTrainingJob", times=count // 2)
    cloud.faults.drop_after("sagemaker.CreateTrainingJob", times=count // 2)
    cloud.faults.drop_during("s3.PutObject", times=count // 2)
    cloud.faults.throttle("logs.*", times=count // 2)
    happened = cloud.faults.happened
    assert sweep.run()["completed"] == count, sweep.table()
    assert cloud.faults.happened == happened + 7 * (count // 2)  # or this was no storm
    assert {row.attempt for row in sweep.rows()} == {1}
    assert cloud.job_count == jobs + count


@pytest.mark.parametrize("count", [6, pytest.param(50, marks=pytest.mark.soak)])
def test_interrupted_spot_trainings_come_to_the_same_as_others(
    cloud: Rehearsal, swept: Callable[..., Sweep], count: int
) -> None:
    case = f"spot{count}"
    calm = swept(f"{case}-calm", count, fields={"seconds": 0.1})
    spot = swept(
        case, count, fields={"seconds": 0.1, "spot": True}, options={"max_wait_seconds": 7_200}
    )
    calm.run()
    interrupted = round(0.3 * count)
    cloud.faults.interruption(times=interrupted, seconds=0.3)
    happened = cloud.faults.happened
    assert spot.run()["completed"] == count, spot.table()
    assert cloud.faults.happened == happened + interrupted
    assert list(heights(spot).values()) == list(heights(calm).values())
    # a second of theirs: how many there are depends on what else the machine does
    assert dollars_a_second(spot) < dollars_a_second(calm)


def test_expired_credentials_pause_the_sweep_until_somebody_logs_in(
    cloud: Rehearsal, swept: Callable[..., Sweep]
) -> None:
    jobs = cloud.job_count
    sweep = swept("expired", 6, max_parallel=2)
    cloud.faults.expired_token("sagemaker.*", times=None, after=5)
    with pytest.raises(SweepPausedError, match="expired"):
        sweep.run()
    assert not sweep.status().is_done
    cloud.faults.clear()
    assert Sweep.open("expired").run()["completed"] == 6
    assert cloud.job_count == jobs + 6


def test_a_task_that_always_fails_fails_once_and_says_why(
    cloud: Rehearsal, swept: Callable[..., Sweep]
) -> None:
    jobs = cloud.job_count
    sweep = swept("broken", 4, fields={"fails_at": 3})
    status = sweep.run()
    assert (status["completed"], status["failed"]) == (3, 1)
    failed = next(row for row in sweep.rows() if row.state is TaskState.FAILED)
    assert (failed.parameters["rate"], failed.kind) == (3, "task")
    assert "the rate 3 is broken" in failed.reason
    assert cloud.job_count == jobs + 4


def test_a_training_whose_time_was_up_is_tried_again_from_its_checkpoint(
    swept: Callable[..., Sweep],
) -> None:
    # SageMaker says `Stopped`, as of one that somebody ended: it would be given up without a word
    sweep = swept(
        "limited",
        1,
        retry=RetryPolicy(timeout=20),
        # whoever begins at the beginning does not come to the end, whatever the machine
        fields={"rests_at": 2},
        options={"max_runtime_seconds": 10},
    )
    assert sweep.run()["completed"] == 1, sweep.table()
    (row,) = sweep.rows()
    assert row.attempt >= 2
    assert row.failures == {"timeout": row.attempt - 1}


def test_a_training_that_falls_behind_is_stopped_while_it_runs(
    cloud: Rehearsal, swept: Callable[..., Sweep]
) -> None:
    rule = MedianStopping(metric="height", warmup_steps=2, min_runs=2)
    sweep = swept("behind", 4, stopping=rule, fields={"lags_at": 2})
    status = sweep.run()
    assert status.is_done
    assert status["completed"] >= 1
    assert status["failed"] == 0
    behind = next(row for row in sweep.rows() if row.parameters["rate"] == 2)
    assert behind.state is TaskState.STOPPED  # another that is below the median may be as well
    assert sweep.run_of(behind.name).state is RunState.STOPPED


def test_a_look_at_a_long_log_is_one_request_for_what_is_new(
    project: Path, cloud: Rehearsal
) -> None:
    # else a sweep asks more and more as its trainings go on, until the account's rate is used up
    # what was said some seconds ago cannot come late any more; then it goes on to the end
    (task,) = tasks_of(1, "speaks", speaks=25_000, seconds=6.0, rests_at=1)
    routine = routine_of(task, project, cloud.bucket, cloud.role_arn)
    batch = routine.remote(RemoteOptions(max_runtime_seconds=3_600)).batch({"a": task})
    run = batch.start("a")
    row = TaskRow(number=0, name="a", run_id=run.id, state=TaskState.RUNNING)
    known = KnownRuns()

    def reported(metric: str) -> list[float]:
        return histories_of({0: batch}, [row], metric, known)[0]

    try:
        await_that(lambda: len(reported("height")) > 0)
        asked, read = cloud.calls("sagemaker.*"), cloud.calls("logs.FilterLogEvents")
        for _ in range(3):
            assert reported("step") == list(range(25_000))
        spent = cloud.calls("logs.FilterLogEvents") - read
        assert spent.count == 3
        assert spent.sent_bytes < 10_000
        # how far it is, is asked again after a second: on a busy machine at each look
        assert (cloud.calls("sagemaker.*") - asked).count <= 2 * 3
    finally:
        run.cancel()
