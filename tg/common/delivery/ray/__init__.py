"""Trainings on a Ray cluster: ``from tg.common.delivery.ray import RayExecutor``."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .executor import RayExecutor as RayExecutor
    from .options import RayOptions as RayOptions

__all__ = ["RayExecutor", "RayOptions"]

__getattr__, __dir__ = lazy_names(__name__, {"RayExecutor": ".executor", "RayOptions": ".options"})
