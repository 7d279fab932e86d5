"""What a task, a job and a place to run have agreed on."""

from typing import TYPE_CHECKING

from .._core.lazy import lazy_names

if TYPE_CHECKING:
    from .environment import InMemoryTrainingEnvironment as InMemoryTrainingEnvironment
    from .environment import TrainingEnvironment as TrainingEnvironment
    from .hyperparameters import apply_hyperparameters as apply_hyperparameters
    from .run_state import RunState as RunState
    from .task import TrainingTask as TrainingTask

__all__ = [
    "InMemoryTrainingEnvironment",
    "RunState",
    "TrainingEnvironment",
    "TrainingTask",
    "apply_hyperparameters",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "InMemoryTrainingEnvironment": ".environment",
        "RunState": ".run_state",
        "TrainingEnvironment": ".environment",
        "TrainingTask": ".task",
        "apply_hyperparameters": ".hyperparameters",
    },
)
