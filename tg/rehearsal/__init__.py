"""An offline cloud in which the remote path runs for real: storage, registry, training jobs."""

from typing import TYPE_CHECKING

from ..common._core.lazy import lazy_names

if TYPE_CHECKING:
    from .rehearsal import Rehearsal as Rehearsal

__all__ = ["Rehearsal"]

__getattr__, __dir__ = lazy_names(__name__, {"Rehearsal": ".rehearsal"})
