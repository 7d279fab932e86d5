"""Categories: one column of zeros and ones for each frequent value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ConfigError, DataError
from ..._core.logger import Logger
from .column_transformer import DataFrameColumnsTransformer

__all__ = ["CategoricalTransformer2"]

OTHER = "OTHER"
NULL = "NULL"


class CategoricalTransformer2(DataFrameColumnsTransformer):
    """One-hot encodes the most frequent values, fast.

    The columns of a feature are ``FEATURE_VALUE`` by falling frequency in training (equally
    frequent ones by name), then ``FEATURE_OTHER`` if there are more values than columns for them,
    then ``FEATURE_NULL`` if there were nulls. A value that was not there in training counts as
    ``OTHER``, or, where there is no such column, as the most frequent value; so does a null where
    there were none. The log tells of both, once a call for each feature.

    Parameters
    ----------
    columns
        The columns: text, numbers, booleans, categories. Whole floats are the same values as
        integers, because a null turns a column of integers into one of floats.
    max_values
        The most columns for one feature, ``OTHER`` and ``NULL`` among them; 2 or more. ``None``
        for as many as there are values.

    Attributes
    ----------
    levels_ : dict
        The kept values of each column, as text, by falling frequency.

    Example
    -------
    >>> df = pd.DataFrame({"cabin": ["a", "b", "b", "c", None]})
    >>> CategoricalTransformer2(["cabin"], max_values=3).fit_transform(df)
       cabin_b  cabin_OTHER  cabin_NULL
    0      0.0          1.0         0.0
    1      1.0          0.0         0.0
    2      1.0          0.0         0.0
    3      0.0          1.0         0.0
    4      0.0          0.0         1.0
    """

    def __init__(self, columns: Sequence[Any] | None = None, max_values: int | None = None) -> None:
        super().__init__(columns)
        self.max_values = max_values

    def fit_columns(self, frame: pd.DataFrame) -> list[str]:
        """Count the values."""
        if self.max_values is not None and self.max_values < 2:
            raise ConfigError(
                f"max_values is {self.max_values}",
                hint="Give 2 or more: OTHER and NULL are among the columns.",
            )
        self.levels_: dict[Any, list[str]] = {}
        self.specials_: dict[Any, list[str]] = {}
        names: list[str] = []
        for column in frame.columns:
            codes, values = encode(frame[column])
            self._keep(column, codes, values)
            slots = [*self.levels_[column], *self.specials_[column]]
            names += [f"{column}_{slot}" for slot in slots]
        return names

    def _keep(self, column: Any, codes: Any, values: list[str]) -> None:
        counts = np.bincount(codes[codes >= 0], minlength=len(values))
        ranked = sorted(range(len(values)), key=lambda code: (-counts[code], values[code]))
        specials = [NULL] if (codes < 0).any() else []
        room = len(ranked) if self.max_values is None else self.max_values - len(specials)
        if len(ranked) > room:
            ranked = ranked[: room - 1]
            specials.insert(0, OTHER)
        self.levels_[column] = [values[code] for code in ranked]
        self.specials_[column] = specials

    def transform_columns(self, frame: pd.DataFrame) -> list[Any]:
        """Set the ones."""
        parts: list[Any] = []
        for column in frame.columns:
            hot = self._positions(column, frame[column])
            width = len(self.levels_[column]) + len(self.specials_[column])
            table = np.zeros((width, len(frame)))
            table[hot, np.arange(len(frame))] = 1.0
            parts += list(table)
        return parts

    def _positions(self, column: Any, series: pd.Series[Any]) -> Any:
        levels, specials = self.levels_[column], self.specials_[column]
        place = {value: position for position, value in enumerate(levels)}
        fallback = len(levels) + specials.index(OTHER) if OTHER in specials else 0
        codes, values = encode(series)
        by_code = np.array([place.get(value, fallback) for value in values] + [0], dtype=np.intp)
        if OTHER not in specials and not all(value in place for value in values):
            unseen = next(value for value in values if value not in place)
            Logger.warning("Unexpected value", column=column, value=unseen)
        if NULL in specials:
            by_code[-1] = len(levels) + specials.index(NULL)
        else:
            by_code[-1] = fallback
            if (codes < 0).any():
                Logger.warning("Unexpected value", column=column, value=NULL)
        return by_code[codes]  # the code of nulls is -1, and stands last


def encode(series: pd.Series[Any]) -> tuple[Any, list[str]]:
    """Give the code of each row, -1 for nulls, and the value of each code as text.

    Raises
    ------
    DataError
        The values cannot be compared, such as lists.

    Example
    -------
    >>> codes, values = encode(pd.Series(["b", None, "a", "b"]))
    >>> codes.tolist(), values
    ([0, -1, 1, 0], ['b', 'a'])
    """
    try:
        codes, uniques = pd.factorize(series)
    except TypeError as exc:
        raise DataError(
            f"the column {series.name!r} has values that are no categories: {exc}",
            hint="Leave it out of the features, or turn its values into text.",
        ) from exc
    texts = [as_text(value) for value in uniques]
    if len(set(texts)) == len(texts):
        return codes, texts
    # 1 and "1" are one category: both are written in the same way.
    merged, names = pd.factorize(np.array(texts, dtype=object))
    return np.where(codes < 0, -1, merged[codes]), [str(name) for name in names]


def as_text(value: Any) -> str:
    """Write a category, a whole float like the integer.

    Example
    -------
    >>> as_text(3.0), as_text(True), as_text(0.5)
    ('3', 'True', '0.5')
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
