"""The jobs of a Ray cluster: the one way to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from ..._core.errors import EngineError, EngineUnavailableError, MissingDependencyError

__all__ = ["JobLookup", "RayJob", "RayJobs", "jobs_at"]

_LATER = "try again later"
_FINAL = ("STOPPED", "SUCCEEDED", "FAILED")
_NOT_FOUND = 404
# as Ray's client, `SubmissionClient._raise_error`, begins what it says
_STATUS = re.compile(r"Request failed with status code (\d{3})\b")


@dataclass(frozen=True, kw_only=True)
class RayJob:
    """What a cluster says of a job.

    Attributes
    ----------
    status
        ``PENDING``, ``RUNNING``, ``STOPPED``, ``SUCCEEDED`` or ``FAILED``.
    message
        The same in the cluster's words.
    error_type
        Why it failed, as Ray's ``JobErrorType`` has it; empty if it did not.
    exit_code
        What its command returned; ``None`` if it did not come to an end by itself.
    """

    status: str
    message: str = ""
    error_type: str = ""
    exit_code: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in _FINAL


class JobLookup(Protocol):
    """Tells of jobs by their ids: the cluster itself, or what it has said of many at once."""

    def info(self, job_id: str) -> RayJob | None:
        """Tell of a job; ``None`` if there is none."""


class RayJobs:
    """Starts, finds and stops jobs through Ray's jobs API.

    A job's id is ours to give, and a cluster takes each once: to start a job twice is to find it.

    Parameters
    ----------
    address
        Where the cluster takes jobs; what Ray itself finds if ``None``.
    """

    def __init__(self, address: str | None = None) -> None:
        self.address = address
        self._known: Any = None
        self._connecting = threading.Lock()

    @property
    def location(self) -> str:
        """Where the cluster takes jobs, as other processes find it.

        Raises
        ------
        EngineUnavailableError
            None was found.
        """
        return self.address or str(self._call("get_address"))

    def info(self, job_id: str) -> RayJob | None:
        """Tell of a job; ``None`` if there is none.

        Raises
        ------
        EngineUnavailableError
            The cluster does not answer.
        """
        try:
            return _job_of(self._call("get_job_info", job_id))
        except EngineError as exc:
            if _status(exc) == _NOT_FOUND:
                return None
            raise

    def all(self) -> dict[str, RayJob]:
        """Tell of all jobs, by their ids."""
        return {
            job.submission_id: _job_of(job) for job in self._call("list_jobs") if job.submission_id
        }

    def start(
        self,
        job_id: str,
        command: str,
        *,
        asks: Mapping[str, Any],
        runtime_env: Mapping[str, Any],
        metadata: Mapping[str, str],
    ) -> None:
        """Start a job, unless one of its id goes on.

        One of its id that has ended is forgotten first: it was not started for this training.

        Parameters
        ----------
        job_id
            Its id.
        command
            The shell command.
        asks
            What it takes of a node, in Ray's words.
        runtime_env
            What is made for it on the node.
        metadata
            What people see of it in Ray's dashboard.
        """
        known = self.info(job_id)
        if known is not None:
            if not known.is_final:
                return
            self._call("delete_job", job_id)
        try:
            self._call(
                "submit_job",
                entrypoint=command,
                submission_id=job_id,
                runtime_env=dict(runtime_env),
                metadata=dict(metadata),
                **asks,
            )
        except EngineError:
            # its answer may have been lost, or another was faster
            if self.info(job_id) is None:
                raise

    def stop(self, job_id: str) -> None:
        """Ask a job to stop; one that has ended, or is not there, is left as it is."""
        try:
            self._call("stop_job", job_id)
        except EngineError as exc:
            if _status(exc) != _NOT_FOUND:
                raise

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(self._client(), method)(*args, **kwargs)
        except OSError as exc:  # as are all errors of the library that Ray's client sends with
            raise EngineUnavailableError(
                f"the Ray cluster{self._place} does not answer: {exc}",
                hint="Is it up, and is this the address of its dashboard, such as "
                "http://HEAD:8265? Start one here: ray start --head.",
            ) from exc
        except RuntimeError as exc:
            lines = dict.fromkeys(str(exc).strip().splitlines())
            said = " ... ".join([*lines][:1] + [*lines][1:][-1:])
            # such as a head that has no agent yet
            kind = EngineUnavailableError if _LATER in said else EngineError
            raise kind(
                f"the Ray cluster{self._place} refuses {method}: {said}",
                hint="See the log of its dashboard.",
            ) from exc

    @property
    def _place(self) -> str:
        return "" if self.address is None else f" at {self.address}"

    def _client(self) -> Any:
        with self._connecting:
            if self._known is None:
                try:
                    from ray.job_submission import (  # noqa: PLC0415 an optional library
                        JobSubmissionClient,
                    )
                except ImportError as exc:
                    raise MissingDependencyError(
                        "trainings on a Ray cluster need Ray, which is not installed",
                        hint="Install it: pip install 'training-grounds[ray]'.",
                    ) from exc
                self._known = JobSubmissionClient(self.address)
            return self._known


@cache
def jobs_at(address: str | None) -> RayJobs:
    """Give the cluster at an address, which is connected to once in a process."""
    return RayJobs(address)


def _status(error: EngineError) -> int | None:
    """Give the status code that the cluster has answered with."""
    # the error's own text has the address and a job's id in it, which may hold any number
    found = _STATUS.match(str(error.__cause__))
    return int(found[1]) if found else None


def _job_of(info: Any) -> RayJob:
    return RayJob(
        status=str(info.status.value),
        message=info.message or "",
        error_type=str(getattr(info.error_type, "value", info.error_type) or ""),
        exit_code=info.driver_exit_code,
    )
