"""Running trainings: ``from tg.common.delivery.execution import ResultLoader``."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .result_loader import ResultLoader as ResultLoader
    from .run import Executor as Executor
    from .run import Run as Run

__all__ = ["Executor", "ResultLoader", "Run"]

__getattr__, __dir__ = lazy_names(
    __name__, {"Executor": ".run", "ResultLoader": ".result_loader", "Run": ".run"}
)
