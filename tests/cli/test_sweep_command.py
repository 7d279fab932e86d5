"""`tg sweep`: a sweep is run, watched, resumed and reported without a line of Python."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tg_program import document_of, tg

from tg.cli.way_on import way_on
from tg.common.delivery.sweep import SweepStatus, TaskState
from tg.common.delivery.sweep.journal import Journal
from tg.common.delivery.sweep.journal_file import journal_path

SWEEP = """
    import os
    import time
    from pathlib import Path

    from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
    from tg.common.delivery.sweep import Sweep
    from tg.common.ml.training_core import FunctionTask


    def steep(data, env, minutes=3):
        env.output_metric("heat", 100 - minutes)
        if minutes == 2 and (number := os.environ.pop("TEA_SIGNAL", "")):
            while not Sweep.open("evening").status()["completed"]:  # what came before is kept
                time.sleep(0.01)
            os.kill(os.getpid(), int(number))  # as whoever ends the driver would
        if minutes == 3 and not Path({marker!r}).exists():
            raise ValueError("bitter")
        return {{"strength": minutes / 2}}


    def build(minutes):
        return FunctionTask(steep, {{"minutes": minutes}}, name="steep")


    def sweep(minutes=(1, 2, 3)):
        tasks = Autonamer(build).build_tasks(minutes=list(minutes))
        routine = SagemakerRoutine(tasks[0], "d.parquet", "tea", name="steep")
        return Sweep(tasks, routine.attached(), name="evening")


    def longer():
        return sweep((1, 2, 3, 4))
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


def test_a_run_that_was_cancelled_behind_its_back_is_a_failed_command(marker: Path) -> None:
    # else a script goes on without one of the results
    marker.touch()
    assert tg("sweep", "run", "brewing:sweep").returncode == 0
    with Journal(journal_path("evening"), "write") as journal:
        row = journal.rows()[1]
        journal.write([row.but(state=TaskState.CANCELLED, kind="outside")])
    assert tg("sweep", "run", "brewing:sweep").returncode == 1
    assert tg("sweep", "resume", "evening").returncode == 0


def test_who_looks_at_a_sweep_is_told_that_nobody_drives_it_and_how_it_goes_on(
    marker: Path,
) -> None:
    # else a user waits for a driver that was killed
    marker.touch()
    assert tg("sweep", "run", "brewing:sweep", env={"TEA_SIGNAL": "9"}).returncode == -9
    for words in (("status", "evening"), ("best", "evening", "--metric", "strength")):
        shown = tg("sweep", *words)
        assert shown.returncode == 0
        assert "Nobody drives the sweep evening, and 2 of its tasks are not done." in shown.stderr
        assert "Go on with it: tg sweep resume evening." in shown.stderr
        assert document_of("sweep", *words)["is_driven"] is False
    listed = tg("sweep", "list")
    assert "nobody drives it" in listed.stdout
    assert "tg sweep resume" in listed.stderr
    (row,) = document_of("sweep", "list")["sweeps"]
    assert (row["is_driven"], row["is_done"]) == (False, False)
    assert tg("sweep", "status", "evening", "--follow").returncode == 1

    assert document_of("sweep", "resume", "evening")["counts"] == {"completed": 3}
    for words in (("list",), ("status", "evening"), ("best", "evening", "--metric", "strength")):
        shown = tg("sweep", *words)
        assert "obody drives" not in shown.stdout + shown.stderr
    (row,) = document_of("sweep", "list")["sweeps"]
    assert (row["is_driven"], row["is_done"]) == (False, True)


