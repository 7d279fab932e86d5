"""How far a sweep is, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .task_state import TaskState

__all__ = ["SweepStatus"]


@dataclass(frozen=True, kw_only=True)
class SweepStatus:
    """How many tasks of a sweep are how far.

    Attributes
    ----------
    name
        The sweep.
    counts
        State to number of tasks, without those that no task is in.
    reused
        How many of those completed have the result of an earlier sweep.
    spent
        What the runs that have ended have cost, in US dollars, as far as it is known.
    ended_by
        Why the sweep was ended before all tasks were done, as :class:`.cause.Cause` has it:
        ``"cancel"``, ``"deadline"``, ``"fail_fast"`` or ``"max_cost"``; empty if it was not.
    is_driven
        Whether a process drives it now.
    planned
        How many tasks there are to be, where not all are known yet; else 0.

    Example
    -------
    >>> SweepStatus(name="demo", counts={TaskState.COMPLETED: 3, TaskState.FAILED: 1})
    <sweep demo: 4 of 4 done: 3 completed, 1 failed>
    """

    name: str
    counts: Mapping[TaskState, int] = field(default_factory=dict)
    reused: int = 0
    spent: float = 0.0
    ended_by: str = ""
    is_driven: bool = False
    planned: int = 0

    def __getitem__(self, state: str) -> int:
        """How many tasks are in a state."""
        return self.counts.get(TaskState(state), 0)

    @property
    def known(self) -> int:
        """How many tasks there are; a search chooses the others when it has seen what these did."""
        return sum(self.counts.values())

    @property
    def total(self) -> int:
        """How many tasks there are to be in the end."""
        return max(self.known, self.planned)

    @property
    def done(self) -> int:
        """How many tasks the sweep is done with."""
        return sum(count for state, count in self.counts.items() if state.is_final)

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.done == self.total

    def __repr__(self) -> str:
        shown = ", ".join(f"{self.counts[state]} {state}" for state in TaskState if self[state])
        ended = f", ended by {self.ended_by}" if self.ended_by else ""
        spent = f", ${self.spent:.2f}" if self.spent else ""
        return f"<sweep {self.name}: {self.done} of {self.total} done: {shown}{spent}{ended}>"
