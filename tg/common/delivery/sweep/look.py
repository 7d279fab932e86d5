"""A look at which runs have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..._core.errors import RunNotFoundError, TgError
from ..execution.task_batch import TaskBatch
from .refusal import Refusal
from .task_row import TaskRow

__all__ = ["Look", "look_at"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """Which runs have ended.

    Attributes
    ----------
    ended
        Number of the task to whether its run has ended; those that were not found are left out.
    errors
        Number of the task to why its run cannot be read.
    """

    ended: Mapping[int, bool] = field(default_factory=dict)
    errors: Mapping[int, TgError] = field(default_factory=dict)


def look_at(batches: Mapping[int, TaskBatch], rows: Iterable[TaskRow]) -> Look:
    """Look which runs have ended.

    Raises
    ------
    TgError
        The place cannot be asked.
    """
    ended: dict[int, bool] = {}
    errors: dict[int, TgError] = {}
    by_batch: dict[int, dict[str, list[int]]] = {}
    for row in rows:
        by_batch.setdefault(row.batch, {}).setdefault(row.run_id, []).append(row.number)
    for number, numbers in by_batch.items():
        try:
            found = batches[number].ended(numbers)
            ended |= {one: has for run_id, has in found.items() for one in numbers[run_id]}
        except TgError as exc:
            if Refusal.of(exc) is not Refusal.TASK:
                raise
            # one that cannot be read must not hide the others
            _look_at_each(batches[number], numbers, ended, errors)
    return Look(ended=ended, errors=errors)


def _look_at_each(
    batch: TaskBatch,
    numbers: Mapping[str, list[int]],
    ended: dict[int, bool],
    errors: dict[int, TgError],
) -> None:
    for run_id, those in numbers.items():
        try:
            ended |= dict.fromkeys(those, batch.run(run_id).has_ended)
        except RunNotFoundError:
            continue
        except TgError as exc:
            if Refusal.of(exc) is not Refusal.TASK:
                raise
            errors |= dict.fromkeys(those, exc)
