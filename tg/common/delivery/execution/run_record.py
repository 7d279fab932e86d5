"""What is known of a run on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...contract.run_state import RunState
from .failure_kind import FailureKind

__all__ = ["PROTOCOL", "RunRecord"]

PROTOCOL = 1


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What is known of a run.

    Attributes
    ----------
    protocol
        Of the file that it is kept in.
    run_id
        Its id.
    executor
        Which executor runs it.
    state
        How far it is.
    started_at
        When it was submitted, UTC in ISO 8601.
    ended_at
        When it ended; empty before.
    failure
        Why it failed: the end of the training's traceback.
    failure_kind
        What is to blame for it.
    exit_code
        What the training's process returned, if it had one of its own.
    details
        What its executor needs to find it again.
    opener
        What others need to find it again: its class, as ``kind``, and what that takes. Empty for
        the kinds of runs that every installation knows.
    """

    protocol: int = PROTOCOL
    run_id: str
    executor: str
    state: RunState
    started_at: str
    ended_at: str = ""
    failure: str = ""
    failure_kind: FailureKind = FailureKind.TASK
    exit_code: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    opener: Mapping[str, Any] = field(default_factory=dict)
