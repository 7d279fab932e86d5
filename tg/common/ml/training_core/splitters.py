"""Ways to divide the rows of a frame into stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ..._core.errors import ColumnNotFoundError, ConfigError, DataError
from ..._core.suggestions import did_you_mean
from .split import TRAIN_STAGE, DataFrameSplit

__all__ = [
    "FoldSplitter",
    "IdentitySplitter",
    "PredefinedSplitter",
    "Splitter",
]

Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Splitter(ABC):
    """Divides the train rows of one split into those of several.

    What a split tests on already is left as it is, so that splitters can be composed.
    """

    @abstractmethod
    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give one split for each training that is to be done."""

    @property
    def stage_names(self) -> list[str]:
        """The test stages that this splitter adds, before there are data."""
        return []


def new_split(
    split: DataFrameSplit, train: Mask, tests: Mapping[str, Mask], info: Any
) -> DataFrameSplit:
    """Make a split of masks over the rows of the frame.

    Raises
    ------
    DataError
        A stage has no rows, or an index value stands in two of them.
    ConfigError
        A stage has the name of one that is there already.
    """
    for name in tests:
        if name in split.tests or name == TRAIN_STAGE:
            raise ConfigError(
                f"two splitters make a stage {name!r}",
                hint="Give one of them another test_name.",
            )
    parts = {TRAIN_STAGE: split.df.index[train]}
    parts |= {name: split.df.index[mask] for name, mask in tests.items()}
    for name, index in parts.items():
        if index.empty:
            raise DataError(
                f"the stage {name!r} of a split has no rows",
                hint="Give the splitter more rows, or let it split at other values.",
            )
    if not split.df.index.is_unique:
        _check_apart(parts)
    return replace(
        split,
        train=parts.pop(TRAIN_STAGE),
        tests={**split.tests, **parts},
        info={**split.info, **{name: dict(info) for name in tests}},
    )


def _check_apart(parts: Mapping[str, pd.Index[Any]]) -> None:
    seen: pd.Index[Any] | None = None
    for name, index in parts.items():
        if seen is not None and index.isin(seen).any():
            value = index[index.isin(seen)][0]
            raise DataError(
                f"the index value {value!r} stands in the stage {name!r} and in another",
                hint="Rows that share an index value stay together; make the index unique.",
            )
        seen = index if seen is None else seen.append(index)


def train_mask(split: DataFrameSplit) -> Mask:
    """Mark the rows of the frame that the split trains on."""
    mask = np.zeros(len(split.df), dtype=bool)
    mask[split.positions(TRAIN_STAGE)] = True
    return mask


def column_or_index(split: DataFrameSplit, column: str) -> pd.Series[Any]:
    """Give a column, or the level of the index that has its name.

    Raises
    ------
    ColumnNotFoundError
        There is neither.
    """
    df = split.df
    if column in df.columns:
        return df[column]
    if column in df.index.names:
        return pd.Series(df.index.get_level_values(column), index=df.index)
    raise ColumnNotFoundError(
        f"there is no column {column!r} to split by",
        hint=did_you_mean(column, df.columns, what="columns"),
    )


