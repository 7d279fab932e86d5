"""Ranges of parameters, and cells drawn from them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..._core.errors import ConfigError
from ..naming.column import listed

__all__ = ["Integers", "Uniform", "draw"]

_TRIES = 100


@dataclass(frozen=True, kw_only=True)
class _Range:
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ConfigError(
                f"there is nothing between {self.low!r} and {self.high!r}",
                hint="Give two numbers, the lower one first.",
            )
        if self.log and self.low <= 0:
            raise ConfigError(
                f"the logarithm of {self.low!r} does not exist", hint="Begin above 0."
            )

    def _at(self, part: float, low: float, high: float) -> float:
        if self.log:
            return math.exp(math.log(low) + part * (math.log(high) - math.log(low)))
        return low + part * (high - low)


@dataclass(frozen=True, kw_only=True)
class Uniform(_Range):
    """Numbers of which each is as likely as any other.

    Attributes
    ----------
    low, high
        The ends, which belong to it.
    log
        Whether it is the logarithm that is spread evenly.
    digits
        How many digits a number has, so that it can be read in a name.

    Example
    -------
    >>> Uniform(low=1e-4, high=0.1, log=True).draw(random.Random(1))
    0.000253
    """

    digits: int = 4

    def draw(self, source: random.Random) -> float:
        """Draw a number."""
        return self.rounded(self._at(source.random(), self.low, self.high))

    def rounded(self, value: float) -> float:
        """Write a number with as many digits as are wanted."""
        return min(max(float(f"{value:.{self.digits}g}"), float(self.low)), float(self.high))


@dataclass(frozen=True, kw_only=True)
class Integers(_Range):
    """Whole numbers of which each is as likely as any other.

    Attributes
    ----------
    low, high
        The ends, which belong to it.
    log
        Whether it is the logarithm that is spread evenly.

    Example
    -------
    >>> Integers(low=1, high=6).draw(random.Random(1))
    1
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.low, int) or not isinstance(self.high, int):
            raise ConfigError(
                f"{self.low!r} and {self.high!r} are not whole numbers", hint="Use Uniform."
            )

    def draw(self, source: random.Random) -> int:
        """Draw a number."""
        value = math.floor(self._at(source.random(), self.low, self.high + 1))
        return min(max(value, self.low), self.high)


def draw(count: int, /, *, seed: int = 0, **space: Any) -> list[dict[str, Any]]:
    """Draw different cells, for an autonamer's ``build_cells``.

    Parameters
    ----------
    count
        How many.
    seed
        The same seed draws the same cells.
    **space
        For each parameter a :class:`Uniform`, :class:`Integers`, or a list of values.

    Returns
    -------
    list of dict
        The cells; the first ones stay the same where more are asked for.

    Raises
    ------
    ConfigError
        There are not that many different cells.
    NamingError
        A list is empty, or something else is no list.

    Example
    -------
    >>> draw(2, seed=3, rate=Uniform(low=0, high=1), layers=[[10], [10, 5]])
    [{'rate': 0.238, 'layers': [10]}, {'rate': 0.37, 'layers': [10, 5]}]
    """
    if not isinstance(count, int) or count < 1:
        raise ConfigError(f"{count!r} is no number of cells to draw", hint="Give 1 or more.")
    if not space:
        raise ConfigError("there is no parameter to draw", hint="Give ranges or lists by name.")
    choices = {key: _choice(key, values) for key, values in space.items()}
    source = random.Random(seed)  # noqa: S311 - nothing is secret
    cells: list[dict[str, Any]] = []
    seen: set[str] = set()
    tries = 0
    while len(cells) < count:
        cell = {
            key: one.draw(source) if isinstance(one, Uniform | Integers) else source.choice(one)
            for key, one in choices.items()
        }
        tries += 1
        if repr(cell) not in seen:
            seen.add(repr(cell))
            cells.append(cell)
        elif tries > _TRIES * count:
            raise ConfigError(
                f"{len(cells)} different cells were found, not {count}",
                hint="Ask for fewer, or widen a range.",
            )
    return cells


def _choice(key: str, values: Any) -> Uniform | Integers | Sequence[Any]:
    return values if isinstance(values, Uniform | Integers) else listed(key, values)
