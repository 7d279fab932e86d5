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
from .refusals import TROUBLES, Refusal, refusal_of

__all__ = ["Fault", "Faults", "Mishap", "cut_connection"]

_THROTTLE, _ERROR, _SLOW = "throttle", "server error", "slow"
_EXPIRED, _DENIED = "expired token", "access denied"
_BROKEN, _LOST = "broken request", "lost answer"
_CAPACITY, _INTERRUPTION, _BREAKDOWN = "no capacity", "interruption", "breakdown"


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
    spared
        How many of the next such requests go well.
    seconds
        How long a slow request waits.
    """

    kind: str
    pattern: str
    left: int | None
    spared: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Mishap:
    """What will happen to the instances of a job.

    Attributes
    ----------
    is_interruption
        Whether they are taken away, as spot instances are; or else they break.
    seconds
        How long after the training began.
    """

    is_interruption: bool
    seconds: float


class Faults:
    """What goes wrong, and how often.

    An operation is ``service.Operation``, such as ``sagemaker.CreateTrainingJob``; a pattern such
    as ``s3.*`` or ``*`` means several. All services of the rehearsal can be meant: ``s3``,
    ``sagemaker``, ``logs``, ``sts``, ``iam``, ``ecr``, ``servicequotas``, and ``registry``, which
    holds the images: ``registry.Login``, ``registry.StartUpload``, ``registry.UploadLayer``,
    ``registry.FinishUpload``, ``registry.PutManifest``, ``registry.HeadLayer``,
    ``registry.GetLayer``, ``registry.HeadManifest``, ``registry.GetManifest`` and
    ``registry.ListTags``. ``*`` means those of the registry as well.

    `times` is how often it happens, ``None`` for always, until `clear`; `after` is how many such
    requests go well first, so that ``throttle("s3.UploadPart", after=2)`` meets the third. Counts
    are of requests: a client that tries again meets the next fault, or none. The cloud's own work,
    such as storing a job's result, is not disturbed.

    Of several faults that fit one request, the one that was asked for first happens; the others
    wait for the next.

    Parameters
    ----------
    sleep
        Waits for some seconds.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._happened = 0
        self._sleep = sleep

    @property
    def happened(self) -> int:
        """How many faults have happened."""
        return self._happened

    def throttle(self, operation: str, times: int | None = 1, *, after: int = 0) -> None:
        """Refuse requests as too many.

        The code is ``ThrottlingException``; of S3 ``SlowDown``, of the registry
        ``TOOMANYREQUESTS``.
        """
        self._add(_THROTTLE, operation, times, after=after)

    def server_error(self, operation: str, times: int | None = 1, *, after: int = 0) -> None:
        """Answer with an error of the service (HTTP 500); nothing is done."""
        self._add(_ERROR, operation, times, after=after)

    def slow(
        self, operation: str, seconds: float, times: int | None = None, *, after: int = 0
    ) -> None:
        """Let requests wait before they are done."""
        self._add(_SLOW, operation, times, seconds, after=after)

    def expired_token(self, operation: str = "*", times: int | None = 1, *, after: int = 0) -> None:
        """Refuse requests, as their credentials had their day.

        The code is ``ExpiredTokenException``; of S3 ``ExpiredToken``, of the registry ``DENIED``,
        as of a login that is older than twelve hours.
        """
        self._add(_EXPIRED, operation, times, after=after)

    def access_denied(self, operation: str, times: int | None = None, *, after: int = 0) -> None:
        """Refuse requests that the caller has no permission for (``AccessDeniedException``)."""
        self._add(_DENIED, operation, times, after=after)

    def drop_during(self, operation: str, times: int | None = 1, *, after: int = 0) -> None:
        """Lose the connection while the request arrives, half of its body; nothing is done."""
        self._add(_BROKEN, operation, times, after=after)

    def drop_after(self, operation: str, times: int | None = 1, *, after: int = 0) -> None:
        """Do what is asked, and lose the connection before the answer."""
        self._add(_LOST, operation, times, after=after)

    def no_capacity(self, instance_type: str, times: int | None = 1, *, after: int = 0) -> None:
        """Let jobs on instances of that type fail, as there are none (``CapacityError``)."""
        self._add(_CAPACITY, instance_type, times, after=after)

    def interruption(
        self,
        job_name: str = "*",
        times: int | None = 1,
        *,
        after: int = 0,
        seconds: float = 0.0,
    ) -> None:
        """Take the spot instances of jobs away, some seconds after the training began.

        It is told by SIGTERM, checkpoints are stored, and the job starts again. Jobs that do not
        run on spot instances are spared, and do not count.
        """
        self._add(_INTERRUPTION, job_name, times, seconds, after=after)

    def breakdown(
        self,
        job_name: str = "*",
        times: int | None = 1,
        *,
        after: int = 0,
        seconds: float = 0.0,
    ) -> None:
        """Let the instances of jobs break, some seconds after the training began.

        Nothing is told to the container, and what was not stored is lost. The job fails with
        ``InternalServerError``, or starts again if its ``RetryStrategy`` says so.
        """
        self._add(_BREAKDOWN, job_name, times, seconds, after=after)

    def clear(self) -> None:
        """Let all go well again."""
        with self._lock:
            self._faults.clear()

    def has_capacity(self, instance_type: str) -> bool:
        """Whether a job on such instances can start; uses up one fault if not."""
        return self._take((_CAPACITY,), instance_type) is None

    def mishap(self, job_name: str, *, is_spot: bool) -> Mishap | None:
        """Tell what will happen to the instances of a job that begins to train now."""
        kinds = (_INTERRUPTION, _BREAKDOWN) if is_spot else (_BREAKDOWN,)
        fault = self._take(kinds, job_name)
        if fault is None:
            return None
        return Mishap(is_interruption=fault.kind == _INTERRUPTION, seconds=fault.seconds)

    def delay(self, operation: str) -> None:
        """Wait if such requests are slow."""
        fault = self._take((_SLOW,), operation)
        if fault is not None:
            self._sleep(fault.seconds)

    def refusal(self, operation: str) -> Refusal | None:
        """Give what is answered if such a request is refused now."""
        fault = self._take(tuple(TROUBLES), operation)
        return None if fault is None else refusal_of(fault.kind, operation)

    def breaks_request(self, operation: str) -> bool:
        """Whether such a request arrives in part only."""
        return self._take((_BROKEN,), operation) is not None

    def loses_answer(self, operation: str) -> bool:
        """Whether the answer to such a request is lost now."""
        return self._take((_LOST,), operation) is not None

    def _add(
        self,
        kind: str,
        pattern: str,
        times: int | None,
        seconds: float = 0.0,
        *,
        after: int = 0,
    ) -> None:
        if times is not None and times < 1:
            raise ConfigError(
                f"a fault is to happen {times} times",
                hint="Give 1 or more, or None for always, until clear().",
            )
        if after < 0 or seconds < 0:
            raise ConfigError(
                f"a fault is to happen after {after} requests and {seconds:g} seconds",
                hint="Give 0 or more.",
            )
        fault = Fault(kind=kind, pattern=pattern, left=times, seconds=seconds, spared=after)
        with self._lock:
            self._faults.append(fault)

    def _take(self, kinds: tuple[str, ...], name: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.kind not in kinds or not fnmatchcase(name, fault.pattern):
                    continue
                if fault.spared:
                    fault.spared -= 1
                    continue
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left == 0:
                        self._faults.remove(fault)
                self._happened += 1
                return fault
        return None


def cut_connection(environ: dict[str, Any]) -> None:
    """Close the connection of a request, so that its answer does not arrive."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
