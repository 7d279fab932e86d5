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

from tg.common._core.errors import (
    FormatError,
    ProtocolError,
    RunCancelledError,
    RunTimeoutError,
    TrainingFailedError,
)
from tg.common.contract import RunState
from tg.common.delivery.execution.run_folder import RunFolder
from tg.common.delivery.sagemaker import SagemakerProcessExecutor, SagemakerRoutine

TASKS = """
    import os
    import sys
    import time
    from pathlib import Path

    from tg.common.contract import TrainingTask


    class Steps(TrainingTask):
        '''Counts to three, a checkpoint a step; waits at step two until a file is there.'''

        def __init__(self, gate=""):
            super().__init__()
            self.gate = gate

        def run_with_environment(self, data, env):
            done = env.load_checkpoint("steps") or []
            env.log(f"starts with {done}")
            for step in range(len(done), 3):
                if step == 2 and self.gate:
                    env.log("waits")
                    while not Path(self.gate).exists():
                        time.sleep(0.01)
                done = [*done, step]
                env.save_checkpoint("steps", done)
            env.store_artifact(["runs", 0], "model", done)
            env.output_metric("steps", len(done))


    class Exits(TrainingTask):
        how = "os._exit(7)"

        def run_with_environment(self, data, env):
            exec(self.how)


    class Writes(TrainingTask):
        def run_with_environment(self, data, env):
            sys.stdout.buffer.write(b"caf\\xe9 \\xff\\n")
            print("x" * 1_000_000)
            print("no newline at the end", end="")
            env.output_metric("written", 1)


    class Leaves(TrainingTask):
        '''Leaves a child behind that holds the log open.'''

        def run_with_environment(self, data, env):
            import subprocess

            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            env.output_metric("left", child.pid)


    class Stubborn(TrainingTask):
        def run_with_environment(self, data, env):
            import signal

            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            env.log("waits")
            time.sleep(60)
"""


@pytest.fixture
def make(project: Path, write_files: Callable[..., None]) -> Callable[..., Any]:
    write_files({"work/__init__.py": "", "work/tasks.py": TASKS})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")

    def routine(name: str, **arguments: Any) -> SagemakerProcessExecutor:
        task = getattr(importlib.import_module("work.tasks"), name)(**arguments)
        return SagemakerRoutine(
            task, "d.parquet", "p", datasets_folder=project / "datasets"
        ).process()

    return routine


def wait_for(line: str, run: Any) -> None:
    for seen in run.logs():
        if seen.endswith(line):
            return
    raise AssertionError(f"the run ended without {line!r}")


def test_a_cancelled_run_resumes_from_its_last_checkpoint(make: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    run = make("Steps", gate=str(gate)).submit()
    wait_for("waits", run)
    assert run.state is RunState.IN_PROGRESS
    with pytest.raises(RunTimeoutError):
        run.wait(timeout_seconds=0.01)
    with pytest.raises(RunTimeoutError):
        run.result()
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)
    assert run.state is RunState.STOPPED
    with pytest.raises(RunCancelledError):
        run.result()
    gate.touch()
    again = make("Steps", gate=str(gate)).submit().wait(timeout_seconds=60)
    assert any(line.endswith("starts with [0, 1]") for line in again.logs())
    assert again.result().model == [0, 1, 2]
    # what has completed begins anew
    third = make("Steps", gate=str(gate)).submit().wait(timeout_seconds=60)
    assert any(line.endswith("starts with []") for line in third.logs())


def test_an_edit_does_not_resume_from_what_other_code_left(
    make: Any, tmp_path: Path, write_files: Any
) -> None:
    gate = tmp_path / "gate"
    run = make("Steps", gate=str(gate)).submit()
    wait_for("waits", run)
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)
    gate.touch()
    write_files({"work/tasks.py": TASKS.replace("Counts to three", "Counts up to three")})
    again = make("Steps", gate=str(gate)).submit().wait(timeout_seconds=60)
    assert any(line.endswith("starts with []") for line in again.logs())


