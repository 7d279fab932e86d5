"""What can be known of a sweep by whoever does not drive it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from ..._core.errors import StorageError, SweepError
from ..._core.file_lock import FileLock
from ..execution.result_loader import ResultLoader
from ..execution.run import Run
from ..execution.task_batch import TaskBatch
from .batch_kind import batch_of
from .journal import Journal, Transition
from .status import SweepStatus
from .task_row import TaskRow

__all__ = ["StoredSweep"]


class StoredSweep:
    """A sweep as its journal has it, whoever drives it.

    Parameters
    ----------
    path
        The journal; ``None`` while its place depends on what will be packed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._batches: dict[int, TaskBatch] = {}

    @property
    def name(self) -> str | None:
        """What the sweep is called; ``None`` while that depends on what will be packed."""
        return None if self._path is None else self._path.parent.name

    @property
    def journal_path(self) -> Path:
        """Where the journal is.

        Raises
        ------
        SweepError
            The sweep has no name yet.
        """
        if self._path is None:
            raise SweepError(
                "the sweep was not started, and has no name yet", hint="Call run(), or name it."
            )
        return self._path

    @property
    def lock_path(self) -> Path:
        """What the process that drives the sweep holds locked."""
        return self.journal_path.with_name("driver.lock")

    def status(self) -> SweepStatus:
        """Count the tasks, whoever drives the sweep."""
        with Journal(self.journal_path) as journal:
            return dataclasses.replace(journal.status(), is_driven=self._is_driven())

    def rows(self) -> list[TaskRow]:
        """Give all tasks as they are, whoever drives the sweep."""
        with Journal(self.journal_path) as journal:
            return journal.rows()

    def transitions(self, after: int = 0) -> list[Transition]:
        """Give what has happened, in its order, or what has happened after one transition."""
        with Journal(self.journal_path) as journal:
            return journal.transitions(after)

    def run_of(self, task: str) -> Run:
        """Find the run of a task.

        Raises
        ------
        SweepError
            There is no such task, or it was not started.
        RunNotFoundError
            The run was removed.
        """
        row = next((row for row in self.rows() if row.name == task), None)
        if row is None or not row.run_id:
            what = "has no task" if row is None else "has not started the task"
            raise SweepError(f"the sweep {self.name} {what} {task!r}", hint="See rows().")
        with Journal(self.journal_path) as journal:
            return self._opened(journal)[row.batch].run(row.run_id)

    def result(self, task: str) -> ResultLoader:
        """Open the result of a task that has completed.

        Raises
        ------
        SweepError
            There is no such task, or it was not started.
        RunError
            It did not complete.
        """
        return self.run_of(task).result()

    def _opened(self, journal: Journal) -> Mapping[int, TaskBatch]:
        for number, (kind, record) in journal.batches().items():
            if number not in self._batches:
                self._batches[number] = batch_of(kind, record)
        return self._batches

    def _is_driven(self) -> bool:
        try:
            with FileLock(self.lock_path, timeout_seconds=0):
                return False
        except StorageError as exc:
            return exc.__cause__ is None
