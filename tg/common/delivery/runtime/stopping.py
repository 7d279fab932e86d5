"""A request to stop, and what is done before it is followed."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["StopRequested", "StopSignal"]


class StopRequested(BaseException):
    """Ends a training that was asked to stop; not an Exception, so that no task swallows it."""


class StopSignal:
    """Calls those who want to save something, then ends the training."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self._requested = False

    def on_request(self, callback: Callable[[], None]) -> None:
        """Have `callback` called on a request, in the order of registration."""
        self._callbacks.append(callback)

    def request(self) -> None:
        """Follow a request; a second one while the first is followed is ignored.

        Raises
        ------
        StopRequested
            When all callbacks were called.
        """
        if self._requested:
            return
        self._requested = True
        for callback in self._callbacks:
            callback()
        raise StopRequested
