"""Where a tuner looks for the value of a hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from ..._core.errors import ConfigError, HyperparameterError
from ..._core.suggestions import did_you_mean
from ..execution.request import copy_of_task, hyperparameters_as_text

__all__ = [
    "CategoricalRange",
    "ContinuousRange",
    "IntegerRange",
    "TuningRange",
    "check_ranges",
    "tuning_ranges",
]

# CreateHyperParameterTuningJob: ranges of a job, values of a range, characters of a value or name
_RANGES, _VALUES, _TEXT = 30, 30, 256
_SCALINGS = ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")


@dataclass(frozen=True, kw_only=True)
class ContinuousRange:
    """All numbers between two.

    After the API reference of Amazon SageMaker, ContinuousParameterRange.

    Attributes
    ----------
    low, high
        The ends, which belong to it.
    scaling
        ``"Auto"``, ``"Linear"``, ``"Logarithmic"``, for ranges above 0, or
        ``"ReverseLogarithmic"``, for ranges from 0 to less than 1.

    Raises
    ------
    ConfigError
        There is no such range.

    Example
    -------
    >>> ContinuousRange(low=1e-4, high=1, scaling="Logarithmic").texts
    ('0.0001', '1.0')
    """

    low: float
    high: float
    scaling: str = "Auto"

    def __post_init__(self) -> None:
        for value in (self.low, self.high):
            if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
                raise ConfigError(
                    f"a range goes from {self.low!r} to {self.high!r}", hint="Give two numbers."
                )
        _check_ends(self.low, self.high, self.scaling)
        if self.scaling == "ReverseLogarithmic" and not (self.low >= 0 and self.high < 1):
            raise ConfigError(
                f"a range from {self.low!r} to {self.high!r} has no reverse logarithms",
                hint="Give another scaling, or a range from 0 to less than 1.",
            )

    @property
    def texts(self) -> tuple[str, ...]:
        """Its ends, as the tuner is given them."""
        return repr(float(self.low)), repr(float(self.high))


@dataclass(frozen=True, kw_only=True)
class IntegerRange:
    """All whole numbers between two.

    After the API reference of Amazon SageMaker, IntegerParameterRange.

    Attributes
    ----------
    low, high
        The ends, which belong to it.
    scaling
        ``"Auto"``, ``"Linear"`` or ``"Logarithmic"``, for ranges above 0.

    Raises
    ------
    ConfigError
        There is no such range.

    Example
    -------
    >>> IntegerRange(low=1, high=64).texts
    ('1', '64')
    """

    low: int
    high: int
    scaling: str = "Auto"

    def __post_init__(self) -> None:
        for value in (self.low, self.high):
            if not isinstance(value, Integral) or isinstance(value, bool):
                raise ConfigError(
                    f"a range goes from {self.low!r} to {self.high!r}",
                    hint="Give two whole numbers, or use a ContinuousRange.",
                )
        _check_ends(self.low, self.high, self.scaling)
        if self.scaling == "ReverseLogarithmic":
            raise ConfigError(
                "a range of whole numbers has no reverse logarithms",
                hint="Give another scaling, or use a ContinuousRange.",
            )

    @property
    def texts(self) -> tuple[str, ...]:
        """Its ends, as the tuner is given them."""
        return str(int(self.low)), str(int(self.high))


@dataclass(frozen=True, kw_only=True)
class CategoricalRange:
    """One of some values.

    After the API reference of Amazon SageMaker, CategoricalParameterRange.

    Attributes
    ----------
    values
        Texts, or whatever has JSON.

    Raises
    ------
    ConfigError
        There is no such range.

    Example
    -------
    >>> CategoricalRange(values=["adam", True, [8, 8]]).texts
    ('adam', 'true', '[8, 8]')
    """

    values: list[Any] | tuple[Any, ...]
    texts: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.values, list | tuple) or not 1 <= len(self.values) <= _VALUES:
            raise ConfigError(
                f"a range has the values {self.values!r}", hint=f"Give a list of 1 to {_VALUES}."
            )
        named = {str(number): value for number, value in enumerate(self.values)}
        texts = tuple(hyperparameters_as_text(named).values())
        if len(set(texts)) < len(texts):
            raise ConfigError(
                f"a range has a value twice: {self.values!r}",
                hint="A text and what has the same JSON are one value.",
            )
        for text in texts:
            if len(text) > _TEXT:
                raise ConfigError(
                    f"a value of a range has {len(text):,} characters: {text[:80]!r}",
                    hint=f"SageMaker takes {_TEXT} at most: let the task know a short name for it.",
                )
        object.__setattr__(self, "texts", texts)


TuningRange = ContinuousRange | IntegerRange | CategoricalRange


def tuning_ranges(ranges: Mapping[str, Any]) -> dict[str, TuningRange]:
    """Give ranges by ``path.to.field:type``; a list is a range of its values.

    Raises
    ------
    ConfigError
        There are none or too many, or one is no range.

    Example
    -------
    >>> tuning_ranges({"optimizer": ["adam", "sgd"]})
    {'optimizer': CategoricalRange(values=['adam', 'sgd'])}
    """
    if not isinstance(ranges, Mapping) or not 1 <= len(ranges) <= _RANGES:
        raise ConfigError(
            f"the ranges are {ranges!r}",
            hint=f"Give 1 to {_RANGES}: a dictionary of path.to.field to a range.",
        )
    found: dict[str, TuningRange] = {}
    for key, value in ranges.items():
        if not isinstance(key, str) or not 1 <= len(key) <= _TEXT:
            raise ConfigError(
                f"a range is called {key!r}",
                hint=f"Give the path of the field, in {_TEXT} characters at most.",
            )
        one = CategoricalRange(values=value) if isinstance(value, list) else value
        if not isinstance(one, TuningRange):
            raise ConfigError(
                f"the range of {key!r} is {value!r}",
                hint="Give a list of values, ContinuousRange(low=…, high=…) or "
                "IntegerRange(low=…, high=…).",
            )
        found[key] = one
    return found


def check_ranges(
    task: Any, ranges: Mapping[str, TuningRange], hyperparameters: Mapping[str, str]
) -> None:
    """Try the ranges' ends and values on copies of a task.

    Parameters
    ----------
    task
        What is trained.
    ranges
        ``path.to.field:type`` to range.
    hyperparameters
        What is the same in all trainings.

    Raises
    ------
    HyperparameterError
        There is no such field, it does not take the values, or it is set twice.
    """
    for key in ranges:
        if key in hyperparameters:
            raise HyperparameterError(
                f"the hyperparameter {key!r} has a range and the value {hyperparameters[key]!r}",
                hint="Give one of them.",
            )
    # each number of a try takes one value of every range: a training is given so many as well
    for number in range(max(len(one.texts) for one in ranges.values())):
        values = {key: one.texts[number % len(one.texts)] for key, one in ranges.items()}
        applied = copy_of_task(task).apply_hyperparameters({**hyperparameters, **values})
        for key, one in ranges.items():
            if not isinstance(one, CategoricalRange):
                _check_number(key, applied.get(key.rpartition(":")[0] or key, 0))


def _check_number(key: str, value: object) -> None:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise HyperparameterError(
            f"the hyperparameter {key!r} is no number: it would be set to {value!r}",
            hint="Give a list of values, or a type at the end of the key, such as ':float'.",
        )


def _check_ends(low: float, high: float, scaling: str) -> None:
    if not low < high:
        raise ConfigError(
            f"a range goes from {low!r} to {high!r}", hint="The first end is to be the lower one."
        )
    if scaling not in _SCALINGS:
        raise ConfigError(
            f"there is no scaling {scaling!r}",
            hint=did_you_mean(str(scaling), _SCALINGS, what="scalings"),
        )
    if scaling == "Logarithmic" and low <= 0:
        raise ConfigError(
            f"a range from {low!r} has no logarithms",
            hint="Give another scaling, or a range above 0.",
        )
