"""The places where a SageMaker job runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..._core.errors import ConfigError
from ..._core.logger import Logger
from ...contract.task import TrainingTask
from ..delivery.packaging import Package
from ..execution.attached_launch import AttachedLauncher, AttachedTraining
from ..execution.batch_executor import BatchExecutor, FollowingExecutor
from ..execution.container_launch import ContainerLauncher
from ..execution.container_options import ContainerOptions
from ..execution.environments import EnvironmentCache
from ..execution.kept_run import open_run
from ..execution.package_batch import PackageBatch
from ..execution.place import OwnMachine, OwnProcess
from ..execution.process_launch import ProcessLauncher
from ..execution.provenance import git_provenance
from ..execution.request import TrainingRequest
from ..execution.run import Run
from ..execution.run_folder import RunFolder
from .batch import make_batch
from .checkup import Checkup
from .config import SagemakerConfig
from .examination import LocalExamination

__all__ = [
    "SagemakerAttachedExecutor",
    "SagemakerLocalExecutor",
    "SagemakerProcessExecutor",
]


class SagemakerExecutor(BatchExecutor):
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

    kind: ClassVar[str]

    def request(self, hyperparameters: Mapping[str, Any] | None) -> TrainingRequest:
        """Fix what is to be run."""
        return self.config.request(hyperparameters)

    def run(self, run_id: str) -> Run:
        """Find a run of the project again, whichever executor ran it."""
        folder = RunFolder.find(self.config.runs_folder, run_id)
        return open_run(folder, self.config.containering.engine)

    def batch(self, tasks: Mapping[str, TrainingTask], *, batch_id: str = "") -> PackageBatch:
        """Take many tasks, which share one package and one image, to start each in its turn."""
        return make_batch(self.config, self, tasks, batch_id)

    def check(self, request: TrainingRequest) -> None:
        """Refuse what cannot work, as far as that is known before anything is packed."""

    @property
    def scope(self) -> str:
        """What tells the runs of its batches from those of other executors."""
        # an engine may serve several projects, and know containers by the ids of runs
        return f"{self.kind} {self.config.runs_folder}"

    def _local(self, request: TrainingRequest, package: Package) -> dict[str, Any]:
        """Give what all launchers of this machine are made of."""
        return {
            "name": request.name,
            "package_path": package.path,
            "channels": request.channels,
            "runs_folder": request.runs_folder,
            "provenance": git_provenance(),
        }


class SagemakerAttachedExecutor(SagemakerExecutor):
    """Runs the job in this process, on a copy of the task: for a first try, and for debugging.

    ``submit`` keeps the result as that of every executor does, and returns when it is there.
    """

    kind = AttachedLauncher.kind

    @property
    def place(self) -> OwnProcess:
        """The process itself."""
        return OwnProcess()

    def prepare(self, request: TrainingRequest, package: Package) -> AttachedLauncher:
        """Copy the task."""
        task = request.copy_task() if hasattr(request.job, "task") else None
        return AttachedLauncher(**self._local(request, package), task=task)

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
        request = self.config.request(hyperparameters)
        return AttachedTraining(
            request.copy_task(), request.channels, request.hyperparameters
        ).run()


class SagemakerProcessExecutor(FollowingExecutor, SagemakerExecutor):
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

    kind = ProcessLauncher.kind

    @property
    def place(self) -> OwnMachine:
        """The machine that this process is on."""
        return OwnMachine()

    def prepare(self, request: TrainingRequest, package: Package) -> ProcessLauncher:
        """Make the virtual environment, unless it is there."""
        manifest = package.manifest
        launcher = ProcessLauncher(
            **self._local(request, package),
            lock=tuple(manifest.lock),
            root=manifest.module_name,
            resolves=not manifest.lock_is_complete,
            environments=self._environments,
        )
        launcher.prepare()
        return launcher


class SagemakerLocalExecutor(FollowingExecutor, SagemakerExecutor):
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

    kind = ContainerLauncher.kind

    @property
    def place(self) -> OwnMachine:
        """The machine that this process is on."""
        return OwnMachine()

    def checkup(self) -> Checkup:
        """Look at all that a training here needs, without making anything.

        Returns
        -------
        Checkup
            It prints with a line for each thing: ``pass``, or what to do.
        """
        return LocalExamination.of(self.config, for_sagemaker=False).checkup()

    def prepare(self, request: TrainingRequest, package: Package) -> ContainerLauncher:
        """Build the image, unless it is there."""
        containering = self.config.containering
        image = containering.make_container(package)
        return ContainerLauncher(
            **self._local(request, package),
            image=image.id,
            image_hash=image.content_hash,
            options=self.options,
            engine=containering.engine,
        )
