"""Instances that are kept for a while after a job, for the next one of its kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["WarmPool", "kept_seconds"]

_IN_USE, _AVAILABLE, _REUSED, _TERMINATED = "InUse", "Available", "Reused", "Terminated"
_SAME = (
    "RoleArn",
    "VpcConfig",
    "EnableInterContainerTrafficEncryption",
    "EnableNetworkIsolation",
    "SessionChainingConfig",
)
_SAME_RESOURCES = (
    "InstanceCount",
    "InstanceType",
    "InstanceGroups",
    "VolumeKmsKeyId",
    "VolumeSizeInGB",
)


def kept_seconds(request: Mapping[str, Any]) -> int:
    """Tell how long a job's instances are to be kept; 0 for not at all."""
    return int(request["ResourceConfig"].get("KeepAlivePeriodInSeconds") or 0)


class WarmPool:
    """The kept instances of one job.

    After the API reference of Amazon SageMaker, WarmPoolStatus, and the developer guide, Train
    Using SageMaker Managed Warm Pools.

    Parameters
    ----------
    request
        The request that created the job.
    clock
        Gives the time in seconds.
    """

    def __init__(self, request: Mapping[str, Any], clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._kind = _kind(request)
        self._seconds = kept_seconds(request)
        self._status = _IN_USE
        self._since = 0.0
        self._until: float | None = None
        self._user = ""

    @property
    def status(self) -> str:
        """What has become of it."""
        with self._lock:
            return self._current()

    def settle(self, *, is_completed: bool) -> None:
        """Begin to wait for the next job if the first one has completed; keep nothing if not."""
        with self._lock:
            self._since = self._clock()
            if is_completed and self._seconds:
                self._status = _AVAILABLE
            else:
                self._status, self._until = _TERMINATED, self._since

    def take(self, job_name: str, request: Mapping[str, Any]) -> bool:
        """Let a job have the instances, if they are what it asks for and free."""
        with self._lock:
            if self._current() != _AVAILABLE or _kind(request) != self._kind:
                return False
            self._status, self._user, self._until = _REUSED, job_name, self._clock()
            return True

    def change(self, seconds: int) -> bool:
        """Keep it for another time; whether that is possible still."""
        with self._lock:
            if self._current() not in (_IN_USE, _AVAILABLE):
                return False
            self._seconds = seconds
            return True

    def describe(self) -> dict[str, Any]:
        """Give ``WarmPoolStatus``."""
        with self._lock:
            answer: dict[str, Any] = {"Status": self._current()}
            if self._status != _IN_USE:
                until = self._clock() if self._until is None else self._until
                answer["ResourceRetainedBillableTimeInSeconds"] = round(until - self._since)
            if self._user:
                answer["ReusedByJob"] = self._user
            return answer

    def _current(self) -> str:
        if self._status == _AVAILABLE and self._clock() > self._since + self._seconds:
            self._status, self._until = _TERMINATED, self._since + self._seconds
        return self._status


def _kind(request: Mapping[str, Any]) -> tuple[Any, ...]:
    """Give what two jobs must have in common to use the same instances."""
    resources = request["ResourceConfig"]
    return (
        *(request.get(key) or None for key in _SAME),
        *(resources.get(key) for key in _SAME_RESOURCES),
    )
