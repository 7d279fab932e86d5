"""Trainings in a fresh interpreter, through the real package and the real ``train``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from ..._core.errors import RunTimeoutError, TgError
from ..._core.file_lock import FileLock
from ..._core.process import Child, start
from ...contract.run_state import RunState
from ..delivery.packaging import Package
from ..runtime.folders import MAIN_CHANNEL, TrainingFolders
from ..runtime.package_archive import unpack_package
from .environments import PythonEnvironment
from .process_identity import is_alive, process_identity
from .provenance import provenance_of
from .request import TrainingRequest
from .result_loader import ResultLoader
from .run import Run
from .run_folder import RunFolder, RunRecord

__all__ = ["ProcessRun"]

_POLL_SECONDS = 0.05
_GRACE_SECONDS = 120.0  # as SageMaker gives
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
        """Make the folders of the contract and start the interpreter."""
        code = unpack_package(package.path)
        me = {"submitter": os.getpid(), "submitter_process": process_identity(os.getpid())}
        folder = RunFolder.create(request.runs_folder, request.name, "process", details=me)
        training = TrainingFolders(folder.work / "opt" / "ml")
        training.create(request.hyperparameters)
        _link_dataset(request.dataset, training.input_data / MAIN_CHANNEL)
        checkpoints = request.checkpoint_folder(package)
        checkpoints.mkdir(parents=True, exist_ok=True)
        training.checkpoints.rmdir()
        training.checkpoints.symlink_to(checkpoints, target_is_directory=True)
        module = f"{package.manifest.module_name}.tg.common.delivery.runtime.main"
        child = start(
            [str(environment.python), "-m", module, package.manifest.module_name],
            cwd=folder.work,
            env={
                "PYTHONPATH": str(code),
                "PYTHONUNBUFFERED": "1",
                "TQDM_DISABLE": os.environ.get("TQDM_DISABLE", "1"),  # a log file shows no bars
                "PYTHONNOUSERSITE": "1",
                "PYTHONHOME": None,
                "VIRTUAL_ENV": None,
                "SAGEMAKER_BASE_DIR": str(training.base),
                "TG_PACKAGE_FILE": str(package.path),
                "TG_PROVENANCE": json.dumps(provenance_of(folder)),
                "TG_EXIT_CODE_FILE": str(_exit_code_file(folder)),
            },
            output_path=folder.log_file,
        )
        details = {
            **me,
            "pid": child.pid,
            "process": process_identity(child.pid),
            "checkpoints": str(checkpoints),
            "module_name": package.manifest.module_name,
        }
        folder.update(state=RunState.IN_PROGRESS, details=details)
        return cls(folder, child)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._folder.run_id

    @property
    def state(self) -> RunState:
        """How far it is; looked up where it runs."""
        record = self._folder.read()
        exit_code = self._exit_code(record)
        if record.state.is_final:
            return record.state
        if exit_code is None:
            _kill_if_overdue(record)
            return record.state
        with FileLock(self._folder.path / "lock", timeout_seconds=_SETTLING_SECONDS):
            record = self._folder.read()
            return record.state if record.state.is_final else self._settle(record, exit_code)

    def logs(self) -> Iterator[str]:
        """Follow the log file."""
        ended = False
        position = 0
        rest = b""
        while True:
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
        record = self._folder.read()
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

    def _exit_code(self, record: RunRecord) -> int | None:
        if self._child is not None:
            return self._child.poll()
        details = record.details
        if "pid" not in details:  # it has not started yet, or never will
            submitting = is_alive(details["submitter"], details["submitter_process"])
            return None if submitting else -signal.SIGKILL
        if is_alive(details["pid"], details["process"]):
            return None
        try:  # it ended while nobody watched
            return int(_exit_code_file(self._folder).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return -signal.SIGKILL

    def _settle(self, record: RunRecord, exit_code: int) -> RunState:
        training = TrainingFolders(self._folder.work / "opt" / "ml")
        stopped = exit_code in (_STOPPED_EXIT_CODE, -signal.SIGTERM)
        if record.state is RunState.STOPPING and (stopped or exit_code == -signal.SIGKILL):
            self._folder.remove_work()
            return self._folder.update(state=RunState.STOPPED).state
        if exit_code != 0:
            failure = _failure_of(record, training, exit_code)
            return self._folder.update(
                state=RunState.FAILED, failure=failure, exit_code=exit_code
            ).state
        try:
            self._folder.archive(training.model)
        except TgError as exc:
            failure = f"the training has ended well, but its result cannot be kept: {exc}"
            return self._folder.update(state=RunState.FAILED, failure=failure).state
        _empty(Path(record.details["checkpoints"]))
        self._folder.remove_work()
        return self._folder.update(state=RunState.COMPLETED, exit_code=0).state


def _link_dataset(dataset: Path, channel: Path) -> None:
    source = dataset.resolve()
    if source.is_dir():
        channel.symlink_to(source, target_is_directory=True)
        return
    channel.mkdir()
    (channel / source.name).symlink_to(source)


def _empty(checkpoints: Path) -> None:
    # the folder itself stays: another run of the very same training may be writing to it
    for path in checkpoints.glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _exit_code_file(folder: RunFolder) -> Path:
    return folder.path / "exit_code"


def _failure_of(record: RunRecord, training: TrainingFolders, exit_code: int) -> str:
    if "pid" not in record.details:
        return "the process that submitted it ended before the training had started"
    with contextlib.suppress(OSError):
        return training.failure_file.read_text(encoding="utf-8", errors="replace")
    if exit_code < 0:
        return f"the process was ended by {signal.Signals(-exit_code).name}"
    return f"the process ended with exit code {exit_code} and left no reason"


def _signal(record: RunRecord, number: int) -> None:
    if "pid" in record.details and is_alive(record.details["pid"], record.details["process"]):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(record.details["pid"], number)


def _kill_if_overdue(record: RunRecord) -> None:
    stopping_at = record.details.get("stopping_at")
    if stopping_at is not None and time.time() - stopping_at > _GRACE_SECONDS:
        _signal(record, signal.SIGKILL)
