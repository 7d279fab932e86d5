"""`tg runs`, `tg logs` and `tg result`: what has run here is found again without Python."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tg_program import document_of, text_of, tg

from tg.common import Loc
from tg.common._core.errors import RunCancelledError
from tg.common.contract import RunState
from tg.common.delivery.execution.run import Run
from tg.common.delivery.execution.run_folder import RunFolder
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.ml.training_core import FunctionTask


def steep(data: Any, env: Any, minutes: int = 3, seconds: float = 0.0) -> dict[str, float]:
    env.log("the water boils")
    time.sleep(seconds)
    env.store_artifact(["runs", 0], "leaves", ["green"])
    if minutes > 5:
        raise ValueError("bitter")
    return {"strength": minutes / 2}


@pytest.fixture
def routine(project: Path) -> SagemakerRoutine:
    folder = project / "datasets" / "tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    return SagemakerRoutine(
        FunctionTask(steep), "d.parquet", "tea", datasets_folder=project / "datasets", name="steep"
    )


@pytest.fixture
def run(routine: SagemakerRoutine) -> Run:
    return routine.attached().submit({"minutes:int": "4"})


def test_runs_are_listed_with_their_state(routine: SagemakerRoutine, run: Run) -> None:
    with pytest.raises(Exception, match="bitter"):
        routine.attached().submit({"minutes:int": "9"}).wait()
    rows = document_of("runs")["runs"]
    assert [row["state"] for row in rows] == ["Failed", "Completed"]
    assert rows[1]["run"] == run.id
    assert {row["project"] for row in rows} == {"tea"}
    assert run.id in text_of("runs", "list", "steep*", "--project", "tea")
    assert document_of("runs", "list", "--project", "coffee") == {"runs": []}
    assert "There are none." in text_of("runs", "list", "coffee*")


def test_a_run_that_cannot_be_settled_here_hides_no_other(run: Run, project: Path) -> None:
    # such as one of somebody else, whose folder may be read only, or one for whose result the
    # disk has no room
    folder = RunFolder.create(
        Loc.data_cache_path / "sagemaker" / "tea" / "output", "mint", "process"
    )
    folder.update(state=RunState.IN_PROGRESS)
    (folder.path / "lock").mkdir()
    rows = {row["run"]: row for row in document_of("runs")["runs"]}
    assert {row["state"] for row in rows.values()} == {"Completed", "InProgress"}
    assert "lock" in rows[folder.run_id]["problem"]
    assert run.id in text_of("runs")


def test_the_table_of_runs_fits_a_terminal_of_80_columns(run: Run, project: Path) -> None:
    shown, said = at_terminal("runs", columns=80)
    heading, line = shown.splitlines()[1:3]
    assert heading.split()[:3] == ["RUN", "STATE", "STARTED"]
    assert all(len(each.rstrip()) <= 80 for each in shown.splitlines())
    assert line.startswith(f"{run.id}  Completed  ")
    started = datetime.fromisoformat(document_of("runs")["runs"][0]["started_at"])
    assert f"{started.astimezone():%m-%d %H:%M}  attached" in line
    # what does not fit is no secret
    assert "TOOK" in heading or "TOOK. Add --json." in said
    narrow, said = at_terminal("runs", columns=60)
    assert narrow.splitlines()[2].rstrip().startswith(f"{run.id}  Completed")
    assert "PROJECT" in said


def at_terminal(*args: str, columns: int) -> tuple[str, str]:
    """Give what is printed to a terminal, and what is said beside it."""
    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", 40, columns, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    child = subprocess.Popen(
        [sys.executable, "-m", "tg.cli.main", *args],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={key: value for key, value in os.environ.items() if key != "COLUMNS"},
    )
    _, said = child.communicate()
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # a terminal ends so when nobody writes to it any more
        while piece := os.read(ours, 65_536):  # it gives what there is, which may be a part
            shown += piece
    os.close(ours)
    assert child.returncode == 0, said
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r", ""), said.decode()


def test_a_misspelt_project_is_named_with_the_nearest(run: Run, project: Path) -> None:
    # else a user looks for the run
    for words in (("logs", run.id), ("result", "show", run.id), ("runs", "cancel", run.id)):
        text = text_of(*words, "--project", "tae", code=1)
        assert f"there is no project 'tae' in {project / 'data-cache/sagemaker'}" in text
        assert "Did you mean 'tea'?" in text
    done = tg("runs", "list", "--project", "./tea")
    assert (done.returncode, done.stdout) == (0, "There are none.\n")
    assert "Did you mean 'tea'?" in done.stderr


def test_a_record_that_is_damaged_does_not_hide_the_others(run: Run, project: Path) -> None:
    broken = project / "data-cache/sagemaker/tea/output/broken/run.json"
    broken.parent.mkdir()
    broken.write_text("{")
    rows = {row["run"]: row["state"] for row in document_of("runs")["runs"]}
    assert rows[run.id] == "Completed"
    assert "cannot be read" in rows["broken"]


def test_the_log_of_a_run_is_shown(run: Run) -> None:
    assert "the water boils" in text_of("logs", run.id)
    assert any("the water boils" in line for line in document_of("logs", run.id)["lines"])


@pytest.mark.slow
def test_the_log_so_far_is_shown_without_waiting_for_the_end(routine: SagemakerRoutine) -> None:
    run = routine.process().submit({"seconds:float": "600"})
    try:
        for line in run.logs():
            if "the water boils" in line:
                break
        assert "the water boils" in text_of("logs", run.id, "--no-follow")
        document = document_of("logs", run.id, "--no-follow", "--project", "tea")
        assert any("the water boils" in line for line in document["lines"])
        assert not run.state.is_final
        assert "tg logs shows its log until it ends" in text_of("result", "ls", run.id, code=1)
    finally:
        run.cancel()
        with pytest.raises(RunCancelledError):
            run.wait()


def test_a_run_that_is_not_there_is_named_with_what_to_do(run: Run) -> None:
    for words in (("logs", "nobody"), ("runs", "cancel", "nobody"), ("result", "ls", "nobody")):
        text = text_of(*words, code=1)
        assert "there is no run 'nobody'" in text
        assert "tg runs" in text


def test_cancelling_a_run_that_has_ended_leaves_it_as_it_is(run: Run) -> None:
    assert document_of("runs", "cancel", run.id) == {"run": run.id, "state": "Completed"}


def test_a_result_is_listed_and_shown(run: Run, project: Path) -> None:
    names = document_of("result", "ls", run.id)["names"]
    assert names == run.result().list()
    path = project / f"data-cache/sagemaker/tea/output/{run.id}/output/model.tar.gz"
    assert text_of("result", "ls", str(path)).splitlines() == names
    shown = document_of("result", "show", run.id)
    assert shown["metrics"] == {"strength": 2.0}
    assert shown["hyperparameters"] == {"minutes": "4"}
    assert shown["provenance"]["executor"] == "attached"
    assert "  strength: 2.0" in text_of("result", "show", run.id)


def test_one_file_or_folder_is_copied_and_nothing_is_replaced(run: Run, project: Path) -> None:
    assert text_of("result", "get", run.id, "metrics.json").strip() == str(project / "metrics.json")
    assert "strength" in (project / "metrics.json").read_text()
    (project / "metrics.json").write_text("mine")
    assert "already" in text_of("result", "get", run.id, "metrics.json", code=1)
    assert (project / "metrics.json").read_text() == "mine"
    document_of("result", "get", run.id, "runs/0", "--to", "copy")
    assert (project / "copy/leaves.pkl").is_file()
    assert "no-such" in text_of("result", "get", run.id, "no-such", code=1)


def test_a_failed_run_has_no_result_and_says_why(routine: SagemakerRoutine) -> None:
    run = routine.attached().submit({"minutes:int": "9"})
    assert "bitter" in text_of("result", "show", run.id, code=1)
