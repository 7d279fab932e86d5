"""Trainings in a fresh interpreter, through the real package and the real ``train``."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..._core.command_output import follow_file
from ..._core.process import Child
from ...contract.run_state import RunState
from ..runtime.told_number import EXIT_CODE, PID
from .ending import Ending
from .failure_kind import FailureKind
from .late_start import GIVEN_UP, is_forestalled
from .local_run import LocalRun
from .process_identity import is_alive, process_identity, signal_group, submitter_is_alive
from .run_folder import RunFolder
from .run_record import RunRecord

__all__ = ["ProcessRun"]

_POLL_SECONDS = 0.05
# an interpreter takes a moment to say that it has started; then it is not let begin any more, or
# waited for where that cannot be seen to
_START_SECONDS, _LATE_START_SECONDS = 3.0, 30.0
# nobody knows, what the runtime returns when asked to stop, and what the system says of a kill
_SIGNALLED_EXIT_CODES = (None, 128 + signal.SIGTERM, -signal.SIGTERM, -signal.SIGKILL)


class ProcessRun(LocalRun):
    """A training in a process of its own, which outlives the one that started it.

    Parameters
    ----------
    folder
        What is kept of it.
    child
        The process, where this process started it.
    """

    def __init__(self, folder: RunFolder, child: Child | None = None) -> None:
        super().__init__(folder)
        self._child = child

    def follow(self, child: Child) -> None:
        """Know how the process ends that this one has started."""
        self._child = child

    @property
    def state(self) -> RunState:
        """How far it is; looked up where it runs."""
        if self._child is not None:
            self._child.poll()  # reaps it, also where another process has settled the run
        return super().state

    def logs(self) -> Iterator[str]:
        """Follow the log file."""
        return follow_file(self._folder.log_file, lambda: self.state.is_final)

    def _has_traces(self, record: RunRecord) -> bool:
        del record
        return self._folder.log_file.exists()  # made right before the interpreter is started

    def _undo_launch(self) -> None:
        """Do nothing: there is no process yet if a launch fails."""

    def _ending(self, record: RunRecord) -> Ending | None:
        if self._is_running(record):
            return None
        exit_code = self._child.poll() if self._child else self._folder.read_number(EXIT_CODE)
        return Ending(
            exit_code=exit_code,
            how=self._how(exit_code),
            kind=self._kind(record, exit_code),
            was_signalled=exit_code in _SIGNALLED_EXIT_CODES,
        )

    def _signal(self, record: RunRecord, name: str) -> None:
        if "pid" in record.details and is_alive(record.details["pid"], record.details["process"]):
            signal_group(record.details["pid"], signal.Signals[f"SIG{name}"])

    def _pause(self, limit_seconds: float | None) -> None:
        del limit_seconds
        time.sleep(_POLL_SECONDS)

    def _goes_on(self, record: RunRecord) -> bool | None:
        if record.state is RunState.IN_PROGRESS and "server" in record.details:
            return self._has_process(record.details)
        return None

    def _is_running(self, record: RunRecord) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        details = record.details
        if "pid" in details:
            return self._has_process(details)
        if submitter_is_alive(details):
            return True  # it is about to be started
        # its submitter died before it could say what it had started: the training said so itself
        pid = self._folder.read_number(PID)
        if pid is None:
            return self._may_yet_begin()
        identity = "" if pid == GIVEN_UP else process_identity(pid)
        if not identity:
            return False
        self._folder.update(details={**details, "pid": pid, "process": identity})
        return True

    def _has_process(self, details: Mapping[str, Any]) -> bool:
        runs = is_alive(details["pid"], details["process"])
        if "server" not in details:
            return runs
        # what was forked tells its exit code last of all; if it could not, its server does
        return self._folder.read_number(EXIT_CODE) is None and (
            runs or is_alive(details["server"], details["server_process"])
        )

    def _may_yet_begin(self) -> bool:
        """Whether it may be about to begin that was started by whoever has died meanwhile."""
        age = self._folder.log_age_seconds()
        if age < _START_SECONDS or not self._folder.log_file.exists():
            return age < _START_SECONDS
        return not is_forestalled(self._folder.path) and age < _LATE_START_SECONDS

    @property
    def _has_begun(self) -> bool:
        number = self._folder.read_number(PID)
        return self._folder.log_file.exists() and number != GIVEN_UP

    def _kind(self, record: RunRecord, exit_code: int | None) -> FailureKind:
        if exit_code is None and "pid" in record.details and not self._has_begun:
            return FailureKind.ENGINE  # it was started, and could not begin
        if exit_code in _SIGNALLED_EXIT_CODES:
            return FailureKind.INTERRUPTED
        return FailureKind.TASK

    def _how(self, exit_code: int | None) -> str:
        if exit_code is not None and exit_code < 0:
            return f"the process was ended by {signal.Signals(-exit_code).name}"
        if exit_code is not None:
            return f"the process ended with exit code {exit_code}"
        if self._has_begun:
            return "the process was ended from outside, by SIGKILL or with the machine"
        return "the process that submitted it ended before the training had started"
