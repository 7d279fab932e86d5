"""What a sweep adds to the calls that it makes: threads, tasks by the thousand, opening, memory.

The place of the runs is memory alone; a start takes 0.1 seconds where that is said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tg.common._core.errors import ResultError
from tg.common.contract.run_state import RunState
from tg.common.contract.task import TrainingTask
from tg.common.delivery.execution.result_loader import ResultLoader
from tg.common.delivery.execution.run import Run
from tg.common.delivery.execution.task_batch import TaskBatch
from tg.common.delivery.sweep import Pace, Sweep

LATENCY_SECONDS = 0.1
THREADS = 32
LOCAL_DISK = Path(tempfile.gettempdir())


class Task(TrainingTask):
    def run_with_environment(self, data: Any, env: Any) -> None:
        raise NotImplementedError


class DoneRun:
    """A run that has ended when it is started."""

    state = RunState.COMPLETED
    failure_kind = None

    def metric_values(self) -> dict[str, list[float]]:
        return {"score": [1.0]}

    def wait(self, timeout_seconds: float | None = None) -> DoneRun:
        del timeout_seconds
        return self

    def result(self) -> ResultLoader:
        raise ResultError("nothing is left: a run here has all its metrics in its log")


class MemoryBatch(TaskBatch):
    def __init__(self, names: Sequence[str], latency_seconds: float) -> None:
        self._names = names
        self._latency_seconds = latency_seconds
        self._started: set[str] = set()

    @property
    def names(self) -> Sequence[str]:
        return self._names

    def prepare(self) -> None:
        pass

    def packed_as(self, other: TaskBatch) -> TaskBatch:
        del other
        return self

    def fingerprint(self, name: str) -> str:
        return name

    def run_id(self, name: str, attempt: int = 1) -> str:
        return f"{name}-r{attempt}"

    def start(self, name: str, attempt: int = 1, place: int = 0) -> Run:
        del place
        if self._latency_seconds:
            time.sleep(self._latency_seconds)
        self._started.add(self.run_id(name, attempt))
        return DoneRun()  # type: ignore[return-value]

    def run(self, run_id: str) -> Run:
        del run_id
        return DoneRun()  # type: ignore[return-value]

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        if self._latency_seconds:
            time.sleep(self._latency_seconds)
        return {one: RunState.COMPLETED for one in run_ids if one in self._started}

    def record(self) -> Mapping[str, Any]:
        return {**super().record(), "names": list(self._names)}

    @classmethod
    def open(cls, record: Mapping[str, Any]) -> MemoryBatch:
        return cls(record["names"], 0.0)


class MemoryExecutor:
    def __init__(self, latency_seconds: float = 0.0) -> None:
        self._latency_seconds = latency_seconds

    def batch(self, tasks: Mapping[str, TrainingTask], *, batch_id: str = "") -> MemoryBatch:
        del batch_id
        return MemoryBatch(list(tasks), self._latency_seconds)


def sweep_of(count: int, executor: MemoryExecutor) -> float:
    tasks = {f"t{number}": Task() for number in range(count)}
    began = time.perf_counter()
    sweep = Sweep(tasks, executor, name=f"s{count}", pace=Pace(start_threads=THREADS))
    assert sweep.run()["completed"] == count
    seconds = time.perf_counter() - began
    # or something else was measured: the way of tasks whose runs cannot be read
    assert {(row.reason, *row.metrics.items()) for row in sweep.rows()} == {("", ("score", 1.0))}
    return seconds


def bare_pool(count: int) -> float:
    batch = MemoryBatch([f"t{number}" for number in range(count)], LATENCY_SECONDS)
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(batch.start, batch.names))
    return time.perf_counter() - began


def in_fresh_process(what: str, count: int) -> dict[str, float]:
    """Measure in a process and a project of its own: memory is that of this sweep alone."""
    with tempfile.TemporaryDirectory(dir=LOCAL_DISK) as root:
        command = [sys.executable, "-m", "benchmarks.bench_scheduler", what, str(count)]
        environment = {**os.environ, "TG_ROOT": root}
        told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        found: dict[str, float] = json.loads(told.stdout)
        return found


def measure(what: str, count: int) -> dict[str, float]:
    import resource

    if what == "latency":
        return {"bare": bare_pool(count), "ours": sweep_of(count, MemoryExecutor(LATENCY_SECONDS))}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = sweep_of(count, MemoryExecutor())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    began = time.perf_counter()
    sweep = Sweep.open(f"s{count}")
    sweep.status()
    opened = time.perf_counter() - began
    import pandas  # noqa: F401 whoever looks at tables has it

    began = time.perf_counter()
    sweep.table()
    table = time.perf_counter() - began
    return {"seconds": seconds, "kilobytes": memory, "opened": opened, "table": table}


def main() -> int:
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
        return 0
    rounds = [in_fresh_process("latency", 1000) for _ in range(3)]
    rates = sorted(one["bare"] / one["ours"] for one in rounds)
    print(
        f"1,000 starts of {LATENCY_SECONDS:g} s by {THREADS} threads: "
        f"{rates[1]:.2f} of the bare pool's rate (target: >= 0.8)"
    )
    for count in (100, 1_000, 10_000):
        found = in_fresh_process("many", count)
        print(
            f"{count:6,} tasks that do nothing: {1000 * found['seconds'] / count:.2f} ms and "
            f"{found['kilobytes'] / count:.1f} kB a task (target: <= 2 ms, flat), "
            f"opened in {1000 * found['opened']:.0f} ms (target: <= 1,000), "
            f"a table in {1000 * found['table']:.0f} ms (target: <= 500)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
