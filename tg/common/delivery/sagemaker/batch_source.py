"""What the tasks of a batch share."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from ..delivery.packaging import Package
from ..execution.attached_launch import AttachedLauncher
from ..execution.container_launch import ContainerLauncher
from ..execution.launcher import Launcher
from ..execution.package_copy import kept_package
from ..execution.process_launch import ProcessLauncher
from ..execution.recorded_kind import recorded_class
from ..execution.request import TrainingRequest
from ..runtime.channel_job import ChannelJob
from .config import SagemakerConfig
from .remote_launcher import RemoteLauncher

__all__ = ["BatchExecutor", "BatchSource", "FreshSource", "RecordedSource", "shared_request"]

_LAUNCHERS: Mapping[str, type[Launcher]] = {
    launcher.kind: launcher
    for launcher in (AttachedLauncher, ContainerLauncher, ProcessLauncher, RemoteLauncher)
}


def shared_request(config: SagemakerConfig, modules: Iterable[str]) -> TrainingRequest:
    """Fix what many tasks share that are sent one by one; check it.

    Parameters
    ----------
    config
        The package's name and settings, and the data.
    modules
        Those that any of the tasks leads to: they travel in the package.

    Raises
    ------
    ConfigError
        The dataset is not there, or a name cannot be used.
    """
    job = ChannelJob()
    packaging = copy.copy(config.packaging)
    packaging.payload = {"job": job}
    packaging.include_modules = sorted({*packaging.include_modules, *modules})
    return replace(config.request(None), job=job, packaging=packaging)


class BatchExecutor(Protocol):
    """What a batch needs of its executor."""

    @property
    def scope(self) -> str:
        """What tells runs of this executor from those of others."""

    @property
    def max_parallel(self) -> int | None:
        """How many can run at once at most."""

    @property
    def is_local(self) -> bool:
        """Whether its runs are on this machine."""

    @property
    def places(self) -> Sequence[str]:
        """What can be tried one after the other where there is no capacity."""

    def worst_cost(self, place: int) -> float | None:
        """Give what one run may cost at most, in US dollars."""

    def check(self, request: TrainingRequest) -> None:
        """Refuse what cannot work, as far as that is known before anything is packed."""

    def prepare(self, request: TrainingRequest, package: Package) -> Launcher:
        """Build and send what all runs of a package share, unless it is there."""


class FreshSource:
    """What is packed, built and sent when it is first asked for.

    Parameters
    ----------
    executor
        Where the tasks are going to run.
    request
        The package, and the data.
    """

    def __init__(self, executor: BatchExecutor, request: TrainingRequest) -> None:
        self._executor = executor
        self._request = request
        self.scope = executor.scope

    @property
    def max_parallel(self) -> int | None:
        """How many can run at once at most."""
        return self._executor.max_parallel

    @property
    def is_local(self) -> bool:
        """Whether its runs are on this machine."""
        return self._executor.is_local

    @property
    def places(self) -> Sequence[str]:
        """What can be tried one after the other where there is no capacity."""
        return self._executor.places

    def worst_cost(self, place: int) -> float | None:
        """Give what one run may cost at most, in US dollars."""
        return self._executor.worst_cost(place)

    @property
    def content_hash(self) -> str:
        """The hash of the code and its libraries; the package is made for it."""
        return self._package.manifest.content_hash

    @cached_property
    def data_fingerprint(self) -> str:
        """What tells the data from others."""
        return self._request.data_fingerprint()

    @cached_property
    def launcher(self) -> Launcher:
        """What starts the tasks."""
        return self._executor.prepare(self._request, self._package)

    @cached_property
    def _package(self) -> Package:
        package = self._request.packaging.make_package()
        # packages are made where files may be deleted at any time: a batch may take weeks
        folder = self._request.runs_folder.parent / "packages"
        return replace(package, path=kept_package(package.path, folder))


class RecordedSource:
    """What another process has packed, built and sent.

    Parameters
    ----------
    record
        What was written down of it.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.scope: str = record["scope"]
        self.content_hash: str = record["content_hash"]
        self.data_fingerprint: str = record["data_fingerprint"]
        self._record: Mapping[str, Any] = record["launcher"]
        kind = self._record["kind"]
        # a place of another room is called by its class
        self._kind = _LAUNCHERS.get(kind) or recorded_class(kind, Launcher)  # type: ignore[type-abstract]

    @property
    def max_parallel(self) -> int | None:
        """How many can run at once at most."""
        return self.launcher.max_parallel

    @property
    def is_local(self) -> bool:
        """Whether its runs are on this machine."""
        return self.launcher.is_local

    @property
    def places(self) -> Sequence[str]:
        """What can be tried one after the other where there is no capacity."""
        return self.launcher.places

    def worst_cost(self, place: int) -> float | None:
        """Give what one run may cost at most, in US dollars."""
        return self.launcher.worst_cost(place)

    @cached_property
    def launcher(self) -> Launcher:
        """What starts the tasks."""
        return self._kind.open(self._record)


BatchSource: TypeAlias = FreshSource | RecordedSource
