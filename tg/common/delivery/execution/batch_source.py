"""What the tasks of a batch share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from ..._core.errors import ConfigError
from ..delivery.packaging import Package
from .batch_executor import BatchExecutor
from .launcher import Launcher
from .package_contents import PackageContents
from .package_copy import kept_package
from .recorded_kind import recorded_class
from .request import TrainingRequest

__all__ = ["BatchSource", "FreshSource", "RecordedSource"]


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
        self.place = executor.place
        self.scope = executor.scope
        self._executor = executor
        self._request = request

    @property
    def content_hash(self) -> str:
        """The hash of the code and its libraries; the package is made for it."""
        return self._package.manifest.content_hash

    @property
    def package_path(self) -> Path:
        """The package; it is made for it."""
        return self._package.path

    @cached_property
    def data_fingerprint(self) -> str:
        """What tells the data from others."""
        return self._request.data_fingerprint()

    def check_packed_as(self, other: BatchSource) -> None:
        """Refuse to give tasks the package and data of others that do not fit them.

        Nothing is packed for it: an edit of code that is in the package already does not matter.

        Raises
        ------
        ConfigError
            The other package runs elsewhere, has other data, or lacks what the tasks lead to.
        """
        if self.scope != other.scope:
            raise ConfigError(
                f"what was packed to run at {other.scope!r} does not run at {self.scope!r}",
                hint="Go on at the place where it was begun.",
            )
        if self.data_fingerprint != other.data_fingerprint:
            raise ConfigError(
                "the data are not those any more that the others were given",
                hint="Bring the old ones back, or begin anew under another name.",
            )
        packaging = self._request.packaging
        lacking = PackageContents(other.package_path).lacks(
            packaging.include_modules, libraries=packaging.dependencies is None
        )
        if lacking:
            raise ConfigError(
                f"the package {other.package_path.name}, which is there already, lacks what "
                f"further tasks lead to: {', '.join(lacking)}",
                hint="Name them in packaging.include_modules, and begin anew under another name.",
            )

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
        self.package_path = Path(record["package"])
        self._record: Mapping[str, Any] = record["launcher"]
        self._class = recorded_class(self._record["kind"], Launcher)  # type: ignore[type-abstract]

    @property
    def place(self) -> Launcher:
        """Where the tasks run."""
        return self.launcher

    @cached_property
    def launcher(self) -> Launcher:
        """What starts the tasks."""
        return self._class.open(self._record)


BatchSource: TypeAlias = FreshSource | RecordedSource
