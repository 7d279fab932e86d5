"""A training on a Ray cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..._core.command_output import follow_file
from ..._core.errors import EngineError
from ...contract.run_state import RunState
from ..execution.ending import Ending
from ..execution.failure_kind import FailureKind
from ..execution.local_run import LocalRun
from ..execution.process_identity import submitter_is_alive
from ..execution.run_folder import RunFolder
from ..execution.run_record import RunRecord
from ..runtime.told_number import EXIT_CODE
from .jobs import JobLookup, RayJob, RayJobs, jobs_at

__all__ = ["RayRun"]

_POLL_SECONDS = 0.5
_SIGKILL, _SIGTERM = 9, 15
# what a shell says, or Ray, of what a signal has ended
_SIGNALLED = (-_SIGKILL, -_SIGTERM, 128 + _SIGKILL, 128 + _SIGTERM)
_KINDS = {
    "JOB_SUPERVISOR_ACTOR_START_TIMEOUT": FailureKind.CAPACITY,
    "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE": FailureKind.CAPACITY,
    "JOB_SUPERVISOR_ACTOR_DIED": FailureKind.INTERRUPTED,
}
_MESSAGE_CHARACTERS = 2_000


class RayRun(LocalRun):
    """A training in a job of a Ray cluster, which is called as the run is.

    Parameters
    ----------
    folder
        What is kept of it, where the nodes see it as well.
    jobs
        The cluster.
    seen
        What tells of the job; the cluster if not given.
    """

    def __init__(self, folder: RunFolder, jobs: RayJobs, seen: JobLookup | None = None) -> None:
        super().__init__(folder)
        self._jobs = jobs
        self._seen = seen or jobs

    @classmethod
    def open(cls, folder: RunFolder, opener: Mapping[str, Any]) -> RayRun:
        """Find it again by what is kept of it."""
        return cls(folder, jobs_at(opener.get("address")))

    @property
    def state(self) -> RunState:
        """How far it is; it is pending until a node has begun with it."""
        state = super().state
        # the look itself may have found that one has
        return self._folder.read().state if state is RunState.PENDING else state

    def logs(self) -> Iterator[str]:
        """Follow the log file."""
        return follow_file(self._folder.log_file, _Rarely(self))

    def _has_traces(self, record: RunRecord) -> bool:
        del record
        return self._jobs.info(self.id) is not None

    def _undo_launch(self) -> None:
        with contextlib.suppress(EngineError):
            self._jobs.stop(self.id)

    def _ending(self, record: RunRecord) -> Ending | None:
        job = self._seen.info(self.id)
        if job is None:
            return self._unknown(record)
        if job.status == "PENDING":
            if record.state is not RunState.STOPPING:
                return None
            # no node has begun with it, and none will: what it would run is removed
            return Ending(exit_code=None, how="it was cancelled in time", was_signalled=True)
        if not job.is_final:
            if record.state is RunState.PENDING:
                self._folder.update(state=RunState.IN_PROGRESS)
            return None
        return self._ended(job)

    def _ended(self, job: RayJob) -> Ending:
        exit_code = job.exit_code
        if exit_code is None:
            exit_code = self._folder.read_number(EXIT_CODE)
        was_signalled = exit_code is None or exit_code in _SIGNALLED
        return Ending(
            exit_code=exit_code,
            how=_how(job, exit_code, has_begun=self._folder.log_file.exists()),
            kind=self._kind(job, was_signalled=was_signalled),
            was_signalled=was_signalled,
        )

    def _kind(self, job: RayJob, *, was_signalled: bool) -> FailureKind:
        if job.error_type in _KINDS:
            return _KINDS[job.error_type]
        if not self._folder.log_file.exists():
            return FailureKind.ENGINE  # libraries, or the folder, which its node does not see
        return FailureKind.INTERRUPTED if was_signalled else FailureKind.TASK

    def _unknown(self, record: RunRecord) -> Ending | None:
        exit_code = self._folder.read_number(EXIT_CODE)
        if exit_code is not None:
            return Ending(exit_code=exit_code, how=f"it ended with exit code {exit_code}")
        if record.state is RunState.PENDING and submitter_is_alive(record.details):
            return None  # it is about to be submitted
        return Ending(
            exit_code=None,
            how="the cluster does not know the job: it was never submitted, or the cluster was "
            "started anew",
            kind=FailureKind.INTERRUPTED,
            was_signalled=True,
        )

    def _signal(self, record: RunRecord, name: str) -> None:
        del record
        if name == "TERM":  # the cluster itself kills what has not ended by then
            self._jobs.stop(self.id)

    def _pause(self, limit_seconds: float | None) -> None:
        time.sleep(_POLL_SECONDS if limit_seconds is None else min(limit_seconds, _POLL_SECONDS))


class _Rarely:
    """Whether a run has ended, asked of the cluster twice a second at most."""

    def __init__(self, run: RayRun) -> None:
        self._run = run
        self._next = 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self._next:
            return False
        has_ended = self._run.state.is_final
        self._next = time.monotonic() + _POLL_SECONDS
        return has_ended


def _how(job: RayJob, exit_code: int | None, *, has_begun: bool) -> str:
    if has_begun and exit_code is not None:
        return f"the training ended with exit code {exit_code}"
    said = job.message[-_MESSAGE_CHARACTERS:].strip()
    if has_begun or job.error_type not in ("", "JOB_ENTRYPOINT_COMMAND_ERROR"):
        return f"Ray says: {said}"
    return (
        "the node could not begin: do all nodes see the folder of the run, under the same path and "
        f"as the same user? Ray says: {said}"
    )
