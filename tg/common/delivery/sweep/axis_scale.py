"""An axis for the values of a parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .picture_text import picture_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AxisScale", "is_drawable"]

_MOST_MARKS = 30  # more cannot be read
_GREATEST = 1e300  # twice as much has to be a number as well


def is_drawable(value: float) -> bool:
    """Whether an axis has a place for a number: for what diverged it has none.

    Parameters
    ----------
    value
        Any number.

    Example
    -------
    >>> is_drawable(3), is_drawable(float("nan")), is_drawable(1e308)
    (True, False, False)
    """
    return abs(value) < _GREATEST


class AxisScale:
    """Where the values of a parameter stand: numbers as they are, others side by side.

    Positive numbers of which one is a hundred times another stand on a logarithmic axis.

    Parameters
    ----------
    values
        All that there are; ``None`` where there is none.

    Example
    -------
    >>> AxisScale([0.01, 0.1, 1]).share(0.1)
    0.5
    >>> AxisScale(["tea", "coffee"]).marks()
    [(0.0, 'tea'), (1.0, 'coffee')]
    """

    def __init__(self, values: Sequence[Any]) -> None:
        known = [value for value in values if value is not None]
        self._is_number = bool(known) and all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in known
        )
        if self._is_number:
            known = [value for value in known if is_drawable(value)]
        numbers = [float(value) for value in known] if self._is_number else []
        self._is_log = bool(numbers) and min(numbers) > 0 and max(numbers) / min(numbers) >= 100
        texts = [] if self._is_number else list(dict.fromkeys(map(str, values)))
        self._texts = {text: float(place) for place, text in enumerate(texts)}
        places = list(map(self.place, known if self._is_number else values)) or [0.0]
        self._low, self._high = min(places), max(places)

    def place(self, value: Any) -> float:
        """Where it stands on the axis; not a number if there is none."""
        if not self._is_number:
            return self._texts[str(value)]
        return float(value) if value is not None and is_drawable(value) else math.nan

    def share(self, value: Any) -> float:
        """Where it stands between the least, 0, and the greatest, 1."""
        low, high, here = self._low, self._high, self.place(value)
        if self._is_log:
            low, high, here = (math.log10(one) for one in (low, high, here))
        return 0.5 if high == low else (here - low) / (high - low)

    def marks(self) -> list[tuple[float, str]]:
        """Give what to write beside an axis from 0 to 1."""
        if not self._is_number:
            return [(self.share(text), picture_text(text)) for text in self._marked()]
        return [(0.0, f"{self._low:.4g}"), (1.0, f"{self._high:.4g}")]

    def label(self, panel: Axes) -> None:
        """Set the horizontal axis of a panel up for it."""
        if self._is_log:
            panel.set_xscale("log")
        if not self._is_number:
            marked = self._marked()
            places = [self.place(text) for text in marked]
            panel.set_xticks(places, [*map(picture_text, marked)], rotation=30, ha="right")

    def _marked(self) -> list[str]:
        step = math.ceil(len(self._texts) / _MOST_MARKS)
        return list(self._texts)[:: step or 1]
