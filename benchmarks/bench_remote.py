"""What a remote training costs its user: to submit, to submit again, to look at, to follow.

    python -m benchmarks.bench_remote [--mebibytes 1024] [--submissions]

Everything runs against the rehearsal, which counts calls and bytes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.ratios import seconds_of
from benchmarks.remote_submission import Waiting, make_repository, routine_of
from tg.common._core.archive_writer import Member, write_tar_gz
from tg.common._core.process import run
from tg.common.contract import TrainingEnvironment, TrainingTask
from tg.common.delivery.execution import ResultLoader
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.result_download import RemoteResult
from tg.rehearsal import Rehearsal

LATENCY_SECONDS = 0.1
FILES = 8
SMALL = "runs/0/metrics.pkl"
LINES = 40


class Telling(TrainingTask):
    """Writes the time, again and again."""

    def run_with_environment(self, data: Path, env: TrainingEnvironment) -> None:
        del data
        for number in range(LINES):
            env.log(f"told at {time.time()}")
            time.sleep(0.3 + 0.4 * (number * 0.618 % 1))  # at no rhythm that a reader could meet


def submissions(cloud: Rehearsal, folder: Path) -> None:
    """Compare a submission with its bare calls, and count what a second one sends."""
    make_repository(folder)
    routine = routine_of(Waiting(), cloud.bucket, cloud.role_arn, folder)
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
        f"{len(engine.asked)} commands to the engine, "
        f"{cloud.image_bytes - pushed} bytes pushed, "
        f"{spent['s3.*'].received_bytes + spent['registry.*'].received_bytes} bytes uploaded, "
        f"{spent['*'].count} calls  (target 0, 0, 0, 0; the bare side has 3 calls)"
    )
    # from another process: here the rehearsal's own threads would be in the way
    for seconds in (0.0, LATENCY_SECONDS):
        cloud.faults.slow("*", seconds)
        run(
            [sys.executable, "-m", "benchmarks.remote_submission"],
            cwd=Path(__file__).parents[1],
            env={
                "BENCH_BUCKET": cloud.bucket,
                "BENCH_ROLE": cloud.role_arn,
                "BENCH_REGISTRY": cloud.registry,
                "BENCH_FOLDER": str(folder),
                "BENCH_TITLE": f"{seconds * 1000:.0f} ms each",
            },
            on_line=print,
        )
        cloud.faults.clear()


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
    run = routine_of(Telling(), cloud.bucket, cloud.role_arn, folder).remote().submit()
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
    parser.add_argument("--submissions", action="store_true", help="these alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["TG_ROOT"] = temporary
        with Rehearsal(max_parallel=1, grace_seconds=1.0) as cloud:
            submissions(cloud, folder)
        if options.submissions:
            return
        with Rehearsal(grace_seconds=1.0) as cloud:
            log_tail(cloud, folder)
            results(cloud, folder, options.mebibytes)


if __name__ == "__main__":
    main()
