"""How fast a sweep submits its tasks to SageMaker, and how often it then asks for them.

    python -m benchmarks.bench_remote_sweep [--count 1000] [--rounds 3]

A rehearsal plays the cloud, with 100 ms before each answer, and counts what it is asked; each side
runs in a process of its own, as it does by ``tg rehearse``. No job gets so far that it trains.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.ratios import report
from tg.common.contract import TrainingEnvironment, TrainingTask
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sweep import Pace, Sweep
from tg.rehearsal import Rehearsal

LATENCY_SECONDS = 0.1
THREADS = 32
WATCHED_SECONDS = 30.0
ASKED = (
    "registry.PutManifest",
    "s3.PutObject",
    "sagemaker.CreateTrainingJob",
    "sagemaker.ListTrainingJobs",
    "sagemaker.DescribeTrainingJob",
)
LOOKS = (("List", "s"), ("Describe", ""))
KEPT = (
    "AlgorithmSpecification",
    "RoleArn",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "HyperParameters",
    "Environment",
)


class Waiting(TrainingTask):
    """Takes the one place there is, so that no training takes the machine's time."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def run_with_environment(self, data: Path, env: TrainingEnvironment) -> None:
        del data, env
        time.sleep(3600)


def executor(bucket: str) -> Any:
    data = Path(os.environ["TG_ROOT"]) / "datasets" / "p" / "d.parquet"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_bytes(bytes(100_000))
    routine = SagemakerRoutine(
        Waiting(0), "d.parquet", "p", datasets_folder=data.parents[1], bucket=bucket
    )
    routine.config.containering.silent = True
    return routine.remote(RemoteOptions(max_runtime_seconds=3_600))


def tasks_of(count: int) -> dict[str, TrainingTask]:
    return {f"t{number}": Waiting(number / 10) for number in range(count)}


def ours(bucket: str, count: int) -> None:
    """Run a sweep, whose trainings do not end."""
    pace = Pace(start_threads=THREADS)
    sweep = Sweep(tasks_of(count), executor(bucket), name="measured", pace=pace)
    sweep._bring_into_being()
    tell_packed()
    sweep.run()


def bare(bucket: str, count: int) -> None:
    """Send as many objects and requests from a pool of as many threads."""
    batch = executor(bucket).batch(tasks_of(1))
    run = batch.start("t0")
    clients = AwsClients()
    storage, sagemaker = clients.client("s3"), clients.client("sagemaker")
    job = sagemaker.describe_training_job(TrainingJobName=run.id)
    request = {name: job[name] for name in KEPT if name in job}
    body = Path(batch.record()["tasks"]["t0"]["path"]).read_bytes()

    def start(number: int) -> None:
        storage.put_object(Bucket=bucket, Key=f"bare/{number}", Body=body)
        sagemaker.create_training_job(
            TrainingJobName=f"bare-{number}", InputDataConfig=job["InputDataConfig"], **request
        )

    tell_packed()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(start, range(count)))


def tell_packed() -> None:
    sys.stdout.write("packed\n")
    sys.stdout.flush()


def measure(side: Callable[[str, int], None], count: int) -> dict[str, float]:
    """Run one side in a process, a project and a cloud of its own."""
    with tempfile.TemporaryDirectory() as root, Rehearsal(max_parallel=1, grace_seconds=1) as cloud:
        cloud.faults.slow("sagemaker.*", LATENCY_SECONDS)
        cloud.faults.slow("s3.*", LATENCY_SECONDS)
        command = [sys.executable, "-m", "benchmarks.bench_remote_sweep"]
        command += ["--side", side.__name__, "--bucket", cloud.bucket, "--count", str(count)]
        environment = {**os.environ, "TG_ROOT": root}
        began = time.perf_counter()
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout is not None
            if child.stdout.readline() != "packed\n":
                raise SystemExit(f"{side.__name__} has failed")
            packed = time.perf_counter()
            before = {name: cloud.calls(name).count for name in ASKED}
            jobs = cloud.job_count
            while cloud.job_count < jobs + count:
                time.sleep(0.02)
            submitted = time.perf_counter()
            after = {name: cloud.calls(name).count for name in ASKED}
            if side is ours:
                time.sleep(WATCHED_SECONDS)
            end = {name: cloud.calls(name).count for name in ASKED}
        finally:
            child.kill()  # a sweep waits for its trainings
            child.communicate()
        found = {"packing": packed - began, "seconds": submitted - packed}
        found["pushes"] = before["registry.PutManifest"]
        for name in ASKED:
            found[f"{name} while submitting"] = after[name] - before[name]
            found[f"{name} while watching"] = end[name] - after[name]
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast a sweep submits its tasks.")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=["ours", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--bucket", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        {"ours": ours, "bare": bare}[options.side](options.bucket, options.count)
        return
    pairs = []
    for _ in range(options.rounds):
        pairs.append((measure(ours, options.count), measure(bare, options.count)))
    report(
        f"{options.count:,} submissions in {THREADS} threads, 100 ms a call",
        [sweep["seconds"] for sweep, _ in pairs],
        [pool["seconds"] for _, pool in pairs],
        target="<= 1.25: 0.8 of the rate",
    )
    sweep = pairs[-1][0]
    print(
        f"sent: {sweep['pushes']} push, {sweep['s3.PutObject while submitting']} small uploads, "
        f"{sweep['sagemaker.CreateTrainingJob while submitting']} jobs  "
        f"(target 1, {options.count}, {options.count})"
    )
    asked = sum(sweep[f"sagemaker.{name}TrainingJob{s} while watching"] for name, s in LOOKS)
    print(
        f"{options.count:,} jobs that go on: {asked / WATCHED_SECONDS:.1f} calls a second to look "
        "at them  (target <= 2)"
    )


if __name__ == "__main__":
    main()
