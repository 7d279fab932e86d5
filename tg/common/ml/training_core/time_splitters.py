"""Splits by time: train on the past, test on what came after it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ConfigError, DataError
from .split import DataFrameSplit
from .splitters import Splitter, column_or_index, new_split, train_mask

__all__ = ["OneTimeSplitter", "TimeSplitter"]

_MOST_SPLITS = 10_000  # a step in the wrong unit would make millions


def _times(split: DataFrameSplit, time_column: str) -> pd.Series[Any]:
    times = column_or_index(split, time_column)
    if not (
        pd.api.types.is_datetime64_any_dtype(times.dtype)
        or pd.api.types.is_numeric_dtype(times.dtype)
    ):
        try:
            times = pd.to_datetime(times, format="ISO8601")
        except (ValueError, TypeError) as exc:
            raise DataError(
                f"the column {time_column!r} cannot be read as times: {exc}",
                hint="Convert it with pandas.to_datetime first.",
            ) from exc
    if times.isna().any():
        raise DataError(
            f"{int(times.isna().sum())} rows have no time in {time_column!r}",
            hint="Drop them, or fill them in.",
        )
    return times


def _moment(value: Any, times: pd.Series[Any]) -> Any:
    if pd.api.types.is_numeric_dtype(times.dtype):
        return value
    moment = pd.Timestamp(value)
    zone = getattr(times.dtype, "tz", None)
    return moment.tz_localize(zone) if zone is not None and moment.tzinfo is None else moment


def _text(moment: Any) -> Any:
    return moment.isoformat() if isinstance(moment, pd.Timestamp) else float(moment)


class TimeSplitter(Splitter):
    """Walks through time: train on all before a moment, test on the step after it.

    With ``T`` the first moment and ``D`` the step, fold ``k`` trains on ``[T, T + k D)`` and
    tests on ``[T + k D, T + (k + 1) D)``, for ``k`` = 1, 2, … Steps without a row are passed over.

    Parameters
    ----------
    time_column
        The column of times, of text in ISO 8601 or of numbers such as years; or a level of the
        index.
    step
        A ``timedelta``, a text such as ``"30D"``, a ``pandas.DateOffset`` such as one month, or a
        number where the column has numbers.
    start
        The first moment; that of the earliest row if not given. Earlier rows are left out.
    window
        The longest past to train on, in the form of `step`; all of it if not given.
    gap
        Time between train and test that is left out, in the form of `step`.
    test_name
        The stage to test on.

    Example
    -------
    >>> df = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=6), "x": range(6), "y": 0})
    >>> splits = TimeSplitter("day", "2D")(DataFrameSplit(df, ["x"], "y", df.index))
    >>> [(list(s.train), list(s.tests["test"])) for s in splits]
    [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    """

    def __init__(
        self,
        time_column: str,
        step: Any,
        *,
        start: Any = None,
        window: Any = None,
        gap: Any = None,
        test_name: str = "test",
    ) -> None:
        self.time_column = time_column
        self.step = step
        self.start = start
        self.window = window
        self.gap = gap
        self.test_name = test_name

    @property
    def stage_names(self) -> list[str]:
        """The test stage."""
        return [self.test_name]

    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give one split for each step that has rows before it and in it.

        Raises
        ------
        ConfigError
            The step is not positive, or far too short for the span of the data.
        DataError
            A row has no time, or all rows are in one step.
        """
        times = _times(split, self.time_column)
        mask = train_mask(split)
        known = times[mask]
        if known.empty:
            raise DataError(
                "there are no rows to split by time",
                hint="Look at the splitter before this one, or at the data.",
            )
        first = known.min() if self.start is None else _moment(self.start, times)
        last = known.max()
        step = _duration(self.step)
        self._check_step(first, last, step)
        splits = []
        count = 1
        while (moment := first + step * count) <= last:
            end = first + step * (count + 1)
            part = self._part(split, times, mask, (first, moment, end))
            splits += [] if part is None else [part]
            count += 1
        if not splits:
            raise DataError(
                f"no step of {self.step} has rows before it and in it",
                hint="Take a shorter step, or an earlier start.",
            )
        return splits

    def _check_step(self, first: Any, last: Any, step: Any) -> None:
        try:
            forward = first + step > first
            many = forward and first + step * _MOST_SPLITS < last
        except (OverflowError, pd.errors.OutOfBoundsDatetime):
            forward, many = True, False
        except TypeError as exc:
            raise ConfigError(
                f"the step {self.step!r} cannot be added to {first!r}",
                hint="Give a timedelta for times and a number for numbers.",
            ) from exc
        if not forward:
            raise ConfigError(
                f"the step {self.step!r} does not lead forward", hint="Give one above zero."
            )
        if many:
            raise ConfigError(
                f"the step {self.step!r} makes more than {_MOST_SPLITS} splits",
                hint="Take a longer step.",
            )

    def _part(
        self, split: DataFrameSplit, times: pd.Series[Any], mask: Any, moments: tuple[Any, Any, Any]
    ) -> DataFrameSplit | None:
        first, moment, end = moments
        begin = first if self.window is None else max(first, moment - _duration(self.window))
        stop = moment if self.gap is None else moment - _duration(self.gap)
        train = mask & ((times >= begin) & (times < stop)).to_numpy(dtype=bool)
        test = mask & ((times >= moment) & (times < end)).to_numpy(dtype=bool)
        if not (train.any() and test.any()):
            return None
        info = {"train": [_text(begin), _text(stop)], "test": [_text(moment), _text(end)]}
        return new_split(split, train, {self.test_name: test}, info)


def _duration(value: Any) -> Any:
    if isinstance(value, str | timedelta | np.timedelta64):
        try:
            return pd.Timedelta(value)
        except ValueError as exc:
            raise ConfigError(
                f"{value!r} is no duration", hint="Write for example '30D' or '12h'."
            ) from exc
    return value


class OneTimeSplitter(Splitter):
    """Trains on all before one moment and tests on all from it on.

    Parameters
    ----------
    time_column
        The column of times (or of numbers), or a level of the index.
    moment
        A time, or a text such as ``"2024-06-01"``.
    until
        Rows from this moment on are left out.
    test_name
        The stage to test on.

    Example
    -------
    >>> df = pd.DataFrame({"year": [2020, 2021, 2022], "x": range(3), "y": 0})
    >>> OneTimeSplitter("year", 2022)(DataFrameSplit(df, ["x"], "y", df.index))
    [DataFrameSplit(features=1, labels='y', test=1, train=2)]
    """

    def __init__(
        self, time_column: str, moment: Any, until: Any = None, test_name: str = "test"
    ) -> None:
        self.time_column = time_column
        self.moment = moment
        self.until = until
        self.test_name = test_name

    @property
    def stage_names(self) -> list[str]:
        """The test stage."""
        return [self.test_name]

    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give one split."""
        times = _times(split, self.time_column)
        mask = train_mask(split)
        moment = _moment(self.moment, times)
        info = {"moment": _text(moment)}
        test = (times >= moment).to_numpy(dtype=bool)
        train = mask & ~test
        if self.until is not None:
            until = _moment(self.until, times)
            info["until"] = _text(until)
            test = test & (times < until).to_numpy(dtype=bool)
        return [new_split(split, train, {self.test_name: mask & test}, info)]
