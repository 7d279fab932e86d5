"""A rehearsal comes and goes without a trace, however its process ends."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tg.common import errors
from tg.common.delivery.docker.engine import DockerEngine
from tg.rehearsal import Rehearsal

pytestmark = pytest.mark.rehearsal


def test_clients_find_it_by_the_environment_alone_and_the_environment_is_restored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import boto3

    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.invalid")
    monkeypatch.delenv("AWS_ROLE", raising=False)
    # others rehearse at the same moment, and have folders as well
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = dict(os.environ)
    with Rehearsal(region="eu-central-1") as cloud:
        assert list(tmp_path.glob("tg-rehearsal-*"))
        assert os.environ["AWS_ENDPOINT_URL"] == cloud.endpoint_url
        assert os.environ["AWS_ROLE"] == cloud.role_arn
        assert cloud.environment.items() <= os.environ.items()
        session = boto3.session.Session()
        assert session.region_name == cloud.region == "eu-central-1"
        storage, identity = session.client("s3"), session.client("sts")
        buckets = storage.list_buckets()["Buckets"]
        assert [bucket["Name"] for bucket in buckets] == [cloud.bucket]
        assert identity.get_caller_identity()["Account"] == "123456789012"
        storage.close()
        identity.close()
    assert dict(os.environ) == before
    assert not list(tmp_path.glob("tg-rehearsal-*"))


def test_one_rehearsal_knows_nothing_of_the_one_before() -> None:
    import boto3

    for _ in range(2):
        with Rehearsal() as cloud:
            storage = boto3.session.Session().client("s3")
            assert "Contents" not in storage.list_objects_v2(Bucket=cloud.bucket)
            storage.put_object(Bucket=cloud.bucket, Key="k", Body=b"x" * 1_000_000)
            storage.close()


def test_two_at_once_are_refused_and_the_first_goes_on() -> None:
    with Rehearsal() as cloud:
        with pytest.raises(errors.ConfigError, match="open in this process"), Rehearsal():
            pass
        assert os.environ["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    with pytest.raises(errors.ConfigError, match="not open"):
        _ = cloud.endpoint_url
    with Rehearsal():
        pass


def test_only_spot_jobs_of_this_rehearsal_are_interrupted() -> None:
    with Rehearsal() as cloud, pytest.raises(errors.RunNotFoundError, match="nobody"):
        cloud.interrupt("nobody")


KILLED = """
import boto3, os, signal, socket, sys, time
from tg.rehearsal import Rehearsal
if sys.argv[4:]:
    socket.gethostname = lambda: sys.argv[4]
cloud = Rehearsal().__enter__()
belongings = cloud._opened.belongings
print(belongings.folder, cloud.registry, belongings._guardian.pid, flush=True)
sagemaker = boto3.client("sagemaker")
sagemaker.create_training_job(
    TrainingJobName=sys.argv[1],
    AlgorithmSpecification={"TrainingImage": sys.argv[2], "TrainingInputMode": "File"},
    RoleArn=cloud.role_arn,
    HyperParameters={"sleep": "300", "deaf": "yes"},
    OutputDataConfig={"S3OutputPath": f"s3://{cloud.bucket}/out"},
    ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
    StoppingCondition={"MaxRuntimeInSeconds": 600},
)
while len(os.popen(f"docker ps --quiet --filter name={sys.argv[1]}").read().split()) < 2:
    time.sleep(0.1)
