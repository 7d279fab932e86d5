"""How often the services were asked, and how much went to and fro."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["CallCounter", "Calls"]


@dataclass(frozen=True, kw_only=True)
class Calls:
    """What a service was asked, as it saw it.

    Attributes
    ----------
    count
        Requests; those that were refused, and repeats, are counted as well.
    received_bytes
        Bytes of their bodies.
    sent_bytes
        Bytes of the answers' bodies.
    """

    count: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0

    def __add__(self, other: Calls) -> Calls:
        return Calls(
            count=self.count + other.count,
            received_bytes=self.received_bytes + other.received_bytes,
            sent_bytes=self.sent_bytes + other.sent_bytes,
        )

    def __sub__(self, other: Calls) -> Calls:
        return Calls(
            count=self.count - other.count,
            received_bytes=self.received_bytes - other.received_bytes,
            sent_bytes=self.sent_bytes - other.sent_bytes,
        )


class CallCounter:
    """Counts by operation.

    Example
    -------
    >>> counter = CallCounter()
    >>> counter.add("s3.PutObject", Calls(count=1, received_bytes=10))
    >>> counter.of("s3.*")
    Calls(count=1, received_bytes=10, sent_bytes=0)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, Calls] = {}

    def add(self, operation: str, calls: Calls) -> None:
        """Count calls of an operation."""
        with self._lock:
            self._calls[operation] = self._calls.get(operation, Calls()) + calls

    @property
    def operations(self) -> frozenset[str]:
        """The operations that were asked for."""
        with self._lock:
            return frozenset(self._calls)

    def of(self, pattern: str) -> Calls:
        """Give the calls of all operations that fit a pattern, such as ``s3.*``."""
        with self._lock:
            found = [calls for name, calls in self._calls.items() if fnmatchcase(name, pattern)]
        return sum(found, Calls())
