"""Which rows of a frame are trained on, and which are tested on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ConfigError
from ..._core.suggestions import did_you_mean

__all__ = ["TRAIN_STAGE", "DataFrameSplit"]

TRAIN_STAGE = "train"


@dataclass(eq=False)
class DataFrameSplit:
    """A frame, its features and labels, and the stages its rows belong to.

    Parameters
    ----------
    df
        All rows, at least the columns of `features` and `labels`.
    features
        The names of the columns that a model sees.
    labels
        The name of the column to be predicted, or a list of several.
    train
        The index values of the rows to train on. Rows that share an index value stay together.
    tests
        The index values of each test stage by its name, such as ``"test"``.
    info
        How this split was made; what ``json`` can write.

    Example
    -------
    >>> df = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [0, 1, 0]}, index=[10, 11, 12])
    >>> split = DataFrameSplit(df, ["x"], "y", df.index[:2], {"test": df.index[2:]})
    >>> split
    DataFrameSplit(features=1, labels='y', test=1, train=2)
    >>> split.rows("test")
          x  y
    12  3.0  0
    """

    df: pd.DataFrame
    features: list[str]
    labels: str | list[str]
    train: pd.Index[Any]
    tests: dict[str, pd.Index[Any]] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def stages(self) -> list[str]:
        """The names of all stages, tests first: the order in which metrics are told."""
        return [*self.tests, TRAIN_STAGE]

    def index_of(self, stage: str) -> pd.Index[Any]:
        """Give the index values of one stage.

        Raises
        ------
        ConfigError
            There is no such stage.
        """
        if stage == TRAIN_STAGE:
            return self.train
        if stage not in self.tests:
            raise ConfigError(
                f"the split has no stage {stage!r}",
                hint=did_you_mean(stage, self.stages, what="stages"),
            )
        return self.tests[stage]

    def positions(self, stage: str) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Give the positions of a stage's rows in the frame, ascending."""
        wanted = self.index_of(stage)
        if wanted is self.df.index:
            return np.arange(len(self.df))
        return np.flatnonzero(self.df.index.isin(wanted))

    def rows(self, stage: str) -> pd.DataFrame:
        """Give the rows of a stage in the order of the frame."""
        return self.df.iloc[self.positions(stage)]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{stage}={len(self.index_of(stage))}" for stage in self.stages)
        return f"DataFrameSplit(features={len(self.features)}, labels={self.labels!r}, {sizes})"
