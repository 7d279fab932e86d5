"""Faults on demand: what a cloud does to its clients now and then."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..common._core.errors import ConfigError

__all__ = ["Fault", "Faults", "cut_connection"]

_THROTTLE, _ERROR, _SLOW = "throttle", "server error", "slow"
_EXPIRED, _BROKEN, _LOST = "expired token", "broken request", "lost answer"
_CAPACITY = "no capacity"


@dataclass(kw_only=True)
class Fault:
    """One fault that waits for its requests.

    Attributes
    ----------
    kind
        What happens.
    pattern
        The operations that it happens to.
    left
        How often it will happen yet; ``None`` for always.
    seconds
        How long a slow request waits.
    """

    kind: str
    pattern: str
    left: int | None
    seconds: float = 0.0


class Faults:
    """What goes wrong, and how often.

    An operation is ``service.Operation``, such as ``sagemaker.CreateTrainingJob``; a pattern such
    as ``s3.*`` or ``*`` means several. The cloud's own work, such as storing a job's result, is
    not disturbed. Counts are of requests: a client that tries again meets the fault again.

    Parameters
    ----------
    sleep
        Waits for some seconds.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._sleep = sleep

    def throttle(self, operation: str, times: int | None = 1) -> None:
        """Refuse requests as too many (``ThrottlingException``; of S3, ``SlowDown``)."""
        self._add(_THROTTLE, operation, times)

    def server_error(self, operation: str, times: int | None = 1) -> None:
        """Answer with an error of the service (HTTP 500); nothing is done."""
        self._add(_ERROR, operation, times)

    def slow(self, operation: str, seconds: float, times: int | None = None) -> None:
        """Let requests wait before they are done."""
        self._add(_SLOW, operation, times, seconds)

    def expired_token(self, operation: str = "*", times: int | None = 1) -> None:
        """Refuse requests, as their credentials had their day (``ExpiredTokenException``)."""
        self._add(_EXPIRED, operation, times)

    def drop_during(self, operation: str, times: int | None = 1) -> None:
        """Lose the connection while the request arrives, half of its body; nothing is done."""
        self._add(_BROKEN, operation, times)

    def drop_after(self, operation: str, times: int | None = 1) -> None:
        """Do what is asked, and lose the connection before the answer."""
        self._add(_LOST, operation, times)

    def no_capacity(self, instance_type: str, times: int | None = 1) -> None:
        """Let jobs on instances of that type fail, as there are none (``CapacityError``)."""
        self._add(_CAPACITY, instance_type, times)

    def clear(self) -> None:
        """Let all go well again."""
        with self._lock:
            self._faults.clear()

    def has_capacity(self, instance_type: str) -> bool:
        """Whether a job on such instances can start; uses up one fault if not."""
        return self._take((_CAPACITY,), instance_type) is None

    def delay(self, operation: str) -> None:
        """Wait if such requests are slow."""
        fault = self._take((_SLOW,), operation)
        if fault is not None:
            self._sleep(fault.seconds)

    def refusal(self, operation: str) -> tuple[int, str, str] | None:
        """Give status, code and message if such a request is refused now."""
        fault = self._take((_THROTTLE, _ERROR, _EXPIRED), operation)
        if fault is None:
            return None
        is_storage = operation.startswith("s3.")
        if fault.kind == _THROTTLE:
            if is_storage:
                return 503, "SlowDown", "Please reduce your request rate."
            return 400, "ThrottlingException", "Rate exceeded"
        if fault.kind == _EXPIRED:
            if is_storage:
                return 400, "ExpiredToken", "The provided token has expired."
            message = "The security token included in the request is expired"
            return 400, "ExpiredTokenException", message
        code = "InternalError" if is_storage else "InternalFailure"
        return 500, code, "We encountered an internal error. Please try again."

    def breaks_request(self, operation: str) -> bool:
        """Whether such a request arrives in part only."""
        return self._take((_BROKEN,), operation) is not None

    def loses_answer(self, operation: str) -> bool:
        """Whether the answer to such a request is lost now."""
        return self._take((_LOST,), operation) is not None

    def _add(self, kind: str, pattern: str, times: int | None, seconds: float = 0.0) -> None:
        if times is not None and times < 1:
            raise ConfigError(
                f"a fault is to happen {times} times",
                hint="Give 1 or more, or None for always, until clear().",
            )
        with self._lock:
            self._faults.append(Fault(kind=kind, pattern=pattern, left=times, seconds=seconds))

    def _take(self, kinds: tuple[str, ...], name: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and fnmatchcase(name, fault.pattern):
                    if fault.left is not None:
                        fault.left -= 1
                        if fault.left == 0:
                            self._faults.remove(fault)
                    return fault
        return None


def cut_connection(environ: dict[str, Any]) -> None:
    """Close the connection of a request, so that its answer does not arrive."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
