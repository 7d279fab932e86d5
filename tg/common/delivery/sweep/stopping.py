"""The rule that ends runs which will not be among the best."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..._core.errors import ConfigError

__all__ = ["MedianStopping"]


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
        How many other runs must have come as far, or have ended.

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
        values = {name: _comparable(one, sign) for name, one in histories.items()}
        judged: dict[int, list[str]] = {}
        for name in running:
            if len(values.get(name, ())) >= self.warmup_steps:
                judged.setdefault(len(values[name]), []).append(name)
        means = {name: list(_means(one)) for name, one in values.items()}
        losers = set()
        for step, names in judged.items():
            by_then = {
                name: one[min(step, len(one)) - 1]
                for name, one in means.items()
                # one that has ended sooner was as far by then as it ever came
                if len(one) >= step or (one and name not in running)
            }
            others = _Others(by_then.values())
            losers |= {
                name
                for name in names
                if len(by_then) > self.min_runs
                and _is_worse(max(values[name]), others.median_without(by_then[name]))
            }
        return losers


class _Others:
    """Numbers whose median is asked for again and again, each time without one of them."""

    def __init__(self, numbers: Iterable[float]) -> None:
        self._sorted = sorted(numbers)

    def median_without(self, number: float) -> float:
        left_out = bisect.bisect_left(self._sorted, number)
        count = len(self._sorted) - 1
        middle = (self._at((count - 1) // 2, left_out), self._at(count // 2, left_out))
        return middle[0] if middle[0] == middle[1] else sum(middle) / 2

    def _at(self, position: int, left_out: int) -> float:
        return self._sorted[position + (position >= left_out)]


def _comparable(values: Sequence[float], sign: float) -> list[float]:
    """Let more be better; a value that is no number is worse than any."""
    return [-math.inf if math.isnan(value) else sign * value for value in values]


def _means(values: Sequence[float]) -> Iterator[float]:
    """Give the mean of the first value, of the first two, and so on."""
    for count, total in enumerate(itertools.accumulate(values), start=1):
        # both infinities are among them: the training is broken
        yield -math.inf if math.isnan(total) else total / count


def _is_worse(best: float, median: float) -> bool:
    # a mean of equal values may differ from them in the last digit
    return best < median and not math.isclose(best, median, rel_tol=1e-9)
