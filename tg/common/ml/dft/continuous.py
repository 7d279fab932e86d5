"""Numbers: nulls filled in, flagged, and all scaled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from ..._core.errors import ConfigError, DataError
from .column_transformer import DataFrameColumnsTransformer
from .missing import MissingIndicatorWithReporting

__all__ = ["ContinousTransformer", "ContinuousTransformer"]


class ContinuousTransformer(DataFrameColumnsTransformer):
    """Fills in nulls with the mean, scales, and flags what was null.

    Scaler and imputer are both fitted to the train rows as they are, nulls left out; rows are
    imputed first and then scaled. Flags stand behind all columns, as ``COLUMN_missing``. A column
    without any value in training becomes 0.

    Parameters
    ----------
    columns
        The columns: numbers, booleans or durations (in seconds).
    scaler
        ``"standard"``, a scikit-learn scaler, or ``None`` for none.
    imputer
        ``"mean"``, a scikit-learn imputer, or ``None`` for none.
    missing_indicator
        ``"report"`` for :class:`.missing.MissingIndicatorWithReporting`, a scikit-learn indicator
        (whose own raises where a column has nulls only after training), or ``None`` for none.

    Example
    -------
    >>> df = pd.DataFrame({"age": [20.0, None, 40.0], "fare": [1.0, 2.0, 3.0]})
    >>> ContinuousTransformer(["age", "fare"], scaler=None).fit_transform(df)
        age  fare  age_missing
    0  20.0   1.0        False
    1  30.0   2.0         True
    2  40.0   3.0        False
    """

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        scaler: Any = "standard",
        imputer: Any = "mean",
        missing_indicator: Any = "report",
    ) -> None:
        super().__init__(columns)
        self.scaler = scaler
        self.imputer = imputer
        self.missing_indicator = missing_indicator

    def fit_columns(self, frame: pd.DataFrame) -> list[str]:
        """Fit scaler, imputer and indicator."""
        numbers = _numbers(frame)
        names = [str(name) for name in frame.columns]
        self.void_columns_ = np.isnan(numbers.to_numpy()).all(axis=0)
        known = self._without_void(numbers).to_numpy()
        self.imputer_ = _part(self.imputer, "mean", SimpleImputer, "imputer")
        self.scaler_ = _part(self.scaler, "standard", StandardScaler, "scaler")
        self.missing_indicator_ = _part(
            self.missing_indicator, "report", MissingIndicatorWithReporting, "missing_indicator"
        )
        with np.errstate(over="ignore", invalid="ignore"):
            for part in (self.imputer_, self.scaler_):
                if part is not None:
                    part.fit(known)
        self._check_scale(names)
        if self.missing_indicator_ is None:
            return names
        self.missing_indicator_.fit(numbers.to_numpy())
        flagged = getattr(self.missing_indicator_, "features_", range(len(names)))
        return names + [f"{names[feature]}_missing" for feature in flagged]

    def transform_columns(self, frame: pd.DataFrame) -> list[Any]:
        """Impute, scale, and append the flags."""
        numbers = _numbers(frame)
        filled = self._without_void(numbers).to_numpy()
        flags = np.empty((len(frame), 0), dtype=bool)
        if len(frame):  # scikit-learn's own parts refuse to transform no rows
            if self.missing_indicator_ is not None:
                ours = isinstance(self.missing_indicator_, MissingIndicatorWithReporting)
                flags = self.missing_indicator_.transform(numbers if ours else numbers.to_numpy())
            for part in (self.imputer_, self.scaler_):
                if part is not None:
                    filled = np.asarray(part.transform(filled))
        else:
            flags = np.empty((0, len(self.names_out_) - filled.shape[1]), dtype=bool)
        return [*filled.T, *np.asarray(flags).T]

    def _without_void(self, numbers: pd.DataFrame) -> pd.DataFrame:
        # A column of nulls has no mean: imputers drop it and scalers divide by nothing.
        if not self.void_columns_.any():
            return numbers
        filled = numbers.copy()
        void = [
            n for n, is_void in zip(numbers.columns, self.void_columns_, strict=True) if is_void
        ]
        filled[void] = filled[void].fillna(0.0)
        return filled

    def _check_scale(self, names: Sequence[str]) -> None:
        # A variance beyond floating point leaves StandardScaler with a scale of 1, without a word.
        learned = [getattr(self.scaler_, name, None) for name in ("var_", "scale_", "mean_")]
        for numbers in (np.asarray(part) for part in learned if part is not None):
            if not np.isfinite(numbers).all():
                name = names[int(np.flatnonzero(~np.isfinite(numbers))[0])]
                raise DataError(
                    f"the values of the column {name!r} are too large to be scaled",
                    hint="Divide them, or take their logarithm.",
                )


ContinousTransformer = ContinuousTransformer  # as earlier documents spell it


def _part(chosen: Any, default_name: str, default: Any, role: str) -> Any:
    if chosen is None:
        return None
    if isinstance(chosen, str):
        if chosen != default_name:
            raise ConfigError(
                f"the {role} is {chosen!r}",
                hint=f"Give {default_name!r}, a scikit-learn transformer, or None.",
            )
        return default()
    return clone(chosen)


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {name: _float_column(frame[name]) for name in frame.columns},
        index=frame.index,
        columns=frame.columns,
    )


def _float_column(column: pd.Series[Any]) -> Any:
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return column.dt.total_seconds().to_numpy(dtype=float)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    times = pd.api.types.is_datetime64_any_dtype(column.dtype)  # numpy would count nanoseconds
    try:
        numbers = (column.astype(str) if times else column).to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError) as exc:
        raise DataError(
            f"the column {column.name!r} is not of numbers: {exc}",
            hint="Take a categorical or datetime transformer for it.",
        ) from exc
    if np.isinf(numbers).any():
        raise DataError(
            f"the column {column.name!r} has infinite values",
            hint="Replace them first: df.replace([inf, -inf], None).",
        )
    return numbers
