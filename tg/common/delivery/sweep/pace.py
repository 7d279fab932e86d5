"""How often places are asked, and how long one waits that has refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..._core.errors import ConfigError

__all__ = ["LookAllowance", "LookInterval", "Pace", "rest_after"]

# a look at another machine takes at most this part of the time
_SHARE = 3
# a hundred runs are looked at by one request
_RUN_SECONDS = 0.005
_SAVED_SECONDS = 4.0
# to look at this machine takes nobody's time
_LONGEST_LOCAL_SECONDS = 0.5
_GROWTH, _LOCAL_GROWTH = 2.0, 1.25


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often places are asked, and how long one waits that has refused; all in seconds.

    Attributes
    ----------
    start_threads
        How many runs are started at the same time; this one is a number of threads.
    first_poll_seconds, longest_poll_seconds
        How long after a look the next one is taken: the first after something has changed, the
        longest where nothing changes. This machine is looked at more often.
    metric_seconds
        How long after a look at the running tasks' metrics the next one is taken, where a rule
        needs them.
    first_pause_seconds, longest_pause_seconds
        How long nothing is started after a refusal, and at most after many.
    probe_seconds
        How long after a quota was met one run more is tried, even if none of the sweep's own has
        ended.
    call_seconds
        How long a place may take for one answer; then it has given none, and is asked again.
    patience_seconds
        How long a place may not answer at all before the sweep is paused.

    Raises
    ------
    ConfigError
        A number is not positive.
    """

    start_threads: int = 32
    first_poll_seconds: float = 0.02
    longest_poll_seconds: float = 5.0
    metric_seconds: float = 10.0
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0
    probe_seconds: float = 60.0
    call_seconds: float = 900.0
    patience_seconds: float = 900.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"{name}={value!r} is not positive", hint="Give more than 0.")


class LookInterval:
    """How long after a look the next one is taken: ever longer while nothing changes.

    Parameters
    ----------
    pace
        The first and the longest one; shorter where all runs are on this machine.
    is_local
        Whether they are.

    Example
    -------
    >>> interval = LookInterval(Pace(), is_local=True)
    >>> interval.after(changed=False), interval.after(changed=False), interval.after(changed=True)
    (0.025, 0.03125, 0.02)
    """

    def __init__(self, pace: Pace, *, is_local: bool) -> None:
        self._first, self._longest = pace.first_poll_seconds, pace.longest_poll_seconds
        self._growth = _LOCAL_GROWTH if is_local else _GROWTH
        if is_local:
            self._longest = min(self._longest, _LONGEST_LOCAL_SECONDS)
        self._seconds = self._first

    def begin_anew(self) -> None:
        """Take note that something was begun, which may end soon."""
        self._seconds = self._first

    def after(self, *, changed: bool) -> float:
        """Take note of a look, and say how many seconds it is until the next one."""
        later = min(self._seconds * self._growth, self._longest)
        self._seconds = self._first if changed else later
        return self._seconds


def rest_after(look_seconds: float) -> float:
    """Say for how many seconds another machine is left alone after a look that took so long.

    Example
    -------
    >>> rest_after(0.5)
    1.0
    """
    return (_SHARE - 1) * look_seconds


class LookAllowance:
    """Bounds how often runs elsewhere are looked at, by how many runs there are.

    A look is a request for each hundred runs: that makes two requests a second in the long run.
    Some are saved up, so that a sweep whose runs end together is not held up.

    Parameters
    ----------
    clock
        Seconds that never go back.

    Example
    -------
    >>> allowance = LookAllowance(clock=lambda: 0.0)
    >>> [allowance.pause_after(run_count=500) for _ in range(3)]
    [0.0, 1.0, 3.5]
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._saved = _SAVED_SECONDS
        self._at = clock()

    def pause_after(self, run_count: int) -> float:
        """Take note of a look, and say for how many seconds there should be no other."""
        now = self._clock()
        saved = min(_SAVED_SECONDS, self._saved + now - self._at)
        self._saved = saved - _RUN_SECONDS * run_count
        self._at = now
        return max(0.0, -self._saved)
