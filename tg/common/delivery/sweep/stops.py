"""Runs of a sweep that are asked to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..execution.task_batch import TaskBatch
from .calls import Calls
from .cause import Cause
from .ledger import Ledger
from .refusal import Refusal
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["Stops"]


class Stops:
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
    """

    def __init__(
        self,
        ledger: Ledger,
        batches: Mapping[int, TaskBatch],
        calls: Calls,
        understood: Callable[[BaseException], Refusal],
    ) -> None:
        self._ledger = ledger
        self._batches = batches
        self._calls = calls
        self._understood = understood
        self._again: list[int] = []

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
            if error is not None and self._understood(error) is not Refusal.TASK:
                self._again.append(row.number)

        self._calls.look(lambda: batch.run(run_id).cancel(), asked)

    def repeat(self) -> None:
        """Ask those again that could not be asked."""
        again, self._again = self._again, []
        for number in again:
            if self._ledger[number].state is TaskState.STOPPING:
                self.ask(self._ledger[number])
