"""The container engine: builders, images and containers, through its command-line client."""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from .containers import Containers as Containers
    from .engine import DockerEngine as DockerEngine
    from .images import ImageStore as ImageStore

__all__ = ["Containers", "DockerEngine", "ImageStore"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {"Containers": ".containers", "DockerEngine": ".engine", "ImageStore": ".images"},
)
