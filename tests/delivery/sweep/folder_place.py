"""A place that runs trainings as files in a folder: a run is there when its file is.

Nothing trains. How long a run takes and how it ends stands in its task; a file of its name with
the suffix ``.stop`` ends it. Any process can look and start, as with a real place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tg.common._core.errors import (
    ResultError,
    RunCancelledError,
    RunNotFoundError,
    TrainingFailedError,
)
from tg.common.contract.run_state import RunState
from tg.common.contract.task import TrainingTask
from tg.common.delivery.execution.failure_kind import FailureKind
from tg.common.delivery.execution.result_loader import ResultLoader
from tg.common.delivery.execution.run import Run
from tg.common.delivery.execution.task_batch import TaskBatch


class FileTask(TrainingTask):
    """`fails` is the kinds of failure of the first runs, one after the other."""

    def __init__(
        self,
        name: str,
        seconds: float = 0.0,
        fails: Sequence[str] = (),
        metrics: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        super().__init__()
        self.info["name"] = name
        self.seconds = seconds
        self.fails = list(fails)
        self.metrics = {key: list(values) for key, values in (metrics or {"m": [1.0]}).items()}

    def run_with_environment(self, data: Any, env: Any) -> None:
        raise NotImplementedError


def tasks(count: int, **fields: Any) -> list[FileTask]:
    return [FileTask(f"t{number:05d}", **fields) for number in range(count)]


class FileRun(Run):
    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise RunNotFoundError(f"there is no run {path.name!r}")
        self.spec = json.loads(path.read_text() or "{}")

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def age_seconds(self) -> float:
        return max(0.0, time.time() - self.path.stat().st_mtime)

    @property
    def state(self) -> RunState:
        if self.path.with_suffix(".stop").exists():
            return RunState.STOPPED
        if self.age_seconds < self.spec["seconds"]:
            return RunState.IN_PROGRESS
        return RunState.FAILED if self.spec["fails"] else RunState.COMPLETED

    @property
    def failure_kind(self) -> FailureKind | None:
        return FailureKind(self.spec["fails"]) if self.state is RunState.FAILED else None

    def metric_values(self) -> dict[str, list[float]]:
        done = 1.0 if not self.spec["seconds"] else self.age_seconds / self.spec["seconds"]
        return {
            name: values[: max(1, round(min(1.0, done) * len(values)))]
            for name, values in self.spec["metrics"].items()
        }

    def logs(self) -> Iterator[str]:
        return iter(())

    def wait(self, timeout_seconds: float | None = None) -> Run:
        while not self.state.is_final:
            time.sleep(0.01)
        if self.state is RunState.FAILED:
            raise TrainingFailedError(f"{self.id} failed for {self.spec['fails']}")
        if self.state is RunState.STOPPED:
            raise RunCancelledError(f"{self.id} was cancelled")
        return self

    def cancel(self) -> None:
        if not self.state.is_final:
            self.path.with_suffix(".stop").touch()

    def result(self) -> ResultLoader:
        raise ResultError(f"{self.id} has left nothing")


class FolderBatch(TaskBatch):
    """`before_start` is called before each start and `before_look` before each look: for faults.

    `moment` is called at every step of every batch of the process.
    """

    moment: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, folder: Path, specs: Mapping[str, Mapping[str, Any]], **record: Any) -> None:
        self.folder = Path(folder)
        self.specs = specs
        self.extra = record
        self.prepared = 0
        self.starts: list[tuple[str, int, int]] = []
        self.before_start: Callable[[str, int, int], None] = lambda *_: None
        self.after_start: Callable[[str, int, int], None] = lambda *_: None
        self.before_look: Callable[[], None] = lambda: None

    @property
    def names(self) -> Sequence[str]:
        return list(self.specs)

    @property
    def max_parallel(self) -> int | None:
        return self.extra.get("max_parallel")

    @property
    def usual_parallel(self) -> int | None:
        return self.extra.get("usual_parallel", self.max_parallel)

    @property
    def places(self) -> Sequence[str]:
        return self.extra.get("places", [""])

    def prepare(self) -> None:
        self.prepared += 1

    def packed_as(self, other: TaskBatch) -> TaskBatch:
        assert isinstance(other, FolderBatch)
        self.folder, self.extra = other.folder, other.extra
        return self

    def fingerprint(self, name: str) -> str:
        return hashlib.sha256(json.dumps([name, self.specs[name]]).encode()).hexdigest()

    def run_id(self, name: str, attempt: int = 1) -> str:
        suffix = f"-r{attempt}" if attempt > 1 else ""
        return f"{name}-{self.fingerprint(name)[:8]}{suffix}"

    def start(self, name: str, attempt: int = 1, place: int = 0) -> Run:
        self.starts.append((name, attempt, place))
        self.before_start(name, attempt, place)
        self.moment()
        spec = dict(self.specs[name])
        fails = spec["fails"]
        spec["fails"] = fails[attempt - 1] if attempt <= len(fails) else ""
        path = self.folder / self.run_id(name, attempt)
        temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        temporary.write_text(json.dumps(spec))
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)  # the one moment from which on there is a run
        self.moment()
        temporary.unlink()
        self.after_start(name, attempt, place)
        return FileRun(path)

    def run(self, run_id: str) -> Run:
        self.moment()
        return FileRun(self.folder / run_id)

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        self.before_look()
        self.moment()
        return super().states(run_ids)

    def worst_cost(self, place: int = 0) -> float | None:
        return self.extra.get("worst_cost")

    def cost(self, run: Run) -> float | None:
        return self.extra.get("cost")

    def record(self) -> Mapping[str, Any]:
        return {
            **super().record(),
            "folder": str(self.folder),
            "specs": self.specs,
            "extra": self.extra,
        }

    @classmethod
    def open(cls, record: Mapping[str, Any]) -> FolderBatch:
        return cls(Path(record["folder"]), record["specs"], **record["extra"])


class FolderExecutor:
    """Makes one batch, and keeps it at hand for the test."""

    def __init__(self, folder: Path, **record: Any) -> None:
        self.folder = folder
        self.extra = record
        self.last: FolderBatch
        self.change: Callable[[FolderBatch], None] = lambda _: None

    def batch(self, tasks: Mapping[str, FileTask], *, batch_id: str = "") -> FolderBatch:
        specs = {
            name: {"seconds": task.seconds, "fails": task.fails, "metrics": task.metrics}
            for name, task in tasks.items()
        }
        self.last = FolderBatch(self.folder, specs, **self.extra)
        self.change(self.last)
        return self.last


def run_files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith(".") and not p.suffix)
