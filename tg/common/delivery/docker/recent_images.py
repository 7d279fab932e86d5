"""What the engine said of an image shortly before."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .engine import DockerEngine

if TYPE_CHECKING:
    from .images import ImageRecord

__all__ = ["RECENT_IMAGES", "RecentImages"]

_SECONDS = 60.0
_VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG")


class RecentImages:
    """Remembers, for a minute, what images an engine has by which names.

    To ask costs a process each time. Whatever this process builds, pulls, tags or removes makes it
    forget everything; what others do to an image is noticed when the minute is over. So this is
    for those alone who can be content with the image of a minute ago. May be used by several
    threads at a time.

    Parameters
    ----------
    seconds
        How long.
    clock
        Gives seconds that only grow.
    """

    def __init__(
        self, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: WeakKeyDictionary[
            DockerEngine, dict[tuple[str | None, ...], tuple[float, ImageRecord]]
        ] = WeakKeyDictionary()

    def get(self, engine: DockerEngine, name: str) -> ImageRecord | None:
        """Give what is remembered of an image, if anything is."""
        with self._lock:
            found = self._known.get(engine, {}).get(_key(engine, name))
        if found is None or self._clock() - found[0] > self._seconds:
            return None
        return found[1]

    def put(self, engine: DockerEngine, name: str, image: ImageRecord) -> None:
        """Remember what the engine has just said."""
        with self._lock:
            self._known.setdefault(engine, {})[_key(engine, name)] = self._clock(), image

    def clear(self) -> None:
        """Forget everything: an image of some engine has been changed."""
        with self._lock:
            self._known.clear()


def _key(engine: DockerEngine, name: str) -> tuple[str | None, ...]:
    return (name, engine.program, *(os.environ.get(variable) for variable in _VARIABLES))


RECENT_IMAGES = RecentImages()  # of this process
