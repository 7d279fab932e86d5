"""What starts trainings that are kept in folders."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ..._core.errors import (
    EngineError,
    FormatError,
    MissingDependencyError,
    ProtocolError,
    RunNotFoundError,
)
from ...contract.run_state import RunState
from ..docker.engine import DockerEngine
from ..runtime.folders import JOB_CHANNEL
from .kept_run import open_run
from .launcher import Launcher, Training
from .process_identity import submitter
from .run import Run
from .run_folder import RunFolder

__all__ = ["LocalLauncher"]


@dataclass(frozen=True, kw_only=True)
class LocalLauncher(Launcher):
    """Starts trainings that are kept in folders which this machine sees, wherever they run.

    Attributes
    ----------
    name
        What runs are called, with a time and a token, that have no id of their own.
    package_path
        The package.
    channels
        Name to file or folder of the data.
    runs_folder
        Where runs and their results are kept.
    provenance
        What a result is told of the project it comes from.
    """

    name: str
    package_path: Path
    channels: Mapping[str, Path]
    runs_folder: Path
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def start(self, training: Training) -> Run:
        """Start a training, or find the one of its id, and return at once."""
        if training.payload is not None:
            training.payload.check()
        self.prepare()  # before anything of the run is there, which others would wait for
        if training.run_id:
            return self._start(RunFolder.reserve(self.runs_folder, training.run_id), training)
        folder = RunFolder.create(
            self.runs_folder, self.name, self.kind, details=submitter(), opener=self._opener
        )
        try:
            return self._start(folder, training)
        except BaseException:
            if not folder.has_record:  # nothing was started
                shutil.rmtree(folder.path, ignore_errors=True)
            raise

    def run(self, run_id: str) -> Run:
        """Find a run of the project again, whichever executor ran it."""
        return open_run(RunFolder.find(self.runs_folder, run_id), self._engine)

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        """Look up many runs at once; one that is not there is left out."""
        return super().states(self._known(run_ids))

    def is_running(self, run_id: str) -> bool:
        """Whether a run goes on, whichever executor runs it; one that was removed does not."""
        try:
            return not self.run(run_id).state.is_final
        except (EngineError, MissingDependencyError, ProtocolError):
            return True  # for all that is known here
        except (RunNotFoundError, FormatError):
            return False

    def record(self) -> dict[str, Any]:
        """Give all that :meth:`open` needs, as JSON."""
        return {
            **super().record(),
            "name": self.name,
            "package_path": str(self.package_path),
            "channels": {name: str(path) for name, path in self.channels.items()},
            "runs_folder": str(self.runs_folder),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def open(cls, record: Mapping[str, Any]) -> Self:
        """Go on with what :meth:`record` gave."""
        return cls(**cls._fields(record))

    @classmethod
    def _fields(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": record["name"],
            "package_path": Path(record["package_path"]),
            "channels": {name: Path(path) for name, path in record["channels"].items()},
            "runs_folder": Path(record["runs_folder"]),
            "provenance": record["provenance"],
        }

    def _known(self, run_ids: Iterable[str]) -> list[str]:
        return [name for name in run_ids if RunFolder.known(self.runs_folder, name) is not None]

    @property
    def _opener(self) -> Mapping[str, Any]:
        """What a run's record says of how others open it."""
        return {}

    @property
    def _engine(self) -> DockerEngine | None:
        return None

    def _channels_of(self, training: Training) -> dict[str, Path]:
        if training.payload is None:
            return dict(self.channels)
        return {**self.channels, JOB_CHANNEL: training.payload.path}

    @abstractmethod
    def _start(self, folder: RunFolder, training: Training) -> Run:
        """Start what has a folder now, unless it was started."""
