"""What can be said of a task of a sweep at a moment."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["TaskState"]


class TaskState(StrEnum):
    """The states of a task; each is in the journal before what it announces is done."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the sweep is done with the task, unless it is asked to resume it.

        A task that a stopping rule ended is ``STOPPED``, and its metrics count.
        """
        return self in _FINAL

    @property
    def has_run(self) -> bool:
        """Whether there may be a run that goes on by itself."""
        return self in (TaskState.STARTING, TaskState.RUNNING, TaskState.STOPPING)


_FINAL = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.STOPPED, TaskState.CANCELLED})
