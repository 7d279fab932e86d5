"""What becomes of a task when its run was refused or has ended."""

from __future__ import annotations

from ...contract.run_state import RunState
from ..execution.failure_kind import FailureKind
from .cause import Cause
from .outcome import Outcome
from .plain_text import error_text
from .refusal import Refusal
from .retry import RetryPolicy
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["lost", "refused", "settled"]


def refused(row: TaskRow, refusal: Refusal, error: BaseException, places: int) -> TaskRow:
    """Say what becomes of a task that was not started.

    Parameters
    ----------
    row
        The task.
    refusal, error
        Why it was not.
    places
        How many places there are to try.
    """
    reason = error_text(error)
    if refusal is Refusal.TASK:
        return row.but(state=TaskState.FAILED, kind=Cause.START, reason=reason)
    if refusal is Refusal.SILENCE:
        # it may have been started: it stays announced, under its id
        return row.but(kind=refusal, reason=reason)
    place = _next_place(row, places) if refusal is Refusal.CAPACITY else row.place
    return row.but(state=TaskState.WAITING, place=place, kind=refusal, reason=reason)


def settled(row: TaskRow, outcome: Outcome, policy: RetryPolicy, places: int) -> TaskRow:
    """Say what becomes of a task whose run has ended.

    Parameters
    ----------
    row
        The task.
    outcome
        What came out of it.
    policy
        Which failures are worth another try.
    places
        How many places there are to try.
    """
    if outcome.state is RunState.COMPLETED:
        return row.but(state=TaskState.COMPLETED, kind="", reason=outcome.reason)
    if row.state is TaskState.STOPPING:
        return _stopped(row)
    if outcome.state is RunState.STOPPED and not outcome.kind:
        return row.but(state=TaskState.CANCELLED, kind=Cause.OUTSIDE, reason=outcome.reason)
    kind = outcome.kind
    failures = {**row.failures, kind: row.failures.get(kind, 0) + 1}
    failed = row.but(state=TaskState.FAILED, kind=kind, reason=outcome.reason, failures=failures)
    if not policy.allows(kind, failures):
        return failed
    place = _next_place(row, places) if kind == FailureKind.CAPACITY else row.place
    return failed.but(state=TaskState.WAITING, attempt=row.attempt + 1, place=place)


def lost(row: TaskRow, ending: Cause | None, *, is_affordable: bool) -> TaskRow:
    """Say what becomes of a task whose run is not there, although it was announced.

    Parameters
    ----------
    row
        The task.
    ending
        Why the sweep ends; ``None`` if it does not.
    is_affordable
        Whether the run may be started again at once.
    """
    if row.state is TaskState.STOPPING:
        return _stopped(row)
    if ending is not None:
        return row.but(state=TaskState.CANCELLED, kind=ending)
    state = TaskState.STARTING if is_affordable else TaskState.WAITING
    return row.but(state=state, kind=Cause.LOST, reason="")


def _stopped(row: TaskRow) -> TaskRow:
    return row.but(
        state=TaskState.STOPPED if row.kind == Cause.RULE else TaskState.CANCELLED,
        kind=row.kind or Cause.OUTSIDE,
    )


def _next_place(row: TaskRow, places: int) -> int:
    return (row.place + 1) % places
