"""A sweep as a table: a row a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from .metric_choice import metric_names
from .task_row import TaskRow

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["parameter_names", "sweep_table"]

_OWN = ("task", "state", "seconds", "cost", "attempt", "run", "reason")


def sweep_table(rows: Sequence[TaskRow]) -> pd.DataFrame:
    """Make the table.

    Parameters
    ----------
    rows
        The tasks.

    Returns
    -------
    DataFrame
        One row a task, in the order of the sweep; the index ``task`` has their names. The columns
        are the parameters that they were built of; ``state``; the last value of each metric;
        ``seconds`` from the start of the last run to its end; ``cost`` of all its runs in US
        dollars; ``attempt``; ``run``, the id of the last; and ``reason``, why it failed or was
        stopped, in one line; the rows have the whole of it. A metric that is called as another
        column stands as ``metric.NAME``, a parameter that is called as one of ours as
        ``parameter.NAME``.

    Example
    -------
    >>> row = TaskRow(number=0, name="A1", parameters={"alpha": 1}, metrics={"r2": 0.5})
    >>> sweep_table([row])[["alpha", "r2"]].to_dict("index")
    {'A1': {'alpha': 1, 'r2': 0.5}}
    """
    import pandas  # noqa: PLC0415 a sweep runs without it

    parameters = parameter_names(rows)
    metrics = metric_names(rows)
    taken = {f"parameter.{n}" if n in _OWN else n: n for n in parameters}
    columns = {shown: [row.parameters.get(name) for row in rows] for shown, name in taken.items()}
    columns["state"] = [str(row.state) for row in rows]
    for name in metrics:
        shown = f"metric.{name}" if name in _OWN or name in taken else name
        columns[shown] = [row.metrics.get(name) for row in rows]
    columns["seconds"] = [_seconds(row) for row in rows]
    columns["cost"] = [row.cost for row in rows]
    columns["attempt"] = [row.attempt for row in rows]
    columns["run"] = [row.run_id for row in rows]
    columns["reason"] = [row.summary for row in rows]
    return pandas.DataFrame(columns, index=pandas.Index([row.name for row in rows], name="task"))


def parameter_names(rows: Iterable[TaskRow]) -> list[str]:
    """Name all parameters, in the order in which the tasks first have them."""
    return list(dict.fromkeys(name for row in rows for name in row.parameters))


def _seconds(row: TaskRow) -> float | None:
    if not row.started_utc or not row.ended_utc:
        return None
    began, ended = map(datetime.fromisoformat, (row.started_utc, row.ended_utc))
    return max(0.0, (ended - began).total_seconds())  # a clock may step back
