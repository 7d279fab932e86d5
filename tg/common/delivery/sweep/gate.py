"""When the next run may be started, by what the place has said so far."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from ..execution.place import Place
from .pace import Pace

__all__ = ["Gate", "room_for"]


class Gate:
    """Says how many runs may be started now.

    A quota is not known beforehand: it shows when a start is refused, and is taken to be what runs
    then. It is tried again when an own run ends, and from time to time, as others end theirs.

    Parameters
    ----------
    limit
        How many runs may go on at once; ``None`` for as many as the place takes.
    pace
        How long one waits after a refusal.
    clock
        Seconds, from any moment on, that never go back.
    noise
        Numbers between 0 and 1, so that several that were refused do not come back together.
    """

    def __init__(
        self,
        limit: int | None,
        pace: Pace,
        clock: Callable[[], float],
        noise: Callable[[], float] = random.random,
    ) -> None:
        self._limit = limit
        self._pace = pace
        self._clock = clock
        self._noise = noise
        self._quota: int | None = None
        self._probe_at = 0.0
        self._open_at = 0.0
        self._pause = 0.0
        self._window = pace.start_threads
        self._silent_since: float | None = None

    @property
    def silent_seconds(self) -> float:
        """For how long nothing has answered."""
        return 0.0 if self._silent_since is None else self._clock() - self._silent_since

    def probe(self, running: int) -> None:
        """Let one run more than the quota be tried, if it is time for that.

        Parameters
        ----------
        running
            How many are known to go on.
        """
        now = self._clock()
        if self._quota is not None and now >= max(self._probe_at, self._open_at):
            self._quota = max(self._quota, running) + 1
            self._probe_at = now + self._pace.probe_seconds

    def room(self, running: int, starting: int, ended: int = 0) -> int:
        """Tell how many further runs may be announced now.

        Parameters
        ----------
        running
            How many are known to go on.
        starting
            How many are announced, and not known to go on yet.
        ended
            How many have ended, and what came out of them is not kept yet. As many are waited for
            as may go on: results that are not kept fill the disk.
        """
        if self._clock() < self._open_at:
            return 0
        # some more than there are threads: no thread waits while the journal is written
        room = 2 * self._window - starting
        for limit in (self._limit, self._quota):
            if limit is not None:
                room = min(room, limit - running - starting - max(0, ended - limit))
        return max(0, room)

    def opens_in(self) -> float:
        """How many seconds it is until time alone could make room."""
        now = self._clock()
        if now < self._open_at:
            return self._open_at - now
        if self._quota is not None:
            return max(0.0, self._probe_at - now)
        return self._pace.longest_pause_seconds

    def was_answered(self) -> None:
        """Note that the place answers."""
        self._silent_since = None

    def took(self, running: int) -> None:
        """Note that a run was started, and how many there are now."""
        self._silent_since = None
        self._pause = 0.0
        self._window = min(self._pace.start_threads, self._window + 1)
        if self._quota is not None:
            self._quota = max(self._quota, running)

    def met_quota(self, running: int) -> None:
        """Note that a run was refused for a quota, and how many go on."""
        self._silent_since = None
        self._quota = max(1, running)
        self._probe_at = self._clock() + self._pace.probe_seconds
        if running == 0:
            self._close()  # others use all of it: there is no own run to wait for

    def met_throttle(self) -> None:
        """Note that the place was asked too often."""
        self._silent_since = None
        self._window = max(1, self._window // 2)
        self._close()

    def met_no_capacity(self) -> None:
        """Note that no place has a machine."""
        self._silent_since = None
        self._close()

    def met_silence(self) -> None:
        """Note that there was no answer."""
        if self._silent_since is None:
            self._silent_since = self._clock()
        self._window = max(1, self._window // 2)
        self._close()

    def _close(self) -> None:
        now = self._clock()
        if now < self._open_at:
            return  # several that were asked together are one refusal
        self._pause = min(
            max(self._pace.first_pause_seconds, 2 * self._pause), self._pace.longest_pause_seconds
        )
        self._open_at = now + self._pause * (0.5 + self._noise() / 2)


def room_for(asked: int | None, places: Iterable[Place]) -> int | None:
    """Say how many runs may go on at once; ``None`` for as many as the places take.

    Parameters
    ----------
    asked
        How many the user wants; what is usual there if ``None``.
    places
        Where they run.

    Example
    -------
    >>> class Laptop(Place):
    ...     usual_parallel = 2
    >>> room_for(None, [Laptop()]), room_for(5, [Laptop()])
    (2, 5)
    """
    limits = [asked]
    for place in places:
        limits += [place.max_parallel, place.usual_parallel if asked is None else None]
    return min((limit for limit in limits if limit is not None), default=None)
