"""A transformer that looks at the columns first and then decides what to do with each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ..._core.errors import ConfigError
from .categorical import CategoricalTransformer2, encode
from .column_transformer import (
    DataFrameColumnsTransformer,
    FrameTransformer,
    as_frame,
    select_columns,
)
from .continuous import ContinuousTransformer
from .datetimes import DatetimeTransformer
from .transformer import DataFrameTransformer

__all__ = ["DataFrameTransformerFactory"]

Maker = Callable[[list[Any]], DataFrameColumnsTransformer]


class DataFrameTransformerFactory(FrameTransformer):
    """Makes and fits a `DataFrameTransformer` for the columns that it meets.

    Columns of floats and durations are continuous, columns of times are times, all others,
    integers among them, are categories. What is made for each kind is set by the ``on_…``
    methods, which return the factory. They take a function of a list of columns; give a class or a
    ``functools.partial`` of one, so that the factory can be pickled.

    Parameters
    ----------
    features
        The columns; all but `block_list` if not given.
    block_list
        Columns to leave out.
    max_values_per_category
        For ``CategoricalTransformer2``: the most columns for one feature.
    continuous, categorical, rich_category, datetime
        What is made for columns of each kind.
    rich_threshold
        Categories of more values than this are made by `rich_category`, if that is set.

    Attributes
    ----------
    transformer_ : DataFrameTransformer
        What was made and fitted.

    Example
    -------
    >>> df = pd.DataFrame({"age": [20.0, None, 40.0], "sex": ["male", "female", "male"]})
    >>> DataFrameTransformerFactory.default_factory().fit_transform(df)
       age  age_missing  sex_male  sex_female
    0 -1.0        False       1.0         0.0
    1  0.0         True       0.0         1.0
    2  1.0        False       1.0         0.0
    """

    def __init__(
        self,
        features: Sequence[Any] | None = None,
        *,
        block_list: Sequence[Any] = (),
        max_values_per_category: int | None = 25,
        continuous: Maker | None = None,
        categorical: Maker | None = None,
        rich_category: Maker | None = None,
        rich_threshold: int | None = None,
        datetime: Maker | None = None,
    ) -> None:
        self.features = features
        self.block_list = block_list
        self.max_values_per_category = max_values_per_category
        self.continuous = continuous
        self.categorical = categorical
        self.rich_category = rich_category
        self.rich_threshold = rich_threshold
        self.datetime = datetime

    @staticmethod
    def default_factory(
        features: Sequence[Any] | None = None, max_values_per_category: int | None = 25
    ) -> DataFrameTransformerFactory:
        """Make the factory that fits most data.

        Continuous columns are imputed, flagged and scaled; times become elapsed time and cycles;
        categories are one-hot encoded.

        Parameters
        ----------
        features
            The columns; all if not given.
        max_values_per_category
            The most columns for one category, ``OTHER`` and ``NULL`` among them.
        """
        return DataFrameTransformerFactory(
            features,
            max_values_per_category=max_values_per_category,
            continuous=ContinuousTransformer,
            categorical=CategoricalTransformer2,
            datetime=DatetimeTransformer,
        )

    def with_feature_allow_list(self, features: Sequence[Any]) -> DataFrameTransformerFactory:
        """Take these columns only."""
        self.features = features
        return self

    def with_feature_block_list(self, features: Sequence[Any]) -> DataFrameTransformerFactory:
        """Leave these columns out."""
        self.block_list = features
        return self

    def on_continuous(self, make: Maker = ContinuousTransformer) -> DataFrameTransformerFactory:
        """Set what is made for continuous columns."""
        self.continuous = make
        return self

    def on_categorical(self, make: Maker) -> DataFrameTransformerFactory:
        """Set what is made for categories."""
        self.categorical = make
        return self

    def on_categorical_2(
        self, max_values_per_category: int | None = 25
    ) -> DataFrameTransformerFactory:
        """Make `CategoricalTransformer2` for categories."""
        self.max_values_per_category = max_values_per_category
        return self.on_categorical(CategoricalTransformer2)

    def on_rich_category(self, threshold: int, make: Maker) -> DataFrameTransformerFactory:
        """Set what is made for categories of more than `threshold` values in training."""
        self.rich_threshold = threshold
        self.rich_category = make
        return self

    def on_datetime(self, make: Maker = DatetimeTransformer) -> DataFrameTransformerFactory:
        """Set what is made for times."""
        self.datetime = make
        return self

    def fit(self, X: pd.DataFrame, y: Any = None) -> DataFrameTransformerFactory:  # noqa: N803 - scikit-learn's name
        """Look at the columns of the train rows, make their transformers and fit these.

        Raises
        ------
        ConfigError
            There are columns of a kind for which nothing is set.
        ColumnNotFoundError
            A feature is not among the columns.
        """
        frame = as_frame(X)
        wanted = list(frame.columns if self.features is None else self.features)
        chosen = select_columns(frame, [name for name in wanted if name not in self.block_list])
        kinds: dict[str, list[Any]] = {}
        for name in chosen.columns:
            kinds.setdefault(self._kind(chosen[name]), []).append(name)
        made = [
            self._maker(kind, kinds[kind])(kinds[kind])
            for kind in ("continuous", "datetime", "categorical", "rich_category")
            if kind in kinds
        ]
        self.transformer_ = DataFrameTransformer(made).fit(chosen, y)
        self.names_out_ = self.transformer_.names_out_
        self.n_features_in_ = frame.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        """Transform rows with what was made."""
        check_is_fitted(self, "transformer_")
        return self.transformer_.transform(X)

    def _kind(self, series: pd.Series[Any]) -> str:
        dtype = series.dtype
        if pd.api.types.is_float_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
            return "continuous"
        if pd.api.types.is_datetime64_any_dtype(dtype):
            return "datetime"
        if self.rich_category is None or self.rich_threshold is None:
            return "categorical"
        return "rich_category" if len(encode(series)[1]) > self.rich_threshold else "categorical"

    def _maker(self, kind: str, columns: Sequence[Any]) -> Maker:
        maker: Maker | None = getattr(self, kind)
        if maker is None:
            raise ConfigError(
                f"the factory makes nothing for {kind} columns, such as {columns[0]!r}",
                hint=f"Call on_{kind}, or leave them out with with_feature_block_list.",
            )
        if maker is CategoricalTransformer2:
            return partial(maker, max_values=self.max_values_per_category)
        return maker
