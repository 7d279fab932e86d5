"""From a dataset to a split that says what are features and what are labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..._core.errors import ColumnNotFoundError, DataError, DatasetNotFoundError
from ..._core.suggestions import did_you_mean
from ..training_core.dataset import read_data
from ..training_core.split import DataFrameSplit

__all__ = ["DataFrameLoader"]


class DataFrameLoader:
    """Makes a split, all rows of which are trained on, of a data frame or of the path of one.

    Parameters
    ----------
    label_column
        The column to be predicted, or several.
    features
        The columns that the model sees; all but the labels if not given.

    Example
    -------
    >>> df = pd.DataFrame({"x": [1.0, 2.0], "y": [0.0, 1.0]})
    >>> DataFrameLoader("y").get_data(df)
    DataFrameSplit(features=1, labels='y', train=2)
    >>> DataFrameLoader("label").get_data(df)
    Traceback (most recent call last):
        ...
    tg.common._core.errors.ColumnNotFoundError: the dataset has no label column 'label'. \
The columns are: x, y.
    """

    def __init__(
        self, label_column: str | Sequence[str], features: Sequence[str] | None = None
    ) -> None:
        self.label_column = label_column
        self.features = features

    def get_data(self, data: Any) -> DataFrameSplit:
        """Load.

        Parameters
        ----------
        data
            A data frame, the path of a parquet or csv file, or of a folder of parquet files.

        Returns
        -------
        DataFrameSplit
            The frame itself, not a copy.

        Raises
        ------
        DatasetNotFoundError
            There is no such file, or a folder holds no frame.
        ColumnNotFoundError
            A label or feature is not among the columns.
        DataError
            There are no rows, rows without a label, or two columns of one name.
        """
        df = read_data(data)
        if isinstance(df, Path):
            raise DatasetNotFoundError(
                f"{str(data)!r} is no data frame",
                hint="Give a .parquet or .csv file, or a folder with nothing but parquet files.",
            )
        if not isinstance(df, pd.DataFrame):
            raise DataError(
                f"a {type(data).__name__} is no data frame",
                hint="Give a pandas.DataFrame or the path of one.",
            )
        labels = [self.label_column] if isinstance(self.label_column, str) else self.label_column
        self._check_columns(df, labels)
        features = (
            [column for column in df.columns if column not in labels]
            if self.features is None
            else list(self.features)
        )
        single = labels[0] if len(labels) == 1 else list(labels)
        return DataFrameSplit(df, features, single, df.index)

    def _check_columns(self, df: pd.DataFrame, labels: Sequence[str]) -> None:
        for kind, columns in (("label", labels), ("feature", self.features or ())):
            for column in columns:
                if column not in df.columns:
                    raise ColumnNotFoundError(
                        f"the dataset has no {kind} column {column!r}",
                        hint=did_you_mean(column, df.columns, what="columns"),
                    )
        repeated = df.columns[df.columns.duplicated()]
        if len(repeated):
            raise DataError(
                f"the dataset has two columns {repeated[0]!r}", hint="Rename or drop one of them."
            )
        if df.empty:
            raise DataError(
                "the dataset has no rows", hint="Look at the file, or at the filter that left none."
            )
        for label in labels:
            count = int(df[label].isna().sum())
            if count:
                raise DataError(
                    f"{count} rows have no label in {label!r}",
                    hint=f"Drop them first: df.dropna(subset=[{label!r}]).",
                )
