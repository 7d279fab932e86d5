"""The base of transformers of some columns of a frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..._core.errors import ColumnNotFoundError, DataError
from ..._core.suggestions import did_you_mean

__all__ = ["DataFrameColumnsTransformer"]


class FrameTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc] # no types there
    """A scikit-learn transformer from frame to frame that knows the names it gives."""

    def get_feature_names_out(self, input_features: Any = None) -> Any:  # noqa: ARG002 - scikit-learn's name
        """Name the columns of the result, an array of text.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            It has not been fitted.
        """
        check_is_fitted(self, "names_out_")
        return np.asarray(self.names_out_, dtype=object)


class DataFrameColumnsTransformer(FrameTransformer):
    """Transforms some columns of a frame into others, and leaves out the rest.

    Subclasses implement :meth:`fit_columns` and :meth:`transform_columns`, which get a frame of
    exactly these columns.

    Parameters
    ----------
    columns
        The columns; all that :meth:`fit` gets if not given.

    Attributes
    ----------
    columns_ : list
        The columns.
    names_out_ : list of str
        The columns of the result.
    """

    def __init__(self, columns: Sequence[Any] | None = None) -> None:
        self.columns = columns

    def fit(self, X: pd.DataFrame, y: Any = None) -> DataFrameColumnsTransformer:  # noqa: N803, ARG002 - scikit-learn's names
        """Learn from the train rows.

        Parameters
        ----------
        X
            A frame with at least the columns; others are passed over.
        y
            Not used.

        Raises
        ------
        ColumnNotFoundError
            A column is missing.
        DataError
            There are no rows, or a column cannot be read.
        """
        frame = as_frame(X)
        self.columns_ = list(frame.columns if self.columns is None else self.columns)
        self.n_features_in_ = len(self.columns_)
        selected = select_columns(frame, self.columns_)
        if len(selected) == 0:
            raise DataError(
                "a transformer cannot learn from a frame without rows",
                hint="Fit it to the train rows first.",
            )
        self.names_out_ = unique_names(self.fit_columns(selected))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        """Transform rows, which may be none.

        Parameters
        ----------
        X
            A frame with at least the columns.

        Returns
        -------
        DataFrame
            One row for each, with the index of `X`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            It has not been fitted.
        ColumnNotFoundError
            A column is missing.
        """
        check_is_fitted(self, "names_out_")
        selected = select_columns(as_frame(X), self.columns_)
        parts = self.transform_columns(selected)
        return pd.DataFrame(
            dict(zip(self.names_out_, parts, strict=True)),
            index=selected.index,
            columns=pd.Index(self.names_out_),
        )

    @abstractmethod
    def fit_columns(self, frame: pd.DataFrame) -> list[str]:
        """Learn, and name the columns of the result."""

    @abstractmethod
    def transform_columns(self, frame: pd.DataFrame) -> list[Any]:
        """Give the columns of the result, one array for each name."""


def as_frame(X: Any) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
    """Give `X`, if it is a frame with no column twice."""
    if not isinstance(X, pd.DataFrame):
        raise DataError(
            f"a {type(X).__name__} is no data frame",
            hint="These transformers keep column names, so they take pandas.DataFrame only.",
        )
    if not X.columns.is_unique:
        raise DataError(
            f"the frame has two columns {X.columns[X.columns.duplicated()][0]!r}",
            hint="Rename or drop one of them.",
        )
    return X


def select_columns(frame: pd.DataFrame, columns: Iterable[Any]) -> pd.DataFrame:
    """Select columns; a missing one is an error that names the nearest."""
    wanted = list(columns)
    for name in wanted:
        if name not in frame.columns:
            raise ColumnNotFoundError(
                f"the data lack the column {name!r}",
                hint=did_you_mean(str(name), frame.columns, what="columns"),
            )
    return frame[wanted]


def unique_names(names: Iterable[str]) -> list[str]:
    """Give numbers to names that came before, such as ``a_b_2``.

    Columns ``a`` and ``a_b`` with the values ``b_c`` and ``c`` would make ``a_b_c`` twice.

    Example
    -------
    >>> unique_names(["a", "b", "a", "a_2"])
    ['a', 'b', 'a_2', 'a_2_2']
    """
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate)
        unique.append(candidate)
    return unique
