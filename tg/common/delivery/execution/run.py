"""A training that was started, and the protocol of what starts it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..._core.logger import Logger
from ...contract.metric_line import metric_values
from ...contract.run_state import RunState
from ...contract.task import TrainingTask
from .failure_kind import FailureKind
from .result_loader import ResultLoader

if TYPE_CHECKING:
    from .task_batch import TaskBatch

__all__ = ["Executor", "Run"]


class Run(ABC):
    """A training that was started.

    It may be held by another process: everything is looked up when it is asked for.
    """

    @property
    @abstractmethod
    def id(self) -> str:
        """What the run is called, for ever."""

    @property
    @abstractmethod
    def state(self) -> RunState:
        """How far it is."""

    @property
    def has_ended(self) -> bool:
        """Whether it has ended; what came out of it may still have to be kept."""
        return self.state.is_final

    @property
    @abstractmethod
    def failure_kind(self) -> FailureKind | None:
        """What is to blame for its failure; ``None`` unless it failed.

        What a place has stopped by itself has failed as well: at SageMaker a run that took too
        long is `RunState.STOPPED`, and the kind is ``TIMEOUT``.
        """

    @abstractmethod
    def logs(self) -> Iterator[str]:
        """Give the lines of its log, those to come as well, until it ends."""

    def metric_values(self) -> dict[str, list[float]]:
        """Give every value that was reported so far, by name, in the order of the log.

        Unlike the metrics of the result they are there while the training runs, and each name has
        all of its values. Of several hosts, the values of all of them.
        """
        return metric_values(self.logs()) if self.state.is_final else {}

    @abstractmethod
    def wait(self, timeout_seconds: float | None = None) -> Run:
        """Wait until it ends.

        Returns
        -------
        Run
            This run, completed.

        Raises
        ------
        RunTimeoutError
            It has not ended by then; it goes on.
        TrainingFailedError
            The training failed; the end of its traceback is in the error.
        RunCancelledError
            It was cancelled.
        """

    @abstractmethod
    def cancel(self) -> None:
        """Ask it to stop; :meth:`wait` tells when it has. A run that has ended is left as it is."""

    @abstractmethod
    def result(self) -> ResultLoader:
        """Open the result of a completed run.

        Raises
        ------
        RunError
            It did not complete.
        """

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}: {self.state.value}>"


class Executor(ABC):
    """Runs trainings in one kind of place."""

    @abstractmethod
    def submit(self, hyperparameters: Mapping[str, Any] | None = None) -> Run:
        """Start a training and return at once.

        Parameters
        ----------
        hyperparameters
            ``path.to.field:type`` to value, set on the task where it runs.

        Raises
        ------
        ConfigError
            Something cannot work; nothing was started.
        PackagingError
            The code cannot be packed; nothing was started.
        """

    @abstractmethod
    def run(self, run_id: str) -> Run:
        """Find a run again, from any process.

        Raises
        ------
        RunNotFoundError
            There is none of that id.
        """

    @abstractmethod
    def batch(self, tasks: Mapping[str, TrainingTask], *, batch_id: str = "") -> TaskBatch:
        """Take many tasks, which share one package and one image, to start each in its turn.

        Parameters
        ----------
        tasks
            Name to task, as they are now.
        batch_id
            Tells this batch from others of the same tasks: by it, by the task and by the attempt a
            run is found again, whoever asks.

        Raises
        ------
        ConfigError
            Something cannot work; nothing was packed.
        UnpicklableError
            Some tasks cannot be pickled; each is named, with what is wrong.
        """

    @abstractmethod
    def execute(self, hyperparameters: Mapping[str, Any] | None = None) -> Any:
        """Start a training and wait for it."""

    def load_result(self, run_id: str) -> ResultLoader:
        """Open the result of a run, and list in the log what is in it."""
        loader = self.run(run_id).result()
        for name in loader.list():
            Logger.plain(name)
        return loader

    get_result = load_result
