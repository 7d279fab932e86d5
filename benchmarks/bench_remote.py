"""What a remote training costs its user: to submit, to submit again, to look at, to follow.

    python -m benchmarks.bench_remote [--mebibytes 1024]

Everything runs against the rehearsal, which counts calls and bytes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import secrets
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.ratios import compare, seconds_of
from tg.common._core.archive_writer import Member, write_tar_gz
from tg.common.contract import TrainingEnvironment, TrainingTask
from tg.common.delivery.docker import DockerEngine
from tg.common.delivery.execution import ResultLoader
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.result_download import RemoteResult
from tg.rehearsal import Rehearsal

ROUNDS = 9
LATENCY_SECONDS = 0.1
FILES = 8
SMALL = "runs/0/metrics.pkl"
LINES = 40


class Waiting(TrainingTask):
    """Takes a place, so that no other training takes the machine's time."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def run_with_environment(self, data: Path, env: TrainingEnvironment) -> None:
        del data, env
        time.sleep(3600)


class Telling(TrainingTask):
    """Writes the time, again and again."""

    def run_with_environment(self, data: Path, env: TrainingEnvironment) -> None:
        del data
        for number in range(LINES):
            env.log(f"told at {time.time()}")
            time.sleep(0.3 + 0.4 * (number * 0.618 % 1))  # at no rhythm that a reader could meet


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


def routine_of(task: TrainingTask, cloud: Rehearsal, folder: Path) -> SagemakerRoutine:
    data = folder / "datasets" / "p" / "d.parquet"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_bytes(bytes(100_000))
    routine = SagemakerRoutine(
        task,
        "d.parquet",
        "p",
        datasets_folder=folder / "datasets",
        bucket=cloud.bucket,
        role=cloud.role_arn,
    )
    routine.config.containering.silent = True
    routine.config.containering.engine = CountingEngine()
    return routine


def submissions(cloud: Rehearsal, folder: Path) -> None:
    """Compare a submission with its bare calls, and count what a second one sends."""
    routine = routine_of(Waiting(), cloud, folder)
    engine: Any = routine.config.containering.engine
    numbers = itertools.count(1)
    first = seconds_of(lambda: routine.remote().submit({"number:int": 0}))
    imported = "sagemaker" in sys.modules
    print(f"first submission, with its build: {first:.1f} s; the SDK was imported: {imported}")

    def ours() -> float:
        remote = routine.remote()
        return seconds_of(lambda: remote.submit({"number:int": next(numbers)}))

    ours()
    before = {name: cloud.calls(name) for name in ("*", "s3.*", "registry.*")}
    pushed, engine.asked[:] = cloud.image_bytes, []
    ours()
    spent = {name: cloud.calls(name) - calls for name, calls in before.items()}
    print(
        f"submission of unchanged code: {engine.changes()} builds and pushes, "
        f"{cloud.image_bytes - pushed} bytes pushed, "
        f"{spent['s3.*'].received_bytes + spent['registry.*'].received_bytes} bytes uploaded, "
        f"{spent['*'].count} calls  (target 0, 0, 0; the bare side has 3 calls)"
    )
    theirs = bare_calls(cloud, routine)
    title = "submit, image and data in place / bare calls"
    compare(title + ", no latency", ours, theirs, rounds=ROUNDS, target="to be seen")
    cloud.faults.slow("*", LATENCY_SECONDS)
    latency = f", {LATENCY_SECONDS * 1000:.0f} ms each"
    compare(title + latency, ours, theirs, rounds=ROUNDS, target="<= 1.5")
    cloud.faults.clear()


