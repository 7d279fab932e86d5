"""What a delivered training talks to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..._core.logger import Logger
from ...contract.environment import TrainingEnvironment
from ...contract.metric_line import metric_line
from ..runtime.artifacts import ArtifactFolder, CheckpointFolder
from ..runtime.folders import TrainingFolders
from ..runtime.renaming import ModuleRenaming
from ..runtime.stopping import StopSignal

__all__ = ["SagemakerEnvironment"]


class SagemakerEnvironment(TrainingEnvironment):
    """Writes artifacts to the model folder and metrics in the form that SageMaker picks up.

    Parameters
    ----------
    folders
        The folders of the run.
    renaming
        How modules are called here, for reading checkpoints.
    stop
        The request to stop.

    Attributes
    ----------
    metrics
        What was reported so far.
    """

    def __init__(
        self,
        folders: TrainingFolders,
        renaming: ModuleRenaming | None = None,
        stop: StopSignal | None = None,
    ) -> None:
        self._folders = folders
        self._artifacts = ArtifactFolder(folders.model)
        self._checkpoints = CheckpointFolder(folders.checkpoints, renaming)
        self._stop = stop or StopSignal()
        self.metrics: dict[str, float] = {}

    @property
    def channels(self) -> Mapping[str, Path]:
        """The data channels by name."""
        return self._folders.channels()

    @property
    def checkpoint_path(self) -> Path:
        """The folder that survives a restart."""
        return self._folders.checkpoints

    def log(self, message: str) -> None:
        """Write one line to the log of the run."""
        Logger.info(message)

    def store_artifact(self, path: Sequence[str | int], name: str, value: Any) -> None:
        """Write a value to the model folder."""
        stored = self._artifacts.store(path, name, value)
        self.log(f"Saved artifact {stored}")

    def output_metric(self, name: str, value: float) -> None:
        """Write ``###METRIC###name:value###``, which metric definitions match."""
        self.metrics[name] = float(value)
        self.log(metric_line(name, value))

    def save_checkpoint(self, key: str, value: Any) -> None:
        """Keep `value` in the checkpoint folder."""
        self._checkpoints.save(key, value)

    def load_checkpoint(self, key: str) -> Any | None:
        """Read what an earlier run of the same training kept."""
        return self._checkpoints.load(key)

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when the run is asked to stop."""
        self._stop.on_request(callback)