class IdentitySplitter(Splitter):
    """Leaves a split as it is: train on all rows, test on none.

    Example
    -------
    >>> df = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    >>> IdentitySplitter()(DataFrameSplit(df, ["x"], "y", df.index))
    [DataFrameSplit(features=1, labels='y', train=2)]
    """

    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give the split itself."""
        return [split]


class FoldSplitter(Splitter):
    """Tests on a random part of the rows, again for each fold.

    Fold ``k`` is drawn by :func:`sklearn.model_selection.train_test_split` with the seed
    ``random_state + k``, so that each fold is the same in every run.

    Parameters
    ----------
    fold_count
        How many splits to make.
    test_size
        The share of rows to test on, between 0 and 1, or a number of rows (of groups, where
        there are groups).
    split_column
        Rows that share a value in this column stay together; the index if not given.
    random_state
        The seed of the first fold.
    test_name
        The stage to test on.

    Example
    -------
    >>> df = pd.DataFrame({"x": range(10), "y": [0, 1] * 5})
    >>> FoldSplitter(fold_count=2)(DataFrameSplit(df, ["x"], "y", df.index))
    [DataFrameSplit(features=1, labels='y', test=3, train=7), \
DataFrameSplit(features=1, labels='y', test=3, train=7)]
    """

    def __init__(
        self,
        fold_count: int = 1,
        test_size: float = 0.3,
        split_column: str | None = None,
        random_state: int = 0,
        test_name: str = "test",
    ) -> None:
        self.fold_count = fold_count
        self.test_size = test_size
        self.split_column = split_column
        self.random_state = random_state
        self.test_name = test_name

    @property
    def stage_names(self) -> list[str]:
        """The test stage."""
        return [self.test_name]

    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give ``fold_count`` splits.

        Raises
        ------
        ConfigError
            A number is out of range.
        DataError
            There are too few rows.
        """
        self._check()
        mask = train_mask(split)
        groups: Any = split.df.index
        if self.split_column is not None:
            groups = pd.Index(column_or_index(split, self.split_column))
        values = groups[mask].unique()
        return [self._fold(split, fold, mask, groups, values) for fold in range(self.fold_count)]

    def _check(self) -> None:
        if self.fold_count < 1:
            raise ConfigError(f"fold_count is {self.fold_count}", hint="Give 1 or more.")
        if not 0 < self.test_size < 1 and not (self.test_size >= 1 and self.test_size % 1 == 0):
            raise ConfigError(
                f"test_size is {self.test_size}",
                hint="Give a share between 0 and 1, or a whole number of rows.",
            )

    def _fold(
        self, split: DataFrameSplit, fold: int, mask: Mask, groups: Any, values: Any
    ) -> DataFrameSplit:
        size = self.test_size if self.test_size < 1 else int(self.test_size)
        try:
            _, test = train_test_split(
                values, test_size=size, random_state=self.random_state + fold
            )
        except ValueError as exc:
            raise DataError(
                f"{len(values)} rows or groups cannot be split with test_size={self.test_size}",
                hint="Give another test_size, or more rows.",
            ) from exc
        in_test = groups.isin(test)
        info = {"fold": fold, "split_column": self.split_column or "index"}
        return new_split(split, mask & ~in_test, {self.test_name: mask & in_test}, info)


class PredefinedSplitter(Splitter):
    """Reads the stage of each row from a column.

    The column is taken out of the features: it would tell a model what it is tested on.

    Parameters
    ----------
    split_column
        The column, or a level of the index.
    train_values
        The values of rows to train on.
    test_values
        The values of rows to test on, each a stage of its own that is named by the value.

    Example
    -------
    >>> df = pd.DataFrame({"x": range(3), "y": [0, 1, 0], "part": ["train", "train", "test"]})
    >>> PredefinedSplitter("part")(DataFrameSplit(df, ["x", "part"], "y", df.index))
    [DataFrameSplit(features=1, labels='y', test=1, train=2)]
    """

    def __init__(
        self,
        split_column: str,
        train_values: Sequence[Any] = (TRAIN_STAGE,),
        test_values: Sequence[Any] = ("test",),
    ) -> None:
        self.split_column = split_column
        self.train_values = train_values
        self.test_values = test_values

    @property
    def stage_names(self) -> list[str]:
        """The test stages."""
        return [str(value) for value in self.test_values]

    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give one split."""
        column = column_or_index(split, self.split_column)
        mask = train_mask(split)
        tests = {str(v): mask & column.isin([v]).to_numpy() for v in self.test_values}
        train = mask & column.isin(list(self.train_values)).to_numpy()
        bare = replace(split, features=[f for f in split.features if f != self.split_column])
        return [new_split(bare, train, tests, {"split_column": self.split_column})]
