"""Runs that are looked at again and again while they go on."""

from __future__ import annotations

from ..execution.run import Run
from ..execution.task_batch import TaskBatch
from .task_row import TaskRow

__all__ = ["KnownRuns"]


class KnownRuns:
    """Finds the run of a task once while it goes on.

    A run reads of its log only what it has not read yet: whoever finds it anew for each look reads
    the whole log each time, and asks a place far away several times more.
    """

    def __init__(self) -> None:
        # of two threads that find one at the same time the second's stays, which does no harm
        self._found: dict[int, tuple[str, Run]] = {}

    def run(self, batch: TaskBatch, row: TaskRow) -> Run:
        """Give the run that a row is at.

        One that has ended is found anew: the last lines of a log may come late, to a place where
        what was read is not read again.

        Parameters
        ----------
        batch
            Knows where it is.
        row
            The task as it is now.

        Raises
        ------
        RunNotFoundError
            There is no such run.
        """
        if row.state.is_final:
            self.forget(row.number)
            return batch.run(row.run_id)
        run_id, run = self._found.get(row.number, ("", None))
        if run is None or run_id != row.run_id:
            run = batch.run(row.run_id)
            self._found[row.number] = row.run_id, run
        return run

    def forget(self, number: int) -> None:
        """Let go of the run of a task."""
        self._found.pop(number, None)
