"""Trainings that took place in this very process."""

from __future__ import annotations

from collections.abc import Iterator

from ..._core.errors import RunTimeoutError, TgError
from ...contract.run_state import RunState
from .failure_kind import FailureKind
from .logged_metrics import LoggedMetrics
from .process_identity import submitter_is_alive
from .result_loader import ResultLoader
from .run import Run
from .run_folder import RunFolder

__all__ = ["AttachedRun"]


class AttachedRun(Run):
    """A training that took place in this process and was kept like any other.

    Parameters
    ----------
    folder
        What is kept of it.
    error
        What the training raised, where this process ran it.
    """

    def __init__(self, folder: RunFolder, error: TgError | None = None) -> None:
        self._folder = folder
        self._error = error
        self._metrics = LoggedMetrics(folder.log_file)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._folder.run_id

    @property
    def state(self) -> RunState:
        """How it ended; failed also if its process died on the way."""
        record = self._folder.read()
        if not record.state.is_final and not submitter_is_alive(record.details):
            reason = "the process that trained ended before the training did"
            record = self._folder.update(
                state=RunState.FAILED, failure=reason, failure_kind=FailureKind.INTERRUPTED
            )
        return record.state

    @property
    def failure_kind(self) -> FailureKind | None:
        """What is to blame for its failure; ``None`` unless it failed."""
        return self._folder.read().failure_kind if self.state is RunState.FAILED else None

    def logs(self) -> Iterator[str]:
        """Give the lines of its log."""
        if self._folder.log_file.exists():
            yield from self._folder.log_file.read_text(encoding="utf-8").splitlines()

    def metric_values(self) -> dict[str, list[float]]:
        """Give every value that was reported so far, by name, in the order of the log."""
        return self._metrics.values()

    def wait(self, timeout_seconds: float | None = None) -> AttachedRun:
        """Give this run back, or raise what the training raised."""
        del timeout_seconds
        if self._error is not None:
            raise self._error
        if not self.state.is_final:
            raise RunTimeoutError(
                f"run {self.id} goes on in another process", hint="Wait for it there."
            )
        self._folder.raise_for_state()
        return self

    def cancel(self) -> None:
        """Do nothing: it has ended."""

    def result(self) -> ResultLoader:
        """Open the result."""
        return self._folder.result()
