"""What starts trainings of one package that is ready to run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .place import PlaceOfRuns
from .recorded_kind import recorded_kind
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


class Launcher(PlaceOfRuns):
    """Starts any number of trainings of one package in one kind of place.

    All that they share is there: the package is made, the image built, the data sent. It can be
    written down, and another process goes on with that.

    Attributes
    ----------
    kind
        What a run's record says of where it ran.
    """

    kind: ClassVar[str]

    def prepare(self) -> None:
        """Make what a training needs on this machine, unless it is there.

        Runs can be looked at without it.
        """

    @abstractmethod
    def start(self, training: Training) -> Run:
        """Start a training, or find the one of its id, and return at once."""

    def record(self) -> dict[str, Any]:
        """Give all that :meth:`open` needs, as JSON, and the class that opens it."""
        return {"kind": recorded_kind(type(self))}

    @classmethod
    @abstractmethod
    def open(cls, record: Mapping[str, Any]) -> Launcher:
        """Go on with what :meth:`record` gave."""