def test_a_run_outlives_the_process_that_started_it(
    make: Any, project: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    code = f"""
        import os, signal, sys
        sys.path.insert(0, {str(project)!r})
        import work.tasks
        from tg.common.delivery.sagemaker import SagemakerRoutine
        task = work.tasks.Steps({str(gate)!r})
        routine = SagemakerRoutine(task, "d.parquet", "p", datasets_folder="datasets")
        run = routine.process().submit()
        print(run.id, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run = make("Steps").run(killed.stdout.split()[-1])
    wait_for("waits", run)
    gate.touch()
    assert run.wait(timeout_seconds=60).result().metrics == {"steps": 3}


def test_a_killed_run_has_failed_also_if_nobody_watched(make: Any) -> None:
    executor = make("Exits")
    executor.config.job.task.how = "import signal; os.kill(os.getpid(), signal.SIGKILL)"
    run = executor.submit()
    run._child.wait(60)
    again = executor.run(run.id)
    with pytest.raises(TrainingFailedError, match="SIGKILL"):
        again.wait(timeout_seconds=60)
    assert again.state is RunState.FAILED


@pytest.mark.parametrize(
    ("how", "code"), [("os._exit(7)", 7), ("sys.exit(3)", 3), ("sys.exit('no')", 1), ("1 / 0", 1)]
)
def test_exit_codes_are_kept(make: Any, how: str, code: int) -> None:
    executor = make("Exits")
    executor.config.job.task.how = how
    with pytest.raises(TrainingFailedError) as caught:
        executor.submit().wait(timeout_seconds=60)
    assert caught.value.exit_code == code


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("raise OSError(os.fsdecode(b'no caf\\xe9.csv'))", r"OSError: no caf(\\udce9|\?)\.csv"),
        ("sys.stdout.close(); raise ValueError('bitter')", "ValueError: bitter"),
    ],
    ids=["a file's name", "no log"],
)
def test_a_reason_that_the_log_cannot_hold_is_known(make: Any, how: str, reason: str) -> None:
    # else all that is left of hours of training is an exit code
    executor = make("Exits")
    executor.config.job.task.how = how
    run = executor.submit()
    with pytest.raises(TrainingFailedError, match=reason) as caught:
        run.wait(timeout_seconds=60)
    assert caught.value.exit_code == 1


def test_any_output_is_passed_on(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    executor = make("Writes")
    run_id = executor.execute()
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(f"{run_id} | ") for line in lines)
    assert f"{run_id} | caf\ufffd \ufffd" in lines
    assert max(map(len, lines)) > 1_000_000
    assert lines[-1].endswith("DONE. Exiting Training Grounds.")


def test_a_package_is_compiled_once_whatever_the_user_wants_of_his_own_folders(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    make("Steps").submit().wait(timeout_seconds=600)
    assert list((tmp_path / "cache").rglob("work/__pycache__/tasks.*.pyc"))


def test_a_child_that_is_left_behind_does_not_hold_the_run(make: Any) -> None:
    run = make("Leaves").submit().wait(timeout_seconds=120)
    child = int(run.result().metrics["left"])
    os.kill(child, signal.SIGKILL)  # which it could not if it had been waited for


def test_a_task_that_ignores_the_request_is_killed_in_the_end(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg.common.delivery.execution.local_run.GRACE_SECONDS", 0.2)
    run = make("Stubborn").submit()
    wait_for("waits", run)
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)


def test_several_runs_at_once_do_not_meet(make: Any) -> None:
    executor = make("Steps")
    runs = [executor.submit() for _ in range(3)]
    assert len({run.id for run in runs}) == 3
    for run in runs:
        assert run.wait(timeout_seconds=120).result().model == [0, 1, 2]


def test_two_that_look_at_the_end_at_once_see_one_result(make: Any) -> None:
    executor = make("Steps")
    run = executor.submit()
    other = executor.run(run.id)
    threads = [threading.Thread(target=r.wait, args=(60,)) for r in (run, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert run.state is other.state is RunState.COMPLETED


def test_ctrl_c_stops_the_training_as_well(make: Any, tmp_path: Path) -> None:
    executor = make("Steps", gate=str(tmp_path / "never"))
    runs = executor.config.runs_folder

    def press() -> None:
        while not any(b"waits" in path.read_bytes() for path in runs.glob("*/log.txt")):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        executor.execute()
    (folder,) = runs.iterdir()
    assert executor.run(folder.name).state is RunState.STOPPED


def test_a_run_whose_submitter_died_before_it_started_has_failed(make: Any) -> None:
    executor = make("Steps")
    dead = {"submitter": 2**22 + 1, "submitter_process": "1"}
    runs = executor.config.request({}).runs_folder
    run = executor.run(RunFolder.create(runs, "Steps", "process", details=dead).run_id)
    with pytest.raises(TrainingFailedError, match="before the training had started"):
        run.wait(timeout_seconds=60)


def test_a_damaged_or_newer_record_is_told(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "Task", "process")
    record = folder.path / "run.json"
    text = record.read_text()
    record.write_text(text.replace('"protocol": 1', '"protocol": 8'))
    with pytest.raises(ProtocolError, match="8"):
        folder.read()
    record.write_text(text[:20])
    with pytest.raises(FormatError, match=r"run\.json"):
        folder.read()


def test_work_is_removed_after_success_and_kept_after_failure(make: Any) -> None:
    good = make("Steps").submit().wait(timeout_seconds=60)
    assert sorted(path.name for path in good._folder.path.iterdir()) == [
        "exit_code",
        "lock",
        "log.txt",
        "output",
        "pid",
        "run.json",
    ]
    executor = make("Exits")
    bad = executor.submit()
    with pytest.raises(TrainingFailedError):
        bad.wait(timeout_seconds=60)
    assert not bad._folder.result_file.exists()
