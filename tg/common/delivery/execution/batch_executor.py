"""Executors that start the real package, one training at a time or many."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ..delivery.packaging import Package
from .following import follow_run
from .launcher import Launcher, Training
from .place import Place
from .request import TrainingRequest
from .run import Executor, Run

__all__ = ["BatchExecutor", "FollowingExecutor"]


class BatchExecutor(Executor):
    """Packs the code as it is now, prepares its place, and starts a training there, or many."""

    @property
    @abstractmethod
    def place(self) -> Place:
        """Where trainings run, and what can be said of it."""

    @property
    @abstractmethod
    def scope(self) -> str:
        """What tells the runs of its batches from those of other executors."""

    @abstractmethod
    def request(self, hyperparameters: Mapping[str, Any] | None) -> TrainingRequest:
        """Fix what is to be run."""

    @abstractmethod
    def check(self, request: TrainingRequest) -> None:
        """Refuse what cannot work, as far as that is known before anything is packed."""

    @abstractmethod
    def prepare(self, request: TrainingRequest, package: Package) -> Launcher:
        """Build and send what all runs of a package share, unless it is there."""

    def submit(self, hyperparameters: Mapping[str, Any] | None = None) -> Run:
        """Pack the code as it is now, make what it needs unless it is there, and start a training.

        Parameters
        ----------
        hyperparameters
            ``path.to.field:type`` to value, set on the task where it runs.

        Returns
        -------
        Run
            The training, which goes on by itself; in this process, one that has ended.

        Raises
        ------
        ConfigError
            Something cannot work; nothing was packed.
        PackagingError
            The code cannot be packed; nothing was started.
        EnvironmentSetupError, ImageBuildError
            Its libraries cannot be installed, or its image cannot be built.
        MissingDependencyError, EngineUnavailableError
            What would run it is not here, or does not answer.
        """
        request = self.request(hyperparameters)
        self.check(request)
        package = request.packaging.make_package()
        training = Training(
            fingerprint=request.fingerprint(package), hyperparameters=request.hyperparameters
        )
        return self.prepare(request, package).start(training)


class FollowingExecutor(BatchExecutor):
    """One whose runs go on by themselves, and are followed."""

    def execute(self, hyperparameters: Mapping[str, Any] | None = None) -> str:
        """Train, pass the log on line by line, and wait; Ctrl-C ends the training as well.

        Returns
        -------
        str
            The run's id, for :meth:`load_result`.

        Raises
        ------
        TrainingFailedError
            The training failed; the end of its traceback is in the error.
        """
        return follow_run(self.submit(hyperparameters))
