from __future__ import annotations

import io
import os
import secrets
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tg.common.delivery.docker.engine import DockerEngine
from tg.rehearsal import Rehearsal

# does what its hyperparameters say, under the contract of a training container
PROGRAM = r"""#!/usr/bin/env python3
import json, os, pathlib, shutil, signal, socket, sys, time
base = pathlib.Path("/opt/ml")
config = {p.stem: json.loads(p.read_text()) for p in (base / "input/config").glob("*.json")}
asked = config["hyperparameters"]
def stop(number, frame):
    (base / "model/stopped.txt").write_text("in time")
    sys.exit(143)
signal.signal(signal.SIGTERM, signal.SIG_IGN if asked.get("deaf") else stop)
host = config["resourceconfig"]["current_host"]
print("auc=0.25;", flush=True)
print("auc=0.75;", flush=True)
print("", flush=True)
print("said by", host, os.environ.get("SAID", ""), flush=True)
seen = {
    "argv": sys.argv[1:],
    "config": config,
    "files": sorted(str(p.relative_to(base)) for p in base.rglob("*") if p.is_file()),
    "environment": dict(os.environ),
}
(base / f"model/seen-{host}.json").write_text(json.dumps(seen))
for source in (base / "input/data").rglob("*"):
    if source.is_file():
        shutil.copy(source, base / "model" / source.name)
if asked.get("output"):
    (base / "output/data/extra.txt").write_text(asked["output"])
if asked.get("peers"):
    found, hosts = {}, config["resourceconfig"]["hosts"]
    with socket.create_server(("", 7777)) as server:
        while set(found) != set(hosts):  # hosts start one after the other, here as there
            for peer in set(hosts) - set(found):
                try:
                    with socket.create_connection((peer, 7777), 5) as met:
                        found[peer] = met.getpeername()[0]
                except OSError:
                    time.sleep(0.1)
        for peer in hosts:  # none goes before all have met it
            server.accept()[0].close()
    (base / f"model/peers-{host}.json").write_text(json.dumps(found))
if asked.get("count_to"):
    kept = base / "checkpoints/count"
    count = int(kept.read_text()) if kept.exists() else 0
    (base / "model/began_at").write_text(str(count))
    holds_at = 0 if count else int(asked.get("holds_at", "0"))
    part = kept.with_name(".part")
    while count < int(asked["count_to"]):
        count += 1
        part.write_text(str(count))
        part.replace(kept)  # never half of it: it may be stored, or all be ended, at any moment
        print("count", count, flush=True)
        time.sleep(600 if count == holds_at else 0.1)
if asked.get("sleep"):
    time.sleep(float(asked["sleep"]))
if asked.get("failure") and asked.get("failing_host", host) == host:
    (base / "output/failure").write_text(asked["failure"])
    sys.exit(int(asked.get("exit", "1")))
"""


@pytest.fixture(scope="session", autouse=True)
def _has_the_extra() -> None:
    for name in ("moto", "boto3", "bcrypt"):
        pytest.importorskip(name, reason="the extra [rehearsal] is not installed")


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with the program above as its ``train``."""
    context = tmp_path_factory.mktemp("image")
    (context / "train").write_text(PROGRAM)
    (context / "train").chmod(0o755)
    own = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    base = os.environ.get("TG_BASE_IMAGE") or own
    name = f"tg-rehearsal-test-{secrets.token_hex(4)}:1"
    # an image of its own: another session may build, use and remove the same at this moment
    text = f"FROM {base}\nCOPY train /usr/local/bin/train\nLABEL test={name}\n"
    (context / "Dockerfile").write_text(text)
    engine = DockerEngine()
    engine.call(["build", "--tag", name, str(context)], env={"DOCKER_BUILDKIT": "0"})
    yield name
    engine.call(["image", "rm", name])


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    """One rehearsal for the tests of a module; its stops are quick."""
    with Rehearsal(grace_seconds=2.0, checkpoint_seconds=0.2) as rehearsal:
        yield rehearsal


@pytest.fixture
def client(cloud: Rehearsal) -> Iterator[Callable[[str], Any]]:
    """Plain clients, as any program makes them."""
    import boto3

    made = []

    def make(service: str) -> Any:
        made.append(boto3.session.Session().client(service))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def asked(cloud: Rehearsal) -> Callable[..., dict[str, Any]]:
    """Arguments of ``create_training_job``; changes replace them."""

    def make(image: str = "no-such-image:1", **changes: Any) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TrainingJobName": f"job-{secrets.token_hex(4)}",
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "RoleArn": cloud.role_arn,
            "OutputDataConfig": {"S3OutputPath": f"s3://{cloud.bucket}/out"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 10,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }
        return {**request, **changes}

    return make


@pytest.fixture
def until(client: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Describe a job again and again until something is so."""
    sagemaker = client("sagemaker")

    def wait(
        name: str, is_so: Callable[[dict[str, Any]], bool], seconds: float = 180.0
    ) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            job: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
            if is_so(job):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.05)

    return wait


@pytest.fixture
def ended(until: Callable[..., dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """Wait until a job has ended, and describe it."""
    return lambda name: until(name, lambda job: "TrainingEndTime" in job)


@pytest.fixture
def members(client: Callable[[str], Any]) -> Callable[[str], dict[str, bytes]]:
    """Give the files of an archive in storage."""

    def read(uri: str) -> dict[str, bytes]:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        found = {}
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    found[member.name] = file.read()
        return found

    return read
