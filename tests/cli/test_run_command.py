"""`tg run`: a training is started by its name, and its end is told to people and programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tg_program import document_of, tg

TASKS = """
    from tg.common.delivery.sagemaker import SagemakerRoutine
    from tg.common.ml.training_core import FunctionTask

    print("imported")


    def steep(data, env, minutes=3):
        print("printed by the task")
        env.log(f"steeps for {minutes} minutes")
        if minutes > 5:
            raise ValueError("bitter")
        return {"strength": minutes / 2}


    task = FunctionTask(steep)


    def routine():
        return SagemakerRoutine(task, "d.parquet", "tea", name="steep")
"""


@pytest.fixture(autouse=True)
def _project(project: Path, write_files: Callable[..., None]) -> None:
    write_files({"brewing.py": TASKS})
    folder = project / "data-cache/datasets/tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")


def refusal(*args: str) -> str:
    done = tg(*args)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.slow
def test_a_routine_runs_in_a_fresh_interpreter_and_its_log_is_followed() -> None:
    done = tg("run", "brewing:routine", "--set", "minutes:int=4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ["state: Completed", "strength: 2.0"]
    assert "steeps for 4 minutes" in done.stderr
    run_id = done.stdout.splitlines()[0].removeprefix("run: ")
    assert document_of("result", "show", run_id)["metrics"] == {"strength": 2.0}


def test_whatever_the_code_prints_the_document_is_whole() -> None:
    done = document_of("run", "brewing.py:routine", "--place", "attached")
    assert done["state"] == "Completed"
    assert done["metrics"] == {"strength": 1.5}


def test_a_task_is_run_on_a_dataset_of_a_project() -> None:
    words = ("run", "brewing:task", "--place", "attached")
    done = document_of(*words, "--project", "tea", "--dataset", "d.parquet")
    assert done["metrics"] == {"strength": 1.5}
    assert "--project and --dataset" in refusal(*words)


def test_a_misspelt_project_or_dataset_is_told_where_it_was_looked_for(project: Path) -> None:
    datasets = project / "data-cache" / "datasets"
    for name, dataset, said in (
        ("tae", "d.parquet", f"there is no folder {datasets / 'tae'}"),
        ("tae", "d.parquet", "Did you mean 'tea'?"),
        ("./tea", "d.parquet", "--project ./tea is a path, and not the name of a project"),
        ("tea", "d.parqet", f"there is no dataset 'd.parqet' in {datasets / 'tea'}"),
        ("tea", "d.parqet", "Did you mean 'd.parquet'?"),
    ):
        assert said in refusal("run", "brewing:task", "--project", name, "--dataset", dataset)


def test_a_routine_has_a_project_of_its_own() -> None:
    assert "a project and a dataset of its own" in refusal(
        "run", "brewing:routine", "--project", "x"
    )


def test_a_failed_training_is_a_failed_command_with_its_reason() -> None:
    done = tg("run", "brewing:routine", "--place", "attached", "--set", "minutes:int=9")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "bitter" in done.stderr


@pytest.mark.slow
def test_a_run_that_is_not_waited_for_goes_on() -> None:
    done = document_of("run", "brewing:routine", "--no-wait")
    assert done["metrics"] == {}
    followed = tg("logs", done["run"])
    assert "steeps for 3 minutes" in followed.stdout
    assert document_of("runs")["runs"][0]["state"] == "Completed"


def test_what_cannot_be_is_refused_with_what_to_do(project: Path) -> None:
    assert "--set KEY=VALUE" in refusal("run", "brewing:routine", "--set", "minutes")
    twice = ("--set", "minutes=1", "--set", "minutes=2")
    assert "set twice" in refusal("run", "brewing:routine", *twice)
    assert "no hyperparameter" in refusal(
        "run", "brewing:routine", "--place", "attached", "--set", "minuets:int=1"
    )
    refused = refusal("run", "brewing:routine", "--instance-type", "ml.m5.large")
    assert "--instance-type cannot be chosen for the place process" in refused
    assert "--place remote" in refused
    assert "cannot be loaded" in refusal("run", "nowhere:routine")
    (project / "leaving.py").write_text("import sys\nsys.exit(0)\n")
    assert "SystemExit: 0" in refusal("run", "leaving:routine")  # not a success of nothing
    assert tg("run", "brewing:routine", "--place", "moon").returncode == 2