def test_who_interrupts_a_sweep_is_told_how_it_goes_on(marker: Path) -> None:
    # else a user cannot know whether Ctrl-C has ended the trainings as well
    marker.touch()
    done = tg("sweep", "run", "brewing:sweep", env={"TEA_SIGNAL": str(int(signal.SIGINT))})
    assert (done.returncode, done.stdout) == (130, "")
    said = "Interrupted: nobody drives the sweep evening, and 2 of its tasks are not done."
    assert said in done.stderr
    assert "Go on with it: tg sweep resume evening." in done.stderr
    assert document_of("sweep", "resume", "evening")["counts"] == {"completed": 3}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "tg sweep resume tea."),
        ({"counts": {TaskState.WAITING: 2, TaskState.FAILED: 1}}, "with --only-left it does not"),
        ({"ended_by": "max_cost"}, "tg sweep resume tea --max-cost USD"),
        ({"ended_by": "deadline"}, "Sweep.open('tea', deadline=...).resume()"),
        # a search's name alone chooses no further tasks
        ({"counts": {TaskState.COMPLETED: 2}, "planned": 5}, "tg sweep run"),
        ({"counts": {TaskState.WAITING: 2}, "planned": 5}, "tg sweep run"),
        ({"counts": {TaskState.WAITING: 2}, "planned": 2}, "tg sweep resume tea."),
    ],
)
def test_the_way_on_is_one_that_leads_on(changes: dict[str, Any], said: str) -> None:
    status = SweepStatus(name="tea", counts={TaskState.WAITING: 2})
    assert said in way_on(dataclasses.replace(status, **changes))


def test_what_a_sweep_refuses_is_said_in_commands(marker: Path) -> None:
    marker.touch()
    document_of("sweep", "run", "brewing:sweep")
    done = tg("sweep", "run", "brewing:longer")
    assert done.returncode == 1
    assert "tg sweep resume evening goes on with that one." in done.stderr
    assert "Sweep.open" not in done.stderr


def test_the_result_of_a_run_of_a_sweep_shows_what_its_task_was_built_of(marker: Path) -> None:
    # what is set by a grid is no hyperparameter of the run: the manifest has none of it
    done = document_of("sweep", "run", "brewing:sweep", code=1)
    marker.touch()
    second = document_of("sweep", "resume", "evening")["tasks"][2]
    for task in (done["tasks"][0], second):
        shown = document_of("result", "show", task["run"])
        assert (shown["sweep"], shown["task"]) == ("evening", task["task"])
        assert shown["parameters"] == task["parameters"]
        text = tg("result", "show", task["run"]).stdout
        assert f"parameters:\n  minutes: {task['parameters']['minutes']}\n" in text
        assert "none" not in text
    # what a user reads in the sweep's table first is the task
    by_task = tg("result", "show", second["task"])
    assert by_task.returncode == 1
    assert f"Its run in the sweep evening is {second['run']}." in " ".join(by_task.stderr.split())


def test_what_is_no_sweep_is_answered_with_what_to_type(
    marker: Path, write_files: Callable[..., None]
) -> None:
    marker.touch()
    document_of("sweep", "run", "brewing:sweep")
    write_files(
        {
            "wrong.py": "def brew(:\n",
            "empty.py": "x = 1\n",
            "two.py": "import brewing\none, other = brewing.sweep(), brewing.longer()\n",
            "tasks.py": "import brewing\ntasks = [brewing.build(1), brewing.build(2)]\n",
        }
    )
    for words, said in {
        "wrong.py": "wrong.py:1: def brew(:",
        "empty.py": "there is no Sweep in empty.py\nMake it there",
        "two.py": "two.py:one or two.py:other",
        "tasks.py": "have it give Sweep(tasks, routine)",
        "tasks:tasks": "have it give Sweep(tasks, routine)",
        "brewing.py": "has to be named: brewing.py:sweep or brewing.py:longer.",
        "brewing.sweep": "brewing:sweep",
        "brewign:sweep": "Did you mean 'brewing:sweep'?",
        "brewign.py": "Did you mean 'brewing.py'?",
        "brewing:build": "a function that needs arguments",
        "evening": "tg sweep resume evening",
    }.items():
        done = tg("sweep", "run", words)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr, (words, done.stderr)
    done = tg("run", "brewing:sweep")
    assert "tg sweep run" in done.stderr


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
    assert "is not a Sweep" in done.stderr
    done = tg("sweep", "best", "evening", "--metric", "strenth")
    assert done.returncode == 1
    assert "strength" in done.stderr
