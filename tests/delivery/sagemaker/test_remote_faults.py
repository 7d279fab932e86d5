"""Every fault at every step of a training's way to SageMaker and back.

If one of these fails, a user pays for two trainings, sees the bare error of a library, or has
something half done that no later try gets past.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from remote_journey import SPEED, Journey, lay_out_project

from tg.common._core.errors import (
    TgError,
)
from tg.common.contract import RunState
from tg.common.delivery.sagemaker.s3_layout import parse_s3_uri
from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal, pytest.mark.slow]

# All that a training asks of the services; a test compares it with what they saw. `before`: until
# the job is there; `image`: while its image goes to the registry; `parts`: of a large dataset.
STEPS = {
    "before": [
        "sts.GetCallerIdentity",
        "s3.HeadBucket",
        "iam.GetRole",
        "s3.HeadObject",
        "s3.PutObject",
        "sagemaker.CreateTrainingJob",
    ],
    "parts": ["s3.CreateMultipartUpload", "s3.UploadPart", "s3.CompleteMultipartUpload"],
    "image": [
        "ecr.DescribeRepositories",
        "ecr.CreateRepository",
        "ecr.GetAuthorizationToken",
        "registry.Login",
        "registry.HeadManifest",
        "registry.HeadLayer",
        "registry.StartUpload",
        "registry.UploadLayer",
        "registry.FinishUpload",
        "registry.PutManifest",
    ],
    "after": [
        "sagemaker.DescribeTrainingJob",
        "logs.DescribeLogStreams",
        "logs.FilterLogEvents",
        "s3.ListObjectsV2",
        "s3.DeleteObjects",
        "s3.GetObject",
    ],
    "stop": ["sagemaker.StopTrainingJob"],
}
PHASES = {operation: phase for phase, operations in STEPS.items() for operation in operations}
# what goes wrong; with `for ever`, more often than a request is sent again
FAULTS: dict[str, Callable[[Rehearsal, str], None]] = {
    "throttle": lambda cloud, operation: cloud.faults.throttle(operation),
    "throttle for ever": lambda cloud, operation: cloud.faults.throttle(operation, None),
    "5xx": lambda cloud, operation: cloud.faults.server_error(operation),
    "5xx for ever": lambda cloud, operation: cloud.faults.server_error(operation, None),
    "slow": lambda cloud, operation: cloud.faults.slow(operation, 0.3, 2),
    "expired token": lambda cloud, operation: cloud.faults.expired_token(operation),
    "access denied": lambda cloud, operation: cloud.faults.access_denied(operation),
    "lost request": lambda cloud, operation: cloud.faults.drop_during(operation),
    "lost requests for ever": lambda cloud, operation: cloud.faults.drop_during(operation, None),
    "lost answer": lambda cloud, operation: cloud.faults.drop_after(operation),
    "lost answers for ever": lambda cloud, operation: cloud.faults.drop_after(operation, None),
}
# what a second request gets past, so that nobody notices
SURVIVED = ("throttle", "5xx", "slow", "lost request", "lost answer")
# What each run of the tests tries: the faults that differ the most. `make soak` tries them all; the
# engine waits for seconds before it asks a registry again.
QUICK = ("5xx for ever", "lost answer")
_SENSITIVE = ("s3.PutObject", "sagemaker.CreateTrainingJob", "sagemaker.DescribeTrainingJob")
_QUICK = [
    *((step, fault) for step in PHASES for fault in QUICK if not step.startswith("registry.")),
    *((step, "expired token") for step in (*_SENSITIVE, "registry.PutManifest")),
    *((step, "lost answer") for step in ("registry.UploadLayer", "registry.PutManifest")),
]
_REST = [
    pytest.param(*case, marks=pytest.mark.soak)
    for case in product(PHASES, FAULTS)
    if case not in _QUICK
]
_EXPECTED = {"steps": 3.0}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal(grace_seconds=2, checkpoint_seconds=0.2, max_parallel=3) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("journeys")
    lay_out_project(root)
    return root


@pytest.fixture(scope="module")
def submitted() -> dict[str, str]:
    """Case to the name of its job; the trainings go on while other cases are tried."""
    return {}


@pytest.fixture
def journey(
    cloud: Rehearsal, root: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Journey]]:
    """Begin a way; each has a session of its own, as in a process of its own."""
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(root)
    case = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    count = 0

    def begin(**settings: object) -> Journey:
        nonlocal count
        count += 1
        # part of the user agent; another session looks at everything anew
        monkeypatch.setenv("AWS_EXECUTION_ENV", f"{case}-{count}")
        settings = {"case": case, **settings}
        return Journey(root, cloud.bucket, cloud.role_arn, **settings)  # type: ignore[arg-type]

    yield begin
    cloud.faults.clear()


@pytest.fixture(scope="module")
def done(cloud: Rehearsal, root: Path) -> Iterator[str]:
    """The name of a training that has completed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.syspath_prepend(root)
        journey = Journey(root, cloud.bucket, cloud.role_arn, "done")
        run = journey.submit()
        assert journey.bring_home(run) == _EXPECTED
        yield run.id


