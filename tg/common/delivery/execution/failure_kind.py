"""Why a run failed, as far as another try could go differently."""

from __future__ import annotations

from enum import StrEnum

from ..._core.errors import (
    CapacityError,
    InfrastructureError,
    MemoryLimitError,
    TrainingFailedError,
    TrainingTimeoutError,
)

__all__ = ["FailureKind"]


class FailureKind(StrEnum):
    """What is to blame for a failed run.

    Attributes
    ----------
    TASK
        The task itself: it raised or exited, and would again.
    MEMORY
        It took more memory than it had.
    TIMEOUT
        It took longer than it might; its checkpoints are kept.
    CAPACITY
        There was no machine for it: it did not begin.
    INTERRUPTED
        It was ended from outside, as spot instances are; its checkpoints are kept.
    ENGINE
        What runs it failed, and the task had no part in that.
    """

    TASK = "task"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    CAPACITY = "capacity"
    INTERRUPTED = "interrupted"
    ENGINE = "engine"

    @property
    def is_transient(self) -> bool:
        """Whether the same training may well succeed if it is tried again."""
        return self in (FailureKind.CAPACITY, FailureKind.INTERRUPTED, FailureKind.ENGINE)

    @property
    def error(self) -> type[TrainingFailedError]:
        """What is raised of a run that has failed so.

        Example
        -------
        >>> FailureKind.MEMORY.error.__name__
        'MemoryLimitError'
        """
        return _ERRORS.get(self, TrainingFailedError)


_ERRORS = {
    FailureKind.MEMORY: MemoryLimitError,
    FailureKind.TIMEOUT: TrainingTimeoutError,
    FailureKind.CAPACITY: CapacityError,
    FailureKind.INTERRUPTED: InfrastructureError,
    FailureKind.ENGINE: InfrastructureError,
}
