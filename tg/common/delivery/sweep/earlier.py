"""What earlier sweeps of the project know about the same tasks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..._core.errors import TgError
from ..._core.logger import Logger
from ...contract.run_state import RunState
from ..execution.task_batch import TaskBatch
from .journal import Journal
from .journal_file import journal_path, sweep_names
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["with_earlier"]


def with_earlier(
    rows: Iterable[TaskRow], batch: TaskBatch, folder: Path, *, besides: str, rerun: bool
) -> list[TaskRow]:
    """Take the results that there are already, and ids that no run has.

    Parameters
    ----------
    rows
        Tasks, none of which was started by this sweep.
    batch
        Knows the ids of their runs.
    folder
        The folder of sweeps.
    besides
        The sweep itself, which is not asked.
    rerun
        Whether every task is to be run, whatever results there are.

    Returns
    -------
    list of TaskRow
        Completed, where an earlier sweep has a result that can still be found; else waiting. A run
        of an earlier sweep that goes on is shared.
    """
    rows = list(rows)
    known = _known({row.fingerprint for row in rows}, folder, besides)
    candidates = [
        earlier.run_id
        for found in known.values()
        for earlier in found
        if earlier.state is TaskState.COMPLETED
    ]
    there: set[str] = set()
    if candidates and not rerun:
        states = batch.states(candidates)
        there = {run_id for run_id, state in states.items() if state is RunState.COMPLETED}
    return [_with(row, batch, known.get(row.fingerprint, []), there, rerun=rerun) for row in rows]


def _known(fingerprints: set[str], folder: Path, besides: str) -> dict[str, list[TaskRow]]:
    known: dict[str, list[TaskRow]] = {}
    for name in sweep_names(folder):
        if name == besides:
            continue
        try:
            with Journal(journal_path(name, folder)) as journal:
                for row in journal.rows_of(fingerprints):
                    known.setdefault(row.fingerprint, []).append(row)
        except TgError as exc:
            Logger.debug(f"the results of the sweep {name} are not used: {exc}")
    return known


def _with(
    row: TaskRow, batch: TaskBatch, earlier: list[TaskRow], there: set[str], *, rerun: bool
) -> TaskRow:
    for one in earlier:
        if one.run_id in there:
            return row.but(
                state=TaskState.COMPLETED,
                attempt=one.attempt,
                run_id=one.run_id,
                metrics=one.metrics,
                reused=True,
                started_utc=one.started_utc,
                ended_utc=one.ended_utc,
            )
    attempt = row.attempt
    for one in earlier:
        if batch.run_id(row.name, one.attempt) != one.run_id:
            continue  # a run that this batch would call otherwise is in nobody's way
        is_spent = rerun or (one.state.is_final and one.state is not TaskState.COMPLETED)
        attempt = max(attempt, one.attempt + is_spent)
    return row.but(attempt=attempt)
