"""The tasks that did best."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["best_rows"]

_COUNTING = (TaskState.COMPLETED, TaskState.STOPPED)


def best_rows(
    rows: Iterable[TaskRow], metric: str, *, count: int | None = 1, higher_is_better: bool = True
) -> list[TaskRow]:
    """Give the tasks with the best values, the best first; of equal ones in the sweep's order.

    Parameters
    ----------
    rows
        The tasks; only those count that completed or were ended by a rule, and have the metric.
    metric
        What they are compared by.
    count
        How many at most; all if ``None``.
    higher_is_better
        Whether the best have the greatest values.

    Example
    -------
    >>> rows = [
    ...     TaskRow(number=n, name=f"T{n}", state=TaskState.COMPLETED, metrics={"loss": loss})
    ...     for n, loss in enumerate([0.3, 0.1, 0.2])
    ... ]
    >>> [row.name for row in best_rows(rows, "loss", count=2, higher_is_better=False)]
    ['T1', 'T2']
    """
    known = [
        row
        for row in rows
        if row.state in _COUNTING and math.isfinite(row.metrics.get(metric, math.nan))
    ]
    return sorted(known, key=lambda row: row.metrics[metric], reverse=higher_is_better)[:count]
