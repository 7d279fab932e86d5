"""Trainings on one frame that fits into memory, fold after fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..._core.errors import ConfigError, DataError
from ...contract.environment import TrainingEnvironment
from ...contract.task import TrainingTask
from ..training_core.artificers import Artificer, ArtificerArguments, TrainingResult
from ..training_core.folds import Fold, run_folds, training_fingerprint
from ..training_core.metrics import MetricPool, mean_metrics
from ..training_core.split import TRAIN_STAGE, DataFrameSplit
from ..training_core.splitters import IdentitySplitter, Splitter
from .loader import DataFrameLoader
from .model_provider import ModelProvider

__all__ = ["SingleFrameTrainingTask"]


class SingleFrameTrainingTask(TrainingTask):
    """Loads a frame, splits it, and for each split fits a model, predicts and measures.

    Each fold stores the artifacts ``result_df``, ``metrics``, ``info``, ``model``,
    ``training_task``, ``train_split`` and ``test_splits`` under ``runs/FOLD``. At the end the
    metrics are reported, averaged over the folds, tests first. A training that was interrupted
    goes on after its last finished fold; see :func:`~..training_core.folds.run_folds`.

    ``result_df`` has one row for each row of the frame that is trained or tested on, in the order
    of the frame and with its index: ``predicted``, ``true``, whatever more the evaluator makes,
    ``stage`` (``"train"``, ``"test"`` or another test's name) and ``original_index``. A row that
    is in several stages stands there once for each; one that is in none does not.

    Parameters
    ----------
    data_loader
        Makes a split of the data.
    model_provider
        Makes the model.
    evaluator
        Predicts; one of :class:`.evaluation.Evaluation` or a function of its form.
    splitter
        Says what is trained and tested on; everything is trained on if not given.
    metrics_pool
        What is measured.
    artificers
        Code of yours at the turns of a fold, in this order.
    silent
        Whether to show no progress bar.

    Example
    -------
    >>> import io; from contextlib import redirect_stdout
    >>> from sklearn.metrics import r2_score
    >>> from .evaluation import Evaluation
    >>> from .model_provider import ModelConstructor
    >>> from ..training_core.splitters import FoldSplitter
    >>> task = SingleFrameTrainingTask(
    ...     DataFrameLoader("y"),
    ...     ModelProvider(ModelConstructor("sklearn.linear_model:LinearRegression")),
    ...     Evaluation.regression,
    ...     FoldSplitter(fold_count=2),
    ...     MetricPool().add_sklearn(r2_score),
    ...     silent=True,
    ... )
    >>> df = pd.DataFrame({"x": range(20), "y": [2.0 * x for x in range(20)]})
    >>> with redirect_stdout(io.StringIO()):
    ...     result = task.run(df)
    >>> result["metrics"]
    {'r2_score_test': 1.0, 'r2_score_train': 1.0}
    >>> list(result["runs"][1]["result_df"].columns)
    ['predicted', 'true', 'stage', 'original_index']
    """

    def __init__(  # noqa: PLR0917 - the documented arguments, in their order
        self,
        data_loader: DataFrameLoader,
        model_provider: ModelProvider,
        evaluator: Callable[[Any, pd.DataFrame, Any], pd.DataFrame],
        splitter: Callable[[DataFrameSplit], list[DataFrameSplit]] | None = None,
        metrics_pool: MetricPool | None = None,
        artificers: Sequence[Artificer] | None = None,
        *,
        silent: bool = False,
    ) -> None:
        super().__init__()
        self.data_loader = data_loader
        self.model_provider = model_provider
        self.evaluator = evaluator
        self.splitter = splitter or IdentitySplitter()
        self.metrics_pool = metrics_pool or MetricPool()
        self.artificers = list(artificers or ())
        self.silent = silent

    def run_with_environment(self, data: Any, env: TrainingEnvironment) -> None:
        """Train all folds.

        Parameters
        ----------
        data
            What the data loader takes: a data frame, or the path of one.
        env
            The place where it runs.

        Raises
        ------
        DataError
            The dataset is missing, lacks a column or cannot be split.
        ConfigError
            A part of the task does not fit the others.
        """
        splits = list(self.splitter(self.data_loader.get_data(data)))
        if not splits:
            raise DataError("the splitter has made no split", hint="Give it more rows.")
        several = len(splits) > 1
        folds = run_folds(
            env,
            len(splits),
            lambda fold: self._train_fold(splits[fold], fold),
            fingerprint=training_fingerprint(self, splits) if several else "",
            silent=self.silent,
        )
        for name, value in mean_metrics(folds).items():
            env.output_metric(name, value)

    def get_metric_names(self) -> list[str]:
        """Name the metrics it will report, as far as they are known before there are data."""
        stages = self.splitter.stage_names if isinstance(self.splitter, Splitter) else []
        names = self.metrics_pool.get_names()
        return [f"{name}_{stage}" for stage in [*stages, TRAIN_STAGE] for name in names]

    def fit_model(self, split: DataFrameSplit, rows: pd.DataFrame) -> Any:
        """Fit a new model.

        Parameters
        ----------
        split
            Says what are features and what are labels.
        rows
            What to fit on.

        Returns
        -------
        sklearn.pipeline.Pipeline
            The fitted pipeline.
        """
        model = self.model_provider.get_model()
        labels = rows[split.labels]
        known = _label_values(labels) if isinstance(labels, pd.Series) else labels
        return model.fit(rows[split.features], known)

    def predict(self, model: Any, split: DataFrameSplit) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Predict all stages of a split.

        Returns
        -------
        tuple of DataFrame
            ``result_df``, and the same rows of the frame.

        Raises
        ------
        ConfigError
            The evaluator gives another number of rows than it got.
        """
        parts, places = [], []
        for stage in [TRAIN_STAGE, *split.tests]:
            positions = split.positions(stage)
            rows = split.df.iloc[positions]
            part = self.evaluator(model, rows[split.features], rows[split.labels])
            if len(part) != len(rows):
                raise ConfigError(
                    f"the evaluator gives {len(part)} rows for the {len(rows)} of {stage!r}",
                    hint="Return one row for each row of the features, with their index.",
                )
            parts.append(part.assign(stage=stage))
            places.append(positions)
        place = np.concatenate(places)
        order = np.argsort(place, kind="stable")
        result_df = pd.concat(parts).iloc[order]
        source = split.df.iloc[place[order]]
        if source.index.nlevels == 1:  # parquet has no column of tuples
            result_df["original_index"] = source.index
        return result_df, source

    def _train_fold(self, split: DataFrameSplit, fold: int) -> Fold:
        result = TrainingResult()
        arguments = ArtificerArguments(
            task=self, split=split, fold=fold, train_df=split.rows(TRAIN_STAGE), result=result
        )
        for artificer in self.artificers:
            artificer.run_before_training(arguments)
        result.model = self.fit_model(split, arguments.train_df)
        result.result_df, source = self.predict(result.model, split)
        result.info = {
            "task": dict(self.info),
            "fold": fold,
            "rows": {stage: len(split.positions(stage)) for stage in split.stages},
            "features": len(split.features),
            "split": split.info,
        }
        result.training_task = self
        result.train_split = split.train
        result.test_splits = split.tests
        for artificer in self.artificers:
            artificer.run_before_metrics(arguments)
        metrics = self.metrics_pool.measure(
            result.result_df, _same_rows(source, result.result_df), split.stages
        )
        result.metrics = dict(metrics)
        for artificer in self.artificers:
            artificer.run_before_storage(arguments)
        return metrics, result.artifacts()


def _same_rows(source: pd.DataFrame, result_df: pd.DataFrame) -> pd.DataFrame:
    """Follow an artificer that has taken rows out of result_df or put them in another order."""
    if result_df.index.equals(source.index):
        return source
    first = source.loc[~source.index.duplicated()]
    if not source.index.is_unique or not result_df.index.isin(first.index).all():
        raise DataError(
            "an artificer has changed the rows of result_df in a way that cannot be followed",
            hint="Keep its index, and make the index of the dataset unique.",
        )
    return first.loc[result_df.index]


def _label_values(labels: pd.Series[Any]) -> Any:
    # Plain arrays: not every estimator takes pandas' own nullable and text types as labels.
    dtype = labels.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return labels.to_numpy(dtype=bool)
    if pd.api.types.is_integer_dtype(dtype):
        return labels.to_numpy(dtype=np.int64)
    if pd.api.types.is_float_dtype(dtype):
        return labels.to_numpy(dtype=np.float64)
    return labels.to_numpy(dtype=object)
