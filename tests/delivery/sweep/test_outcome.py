"""What is learnt of a run that has ended, before anybody decides what becomes of its task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import pytest
from folder_place import FileRun, FileTask, FolderBatch, FolderExecutor

from tg.common._core.archive_writer import Member, write_tar_gz
from tg.common._core.errors import (
    AwsPermissionError,
    AwsThrottledError,
    ResultError,
    RunCancelledError,
    TgError,
    TrainingTimeoutError,
)
from tg.common.contract.run_state import RunState
from tg.common.delivery.execution.failure_kind import FailureKind
from tg.common.delivery.execution.result_loader import ResultLoader
from tg.common.delivery.execution.run import Run
from tg.common.delivery.sweep.outcome import outcome_of


class LimitedRun(FileRun):
    """A run of a place that says it has stopped what took too long, as SageMaker does."""

    @property
    def failure_kind(self) -> FailureKind | None:
        return FailureKind.TIMEOUT

    def wait(self, timeout_seconds: float | None = None) -> Run:
        raise TrainingTimeoutError(f"{self.id} took longer than 5 seconds")


class LimitedBatch(FolderBatch):
    def run(self, run_id: str) -> Run:
        return LimitedRun(self.folder / run_id)


def started(batch: FolderBatch) -> str:
    """Start the one task, and give its run's id."""
    batch.start("a")
    return batch.run_id("a")


@pytest.fixture
def batch(place: Path) -> FolderBatch:
    return FolderExecutor(place).batch({"a": FileTask("a", seconds=60)})


def test_a_run_that_its_place_has_stopped_for_its_time_has_failed_and_says_why(
    batch: FolderBatch,
) -> None:
    # else it counts as ended by somebody: no other try, and nobody learns which limit was too low
    run_id = started(batch)
    batch.run(run_id).cancel()
    limited = LimitedBatch(batch.folder, batch.specs)
    assert limited.run(run_id).state is RunState.STOPPED
    outcome = outcome_of(limited, run_id)
    assert (outcome.kind, outcome.reason) == ("timeout", f"{run_id} took longer than 5 seconds")


def test_a_run_that_somebody_has_stopped_has_no_failure(batch: FolderBatch) -> None:
    run_id = started(batch)
    run = batch.run(run_id)
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait()
    outcome = outcome_of(batch, run_id)
    assert (outcome.kind, outcome.reason) == ("", f"{run_id} was cancelled")


class FarRun(FileRun):
    """A run far away, whose log has not come to its end when the run has."""

    failure: ClassVar[TgError | None] = None

    def metric_values(self) -> dict[str, list[float]]:
        return {"loss": [0.5, 0.25]}

    def result(self) -> ResultLoader:
        if self.failure is not None:
            raise self.failure
        archive = self.path.with_suffix(".tar.gz")
        metrics = {"loss": 0.125, "auc": 0.75}
        content = json.dumps({"protocol": 1, "metrics": metrics}).encode()
        write_tar_gz(archive, [Member(name="metrics.json", content=content)])
        return ResultLoader(archive)


class FarBatch(FolderBatch):
    def run(self, run_id: str) -> Run:
        return FarRun(self.folder / run_id)


@pytest.fixture
def far(place: Path) -> FolderBatch:
    batch = FolderExecutor(place).batch({"a": FileTask("a")})
    return FarBatch(batch.folder, batch.specs)


def test_what_a_log_far_away_does_not_have_yet_is_read_from_the_result(far: FolderBatch) -> None:
    # what came of a task is written down once: the best task of a sweep would be another one
    outcome = outcome_of(far, started(far))
    assert outcome.metrics == {"loss": [0.5, 0.25, 0.125], "auc": [0.75]}


def test_a_result_that_cannot_be_read_now_is_read_later_and_one_that_never_can_is_not(
    far: FolderBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = started(far)
    monkeypatch.setattr(FarRun, "failure", AwsThrottledError("SlowDown"))
    with pytest.raises(AwsThrottledError):
        outcome_of(far, run_id)
    for forbidden in (AwsPermissionError("no s3:GetObject"), ResultError("nothing is left")):
        monkeypatch.setattr(FarRun, "failure", forbidden)
        assert outcome_of(far, run_id).metrics == {"loss": [0.5, 0.25]}
