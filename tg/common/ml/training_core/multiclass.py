"""Metrics of a choice between several classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from ..._core.errors import ColumnNotFoundError, ConfigError
from .metrics import Metric

__all__ = ["PROBABILITY_PREFIX", "MulticlassMetrics"]

PROBABILITY_PREFIX = "predicted_"


class MulticlassMetrics(Metric):
    """Accuracy, recall among the n likeliest classes, and the area under the ROC curve.

    It reads the columns that ``Evaluation.multiclass_classification`` makes: ``true``, and the
    probability of each class in ``predicted_CLASS``.

    Parameters
    ----------
    recall_at
        For each n the share of rows whose true class is among the n likeliest:
        ``recall_at_n``. ``recall_at_1`` is named ``accuracy`` as well.
    accuracy
        Whether to give ``accuracy``.
    roc_auc
        Whether to give ``roc_auc_ovr``: the mean, over the classes that some but not all rows
        have, of the area under the curve of this class against the rest.

    Example
    -------
    >>> df = pd.DataFrame({"true": ["a", "b", "c"], "stage": "test",
    ...     "predicted_a": [0.7, 0.5, 0.2], "predicted_b": [0.2, 0.4, 0.5],
    ...     "predicted_c": [0.1, 0.1, 0.3]})
    >>> metric = MulticlassMetrics(recall_at=(2,))
    >>> dict(zip(metric.get_names(), metric.measure(df, None)))
    {'accuracy': 0.3333333333333333, 'recall_at_2': 1.0, 'roc_auc_ovr': 0.8333333333333334}
    """

    def __init__(
        self, recall_at: Sequence[int] = (3,), accuracy: bool = True, roc_auc: bool = True
    ) -> None:
        if any(n < 1 for n in recall_at):
            raise ConfigError(f"recall_at is {tuple(recall_at)}", hint="Give numbers of 1 or more.")
        self.recall_at = list(recall_at)
        self.accuracy = accuracy
        self.roc_auc = roc_auc

    def get_names(self) -> list[str]:
        """Name the chosen numbers."""
        names = ["accuracy"] if self.accuracy else []
        names += [f"recall_at_{n}" for n in self.recall_at]
        return [*names, "roc_auc_ovr"] if self.roc_auc else names

    def measure(self, result_df: pd.DataFrame, source_data: pd.DataFrame | None) -> Sequence[Any]:  # noqa: ARG002 - rows are not weighted
        """Compute the chosen numbers.

        Raises
        ------
        ColumnNotFoundError
            There are no probabilities.
        """
        columns = [c for c in result_df.columns if str(c).startswith(PROBABILITY_PREFIX)]
        if not columns:
            raise ColumnNotFoundError(
                f"result_df has no column {PROBABILITY_PREFIX}CLASS",
                hint="Use Evaluation.multiclass_classification with a model that gives "
                "probabilities.",
            )
        classes = [str(c).removeprefix(PROBABILITY_PREFIX) for c in columns]
        place = {name: position for position, name in enumerate(classes)}
        true = np.array([place.get(str(value), -1) for value in result_df["true"]])
        probabilities = result_df[columns].to_numpy(dtype=float)
        # A class is as likely as another: the one that stands first wins, as in numpy's argmax.
        ranks = np.argsort(-probabilities, axis=1, kind="stable")
        hits = ranks == true[:, None]
        shares = ([1] if self.accuracy else []) + self.recall_at
        numbers = [float(hits[:, :n].any(axis=1).mean()) for n in shares]
        return [*numbers, _roc_auc_ovr(true, probabilities)] if self.roc_auc else numbers


def _roc_auc_ovr(true: Any, probabilities: Any) -> float:
    areas = [
        roc_auc_score(true == position, probabilities[:, position])
        for position in range(probabilities.shape[1])
        if 0 < (true == position).sum() < len(true)
    ]
    return float(np.mean(areas)) if areas else float("nan")
