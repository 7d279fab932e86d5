"""Many trainings as one thing: ``from tg.common.delivery.sweep import Sweep``."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .distribution import Integers as Integers
    from .distribution import Uniform as Uniform
    from .distribution import draw as draw
    from .mlflow_mirror import MlflowMirror as MlflowMirror
    from .optuna_sweep import OptunaSweep as OptunaSweep
    from .pace import Pace as Pace
    from .retry import RetryPolicy as RetryPolicy
    from .status import SweepStatus as SweepStatus
    from .stopping import MedianStopping as MedianStopping
    from .sweep import Sweep as Sweep
    from .task_row import TaskRow as TaskRow
    from .task_state import TaskState as TaskState
    from .transition import Transition as Transition

__all__ = [
    "Integers",
    "MedianStopping",
    "MlflowMirror",
    "OptunaSweep",
    "Pace",
    "RetryPolicy",
    "Sweep",
    "SweepStatus",
    "TaskRow",
    "TaskState",
    "Transition",
    "Uniform",
    "draw",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Integers": ".distribution",
        "MedianStopping": ".stopping",
        "MlflowMirror": ".mlflow_mirror",
        "OptunaSweep": ".optuna_sweep",
        "Pace": ".pace",
        "RetryPolicy": ".retry",
        "Sweep": ".sweep",
        "SweepStatus": ".status",
        "TaskRow": ".task_row",
        "TaskState": ".task_state",
        "Transition": ".transition",
        "Uniform": ".distribution",
        "draw": ".distribution",
    },
)
