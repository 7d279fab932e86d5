"""A look at how far runs are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..._core.errors import RunNotFoundError, TgError
from ...contract.run_state import RunState
from ..execution.task_batch import TaskBatch
from .refusal import Refusal
from .task_row import TaskRow

__all__ = ["Look", "look_at"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How far runs are.

    Attributes
    ----------
    states
        Number of the task to the state of its run; those that were not found are left out.
    errors
        Number of the task to why its run cannot be read.
    """

    states: Mapping[int, RunState] = field(default_factory=dict)
    errors: Mapping[int, TgError] = field(default_factory=dict)


def look_at(batches: Mapping[int, TaskBatch], rows: Iterable[TaskRow]) -> Look:
    """Look how far runs are.

    Raises
    ------
    TgError
        The place cannot be asked.
    """
    states: dict[int, RunState] = {}
    errors: dict[int, TgError] = {}
    by_batch: dict[int, dict[str, list[int]]] = {}
    for row in rows:
        by_batch.setdefault(row.batch, {}).setdefault(row.run_id, []).append(row.number)
    for number, numbers in by_batch.items():
        try:
            found = batches[number].states(numbers)
            states |= {one: state for run_id, state in found.items() for one in numbers[run_id]}
        except TgError as exc:
            if Refusal.of(exc) is not Refusal.TASK:
                raise
            # one that cannot be read must not hide the others
            _look_at_each(batches[number], numbers, states, errors)
    return Look(states=states, errors=errors)


def _look_at_each(
    batch: TaskBatch,
    numbers: Mapping[str, list[int]],
    states: dict[int, RunState],
    errors: dict[int, TgError],
) -> None:
    for run_id, those in numbers.items():
        try:
            states |= dict.fromkeys(those, batch.run(run_id).state)
        except RunNotFoundError:
            continue
        except TgError as exc:
            if Refusal.of(exc) is not Refusal.TASK:
                raise
            errors |= dict.fromkeys(those, exc)
