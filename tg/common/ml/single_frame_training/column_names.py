"""Steps of a pipeline that hold on to the names of columns, or let them go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..._core.errors import ColumnNotFoundError, DataError
from ..._core.suggestions import did_you_mean

__all__ = ["ColumnNamesDropper", "ColumnNamesKeeper"]


class ColumnNamesKeeper(TransformerMixin, BaseEstimator):  # type: ignore[misc] # no types there
    """Passes a frame on, with the very columns that it was fitted with, in their order.

    In a delivered model it catches a frame that lacks a column, and passes over columns that were
    not there in training.

    Attributes
    ----------
    column_names_ : list of str
        The columns it was fitted with.

    Example
    -------
    >>> keeper = ColumnNamesKeeper().fit(pd.DataFrame({"a": [1], "b": [2]}))
    >>> keeper.transform(pd.DataFrame({"b": [4], "c": [5], "a": [3]}))
       a  b
    0  3  4
    """

    def fit(self, X: Any, y: Any = None) -> ColumnNamesKeeper:  # noqa: N803, ARG002 - scikit-learn's names
        """Remember the columns."""
        self.column_names_ = list(_as_frame(X).columns)
        self.n_features_in_ = len(self.column_names_)
        return self

    def transform(self, X: Any) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        """Select the columns.

        Raises
        ------
        ColumnNotFoundError
            One of them is missing.
        """
        check_is_fitted(self, "column_names_")
        frame = _as_frame(X)
        for name in self.column_names_:
            if name not in frame.columns:
                raise ColumnNotFoundError(
                    f"the data lack the column {name!r}, which the model was trained with",
                    hint=did_you_mean(str(name), frame.columns, what="columns"),
                )
        return frame[self.column_names_]

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's name
        """Name the columns."""
        check_is_fitted(self, "column_names_")
        return np.asarray(self.column_names_, dtype=object)


class ColumnNamesDropper(TransformerMixin, BaseEstimator):  # type: ignore[misc] # no types there
    """Turns a frame into a bare array: of floats where all columns are numbers or booleans.

    Example
    -------
    >>> ColumnNamesDropper().fit_transform(pd.DataFrame({"a": [1], "b": [True]}))
    array([[1., 1.]])
    """

    def fit(self, X: Any, y: Any = None) -> ColumnNamesDropper:  # noqa: N803, ARG002 - scikit-learn's names
        """Remember the columns, for those who ask which feature is which."""
        self.column_names_ = [str(name) for name in _as_frame(X).columns]
        self.n_features_in_ = len(self.column_names_)
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Give the array, of shape (rows, columns)."""
        check_is_fitted(self, "column_names_")
        frame = _as_frame(X)
        plain = all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes)
        if not plain:
            return frame.to_numpy(dtype=object)
        return frame.to_numpy(dtype=float, na_value=np.nan)

    def set_output(self, *, transform: str | None = None) -> ColumnNamesDropper:  # noqa: ARG002 - scikit-learn's name
        """Keep to arrays, whatever the pipeline around it is set to."""
        return self

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's name
        """Name the columns of the array."""
        check_is_fitted(self, "column_names_")
        return np.asarray(self.column_names_, dtype=object)


def _as_frame(X: Any) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
    if isinstance(X, pd.DataFrame):
        return X
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    raise DataError(f"a {type(X).__name__} is no data frame", hint="Give a pandas.DataFrame.")
