"""Trainings on one data frame, as documented; commonly imported as ``sft``."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from ...contract.environment import InMemoryTrainingEnvironment as InMemoryTrainingEnvironment
    from ...contract.environment import TrainingEnvironment as TrainingEnvironment
    from ...contract.task import TrainingTask as TrainingTask
    from ..training_core.artificers import Artificer as Artificer
    from ..training_core.artificers import ArtificerArguments as ArtificerArguments
    from ..training_core.artificers import Artificier as Artificier
    from ..training_core.artificers import BalancingArtificer as BalancingArtificer
    from ..training_core.artificers import LearningCurveArtificer as LearningCurveArtificer
    from ..training_core.artificers import ModelRemovingArtificer as ModelRemovingArtificer
    from ..training_core.artificers import SignificanceArtificer as SignificanceArtificer
    from ..training_core.artificers import TrainingResult as TrainingResult
    from ..training_core.combined_splitters import CompositionSplitter as CompositionSplitter
    from ..training_core.combined_splitters import UnionSplitter as UnionSplitter
    from ..training_core.dataset import read_data as read_data
    from ..training_core.metrics import Metric as Metric
    from ..training_core.metrics import MetricPool as MetricPool
    from ..training_core.metrics import SklearnMetric as SklearnMetric
    from ..training_core.multiclass import MulticlassMetrics as MulticlassMetrics
    from ..training_core.split import DataFrameSplit as DataFrameSplit
    from ..training_core.splitters import FoldSplitter as FoldSplitter
    from ..training_core.splitters import IdentitySplitter as IdentitySplitter
    from ..training_core.splitters import PredefinedSplitter as PredefinedSplitter
    from ..training_core.splitters import Splitter as Splitter
    from ..training_core.time_splitters import OneTimeSplitter as OneTimeSplitter
    from ..training_core.time_splitters import TimeSplitter as TimeSplitter
    from .column_names import ColumnNamesDropper as ColumnNamesDropper
    from .column_names import ColumnNamesKeeper as ColumnNamesKeeper
    from .evaluation import Evaluation as Evaluation
    from .loader import DataFrameLoader as DataFrameLoader
    from .model_provider import ModelConstructor as ModelConstructor
    from .model_provider import ModelProvider as ModelProvider
    from .training_task import SingleFrameTrainingTask as SingleFrameTrainingTask

__all__ = [
    "Artificer",
    "ArtificerArguments",
    "Artificier",
    "BalancingArtificer",
    "ColumnNamesDropper",
    "ColumnNamesKeeper",
    "CompositionSplitter",
    "DataFrameLoader",
    "DataFrameSplit",
    "Evaluation",
    "FoldSplitter",
    "IdentitySplitter",
    "InMemoryTrainingEnvironment",
    "LearningCurveArtificer",
    "Metric",
    "MetricPool",
    "ModelConstructor",
    "ModelProvider",
    "ModelRemovingArtificer",
    "MulticlassMetrics",
    "OneTimeSplitter",
    "PredefinedSplitter",
    "SignificanceArtificer",
    "SingleFrameTrainingTask",
    "SklearnMetric",
    "Splitter",
    "TimeSplitter",
    "TrainingEnvironment",
    "TrainingResult",
    "TrainingTask",
    "UnionSplitter",
    "read_data",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Artificer": "..training_core.artificers",
        "ArtificerArguments": "..training_core.artificers",
        "Artificier": "..training_core.artificers",
        "BalancingArtificer": "..training_core.artificers",
        "ColumnNamesDropper": ".column_names",
        "ColumnNamesKeeper": ".column_names",
        "CompositionSplitter": "..training_core.combined_splitters",
        "DataFrameLoader": ".loader",
        "DataFrameSplit": "..training_core.split",
        "Evaluation": ".evaluation",
        "FoldSplitter": "..training_core.splitters",
        "IdentitySplitter": "..training_core.splitters",
        "InMemoryTrainingEnvironment": "...contract.environment",
        "LearningCurveArtificer": "..training_core.artificers",
        "Metric": "..training_core.metrics",
        "MetricPool": "..training_core.metrics",
        "ModelConstructor": ".model_provider",
        "ModelProvider": ".model_provider",
        "ModelRemovingArtificer": "..training_core.artificers",
        "MulticlassMetrics": "..training_core.multiclass",
        "OneTimeSplitter": "..training_core.time_splitters",
        "PredefinedSplitter": "..training_core.splitters",
        "SignificanceArtificer": "..training_core.artificers",
        "SingleFrameTrainingTask": ".training_task",
        "SklearnMetric": "..training_core.metrics",
        "Splitter": "..training_core.splitters",
        "TimeSplitter": "..training_core.time_splitters",
        "TrainingEnvironment": "...contract.environment",
        "TrainingResult": "..training_core.artificers",
        "TrainingTask": "...contract.task",
        "UnionSplitter": "..training_core.combined_splitters",
        "read_data": "..training_core.dataset",
    },
)
