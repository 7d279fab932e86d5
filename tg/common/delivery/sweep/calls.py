"""Calls that take time, made by threads, whose ends are taken one by one."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from .call_threads import CallThreads, Then, Value
from .pace import Pace

__all__ = ["Calls"]

_LOOKING_THREADS, _HARVESTING_THREADS = 8, 8
_CLOSING_SECONDS = 30.0


class Calls:
    """Makes calls in threads; what becomes of them is dealt with by the one that asks.

    A call that does not end within the pace's ``call_seconds`` ends with a `TimeoutError`, and
    another thread takes the place of the one that makes it. What it may give later is not used: the
    same is asked again.

    Parameters
    ----------
    pace
        How many runs are started at the same time, and how long a call may take.
    clock
        Seconds that never go back.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._ended: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # looks at many runs, or at one, do not wait for one another, nor for results to be kept
        self._starting, self._looking, self._polling, self._harvesting = self._pools = [
            CallThreads(count, name, pace.call_seconds, self._ended.put, clock)
            for name, count in (
                ("sweep-start", pace.start_threads),
                ("sweep-look", _LOOKING_THREADS),
                ("sweep-poll", 2),
                ("sweep-harvest", _HARVESTING_THREADS),
            )
        ]

    def start(self, call: Callable[[], Value], then: Then[Value]) -> None:
        """Start a run; `then` gets it, or the error."""
        self._starting.submit(call, then)

    def look(self, call: Callable[[], Value], then: Then[Value]) -> None:
        """Look at one run, or ask it to stop."""
        self._looking.submit(call, then)

    def poll(self, call: Callable[[], Value], then: Then[Value]) -> None:
        """Look at many runs."""
        self._polling.submit(call, then)

    def harvest(self, call: Callable[[], Value], then: Then[Value]) -> None:
        """See to it that what came out of a run is kept, and read it."""
        self._harvesting.submit(call, then)

    def wake(self, then: Callable[[], None]) -> None:
        """Have something done by the one that deals with what has ended; from any thread."""
        self._ended.put(then)

    def deal(self, timeout_seconds: float) -> None:
        """Deal with what has ended; wait for something to end for at most that long."""
        for pool in self._pools:
            pool.give_up_late_ones()
        try:
            self._ended.get(timeout=max(0.0, timeout_seconds))()
            while True:
                self._ended.get_nowait()()
        except queue.Empty:
            pass

    def close(self) -> None:
        """Let the calls end that are being made, if they do soon; the others are not made.

        One that is left to itself does no harm: what it starts was announced, and is found.
        """
        for pool in self._pools:
            pool.close()
        deadline = time.monotonic() + _CLOSING_SECONDS
        for pool in self._pools:
            pool.join(deadline)
