"""Many trainings, as one thing that outlives the process that drives it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from ..._core.errors import ConfigError, SweepBusyError, SweepPausedError
from ...contract.task import TrainingTask
from .birth import bring_into_being
from .cause import Cause
from .driver_lock import driving
from .executor_choice import executor_of
from .journal import Journal
from .journal_file import journal_path
from .mirror import SweepMirror, mirrored
from .pace import Pace
from .plan import SweepPlan
from .progress import SweepProgress
from .retry import RetryPolicy
from .scheduler import Scheduler
from .settings import SweepSettings
from .status import SweepStatus
from .stopping import MedianStopping
from .stored_sweep import StoredSweep
from .task_state import TaskState

__all__ = ["Sweep"]


class Sweep(StoredSweep):
    """Runs many tasks, of which each has exactly one result in the end.

    All tasks share one package and one image. What was done, and what is about to be done, is
    written to ``data-cache/sweeps/NAME/journal.db`` before it is done: end this process at any
    moment, and :meth:`open` goes on in another.

    Parameters
    ----------
    tasks
        What an autonamer built, other tasks with ``info["name"]``, or names to tasks.
    executor
        Where they run: an executor, or a routine for processes on this machine.
    name
        What the sweep is called. If not given, it is made of what the tasks are, so that the same
        tasks are the same sweep.
    max_parallel
        How many runs may go on at once; what is usual at the place if not given.
    max_cost
        US dollars: no run is started that could bring the sum beyond it.
    deadline
        From then on nothing is started, and what runs is ended. A duration counts from the first
        start of the sweep.
    retry
        Which failures are worth another try: those of the place, not those of the task, if not
        given.
    stopping
        The rule by which runs are ended early. Rules of your own are refused: the process that goes
        on with the sweep would not know them.
    fail_fast
        Whether the first task that fails ends the sweep.
    rerun
        Whether tasks are run again that have a result already, in this sweep or an earlier one.
    parameters
        Name to what the task was built of; an autonamer's tasks bring it with them.
    pace
        How often places are asked, and how long one waits that has refused.
    on_progress
        Is told how far the sweep is, a few times a second while that changes. If not given, it is
        shown in a notebook or a terminal, see :class:`.progress.SweepProgress`.
    mirror
        Is shown all of it as it happens, such as :class:`.mlflow_mirror.MlflowMirror`. Its failures
        go to the log and have no effect on the sweep.

    Raises
    ------
    ConfigError
        A setting makes no sense, or there is no task.
    NamingError
        A task has no name, or several have the same.
    """

    _plan: SweepPlan | None
    _executor: Any
    mirror: SweepMirror | None

    def __init__(
        self,
        tasks: Mapping[str, TrainingTask] | Iterable[TrainingTask],
        executor: Any,
        *,
        name: str | None = None,
        max_parallel: int | None = None,
        max_cost: float | None = None,
        deadline: datetime | timedelta | None = None,
        retry: RetryPolicy | None = None,
        stopping: MedianStopping | None = None,
        fail_fast: bool = False,
        rerun: bool = False,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        pace: Pace | None = None,
        on_progress: Callable[[SweepStatus], None] | None = None,
        mirror: SweepMirror | None = None,
    ) -> None:
        settings = SweepSettings(
            max_parallel=max_parallel,
            max_cost=max_cost,
            deadline=deadline,
            retry=retry or RetryPolicy(),
            stopping=stopping,
            fail_fast=fail_fast,
            pace=pace or Pace(),
        )
        settings.to_json()  # what cannot be kept is told at once
        self._set_up(None if name is None else journal_path(name), settings, on_progress)
        self.mirror = mirror
        self._plan = SweepPlan.of(tasks, parameters)
        self._executor = executor_of(executor)
        self._rerun = rerun

    def _set_up(
        self,
        path: Path | None,
        settings: SweepSettings,
        on_progress: Callable[[SweepStatus], None] | None,
    ) -> None:
        super().__init__(path)
        self._settings = settings
        if on_progress is not None and not callable(on_progress):
            raise ConfigError(
                f"on_progress={on_progress!r} cannot be called",
                hint="Give a function that takes a SweepStatus; leave it out for a bar.",
            )
        self.on_progress = SweepProgress() if on_progress is None else on_progress
        self.mirror = None
        self._plan = None
        self._executor = None
        self._rerun = False

    @classmethod
    def open(
        cls,
        name: str,
        *,
        on_progress: Callable[[SweepStatus], None] | None = None,
        mirror: SweepMirror | None = None,
        **changes: Any,
    ) -> Self:
        """Find a sweep again, in any process, from its journal alone.

        Parameters
        ----------
        name
            What the sweep is called.
        on_progress, mirror
            As above.
        **changes
            Settings to go on with, such as a higher ``max_cost``.

        Raises
        ------
        SweepNotFoundError
            There is none of that name; the nearest is named.
        FormatError, ProtocolError, StorageError
            Its journal cannot be read.
        """
        path = journal_path(name)
        with Journal(path) as journal:
            journal.check()
            settings = SweepSettings.of_json(journal.about()["settings"])
        try:
            settings = dataclasses.replace(settings, **changes)
        except TypeError as exc:
            raise ConfigError(
                f"a sweep has no such setting: {exc}",
                hint="Those that can be changed are: "
                f"{', '.join(field.name for field in dataclasses.fields(SweepSettings))}.",
            ) from exc
        settings.to_json()
        sweep = cls.__new__(cls)
        sweep._set_up(path, settings, on_progress)  # noqa: SLF001 - a new one of this class
        sweep.mirror = mirror
        return sweep

    def run(self) -> SweepStatus:
        """Do what is left to do, and return when that is done.

        Tasks that fail do not raise an error here: see the numbers returned, and :meth:`rows`.
        Ctrl-C ends the driving alone; :meth:`cancel` ends the runs.

        Raises
        ------
        SweepBusyError
            Another process drives the sweep; this one may watch it.
        SweepPausedError
            It cannot go on before the user has done something, such as to log in; runs go on. Or
            it is a search that was opened by its name, and whose begun tasks are done.
        SweepError
            There is another sweep of that name.
        ConfigError, PackagingError, ImageBuildError, AwsError
            Nothing can be started.
        StorageError, FormatError
            The journal cannot be written or read.
        """
        self._bring_into_being()
        with self._driven() as journal:
            return self._go_on(journal)

    def resume(self, *, failed: bool = True, cancelled: bool = True) -> SweepStatus:
        """Give tasks another try that have failed or were cancelled, and do what is left to do.

        Parameters
        ----------
        failed
            Whether those that failed are tried.
        cancelled
            Whether those that were cancelled are tried.
        """
        states = [TaskState.FAILED] * failed + [TaskState.CANCELLED] * cancelled
        self._bring_into_being()
        with self._driven() as journal:
            journal.forget_requests()
            journal.write([row.again() for row in journal.rows() if row.state in states])
            if cancelled:
                journal.note(ended_by="")
            return self._go_on(journal)

    def cancel(self) -> None:
        """End all runs, and start nothing any more.

        Where another process drives the sweep, that one is asked to do it; else it is done here.
        """
        with Journal(self.journal_path, "write") as journal:
            journal.request(Cause.CANCEL)
        with contextlib.suppress(SweepBusyError), self._driven() as journal:
            if journal.requests():
                self._drive(journal)

    def __repr__(self) -> str:
        if self._path is None or not self._path.exists():
            count = len(self._plan.tasks) if self._plan else 0
            name = f"{self.name} " if self.name else ""
            return f"<sweep {name}of {count} tasks, not started>"
        return repr(self.status())

    def _bring_into_being(self) -> None:
        if self._plan is None:
            return
        self._path, batch = bring_into_being(
            self._plan,
            self._executor,
            self._settings.begun(datetime.now(UTC)),
            path=self._path,
            rerun=self._rerun,
        )
        self._plan = None
        self._batches = {} if batch is None else {0: batch}

    def _go_on(self, journal: Journal) -> SweepStatus:
        status = self._drive(journal)
        if status.done == status.known < status.total and not status.ended_by:
            raise SweepPausedError(
                f"the search {self.name} has done its first {status.done} of {status.total} "
                "tasks, and what builds the others is in no journal",
                hint=f"Make the same OptunaSweep again, with name={self.name!r}, and call run().",
            )
        return status

    def _drive(self, journal: Journal) -> SweepStatus:
        begun_utc = journal.about().get("begun_utc", datetime.now(UTC).isoformat())
        self._settings = settings = self._settings.begun(datetime.fromisoformat(begun_utc))
        journal.note(settings=settings.to_json(), begun_utc=begun_utc)
        batches = self._opened(journal)
        scheduler = Scheduler(journal, batches, settings, on_progress=self.on_progress)
        with mirrored(self.mirror, journal.path):
            return scheduler.drive()

    @contextmanager
    def _driven(self) -> Iterator[Journal]:
        with driving(self.journal_path), Journal(self.journal_path, "write") as journal:
            yield journal
