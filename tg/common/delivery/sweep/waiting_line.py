"""The tasks of a sweep whose turn to be started will come."""

from __future__ import annotations

import heapq

from .ledger import Ledger
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["WaitingLine"]


class WaitingLine:
    """Tasks that wait to be started, in their order.

    What was announced comes before all that was not: it may go on, and cost, already.

    Parameters
    ----------
    ledger
        The tasks.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._keys: list[tuple[bool, int]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, row: TaskRow) -> None:
        """Let a task wait."""
        heapq.heappush(self._keys, (row.state is not TaskState.STARTING, row.number))

    def first(self) -> TaskRow:
        """Give the task whose turn it is."""
        return self._ledger[self._keys[0][1]]

    def take(self) -> TaskRow:
        """Give the task whose turn it is; it waits no more."""
        return self._ledger[heapq.heappop(self._keys)[1]]

    def take_all(self) -> list[TaskRow]:
        """Give all; none waits any more."""
        return [self.take() for _ in range(len(self))]
