"""A program that is killed on its way to SageMaker, and started again, has trained once.

If one of these fails, a closed laptop or a killed kernel costs a second training, or a result.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import remote_journey
from remote_journey import lay_out_project

from tg.common.contract import RunState
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.remote_run import RemoteRun
from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal, pytest.mark.slow]

PROGRAM = Path(remote_journey.__file__)
# At which request it is killed: it has arrived, and is done when nobody waits for its answer. So
# each is also the place right after the one before.
STEPS = [
    "s3.HeadBucket",
    "s3.HeadObject",
    "s3.PutObject",
    "ecr.CreateRepository",
    "ecr.GetAuthorizationToken",
    "registry.UploadLayer",
    "registry.PutManifest",
    "sagemaker.CreateTrainingJob",
    "sagemaker.DescribeTrainingJob",
    "logs.FilterLogEvents",
    "s3.ListObjectsV2",
    "s3.DeleteObjects",
    "s3.GetObject",
]
PARTS = ["s3.CreateMultipartUpload", "s3.UploadPart", "s3.CompleteMultipartUpload"]
_DELAY_SECONDS = 1.5
_QUICK = {
    "s3.CompleteMultipartUpload",
    "registry.PutManifest",
    "sagemaker.CreateTrainingJob",
    "sagemaker.DescribeTrainingJob",
    "s3.GetObject",
}
_CASES = [
    pytest.param(step, marks=() if step in _QUICK else pytest.mark.soak)
    for step in [*STEPS, *PARTS]
]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal(grace_seconds=2, checkpoint_seconds=0.2) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed")
    lay_out_project(root)
    return root


@pytest.fixture
def settings(
    cloud: Rehearsal, root: Path, request: pytest.FixtureRequest
) -> Iterator[dict[str, Any]]:
    digits = "".join(re.findall(r"[a-z0-9]+", request.node.name.lower()))
    # a layer and a repository that are not there yet
    (root / "far" / "marker.py").write_text(f"MARKER = {digits!r}\n")
    yield {
        "project": str(root),
        "bucket": cloud.bucket,
        "role": cloud.role_arn,
        "case": digits,
        "repository": digits,
    }
    cloud.faults.clear()


@pytest.fixture
def program(root: Path, cloud: Rehearsal) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(what: str, settings: dict[str, Any]) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, str(PROGRAM), what, json.dumps(settings)],
                cwd=root,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate()


def kill_at(cloud: Rehearsal, operation: str, child: subprocess.Popen[str], asked: int) -> None:
    """Kill a program, and the commands that it has started, when it makes the next such request."""
    deadline = time.monotonic() + 300  # a busy machine builds the image first
    while cloud.calls(operation).count == asked:
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < deadline, f"{operation} was not asked for"
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def finished(child: subprocess.Popen[str]) -> tuple[str, dict[str, float]]:
    """The job's name and the metrics that a program tells."""
    output, _ = child.communicate(timeout=300)
    assert child.returncode == 0, output
    name, metrics = output.strip().splitlines()[-2:]
    return name, json.loads(metrics)


@pytest.mark.parametrize("operation", _CASES)
def test_a_program_killed_at_a_request_and_started_again_trains_once(
    cloud: Rehearsal,
    program: Callable[..., subprocess.Popen[str]],
    settings: dict[str, Any],
    operation: str,
) -> None:
    settings["is_big"] = operation in PARTS
    jobs, asked = cloud.job_count, cloud.calls(operation).count
    cloud.faults.slow(operation, _DELAY_SECONDS, times=1)
    kill_at(cloud, operation, program("train", settings), asked)
    name, metrics = finished(program("train", settings))
    assert metrics == {"steps": 3.0}
    assert cloud.job_count == jobs + 1
    assert name.startswith("steps-")
    assert not name.endswith("-r2")


def test_a_training_that_completed_while_nobody_looked_is_not_trained_again(
    cloud: Rehearsal,
    root: Path,
    program: Callable[..., subprocess.Popen[str]],
    settings: dict[str, Any],
) -> None:
    jobs = cloud.job_count
    child = program("train", {**settings, "waits": 2})
    asked = cloud.calls("logs.DescribeLogStreams").count
    kill_at(cloud, "logs.DescribeLogStreams", child, asked)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    run = RemoteRun(name, AwsClients(), root)
    deadline = time.monotonic() + 300  # a busy machine builds the image first
    while run.state is not RunState.COMPLETED:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = finished(program("train", {**settings, "waits": 2}))
    assert found == (name, {"steps": 3.0})
    assert cloud.job_count == jobs + 1
    # its result is there now: who asks again wants another training
    again = finished(program("train", {**settings, "waits": 2}))
    assert again == (f"{name}-r2", {"steps": 3.0})
    assert cloud.job_count == jobs + 2


def test_a_program_killed_while_it_cancels_has_cancelled(
    cloud: Rehearsal, program: Callable[..., subprocess.Popen[str]], settings: dict[str, Any]
) -> None:
    jobs = cloud.job_count
    asked = cloud.calls("logs.DescribeLogStreams").count
    child = program("train", {**settings, "waits": 600})
    kill_at(cloud, "logs.DescribeLogStreams", child, asked)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    cloud.faults.slow("sagemaker.StopTrainingJob", _DELAY_SECONDS, times=1)
    asked = cloud.calls("sagemaker.StopTrainingJob").count
    stopping = {**settings, "waits": 600, "name": name}
    kill_at(cloud, "sagemaker.StopTrainingJob", program("stop", stopping), asked)
    child = program("stop", stopping)
    output, _ = child.communicate(timeout=300)
    assert child.returncode == 0, output
    assert cloud.job_count == jobs + 1
