"""What may still be spent."""

from __future__ import annotations

from collections.abc import Mapping

from ..execution.task_batch import TaskBatch
from .task_row import TaskRow

__all__ = ["Budget"]


class Budget:
    """Says whether one run more could bring a sweep beyond its ceiling.

    A run counts with the worst that it may cost until it has ended, and for ever where nobody
    knows what it has cost.

    Parameters
    ----------
    ceiling
        US dollars; ``None`` for none.
    batches
        Know what a run may cost.
    """

    def __init__(self, ceiling: float | None, batches: Mapping[int, TaskBatch]) -> None:
        self._ceiling = ceiling
        self._batches = batches
        self._worst: dict[tuple[int, int], float] = {}
        self._reserved: dict[int, float] = {}

    def affords(self, row: TaskRow, spent: float) -> bool:
        """Whether a task can be started, where `spent` was spent for runs that have ended."""
        if self._ceiling is None:
            return True
        others = sum(worst for number, worst in self._reserved.items() if number != row.number)
        # a sum of prices is not exact
        return spent + others + self.worst(row) <= self._ceiling * (1 + 1e-9)

    def reserve(self, row: TaskRow) -> None:
        """Take up a run that may go on."""
        if self._ceiling is not None:
            self._reserved[row.number] = self.worst(row)

    def release(self, row: TaskRow) -> None:
        """Forget a run that has ended, or was not started."""
        self._reserved.pop(row.number, None)

    def paid(self, row: TaskRow, cost: float | None) -> float | None:
        """Add what a task's run has cost to what its runs before it have."""
        if cost is None and self._ceiling is not None:
            cost = self.worst(row) or None
        return row.cost if cost is None else (row.cost or 0.0) + cost

    def worst(self, row: TaskRow) -> float:
        """Give what the next run of a task may cost, in US dollars."""
        key = row.batch, row.place
        if key not in self._worst:
            self._worst[key] = self._batches[row.batch].worst_cost(row.place) or 0.0
        return self._worst[key]
