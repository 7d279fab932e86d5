"""Asking a service again while it fails by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from ..._core.errors import AwsError
from .aws_errors import is_transient

__all__ = ["Patience"]

_LOGGER = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_OUTAGE_SECONDS = 900.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 15.0


class Patience:
    """Outlasts what boto3's own attempts do not: a network that is down, a service that fails.

    Refusals, such as those of expired credentials, are raised at once: asking again does not help.

    Parameters
    ----------
    outage_seconds
        How long a service may fail without a break.
    sleep, clock
        Wait some seconds; give the time in seconds.

    Example
    -------
    >>> Patience().ask(lambda: "Completed")
    'Completed'
    """

    def __init__(
        self,
        outage_seconds: float = _OUTAGE_SECONDS,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outage_seconds = outage_seconds
        self._sleep = sleep
        self._clock = clock

    def ask(self, question: Callable[[], _Answer], deadline: float | None = None) -> _Answer:
        """Ask until there is an answer.

        Parameters
        ----------
        question
            Asks once; asking again must do no harm.
        deadline
            When to give up at the latest, by the clock.

        Raises
        ------
        AwsError
            It is refused, or the service has failed for too long; the last error of it.
        """
        began = self._clock()
        end = began + self._outage_seconds
        if deadline is not None:
            end = min(end, deadline)
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return question()
            except AwsError as exc:
                left = end - self._clock()
                if left <= 0 or not is_transient(exc):
                    raise
                _LOGGER.info("asked again in %.0f seconds: %s", pause, exc.what)
                self._sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
