"""Times: how long ago, and where in the year, the week and the day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ConfigError, DataError
from ..._core.suggestions import did_you_mean
from .column_transformer import DataFrameColumnsTransformer

__all__ = ["DatetimeTransformer"]

_DAY_SECONDS = 86_400.0
# Each part as a share of its cycle, so that December stands beside January.
_CYCLES = {
    "year": lambda times: (times.dt.day_of_year - 1) / 366,
    "month": lambda times: (times.dt.day - 1) / 31,
    "week": lambda times: times.dt.day_of_week / 7,
    "day": lambda times: (
        (times.dt.hour * 3600 + times.dt.minute * 60 + times.dt.second) / _DAY_SECONDS
    ),
}


class DatetimeTransformer(DataFrameColumnsTransformer):
    """Turns times into numbers that a linear model can use.

    The columns of a feature are ``FEATURE_elapsed``, the time scaled to mean 0 and deviation 1 in
    training; then for each cycle ``FEATURE_CYCLE_sin`` and ``FEATURE_CYCLE_cos``, where in it the
    time stands by its own zone's clock; then ``FEATURE_missing`` if there were nulls in training.
    A null is 0 in all but the flag.

    Parameters
    ----------
    columns
        The columns: times, or text in ISO 8601.
    cycles
        Some of ``"year"``, ``"month"``, ``"week"`` and ``"day"``.

    Example
    -------
    >>> df = pd.DataFrame({"t": pd.to_datetime(["2024-01-01", "2024-01-03"])})
    >>> DatetimeTransformer(["t"], cycles=("week",)).fit_transform(df).round(3)
       t_elapsed  t_week_sin  t_week_cos
    0       -1.0       0.000       1.000
    1        1.0       0.975      -0.223
    """

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        cycles: Sequence[str] = ("year", "week", "day"),
    ) -> None:
        super().__init__(columns)
        self.cycles = cycles

    def fit_columns(self, frame: pd.DataFrame) -> list[str]:
        """Learn mean and deviation of the times."""
        for cycle in self.cycles:
            if cycle not in _CYCLES:
                raise ConfigError(
                    f"there is no cycle {cycle!r}",
                    hint=did_you_mean(cycle, _CYCLES, what="cycles"),
                )
        self.scales_: dict[Any, tuple[float, float]] = {}
        self.flagged_: list[Any] = []
        names: list[str] = []
        for column in frame.columns:
            times = _times(frame[column])
            seconds = _seconds(times)
            known = seconds[~np.isnan(seconds)]
            deviation = float(known.std()) if len(known) else 0.0
            mean = float(known.mean()) if len(known) else 0.0
            self.scales_[column] = (mean, deviation or 1.0)
            names.append(f"{column}_elapsed")
            names += [f"{column}_{cycle}_{f}" for cycle in self.cycles for f in ("sin", "cos")]
            if len(known) < len(seconds):
                self.flagged_.append(column)
                names.append(f"{column}_missing")
        return names

    def transform_columns(self, frame: pd.DataFrame) -> list[Any]:
        """Compute the numbers."""
        parts: list[Any] = []
        for column in frame.columns:
            times = _times(frame[column])
            mean, deviation = self.scales_[column]
            parts.append(np.nan_to_num((_seconds(times) - mean) / deviation))
            for cycle in self.cycles:
                angle = 2 * np.pi * _CYCLES[cycle](times).to_numpy(dtype=float, na_value=np.nan)
                parts += [np.nan_to_num(np.sin(angle)), np.nan_to_num(np.cos(angle))]
            if column in self.flagged_:
                parts.append(times.isna().to_numpy())
        return parts


def _times(series: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    if pd.api.types.is_numeric_dtype(series.dtype) and series.notna().any():
        raise DataError(
            f"the column {series.name!r} holds numbers, not times",
            hint="Convert it with pandas.to_datetime and its unit.",
        )
    try:
        return pd.to_datetime(series.astype(object), format="ISO8601")
    except (ValueError, TypeError) as exc:
        raise DataError(
            f"the column {series.name!r} cannot be read as times: {exc}",
            hint="Convert it with pandas.to_datetime first.",
        ) from exc


def _seconds(times: pd.Series[Any]) -> Any:
    epoch = pd.Timestamp("1970-01-01", tz=getattr(times.dtype, "tz", None) and "UTC")
    return (times - epoch).dt.total_seconds().to_numpy(dtype=float)
