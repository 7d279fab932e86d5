"""The driver of a sweep is killed, again and again, wherever it just is."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from folder_place import run_files

from tg.common.delivery.sweep import Sweep, TaskState

DRIVER = Path(__file__).with_name("sweep_driver.py")
# what may follow what: a new driver announces again what the last one had announced
LEGAL = {
    (TaskState.STARTING, TaskState.STARTING),
    (TaskState.STARTING, TaskState.RUNNING),
    (TaskState.RUNNING, TaskState.COMPLETED),
}


class Killer:
    def __init__(self, project: Path, place: Path, count: int, seconds: float, seed: int) -> None:
        self.place = place
        self.count = count
        self.seconds = seconds
        self.environment = {**os.environ, "TG_ROOT": str(project)}
        self.random = random.Random(seed)
        self.kills = 0

    def drive(self, name: str, kill_at: int = 0) -> subprocess.Popen[str]:
        values = (name, self.place / name, self.count, self.seconds, kill_at)
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), *map(str, values)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def kill_once(self, name: str) -> bool:
        """Let a driver live for a moment; whether it was killed before it had done all."""
        if self.random.random() < 0.5:
            # within a call, chosen by its number
            process = self.drive(name, self.random.randint(1, 2 * self.count))
        else:
            process = self.drive(name)
            time.sleep(self.random.uniform(0.0, 0.3))
            process.kill()
        _, errors = process.communicate(timeout=600)
        assert process.returncode in (0, -9), errors
        return process.returncode == -9

    def check(self, name: str) -> None:
        process = self.drive(name)
        out, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
        sweep = Sweep.open(name)
        rows = sweep.rows()
        assert [row.state for row in rows] == [TaskState.COMPLETED] * self.count, out
        # each task has one run, of its first attempt, and there is no other
        assert {row.attempt for row in rows} == {1}
        assert sorted(row.run_id for row in rows) == run_files(self.place / name)
        told: dict[int, list[TaskState]] = {row.number: [] for row in rows}
        for transition in sweep.transitions():
            told[transition.task].append(transition.state)
        for states in told.values():
            assert set(pairwise(states)) <= LEGAL
            assert states.count(TaskState.COMPLETED) == 1


def storm(killer: Killer, points: int) -> None:
    number = 0
    while killer.kills < points:
        name = f"s{number}"
        (killer.place / name).mkdir()
        alive = 0
        while killer.kills < points and alive < 2:
            if killer.kill_once(name):
                killer.kills += 1
            else:
                alive += 1
        killer.check(name)
        number += 1


def test_a_killed_driver_loses_nothing_and_starts_nothing_twice(project: Path, place: Path) -> None:
    # else a notebook that dies costs the user hours of paid trainings, or pays them twice
    storm(Killer(project, place, count=40, seconds=0.05, seed=1), points=10)


@pytest.mark.soak
def test_a_driver_killed_a_hundred_times_loses_nothing(project: Path, place: Path) -> None:
    storm(Killer(project, place, count=200, seconds=0.05, seed=2), points=100)
