"""`tg sweep`: a sweep is run, watched, resumed and reported without a line of Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

SWEEP = """
    from pathlib import Path

    from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
    from tg.common.delivery.sweep import Sweep
    from tg.common.ml.training_core import FunctionTask


    def steep(data, env, minutes=3):
        env.output_metric("heat", 100 - minutes)
        if minutes == 3 and not Path({marker!r}).exists():
            raise ValueError("bitter")
        return {{"strength": minutes / 2}}


    def build(minutes):
        return FunctionTask(steep, {{"minutes": minutes}}, name="steep")


    def sweep():
        tasks = Autonamer(build).build_tasks(minutes=[1, 2, 3])
        routine = SagemakerRoutine(tasks[0], "d.parquet", "tea", name="steep")
        return Sweep(tasks, routine.attached(), name="evening")
"""


def tg(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tg.cli.main", *args],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def document(*args: str, code: int = 0) -> dict[str, Any]:
    done = tg(*args, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def marker(project: Path, write_files: Callable[..., None]) -> Path:
    path = project / "sugar"
    write_files({"brewing.py": SWEEP.format(marker=str(path))})
    folder = project / "data-cache/datasets/tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    return path


def test_from_the_first_run_to_the_report(marker: Path, project: Path) -> None:
    done = document("sweep", "run", "brewing:sweep", code=1)  # one task has failed
    assert done["counts"] == {"completed": 2, "failed": 1}
    assert [task["state"] for task in done["tasks"]] == ["completed", "completed", "failed"]
    assert "bitter" in done["tasks"][2]["reason"]
    assert done["tasks"][1]["parameters"] == {"minutes": 2}

    shown = tg("sweep", "status", "evening")
    assert shown.returncode == 0
    assert "3 of 3 done: 2 completed, 1 failed" in shown.stdout
    assert "ValueError: bitter" in shown.stdout  # rather than the metrics that it had by then
    assert document("sweep", "list")["sweeps"][0]["sweep"] == "evening"

    marker.touch()
    done = document("sweep", "resume", "evening")
    assert done["counts"] == {"completed": 3}
    assert [task["attempt"] for task in done["tasks"]] == [1, 1, 2]

    best = document("sweep", "best", "evening", "--metric", "strength", "--count", "1")["tasks"]
    assert [task["metrics"]["strength"] for task in best] == [1.5]
    chosen = ("--metric", "strength", "--count", "1", "--lowest")
    (lowest,) = document("sweep", "best", "evening", *chosen)["tasks"]
    assert lowest["metrics"] == {"heat": 99.0, "strength": 0.5}

    assert document("sweep", "report", "evening") == {"path": str(project / "evening.html")}
    assert "Sweep evening" in (project / "evening.html").read_text(encoding="utf-8")
    assert document("sweep", "cancel", "evening")["counts"] == {"completed": 3}
    assert document("sweep", "status", "evening", "--follow")["counts"] == {"completed": 3}


def test_what_is_not_there_is_named_with_what_is(marker: Path) -> None:
    marker.touch()
    assert document("sweep", "list") == {"sweeps": []}
    document("sweep", "run", "brewing.py:sweep")
    done = tg("sweep", "status", "evning")
    assert done.returncode == 1
    assert "evening" in done.stderr
    done = tg("sweep", "run", "brewing:build")
    assert done.returncode == 1
    assert "no Sweep" in done.stderr
    done = tg("sweep", "best", "evening", "--metric", "strenth")
    assert done.returncode == 1
    assert "strength" in done.stderr
