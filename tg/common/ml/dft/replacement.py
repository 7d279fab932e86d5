"""Categories by parts: which values stay, and what becomes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ..._core.errors import ConfigError
from ..._core.logger import Logger
from .categorical import CategoricalTransformer2, encode
from .column_transformer import DataFrameColumnsTransformer, FrameTransformer, as_frame

__all__ = [
    "CategoricalTransformer",
    "MostPopularStrategy",
    "OneHotEncoderForDataframe",
    "ReplacementStrategy",
    "TopKPopularStrategy",
]


class ReplacementStrategy(ABC):
    """Says which values of a feature stay, and what the others are replaced by."""

    @abstractmethod
    def choose(self, ranked: Sequence[str]) -> tuple[list[str], str]:
        """Choose.

        Parameters
        ----------
        ranked
            The values in training by falling frequency; never empty.

        Returns
        -------
        tuple of list of str and str
            The values that stay, and the one that all others become.
        """


class MostPopularStrategy(ReplacementStrategy):
    """All values stay; one that was not there in training becomes the most frequent.

    Example
    -------
    >>> MostPopularStrategy().choose(["S", "C"])
    (['S', 'C'], 'S')
    """

    def choose(self, ranked: Sequence[str]) -> tuple[list[str], str]:
        """Keep all."""
        return list(ranked), ranked[0]


class TopKPopularStrategy(ReplacementStrategy):
    """The k most frequent values stay; all others become one value.

    Parameters
    ----------
    k
        How many stay, 1 or more.
    other
        What the others become.

    Example
    -------
    >>> TopKPopularStrategy(2, "OTHER").choose(["S", "C", "Q"])
    (['S', 'C'], 'OTHER')
    """

    def __init__(self, k: int, other: str = "OTHER") -> None:
        if k < 1:
            raise ConfigError(f"k is {k}", hint="Give 1 or more.")
        self.k = k
        self.other = other

    def choose(self, ranked: Sequence[str]) -> tuple[list[str], str]:
        """Keep the first k."""
        return list(ranked[: self.k]), self.other


class OneHotEncoderForDataframe(FrameTransformer):
    """One-hot encodes all columns of a frame; the new ones stand by name.

    Example
    -------
    >>> OneHotEncoderForDataframe().fit_transform(pd.DataFrame({"sex": ["male", "female"]}))
       sex_female  sex_male
    0         0.0       1.0
    1         1.0       0.0
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> OneHotEncoderForDataframe:  # noqa: N803, ARG002 - scikit-learn's names
        """Find the values."""
        frame = as_frame(X)
        self.encoder_ = CategoricalTransformer2(list(frame.columns)).fit(frame)
        self.n_features_in_ = frame.shape[1]
        self.order_: list[int] = []
        start = 0
        for column in frame.columns:
            levels = self.encoder_.levels_[column] + self.encoder_.specials_[column]
            self.order_ += [start + i for i in np.argsort(np.array(levels, dtype=str))]
            start += len(levels)
        self.names_out_ = [str(self.encoder_.names_out_[i]) for i in self.order_]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        """Set the ones."""
        check_is_fitted(self, "names_out_")
        return self.encoder_.transform(X).iloc[:, self.order_]


class CategoricalTransformer(DataFrameColumnsTransformer):
    """Turns values into text, replaces some, and hands the result to a postprocessor.

    :class:`.categorical.CategoricalTransformer2` does the most common case faster.

    Parameters
    ----------
    columns
        The columns.
    replacement_strategy
        Which values stay; :class:`MostPopularStrategy` if not given.
    postprocessor
        A transformer of frames, such as :class:`OneHotEncoderForDataframe`; the text itself
        stays if not given.
    none_value
        What stands for null; it counts as a value like others.

    Example
    -------
    >>> df = pd.DataFrame({"embarked": ["S", "S", "C", None]})
    >>> CategoricalTransformer(["embarked"]).fit(df).transform(df).embarked.tolist()
    ['S', 'S', 'C', 'NONE']
    """

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        replacement_strategy: ReplacementStrategy | None = None,
        postprocessor: Any = None,
        none_value: str = "NONE",
    ) -> None:
        super().__init__(columns)
        self.replacement_strategy = replacement_strategy
        self.postprocessor = postprocessor
        self.none_value = none_value

    def fit_columns(self, frame: pd.DataFrame) -> list[str]:
        """Choose the values that stay, and fit the postprocessor to them."""
        strategy = self.replacement_strategy or MostPopularStrategy()
        self.kept_: dict[Any, tuple[list[str], str]] = {}
        for column in frame.columns:
            texts = self._texts(frame[column])
            values, counts = np.unique(texts, return_counts=True)
            ranked = sorted(zip(-counts, values, strict=True))
            self.kept_[column] = strategy.choose([str(value) for _, value in ranked])
        if self.postprocessor is None:
            self.postprocessor_ = None
            return [str(column) for column in frame.columns]
        self.postprocessor_ = clone(self.postprocessor, safe=False)
        self.postprocessor_.fit(self._replaced(frame))
        return [str(name) for name in self.postprocessor_.get_feature_names_out()]

    def transform_columns(self, frame: pd.DataFrame) -> list[Any]:
        """Replace, then postprocess."""
        replaced = self._replaced(frame)
        if self.postprocessor_ is None:
            return [replaced[name].to_numpy() for name in replaced.columns]
        result = self.postprocessor_.transform(replaced)
        result = result.toarray() if hasattr(result, "toarray") else result
        return list(np.asarray(result).T)

    def _texts(self, series: pd.Series[Any]) -> Any:
        codes, values = encode(series)
        return np.array([*values, self.none_value], dtype=object)[codes]

    def _replaced(self, frame: pd.DataFrame) -> pd.DataFrame:
        columns = {}
        for column in frame.columns:
            kept, other = self.kept_[column]
            texts = self._texts(frame[column])
            stays = np.isin(texts.astype(str), kept)
            if other in kept and not stays.all():
                unseen = texts[~stays][0]
                Logger.warning("Unexpected value", column=column, value=unseen)
            columns[str(column)] = np.where(stays, texts, other)
        return pd.DataFrame(columns, index=frame.index, dtype=object)
