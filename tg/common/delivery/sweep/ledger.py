"""The tasks of a sweep while it is driven, never ahead of its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .cause import Cause
from .journal import Journal
from .status import SweepStatus
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["Ledger"]


class Ledger:
    """Holds the tasks, and does what was announced only when that is on disk.

    Parameters
    ----------
    journal
        Where changes are written.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.rows = {row.number: row for row in journal.rows()}
        self._changes: list[TaskRow] = []
        self._announced: list[Callable[[], None]] = []
        self._can_wait = True
        self._counts = Counter(row.state for row in self.rows.values())
        self._reused = sum(row.reused for row in self.rows.values())
        self._spent = sum(row.cost or 0.0 for row in self.rows.values())
        about = journal.about()
        self._ended_by = about.get("ended_by", "")
        self._planned = int(about.get("planned", 0))

    def __getitem__(self, number: int) -> TaskRow:
        return self.rows[number]

    @property
    def spent(self) -> float:
        """What runs that have ended have cost, in US dollars."""
        return self._spent

    def set(self, row: TaskRow, then: Callable[[], None] | None = None) -> None:
        """Change a task; `then` is done when the change is on disk."""
        before = self.rows[row.number]
        self._counts[before.state] -= 1
        self._counts[row.state] += 1
        self._spent += (row.cost or 0.0) - (before.cost or 0.0)
        self._reused += row.reused - before.reused
        self.rows[row.number] = row
        self._changes.append(row)
        # that a run goes on announces nothing, and whoever opens the sweep would find out
        self._can_wait &= row.state is TaskState.RUNNING
        if then is not None:
            self._announced.append(then)

    def commit(self, *, only_urgent: bool = False) -> bool:
        """Write the changes, then do what was announced.

        Parameters
        ----------
        only_urgent
            Whether to leave the changes for later if it is no matter when they are written.

        Returns
        -------
        bool
            Whether anything was written.

        Raises
        ------
        StorageError
            They cannot be written; nothing of what was announced is done.
        """
        if not self._changes or (only_urgent and self._can_wait):
            return False
        self._can_wait = True
        changes, self._changes = self._changes, []
        announced, self._announced = self._announced, []
        self.journal.write(changes)
        for call in announced:
            call()
        return True

    def end(self, why: Cause | None) -> None:
        """Note why the sweep ends before all is done, or that it does not."""
        ended_by = "" if why is None else why.value
        if ended_by != self._ended_by:
            self.journal.note(ended_by=ended_by)
            self._ended_by = ended_by

    def status(self) -> SweepStatus:
        """Count the tasks."""
        return SweepStatus(
            name=self.journal.name,
            counts={state: self._counts[state] for state in TaskState if self._counts[state]},
            reused=self._reused,
            spent=self._spent,
            ended_by=self._ended_by,
            is_driven=True,
            planned=self._planned,
        )
