"""The metric of the runs that go on, for the rule that ends some of them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ..._core.errors import TgError
from ..execution.task_batch import TaskBatch
from .calls import Calls
from .histories import histories_of
from .known_runs import KnownRuns
from .ledger import Ledger
from .pace import rest_after
from .stopping import MedianStopping
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["MetricWatch"]

# of runs that had ended before this process began, so many are read with those that go on
_ENDED_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What a look has brought: values by the task's number, and the tasks that the rule ends."""

    histories: Mapping[int, list[float]] = field(default_factory=dict)
    losers: Collection[int] = ()


class MetricWatch:
    """Reads the metric that a rule needs, at a bounded rate, and lets the rule choose.

    Parameters
    ----------
    ledger
        The tasks.
    batches
        Know where the runs are.
    rule
        Chooses runs to end.
    calls
        Makes the calls: reading and choosing take time.
    every_seconds
        How long after a look the next one is taken; elsewhere than on this machine it may be
        longer.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        ledger: Ledger,
        batches: Mapping[int, TaskBatch],
        rule: MedianStopping,
        calls: Calls,
        *,
        every_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._batches = batches
        self._rule = rule
        self._every_seconds = every_seconds
        self._calls = calls
        self._clock = clock
        self._histories: dict[int, list[float]] = {}
        self._losers: set[int] = set()
        self._known = KnownRuns()
        self._is_looking = False
        self._look_at = 0.0

    def keep(self, number: int, metrics: Mapping[str, list[float]]) -> None:
        """Keep what a run has reported that has ended."""
        self._known.forget(number)
        self._histories[number] = list(metrics.get(self._rule.metric, ()))

    def take_losers(self) -> set[int]:
        """Give the tasks that the rule ends, since this was asked last."""
        losers, self._losers = self._losers, set()
        return losers

    def due_at(self) -> float | None:
        """When the next look is due, by the clock; ``None`` while one is taken."""
        return None if self._is_looking else self._look_at

    def look(self, followed: Collection[int]) -> None:
        """Begin a look at what these tasks report, if one is due."""
        now = self._clock()
        if not followed or self._is_looking or now < self._look_at:
            return
        self._is_looking = True
        running = [self._ledger[number] for number in followed]
        ended = list(itertools.islice(self._ended(followed), _ENDED_AT_ONCE))
        names = {number: row.name for number, row in self._ledger.rows.items()}
        self._calls.poll(
            functools.partial(self._read, running, ended, dict(self._histories), names),
            functools.partial(self._was_read, running, followed, now),
        )

    def _ended(self, followed: Collection[int]) -> Iterator[TaskRow]:
        """Give the tasks whose runs had ended before this process began: they count as well."""
        for row in self._ledger.rows.values():
            has_values = row.state in (TaskState.COMPLETED, TaskState.STOPPED)
            if has_values and row.number not in self._histories and row.number not in followed:
                yield row

    def _read(
        self,
        running: list[TaskRow],
        ended: list[TaskRow],
        histories: dict[int, list[float]],
        names: Mapping[int, str],
    ) -> _Reading:
        """Read and choose, in another thread."""
        rows = [*running, *ended]
        read = histories_of(self._batches, rows, self._rule.metric, self._known)
        named = {names[number]: values for number, values in (histories | read).items()}
        numbers = {row.name: row.number for row in running}
        losers = self._rule.to_stop(named, numbers)
        return _Reading(histories=read, losers={numbers[name] for name in losers})

    def _was_read(
        self,
        running: list[TaskRow],
        followed: Collection[int],
        began: float,
        reading: _Reading | None,
        error: BaseException | None,
    ) -> None:
        now = self._clock()
        is_local = all(batch.is_local for batch in self._batches.values())
        rest = 0.0 if is_local else rest_after(now - began)
        self._look_at = now + max(self._every_seconds, rest)
        self._is_looking = False
        if reading is None:
            self._known = KnownRuns()  # the call may still hold those that it was to read
            if error is not None and not isinstance(error, TgError | TimeoutError):
                raise error
            return
        # what has ended meanwhile was read to its end, and what was begun anew reports other values
        gone = {
            row.number
            for row in running
            if row.number not in followed or self._ledger[row.number].run_id != row.run_id
        }
        self._histories |= {
            number: values for number, values in reading.histories.items() if number not in gone
        }
        self._losers |= set(reading.losers) - gone
