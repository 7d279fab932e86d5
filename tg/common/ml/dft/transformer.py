"""Transformers of columns, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .column_transformer import (
    DataFrameColumnsTransformer,
    FrameTransformer,
    as_frame,
    unique_names,
)

__all__ = ["DataFrameTransformer"]


class DataFrameTransformer(FrameTransformer):
    """Applies transformers to their columns and puts the results side by side.

    Parameters
    ----------
    transformers
        In the order of the result. They are cloned before they are fitted.

    Attributes
    ----------
    transformers_ : list
        The fitted transformers.

    Example
    -------
    >>> from .categorical import CategoricalTransformer2
    >>> from .continuous import ContinuousTransformer
    >>> df = pd.DataFrame({"age": [20.0, 40.0], "sex": ["male", "female"]})
    >>> DataFrameTransformer([
    ...     ContinuousTransformer(["age"]), CategoricalTransformer2(["sex"])
    ... ]).fit_transform(df)
       age  sex_female  sex_male
    0 -1.0         0.0       1.0
    1  1.0         1.0       0.0
    """

    def __init__(self, transformers: Sequence[DataFrameColumnsTransformer]) -> None:
        self.transformers = transformers

    def fit(self, X: pd.DataFrame, y: Any = None) -> DataFrameTransformer:  # noqa: N803 - scikit-learn's name
        """Fit a clone of each transformer to the train rows."""
        frame = as_frame(X)
        self.transformers_ = [clone(one).fit(frame, y) for one in self.transformers]
        names = [name for one in self.transformers_ for name in one.names_out_]
        self.names_out_ = unique_names(names)
        self.n_features_in_ = frame.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        """Transform rows with each of them."""
        check_is_fitted(self, "names_out_")
        frame = as_frame(X)
        parts = [one.transform(frame) for one in self.transformers_]
        whole = pd.concat(parts, axis=1) if parts else pd.DataFrame(index=frame.index)
        whole.columns = pd.Index(self.names_out_)
        return whole
