"""What starts trainings of one package that is ready to run."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..._core.errors import RunNotFoundError
from ...contract.run_state import RunState
from .place import Place
from .run import Run
from .task_payload import TaskPayload

__all__ = ["Launcher", "Training"]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of a package.

    Attributes
    ----------
    fingerprint
        Tells it from every other, by its code, fields and data; those of one fingerprint resume
        from the same checkpoints.
    run_id
        What its run is called: to start it again is to find it. Empty for a new id each time.
    hyperparameters
        ``path.to.field:type`` to text.
    payload
        The job, where that is not the package's own.
    place
        Which of the launcher's places.
    """

    fingerprint: str
    run_id: str = ""
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    payload: TaskPayload | None = None
    place: int = 0


class Launcher(Place, ABC):
    """Starts any number of trainings of one package in one kind of place.

    All that they share is there: the package is made, the image built, the data sent. It can be
    written down, and another process goes on with that.
    """

    kind: ClassVar[str]

    @abstractmethod
    def start(self, training: Training) -> Run:
        """Start a training, or find the one of its id, and return at once."""

    @abstractmethod
    def run(self, run_id: str) -> Run:
        """Find a run again.

        Raises
        ------
        RunNotFoundError
            There is none of that id.
        """

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Give all that :meth:`open` needs, as JSON."""

    @classmethod
    @abstractmethod
    def open(cls, record: Mapping[str, Any]) -> Launcher:
        """Go on with what :meth:`record` gave."""

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        """Look up many runs at once; one that is not there is left out."""
        found = {}
        for run_id in run_ids:
            with contextlib.suppress(RunNotFoundError):
                found[run_id] = self.run(run_id).state
        return found

    def cost(self, run: Run) -> float | None:
        """Give what a run has cost, in US dollars; ``None`` if it costs nothing or is not known."""
        del run
        return None
