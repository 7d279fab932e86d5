"""How a tuner looks for the best training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..._core.errors import ConfigError
from ..._core.suggestions import did_you_mean
from .trainer_options import TrainerOptions
from .tuning_range import CategoricalRange, TuningRange

__all__ = ["TunerOptions", "split_options"]

_GOALS = ("Maximize", "Minimize")
_GRID = "Grid"
_STRATEGIES = ("Bayesian", "Random", _GRID, "Hyperband")
_JOBS = 10
_INSTANCE_TYPE = "ml.m5.large"
# CreateHyperParameterTuningJob: least and greatest; the SDK passes no seed of 0 on
_BOUNDS = {
    "max_jobs": (1, 100_000),
    "max_parallel_jobs": (1, 1_000),
    "max_tuning_seconds": (120, 15_768_000),
    "max_jobs_not_improving": (3, 100_000),
    "random_seed": (1, 2**31 - 1),
}


@dataclass(frozen=True, kw_only=True)
class TunerOptions:
    """The settings of a tuner.

    After the API reference of Amazon SageMaker, HyperParameterTuningJobConfig.

    Attributes
    ----------
    goal
        ``"Maximize"`` or ``"Minimize"``.
    strategy
        ``"Bayesian"``, ``"Random"``, ``"Grid"``, for ranges of values only, or ``"Hyperband"``.
    max_jobs
        How many trainings there are in all; 10 if not given, and all of a grid.
    max_parallel_jobs
        How many of them run at once.
    max_tuning_seconds
        How long all of it may take, in seconds.
    early_stopping
        Whether trainings that promise nothing are stopped.
    random_seed
        Makes the search repeatable, as far as the service goes.
    target_value
        It is over when the objective has come to this.
    max_jobs_not_improving
        It is over after so many trainings none of which was better than the best before.

    Raises
    ------
    ConfigError
        A value cannot be used.
    """

    goal: str = "Maximize"
    strategy: str = "Bayesian"
    max_jobs: int | None = None
    max_parallel_jobs: int = 1
    max_tuning_seconds: int | None = None
    early_stopping: bool = False
    random_seed: int | None = None
    target_value: float | None = None
    max_jobs_not_improving: int | None = None

    def __post_init__(self) -> None:
        for name, choices in (("goal", _GOALS), ("strategy", _STRATEGIES)):
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}",
                    hint=f"Choose of {', '.join(choices)}.",
                )
        for name, (least, greatest) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and (type(value) is not int or not least <= value <= greatest):
                raise ConfigError(
                    f"{name} is {value!r}",
                    hint=f"Give a whole number from {least:,} to {greatest:,}.",
                )
        if self.target_value is not None and not math.isfinite(self.target_value):
            raise ConfigError(f"target_value is {self.target_value!r}", hint="Give a number.")
        if self.strategy == "Hyperband" and self.early_stopping:
            raise ConfigError(
                "early_stopping is True with the strategy Hyperband",
                hint="Leave it out: Hyperband stops trainings by itself.",
            )

    def job_count(self, ranges: Mapping[str, TuningRange]) -> int:
        """Tell how many trainings there are at most.

        Raises
        ------
        ConfigError
            There is no such grid.
        """
        if self.strategy != _GRID:
            count = _JOBS if self.max_jobs is None else self.max_jobs
        else:
            count = self._grid_count(ranges)
        if self.max_parallel_jobs > count:
            raise ConfigError(
                f"max_parallel_jobs is {self.max_parallel_jobs}, and there are {count} jobs in all",
                hint="Give fewer at once, or a greater max_jobs.",
            )
        return count

    def _grid_count(self, ranges: Mapping[str, TuningRange]) -> int:
        for key, one in ranges.items():
            if not isinstance(one, CategoricalRange):
                raise ConfigError(
                    f"a grid has no {type(one).__name__}, as {key!r} is one",
                    hint="Give a list of its values, or another strategy.",
                )
        count = math.prod(len(one.texts) for one in ranges.values())
        if self.max_jobs not in (None, count):
            raise ConfigError(
                f"max_jobs is {self.max_jobs}, and the grid has {count} cells",
                hint="Leave max_jobs out, or use the strategy Random.",
            )
        return count


def split_options(values: Mapping[str, Any]) -> tuple[TunerOptions, TrainerOptions]:
    """Make the options of a tuner and those of its trainings of keyword arguments.

    Raises
    ------
    ConfigError
        There is no such option, or a value cannot be used.

    Example
    -------
    >>> tuning, training = split_options({"max_jobs": 20, "volume_gib": 50})
    >>> tuning.max_jobs, training.volume_gib, training.instance_type
    (20, 50, 'ml.m5.large')
    """
    own = [f.name for f in fields(TunerOptions)]
    others = [f.name for f in fields(TrainerOptions)]
    for name in values:
        if name not in own and name not in others:
            raise ConfigError(
                f"a tuner has no option {name!r}",
                hint=did_you_mean(name, [*own, *others], what="options"),
            )
    tuning = TunerOptions(**{name: value for name, value in values.items() if name in own})
    rest = {name: value for name, value in values.items() if name in others}
    training = TrainerOptions(**{"instance_type": _INSTANCE_TYPE, **rest})
    if training.is_local:
        raise ConfigError(
            f"a tuner has no trainings on this machine, as instance_type={rest['instance_type']!r}",
            hint="Give a type of SageMaker's. A rehearsal plays it here.",
        )
    return tuning, training
