"""The folders a training is given: the SageMaker training contract."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..._core.errors import ConfigError, DatasetNotFoundError
from .tuning import own_hyperparameters, tuning_objective

__all__ = [
    "CONTAINER_BASE",
    "JOB_CHANNEL",
    "MAIN_CHANNEL",
    "TRACEBACK_LIMIT",
    "TrainingFolders",
    "dataset_in",
]

CONTAINER_BASE = "/opt/ml"
MAIN_CHANNEL = "training"
JOB_CHANNEL = "tg-job"  # not data: the job of a run that shares its package with others
# SageMaker says "AlgorithmError: ..., exit code: 1", of which it keeps the first 1,024 characters
TRACEBACK_LIMIT = 1024 - 40
_HYPERPARAMETERS = "hyperparameters.json"


class TrainingFolders:
    """``/opt/ml`` and what stands where in it.

    After "How Amazon SageMaker Provides Training Information" and "How Amazon SageMaker Processes
    Training Output" in the SageMaker developer guide.

    Parameters
    ----------
    base
        What stands for ``/opt/ml``.
    """

    def __init__(self, base: Path | str) -> None:
        self.base = Path(base)
        self.input_config = self.base / "input" / "config"
        self.input_data = self.base / "input" / "data"
        self.model = self.base / "model"
        self.output = self.base / "output"
        self.failure_file = self.output / "failure"
        self.checkpoints = self.base / "checkpoints"

    @classmethod
    def from_environment(cls) -> TrainingFolders:
        """Take ``SAGEMAKER_BASE_DIR`` for ``/opt/ml`` where that is set."""
        return cls(os.environ.get("SAGEMAKER_BASE_DIR") or CONTAINER_BASE)

    def hyperparameters(self) -> dict[str, Any]:
        """Read the task's own of ``hyperparameters.json``; empty where there is none.

        Raises
        ------
        ConfigError
            It is not a JSON object.
        """
        return own_hyperparameters(self._read_config(_HYPERPARAMETERS))

    def tuning_objective(self) -> str | None:
        """Give the metric that the tuner looks for which started this; ``None`` without a tuner."""
        return tuning_objective(self._read_config(_HYPERPARAMETERS))

    def channels(self) -> dict[str, Path]:
        """Give the data channels that are there, by name."""
        if not self.input_data.is_dir():
            return {}
        found = {p.name: p for p in sorted(self.input_data.iterdir()) if p.is_dir()}
        found.pop(JOB_CHANNEL, None)
        return found

    def dataset(self) -> Path:
        """Give the dataset in the main channel, or in the only one.

        Raises
        ------
        DatasetNotFoundError
            There is no channel, or nothing in it.
        """
        channels = self.channels()
        if MAIN_CHANNEL not in channels and len(channels) != 1:
            raise DatasetNotFoundError(
                f"there is no channel {MAIN_CHANNEL!r} in {self.input_data}, only: "
                f"{', '.join(channels) or 'none'}",
                hint="Name the dataset's channel so.",
            )
        return dataset_in(channels.get(MAIN_CHANNEL) or next(iter(channels.values())))

    def create(
        self,
        hyperparameters: Mapping[str, str],
        channels: Iterable[str] = (MAIN_CHANNEL,),
        *,
        checkpoints: Path | None = None,
    ) -> None:
        """Make the folders and the configuration of a run, as SageMaker does.

        Parameters
        ----------
        hyperparameters
            Name to text.
        channels
            The names of the data channels; their folders are the caller's to make.
        checkpoints
            Where they are kept; here if ``None``.
        """
        for folder in (self.input_config, self.input_data, self.model, self.output):
            folder.mkdir(parents=True, exist_ok=True)
        if checkpoints is None:
            self.checkpoints.mkdir(exist_ok=True)
        else:
            self.checkpoints.symlink_to(checkpoints.absolute(), target_is_directory=True)
        host = "algo-1"
        config = {
            "hyperparameters": dict(hyperparameters),
            "inputdataconfig": {name: {"TrainingInputMode": "File"} for name in sorted(channels)},
            "resourceconfig": {"current_host": host, "hosts": [host]},
        }
        for name, values in config.items():
            path = self.input_config / f"{name}.json"
            path.write_text(json.dumps(values), encoding="utf-8")

    def separate_checkpoints(self, name: str) -> None:
        """Keep checkpoints in a folder of that name: the trainings of a tuner share the place."""
        self.checkpoints /= name
        self.checkpoints.mkdir(parents=True, exist_ok=True)

    def write_failure(self, traceback_text: str) -> None:
        """Write the end of a traceback where SageMaker looks for the reason of a failure."""
        self.output.mkdir(parents=True, exist_ok=True)
        data = traceback_text.encode("utf-8", "replace")[-TRACEBACK_LIMIT:]
        self.failure_file.write_bytes(data.decode("utf-8", "ignore").encode())

    def _read_config(self, name: str) -> dict[str, Any]:
        path = self.input_config / name
        if not path.exists():
            return {}
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as exc:
            raise ConfigError(
                f"{path} is not JSON: {exc}", hint="The platform writes it; start the run again."
            ) from exc
        if not isinstance(values, dict):
            raise ConfigError(f"{path} holds {values!r}", hint="It must be a JSON object.")
        return values


def dataset_in(channel: Path) -> Path:
    """Give what a channel holds: its only file, or the channel's folder where it holds more.

    Raises
    ------
    DatasetNotFoundError
        The channel is empty or not there.
    """
    entries = sorted(channel.iterdir()) if channel.is_dir() else []
    if not entries:
        raise DatasetNotFoundError(
            f"there is no data in {channel}", hint="Put the dataset there before the run."
        )
    return entries[0] if len(entries) == 1 and entries[0].is_file() else channel
