"""Splitters made of splitters."""

from __future__ import annotations

from .split import DataFrameSplit
from .splitters import Splitter

__all__ = ["CompositionSplitter", "UnionSplitter"]


class UnionSplitter(Splitter):
    """Gives the splits of several splitters, one after another.

    Parameters
    ----------
    splitters
        Each divides the same split.

    Example
    -------
    >>> import pandas as pd
    >>> from .splitters import FoldSplitter
    >>> df = pd.DataFrame({"x": range(10), "y": [0, 1] * 5})
    >>> union = UnionSplitter(FoldSplitter(2), FoldSplitter(1, test_size=0.5))
    >>> [len(s.train) for s in union(DataFrameSplit(df, ["x"], "y", df.index))]
    [7, 7, 5]
    """

    def __init__(self, *splitters: Splitter) -> None:
        self.splitters = list(splitters)

    @property
    def stage_names(self) -> list[str]:
        """The test stages of all of them."""
        return list(dict.fromkeys(n for one in self.splitters for n in one.stage_names))

    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give all splits of all splitters."""
        return [part for splitter in self.splitters for part in splitter(split)]


class CompositionSplitter(Splitter):
    """Splits what was split: each splitter divides the train rows that the one before left.

    Parameters
    ----------
    splitters
        From the outermost, such as a holdout, to the innermost, such as folds. Each needs a
        ``test_name`` of its own.

    Example
    -------
    >>> import pandas as pd
    >>> from .splitters import FoldSplitter
    >>> df = pd.DataFrame({"x": range(20), "y": [0, 1] * 10})
    >>> nested = CompositionSplitter(
    ...     FoldSplitter(1, test_size=0.2, test_name="holdout"), FoldSplitter(2, test_size=0.25)
    ... )
    >>> nested(DataFrameSplit(df, ["x"], "y", df.index))[1]
    DataFrameSplit(features=1, labels='y', holdout=4, test=4, train=12)
    """

    def __init__(self, *splitters: Splitter) -> None:
        self.splitters = list(splitters)

    @property
    def stage_names(self) -> list[str]:
        """The test stages of all of them."""
        return [name for one in self.splitters for name in one.stage_names]

    def __call__(self, split: DataFrameSplit) -> list[DataFrameSplit]:
        """Give the splits of the innermost splitter."""
        splits = [split]
        for splitter in self.splitters:
            splits = [inner for outer in splits for inner in splitter(outer)]
        return splits
