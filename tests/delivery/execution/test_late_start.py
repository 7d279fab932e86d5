"""Trainings whose starter was killed in the moment in which it started them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tg.common.contract import RunState
from tg.common.delivery.execution import FailureKind
from tg.common.delivery.sagemaker import SagemakerRoutine

TASK = """
    from tg.common.contract import TrainingTask


    class Task(TrainingTask):
        def run_with_environment(self, data, env):
            (data.resolve().parent / "trained").touch()
"""
# what a starter that dies leaves: it is killed when all is ready but the process
STARTER = """
    import json, os, signal, sys
    sys.path.insert(0, ".")
    import work
    from pathlib import Path
    from tg.common.delivery.execution import process_launch
    from tg.common.delivery.sagemaker import SagemakerRoutine
    def killed(command, cwd, env, output_path):
        output_path.touch()
        env = {name: value for name, value in env.items() if value is not None}
        Path("late.json").write_text(json.dumps({"args": command, "cwd": str(cwd), "env": env}))
        os.kill(os.getpid(), signal.SIGKILL)
    process_launch.start = killed
    SagemakerRoutine(work.Task(), "d", "p", datasets_folder="datasets").process().submit()
"""


@pytest.fixture
def starter_died(project: Path, write_files: Callable[..., None]) -> Any:
    write_files({"work.py": TASK})
    (project / "datasets" / "p").mkdir(parents=True)
    (project / "datasets" / "p" / "d").write_text("")
    code = textwrap.dedent(STARTER)
    subprocess.run([sys.executable, "-c", code], cwd=project, check=False)
    task = importlib.import_module("work").Task()
    routine = SagemakerRoutine(task, "d", "p", datasets_folder=project / "datasets")
    executor = routine.process()
    (folder,) = executor.config.runs_folder.iterdir()
    return executor.run(folder.name), folder


def began_ago(folder: Path, seconds: float) -> None:
    """Have it look as if the starter had made the log so many seconds ago."""
    (log,) = folder.glob("*log*")
    then = time.time() - seconds
    os.utime(log, (then, then))


def train_now(project: Path) -> subprocess.CompletedProcess[bytes]:
    """Begin, at last, what the dead starter would have begun."""
    late = json.loads((project / "late.json").read_text())
    return subprocess.run(
        late["args"], cwd=late["cwd"], env={**os.environ, **late["env"]}, check=False
    )


def test_what_never_began_is_known_to_have_failed_soon_and_does_not_begin_later(
    starter_died: Any, project: Path
) -> None:
    # else a sweep that goes on waits half a minute for nothing, or trains one task twice
    run, folder = starter_died
    began_ago(folder, 5)
    assert run.state is RunState.FAILED
    # nothing is wrong with the task or the place: a driver that is killed thrice costs no task
    assert run.failure_kind is FailureKind.INTERRUPTED
    assert train_now(project).returncode == 1
    assert not (project / "datasets" / "p" / "trained").exists()


def test_what_begins_late_and_was_not_given_up_is_found(starter_died: Any, project: Path) -> None:
    run, folder = starter_died
    began_ago(folder, -60)  # however long it takes to look, it is a moment ago
    assert run.state is RunState.PENDING
    assert train_now(project).returncode == 0
    assert run.wait(60).state is RunState.COMPLETED
    assert (project / "datasets" / "p" / "trained").exists()


def test_where_files_cannot_be_linked_a_late_training_is_waited_for(
    starter_died: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = starter_died
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    began_ago(folder, 10)
    assert run.state is RunState.PENDING
    assert train_now(project).returncode == 0
    assert run.wait(60).state is RunState.COMPLETED
