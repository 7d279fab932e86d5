"""A sweep over real trainings in processes of this machine, whose driver is killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tg.common.contract.run_state import RunState
from tg.common.delivery.sweep import Sweep

TASKS = 10
KILLS = 5
MODULE = """
    import time
    from tg.common.ml.training_core import FunctionTask

    def train(data, env, rate=0.0):
        with open(data, "a") as stream:
            stream.write(f"{rate}\\n")
        time.sleep(0.2)
        return {"score": rate}

    def build(rate=0.0):
        return FunctionTask(train, dict(rate=rate))
"""
DRIVER = """
    import sys
    sys.path.insert(0, ".")
    import mine
    from tg.common._core.errors import SweepNotFoundError
    from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
    from tg.common.delivery.sweep import Sweep
    print("driving", flush=True)
    try:
        sweep = Sweep.open("real")
    except SweepNotFoundError:
        tasks = Autonamer(mine.build).build_tasks(rate=[n / 10 for n in range(int(sys.argv[1]))])
        routine = SagemakerRoutine(tasks[0], "d", "p")
        sweep = Sweep(tasks, routine, name="real", max_parallel=2)
    sweep.run()
"""


@pytest.mark.soak
def test_trainings_outlive_their_drivers_and_none_is_lost_or_doubled(project: Path) -> None:
    (project / "mine.py").write_text(textwrap.dedent(MODULE))
    (project / "drive.py").write_text(textwrap.dedent(DRIVER))
    dataset = project / "data-cache" / "datasets" / "p" / "d"
    dataset.parent.mkdir(parents=True)
    dataset.write_text("")
    journal = project / "data-cache" / "sweeps" / "real" / "journal.db"
    chance = random.Random(1)
    kills = 0
    while True:
        driver = subprocess.Popen(
            [sys.executable, "drive.py", str(TASKS)],
            cwd=project,
            env={**os.environ, "TG_ROOT": str(project)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while not journal.exists() and driver.poll() is None:
            time.sleep(0.05)
        if kills < KILLS:
            time.sleep(chance.uniform(0.2, 1.0))
            driver.kill()
        output, _ = driver.communicate(timeout=600)
        assert driver.returncode in (0, -9), output
        if driver.returncode == 0:
            break
        kills += 1
    assert kills
    sweep = Sweep.open("real")
    rows = sweep.rows()
    assert [row.metrics["score"] for row in rows] == [n / 10 for n in range(TASKS)]
    for row in rows:
        run = sweep.run_of(row.name)
        assert run.state is RunState.COMPLETED
        assert run.result().metrics["score"] == row.metrics["score"]
        # a run whose starter died before it had begun costs one more try, and trains nothing
        assert row.failures.keys() <= {"engine", "interrupted"}
    # what was trained was trained once
    trained = dataset.read_text().split()
    assert sorted(set(trained)) == [str(n / 10) for n in range(TASKS)]
    assert len(trained) == TASKS
