"""What can be known of a sweep by whoever does not drive it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..._core.errors import RunNotFoundError, SweepError
from ..._core.suggestions import did_you_mean
from ..execution.result_loader import ResultLoader
from ..execution.run import Run
from ..execution.task_batch import TaskBatch, open_batch
from .best import best_rows
from .driver_lock import is_driven, lock_path
from .journal import Journal
from .known_runs import KnownRuns
from .metric_choice import chosen_metric
from .plots import SweepPlots
from .report import write_report
from .status import SweepStatus
from .table import sweep_table
from .task_row import TaskRow
from .transition import Transition

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["StoredSweep"]


class StoredSweep:
    """A sweep as its journal has it, whoever drives it.

    Parameters
    ----------
    path
        The journal; ``None`` while its place depends on what will be packed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._batches: dict[int, TaskBatch] = {}
        self._known_runs = KnownRuns()

    @property
    def name(self) -> str | None:
        """What the sweep is called; ``None`` while that depends on what will be packed."""
        return None if self._path is None else self._path.parent.name

    @property
    def journal_path(self) -> Path:
        """Where the journal is.

        Raises
        ------
        SweepError
            The sweep has no name yet.
        """
        if self._path is None:
            raise SweepError(
                "the sweep was not started, and has no name yet", hint="Call run(), or name it."
            )
        return self._path

    @property
    def lock_path(self) -> Path:
        """What the process that drives the sweep holds locked."""
        return lock_path(self.journal_path)

    def status(self) -> SweepStatus:
        """Count the tasks, whoever drives the sweep."""
        with Journal(self.journal_path) as journal:
            return dataclasses.replace(journal.status(), is_driven=is_driven(self.journal_path))

    def rows(self) -> list[TaskRow]:
        """Give all tasks as they are, whoever drives the sweep."""
        with Journal(self.journal_path) as journal:
            return journal.rows()

    def transitions(self, after: int = 0) -> list[Transition]:
        """Give what has happened, in its order, or what has happened after one transition."""
        with Journal(self.journal_path) as journal:
            return journal.transitions(after)

    def run_of(self, task: str) -> Run:
        """Find the run of a task.

        Raises
        ------
        SweepError
            There is no such task, the nearest is named; or it was not started.
        RunNotFoundError
            The run was removed.
        """
        with Journal(self.journal_path) as journal:
            row = journal.row(str(task))
            names = journal.names() if row is None else []
        if row is None:
            raise SweepError(
                f"the sweep {self.name} has no task {task!r}",
                hint=did_you_mean(str(task), names, what="tasks"),
            )
        if not row.run_id:
            raise SweepError(
                f"the sweep {self.name} has not started the task {task!r}: it is {row.state}",
                hint="Its run is there when its turn has come.",
            )
        return self.run_at(row)

    def run_at(self, row: TaskRow) -> Run:
        """Find the run that a row of :meth:`rows` is at.

        Raises
        ------
        RunNotFoundError
            The run was removed, or was not started yet.
        """
        if row.batch not in self._batches:
            with Journal(self.journal_path) as journal:
                self._opened(journal)
        return self._known_runs.run(self._batches[row.batch], row)

    def result(self, task: str) -> ResultLoader:
        """Open the result of a task that has completed.

        Raises
        ------
        SweepError
            There is no such task, or it was not started.
        RunError
            It did not complete.
        """
        return self.run_of(task).result()

    def table(self) -> pd.DataFrame:
        """Give a row a task: parameters, state, metrics, seconds, cost in US dollars, run.

        See :func:`.table.sweep_table`.
        """
        return sweep_table(self.rows())

    def best(
        self, metric: str | None = None, count: int = 1, *, higher_is_better: bool = True
    ) -> pd.DataFrame:
        """Give the rows of the tasks that did best, the best first.

        Parameters
        ----------
        metric
            What they are compared by; if ``None``, the only one on data not trained on.
        count
            How many at most.
        higher_is_better
            Whether the best have the greatest values.

        Raises
        ------
        ConfigError
            No task has such a metric, or there are several to choose from.
        """
        rows = self.rows()
        name = chosen_metric(rows, metric)
        return sweep_table(best_rows(rows, name, count=count, higher_is_better=higher_is_better))

    def curves(self, metric: str, tasks: Sequence[str] | None = None) -> dict[str, list[float]]:
        """Give the values of a metric for each task, in the order in which it reported them.

        Parameters
        ----------
        metric
            Its name.
        tasks
            Those that are wanted; all if ``None``. One whose run was removed is left out.
        """
        wanted = None if tasks is None else set(tasks)
        found: dict[str, list[float]] = {}
        with Journal(self.journal_path) as journal:
            batches = self._opened(journal)
            rows = [row for row in journal.rows() if row.run_id]
        for row in rows:
            if wanted is None or row.name in wanted:
                with contextlib.suppress(RunNotFoundError):
                    values = self._known_runs.run(batches[row.batch], row).metric_values()
                    found[row.name] = values.get(metric, [])
        return found

    @property
    def plots(self) -> SweepPlots:
        """What can be drawn of it."""
        return SweepPlots(self.rows(), self.curves)

    def plot(self, kind: str = "by_parameter", metric: str | None = None) -> Figure:
        """Draw what has come out so far.

        Parameters
        ----------
        kind
            ``"by_parameter"``, ``"parallel"``, ``"curves"`` or ``"overfit"``: the methods of
            :class:`.plots.SweepPlots`.
        metric
            As in :meth:`best`; of ``"overfit"``, what two metrics have in common.

        Raises
        ------
        ConfigError
            There is no such kind, or nothing to be drawn.
        MissingDependencyError
            matplotlib is not installed.
        """
        return self.plots.draw(kind, metric)

    def report(
        self, path: Path | str, *, metric: str | None = None, higher_is_better: bool = True
    ) -> Path:
        """Write one HTML file with tables and plots, which needs nothing else.

        See :func:`.report.write_report`.
        """
        return write_report(
            Path(path),
            self.status(),
            self.rows(),
            self.plots,
            metric=metric,
            higher_is_better=higher_is_better,
        )

    def _opened(self, journal: Journal) -> Mapping[int, TaskBatch]:
        for number, record in journal.batches().items():
            if number not in self._batches:
                self._batches[number] = open_batch(record)
        return self._batches
