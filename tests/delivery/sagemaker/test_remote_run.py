"""What becomes of a training at SageMaker: once for one submission, found again by its name."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common._core.errors import (
    AwsNotFoundError,
    ConfigError,
    RunCancelledError,
    RunNotFoundError,
    RunTimeoutError,
    TrainingFailedError,
    TrainingTimeoutError,
)
from tg.common.contract import RunState
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRemoteExecutor, SagemakerRoutine
from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal, pytest.mark.slow]

TASKS = """
    import time

    from tg.common.contract import TrainingTask


    class Steps(TrainingTask):
        '''Counts to three, a checkpoint a step; waits in the third if it began with the first.'''

        def __init__(self):
            super().__init__()
            self.waits = 0
            self.fails = False

        def run_with_environment(self, data, env):
            if self.fails:
                raise ValueError("the tea is cold")
            done = env.load_checkpoint("steps") or []
            env.log(f"starts with {done}")
            is_fresh = not done
            for step in range(len(done), 3):
                if step == 2 and is_fresh and self.waits:
                    env.log("waits")
                    time.sleep(self.waits)
                done = [*done, step]
                env.save_checkpoint("steps", done)
            env.output_metric("steps", len(done))
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal(grace_seconds=20) as cloud:
        yield cloud


@pytest.fixture
def make(
    cloud: Rehearsal, project: Path, write_files: Callable[..., None]
) -> Callable[..., SagemakerRemoteExecutor]:
    write_files({"far/__init__.py": "", "far/tasks.py": TASKS})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")

    def executor(bucket: str | None = None, role: str | None = None, **options: Any) -> Any:
        routine = SagemakerRoutine(
            importlib.import_module("far.tasks").Steps(),
            "d.parquet",
            "p",
            datasets_folder=project / "datasets",
            bucket=cloud.bucket if bucket is None else bucket,
            role=cloud.role_arn if role is None else role,
        )
        routine.config.containering.silent = True
        return routine.remote(RemoteOptions(**options))

    return executor


def wait_for(line: str, run: Any) -> None:
    for seen in run.logs():
        if seen.endswith(line):
            return
    raise AssertionError(f"the run ended without {line!r}")


def test_one_submission_is_one_job_which_is_stopped_and_resumed(
    make: Any, cloud: Rehearsal, project: Path
) -> None:
    waits = {"waits": 600}
    run = make(metrics=["steps"]).submit(waits)
    wait_for("waits", run)
    before = cloud.calls("s3.PutObject"), cloud.image_bytes
    again = make(metrics=["steps"]).submit(waits)
    assert again.id == run.id
    # neither data nor image went there again
    assert (cloud.calls("s3.PutObject"), cloud.image_bytes) == before
    with pytest.raises(RunTimeoutError, match="Wait for it"):
        run.result()
    # from the name alone, in a new process
    code = f"""
    from tg.common.delivery.sagemaker.aws import AwsClients
    from tg.common.delivery.sagemaker.remote_run import RemoteRun
    from pathlib import Path
    run = RemoteRun({run.id!r}, AwsClients(), Path("results"))
    print(run.state.value)
    run.cancel()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    told = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "InProgress"
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=300)
    run.cancel()  # again does nothing
    resumed = make(metrics=["steps"]).submit(waits)
    assert resumed.id == f"{run.id}-r2"
    resumed.wait(timeout_seconds=300)
    assert any(line.endswith("starts with [0, 1]") for line in resumed.logs())
    assert resumed.metrics == resumed.result().metrics == {"steps": 3.0}
    assert resumed.billable_seconds is not None
    # completed: the same again begins anew
    third = make(metrics=["steps"]).submit(waits)
    assert third.id == f"{run.id}-r3"
    wait_for("waits", third)
    third.cancel()


def test_a_failure_has_the_traceback_and_a_time_limit_its_own_type(make: Any) -> None:
    run = make().submit({"fails": "true"})
    with pytest.raises(TrainingFailedError, match="the tea is cold") as caught:
        run.wait(timeout_seconds=300)
    assert "far/tasks.py" in caught.value.traceback_tail
    # on a busy machine it takes a while until it waits
    late = make(max_runtime_seconds=20).submit({"waits": 600})
    with pytest.raises(TrainingTimeoutError, match="longer than 20 seconds"):
        late.wait(timeout_seconds=300)
    assert late.state is RunState.STOPPED
    # with more time it goes on where it was
    longer = make(max_runtime_seconds=300).submit({"waits": 600}).wait(timeout_seconds=300)
    assert any(line.endswith("starts with [0, 1]") for line in longer.logs())


def test_what_cannot_work_is_refused_before_anything_is_built(
    make: Any, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.delenv("AWS_ROLE")
    monkeypatch.delenv("TG_BUCKET")
    with pytest.raises(ConfigError, match="AWS_ROLE"):
        make(role="").submit()
    with pytest.raises(ConfigError, match="bucket"):
        make(bucket="").submit()
    assert not (project / "temp").exists()
    (project / "environment.env").write_text("AWS_ROLE='arn:aws:iam::123456789012:role/x'\n")
    with pytest.raises(AwsNotFoundError, match="nobodys-bucket"):
        make(role="", bucket="nobodys-bucket").submit()
    with pytest.raises(RunNotFoundError, match="nothing-there"):
        make().run("nothing-there")
