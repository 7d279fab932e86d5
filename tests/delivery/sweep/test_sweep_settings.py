"""What a sweep may do is what the next process that drives it may do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from folder_place import FolderExecutor, tasks

from tg.common._core.errors import ConfigError
from tg.common.delivery.sweep import MedianStopping, Pace, RetryPolicy, Sweep
from tg.common.delivery.sweep.settings import SweepSettings


class PatientStopping(MedianStopping):
    def to_stop(self, histories: Any, running: Any) -> set[str]:
        return set()


class OwnRule:
    metric = "auc"

    def to_stop(self, histories: Any, running: Any) -> set[str]:
        return set()


class OwnRetries(RetryPolicy):
    pass


class OwnPace(Pace):
    pass


@pytest.mark.parametrize(
    "settings",
    [
        {"stopping": PatientStopping(metric="auc")},
        {"stopping": OwnRule()},
        {"stopping": "auc"},
        {"retry": OwnRetries()},
        {"pace": OwnPace()},
    ],
    ids=lambda settings: type(next(iter(settings.values()))).__name__,
)
def test_what_another_process_could_not_make_again_is_refused_at_once(
    place: Path, settings: dict[str, Any]
) -> None:
    # a class of one's own would be kept as the class that it comes from, and rule otherwise
    with pytest.raises(ConfigError, match="as a journal keeps it"):
        Sweep(tasks(1), FolderExecutor(place), name="s", **settings)
    Sweep(tasks(1), FolderExecutor(place), name="s").run()
    with pytest.raises(ConfigError, match="as a journal keeps it"):
        Sweep.open("s", **settings)


def test_settings_are_read_as_they_were_written() -> None:
    settings = SweepSettings(
        max_parallel=3,
        max_cost=1.5,
        deadline=datetime(2030, 1, 2, tzinfo=UTC),
        retry=RetryPolicy(task=2),
        stopping=MedianStopping(metric="loss", mode="min"),
        fail_fast=True,
        pace=Pace(start_threads=2),
    )
    assert SweepSettings.of_json(settings.to_json()) == settings