if sys.argv[3] == "unguarded":
    os.kill(belongings._guardian.pid, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(name: str, image: str, how: str, *machine: str) -> Path:
    """Run a rehearsal with a job in a process that is killed, and give its folder."""
    argv = [sys.executable, "-c", KILLED, name, image, how, *machine]
    # an output that the guardian does not hold open
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == -9, done.stderr
    return Path(done.stdout.split()[0])


def is_gone(name: str, folder: Path) -> bool:
    """Whether nothing is left: containers, network, folder, and processes that know it."""
    running = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            running.append(path.read_bytes())
    return (
        not shown("ps", name)
        and not shown("network", name)
        and not folder.exists()
        and not any(str(folder).encode() in line for line in running)
    )


@pytest.mark.docker
def test_what_a_killed_rehearsal_left_is_removed_at_once(image: str) -> None:
    name = f"killed-{secrets.token_hex(4)}"
    wait_until_gone(name, killed(name, image, "guarded"))


def wait_until_gone(name: str, folder: Path) -> None:
    deadline = time.monotonic() + 180
    while not is_gone(name, folder):
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.docker
def test_what_its_guardian_could_not_remove_either_is_removed_by_the_next_one(
    image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"killed-{secrets.token_hex(4)}"
    # on a machine of that name: on this one, others may rehearse next
    folder = killed(name, image, "unguarded", name)
    assert folder.exists()
    assert shown("ps", name)
    assert shown("network", name)
    with Rehearsal():
        assert folder.exists()
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    with Rehearsal():
        assert not shown("ps", name)
        assert not shown("network", name)
        assert not folder.exists()
        wait_until_gone(name, folder)  # a process that was killed needs a turn for its end


@pytest.mark.docker
def test_a_job_that_runs_is_ended_with_the_rehearsal(image: str) -> None:
    import boto3

    name = f"left-{secrets.token_hex(4)}"
    with Rehearsal() as cloud:
        sagemaker = boto3.session.Session().client("sagemaker")
        request = small_job(cloud, name, image)
        request["HyperParameters"] = {"sleep": "300", "deaf": "yes"}
        sagemaker.create_training_job(**request)
        while not shown("ps", name):
            pass
        sagemaker.close()
    assert not shown("ps", name)


def shown(what: str, name: str) -> list[str]:
    """Give the containers or networks with a name, whether they run or not."""
    args = ["ps", "--all"] if what == "ps" else [what, "ls"]
    argv = ["docker", *args, "--quiet", "--filter", f"name={name}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def test_without_an_engine_all_but_the_containers_can_be_rehearsed() -> None:
    import boto3

    with Rehearsal(engine=DockerEngine("/nowhere/docker")) as cloud:
        sagemaker = boto3.session.Session().client("sagemaker")
        sagemaker.create_training_job(**small_job(cloud, "nowhere", "image:1"))
        while True:
            job = sagemaker.describe_training_job(TrainingJobName="nowhere")
            if job["TrainingJobStatus"] != "InProgress":
                break
        assert job["FailureReason"].startswith("InternalServerError: there is no program")
        sagemaker.close()


def test_without_a_registry_the_error_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Rehearsal() as cloud:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(errors.MissingDependencyError, match="apt-get install docker-registry"):
            _ = cloud.registry


@pytest.mark.docker
def test_jobs_beyond_what_the_machine_takes_wait_and_can_be_stopped(image: str) -> None:
    import boto3

    with Rehearsal(max_parallel=1) as cloud:
        sagemaker = boto3.session.Session().client("sagemaker")

        def stages() -> dict[str, str]:
            jobs = [sagemaker.describe_training_job(TrainingJobName=each) for each in "ab"]
            assert not [job for job in jobs if "FailureReason" in job]
            return {job["SecondaryStatus"]: job["TrainingJobName"] for job in jobs}

        for name in "ab":
            request = small_job(cloud, name, image)
            request["HyperParameters"] = {"sleep": "300", "deaf": "yes"}
            sagemaker.create_training_job(**request)
        while "Training" not in stages():
            pass
        # whichever had its turn first
        waiting = stages()["Starting"]
        sagemaker.stop_training_job(TrainingJobName=waiting)
        while (job := sagemaker.describe_training_job(TrainingJobName=waiting))[
            "TrainingJobStatus"
        ] != "Stopped":
            pass
        assert "TrainingStartTime" not in job
        sagemaker.close()


def small_job(cloud: Rehearsal, name: str, image: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": cloud.role_arn,
        "OutputDataConfig": {"S3OutputPath": f"s3://{cloud.bucket}/out"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
