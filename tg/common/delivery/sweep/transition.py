"""One change of a task's state, as the journal has it."""

from __future__ import annotations

from dataclasses import dataclass

from .task_state import TaskState

__all__ = ["Transition"]


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One change of a task's state.

    Attributes
    ----------
    sequence
        The order of changes, which no clock can disturb.
    utc
        When it was written, by the clock of the process that drove.
    task
        The number of the task.
    state, attempt, place, run_id, kind, reason
        As :class:`.task_row.TaskRow` has them.
    """

    sequence: int
    utc: str
    task: int
    state: TaskState
    attempt: int
    place: int
    run_id: str
    kind: str
    reason: str
