"""What is learnt of a run that has ended, before anybody decides what becomes of its task."""

from __future__ import annotations

from pathlib import Path

import pytest
from folder_place import FileRun, FileTask, FolderBatch, FolderExecutor

from tg.common._core.errors import RunCancelledError, TrainingTimeoutError
from tg.common.contract.run_state import RunState
from tg.common.delivery.execution.failure_kind import FailureKind
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
