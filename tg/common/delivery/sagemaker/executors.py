"""The places where a SageMaker job runs."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ..._core.errors import (
    ConfigError,
    EngineUnavailableError,
    FormatError,
    RunError,
    RunNotFoundError,
)
from ..._core.logger import Logger
from ..execution.attached import AttachedRun, AttachedTraining
from ..execution.container_options import ContainerOptions
from ..execution.container_run import ContainerRun
from ..execution.environments import EnvironmentCache
from ..execution.kept_run import open_run
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
        if not isinstance(config, SagemakerConfig):
            raise ConfigError(
                f"an executor takes a SagemakerConfig, not {type(config).__name__}",
                hint="Of a routine that is routine.config; or ask it: routine.local().",
            )
        self.config = config

    def run(self, run_id: str) -> Run:
        """Find a run of the project again, whichever executor ran it."""
        folder = RunFolder.find(self.config.runs_folder, run_id)
        return open_run(folder, self.config.containering.engine)

    def is_running(self, run_id: str) -> bool:
        """Whether a run goes on, whichever executor runs it; one that was removed does not."""
        try:
            return not self.run(run_id).state.is_final
        except (RunNotFoundError, FormatError):
            return False
        except EngineUnavailableError:
            return True  # for all that is known


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


class FollowingExecutor(SagemakerExecutor):
    """What executors share whose runs go on by themselves, and are followed."""

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


class SagemakerProcessExecutor(FollowingExecutor):
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
        return ProcessRun.start(request, package, environment, is_running=self.is_running)


class SagemakerLocalExecutor(FollowingExecutor):
    """Runs the job in a container on this machine, as SageMaker would.

    The image is built of the code as it is now, unless it is there. Files belong to the user, any
    number runs in parallel, and trainings outlive the process that submits them.

    Parameters
    ----------
    config
        What is run.
    options
        What the container may take, and what it is given.

    Example
    -------
    >>> from ..execution.container_options import ContainerOptions
    >>> ContainerOptions(memory_gib=4, cpus=2).arguments[:2]
    ('--memory', '4294967296')
    """

    def __init__(self, config: SagemakerConfig, options: ContainerOptions | None = None) -> None:
        super().__init__(config)
        self.options = options or ContainerOptions()

    def submit(self, hyperparameters: Mapping[str, Any] | None = None) -> ContainerRun:
        """Pack the code as it is now, build its image if need be, and start a container.

        Raises
        ------
        EngineUnavailableError
            There is no container engine; :class:`SagemakerProcessExecutor` needs none.
        ImageBuildError
            The image could not be built.
        """
        request = self.config.request(hyperparameters)
        package = request.packaging.make_package()
        containering = self.config.containering
        image = containering.make_container(package)
        return ContainerRun.start(
            request,
            image,
            self.options,
            engine=containering.engine,
            fingerprint=request.fingerprint(package),
            is_running=self.is_running,
        )
