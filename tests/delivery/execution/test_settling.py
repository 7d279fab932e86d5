"""The end of a run, seen by several at once, by none, or in the middle of a crash."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common import errors
from tg.common.contract import RunState
from tg.common.delivery.execution.run_folder import RunFolder
from tg.common.delivery.runtime.entry_point import EntryPoint
from tg.common.delivery.runtime.package_archive import load_package
from tg.common.delivery.sagemaker import SagemakerProcessExecutor, SagemakerRoutine

TASK = """
    import time

    from tg.common.contract import TrainingTask


    class Task(TrainingTask):
        def __init__(self, value=1, size=0, rounds=0):
            super().__init__()
            self.value, self.size, self.rounds = value, size, rounds

        def run_with_environment(self, data, env):
            for number in range(self.rounds):
                env.save_checkpoint("number", number)
                if env.load_checkpoint("number") != number:
                    raise RuntimeError("a checkpoint is gone")
            env.store_artifact(["runs", 0], "model", bytes(range(256)) * self.size)
            env.output_metric("value", self.value)
"""


@pytest.fixture
def make(project: Path, write_files: Callable[..., None]) -> Callable[..., Any]:
    write_files({"work.py": TASK})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")

    def executor(version: str | None = None, **arguments: Any) -> SagemakerProcessExecutor:
        task = importlib.import_module("work").Task(**arguments)
        datasets = project / "datasets"
        routine = SagemakerRoutine(
            task, "d.parquet", "p", datasets_folder=datasets, version=version
        )
        return routine.process()

    return executor


def test_one_that_dies_after_it_has_settled_leaves_the_result_whole(make: Any) -> None:
    executor = make()
    run = executor.submit()
    run._child.wait(60)
    child = os.fork()
    if child == 0:  # a watcher that dies in the middle of cleaning up
        RunFolder.remove_work = lambda self: os.kill(os.getpid(), signal.SIGKILL)
        _ = executor.run(run.id).state
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert executor.run(run.id).wait(60).result().metrics == {"value": 1}


def test_one_that_dies_between_archive_and_record_does_not_spoil_it(make: Any) -> None:
    executor = make()
    run = executor.submit()
    run._child.wait(60)
    child = os.fork()
    if child == 0:
        RunFolder.update = lambda self, **changes: os.kill(os.getpid(), signal.SIGKILL)
        _ = executor.run(run.id).state
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    folder = RunFolder.find(executor.config.runs_folder, run.id)
    whole = folder.result_file.read_bytes()
    assert executor.run(run.id).wait(10).result().metrics == {"value": 1}
    assert folder.result_file.read_bytes() == whole


def test_cancelling_what_has_just_ended_leaves_it_completed(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = make()
    run = executor.submit()
    other = executor.run(run.id)
    monkeypatch.setattr(type(other), "state", RunState.IN_PROGRESS)  # what it saw a moment ago
    run._child.wait(60)
    monkeypatch.undo()
    assert run.wait(60).state is RunState.COMPLETED
    other.cancel()
    assert other.state is RunState.COMPLETED
    assert other.result().metrics == {"value": 1}


def test_runs_of_one_explicit_version_carry_their_own_packages(make: Any) -> None:
    runs = [make(version="0", value=value).submit() for value in range(4)]
    for value, run in enumerate(runs):
        result = run.wait(60).result()
        assert result.metrics == {"value": value}
        inside = load_package(result.package_path)
        assert inside.manifest.content_hash == result.manifest.package["content_hash"]
        assert inside.load_resource("job").task.value == value


def test_submitting_from_threads_gives_each_its_own_task(make: Any) -> None:
    values: dict[int, Any] = {}
    executors = [make(version="0", value=value % 3) for value in range(9)]

    def submit(number: int) -> None:
        values[number] = executors[number].submit()

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    metrics = [values[number].wait(120).result().metrics["value"] for number in range(9)]
    assert metrics == [0, 1, 2] * 3


def test_a_full_disk_at_the_end_loses_nothing(make: Any, project: Path) -> None:
    executor = make(size=20_000)
    run = executor.submit()
    run._child.wait(60)
    code = f"""
        import resource, signal, sys
        sys.path.insert(0, {str(project)!r})
        import work
        from tg.common import errors
        from tg.common.delivery.sagemaker import SagemakerRoutine
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        executor = SagemakerRoutine(work.Task(), "d.parquet", "p").process()
        try:
            executor.run({run.id!r}).wait(10)
        except errors.StorageError as exc:
            print("no room")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout == "no room\n", done.stderr
    assert run.wait(30).result().metrics == {"value": 1}


def test_identical_runs_at_once_do_not_take_each_others_checkpoints(make: Any) -> None:
    executor = make(rounds=300)
    runs = [executor.submit() for _ in range(4)]
    for run in runs:
        assert run.wait(120).result().metrics == {"value": 1}
    left = list((executor.config.runs_folder.parent / "checkpoints").glob("*/"))
    assert left == []


def test_a_run_whose_submitter_died_right_after_starting_it_is_found(
    make: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a busy machine may need longer until an interpreter says that it has started
    monkeypatch.setattr("tg.common.delivery.execution.process._START_SECONDS", 120.0)
    code = f"""
        import os, signal, sys
        sys.path.insert(0, {str(project)!r})
        import work
        from tg.common.delivery.execution import run_folder
        from tg.common.delivery.sagemaker import SagemakerRoutine
        run_folder.RunFolder.update = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
        routine = SagemakerRoutine(work.Task(), "d.parquet", "p", datasets_folder="datasets")
        routine.process().submit()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=project, check=False)
    executor = make()
    (folder,) = executor.config.runs_folder.iterdir()
    while (state := executor.run(folder.name).state) is not RunState.COMPLETED:
        assert state in (RunState.PENDING, RunState.IN_PROGRESS)
        time.sleep(0.01)
    assert (folder / "exit_code").exists()
    assert executor.run(folder.name).wait(60).result().metrics == {"value": 1}


def test_what_fails_before_the_training_shows_the_end_of_its_log(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "no number")
    run = make().submit()
    with pytest.raises(errors.TrainingFailedError, match="PYTHONHASHSEED"):
        run.wait(60)


def test_a_killed_attached_run_has_failed(make: Any, project: Path) -> None:
    dead = {"submitter": 2**22 + 1, "submitter_process": "1"}
    executor = make()
    folder = RunFolder.create(executor.config.runs_folder, "Task", "attached", details=dead)
    run = executor.run(folder.run_id)
    assert list(run.logs()) == []
    with pytest.raises(errors.TrainingFailedError, match="ended before"):
        run.wait(10)


def test_a_result_opens_also_when_its_dataset_is_gone(make: Any, project: Path) -> None:
    executor = make()
    run_id = executor.submit().wait(60).id
    (project / "datasets" / "p" / "d.parquet").unlink()
    assert executor.load_result(run_id).metrics == {"value": 1}
    with pytest.raises(errors.DatasetNotFoundError):
        executor.submit()


def test_a_runs_folder_that_cannot_be_made_is_told(make: Any, project: Path) -> None:
    (project / "data-cache").write_text("a file")
    with pytest.raises(errors.StorageError, match="no run can be kept"):
        make().submit()


def test_the_package_is_a_module_that_can_be_found(make: Any) -> None:
    package = make().config.packaging.make_package()
    assert isinstance(load_package(package.path), EntryPoint)
