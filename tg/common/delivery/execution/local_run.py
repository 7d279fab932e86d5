"""What all trainings on this machine have in common, once they have a place of their own."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from ..._core.errors import RunTimeoutError, StorageError, TgError
from ...contract.manifest import ResultManifest
from ...contract.run_state import RunState
from ..runtime.folders import TRACEBACK_LIMIT, TrainingFolders
from .checkpoint_store import CheckpointStore
from .ending import Ending
from .failure_kind import FailureKind
from .logged_metrics import LoggedMetrics
from .model_folder import ModelFolder
from .process_identity import submitter
from .result_loader import ResultLoader
from .run import Run
from .run_folder import RunFolder
from .run_record import RunRecord

__all__ = ["GRACE_SECONDS", "LocalRun", "checkpoints_of", "training_folders"]

GRACE_SECONDS = 120.0  # as SageMaker gives
_FAILURE_BYTES = 4 * TRACEBACK_LIMIT


class LocalRun(Run):
    """A training that outlives the process that started it, and is kept in a run folder.

    Whoever asks for its state first after its end settles it, under a lock: archives the result,
    writes the final record and removes what it worked on.

    Parameters
    ----------
    folder
        What is kept of it.
    """

    # how the training sees its model folder, if not as this machine does
    _model_place: str | None = None

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._metrics = LoggedMetrics(folder.log_file)

    @classmethod
    def open(cls, folder: RunFolder, opener: Mapping[str, Any]) -> Self:
        """Find it again by what is kept of it.

        Parameters
        ----------
        folder
            What is kept of it.
        opener
            What its record says of how to do that.
        """
        del opener
        return cls(folder)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._folder.run_id

    def begin(
        self,
        training: str,
        *,
        executor: str,
        is_running: Callable[[str], bool],
        launch: Callable[[Path], None],
        opener: Mapping[str, Any] | None = None,
    ) -> None:
        """Start what goes on without this process, unless somebody has.

        Whoever comes meanwhile waits, and finds it started. If its starter is killed before
        anything was launched, the next one launches it.

        Parameters
        ----------
        training
            Tells the training from every other: by it, checkpoints of an unfinished run are found.
        executor
            Which executor runs it.
        is_running
            Whether another run of the project goes on, by its id.
        launch
            Starts it; given the folder that stands for its checkpoints.
        opener
            What :meth:`open` needs, and the class that has it as ``kind``.
        """
        with self._folder.lock():
            record = self._folder.read() if self._folder.has_record else None
            if record is not None and self._was_launched(record):
                return
            if record is None or record.details != submitter():
                self._folder.write_pending(executor, submitter(), opener)
            self._folder.remove_work()  # of a starter that was killed
            try:
                launch(checkpoints_of(self._folder).claim(training, self.id, is_running))
            except BaseException:
                self._undo_launch()
                self._folder.forget()
                raise

    def _was_launched(self, record: RunRecord) -> bool:
        return record.state is not RunState.PENDING or self._has_traces(record)

    @property
    def failure_kind(self) -> FailureKind | None:
        """What is to blame for its failure; ``None`` unless it failed."""
        if self.state is not RunState.FAILED:
            return None
        return self._folder.read().failure_kind

    @property
    def state(self) -> RunState:
        """How far it is; looked up where it runs.

        Raises
        ------
        StorageError
            The training has completed, but the disk has no room for its result; look again when
            there is some.
        EngineUnavailableError
            It runs in a container, and the engine does not answer.
        """
        record = self._folder.read()
        if record.state.is_final or self._goes_on(record):
            return record.state
        with self._folder.lock():
            record = self._folder.read()
            if record.state.is_final:
                return record.state
            ending = self._ending(record)
            if ending is None:
                self._kill_if_overdue(record)
                return record.state
            return self._settle(self._folder.read(), ending)

    @property
    def has_ended(self) -> bool:
        """Whether it has ended; what came out of it may still have to be kept."""
        record = self._folder.read()
        goes_on = False if record.state.is_final else self._goes_on(record)
        return self.state.is_final if goes_on is None else not goes_on

    def metric_values(self) -> dict[str, list[float]]:
        """Give every value that was reported so far, by name, in the order of the log."""
        return self._metrics.values()

    def wait(self, timeout_seconds: float | None = None) -> LocalRun:
        """Wait until it ends."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self.state.is_final:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise RunTimeoutError(
                    f"run {self.id} has not ended within {timeout_seconds} seconds",
                    hint="It goes on: wait again, or cancel it.",
                )
            self._pause(left)
        self._folder.raise_for_state()
        return self

    def cancel(self) -> None:
        """Send SIGTERM: the training keeps its checkpoints and ends, or is killed 120 s later."""
        if self.state.is_final:
            return
        with self._folder.lock():
            record = self._folder.read()
            if record.state.is_final:
                return
            self._change(record, RunState.STOPPING, stopping_at=time.time())
            self._signal(record, "TERM")

    def result(self) -> ResultLoader:
        """Open the result."""
        state = self.state
        if not state.is_final:
            raise RunTimeoutError(
                f"run {self.id} is {state.value}", hint="Wait for it: run.wait().result()."
            )
        return self._folder.result()

    @abstractmethod
    def _has_traces(self, record: RunRecord) -> bool:
        """Whether something may have been launched by whoever wrote that it is about to begin."""

    @abstractmethod
    def _undo_launch(self) -> None:
        """Remove what a launch that failed has left outside of the run's folder."""

    def _goes_on(self, record: RunRecord) -> bool | None:
        """Whether it goes on, if a quick look by many at a time can tell."""
        del record
        return None

    @abstractmethod
    def _ending(self, record: RunRecord) -> Ending | None:
        """Tell how it ended, or ``None`` while it runs."""

    @abstractmethod
    def _signal(self, record: RunRecord, name: str) -> None:
        """Send a signal, ``TERM`` or ``KILL``, to what runs."""

    @abstractmethod
    def _pause(self, limit_seconds: float | None) -> None:
        """Wait a while, or until it has ended."""

    def _change(self, record: RunRecord, state: RunState, **details: Any) -> RunRecord:
        return self._folder.update(state=state, details={**record.details, **details})

    def _kill_if_overdue(self, record: RunRecord) -> None:
        stopping_at = record.details.get("stopping_at")
        if stopping_at is not None and time.time() - stopping_at > GRACE_SECONDS:
            self._signal(record, "KILL")

    def _settle(self, record: RunRecord, ending: Ending) -> RunState:
        exit_code = ending.exit_code
        if record.state is RunState.STOPPING and ending.was_signalled:
            self._folder.update(state=RunState.STOPPED, exit_code=exit_code)
            self._folder.remove_work()
            return RunState.STOPPED
        if exit_code != 0:
            return self._fail(self._reason(ending), exit_code, ending.kind)
        training = training_folders(self._folder)
        if not self._folder.result_file.is_file():  # else one that settled it before has died
            if not (training.model / ResultManifest.FILE_NAME).is_file():
                return self._fail("the training has ended well, but left no whole result", 0)
            try:
                self._folder.archive(ModelFolder(training.model, self._model_place))
            except StorageError:
                raise
            except (TgError, OSError) as exc:
                return self._fail(f"the result cannot be kept: {exc}", 0)
        self._folder.update(state=RunState.COMPLETED, exit_code=0)
        # only now: if this process dies here, nothing is lost
        checkpoints = record.details.get("checkpoints")
        if checkpoints:
            checkpoints_of(self._folder).discard(Path(checkpoints))
        self._folder.remove_work()
        return RunState.COMPLETED

    def _fail(
        self, reason: str, exit_code: int | None, kind: FailureKind = FailureKind.TASK
    ) -> RunState:
        return self._folder.update(
            state=RunState.FAILED, failure=reason, exit_code=exit_code, failure_kind=kind
        ).state

    def _reason(self, ending: Ending) -> str:
        with contextlib.suppress(OSError):
            text = _end_of_file(training_folders(self._folder).failure_file).strip()
            if text:  # a full disk leaves it empty
                return text if ending.kind is FailureKind.TASK else f"{text}\n{ending.how}"
        tail = self._folder.log_tail(TRACEBACK_LIMIT)
        return f"{tail}\n{ending.how}" if tail else ending.how


def _end_of_file(path: Path) -> str:
    """Read the end of a file that a training may have made into anything else.

    A link, which meant something else in a container, or a pipe, in which nothing may ever come,
    has none.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        return ""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _FAILURE_BYTES))
        return file.read(_FAILURE_BYTES).decode("utf-8", "replace")


def training_folders(folder: RunFolder) -> TrainingFolders:
    """Give what stands for ``/opt/ml`` in a run's folder."""
    return TrainingFolders(folder.work / "opt" / "ml")


def checkpoints_of(folder: RunFolder) -> CheckpointStore:
    """Give where the project of a run keeps checkpoints."""
    return CheckpointStore(folder.path.parent.parent / "checkpoints")
