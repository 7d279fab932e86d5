"""Running trainings: ``from tg.common.delivery.execution import ResultLoader``."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .container_options import ContainerOptions as ContainerOptions
    from .failure_kind import FailureKind as FailureKind
    from .result_loader import ResultLoader as ResultLoader
    from .run import Executor as Executor
    from .run import Run as Run
    from .task_batch import TaskBatch as TaskBatch
    from .task_batch import open_batch as open_batch

__all__ = [
    "ContainerOptions",
    "Executor",
    "FailureKind",
    "ResultLoader",
    "Run",
    "TaskBatch",
    "open_batch",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ContainerOptions": ".container_options",
        "Executor": ".run",
        "FailureKind": ".failure_kind",
        "ResultLoader": ".result_loader",
        "Run": ".run",
        "TaskBatch": ".task_batch",
        "open_batch": ".task_batch",
    },
)
