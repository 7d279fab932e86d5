"""Numbers that say how well a model predicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ColumnNotFoundError, ConfigError
from ..._core.suggestions import did_you_mean
from .split import TRAIN_STAGE

__all__ = ["Metric", "MetricPool", "SklearnMetric", "mean_metrics"]


class Metric(ABC):
    """One or several numbers that are computed from the predictions of one stage.

    Example
    -------
    >>> class Mistakes(Metric):
    ...     def __init__(self, borderline=0.5):
    ...         self.borderline = borderline
    ...     def get_names(self):
    ...         return ["mistakes"]
    ...     def measure(self, result_df, source_data):
    ...         return [((result_df.predicted > self.borderline) != result_df.true).sum()]
    >>> df = pd.DataFrame({"true": [0, 1], "predicted": [0.7, 0.9], "stage": "test"})
    >>> MetricPool().add(Mistakes()).measure(df)
    {'mistakes_test': 1.0}
    """

    @abstractmethod
    def get_names(self) -> list[str]:
        """Name the numbers, without the stage."""

    @abstractmethod
    def measure(self, result_df: pd.DataFrame, source_data: pd.DataFrame | None) -> Sequence[Any]:
        """Compute the numbers of one stage.

        Parameters
        ----------
        result_df
            The rows of the stage, with the columns ``true``, ``predicted`` and ``stage``.
        source_data
            The same rows of the frame that was trained on, to weight them for instance.

        Returns
        -------
        sequence of float
            As many as there are names.
        """


class SklearnMetric(Metric):
    """A function of :mod:`sklearn.metrics`, called with ``true`` and ``predicted``.

    Parameters
    ----------
    function
        Any function of true and predicted values that returns a number.
    name
        The name; that of the function if not given.
    arguments
        Further arguments of the function.

    Example
    -------
    >>> from sklearn.metrics import roc_auc_score
    >>> metric = SklearnMetric(roc_auc_score)
    >>> metric.get_names()
    ['roc_auc_score']
    >>> metric.measure(pd.DataFrame({"true": [0, 1], "predicted": [0.2, 0.6]}), None)
    [1.0]
    """

    def __init__(
        self, function: Callable[..., Any], name: str | None = None, **arguments: Any
    ) -> None:
        self.function = function
        self.name = name
        self.arguments = arguments

    def get_names(self) -> list[str]:
        """Give the one name.

        Raises
        ------
        ConfigError
            The function has no name of its own and none was given.
        """
        name = self.name or getattr(self.function, "__name__", None)
        if name is None:
            raise ConfigError(
                f"the metric {self.function!r} has no name", hint="Give it one with name=."
            )
        return [name]

    def measure(self, result_df: pd.DataFrame, source_data: pd.DataFrame | None) -> Sequence[Any]:  # noqa: ARG002 - the function knows nothing of the source
        """Call the function.

        Raises
        ------
        ColumnNotFoundError
            The evaluation has made no column ``true`` or ``predicted``.
        """
        for column in ("true", "predicted"):
            if column not in result_df.columns:
                raise ColumnNotFoundError(
                    f"the metric {self.get_names()[0]!r} needs a column {column!r} in result_df",
                    hint=did_you_mean(column, result_df.columns, what="columns"),
                )
        return [self.function(result_df["true"], result_df["predicted"], **self.arguments)]


class MetricPool:
    """The metrics of a training; each gives a number ``NAME_STAGE`` a stage.

    Example
    -------
    >>> from sklearn.metrics import mean_absolute_error, r2_score
    >>> pool = MetricPool().add_sklearn(mean_absolute_error).add_sklearn(r2_score, name="r2")
    >>> pool.get_names()
    ['mean_absolute_error', 'r2']
    """

    def __init__(self) -> None:
        self.metrics: list[Metric] = []

    def add(self, metric: Metric) -> MetricPool:
        """Add a metric and give the pool.

        Raises
        ------
        ConfigError
            It is no metric, or its name is taken.
        """
        if not isinstance(metric, Metric):
            raise ConfigError(
                f"{metric!r} is no Metric", hint="Add functions with add_sklearn(function)."
            )
        for name in metric.get_names():
            if name in self.get_names():
                raise ConfigError(
                    f"there is a metric {name!r} already", hint="Give one of them another name."
                )
        self.metrics.append(metric)
        return self

    def add_sklearn(
        self, function: Callable[..., Any], name: str | None = None, **arguments: Any
    ) -> MetricPool:
        """Add a function of :mod:`sklearn.metrics` and give the pool; see `SklearnMetric`."""
        return self.add(SklearnMetric(function, name, **arguments))

    def get_names(self) -> list[str]:
        """Name all numbers, without the stage."""
        return [name for metric in self.metrics for name in metric.get_names()]

    def measure(
        self,
        result_df: pd.DataFrame,
        source_data: pd.DataFrame | None = None,
        stages: Sequence[str] | None = None,
    ) -> dict[str, float]:
        """Compute all metrics of all stages.

        Parameters
        ----------
        result_df
            The predictions, with the column ``stage``.
        source_data
            The frame that was trained on, row by row as `result_df`.
        stages
            The stages in the order of the result; those in `result_df`, train last, if not given.

        Returns
        -------
        dict of str to float
            ``NAME_STAGE`` to value, stage by stage.

        Raises
        ------
        ConfigError
            A metric gives another number of values than it has names.
        """
        if stages is None:
            found = [str(stage) for stage in result_df["stage"].unique()]
            stages = sorted(found, key=lambda stage: stage == TRAIN_STAGE)
        measured: dict[str, float] = {}
        for stage in stages:
            rows = (result_df["stage"] == stage).to_numpy(dtype=bool)
            source = None if source_data is None else source_data.loc[rows]
            for metric in self.metrics:
                names = metric.get_names()
                numbers = list(metric.measure(result_df.loc[rows], source))
                if len(numbers) != len(names):
                    raise ConfigError(
                        f"{type(metric).__name__} measures {len(numbers)} numbers, "
                        f"but names {len(names)}: {', '.join(names)}",
                        hint="Let measure return one number for each of get_names.",
                    )
                pairs = zip(names, numbers, strict=True)
                measured |= {f"{name}_{stage}": float(number) for name, number in pairs}
        return measured


def mean_metrics(folds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Average metrics over the folds that have them; those of the train stage come last.

    Example
    -------
    >>> mean_metrics([{"f1_test": 0.5, "f1_train": 1.0}, {"f1_test": 1.0, "f1_train": 1.0}])
    {'f1_test': 0.75, 'f1_train': 1.0}
    """
    names = dict.fromkeys(name for fold in folds for name in fold)
    ordered = sorted(names, key=lambda name: name.endswith(f"_{TRAIN_STAGE}"))
    return {
        name: float(np.mean([fold[name] for fold in folds if name in fold])) for name in ordered
    }
