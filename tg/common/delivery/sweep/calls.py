"""Calls that take time, made by threads, whose ends are taken one by one."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

__all__ = ["Calls"]

_LOOKING_THREADS = 8
_Value = TypeVar("_Value")
# takes what a call gave, or the error
_Then: TypeAlias = Callable[[_Value | None, BaseException | None], None]


class Calls:
    """Makes calls in threads; what becomes of them is dealt with by the one that asks.

    Parameters
    ----------
    start_threads
        How many runs are started at the same time.
    """

    def __init__(self, start_threads: int) -> None:
        self._ended: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._starting = ThreadPoolExecutor(start_threads, "sweep-start")
        # looks at many runs, or at one, do not wait for one another
        self._looking = ThreadPoolExecutor(_LOOKING_THREADS, "sweep-look")
        self._polling = ThreadPoolExecutor(2, "sweep-poll")

    def start(self, call: Callable[[], _Value], then: _Then[_Value]) -> None:
        """Start a run; `then` gets it, or the error."""
        self._submit(self._starting, call, then)

    def look(self, call: Callable[[], _Value], then: _Then[_Value]) -> None:
        """Look at one run, or ask it to stop."""
        self._submit(self._looking, call, then)

    def poll(self, call: Callable[[], _Value], then: _Then[_Value]) -> None:
        """Look at many runs."""
        self._submit(self._polling, call, then)

    def deal(self, timeout_seconds: float) -> None:
        """Deal with what has ended; wait for something to end for at most that long."""
        try:
            self._ended.get(timeout=max(0.0, timeout_seconds))()
            while True:
                self._ended.get_nowait()()
        except queue.Empty:
            pass

    def close(self) -> None:
        """Let the calls end that are being made; the others are not made."""
        pools = (self._starting, self._looking, self._polling)
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in pools:
            pool.shutdown(wait=True)

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        call: Callable[[], _Value],
        then: _Then[_Value],
    ) -> None:
        def ended(future: Future[_Value]) -> None:
            if not future.cancelled():
                error = future.exception()
                value = None if error is not None else future.result()
                self._ended.put(lambda: then(value, error))

        pool.submit(call).add_done_callback(ended)
