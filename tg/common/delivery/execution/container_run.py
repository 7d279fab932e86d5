"""Trainings in a container of this machine's engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ..._core.command_output import follow_file
from ..._core.errors import EngineError
from ...contract.run_state import RunState
from ..docker.containers import Containers, ContainerState
from ..docker.engine import DockerEngine
from ..runtime.folders import CONTAINER_BASE
from .ending import Ending
from .failure_kind import FailureKind
from .local_run import GRACE_SECONDS, LocalRun
from .printed_metrics import PrintedMetrics
from .process_identity import submitter_is_alive
from .run_folder import RunFolder
from .run_record import RunRecord

__all__ = ["ContainerRun"]

_STEP_SECONDS = 5.0
_START_SECONDS = 30.0  # a client whose submitter was killed may still start its container
_SUBMITTER_KILLED = "its submitter was killed"
_STOPPED = 143  # what the runtime returns when it was asked to stop
_KILLED = 137
_MIB = 2**20


class ContainerRun(LocalRun):
    """A training in a container, which outlives the process that started it.

    The container is called as the run is. It is removed when the run is settled, that is when its
    state is asked for after its end.

    Parameters
    ----------
    folder
        What is kept of it.
    engine
        Where it runs.
    """

    _model_place = f"{CONTAINER_BASE}/model"

    def __init__(self, folder: RunFolder, engine: DockerEngine) -> None:
        super().__init__(folder)
        self._engine = engine
        self._containers = Containers(engine)
        self._printed_metrics = PrintedMetrics(self._containers, self.id)

    def logs(self) -> Iterator[str]:
        """Follow the container's output, and give what was kept of it after its end."""
        is_followed = False
        if not self._folder.read().state.is_final:
            for line in self._containers.logs(self.id):
                is_followed = True
                yield line
        if not is_followed:
            yield from follow_file(self._folder.log_file, lambda: self.state.is_final)

    def metric_values(self) -> dict[str, list[float]]:
        """Give every value that was reported so far, by name, in the order of the log."""
        if not self._folder.log_file.exists():  # it is written when the container has ended
            found = self._printed_metrics.values()
            if not self._folder.log_file.exists():
                return found
        return super().metric_values()

    def _has_traces(self, record: RunRecord) -> bool:
        return "image" in record.details  # written right before the engine is asked

    def _undo_launch(self) -> None:
        with contextlib.suppress(EngineError):
            self._containers.remove(self.id)

    def _ending(self, record: RunRecord) -> Ending | None:
        if "ended" in record.details:  # the one who looked first has died before it was settled
            self._containers.remove(self.id)
            return _ending(record.details, **record.details["ended"])
        state = self._containers.inspect(self.id)
        if (state is None or not state.has_started) and _is_about_to_start(record):
            return None
        if state is None:
            return Ending(
                exit_code=None,
                how="its container is gone: it was removed by somebody else, or never started",
                kind=FailureKind.INTERRUPTED,
                was_signalled=True,
            )
        if state.is_running:
            if record.state is RunState.PENDING:  # who started it did not live to say so
                record = self._folder.update(state=RunState.IN_PROGRESS)
            self._kill_if_too_long(record, state)
            return None
        self._containers.save_log(self.id, self._folder.log_file)
        ended: dict[str, Any] = {
            "exit_code": state.exit_code if state.has_started else None,
            "is_out_of_memory": state.is_out_of_memory,
            "memory_limit_bytes": state.memory_limit_bytes,
            "ran_seconds": state.age_seconds,
            "error": state.error or ("" if state.has_started else _SUBMITTER_KILLED),
        }
        self._folder.update(details={**record.details, "ended": ended})
        self._containers.remove(self.id)
        return _ending(record.details, **ended)

    def _signal(self, record: RunRecord, name: str) -> None:
        del record
        self._containers.signal(self.id, name)

    def _pause(self, limit_seconds: float | None) -> None:
        limit = _STEP_SECONDS if limit_seconds is None else min(limit_seconds, _STEP_SECONDS)
        self._containers.wait(self.id, limit)

    def _kill_if_overdue(self, record: RunRecord) -> None:
        super()._kill_if_overdue(record)
        if record.state is RunState.STOPPING:
            # process 1 ignores a request that comes in its first moments; a second one, while the
            # first is followed, is ignored by the runtime
            self._signal(record, "TERM")

    def _kill_if_too_long(self, record: RunRecord, state: ContainerState) -> None:
        timeout = record.details.get("timeout_seconds")
        if timeout is not None and state.age_seconds > timeout + GRACE_SECONDS:
            self._containers.signal(self.id, "KILL")  # it was asked to stop, from inside


def _is_about_to_start(record: RunRecord) -> bool:
    if record.state is not RunState.PENDING:
        return False
    age = datetime.now(UTC) - datetime.fromisoformat(record.started_at)
    return submitter_is_alive(record.details) or age.total_seconds() < _START_SECONDS


def _ending(
    details: Any,
    *,
    exit_code: int | None,
    is_out_of_memory: bool,
    memory_limit_bytes: int,
    ran_seconds: float,
    error: str,
) -> Ending:
    timeout = details.get("timeout_seconds")
    how, kind = f"the container ended with exit code {exit_code}", FailureKind.TASK
    if error == _SUBMITTER_KILLED:
        how, kind = f"the container was not started: {error}", FailureKind.INTERRUPTED
    elif error:
        how, kind = f"the container could not be started: {error}", FailureKind.ENGINE
    elif is_out_of_memory:
        limit = (
            f"its limit of {memory_limit_bytes / _MIB:,.0f} MiB"
            if memory_limit_bytes
            else "this machine has"
        )
        how, kind = f"it was killed: it took more memory than {limit}", FailureKind.MEMORY
    elif timeout is not None and ran_seconds >= timeout and exit_code in (_STOPPED, _KILLED):
        how, kind = f"it was ended: it took longer than {timeout:g} seconds", FailureKind.TIMEOUT
    elif exit_code == _STOPPED:
        how = "it was asked to stop from outside (exit code 143); its checkpoints are kept"
        kind = FailureKind.INTERRUPTED
    elif exit_code == _KILLED:
        how, kind = "it was killed from outside (exit code 137)", FailureKind.INTERRUPTED
    return Ending(
        exit_code=exit_code,
        how=how,
        kind=kind,
        was_signalled=exit_code in (_STOPPED, _KILLED),
    )
