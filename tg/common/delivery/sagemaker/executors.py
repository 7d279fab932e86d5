"""The places where a SageMaker job runs."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ..._core.errors import RunError, RunNotFoundError
from ..._core.logger import Logger
from ..execution.attached import AttachedRun, AttachedTraining
from ..execution.environments import EnvironmentCache
from ..execution.process import ProcessRun
from ..execution.run import Executor, Run
from ..execution.run_folder import RunFolder
from .config import SagemakerConfig

__all__ = ["SagemakerAttachedExecutor", "SagemakerLocalExecutor", "SagemakerProcessExecutor"]


class SagemakerExecutor(Executor):
    """What the executors on this machine share.

    Parameters
    ----------
    config
        What is run.
    """

    def __init__(self, config: SagemakerConfig) -> None:
        self.config = config

    def run(self, run_id: str) -> Run:
        """Find a run of the project again, whichever executor ran it."""
        folder = RunFolder.find(self.config.runs_folder, run_id)
        executor = folder.read().executor
        kinds: dict[str, type[AttachedRun | ProcessRun]] = {
            "attached": AttachedRun,
            "process": ProcessRun,
        }
        if executor not in kinds:
            raise RunNotFoundError(
                f"run {run_id!r} was made by the executor {executor!r}, unknown to this version",
                hint="Use a newer version of training-grounds.",
            )
        return kinds[executor](folder)


class SagemakerAttachedExecutor(SagemakerExecutor):
    """Runs the job in this process, on a copy of the task: for a first try, and for debugging."""

    def submit(self, hyperparameters: Mapping[str, Any] | None = None) -> AttachedRun:
        """Train here, and keep the result as every executor does; returns when it has ended."""
        return AttachedRun.start(self.config.request(hyperparameters))

    def execute(self, hyperparameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Train here, and give what came out without keeping it.

        Returns
        -------
        dict
            ``{"metrics": {name: float}, "runs": {0: {"model": ..., ...}}, "log": [str]}``.

        Raises
        ------
        TrainingFailedError
            The task raised an error, which is its cause.
        """
        return AttachedTraining(self.config.request(hyperparameters)).run()


class SagemakerProcessExecutor(SagemakerExecutor):
    """Runs the real package in a fresh interpreter; needs no container engine.

    The interpreter is that of a virtual environment with just the libraries the package is locked
    to, made once for each lock. Trainings outlive the process that submits them.

    Parameters
    ----------
    config
        What is run.
    environments
        Where virtual environments are kept.
    """

    def __init__(
        self, config: SagemakerConfig, environments: EnvironmentCache | None = None
    ) -> None:
        super().__init__(config)
        self._environments = environments or EnvironmentCache(on_line=Logger.plain)

    def submit(self, hyperparameters: Mapping[str, Any] | None = None) -> ProcessRun:
        """Pack the code as it is now, start the training, and return at once."""
        request = self.config.request(hyperparameters)
        package = request.packaging.make_package()
        manifest = package.manifest
        environment = self._environments.get(manifest.lock, resolve=not manifest.lock_is_complete)
        return ProcessRun.start(request, package, environment)

    def execute(self, hyperparameters: Mapping[str, Any] | None = None) -> str:
        """Train, pass the log on line by line, and wait.

        Returns
        -------
        str
            The run's id, for :meth:`load_result`.

        Raises
        ------
        TrainingFailedError
            The training failed; the end of its traceback is in the error.
        """
        run = self.submit(hyperparameters)
        try:
            for line in run.logs():
                Logger.plain(f"{run.id} | {line}")
            run.wait()
        except KeyboardInterrupt:
            run.cancel()
            with contextlib.suppress(RunError):
                run.wait()
            raise
        return run.id


class SagemakerLocalExecutor(SagemakerProcessExecutor):
    """Runs the job on this machine as SageMaker would.

    It does so in a fresh interpreter, as :class:`SagemakerProcessExecutor`, under the same
    ``/opt/ml`` contract that a container has; no image is built.
    """