def bare_calls(cloud: Rehearsal, routine: SagemakerRoutine) -> Any:
    """Give what makes the same job, of the same image and data, with three plain calls."""
    clients = AwsClients()
    sagemaker, storage = clients.client("sagemaker"), clients.client("s3")
    run = routine.remote().submit({"number:int": 0})
    job = sagemaker.describe_training_job(TrainingJobName=run.id)
    image = job["AlgorithmSpecification"]["TrainingImage"]
    repository, _, digest = image.partition("/")[2].partition("@")
    token = clients.client("ecr").get_authorization_token()["authorizationData"][0]
    manifest = urllib.request.Request(
        f"http://{cloud.registry}/v2/{repository}/manifests/{digest}",
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
        storage.head_object(Bucket=cloud.bucket, Key="sagemaker/p/datasets/d.parquet")
        urllib.request.urlopen(manifest).close()
        name = f"bare-{secrets.token_hex(4)}"
        sagemaker.create_training_job(TrainingJobName=name, **request)

    once()
    return lambda: seconds_of(once)


def results(cloud: Rehearsal, folder: Path, mebibytes: int) -> None:
    """Look at a large result and read one small artifact, as an archive and as files."""
    storage = AwsClients().client("s3")
    piece = os.urandom(4 << 20)  # repeated farther apart than deflate looks back
    members = {SMALL: os.urandom(10_000)}
    large = folder / "large"
    with large.open("wb") as file:
        for _ in range(mebibytes // FILES // 4):
            file.write(piece)
    names = [f"runs/{number}/model.pkl" for number in range(FILES)]
    archive = folder / "model.tar.gz"
    content = [Member(name=SMALL, content=members[SMALL])]
    content += [Member(name=name, content=large) for name in names]
    write_tar_gz(archive, content, small_first=True)
    storage.upload_file(str(archive), cloud.bucket, "large/model.tar.gz")
    for name in names:
        storage.upload_file(str(large), cloud.bucket, f"large/model/{name}")
    storage.put_object(Bucket=cloud.bucket, Key=f"large/model/{SMALL}", Body=members[SMALL])
    total = FILES * large.stat().st_size + 10_000
    for title, key in (("archive, small first", "large/model.tar.gz"), ("files", "large/model/")):
        before = cloud.calls("s3.*")
        started = time.perf_counter()
        result = ResultLoader(RemoteResult(AwsClients(), f"s3://{cloud.bucket}/{key}"))
        listed = len(result.list())
        path = result.get_path(SMALL)
        seconds = time.perf_counter() - started
        if path.read_bytes() != members[SMALL]:
            raise SystemExit("another artifact was read")
        spent = cloud.calls("s3.*") - before
        print(
            f"{title}: {listed} names and 10 KB of {total >> 20} MiB: {spent.sent_bytes:,} bytes, "
            f"{spent.sent_bytes / total:.3%} of all, {spent.count} calls, {seconds:.2f} s  "
            "(target <= 1 %)"
        )


def log_tail(cloud: Rehearsal, folder: Path) -> None:
    """Follow a log, and tell how late its lines are."""
    run = routine_of(Telling(), cloud, folder).remote().submit()
    before, started = cloud.calls("*"), time.monotonic()
    late = []
    for line in run.logs():
        if "told at " in line:
            late.append(time.time() - float(line.rpartition(" ")[2]))
    seconds = time.monotonic() - started
    calls = (cloud.calls("*") - before).count
    print(
        f"log tail: {len(late)} lines, seen {statistics.median(late):.2f} s after they were "
        f"written, {max(late):.2f} s at most; {calls} calls in {seconds:.0f} s, "
        f"{calls / seconds:.2f} a second  (target <= 2 s, <= 1 a second)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What a remote training costs its user.")
    parser.add_argument("--mebibytes", type=int, default=1024)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["TG_ROOT"] = temporary
        with Rehearsal(max_parallel=1, grace_seconds=1.0) as cloud:
            submissions(cloud, folder)
        with Rehearsal(grace_seconds=1.0) as cloud:
            log_tail(cloud, folder)
            results(cloud, folder, options.mebibytes)


if __name__ == "__main__":
    main()
