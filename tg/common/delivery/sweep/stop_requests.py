"""Runs of a sweep that are asked to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from ..._core.errors import RunNotFoundError
from ..._core.logger import Logger
from ..execution.task_batch import TaskBatch
from .calls import Calls
from .cause import Cause
from .ledger import Ledger
from .pace import Pace
from .refusal import Refusal
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["StopRequests"]

_DOUBLINGS = 16


class StopRequests:
    """Asks runs to end, again if need be; whether they have is seen as with any other.

    Parameters
    ----------
    ledger
        Where it is written down first.
    batches
        Know where the runs are.
    calls
        Makes the calls.
    understood
        Tells what an error means.
    pace
        How long one waits that could not be asked.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        ledger: Ledger,
        batches: Mapping[int, TaskBatch],
        calls: Calls,
        understood: Callable[[BaseException], Refusal],
        *,
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._batches = batches
        self._calls = calls
        self._understood = understood
        self._pace = pace
        self._clock = clock
        self._tries: Counter[int] = Counter()
        self._again_at: dict[int, float] = {}
        self._told: set[int] = set()

    def stop(self, row: TaskRow, why: Cause) -> None:
        """Note that a run is to end and why, then ask it to."""
        if row.state is not TaskState.STOPPING:
            stopping = row.but(state=TaskState.STOPPING, kind=why)
            self._ledger.set(stopping, lambda: self.ask(stopping))

    def ask(self, row: TaskRow) -> None:
        """Ask a run to end, of which that is noted already."""
        batch, run_id = self._batches[row.batch], row.run_id

        def asked(nothing: None, error: BaseException | None) -> None:
            del nothing
            # one that is not there any more, or never was, is seen to be lost
            if error is None or isinstance(error, RunNotFoundError):
                del self._tries[row.number]
            else:
                self._was_refused(row, error)

        self._calls.look(lambda: batch.run(run_id).cancel(), asked)

    def repeat(self) -> None:
        """Ask those again that could not be asked, less and less often."""
        now = self._clock()
        for number in [number for number, at in self._again_at.items() if at <= now]:
            del self._again_at[number]
            if self._ledger[number].state is TaskState.STOPPING:
                self.ask(self._ledger[number])

    def _was_refused(self, row: TaskRow, error: BaseException) -> None:
        if self._understood(error) is Refusal.TASK and row.number not in self._told:
            self._told.add(row.number)
            Logger.warning(f"The run {row.run_id} cannot be ended, and is asked again: {error}")
        doubled = 2 ** min(self._tries[row.number], _DOUBLINGS)
        self._tries[row.number] += 1
        pause = min(doubled * self._pace.first_pause_seconds, self._pace.longest_pause_seconds)
        self._again_at[row.number] = self._clock() + pause
