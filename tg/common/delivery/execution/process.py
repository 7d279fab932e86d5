"""Trainings in a fresh interpreter, through the real package and the real ``train``."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from ..._core.errors import RunTimeoutError, StorageError, TgError
from ..._core.file_lock import FileLock
from ..._core.process import Child
from ...contract.manifest import ResultManifest
from ...contract.run_state import RunState
from ..delivery.packaging import Package
from ..runtime.folders import TRACEBACK_LIMIT
from .checkpoint_store import CheckpointStore
from .environments import PythonEnvironment
from .process_identity import is_alive, process_identity, submitter, submitter_is_alive
from .process_launch import launch, training_folders
from .request import TrainingRequest
from .result_loader import ResultLoader
from .run import Run
from .run_folder import RunFolder, RunRecord

__all__ = ["ProcessRun"]

_POLL_SECONDS = 0.05
_GRACE_SECONDS = 120.0  # as SageMaker gives
_START_SECONDS = 30.0
_SETTLING_SECONDS = 3600.0  # another process may be writing a large archive
_STOPPED_EXIT_CODE = 128 + signal.SIGTERM


class ProcessRun(Run):
    """A training in a process of its own, which outlives the one that started it.

    Parameters
    ----------
    folder
        What is kept of it.
    child
        The process, where this process started it.
    """

    def __init__(self, folder: RunFolder, child: Child | None = None) -> None:
        self._folder = folder
        self._child = child

    @classmethod
    def start(
        cls, request: TrainingRequest, package: Package, environment: PythonEnvironment
    ) -> ProcessRun:
        """Start a training; the interpreter goes on without this process."""
        runs = request.runs_folder
        folder = RunFolder.create(runs, request.name, "process", details=submitter())
        checkpoints = _checkpoints_of(folder).claim(
            request.fingerprint(package),
            folder.run_id,
            lambda run_id: not cls(RunFolder.find(runs, run_id)).state.is_final,
        )
        try:
            child = launch(request, package, environment, folder, checkpoints)
        except BaseException:
            shutil.rmtree(folder.path, ignore_errors=True)  # nothing was started
            raise
        return cls(folder, child)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._folder.run_id

    @property
    def state(self) -> RunState:
        """How far it is; looked up where it runs.

        Raises
        ------
        StorageError
            The training has completed, but the disk has no room for its result; look again when
            there is some.
        """
        record = self._folder.read()
        if self._child is not None:
            self._child.poll()
        if record.state.is_final:
            return record.state
        with FileLock(self._folder.path / "lock", timeout_seconds=_SETTLING_SECONDS):
            record = self._folder.read()
            if record.state.is_final:
                return record.state
            if self._is_running(record):
                _kill_if_overdue(record)
                return record.state
            return self._settle(record)

    def logs(self) -> Iterator[str]:
        """Follow the log file."""
        ended = False
        position = 0
        rest = b""
        while True:
            data = b""
            if self._folder.log_file.exists():
                with self._folder.log_file.open("rb") as file:
                    file.seek(position)
                    data = file.read()
                    position = file.tell()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line.decode("utf-8", "replace")
            if ended:
                break
            ended = self.state.is_final  # what it wrote before it ended is read once more
            if not ended:
                time.sleep(_POLL_SECONDS)
        if rest:
            yield rest.decode("utf-8", "replace")

    def wait(self, timeout_seconds: float | None = None) -> ProcessRun:
        """Wait until it ends."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self.state.is_final:
            if deadline is not None and time.monotonic() > deadline:
                raise RunTimeoutError(
                    f"run {self.id} has not ended within {timeout_seconds} seconds",
                    hint="It goes on: wait again, or cancel it.",
                )
            time.sleep(_POLL_SECONDS)
        self._folder.raise_for_state()
        return self

    def cancel(self) -> None:
        """Send SIGTERM: the training keeps its checkpoints and ends, or is killed 120 s later."""
        if self.state.is_final:
            return
        with FileLock(self._folder.path / "lock", timeout_seconds=_SETTLING_SECONDS):
            record = self._folder.read()
            if record.state.is_final:
                return
            details = {**record.details, "stopping_at": time.time()}
            self._folder.update(state=RunState.STOPPING, details=details)
            _signal(record, signal.SIGTERM)

    def result(self) -> ResultLoader:
        """Open the result."""
        state = self.state
        if not state.is_final:
            raise RunTimeoutError(
                f"run {self.id} is {state.value}", hint="Wait for it: run.wait().result()."
            )
        return self._folder.result()

    def _is_running(self, record: RunRecord) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        details = record.details
        if "pid" in details:
            return is_alive(details["pid"], details["process"])
        if submitter_is_alive(details):
            return True  # it is about to be started
        # its submitter died before it could say what it had started: the training said so itself
        pid = self._folder.read_number("pid")
        if pid is None and self._folder.log_age_seconds() < _START_SECONDS:
            return True  # an interpreter that was started takes a moment to say so
        identity = process_identity(pid) if pid is not None else ""
        if not identity:
            return False
        self._folder.update(details={**details, "pid": pid, "process": identity})
        return True

    def _settle(self, record: RunRecord) -> RunState:
        exit_code = self._child.poll() if self._child else self._folder.read_number("exit_code")
        stopped = exit_code in (None, _STOPPED_EXIT_CODE, -signal.SIGTERM, -signal.SIGKILL)
        if record.state is RunState.STOPPING and stopped:
            self._folder.update(state=RunState.STOPPED, exit_code=exit_code)
            self._folder.remove_work()
            return RunState.STOPPED
        if exit_code != 0:
            return self._fail(self._reason(exit_code), exit_code)
        training = training_folders(self._folder)
        if not self._folder.result_file.is_file():  # else one that settled it before has died
            if not (training.model / ResultManifest.FILE_NAME).is_file():
                return self._fail("the training has ended well, but left no whole result", 0)
            try:
                self._folder.archive(training.model)
            except StorageError:
                raise
            except (TgError, OSError) as exc:
                return self._fail(f"the result cannot be kept: {exc}", 0)
        self._folder.update(state=RunState.COMPLETED, exit_code=0)
        # only now: if this process dies here, nothing is lost
        checkpoints = record.details.get("checkpoints")
        if checkpoints:
            _checkpoints_of(self._folder).discard(Path(checkpoints))
        self._folder.remove_work()
        return RunState.COMPLETED

    def _fail(self, reason: str, exit_code: int | None) -> RunState:
        return self._folder.update(state=RunState.FAILED, failure=reason, exit_code=exit_code).state

    def _reason(self, exit_code: int | None) -> str:
        with contextlib.suppress(OSError):
            failure = training_folders(self._folder).failure_file
            return failure.read_text(encoding="utf-8", errors="replace")
        if exit_code is not None and exit_code < 0:
            how = f"the process was ended by {signal.Signals(-exit_code).name}"
        elif exit_code is not None:
            how = f"the process ended with exit code {exit_code}"
        elif self._folder.log_file.exists():
            how = "the process was ended from outside, by SIGKILL or with the machine"
        else:
            return "the process that submitted it ended before the training had started"
        tail = self._folder.log_tail(TRACEBACK_LIMIT)
        return f"{tail}\n{how}" if tail else how


def _checkpoints_of(folder: RunFolder) -> CheckpointStore:
    return CheckpointStore(folder.path.parent.parent / "checkpoints")


def _signal(record: RunRecord, number: int) -> None:
    if "pid" in record.details and is_alive(record.details["pid"], record.details["process"]):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(record.details["pid"], number)


def _kill_if_overdue(record: RunRecord) -> None:
    stopping_at = record.details.get("stopping_at")
    if stopping_at is not None and time.time() - stopping_at > _GRACE_SECONDS:
        _signal(record, signal.SIGKILL)
