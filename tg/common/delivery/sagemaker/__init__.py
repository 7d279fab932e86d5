"""SageMaker trainings: ``from tg.common.delivery.sagemaker import SagemakerRoutine``."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .autonamer import Autonamer as Autonamer
    from .config import SagemakerConfig as SagemakerConfig
    from .dockerfile import DOCKERFILE_TEMPLATE as DOCKERFILE_TEMPLATE
    from .environment import SagemakerEnvironment as SagemakerEnvironment
    from .executors import SagemakerAttachedExecutor as SagemakerAttachedExecutor
    from .executors import SagemakerLocalExecutor as SagemakerLocalExecutor
    from .executors import SagemakerProcessExecutor as SagemakerProcessExecutor
    from .job import SagemakerJob as SagemakerJob
    from .options import SagemakerOptions as SagemakerOptions
    from .remote_executor import SagemakerRemoteExecutor as SagemakerRemoteExecutor
    from .remote_options import RemoteOptions as RemoteOptions
    from .routine import SagemakerRoutine as SagemakerRoutine
    from .tuning_range import CategoricalRange as CategoricalRange
    from .tuning_range import ContinuousRange as ContinuousRange
    from .tuning_range import IntegerRange as IntegerRange

__all__ = [
    "DOCKERFILE_TEMPLATE",
    "Autonamer",
    "CategoricalRange",
    "ContinuousRange",
    "IntegerRange",
    "RemoteOptions",
    "SagemakerAttachedExecutor",
    "SagemakerConfig",
    "SagemakerEnvironment",
    "SagemakerJob",
    "SagemakerLocalExecutor",
    "SagemakerOptions",
    "SagemakerProcessExecutor",
    "SagemakerRemoteExecutor",
    "SagemakerRoutine",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Autonamer": ".autonamer",
        "CategoricalRange": ".tuning_range",
        "ContinuousRange": ".tuning_range",
        "DOCKERFILE_TEMPLATE": ".dockerfile",
        "IntegerRange": ".tuning_range",
        "RemoteOptions": ".remote_options",
        "SagemakerAttachedExecutor": ".executors",
        "SagemakerConfig": ".config",
        "SagemakerEnvironment": ".environment",
        "SagemakerJob": ".job",
        "SagemakerLocalExecutor": ".executors",
        "SagemakerOptions": ".options",
        "SagemakerProcessExecutor": ".executors",
        "SagemakerRemoteExecutor": ".remote_executor",
        "SagemakerRoutine": ".routine",
    },
)
