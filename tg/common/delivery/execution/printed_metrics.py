"""Metrics, read out of what a container prints while it runs."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import datetime, timedelta

from ...contract.metric_line import reported_metrics
from ..docker.containers import Containers

__all__ = ["PrintedMetrics"]

# what the engine puts before each line, always of this width
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ?(.*)", re.DOTALL)
_SECONDS = 19  # characters of it, up to whole seconds
# lines of the two streams of a container may come that much after others that were printed later
_OVERLAP = timedelta(seconds=2)


class PrintedMetrics:
    """Collects what a container reports; what was read once is not read again.

    Several threads may use it.

    Parameters
    ----------
    containers
        Those of the engine.
    name
        The container.
    """

    def __init__(self, containers: Containers, name: str) -> None:
        self._containers = containers
        self._name = name
        self._since = ""
        self._seen: Counter[tuple[str, str]] = Counter()
        self._values: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def values(self) -> dict[str, list[float]]:
        """Give all values that were reported so far, by name, in the order of the log.

        Raises
        ------
        EngineUnavailableError
            The engine does not answer.
        """
        with self._lock:
            self._read()
            return {name: list(numbers) for name, numbers in self._values.items()}

    def _read(self) -> None:
        stamp, found = self._since, Counter[tuple[str, str]]()
        fresh: list[tuple[str, float]] = []
        for line in self._containers.printed_since(self._name, self._since):
            parts = _STAMP.fullmatch(line)
            # without one it is a further part of what was printed as one line, as progress bars are
            stamp, text = (parts[1], parts[2]) if parts else (stamp, line)
            found[stamp, text] += 1
            if found[stamp, text] > self._seen[stamp, text]:
                fresh += reported_metrics(text)
        # only now: what comes before the engine fails is read once more
        for name, value in fresh:
            self._values.setdefault(name, []).append(value)
        newest = max((stamp for stamp, _ in found), default="")
        if newest:
            latest = datetime.fromisoformat(newest[:_SECONDS])
            since = f"{(latest - _OVERLAP).isoformat()}.000000000Z"
            self._since = max(self._since, since)
        # with those of before: the engine may have given up without saying so
        seen = self._seen | found
        self._seen = Counter({key: count for key, count in seen.items() if key[0] >= self._since})
