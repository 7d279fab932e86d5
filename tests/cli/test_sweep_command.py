"""`tg sweep`: a sweep is run, watched, resumed and reported without a line of Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tg_program import document_of, tg

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


@pytest.fixture(autouse=True)
def marker(project: Path, write_files: Callable[..., None]) -> Path:
    path = project / "sugar"
    write_files({"brewing.py": SWEEP.format(marker=str(path))})
    folder = project / "data-cache/datasets/tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    return path


def test_from_the_first_run_to_the_report(marker: Path, project: Path) -> None:
    done = document_of("sweep", "run", "brewing:sweep", code=1)  # one task has failed
    assert done["counts"] == {"completed": 2, "failed": 1}
    assert [task["state"] for task in done["tasks"]] == ["completed", "completed", "failed"]
    assert "bitter" in done["tasks"][2]["reason"]
    assert done["tasks"][1]["parameters"] == {"minutes": 2}

    shown = tg("sweep", "status", "evening")
    assert shown.returncode == 0
    assert "3 of 3 done: 2 completed, 1 failed" in shown.stdout
    assert "ValueError: bitter" in shown.stdout  # rather than the metrics that it had by then
    assert document_of("sweep", "list")["sweeps"][0]["sweep"] == "evening"

    marker.touch()
    done = document_of("sweep", "resume", "evening")
    assert done["counts"] == {"completed": 3}
    assert [task["attempt"] for task in done["tasks"]] == [1, 1, 2]

    best = document_of("sweep", "best", "evening", "--metric", "strength", "--count", "1")["tasks"]
    assert [task["metrics"]["strength"] for task in best] == [1.5]
    chosen = ("--metric", "strength", "--count", "1", "--lowest")
    (lowest,) = document_of("sweep", "best", "evening", *chosen)["tasks"]
    assert lowest["metrics"] == {"heat": 99.0, "strength": 0.5}

    assert document_of("sweep", "report", "evening") == {"path": str(project / "evening.html")}
    assert "Sweep evening" in (project / "evening.html").read_text(encoding="utf-8")
    assert document_of("sweep", "cancel", "evening")["counts"] == {"completed": 3}
    assert document_of("sweep", "status", "evening", "--follow")["counts"] == {"completed": 3}


def test_a_shell_completes_commands_sweeps_and_runs(marker: Path) -> None:
    marker.touch()
    document_of("sweep", "run", "brewing.py:sweep")
    (run,) = [r["run"] for r in document_of("runs")["runs"] if r["run"].startswith("m2")]
    for words, whole in {
        "tg swe": "sweep",
        "tg sweep rep": "report",
        "tg sweep status ev": "evening",
        "tg logs m2": run,
        "tg result ls m2": run,
    }.items():
        place = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = tg(env={**place, "_TG_COMPLETE": "complete_bash"})
        assert done.stdout.split() == [whole], (words, done.stderr)


def test_what_is_not_there_is_named_with_what_is(marker: Path) -> None:
    marker.touch()
    assert document_of("sweep", "list") == {"sweeps": []}
    document_of("sweep", "run", "brewing.py:sweep")
    done = tg("sweep", "status", "evning")
    assert done.returncode == 1
    assert "evening" in done.stderr
    done = tg("sweep", "run", "brewing:build")
    assert done.returncode == 1
    assert "no Sweep" in done.stderr
    done = tg("sweep", "best", "evening", "--metric", "strenth")
    assert done.returncode == 1
    assert "strength" in done.stderr
