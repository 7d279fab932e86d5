"""Sweeps whose tasks are chosen by Optuna, by what those before have reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Self

from ..._core.errors import ConfigError, MissingDependencyError, SweepError
from .earlier import with_earlier
from .executor_choice import executor_of
from .journal import Journal
from .journal_file import journal_path
from .mirror import SweepMirror
from .plan import SweepPlan
from .search_birth import CellBuilder, SearchBirth
from .search_space import SearchSpace
from .settings import SweepSettings
from .status import SweepStatus
from .sweep import Sweep
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["OptunaSweep"]

_AT_ONCE = 4


class OptunaSweep(Sweep):
    """Asks Optuna for a few tasks at a time, runs them, and tells it what they reached.

    It needs the extra ``optuna``. What was asked and told is the journal of the sweep: make the
    same sweep again in a new process, and the study is told again and goes on.

    All trials run the package that was made when the search began: code that is edited meanwhile
    does not change what the later ones run.

    Parameters
    ----------
    builder
        An autonamer, which builds a task of what Optuna chooses.
    space
        For each parameter a :class:`.distribution.Uniform`, :class:`.distribution.Integers`, or a
        list of values.
    executor
        Where they run: an executor, or a routine for processes on this machine.
    name
        What the sweep is called.
    metric
        What the tasks are compared by; its last value counts.
    trials
        How many tasks there are to be.
    direction
        Whether more or less is better.
    at_once
        How many tasks are asked for at a time; ``max_parallel`` if not given, or 4.
    sampler
        Makes Optuna's sampler of a seed; its ``TPESampler`` if not given.
    seed
        The first seed.
    on_progress
        Is told how far the sweep is.
    mirror
        Is shown all of it as it happens, such as :class:`.mlflow_mirror.MlflowMirror`.
    **settings
        As of :class:`.sweep.Sweep`: ``max_parallel``, ``max_cost``, ``retry`` and so on.

    Raises
    ------
    ConfigError, NamingError
        A setting makes no sense.
    """

    _builder: CellBuilder | None = None
    _sampler: Callable[[int], Any] | None = None
    _seed = 0
    _is_begun = False

    def __init__(
        self,
        builder: CellBuilder,
        space: Mapping[str, Any],
        executor: Any,
        *,
        name: str,
        metric: str,
        trials: int,
        direction: Literal["maximize", "minimize"] = "maximize",
        at_once: int | None = None,
        sampler: Callable[[int], Any] | None = None,
        seed: int = 0,
        on_progress: Callable[[SweepStatus], None] | None = None,
        mirror: SweepMirror | None = None,
        **settings: Any,
    ) -> None:
        if not isinstance(trials, int) or trials < 1:
            raise ConfigError(
                f"there is nothing to search in {trials!r} trials", hint="Give 1 or more."
            )
        try:
            checked = SweepSettings(**settings)
        except TypeError as exc:
            raise ConfigError(f"a sweep has no such setting: {exc}", hint="Leave it out.") from exc
        checked.to_json()
        self._set_up(journal_path(name), checked, on_progress)
        self.mirror = mirror
        self._space = SearchSpace.of(space, metric, direction)
        self._executor = executor_of(executor)
        self._builder = builder
        self._trials = trials
        self._at_once = at_once or checked.max_parallel or _AT_ONCE
        self._sampler = sampler
        self._seed = seed

    @classmethod
    def open(
        cls,
        name: str,
        *,
        on_progress: Callable[[SweepStatus], None] | None = None,
        mirror: SweepMirror | None = None,
        **changes: Any,
    ) -> Self:
        """Find a search again, in any process, from its journal alone: to watch and to read it.

        Its :meth:`run` finishes the trials that were begun. For the others it takes the function
        that builds them, which no journal can hold: make the same search again to go on.

        Parameters
        ----------
        name
            What the search is called.
        on_progress, mirror, **changes
            As of :meth:`.sweep.Sweep.open`.

        Raises
        ------
        SweepNotFoundError
            There is none of that name; the nearest is named.
        SweepError
            It is a sweep that searches nothing.
        FormatError, ProtocolError, StorageError
            Its journal cannot be read.
        """
        sweep = super().open(name, on_progress=on_progress, mirror=mirror, **changes)
        with Journal(sweep.journal_path) as journal:
            search = journal.about().get("search")
        if search is None:
            raise SweepError(
                f"the sweep {name} is no search", hint=f"Open it with Sweep.open({name!r})."
            )
        sweep._space = SearchSpace.of_json(search)  # noqa: SLF001 - a new one of this class
        return sweep

    def study(self) -> Any:
        """Make Optuna's study of what is known by now: ``sweep.study().best_params``.

        A choice from a list is told as its place in the list.
        """
        return self._study(self.rows(), _optuna())

    def __repr__(self) -> str:
        if self._builder is None or self.journal_path.exists():
            return super().__repr__()
        return f"<sweep {self.name} of {self._trials} tasks, not started>"

    def _bring_into_being(self) -> None:
        if self._builder is None or self._is_begun:
            return
        _optuna()
        birth = SearchBirth(self._space, self._builder, self._executor)
        settings = self._settings.begun(datetime.now(UTC))
        self._batches[0] = birth.bring_about(self.journal_path, settings, self._trials)
        self._is_begun = True

    def _go_on(self, journal: Journal) -> SweepStatus:
        builder = self._builder
        if builder is None:
            return super()._go_on(journal)
        optuna = _optuna()
        while True:
            status = self._drive(journal)
            rows = journal.rows()
            left = self._trials - len(rows)
            if left <= 0 or status.ended_by or status.done < status.known:
                return status
            study = self._study(rows, optuna)
            ranges = self._space.ranges(optuna)
            asked = [study.ask(ranges) for _ in range(min(left, self._at_once))]
            self._take_in(journal, builder, len(rows), [trial.params for trial in asked])

    def _take_in(
        self, journal: Journal, builder: CellBuilder, first: int, chosen: list[Mapping[str, Any]]
    ) -> None:
        """Write down what is to be run next; a trial that dies before that was never asked for."""
        tasks: list[Any] = []
        parameters: dict[str, Any] = {}
        for place, params in enumerate(chosen, start=first):
            cell = self._space.cell(params)
            built = builder.build_cells([cell], prefix=f"T{place}")
            tasks += built
            parameters[built[0].info["name"]] = cell
        plan = SweepPlan.of(tasks, parameters)
        batch = self._executor.batch(dict(plan.tasks)).packed_as(self._opened(journal)[0])
        number = max(journal.batches(), default=-1) + 1
        rows = [
            TaskRow(
                number=place,
                name=name,
                parameters=plan.parameters[name],
                batch=number,
                fingerprint=batch.fingerprint(name),
            )
            for place, name in enumerate(plan.tasks, start=first)
        ]
        folder = self.journal_path.parent.parent
        rows = with_earlier(rows, batch, folder, besides=str(self.name), rerun=False)
        journal.add(number, batch.record(), rows)
        self._batches[number] = batch

    def _study(self, rows: list[TaskRow], optuna: Any) -> Any:
        """Tell a new study all that is known."""
        seed = self._seed + len(rows)
        sampler = self._sampler or (lambda value: optuna.samplers.TPESampler(seed=value))
        study = optuna.create_study(direction=self._space.direction, sampler=sampler(seed))
        ranges = self._space.ranges(optuna)
        states = optuna.trial.TrialState
        for row in rows:
            if not row.state.is_final:
                continue
            value = row.metrics.get(self._space.metric)
            state = states.FAIL
            if value is not None and value == value:  # noqa: PLR0124 - a number
                known = {TaskState.COMPLETED: states.COMPLETE, TaskState.STOPPED: states.PRUNED}
                state = known.get(row.state, states.FAIL)
            study.add_trial(
                optuna.trial.create_trial(
                    state=state,
                    value=None if state == states.FAIL else value,
                    params=self._space.params(row.parameters),
                    distributions=ranges,
                    user_attrs={"task": row.name},
                )
            )
        return study


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise MissingDependencyError(
            f"a sweep that Optuna directs needs it: {exc}",
            hint='Install it: pip install "training-grounds[optuna]".',
        ) from exc
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
