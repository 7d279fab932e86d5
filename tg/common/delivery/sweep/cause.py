"""Why a sweep, or a task of one, has come to an end."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Cause"]


class Cause(StrEnum):
    """Why a sweep has ended before all was done, or why a task is where it is.

    What is wrong with a run is a :class:`.failure_kind.FailureKind` instead, and why one was not
    started a :class:`.refusal.Refusal`. The journal keeps the values.

    Attributes
    ----------
    CANCEL
        Somebody asked for it.
    DEADLINE
        The time was up.
    FAIL_FAST
        A task has failed, which was to be the last one.
    MAX_COST
        What is left could cost more than it may.
    RULE
        The stopping rule has chosen the run.
    OUTSIDE
        The run was ended, and not by the sweep.
    START
        The task cannot be started.
    UNREADABLE
        Nobody can tell what has become of the run.
    LOST
        The run was announced and is not there.
    """

    # of a sweep, and then of the tasks that it ends
    CANCEL = "cancel"
    DEADLINE = "deadline"
    FAIL_FAST = "fail_fast"
    MAX_COST = "max_cost"
    # of a task alone
    RULE = "stopping_rule"
    OUTSIDE = "outside"
    START = "start"
    UNREADABLE = "unreadable"
    LOST = "lost"
