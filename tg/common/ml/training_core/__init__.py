"""What trainings are made of: splits, metrics, artificers, functions as tasks."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from ...contract.environment import InMemoryTrainingEnvironment as InMemoryTrainingEnvironment
    from ...contract.environment import TrainingEnvironment as TrainingEnvironment
    from ...contract.hyperparameters import apply_hyperparameters as apply_hyperparameters
    from ...contract.task import TrainingTask as TrainingTask
    from .artificers import Artificer as Artificer
    from .artificers import ArtificerArguments as ArtificerArguments
    from .artificers import Artificier as Artificier
    from .artificers import BalancingArtificer as BalancingArtificer
    from .artificers import LearningCurveArtificer as LearningCurveArtificer
    from .artificers import ModelRemovingArtificer as ModelRemovingArtificer
    from .artificers import SignificanceArtificer as SignificanceArtificer
    from .artificers import TrainingResult as TrainingResult
    from .combined_splitters import CompositionSplitter as CompositionSplitter
    from .combined_splitters import UnionSplitter as UnionSplitter
    from .dataset import read_data as read_data
    from .folds import run_folds as run_folds
    from .folds import training_fingerprint as training_fingerprint
    from .function_task import FunctionTask as FunctionTask
    from .metrics import Metric as Metric
    from .metrics import MetricPool as MetricPool
    from .metrics import SklearnMetric as SklearnMetric
    from .multiclass import MulticlassMetrics as MulticlassMetrics
    from .split import DataFrameSplit as DataFrameSplit
    from .splitters import FoldSplitter as FoldSplitter
    from .splitters import IdentitySplitter as IdentitySplitter
    from .splitters import PredefinedSplitter as PredefinedSplitter
    from .splitters import Splitter as Splitter
    from .time_splitters import OneTimeSplitter as OneTimeSplitter
    from .time_splitters import TimeSplitter as TimeSplitter

__all__ = [
    "Artificer",
    "ArtificerArguments",
    "Artificier",
    "BalancingArtificer",
    "CompositionSplitter",
    "DataFrameSplit",
    "FoldSplitter",
    "FunctionTask",
    "IdentitySplitter",
    "InMemoryTrainingEnvironment",
    "LearningCurveArtificer",
    "Metric",
    "MetricPool",
    "ModelRemovingArtificer",
    "MulticlassMetrics",
    "OneTimeSplitter",
    "PredefinedSplitter",
    "SignificanceArtificer",
    "SklearnMetric",
    "Splitter",
    "TimeSplitter",
    "TrainingEnvironment",
    "TrainingResult",
    "TrainingTask",
    "UnionSplitter",
    "apply_hyperparameters",
    "read_data",
    "run_folds",
    "training_fingerprint",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Artificer": ".artificers",
        "ArtificerArguments": ".artificers",
        "Artificier": ".artificers",
        "BalancingArtificer": ".artificers",
        "CompositionSplitter": ".combined_splitters",
        "DataFrameSplit": ".split",
        "FoldSplitter": ".splitters",
        "FunctionTask": ".function_task",
        "IdentitySplitter": ".splitters",
        "InMemoryTrainingEnvironment": "...contract.environment",
        "LearningCurveArtificer": ".artificers",
        "Metric": ".metrics",
        "MetricPool": ".metrics",
        "ModelRemovingArtificer": ".artificers",
        "MulticlassMetrics": ".multiclass",
        "OneTimeSplitter": ".time_splitters",
        "PredefinedSplitter": ".splitters",
        "SignificanceArtificer": ".artificers",
        "SklearnMetric": ".metrics",
        "Splitter": ".splitters",
        "TimeSplitter": ".time_splitters",
        "TrainingEnvironment": "...contract.environment",
        "TrainingResult": ".artificers",
        "TrainingTask": "...contract.task",
        "UnionSplitter": ".combined_splitters",
        "apply_hyperparameters": "...contract.hyperparameters",
        "read_data": ".dataset",
        "run_folds": ".folds",
        "training_fingerprint": ".folds",
    },
)
