"""Code of your own at the turns of a fold: before training, before metrics, before storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ConfigError
from ..._core.logger import Logger
from .split import DataFrameSplit

__all__ = [
    "Artificer",
    "ArtificerArguments",
    "Artificier",
    "BalancingArtificer",
    "LearningCurveArtificer",
    "ModelRemovingArtificer",
    "SignificanceArtificer",
    "TrainingResult",
]


class TrainingResult:
    """The artifacts of one fold, each an attribute; they are stored in this order.

    Attributes
    ----------
    result_df, metrics, info, model, training_task, train_split, test_splits
        What every fold has. Further attributes that an artificer sets become artifacts, and
        those that it deletes are not stored.

    Example
    -------
    >>> result = TrainingResult()
    >>> result.significance = {"x": 1.0}
    >>> del result.model
    >>> list(result.artifacts())
    ['result_df', 'metrics', 'info', 'training_task', 'train_split', 'test_splits', 'significance']
    """

    def __init__(self) -> None:
        self.result_df: Any = None
        self.metrics: dict[str, float] = {}
        self.info: dict[str, Any] = {}
        self.model: Any = None
        self.training_task: Any = None
        self.train_split: Any = None
        self.test_splits: Any = None

    def artifacts(self) -> dict[str, Any]:
        """Give all artifacts by name."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __setattr__(self, name: str, value: Any) -> None:
        # Any artifact may be added; this method says so to type checkers as well.
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the result of this fold has no {name!r}")


@dataclass(kw_only=True)
class ArtificerArguments:
    """What an artificer may look at and change.

    Attributes
    ----------
    task
        The task that is run.
    split
        The split of this fold.
    fold
        Its number, from 0.
    train_df
        The rows that the model is fitted on. Before training, an artificer may put another frame
        of the same columns in its place; predictions are made for the original rows all the same.
    result
        The artifacts so far.
    """

    task: Any
    split: DataFrameSplit
    fold: int
    train_df: pd.DataFrame
    result: TrainingResult


class Artificer:
    """The base of artificers: methods that do nothing, to be overridden.

    Example
    -------
    >>> class Residuals(Artificer):
    ...     def run_before_storage(self, model_info):
    ...         df = model_info.result.result_df
    ...         model_info.result.residuals = df.true - df.predicted
    """

    def run_before_training(self, model_info: ArtificerArguments) -> None:
        """Change what the model is fitted on."""

    def run_before_metrics(self, model_info: ArtificerArguments) -> None:
        """Compute what metrics need, such as columns of ``model_info.result.result_df``."""

    def run_before_storage(self, model_info: ArtificerArguments) -> None:
        """Compute artifacts of the finished fold."""


Artificier = Artificer  # as earlier documents spell it


class ModelRemovingArtificer(Artificer):
    """Leaves the model out of the result, where only metrics are wanted.

    Example
    -------
    >>> arguments = ArtificerArguments(task=None, split=None, fold=0, train_df=None,
    ...     result=TrainingResult())
    >>> ModelRemovingArtificer().run_before_storage(arguments)
    >>> "model" in arguments.result.artifacts()
    False
    """

    def run_before_storage(self, model_info: ArtificerArguments) -> None:
        """Delete the artifact ``model``."""
        if "model" in model_info.result.artifacts():
            del model_info.result.model


class SignificanceArtificer(Artificer):
    """Adds the artifact ``significance``: the model's own weight of each feature it was given.

    That is ``coef_`` or ``feature_importances_``, as a series by feature, or as a frame with one
    row a class where there are coefficients of several classes. A model that has neither gets
    none, and the log says so.

    Example
    -------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import Pipeline
    >>> X = pd.DataFrame({"a": [0.0, 1.0, 0.0], "b": [0.0, 0.0, 1.0]})
    >>> result = TrainingResult()
    >>> result.model = Pipeline([("Model", LinearRegression())]).fit(X, [0.0, 2.0, -1.0])
    >>> SignificanceArtificer().run_before_storage(ArtificerArguments(
    ...     task=None, split=None, fold=0, train_df=X, result=result))
    >>> result.significance.round(6).to_dict()
    {'a': 2.0, 'b': -1.0}
    """

    def run_before_storage(self, model_info: ArtificerArguments) -> None:
        """Read the weights of the fitted model."""
        pipeline = model_info.result.model
        model = pipeline[-1] if hasattr(pipeline, "steps") else pipeline
        weights = getattr(model, "coef_", None)
        if weights is None:
            weights = getattr(model, "feature_importances_", None)
        if weights is None:
            Logger.warning("The model tells no significance", model=type(model).__name__)
            return
        table = np.atleast_2d(np.asarray(weights))
        names = _input_names(pipeline, model_info, table.shape[1])
        if len(table) == 1:
            model_info.result.significance = pd.Series(table[0], index=names)
            return
        classes = getattr(model, "classes_", range(len(table)))
        model_info.result.significance = pd.DataFrame(
            table, columns=names, index=[str(name) for name in classes]
        )


