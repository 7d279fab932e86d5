"""Rules that end runs which will not be among the best."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..._core.errors import ConfigError

__all__ = ["MedianStopping", "StoppingRule"]


class StoppingRule(Protocol):
    """Looks at the metrics of all runs while they run.

    Attributes
    ----------
    metric
        The metric that it looks at.
    """

    @property
    def metric(self) -> str:
        """The metric that it looks at."""

    def to_stop(
        self, histories: Mapping[str, Sequence[float]], running: Collection[str]
    ) -> set[str]:
        """Choose the runs to end.

        Parameters
        ----------
        histories
            Task to the values of :attr:`metric` so far, in their order.
        running
            The tasks that can be ended; the others have ended.
        """


@dataclass(frozen=True, kw_only=True)
class MedianStopping:
    """Ends a run whose best value is worse than the median of what others had by then.

    What others had is the mean of their values up to the same step, as in "Google Vizier: A
    Service for Black-Box Optimization" (KDD 2017), section 3.2.2.

    Attributes
    ----------
    metric
        The metric to look at; each report of it is one step.
    mode
        Whether more or less is better.
    warmup_steps
        How many values a run may report before it is judged.
    min_runs
        How many other runs must have come as far.

    Raises
    ------
    ConfigError
        A setting makes no sense.

    Example
    -------
    >>> rule = MedianStopping(metric="auc", warmup_steps=1, min_runs=2)
    >>> rule.to_stop({"a": [0.8, 0.9], "b": [0.7, 0.8], "c": [0.4, 0.5]}, ["a", "b", "c"])
    {'c'}
    """

    metric: str
    mode: Literal["max", "min"] = "max"
    warmup_steps: int = 3
    min_runs: int = 3

    def __post_init__(self) -> None:
        if self.mode not in ("max", "min"):
            raise ConfigError(
                f"mode={self.mode!r} says neither 'max' nor 'min'",
                hint="Give 'max' where more is better, as for an accuracy.",
            )
        for name in ("warmup_steps", "min_runs"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ConfigError(
                    f"{name}={getattr(self, name)!r} is no number of them", hint="Give 1 or more."
                )

    def to_stop(
        self, histories: Mapping[str, Sequence[float]], running: Collection[str]
    ) -> set[str]:
        """Choose the runs to end."""
        sign = 1.0 if self.mode == "max" else -1.0
        # a value that is no number is worse than any
        signed = {
            name: [sign * value if value == value else -math.inf for value in values]  # noqa: PLR0124
            for name, values in histories.items()
        }
        return {name for name in running if self._is_worse(name, signed)}

    def _is_worse(self, name: str, signed: Mapping[str, Sequence[float]]) -> bool:
        values = signed.get(name, ())
        step = len(values)
        if step < self.warmup_steps:
            return False
        others = [
            statistics.fmean(other[:step])
            for key, other in signed.items()
            if key != name and len(other) >= step
        ]
        if len(others) < self.min_runs:
            return False
        best, median = max(values), statistics.median(others)
        # a mean of equal values may differ from them in the last digit
        return best < median and not math.isclose(best, median, rel_tol=1e-9)
