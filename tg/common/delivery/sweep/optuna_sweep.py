"""Sweeps whose tasks are chosen by Optuna, by what those before have reached."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol

from ..._core.errors import (
    ConfigError,
    MissingDependencyError,
    SweepError,
    SweepNotFoundError,
)
from ..naming.column import listed
from .distribution import Integers, Uniform
from .driver_lock import driving
from .earlier import with_earlier
from .executor_choice import executor_of
from .journal import Journal
from .journal_file import journal_path
from .mirror import SweepMirror
from .plain_value import plain_value
from .plan import SweepPlan
from .settings import SweepSettings
from .status import SweepStatus
from .sweep import Sweep
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["CellBuilder", "OptunaSweep"]

_AT_ONCE = 4


class CellBuilder(Protocol):
    """Builds tasks of parameters, and names them: an autonamer."""

    def build_cells(
        self, cells: Iterable[Mapping[str, Any]], *, prefix: str | None = None
    ) -> list[Any]:
        """Build a task of each cell."""


class OptunaSweep(Sweep):
    """Asks Optuna for a few tasks at a time, runs them, and tells it what they reached.

    It needs the extra ``optuna``. What was asked and told is the journal of the sweep: make the
    same sweep again in a new process, and the study is told again and goes on.

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
        if direction not in ("maximize", "minimize"):
            raise ConfigError(
                f"direction={direction!r} is no direction", hint="Give 'maximize' or 'minimize'."
            )
        if not isinstance(trials, int) or trials < 1 or not space:
            raise ConfigError(
                f"there is nothing to search in {trials!r} trials of {len(space)} parameters",
                hint="Give one or more of both.",
            )
        try:
            checked = SweepSettings(**settings)
        except TypeError as exc:
            raise ConfigError(f"a sweep has no such setting: {exc}", hint="Leave it out.") from exc
        checked.to_json()
        self._set_up(journal_path(name), checked, on_progress)
        self.mirror = mirror
        self._executor = executor_of(executor)
        self._builder = builder
        self._space = {
            key: one if isinstance(one, Uniform | Integers) else listed(key, one)
            for key, one in space.items()
        }
        self._metric = metric
        self._trials = trials
        self._direction = direction
        self._at_once = at_once or checked.max_parallel or _AT_ONCE
        self._sampler = sampler
        self._seed = seed

    def run(self) -> SweepStatus:
        """Do what is left to do, and return when that is done.

        Raises
        ------
        MissingDependencyError
            Optuna is not installed.
        SweepError
            There is another sweep of that name.
        """
        optuna = _optuna()
        self._bring_into_being()
        with self._driven() as journal:
            return self._search(journal, optuna)

    def resume(self, *, failed: bool = True, cancelled: bool = True) -> SweepStatus:
        """Give tasks another try that have failed or were cancelled, then go on searching."""
        super().resume(failed=failed, cancelled=cancelled)
        return self.run()

    def study(self) -> Any:
        """Make Optuna's study of what is known by now: ``sweep.study().best_params``.

        A choice from a list is told as its place in the list.
        """
        return self._study(self.rows(), _optuna())

    def _bring_into_being(self) -> None:
        search = json.dumps(
            {
                "space": {
                    key: vars(one) if isinstance(one, Uniform | Integers) else plain_value(one)
                    for key, one in self._space.items()
                },
                "metric": self._metric,
                "direction": self._direction,
            },
            sort_keys=True,
        )
        try:
            with Journal(self.journal_path) as journal:
                known = journal.about().get("search")
        except SweepNotFoundError:
            with driving(self.journal_path):
                about = {"settings": self._settings.to_json(), "search": search}
                Journal.create(self.journal_path, about=about, batches={}, rows=[]).close()
            return
        if known != search:
            raise SweepError(
                f"there is another sweep called {self.name}, which searches elsewhere: {known}",
                hint="Choose another name.",
            )

    def _search(self, journal: Journal, optuna: Any) -> SweepStatus:
        while True:
            status = self._drive(journal)
            rows = journal.rows()
            left = self._trials - len(rows)
            if left <= 0 or status.ended_by or not status.is_done:
                return status
            study = self._study(rows, optuna)
            asked = [study.ask(self._ranges(optuna)) for _ in range(min(left, self._at_once))]
            self._take_in(journal, len(rows), [trial.params for trial in asked])

    def _take_in(self, journal: Journal, first: int, chosen: list[Mapping[str, Any]]) -> None:
        """Write down what is to be run next; a trial that dies before that was never asked for."""
        tasks: list[Any] = []
        parameters: dict[str, Any] = {}
        for place, params in enumerate(chosen, start=first):
            cell = {key: self._value(key, value) for key, value in params.items()}
            built = self._builder.build_cells([cell], prefix=f"T{place}")
            tasks += built
            parameters[built[0].info["name"]] = cell
        plan = SweepPlan.of(tasks, parameters)
        batch = self._executor.batch(dict(plan.tasks))
        batch.prepare()
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
        study = optuna.create_study(direction=self._direction, sampler=sampler(seed))
        ranges = self._ranges(optuna)
        states = optuna.trial.TrialState
        for row in rows:
            if not row.state.is_final:
                continue
            value = row.metrics.get(self._metric)
            state = states.FAIL
            if value is not None and value == value:  # noqa: PLR0124 - a number
                known = {TaskState.COMPLETED: states.COMPLETE, TaskState.STOPPED: states.PRUNED}
                state = known.get(row.state, states.FAIL)
            study.add_trial(
                optuna.trial.create_trial(
                    state=state,
                    value=None if state == states.FAIL else value,
                    params={key: self._told(key, row.parameters[key]) for key in ranges},
                    distributions=ranges,
                    user_attrs={"task": row.name},
                )
            )
        return study

    def _ranges(self, optuna: Any) -> dict[str, Any]:
        kinds = optuna.distributions
        ranges = {}
        for key, one in self._space.items():
            if isinstance(one, Uniform):
                ranges[key] = kinds.FloatDistribution(one.low, one.high, log=one.log)
            elif isinstance(one, Integers):
                ranges[key] = kinds.IntDistribution(one.low, one.high, log=one.log)
            else:
                # values of any class: Optuna keeps the place of each
                ranges[key] = kinds.CategoricalDistribution(tuple(range(len(one))))
        return ranges

    def _value(self, key: str, chosen: Any) -> Any:
        one = self._space[key]
        if isinstance(one, Uniform):
            return one.rounded(chosen)
        return int(chosen) if isinstance(one, Integers) else one[chosen]

    def _told(self, key: str, stored: Any) -> Any:
        one = self._space[key]
        if isinstance(one, Uniform | Integers):
            return stored
        return [plain_value(value) for value in one].index(stored)


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
