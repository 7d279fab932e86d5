"""What can be said of a run at a moment."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["RunState"]


class RunState(StrEnum):
    """The states of a run, in the words of SageMaker's TrainingJobStatus where it has one."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def is_final(self) -> bool:
        """Whether the run will not change its state any more."""
        return self in (RunState.COMPLETED, RunState.FAILED, RunState.STOPPED)
