"""What becomes of a task when its run was refused or has ended."""

from __future__ import annotations

from ...contract.run_state import RunState
from .looking import Outcome
from .refusal import Refusal
from .retry import RetryPolicy
from .task_row import TaskRow
from .task_state import TaskState
from .watch import RULE

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
    reason = str(error) or repr(error)
    if refusal is Refusal.TASK:
        return row.but(state=TaskState.FAILED, kind="start", reason=reason)
    if refusal is Refusal.SILENCE:
        # it may have been started: it stays announced, under its id
        return row.but(kind=refusal, reason=reason)
    place = (row.place + 1) % places if refusal is Refusal.CAPACITY else row.place
    return row.but(state=TaskState.WAITING, place=place, kind=refusal, reason=reason)


def settled(
    row: TaskRow, state: RunState | None, outcome: Outcome, policy: RetryPolicy, places: int
) -> TaskRow:
    """Say what becomes of a task whose run has ended.

    Parameters
    ----------
    row
        The task.
    state
        How the run ended; ``None`` if it cannot be read.
    outcome
        What came out of it.
    policy
        Which failures are worth another try.
    places
        How many places there are to try.
    """
    if state is RunState.COMPLETED:
        return row.but(state=TaskState.COMPLETED, kind="", reason=outcome.reason)
    if row.state is TaskState.STOPPING or state is RunState.STOPPED:
        return _stopped(row)
    kind = outcome.kind
    failures = {**row.failures, kind: row.failures.get(kind, 0) + 1}
    failed = row.but(state=TaskState.FAILED, kind=kind, reason=outcome.reason, failures=failures)
    if not policy.allows(kind, failures):
        return failed
    place = policy.next_place(kind, row.place, places)
    return failed.but(state=TaskState.WAITING, attempt=row.attempt + 1, place=place)


def lost(row: TaskRow, ending: str) -> TaskRow:
    """Say what becomes of a task whose run is not there, although it was announced."""
    if row.state is TaskState.STOPPING:
        return _stopped(row)
    if ending:
        return row.but(state=TaskState.CANCELLED, kind=ending)
    return row.but(state=TaskState.STARTING, kind="lost", reason="")


def _stopped(row: TaskRow) -> TaskRow:
    by_rule = row.state is TaskState.STOPPING and row.kind == RULE
    state = TaskState.STOPPED if by_rule else TaskState.CANCELLED
    return row.but(state=state, kind=row.kind or "outside")
