"""How a training on this machine ended."""

from __future__ import annotations

from dataclasses import dataclass

from .failure_kind import FailureKind

__all__ = ["Ending"]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a training ended.

    Attributes
    ----------
    exit_code
        What it returned; ``None`` if nobody knows.
    how
        The same in words, for a training that left no traceback.
    kind
        Why, where it was not the training's own fault.
    was_signalled
        Whether a request to stop may have ended it.
    """

    exit_code: int | None
    how: str
    kind: FailureKind = FailureKind.TASK
    was_signalled: bool = False
