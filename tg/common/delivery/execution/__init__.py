"""Running trainings: ``from tg.common.delivery.execution import ResultLoader``."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .container_options import ContainerOptions as ContainerOptions
    from .result_loader import ResultLoader as ResultLoader
    from .run import Executor as Executor
    from .run import Run as Run

__all__ = ["ContainerOptions", "Executor", "ResultLoader", "Run"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ContainerOptions": ".container_options",
        "Executor": ".run",
        "ResultLoader": ".result_loader",
        "Run": ".run",
    },
)
