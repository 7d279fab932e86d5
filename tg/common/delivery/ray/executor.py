"""The cluster as a place where trainings run."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ..._core.archive_reader import ArchiveReader
from ..._core.errors import ConfigError, StorageError
from ..._core.files import atomic_folder
from ...contract.task import TrainingTask
from ..delivery.packaging import Package
from ..execution.batch_executor import FollowingExecutor
from ..execution.package_copy import kept_package
from ..execution.place import Place
from ..execution.provenance import git_provenance
from ..execution.request import TrainingRequest
from ..execution.run import Run
from ..execution.run_folder import RunFolder
from ..execution.task_batch import TaskBatch
from .jobs import RayJobs
from .launcher import RayLauncher, open_ray_run
from .options import RayOptions

__all__ = ["RayExecutor", "Routine"]

_DIGITS = 32


class _Config(Protocol):
    @property
    def runs_folder(self) -> Path: ...

    def request(self, hyperparameters: Mapping[str, Any] | None) -> TrainingRequest: ...


class Routine(Protocol):
    """What knows a task, its package and its data: a ``SagemakerRoutine``."""

    @property
    def config(self) -> _Config:
        """Makes requests, and names the folder of runs."""

    def batch_at(
        self, place: Any, tasks: Mapping[str, TrainingTask], *, batch_id: str = ""
    ) -> TaskBatch:
        """Take many tasks to a place."""


class RayExecutor(FollowingExecutor):
    """Runs the real package in a job of an existing Ray cluster, in an interpreter of its own.

    Each run is a job of the same id, which waits until a node has room. Trainings outlive the
    process that submits them; logs, metrics, checkpoints and results are files of a folder that
    this machine and all nodes share.

    Needs the extra ``ray``.

    Parameters
    ----------
    routine
        What is run: a ``SagemakerRoutine``.
    options
        Which cluster, and what a training takes of it.

    Raises
    ------
    ConfigError
        The routine is none.

    Example
    -------
    >>> RayOptions(address="http://head:8265", shared_folder="/mnt/all", gpus=1).gpus
    1
    """

    kind = RayLauncher.kind

    def __init__(self, routine: Routine, options: RayOptions | None = None) -> None:
        if not callable(getattr(routine, "batch_at", None)) or isinstance(routine, type):
            raise ConfigError(
                f"a RayExecutor takes a routine, not {type(routine).__name__}",
                hint="Make one: SagemakerRoutine(task, dataset, project_name).",
            )
        self._routine = routine
        self.options = options or RayOptions()

    @property
    def place(self) -> Place:
        """The cluster, which alone can tell how many trainings it has room for."""
        return Place()

    @property
    def scope(self) -> str:
        """What tells the runs of its batches from those of other executors."""
        # a cluster may serve several projects, and knows jobs by the ids of runs
        return f"{self.kind} {self.options.address or ''} {self.runs_folder}"

    @property
    def runs_folder(self) -> Path:
        """Where runs and their results are kept; the nodes see it as well."""
        folder: Path = self._routine.config.runs_folder
        if self.options.shared_folder is None:
            return folder.absolute()
        return Path(self.options.shared_folder) / folder.parent.name / folder.name

    def request(self, hyperparameters: Mapping[str, Any] | None) -> TrainingRequest:
        """Fix what is to be run."""
        return self._routine.config.request(hyperparameters)

    def run(self, run_id: str) -> Run:
        """Find a run again, from any process."""
        folder = RunFolder.find(self.runs_folder, run_id)
        return open_ray_run(folder, RayJobs(self.options.address))

    def batch(self, tasks: Mapping[str, TrainingTask], *, batch_id: str = "") -> TaskBatch:
        """Take many tasks, which share one package, to start each in its turn."""
        return self._routine.batch_at(self, tasks, batch_id=batch_id)

    def check(self, request: TrainingRequest) -> None:
        """Refuse what cannot work, as far as that is known before anything is packed."""
        del request
        _ = self.options.variables
        RayJobs(self.options.address).info("is-it-there")

    def prepare(self, request: TrainingRequest, package: Package) -> RayLauncher:
        """Put code and data where the nodes see them, unless they are there."""
        runs_folder = self.runs_folder
        if self.options.shared_folder is not None:
            request = replace(request, runs_folder=runs_folder)
        manifest = package.manifest
        return RayLauncher(
            name=request.name,
            package_path=kept_package(package.path, runs_folder.parent / "packages"),
            channels=self._channels(request),
            runs_folder=runs_folder,
            provenance=git_provenance(),
            code=_unpacked(package.path, runs_folder.parent / "code"),
            root=manifest.module_name,
            lock=tuple(manifest.lock),
            resolves=not manifest.lock_is_complete,
            options=self.options,
            shown_in=self._routine.config.runs_folder.absolute(),
        )

    def _channels(self, request: TrainingRequest) -> dict[str, Path]:
        """Say where the nodes find the data; a copy is made where they would see none."""
        if self.options.shared_folder is None:
            return {name: path.resolve() for name, path in request.channels.items()}
        folder = self.runs_folder.parent / "data" / request.data_fingerprint()
        for name, path in request.channels.items():
            if not (folder / name).exists():
                with atomic_folder(folder / name) as fresh:
                    _copy(path, fresh)
        return {
            name: folder / name if path.is_dir() else folder / name / path.name
            for name, path in request.channels.items()
        }


def _copy(data: Path, folder: Path) -> None:
    try:
        if data.is_dir():
            shutil.copytree(data, folder, dirs_exist_ok=True)
        else:
            shutil.copyfile(data, folder / data.name)
    except (OSError, shutil.Error) as exc:
        raise StorageError(
            f"the data {data} cannot be copied to {folder}: {exc}",
            hint="Has the shared folder room, and may it be written to?",
        ) from exc


def _unpacked(package: Path, folder: Path) -> Path:
    """Unpack a package where the nodes see it, once for each content."""
    digest = hashlib.sha256(package.read_bytes()).hexdigest()[:_DIGITS]
    target = folder / digest
    if not target.is_dir():
        with atomic_folder(target) as fresh:
            ArchiveReader(package).extract_all(fresh)
    (code,) = (path for path in target.iterdir() if path.is_dir())
    return code
