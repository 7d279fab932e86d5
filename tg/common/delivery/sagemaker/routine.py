"""Every way to run one task, set up in one line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..._core.errors import NamingError
from ..._core.loc import Loc
from ...contract.task import TrainingTask
from ..delivery.containering import Containering
from ..delivery.dependency_list import DependencyList
from ..delivery.package_name import check_name
from ..delivery.packaging import Packaging
from ..execution.batch_executor import BatchExecutor
from ..execution.container_options import ContainerOptions
from ..execution.package_batch import PackageBatch
from .batch import make_batch
from .config import SagemakerConfig
from .executors import (
    SagemakerAttachedExecutor,
    SagemakerLocalExecutor,
    SagemakerProcessExecutor,
)
from .job import SagemakerJob
from .options import SagemakerOptions
from .remote_executor import SagemakerRemoteExecutor
from .remote_options import RemoteOptions

__all__ = ["SagemakerRoutine"]


class SagemakerRoutine:
    """Sets up a task for every place where it can run.

    Parameters
    ----------
    task
        What is trained. Its ``info["name"]`` is set if it has none.
    dataset
        The dataset: a file or folder in the project's folder of datasets.
    project_name
        The project.
    datasets_folder
        The folder that holds a folder of datasets for each project;
        ``Loc.data_cache_path / "datasets"`` if not given.
    name
        The package's name; if not given, the task's ``info["name"]`` where a package may be called
        so, else its class.
    version
        The package's version; the hash of its content if not given.
    dependencies
        What the package needs of others; inferred from its imports if not given.
    bucket
        The bucket of remote trainings; ``TG_BUCKET`` of the environment if not given.
    role
        The role of remote trainings; ``AWS_ROLE`` of the environment if not given.

    Attributes
    ----------
    config
        All of it, to be adjusted before a run.

    Raises
    ------
    NamingError
        The name or version is illegal.
    ConfigError
        The task is none.
    """

    def __init__(
        self,
        task: TrainingTask,
        dataset: str,
        project_name: str,
        *,
        datasets_folder: Path | str | None = None,
        name: str | None = None,
        version: str | None = None,
        dependencies: Sequence[DependencyList] | None = None,
        bucket: str | None = None,
        role: str | None = None,
    ) -> None:
        job = SagemakerJob(task)
        packaging = Packaging(name or _package_name(task), version, {"job": job})
        task.info.setdefault("name", packaging.name)
        packaging.dependencies = dependencies
        packaging.silent = True
        settings = SagemakerOptions(
            role or os.environ.get("AWS_ROLE"),
            bucket or os.environ.get("TG_BUCKET"),
            project_name,
            datasets_folder or Loc.data_cache_path / "datasets",
            dataset,
        )
        containering = Containering.from_packaging(packaging)
        self.config = SagemakerConfig(job, packaging, containering, settings)

    def attached(self) -> SagemakerAttachedExecutor:
        """In this process."""
        return SagemakerAttachedExecutor(self.config)

    def process(self) -> SagemakerProcessExecutor:
        """In a fresh interpreter on this machine."""
        return SagemakerProcessExecutor(self.config)

    def local(self, options: ContainerOptions | None = None) -> SagemakerLocalExecutor:
        """On this machine, as SageMaker would: in a container."""
        return SagemakerLocalExecutor(self.config, options)

    def remote(self, options: RemoteOptions | None = None) -> SagemakerRemoteExecutor:
        """At SageMaker."""
        return SagemakerRemoteExecutor(self.config, options)

    def batch_at(
        self, place: BatchExecutor, tasks: Mapping[str, TrainingTask], *, batch_id: str = ""
    ) -> PackageBatch:
        """Take many tasks to a place that this room does not know, such as a cluster.

        Parameters
        ----------
        place
            Starts them, such as a :class:`tg.common.delivery.ray.RayExecutor`.
        tasks
            Name to task.
        batch_id
            Tells the batch from others of the same tasks.
        """
        return make_batch(self.config, place, tasks, batch_id)


def _package_name(task: TrainingTask) -> str:
    try:
        return check_name(task.info["name"])
    except (KeyError, NamingError):
        return type(task).__name__
