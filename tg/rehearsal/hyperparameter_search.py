"""Which values of hyperparameters the trainings of a tuning job get."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["candidates", "grid_size", "ranges_by_name"]

_CONTINUOUS, _INTEGER = "ContinuousParameterRanges", "IntegerParameterRanges"
_CATEGORICAL = "CategoricalParameterRanges"
# from this ratio of a range's ends on, "Auto" means logarithms
_AUTO_RATIO = 1_000.0
_DRAWS = 100


def ranges_by_name(ranges: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Give kind, name and range of all ranges of a request."""
    return [
        (kind, entry["Name"], entry)
        for kind in (_CATEGORICAL, _INTEGER, _CONTINUOUS)
        for entry in ranges.get(kind, [])
    ]


def grid_size(ranges: Mapping[str, Any]) -> int | None:
    """Tell how many cells the grid of some ranges has; ``None`` if they make none.

    Example
    -------
    >>> grid_size({"CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}]})
    2
    """
    named = ranges_by_name(ranges)
    if any(kind != _CATEGORICAL for kind, _, _ in named):
        return None
    return math.prod(len(entry["Values"]) for _, _, entry in named)


def candidates(
    strategy: str, ranges: Mapping[str, Any], seed: int | None = None
) -> Iterator[dict[str, str]]:
    """Give the values of one training after the other, as text.

    A grid is gone through and comes to an end. All other strategies draw at random, without end
    and without a repeat as long as that is easily found: also ``Bayesian``, which learns from the
    trainings before in the cloud, learns nothing here. ``Auto`` is a logarithmic scale for ranges
    of three orders of magnitude or more, and a linear one else.

    Parameters
    ----------
    strategy
        ``Grid``, or any other.
    ranges
        ``ParameterRanges`` of a request.
    seed
        The same seed draws the same values.

    Example
    -------
    >>> ranges = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}]}
    >>> list(candidates("Grid", ranges))
    [{'a': '1'}, {'a': '2'}]
    """
    named = ranges_by_name(ranges)
    if strategy == "Grid":
        names = [name for _, name, _ in named]
        for cell in itertools.product(*(entry["Values"] for _, _, entry in named)):
            yield dict(zip(names, cell, strict=True))
        return
    source = random.Random(seed)  # noqa: S311 nobody is to be kept from guessing
    seen: set[tuple[str, ...]] = set()
    while True:
        for _ in range(_DRAWS):
            drawn = {name: _draw(source, kind, entry) for kind, name, entry in named}
            if tuple(drawn.values()) not in seen:
                break
        seen.add(tuple(drawn.values()))
        yield drawn


def _draw(source: random.Random, kind: str, entry: Mapping[str, Any]) -> str:
    if kind == _CATEGORICAL:
        return str(source.choice(entry["Values"]))
    low, high = float(entry["MinValue"]), float(entry["MaxValue"])
    scaling = entry.get("ScalingType", "Auto")
    if kind == _INTEGER:
        if not _is_logarithmic(scaling, low, high):
            return str(source.randint(int(low), int(high)))
        # each number has its share of the scale, the ends as well
        drawn = _on_scale(source, low - 0.5, high + 0.5, "Logarithmic")
        return str(min(max(round(drawn), int(low)), int(high)))
    return repr(min(max(_on_scale(source, low, high, scaling), low), high))


def _on_scale(source: random.Random, low: float, high: float, scaling: str) -> float:
    if _is_logarithmic(scaling, low, high):
        return math.exp(source.uniform(math.log(low), math.log(high)))
    if scaling == "ReverseLogarithmic":
        return 1 - math.exp(source.uniform(math.log1p(-high), math.log1p(-low)))
    return source.uniform(low, high)


def _is_logarithmic(scaling: str, low: float, high: float) -> bool:
    return scaling == "Logarithmic" or (scaling == "Auto" and low > 0 and high / low >= _AUTO_RATIO)
