"""From a model and rows to a table of what was true and what was predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ConfigError, DataError
from ..training_core.multiclass import PROBABILITY_PREFIX

__all__ = ["Evaluation"]


class Evaluation:
    """The evaluators: functions of a model, features and labels that make ``result_df``.

    An evaluator of your own is any function ``f(model, features, labels)`` that returns a frame
    with the index of `features` and the columns ``true`` and ``predicted``.

    Example
    -------
    >>> from sklearn.linear_model import LinearRegression
    >>> X = pd.DataFrame({"x": [0.0, 1.0]}); y = pd.Series([1.0, 3.0])
    >>> Evaluation.regression(LinearRegression().fit(X, y), X, y).round(6)
       predicted  true
    0        1.0   1.0
    1        3.0   3.0
    """

    @staticmethod
    def binary_classification(model: Any, features: pd.DataFrame, labels: Any) -> pd.DataFrame:
        """Predict the probability of the second class, that of the greater label.

        A model without probabilities gives its ``decision_function``.

        Parameters
        ----------
        model
            A fitted classifier.
        features
            The rows, shape (rows, features).
        labels
            Their labels, a series.

        Returns
        -------
        DataFrame
            ``predicted`` (float64) and ``true``, indexed as `features`.

        Raises
        ------
        ConfigError
            The model is no classifier.
        DataError
            The model knows more or fewer than two classes.
        """
        classes = getattr(model, "classes_", None)
        if classes is not None and len(classes) != 2:
            raise DataError(
                f"the model was trained on {len(classes)} classes, not on two",
                hint="Take Evaluation.multiclass_classification for more than two.",
            )
        if hasattr(model, "predict_proba"):
            predicted = np.asarray(model.predict_proba(features))[:, 1]
        elif hasattr(model, "decision_function"):
            predicted = np.asarray(model.decision_function(features))
        else:
            raise ConfigError(
                "the model gives neither probabilities nor a decision function",
                hint="Take a classifier, or Evaluation.regression.",
            )
        return pd.DataFrame({"predicted": predicted, "true": labels}, index=features.index)

    @staticmethod
    def multiclass_classification(model: Any, features: pd.DataFrame, labels: Any) -> pd.DataFrame:
        """Predict a class, and the probability of each where the model gives them.

        Returns
        -------
        DataFrame
            ``predicted`` and ``true``, classes; then ``predicted_CLASS`` (float64) for each class
            the model knows.

        Raises
        ------
        ConfigError
            The model is no classifier.
        """
        if not hasattr(model, "predict_proba"):
            if not hasattr(model, "classes_"):
                raise ConfigError("the model is no classifier", hint="Take Evaluation.regression.")
            predicted = np.asarray(model.predict(features))
            return pd.DataFrame({"predicted": predicted, "true": labels}, index=features.index)
        probabilities = np.asarray(model.predict_proba(features))
        classes = np.asarray(model.classes_)
        predicted = classes[probabilities.argmax(axis=1)]
        return pd.DataFrame(
            {
                "predicted": predicted,
                "true": labels,
                **{
                    f"{PROBABILITY_PREFIX}{name}": probabilities[:, position]
                    for position, name in enumerate(classes)
                },
            },
            index=features.index,
        )

    @staticmethod
    def regression(model: Any, features: pd.DataFrame, labels: Any) -> pd.DataFrame:
        """Predict a number.

        Returns
        -------
        DataFrame
            ``predicted`` and ``true``; with several labels ``predicted_LABEL`` and
            ``true_LABEL`` for each.
        """
        predicted = np.asarray(model.predict(features))
        if isinstance(labels, pd.Series):
            values = predicted.reshape(len(features))
            return pd.DataFrame({"predicted": values, "true": labels}, index=features.index)
        columns: dict[str, Any] = {}
        for position, name in enumerate(labels.columns):
            columns[f"predicted_{name}"] = predicted[:, position]
            columns[f"true_{name}"] = labels[name]
        return pd.DataFrame(columns, index=features.index)
