"""The runs of a sweep that go on, looked at together."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from ...contract.run_state import RunState
from ..execution.task_batch import TaskBatch
from .calls import Calls
from .ledger import Ledger
from .looking import Look, histories_of, look_at
from .settings import SweepSettings
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["RULE", "Watch"]

RULE = "stopping_rule"
# a look at another machine takes at most this part of the time
_SHARE = 3
_LOCAL_SECONDS = 0.5
# and one at many runs costs a request a hundred of them: that is two requests a second at most
_RUN_SECONDS = 0.005
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
        self._rule = settings.stopping
        self._calls = calls
        self._on_answer = on_answer
        self._clock = clock
        self._followed: dict[int, int] = {}
        self._unreadable: dict[int, int] = {}
        self._ended: list[tuple[int, RunState | None, Exception | None]] = []
        self._lost: list[int] = []
        self._losers: set[int] = set()
        self._histories: dict[int, list[float]] = {}
        self._is_polling = False
        self._is_measuring = False
        self._poll_at = 0.0
        self._measure_at = 0.0
        self._interval = self._pace.first_poll_seconds

    def __len__(self) -> int:
        return len(self._followed)

    def numbers(self) -> list[int]:
        """Name the tasks whose runs go on."""
        return list(self._followed)

    def add(self, number: int) -> None:
        """Follow the run of a task."""
        self._followed[number] = 0
        self._interval = self._pace.first_poll_seconds

    def keep(self, number: int, metrics: Mapping[str, list[float]]) -> None:
        """Keep the metric that the rule needs of a run that has ended."""
        if self._rule is not None:
            self._histories[number] = list(metrics.get(self._rule.metric, ()))

    def take_ended(self) -> list[tuple[TaskRow, RunState | None, Exception | None]]:
        """Give the runs that were seen to have ended, or that cannot be read, with the error."""
        ended, self._ended = self._ended, []
        return [(self._ledger[number], state, error) for number, state, error in ended]

    def take_lost(self) -> list[TaskRow]:
        """Give the runs that are not there."""
        lost, self._lost = self._lost, []
        return [self._ledger[number] for number in lost]

    def take_losers(self) -> list[TaskRow]:
        """Give the runs that the rule ends."""
        losers, self._losers = self._losers, set()
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
        if self._rule is not None and self._followed and not self._is_measuring:
            due = min(due, self._measure_at - self._clock())
        return max(0.0, due)

    def look(self) -> None:
        """Begin the looks that are due."""
        now = self._clock()
        if self._followed and not self._is_polling and now >= self._poll_at:
            self._is_polling = True
            rows = [self._ledger[number] for number in self._followed]
            self._calls.poll(
                functools.partial(look_at, self._batches, rows),
                functools.partial(self._was_polled, rows, now),
            )
        rule = self._rule
        if rule is not None and self._followed and not self._is_measuring:
            if now < self._measure_at:
                return
            self._is_measuring = True
            rows = [row for row in self._ledger.rows.values() if self._is_to_be_measured(row)]
            self._calls.poll(
                functools.partial(histories_of, self._batches, rows, rule.metric),
                self._was_measured,
            )

    def _is_to_be_measured(self, row: TaskRow) -> bool:
        if row.number in self._followed:
            return True
        # runs that had ended before this process began count as well
        seen = row.state in (TaskState.COMPLETED, TaskState.STOPPED)
        return seen and row.number not in self._histories

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
        is_local = all(batch.is_local for batch in self._batches.values())
        longest = min(self._pace.longest_poll_seconds, _LOCAL_SECONDS if is_local else math.inf)
        first = self._pace.first_poll_seconds
        self._interval = first if changed else min(2 * self._interval, longest)
        now = self._clock()
        pause = max((_SHARE - 1) * (now - began), _RUN_SECONDS * len(rows))
        pause = 0.0 if is_local else pause
        self._poll_at = now + max(self._interval, pause)

    def _was_seen(self, number: int, look: Look) -> bool:
        state = look.states.get(number)
        if number in look.errors:
            self._unreadable[number] = self._unreadable.get(number, 0) + 1
            if self._unreadable[number] < _UNREADABLE_LOOKS:
                return False
            self._ended.append((number, None, look.errors[number]))
        elif state is None:
            self._followed[number] += 1
            if self._followed[number] < _MISSES:
                return False
            self._lost.append(number)
        elif state.is_final:
            self._ended.append((number, state, None))
        else:
            self._followed[number] = 0
            return False
        del self._followed[number]
        return True

    def _was_measured(
        self, histories: dict[int, list[float]] | None, error: BaseException | None
    ) -> None:
        self._is_measuring = False
        self._measure_at = self._clock() + self._pace.metric_seconds
        if error is not None or histories is None or self._rule is None:
            return
        self._histories |= histories
        rows = self._ledger.rows
        named: dict[str, Any] = {rows[key].name: one for key, one in self._histories.items()}
        running = {rows[number].name: number for number in self._followed}
        self._losers |= {running[name] for name in self._rule.to_stop(named, running)}
