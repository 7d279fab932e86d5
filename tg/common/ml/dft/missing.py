"""Flags of values that are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..._core.logger import Logger

__all__ = ["MissingIndicatorWithReporting"]


class MissingIndicatorWithReporting(TransformerMixin, BaseEstimator):  # type: ignore[misc] # no types there
    """Flags nulls in the features that had nulls in training; tells of others in the log.

    Where :class:`sklearn.impute.MissingIndicator` raises on nulls in a feature that had none in
    training, this writes a warning to the log, once a call for each feature.

    Attributes
    ----------
    features_ : array of int
        The features that had nulls.

    Example
    -------
    >>> indicator = MissingIndicatorWithReporting().fit(np.array([[1.0, np.nan], [2.0, 3.0]]))
    >>> indicator.transform(np.array([[5.0, np.nan]]))
    array([[ True]])
    """

    def fit(self, X: Any, y: Any = None) -> MissingIndicatorWithReporting:  # noqa: N803, ARG002 - scikit-learn's names
        """Find the features that have nulls; `X` is of shape (rows, features)."""
        nulls = np.isnan(np.asarray(X, dtype=float))
        self.n_features_in_ = nulls.shape[1]
        self.features_ = np.flatnonzero(nulls.any(axis=0))
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Give the flags, booleans of shape (rows, features that had nulls)."""
        check_is_fitted(self, "features_")
        nulls = np.isnan(np.asarray(X, dtype=float))
        names = list(getattr(X, "columns", range(nulls.shape[1])))
        for feature in np.setdiff1d(np.flatnonzero(nulls.any(axis=0)), self.features_):
            Logger.warning(
                "Unexpected None in a feature without in training", column=names[feature]
            )
        return nulls[:, self.features_]

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Name the flags ``FEATURE_missing``."""
        check_is_fitted(self, "features_")
        names = [f"x{i}" for i in range(self.n_features_in_)]
        names = names if input_features is None else [str(name) for name in input_features]
        return np.asarray([f"{names[feature]}_missing" for feature in self.features_], dtype=object)
