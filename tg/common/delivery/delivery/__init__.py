"""Packages and images: ``from tg.common.delivery.delivery import Packaging, DependencyList``.

What opens a package stands in the runtime, which every package takes along; its names are
published here as well, where users look for them.
"""

from typing import TYPE_CHECKING

from ..._core.lazy import lazy_names

if TYPE_CHECKING:
    from ..runtime.entry_point import EntryPoint as EntryPoint
    from ..runtime.package_archive import load_package as load_package
    from ..runtime.package_installing import (
        install_package_and_get_loader as install_package_and_get_loader,
    )
    from .containering import Containering as Containering
    from .dependency_list import DependencyList as DependencyList
    from .packaging import Package as Package
    from .packaging import Packaging as Packaging

__all__ = [
    "Containering",
    "DependencyList",
    "EntryPoint",
    "Package",
    "Packaging",
    "install_package_and_get_loader",
    "load_package",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Containering": ".containering",
        "DependencyList": ".dependency_list",
        "EntryPoint": "..runtime.entry_point",
        "Package": ".packaging",
        "Packaging": ".packaging",
        "install_package_and_get_loader": "..runtime.package_installing",
        "load_package": "..runtime.package_archive",
    },
)
