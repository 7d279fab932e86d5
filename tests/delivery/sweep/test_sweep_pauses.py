"""What is wrong with this machine is no task's fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from folder_place import FolderBatch, FolderExecutor, tasks

from tg.common._core.errors import (
    EnvironmentSetupError,
    MissingDependencyError,
    SweepPausedError,
    TgError,
)
from tg.common.delivery.sweep import Pace, Sweep

QUICK = Pace(first_pause_seconds=0.01, longest_pause_seconds=0.1, longest_poll_seconds=0.05)


@pytest.mark.parametrize("error", [EnvironmentSetupError, MissingDependencyError])
def test_libraries_that_are_not_there_fail_no_task_and_are_told_once(
    place: Path, error: type[TgError]
) -> None:
    # else a sweep that is opened without a network has failed with all of its tasks
    def refuse(name: str, attempt: int, at: int) -> None:
        raise error("the libraries cannot be had")

    def change(batch: FolderBatch) -> None:
        batch.before_start = refuse

    executor = FolderExecutor(place)
    executor.change = change
    sweep = Sweep(tasks(5), executor, name="offline", pace=QUICK)
    with pytest.raises(SweepPausedError, match="cannot be had"):
        sweep.run()
    assert sweep.status()["failed"] == 0
    executor.last.before_start = lambda *_: None
    assert Sweep.open("offline").run()["completed"] == 5