def _input_names(pipeline: Any, model_info: ArtificerArguments, count: int) -> list[str]:
    if len(getattr(pipeline, "steps", ())) > 1:
        names = [str(name) for name in pipeline[:-1].get_feature_names_out()]
    else:
        names = [str(name) for name in getattr(pipeline, "feature_names_in_", ())]
        names = names or [str(name) for name in model_info.split.features]
    return names if len(names) == count else [f"x{i}" for i in range(count)]


class LearningCurveArtificer(Artificer):
    """Adds the artifact ``learning_curve``: the metrics of models trained on fewer rows.

    Parameters
    ----------
    sizes
        Shares of the train rows, each above 0 and at most 1.
    random_state
        The seed that the rows are drawn with; a larger share has all rows of a smaller one.

    Notes
    -----
    The curve is a frame, one row a share, with ``share``, ``rows`` and all metrics. Shares in
    which all rows have the same label are left out. The task needs metrics, and is trained once
    more for each share.
    """

    def __init__(self, sizes: tuple[float, ...] = (0.1, 0.3, 0.6, 1.0), random_state: int = 0):
        if not sizes or not all(0 < size <= 1 for size in sizes):
            raise ConfigError(
                f"the sizes of a learning curve are {sizes}",
                hint="Give shares above 0 and at most 1.",
            )
        self.sizes = sizes
        self.random_state = random_state

    def run_before_storage(self, model_info: ArtificerArguments) -> None:
        """Train on each share and measure."""
        task, rows = model_info.task, model_info.train_df
        order = np.random.RandomState(self.random_state).permutation(len(rows))
        has_classes = len(rows[model_info.split.labels].drop_duplicates()) > 1
        curve = []
        for size in self.sizes:
            count = max(1, round(size * len(rows)))
            part = rows.iloc[np.sort(order[:count])]
            if has_classes and len(part[model_info.split.labels].drop_duplicates()) == 1:
                continue
            model = task.fit_model(model_info.split, part)
            result_df, source = task.predict(model, model_info.split)
            metrics = task.metrics_pool.measure(result_df, source, model_info.split.stages)
            curve.append({"share": size, "rows": count, **metrics})
        model_info.result.learning_curve = pd.DataFrame(curve)


class BalancingArtificer(Artificer):
    """Repeats rows of the rarer classes until all classes have as many train rows.

    Only what the model is fitted on changes; the train metrics are those of the original rows.

    Parameters
    ----------
    random_state
        The seed that the repeated rows are drawn with.

    Example
    -------
    >>> df = pd.DataFrame({"x": range(5), "y": [0, 0, 0, 0, 1]})
    >>> split = DataFrameSplit(df, ["x"], "y", df.index)
    >>> arguments = ArtificerArguments(task=None, split=split, fold=0, train_df=df,
    ...     result=TrainingResult())
    >>> BalancingArtificer().run_before_training(arguments)
    >>> arguments.train_df.y.value_counts().to_dict()
    {0: 4, 1: 4}
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def run_before_training(self, model_info: ArtificerArguments) -> None:
        """Put the balanced rows in the place of ``model_info.train_df``."""
        rows = model_info.train_df
        codes = rows.groupby(model_info.split.labels, sort=True).ngroup().to_numpy()
        counts = np.bincount(codes)
        random = np.random.RandomState(self.random_state)
        extra = [
            random.choice(np.flatnonzero(codes == code), counts.max() - count)
            for code, count in enumerate(counts)
            if count < counts.max()
        ]
        positions = np.concatenate([np.arange(len(rows)), *extra])
        model_info.train_df = rows.iloc[positions]
