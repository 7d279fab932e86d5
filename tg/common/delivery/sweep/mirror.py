"""Other places that are shown what becomes of a sweep, while it is driven."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ..._core.logger import Logger
from .pace import rest_after
from .stored_sweep import StoredSweep

__all__ = ["SweepMirror", "mirrored"]

_EVERY_SECONDS = 5.0
_LAST_TRIES = 3
_PAUSE_SECONDS = 2.0
# what a user waits at most for a place that does not answer, when all else is done
_PATIENCE_SECONDS = 60.0


class SweepMirror(Protocol):
    """Copies what is known of a sweep to another place, such as :class:`MlflowMirror`."""

    def mirror(self, sweep: StoredSweep) -> object:
        """Copy what is new; what is there already is left as it is. It may raise anything."""


@contextlib.contextmanager
def mirrored(
    mirror: SweepMirror | None, path: Path, *, every_seconds: float = _EVERY_SECONDS
) -> Iterator[None]:
    """Have a sweep mirrored within a ``with`` block, and once more at its end.

    Nothing that the mirror does, or does not do, has an effect on the sweep: it has a thread of its
    own, its errors go to the log, and one that does not come to an end is not waited for.

    Parameters
    ----------
    mirror
        The mirror; ``None`` for none.
    path
        The sweep's journal.
    every_seconds
        How long to wait between two looks.
    """
    if mirror is None:
        yield
        return
    follower = _Follower(mirror, path, every_seconds)
    thread = threading.Thread(target=follower.follow, name="sweep-mirror", daemon=True)
    thread.start()
    try:
        yield
    finally:
        follower.over.set()
        thread.join(_PATIENCE_SECONDS)
        if thread.is_alive():
            follower.tell(f"it does not answer within {_PATIENCE_SECONDS:g} seconds")


class _Follower:
    """Calls the mirror again and again, until the sweep is over."""

    def __init__(self, mirror: SweepMirror, path: Path, every_seconds: float) -> None:
        self._mirror = mirror
        # with runs of its own: what drives the sweep is not touched
        self._sweep = StoredSweep(path)
        self._every_seconds = every_seconds
        self.over = threading.Event()

    def follow(self) -> None:
        has_told = False
        pause = self._every_seconds
        while not self.over.wait(pause):
            began = time.monotonic()
            error = self._look()
            # each of many runs is a request, here and there
            pause = max(self._every_seconds, rest_after(time.monotonic() - began))
            if error is not None and not has_told:
                Logger.warning(f"The sweep is not mirrored for now, and goes on: {error}")
            has_told = error is not None
        for number in range(_LAST_TRIES):
            error = self._look()
            if error is None:
                return
            if number + 1 < _LAST_TRIES:
                threading.Event().wait(_PAUSE_SECONDS)
        self.tell(str(error))

    def tell(self, why: str) -> None:
        Logger.warning(
            f"The sweep {self._sweep.name} is not mirrored to its end: {why} "
            f"Nothing else is lost: call mirror(Sweep.open({self._sweep.name!r})) of the mirror."
        )

    def _look(self) -> Exception | None:
        try:
            self._mirror.mirror(self._sweep)
        except Exception as exc:  # noqa: BLE001 - no mirror may end a sweep
            return exc
        return None
