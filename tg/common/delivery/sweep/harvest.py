"""Reads what came out of the runs of a sweep that have ended."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping

from ..execution.task_batch import TaskBatch
from .calls import Calls
from .cause import Cause
from .outcome import Outcome, outcome_of
from .plain_text import error_text
from .refusal import Refusal
from .task_row import TaskRow
from .watch import Watch

__all__ = ["Harvest"]

_TRIES = 5


class Harvest:
    """Reads what came out of runs that have ended, a few times if need be.

    Parameters
    ----------
    batches
        Know where the runs are.
    calls
        Makes the calls.
    watch
        Looks again at runs that could not be read, and keeps what was read for its rule.
    understood
        Tells what an error means.
    then
        Takes a task, and what came out of its run.
    """

    def __init__(
        self,
        batches: Mapping[int, TaskBatch],
        calls: Calls,
        watch: Watch,
        understood: Callable[[BaseException], Refusal],
        then: Callable[[TaskRow, Outcome], None],
    ) -> None:
        self._batches = batches
        self._calls = calls
        self._watch = watch
        self._understood = understood
        self._then = then
        self._reading: set[int] = set()
        self._tries: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._reading)

    def bring_in(self, row: TaskRow, error: Exception | None) -> None:
        """Read what came out of a run, of which it was seen that it has ended.

        Parameters
        ----------
        row
            The task.
        error
            Why it cannot be read at all, if so.
        """
        self._reading.add(row.number)
        self._tries[row.number] += 1
        if error is not None:
            self._give(row, Outcome(kind=Cause.UNREADABLE, reason=error_text(error)))
            return
        self._calls.harvest(
            functools.partial(outcome_of, self._batches[row.batch], row.run_id),
            functools.partial(self._was_read, row),
        )

    def _was_read(self, row: TaskRow, outcome: Outcome | None, error: BaseException | None) -> None:
        if outcome is None:
            refusal = Refusal.TASK if error is None else self._understood(error)
            if isinstance(error, TimeoutError):
                self._tries[row.number] -= 1  # a large result takes its time
            if refusal is not Refusal.TASK and self._tries[row.number] < _TRIES:
                # the next look finds it ended, and asks again; or it is gone meanwhile
                self._reading.remove(row.number)
                self._watch.add(row.number)
                return
            why = "" if error is None else error_text(error)
            outcome = Outcome(kind=Cause.UNREADABLE, reason=f"it cannot be read: {why}")
        self._give(row, outcome)

    def _give(self, row: TaskRow, outcome: Outcome) -> None:
        self._reading.remove(row.number)
        del self._tries[row.number]
        self._watch.keep(row.number, outcome.metrics)
        self._then(row, outcome)
