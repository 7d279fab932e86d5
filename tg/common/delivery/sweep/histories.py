"""The values that tasks have reported of their metrics, in order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ..._core.errors import TgError
from ..execution.task_batch import TaskBatch
from .known_runs import KnownRuns
from .refusal import Refusal
from .task_row import TaskRow

__all__ = ["histories_of", "with_last"]


def histories_of(
    batches: Mapping[int, TaskBatch], rows: Iterable[TaskRow], metric: str, known: KnownRuns
) -> dict[int, list[float]]:
    """Read a metric of many runs, as far as it can be read now.

    Parameters
    ----------
    batches
        Know where the runs are.
    rows
        The tasks.
    metric
        Its name.
    known
        Keeps the runs that go on for the next time.

    Returns
    -------
    dict
        Number of the task to its values. None at all means that the run has ended and its metric
        is not to be had; one that is left out may be read later.
    """
    histories = {}
    for row in rows:
        try:
            values = known.run(batches[row.batch], row).metric_values()
            histories[row.number] = values.get(metric, [])
        except (TgError, OSError) as exc:  # such as of a log in a folder that is away for a moment
            if row.state.is_final and Refusal.of(exc) is Refusal.TASK:
                histories[row.number] = []
    return histories


def with_last(
    histories: Mapping[str, Sequence[float]], last: Mapping[str, float]
) -> dict[str, list[float]]:
    """Complete histories by the last value of each metric, where they end before it.

    Example
    -------
    >>> with_last({"loss": [0.5, 0.25]}, {"loss": 0.125, "auc": 0.75})
    {'loss': [0.5, 0.25, 0.125], 'auc': [0.75]}
    >>> with_last({"loss": [0.5, 0.125]}, {"loss": 0.125})
    {'loss': [0.5, 0.125]}
    """
    whole = {name: list(values) for name, values in histories.items()}
    for name, value in last.items():
        values = whole.setdefault(name, [])
        if not values or not _same(values[-1], value):
            values.append(value)
    return whole


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
