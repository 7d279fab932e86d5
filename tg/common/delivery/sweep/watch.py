"""The runs of a sweep that go on, looked at together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from ..execution.task_batch import TaskBatch
from .calls import Calls
from .ledger import Ledger
from .look import Look, look_at
from .metric_watch import MetricWatch
from .pace import LookAllowance, LookInterval, rest_after
from .settings import SweepSettings
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["Watch"]

# a place may show a run a moment after it was started
_MISSES = 3
_UNREADABLE_LOOKS = 3


class Watch:
    """Looks at the runs that go on, at a bounded rate.

    Parameters
    ----------
    ledger
        The tasks.
    batches
        Know where the runs are.
    settings
        The pace, and the rule that chooses runs to end.
    calls
        Makes the calls.
    on_answer
        Is told of each look: of its error, or of ``None``.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        ledger: Ledger,
        batches: Mapping[int, TaskBatch],
        settings: SweepSettings,
        calls: Calls,
        *,
        on_answer: Callable[[BaseException | None], None],
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._batches = batches
        self._pace = settings.pace
        self._calls = calls
        self._on_answer = on_answer
        self._clock = clock
        self._followed: dict[int, int] = {}
        self._unreadable: dict[int, int] = {}
        self._ended: list[tuple[int, Exception | None]] = []
        self._lost: list[int] = []
        self._is_polling = False
        self._poll_at = self._rested_at = 0.0
        self._was_told = False
        self._is_local = all(batch.is_local for batch in batches.values())
        self._interval = LookInterval(settings.pace, is_local=self._is_local)
        self._allowance = LookAllowance(clock)
        self._metrics: MetricWatch | None = None
        if settings.stopping is not None:
            seconds = self._pace.metric_seconds
            self._metrics = MetricWatch(
                ledger, batches, settings.stopping, calls, every_seconds=seconds, clock=clock
            )

    def __len__(self) -> int:
        return len(self._followed)

    def numbers(self) -> list[int]:
        """Name the tasks whose runs go on."""
        return list(self._followed)

    def add(self, number: int) -> None:
        """Follow the run of a task."""
        self._followed[number] = 0
        self._unreadable.pop(number, None)
        self._interval.begin_anew()

    def keep(self, number: int, metrics: Mapping[str, list[float]]) -> None:
        """Keep the metric that the rule needs of a run that has ended."""
        if self._metrics is not None:
            self._metrics.keep(number, metrics)

    def take_ended(self) -> list[tuple[TaskRow, Exception | None]]:
        """Give the runs that were seen to have ended, or that cannot be read, with the error."""
        ended, self._ended = self._ended, []
        return [(self._ledger[number], error) for number, error in ended]

    def take_lost(self) -> list[TaskRow]:
        """Give the runs that are not there."""
        lost, self._lost = self._lost, []
        return [self._ledger[number] for number in lost]

    def take_losers(self) -> list[TaskRow]:
        """Give the runs that the rule ends."""
        losers = set() if self._metrics is None else self._metrics.take_losers()
        return [
            self._ledger[number]
            for number in sorted(losers & self._followed.keys())
            if self._ledger[number].state is TaskState.RUNNING
        ]

    def due_in(self) -> float:
        """How many seconds it is until the next look."""
        due = self._pace.longest_poll_seconds
        if self._followed and not self._is_polling:
            due = self._poll_at - self._clock()
        measure_at = None if self._metrics is None else self._metrics.due_at()
        if self._followed and measure_at is not None:
            due = min(due, measure_at - self._clock())
        return max(0.0, due)

    def look_soon(self) -> None:
        """Take note that a run may have ended: the place that runs it said so."""
        self._was_told = True
        self._poll_at = min(self._poll_at, self._rested_at)

    def look(self) -> None:
        """Begin the looks that are due."""
        now = self._clock()
        if self._followed and not self._is_polling and now >= self._poll_at:
            self._is_polling, self._was_told = True, False
            rows = [self._ledger[number] for number in self._followed]
            self._calls.poll(
                functools.partial(look_at, self._batches, rows),
                functools.partial(self._was_polled, rows, now),
            )
        if self._metrics is not None:
            self._metrics.look(self._followed.keys())

    def _was_polled(
        self, rows: list[TaskRow], began: float, look: Look | None, error: BaseException | None
    ) -> None:
        self._is_polling = False
        self._on_answer(error)
        changed = False
        if look is not None:
            for row in rows:
                # it may have become another run meanwhile
                if row.number in self._followed and self._ledger[row.number].run_id == row.run_id:
                    changed |= self._was_seen(row.number, look)
        now = self._clock()
        self._rested_at = now + (now - began)
        pause = self._interval.after(changed=changed)
        if not self._is_local:
            allowed = self._allowance.pause_after(len(rows))
            pause = max(pause, allowed, rest_after(now - began))
        self._poll_at = self._rested_at if self._was_told else now + pause

    def _was_seen(self, number: int, look: Look) -> bool:
        has_ended = look.ended.get(number)
        # in a row: one that lasts for days may well be unreadable for a moment now and then
        unreadable = self._unreadable.pop(number, 0) + 1
        if number in look.errors:
            if unreadable < _UNREADABLE_LOOKS:
                self._unreadable[number] = unreadable
                return False
            self._ended.append((number, look.errors[number]))
        elif has_ended is None:
            self._followed[number] += 1
            if self._followed[number] < _MISSES:
                return False
            self._lost.append(number)
        elif has_ended:
            self._ended.append((number, None))
        else:
            self._followed[number] = 0
            return False
        del self._followed[number]
        return True
