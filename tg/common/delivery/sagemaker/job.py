"""The job that wraps a training task."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ..._core.errors import ConfigError
from ..._core.logger import Logger
from ...contract.task import TrainingTask
from ..runtime.entry_point import EntryPoint
from ..runtime.folders import TrainingFolders
from ..runtime.result_folder import ResultFolder
from ..runtime.stopping import StopSignal
from .environment import SagemakerEnvironment

__all__ = ["SagemakerJob"]

_JOB_NAME = "TRAINING_JOB_NAME"  # a variable that SageMaker sets


class SagemakerJob:
    """A task that runs under the SageMaker training contract.

    Parameters
    ----------
    task
        What is trained.

    Raises
    ------
    ConfigError
        It is not a task.
    """

    takes_runtime: ClassVar[bool] = True

    def __init__(self, task: TrainingTask) -> None:
        if not callable(getattr(task, "run_with_environment", None)):
            raise ConfigError(
                f"{task!r} is not a training task",
                hint="Derive it from TrainingTask, or wrap a function: FunctionTask(function).",
            )
        self.task = task

    def run(
        self, *, entry_point: EntryPoint, folders: TrainingFolders, stop: StopSignal | None = None
    ) -> None:
        """Train, and fill the model folder.

        Parameters
        ----------
        entry_point
            The package that this job came from.
        folders
            Where data are and results go.
        stop
            The request to stop.
        """
        Logger.info("This is Sagemaker Job performing a training task")
        result = ResultFolder(folders.model)
        Logger.info("Preparing package properties...")
        Logger.info(json.dumps(entry_point.properties))
        result.write_properties(entry_point.properties)
        Logger.info("Preparing package file...")
        package = _package_file()
        result.write_package(package, is_own=_is_of_this_run(package))
        Logger.info("Processing hyperparameters...")
        hyperparameters = self.apply_hyperparameters(folders.hyperparameters())
        Logger.info("Model initialized. Jsonpickling...")
        result.write_task(self.task)
        objective = folders.tuning_objective()
        if objective is not None and _JOB_NAME in os.environ:
            folders.separate_checkpoints(os.environ[_JOB_NAME])
        Logger.info("Starting training now...")
        env = SagemakerEnvironment(folders, entry_point.renaming, stop)
        self.task.run_with_environment(folders.dataset(), env)
        _check_objective(objective, env.metrics)
        result.write_summary(
            entry_point.manifest,
            metrics=env.metrics,
            hyperparameters=hyperparameters,
            provenance=json.loads(os.environ.get("TG_PROVENANCE") or "{}"),
        )

    def apply_hyperparameters(self, values: dict[str, Any]) -> dict[str, Any]:
        """Set the task's fields and say so in the log."""
        if not values:
            Logger.info("No hyperparameters are provided")
            return {}
        applied = self.task.apply_hyperparameters(values)
        for path, value in applied.items():
            Logger.info(f"Hyperparameter {path} is {value!r}")
        return applied


def _check_objective(objective: str | None, metrics: Mapping[str, float]) -> None:
    """Say in the log if a tuner will not find what it looks for: the training itself was fine."""
    if objective is not None and objective not in metrics:
        Logger.warning(
            f"The tuner looks for the metric {objective!r}, which this training has not reported, "
            f"only: {', '.join(metrics) or 'none'}"
        )


def _is_of_this_run(package: Path) -> bool:
    run_folder = os.environ.get("TG_RUN_FOLDER")
    if not run_folder or package.is_symlink():
        return False
    return package.is_relative_to(run_folder)


def _package_file() -> Path:
    package = Path(os.environ.get("TG_PACKAGE_FILE") or "TG_PACKAGE_FILE is not set")
    if not package.is_file():
        raise ConfigError(
            f"the package's archive is not to be found: {package}",
            hint="Set TG_PACKAGE_FILE to the path of the package that this run was made from.",
        )
    return package
