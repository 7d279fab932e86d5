"""Threads that make calls, and that are replaced where a call does not end."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar

__all__ = ["CallThreads", "Then", "Value"]

Value = TypeVar("Value")
# takes what a call gave, or the error
Then: TypeAlias = Callable[[Value | None, BaseException | None], None]
# makes a call and gives what is to be done then; tells somebody who waits no longer for it
_Call: TypeAlias = tuple[Callable[[], Callable[[], None]], Callable[[BaseException], None]]


class CallThreads:
    """Some threads, each of which makes one call at a time.

    They end with the interpreter, whatever they wait for.

    Parameters
    ----------
    count
        How many there are at most, those not counted that were given up.
    name
        What they are called.
    call_seconds
        How long a call may take.
    put
        Takes what is to be done when a call has ended, or was given up.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        count: int,
        name: str,
        call_seconds: float,
        put: Callable[[Callable[[], None]], None],
        clock: Callable[[], float],
    ) -> None:
        self._count = count
        self._name = name
        self._call_seconds = call_seconds
        self._put = put
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._made: dict[threading.Thread, tuple[_Call, float]] = {}

    def submit(self, call: Callable[[], Value], then: Then[Value]) -> None:
        """Have a call made; `then` gets what it gives, or its error."""

        def made() -> Callable[[], None]:
            try:
                return functools.partial(then, call(), None)
            except BaseException as exc:  # noqa: BLE001 - it is dealt with by whoever asked
                return functools.partial(then, None, exc)

        self._calls.put((made, lambda error: self._put(functools.partial(then, None, error))))
        if len(self._threads) < self._count:
            self._begin_one()

    def give_up_late_ones(self) -> None:
        """Wait no more for calls that take too long."""
        latest = self._clock() - self._call_seconds
        with self._lock:
            late = [thread for thread, (_, began) in self._made.items() if began < latest]
            calls = [self._made.pop(thread)[0] for thread in late]
            self._threads.difference_update(late)
        for _, tell in calls:
            tell(TimeoutError(f"there was no answer within {self._call_seconds:g} seconds"))
            self._begin_one()

    def close(self) -> None:
        """Make no further call."""
        try:
            while True:
                self._calls.get_nowait()
        except queue.Empty:
            pass
        self._calls.put(None)

    def join(self, deadline: float) -> None:
        """Wait for the calls that are being made, until a moment by the monotonic clock."""
        for thread in tuple(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _begin_one(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        thread.start()
        self._threads.add(thread)  # Ctrl-C may come in between: only what was started is waited for

    def _work(self) -> None:
        thread = threading.current_thread()
        while (call := self._calls.get()) is not None:
            with self._lock:
                self._made[thread] = call, self._clock()
            then = call[0]()
            with self._lock:
                if self._made.pop(thread, None) is None:
                    return  # it was given up, and there is another thread in its place
            self._put(then)
        # to the next one: where Ctrl-C came while one was begun there are more than are known
        self._calls.put(None)
