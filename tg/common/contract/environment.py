"""What a training may ask of the place where it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._core.logger import Logger, TrainingLogger

__all__ = ["InMemoryTrainingEnvironment", "TrainingEnvironment"]


class TrainingEnvironment(ABC):
    """The one thing a task talks to: its log, its artifacts, its metrics, its checkpoints.

    A task never knows whether it runs in a notebook, a process or a container.
    """

    @abstractmethod
    def log(self, message: str) -> None:
        """Write one line to the log of the run."""

    @abstractmethod
    def store_artifact(self, path: Sequence[str | int], name: str, value: Any) -> None:
        """Keep a value as part of the result.

        Parameters
        ----------
        path
            The folder in the result, part by part: ``["runs", 0]``.
        name
            The name in that folder, without extension.
        value
            A data frame (kept as parquet) or any picklable object.
        """

    @abstractmethod
    def output_metric(self, name: str, value: float) -> None:
        """Report a final metric of the whole training."""

    @abstractmethod
    def save_checkpoint(self, key: str, value: Any) -> None:
        """Keep `value` under `key` so that a restarted training finds it; replaces what was there.

        It is kept whole or not at all.
        """

    @abstractmethod
    def load_checkpoint(self, key: str) -> Any | None:
        """Give what an earlier, unfinished run of the same training kept, or ``None``."""

    @property
    def channels(self) -> Mapping[str, Path]:
        """The data channels by name; empty where the data were handed over in memory."""
        return {}

    @property
    def checkpoint_path(self) -> Path | None:
        """A folder that survives a restart, for libraries that write checkpoints themselves."""
        return None

    def on_stop(self, callback: Callable[[], None]) -> None:  # noqa: B027 most places never stop
        """Have `callback` called when the run is asked to stop, before it is ended."""


class InMemoryTrainingEnvironment(TrainingEnvironment):
    """Keeps everything in a dictionary; what a notebook uses.

    Parameters
    ----------
    log
        Where log lines go.
    checkpoints
        What an interrupted run left; filled by this one.

    Attributes
    ----------
    result
        ``{"metrics": {name: float}, "runs": {0: {"model": ..., ...}}, "log": [str]}``: artifacts
        stand under their path and name, metrics and log beside them.

    Example
    -------
    >>> env = InMemoryTrainingEnvironment()
    >>> env.store_artifact(["runs", 0], "model", "a model")
    >>> env.result["runs"][0]["model"]
    'a model'
    """

    def __init__(
        self, log: TrainingLogger = Logger, checkpoints: dict[str, Any] | None = None
    ) -> None:
        self.result: dict[str, Any] = {"metrics": {}, "runs": {}, "log": []}
        self.checkpoints = {} if checkpoints is None else checkpoints
        self._log = log

    def log(self, message: str) -> None:
        """Write the line and keep it in ``result["log"]``."""
        self.result["log"].append(str(message))
        self._log.info(message)

    def store_artifact(self, path: Sequence[str | int], name: str, value: Any) -> None:
        """Keep `value` in ``result`` under `path` and `name`."""
        folder: dict[str | int, Any] = self.result  # type: ignore[assignment] # folds are numbers
        for part in path:
            folder = folder.setdefault(part, {})
        folder[name] = value

    def output_metric(self, name: str, value: float) -> None:
        """Keep the metric in ``result["metrics"]`` and write ``###name:value``."""
        self.result["metrics"][name] = value
        self.log(f"###{name}:{value}")

    def save_checkpoint(self, key: str, value: Any) -> None:
        """Keep `value` in ``checkpoints``."""
        self.checkpoints[key] = value

    def load_checkpoint(self, key: str) -> Any | None:
        """Give what ``checkpoints`` has under `key`."""
        return self.checkpoints.get(key)
