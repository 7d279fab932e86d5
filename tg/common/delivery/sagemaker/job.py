"""The job that wraps a training task."""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import jsonpickle

from ..._core.errors import ConfigError
from ..._core.logger import Logger
from ...contract.manifest import ResultManifest
from ...contract.task import TrainingTask
from ..runtime.entry_point import EntryPoint
from ..runtime.folders import TrainingFolders
from ..runtime.stopping import StopSignal
from .environment import SagemakerEnvironment

__all__ = ["PACKAGE_FILE", "SagemakerJob"]

PACKAGE_FILE = "package.tag.gz"  # the documented name
_METRICS_PROTOCOL = 1


class SagemakerJob:
    """A task that runs under the SageMaker training contract.

    The result folder holds the package (``package.tag.gz``), what is known of it
    (``package.json``), the task (``task.json``), the metrics (``metrics.json``), a manifest
    (``manifest.json``) and the task's artifacts.

    Parameters
    ----------
    task
        What is trained.

    Raises
    ------
    ConfigError
        It is not a task.
    """

    takes_runtime = True

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
        folders.model.mkdir(parents=True, exist_ok=True)
        Logger.info("Preparing package properties...")
        properties = json.dumps(entry_point.properties)
        Logger.info(properties)
        (folders.model / "package.json").write_text(properties, encoding="utf-8")
        Logger.info("Preparing package file...")
        self._copy_package(folders.model)
        Logger.info("Processing hyperparameters...")
        hyperparameters = self.apply_hyperparameters(folders.hyperparameters())
        Logger.info("Model initialized. Jsonpickling...")
        (folders.model / "task.json").write_text(task_json(self.task), encoding="utf-8")
        Logger.info("Starting training now...")
        env = SagemakerEnvironment(folders, entry_point.renaming, stop)
        self.task.run_with_environment(folders.dataset(), env)
        write_summary(folders.model, entry_point, hyperparameters, env.metrics)

    def apply_hyperparameters(self, values: dict[str, Any]) -> dict[str, Any]:
        """Set the task's fields and say so in the log."""
        if not values:
            Logger.info("No hyperparameters are provided")
            return {}
        applied = self.task.apply_hyperparameters(values)
        for path, value in applied.items():
            Logger.info(f"Hyperparameter {path} is {value!r}")
        return applied

    def _copy_package(self, model: Path) -> None:
        package = os.environ.get("TG_PACKAGE_FILE")
        if not package or not Path(package).is_file():
            raise ConfigError(
                f"the package's archive is not at {package!r}",
                hint="Set TG_PACKAGE_FILE to the path of the package that this run was made from.",
            )
        shutil.copyfile(package, model / PACKAGE_FILE)


def task_json(task: object) -> str:
    """Describe a task as readable JSON; it is for people, the pickle is for machines."""
    try:
        text: str = jsonpickle.encode(task, indent=1)
    except Exception as exc:  # noqa: BLE001 a description must not end a training
        Logger.warning(f"The task could not be jsonpickled: {exc!r}")
        text = json.dumps({"py/repr": repr(task)})
    return text


def write_summary(
    model: Path,
    entry_point: EntryPoint,
    hyperparameters: dict[str, Any],
    metrics: dict[str, float],
) -> None:
    """Write ``metrics.json`` and ``manifest.json`` beside the artifacts."""
    values = {"protocol": _METRICS_PROTOCOL, "metrics": metrics}
    (model / "metrics.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    manifest = ResultManifest(
        package=vars(entry_point.manifest),
        package_file=PACKAGE_FILE,
        python=platform.python_version(),
        hyperparameters={path: repr(value) for path, value in hyperparameters.items()},
        provenance=json.loads(os.environ.get("TG_PROVENANCE") or "{}"),
        files={
            path.relative_to(model).as_posix(): path.stat().st_size
            for path in sorted(model.rglob("*"))
            if path.is_file()
        },
    )
    (model / ResultManifest.FILE_NAME).write_bytes(manifest.to_json())
