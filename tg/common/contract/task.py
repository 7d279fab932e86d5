"""What can be trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from .environment import InMemoryTrainingEnvironment, TrainingEnvironment
from .hyperparameters import apply_hyperparameters

__all__ = ["TrainingTask"]


class TrainingTask(ABC):
    """A training, complete but for its data and the place where it runs.

    Subclasses implement :meth:`run_with_environment`.

    Attributes
    ----------
    info
        Free facts about the task; ``info["name"]`` is its name.
    """

    def __init__(self) -> None:
        self.info: dict[str, Any] = {}

    @abstractmethod
    def run_with_environment(self, data: Any, env: TrainingEnvironment) -> None:
        """Train.

        Parameters
        ----------
        data
            What the user hands to :meth:`run`; in a delivered job the ``pathlib.Path`` of the
            dataset, a file or a folder.
        env
            The place where it runs.
        """

    def get_metric_names(self) -> list[str]:
        """Name the metrics that a training will report, as far as that is known before it."""
        return []

    def run(self, data: Any, env: TrainingEnvironment | None = None) -> Any:
        """Train here and now.

        Parameters
        ----------
        data
            A data frame, a path, or whatever the task takes.
        env
            The place where it runs; a new :class:`InMemoryTrainingEnvironment` if not given.

        Returns
        -------
        dict or None
            The environment's ``result`` where it has one.
        """
        if env is None:
            env = InMemoryTrainingEnvironment()
        self.run_with_environment(data, env)
        return getattr(env, "result", None)

    def apply_hyperparameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set fields of this task; see :func:`.hyperparameters.apply_hyperparameters`."""
        return apply_hyperparameters(self, values)
