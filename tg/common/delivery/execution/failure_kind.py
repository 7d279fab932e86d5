"""Why a run failed, as far as another try could go differently."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["FailureKind"]


class FailureKind(StrEnum):
    """What is to blame for a failed run."""

    TASK = "task"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    ENGINE = "engine"
