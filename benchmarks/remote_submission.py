"""A submission whose image and data are in place, beside the three plain calls that it comes to.

`bench_remote` starts it, in the variables of a rehearsal that runs in another process.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.ratios import compare, seconds_of
from tg.common._core.process import run
from tg.common.contract import TrainingEnvironment, TrainingTask
from tg.common.delivery.docker import DockerEngine
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients

ROUNDS = 25


class Waiting(TrainingTask):
    """Takes a place, so that no other training takes the machine's time."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def run_with_environment(self, data: Path, env: TrainingEnvironment) -> None:
        del data, env
        time.sleep(3600)


class CountingEngine(DockerEngine):
    """Counts what the engine is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def call(self, args: Sequence[str], **options: Any) -> Any:
        self.asked.append(args[0])
        return super().call(args, **options)

    def start(self, args: Sequence[str], **options: Any) -> Any:
        self.asked.append(args[0])
        return super().start(args, **options)

    def changes(self) -> int:
        return sum(what in ("build", "run", "create", "commit", "push") for what in self.asked)


def routine_of(task: TrainingTask, bucket: str, role: str, folder: Path) -> SagemakerRoutine:
    data = folder / "datasets" / "p" / "d.parquet"
    data.parent.mkdir(parents=True, exist_ok=True)
    if not data.exists():
        data.write_bytes(bytes(100_000))
    routine = SagemakerRoutine(
        task,
        "d.parquet",
        "p",
        datasets_folder=folder / "datasets",
        bucket=bucket,
        role=role,
    )
    routine.config.containering.silent = True
    routine.config.containering.engine = CountingEngine()
    return routine


def make_repository(folder: Path) -> None:
    """Make the project what most are, a git repository: its commit is told with each training."""
    (folder / "README.md").write_text("Tea.\n")
    author = ["-c", "user.name=tea", "-c", "user.email=tea@example.org"]
    for args in (["init", "--quiet"], ["add", "README.md"], [*author, "commit", "-qm", "Tea"]):
        run(["git", *args], cwd=folder)


def bare_calls(routine: SagemakerRoutine, bucket: str, registry: str) -> Callable[[], float]:
    """Give what makes the same job, of the same image and data, with three plain calls."""
    clients = AwsClients()
    sagemaker, storage = clients.client("sagemaker"), clients.client("s3")
    run = routine.remote().submit({"number:int": 0})
    job = sagemaker.describe_training_job(TrainingJobName=run.id)
    image = job["AlgorithmSpecification"]["TrainingImage"]
    repository, _, digest = image.partition("/")[2].partition("@")
    token = clients.client("ecr").get_authorization_token()["authorizationData"][0]
    manifest = urllib.request.Request(
        f"http://{registry}/v2/{repository}/manifests/{digest}",
        method="HEAD",
        headers={
            "Authorization": f"Basic {token['authorizationToken']}",
            "Accept": "application/vnd.docker.distribution.manifest.v2+json",
        },
    )
    kept = (
        "AlgorithmSpecification",
        "RoleArn",
        "InputDataConfig",
        "OutputDataConfig",
        "ResourceConfig",
        "StoppingCondition",
    )
    request = {name: job[name] for name in kept}

    def once() -> None:
        storage.head_object(Bucket=bucket, Key="sagemaker/p/datasets/d.parquet")
        urllib.request.urlopen(manifest).close()
        name = f"bare-{secrets.token_hex(4)}"
        sagemaker.create_training_job(TrainingJobName=name, **request)

    once()
    return lambda: seconds_of(once)


def main() -> None:
    bucket, registry = os.environ["BENCH_BUCKET"], os.environ["BENCH_REGISTRY"]
    folder = Path(os.environ["BENCH_FOLDER"])
    # the image that the benchmark has made, of the class as that knows it
    from benchmarks.remote_submission import Waiting as ImportedWaiting

    routine = routine_of(ImportedWaiting(), bucket, os.environ["BENCH_ROLE"], folder)
    numbers = itertools.count(1_000 * os.getpid())

    def ours() -> float:
        remote = routine.remote()
        return seconds_of(lambda: remote.submit({"number:int": next(numbers)}))

    first = ours()
    title = f"submit, image and data in place / bare calls, {os.environ['BENCH_TITLE']}"
    theirs = bare_calls(routine, bucket, registry)
    compare(title, ours, theirs, rounds=ROUNDS, target="<= 1.5")
    print(f"the first of the process, image and data in place: {first:.2f} s")


if __name__ == "__main__":
    main()
