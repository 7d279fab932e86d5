"""Starts the tasks of a sweep, follows their runs, and decides what comes next."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ..execution.failure_kind import FailureKind
from ..execution.run import Run
from ..execution.task_batch import TaskBatch
from .answers import Answers
from .budget import Budget
from .calls import Calls
from .cause import Cause
from .gate import Gate, room_for
from .harvest import Harvest
from .journal import Journal
from .ledger import Ledger
from .outcome import Outcome
from .refusal import Refusal
from .settings import SweepSettings
from .status import SweepStatus
from .stop_requests import StopRequests
from .task_row import TaskRow
from .task_state import TaskState
from .teller import Teller
from .verdict import lost, refused, settled
from .waiting_line import WaitingLine
from .watch import Watch

__all__ = ["Scheduler"]

_REQUESTS_SECONDS = 0.5


def _now() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """Drives a sweep until there is nothing left to do.

    Everything is decided by one thread; the calls that take time are made by others.

    Parameters
    ----------
    journal
        What was done, and where it is noted what will be done.
    batches
        Start the tasks.
    settings
        What may be done.
    on_progress
        Is told how far the sweep is, a few times a second while that changes.
    clock
        Seconds that never go back.
    now
        The time of day, for the deadline and the record.
    """

    def __init__(
        self,
        journal: Journal,
        batches: Mapping[int, TaskBatch],
        settings: SweepSettings,
        *,
        on_progress: Callable[[SweepStatus], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._ledger = Ledger(journal)
        self._batches = batches
        self._settings = settings
        self._teller = Teller(on_progress, clock)
        self._clock = clock
        self._now = now
        self._gate = Gate(room_for(settings.max_parallel, batches.values()), settings.pace, clock)
        self._budget = Budget(settings.max_cost, batches)
        self._answers = Answers(self._ledger, self._gate, settings.pace.patience_seconds)
        self._calls = Calls(settings.pace, clock)
        self._watch = Watch(
            self._ledger,
            batches,
            settings,
            self._calls,
            on_answer=self._answers.take,
            clock=clock,
        )
        self._harvest = Harvest(
            batches, self._calls, self._watch, self._answers.understood, then=self._settle
        )
        self._stops = StopRequests(
            self._ledger,
            batches,
            self._calls,
            self._answers.understood,
            pace=settings.pace,
            clock=clock,
        )
        self._waiting = WaitingLine(self._ledger)
        self._starting: set[int] = set()
        self._ending: Cause | None = None
        self._requests_at = 0.0

    def drive(self) -> SweepStatus:
        """Do what is left to do.

        Raises
        ------
        SweepPausedError
            It cannot go on before the user has done something; runs go on by themselves.
        StorageError
            The journal cannot be written.
        """
        for batch in self._batches.values():
            batch.listen(lambda: self._calls.wake(self._watch.look_soon))
        try:
            status = self._ledger.status()
            if status.is_done:
                self._ledger.journal.forget_requests()  # there is nothing left to end
            elif status.done == status.known and status.ended_by == Cause.CANCEL:
                self._ending = Cause.CANCEL  # a search, which is not to choose further tasks
            else:
                self._ledger.end(None)
            self._take_up()
            self._advance()
            while not self._is_over():
                self._calls.deal(self._due_in())
                self._advance()
            self._ledger.commit()
            if self._ending is Cause.CANCEL:
                self._ledger.journal.forget_requests()
            self._teller.tell(self._ledger.status, at_once=True)
            return self._ledger.status()
        finally:
            for batch in self._batches.values():
                batch.listen(None)
            self._calls.close()

    def _take_up(self) -> None:
        """Go on where the journal ends."""
        for row in self._ledger.rows.values():
            if row.state.has_run:
                self._budget.reserve(row)
            if row.state in (TaskState.WAITING, TaskState.STARTING):
                # what was announced may have been started: to start it again is to find it
                self._waiting.add(row)
            elif row.state.has_run:
                self._watch.add(row.number)
                if row.state is TaskState.STOPPING:
                    self._stops.ask(row)

    def _advance(self) -> None:
        """Decide, write down what was decided, then do it."""
        now = self._clock()
        is_time = now >= self._requests_at
        if is_time:
            self._requests_at = now + _REQUESTS_SECONDS
            self._stops.repeat()
            if not self._ending and not self._ledger.status().is_done:
                self._look_for_an_end()
        for row, error in self._watch.take_ended():
            self._harvest.bring_in(row, error)  # its slot is free
        for row in self._watch.take_lost():
            is_affordable = self._budget.affords(row, self._ledger.spent)
            self._put(lost(row, self._ending, is_affordable=is_affordable))
        if not self._ending:
            for row in self._watch.take_losers():
                self._stops.stop(row, Cause.RULE)
            self._announce()
        if self._ledger.commit(only_urgent=not is_time):
            self._teller.tell(self._ledger.status)
        self._watch.look()

    def _look_for_an_end(self) -> None:
        deadline = self._settings.deadline
        if Cause.CANCEL in self._ledger.journal.requests():
            self._end(Cause.CANCEL)
        elif isinstance(deadline, datetime) and self._now() >= deadline:
            self._end(Cause.DEADLINE)

    def _announce(self) -> None:
        self._gate.probe(len(self._watch))
        room = self._gate.room(len(self._watch), len(self._starting), len(self._harvest))
        while room > 0 and self._waiting:
            row = self._waiting.first()
            if not self._budget.affords(row, self._ledger.spent):
                if row.state is TaskState.STARTING:
                    self._watch.add(self._waiting.take().number)  # it may go on already
                    continue
                if not self._is_busy():
                    self._end(Cause.MAX_COST)
                return
            self._waiting.take()
            if row.state is TaskState.WAITING:
                run_id = self._batches[row.batch].run_id(row.name, row.attempt)
                row = row.but(state=TaskState.STARTING, run_id=run_id, ended_utc="")
                row = row.but(started_utc=self._now().isoformat())
            self._put(row.but(kind="", reason=""))
            room -= 1

    def _put(self, row: TaskRow) -> None:
        """Note what a task has become, and do what follows."""
        if row.state is TaskState.WAITING and self._ending is Cause.CANCEL:
            row = row.but(state=TaskState.CANCELLED, kind=Cause.CANCEL)
        if row.state is not TaskState.STARTING:
            self._ledger.set(row)
            if not row.state.has_run:
                self._budget.release(row)
            if row.state is TaskState.WAITING:
                self._waiting.add(row)
            if row.state is TaskState.FAILED and self._settings.fail_fast and not self._ending:
                self._end(Cause.FAIL_FAST)
            return
        self._starting.add(row.number)
        self._budget.reserve(row)
        start = functools.partial(self._batches[row.batch].start, row.name, row.attempt, row.place)
        then = functools.partial(self._was_started, row.number)
        self._ledger.set(row, lambda: self._calls.start(start, then))

    def _was_started(self, number: int, run: Run | None, error: BaseException | None) -> None:
        del run  # it is looked up by its id, with all others
        self._starting.discard(number)
        row = self._ledger[number]
        if error is not None:
            self._was_refused(row, error)
            return
        row = row.but(state=TaskState.RUNNING)
        self._put(row)
        self._watch.add(number)
        self._gate.took(len(self._watch))
        if self._ending:
            self._stops.stop(row, self._ending)

    def _was_refused(self, row: TaskRow, error: BaseException) -> None:
        refusal = self._answers.understood(error)
        row = refused(row, refusal, error, len(self._batches[row.batch].places))
        if refusal is Refusal.SILENCE:
            self._ledger.set(row)
            if self._ending:  # nobody knows whether it runs
                self._watch.add(row.number)
                self._stops.stop(row, self._ending)
            else:
                self._waiting.add(row)
            return
        if refusal is Refusal.QUOTA:
            self._gate.met_quota(len(self._watch))
        elif refusal is Refusal.THROTTLE:
            self._gate.met_throttle()
        elif refusal is Refusal.CAPACITY and row.place == 0:
            self._gate.met_no_capacity()
        self._put(row)

    def _settle(self, row: TaskRow, outcome: Outcome) -> None:
        row = self._ledger[row.number]  # it may have been asked to end meanwhile
        row = row.but(
            metrics={name: values[-1] for name, values in outcome.metrics.items() if values},
            cost=self._budget.paid(row, outcome.cost),
            ended_utc=self._now().isoformat(),
        )
        places = len(self._batches[row.batch].places)
        row = settled(row, outcome, self._settings.retry, places)
        if row.kind == FailureKind.CAPACITY and row.place == 0:
            self._gate.met_no_capacity()
        self._put(row)

    def _end(self, why: Cause) -> None:
        """Start nothing any more, and end what runs."""
        self._ending = why
        self._ledger.end(why)
        for row in self._waiting.take_all():
            if row.state is TaskState.STARTING:
                self._watch.add(row.number)  # it was announced, and may have been started
            elif why is Cause.CANCEL:
                self._put(row)
        for number in self._watch.numbers():
            self._stops.stop(self._ledger[number], why)

    def _is_busy(self) -> bool:
        return bool(self._starting or self._harvest or self._watch)

    def _is_over(self) -> bool:
        return not self._is_busy() and (bool(self._ending) or not self._waiting)

    def _due_in(self) -> float:
        due = min(_REQUESTS_SECONDS, self._watch.due_in())
        if self._waiting and not self._ending:
            due = min(due, self._gate.opens_in())
        return due
