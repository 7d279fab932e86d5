"""Tells whoever wants to know how far a sweep is, at a bounded rate."""

from __future__ import annotations

from collections.abc import Callable

from ..._core.logger import Logger
from .status import SweepStatus

__all__ = ["Teller"]

_STEP_SECONDS = 0.1


class Teller:
    """Passes the status on, a few times a second at most.

    Parameters
    ----------
    on_progress
        The user's function; ``None`` for none.
    clock
        Seconds that never go back.
    """

    def __init__(
        self, on_progress: Callable[[SweepStatus], None] | None, clock: Callable[[], float]
    ) -> None:
        self._on_progress = on_progress
        self._clock = clock
        self._next = clock()
        self._told: SweepStatus | None = None

    def tell(self, status: Callable[[], SweepStatus], *, at_once: bool = False) -> None:
        """Pass the status on, if it is time for that or it is the last one."""
        now = self._clock()
        if self._on_progress is None or (now < self._next and not at_once):
            return
        self._next = now + _STEP_SECONDS
        known = status()
        if known == self._told:
            return  # a display that has closed at the end would open once more
        self._told = known
        try:
            self._on_progress(known)
        except Exception as exc:  # noqa: BLE001 - the user's own display must not end the sweep
            Logger.warning(f"the progress of the sweep is not shown any more: {exc}")
            self._on_progress = None