def check(error: TgError) -> None:
    """An error says what failed, and what to do next."""
    assert error.what
    assert error.hint, error
    assert not re.search(r"Traceback|botocore\.|boto3\.", error.what)


def test_every_request_of_an_undisturbed_training_is_in_the_table(
    cloud: Rehearsal, journey: Callable[..., Journey]
) -> None:
    before = cloud.operations
    whole = journey(is_big=True, waits=0)
    assert whole.bring_home(whole.submit()) == _EXPECTED
    small = journey(case="to-be-stopped", waits=600)
    run = small.submit()
    next(line for line in run.logs() if line.endswith("waits"))
    small.stop(run)
    assert run.state is RunState.STOPPED
    assert cloud.operations - before <= set(PHASES)
    missing = set(PHASES) - cloud.operations
    assert not missing, f"nobody asks for these any more: {missing}"


@pytest.mark.parametrize(("operation", "fault"), [*_QUICK, *_REST])
def test_a_fault_leaves_one_job_and_a_way_on(
    cloud: Rehearsal,
    journey: Callable[..., Journey],
    root: Path,
    done: str,
    submitted: dict[str, str],
    request: pytest.FixtureRequest,
    operation: str,
    fault: str,
) -> None:
    phase = PHASES[operation]
    if phase == "after":
        look_again_and_again(cloud, journey, done, operation, fault)
    elif phase == "stop":
        stop_again_and_again(cloud, journey, operation, fault)
    else:
        settings: dict[str, object] = {"is_big": phase == "parts"}
        if phase == "image":
            # a repository and a layer that are not there yet
            digits = "".join(re.findall(r"[a-z0-9]+", request.node.name.lower()))
            settings["repository"] = digits
            (root / "far" / "marker.py").write_text(f"MARKER = {digits!r}\n")
        submitted[request.node.name] = submit_again_and_again(
            cloud, journey, operation, fault, settings
        )


def submit_again_and_again(
    cloud: Rehearsal,
    journey: Callable[..., Journey],
    operation: str,
    fault: str,
    settings: dict[str, object],
) -> str:
    jobs, asked = cloud.job_count, cloud.calls(operation).count
    first = ""
    FAULTS[fault](cloud, operation)
    try:
        first = journey(**settings).submit().id
    except TgError as exc:
        if fault in SURVIVED and not operation.startswith("registry."):
            raise
        check(exc)
    assert cloud.calls(operation).count > asked
    cloud.faults.clear()
    second = journey(**settings).submit().id
    assert second == first or not first
    assert cloud.job_count == jobs + 1
    return second


def look_again_and_again(
    cloud: Rehearsal, journey: Callable[..., Journey], name: str, operation: str, fault: str
) -> None:
    clients = journey().clients
    checkpoints = parse_s3_uri(journey().run(name).describe()["CheckpointConfig"]["S3Uri"])
    clients.client("s3").put_object(
        Bucket=checkpoints.bucket, Key=f"{checkpoints.key}/left-over", Body=b"x"
    )
    jobs, asked = cloud.job_count, cloud.calls(operation).count
    FAULTS[fault](cloud, operation)
    for timeout_seconds in (2, 300):
        looking = journey(case="done")
        run = looking.run(name)
        looking.result_file(name).unlink(missing_ok=True)
        try:
            metrics = looking.bring_home(run, timeout_seconds)
        except TgError as exc:
            if timeout_seconds > 2:
                raise
            check(exc)
        else:
            assert metrics == _EXPECTED
        assert cloud.calls(operation).count > asked
        cloud.faults.clear()
    assert cloud.job_count == jobs
    left = clients.client("s3").list_objects_v2(Bucket=checkpoints.bucket, Prefix=checkpoints.key)
    assert "Contents" not in left


def stop_again_and_again(
    cloud: Rehearsal, journey: Callable[..., Journey], operation: str, fault: str
) -> None:
    jobs = cloud.job_count
    run = journey(waits=600).submit()
    until(lambda: run.describe()["SecondaryStatus"] == "Training")
    FAULTS[fault](cloud, operation)
    try:
        journey().stop(run)
    except TgError as exc:
        check(exc)
    cloud.faults.clear()
    journey().stop(journey().run(run.id))
    assert run.state is RunState.STOPPED
    assert cloud.job_count == jobs + 1


def test_what_was_disturbed_was_trained_to_its_end(
    submitted: dict[str, str], journey: Callable[..., Journey]
) -> None:
    for name in submitted.values():
        looking = journey()
        assert looking.run(name).wait(600 * SPEED).result().metrics == _EXPECTED, name
    assert len(set(submitted.values())) == len(submitted)


def until(is_so: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
