"""Names for everyday use: ``from tg.common import Loc, Logger``."""

from typing import TYPE_CHECKING

from ._core.lazy import lazy_names

if TYPE_CHECKING:
    from ._core import errors as errors
    from ._core.loc import Loc as Loc
    from ._core.logger import Logger as Logger

__all__ = ["Loc", "Logger", "errors"]

__getattr__, __dir__ = lazy_names(
    __name__, {"Loc": "._core.loc", "Logger": "._core.logger", "errors": "._core.errors"}
)
