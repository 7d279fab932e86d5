"""What can be seen of runs from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..._core.errors import RunError, RunNotFoundError, TgError
from ...contract.run_state import RunState
from ..execution.failure_kind import FailureKind
from ..execution.task_batch import TaskBatch
from .refusal import Refusal
from .task_row import TaskRow

__all__ = ["Look", "Outcome", "histories_of", "look_at", "outcome_of"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How far runs are.

    Attributes
    ----------
    states
        Number of the task to the state of its run; those that were not found are left out.
    errors
        Number of the task to why its run cannot be read.
    """

    states: Mapping[int, RunState] = field(default_factory=dict)
    errors: Mapping[int, TgError] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of a run.

    Attributes
    ----------
    metrics
        All values of each metric, in order.
    cost
        US dollars; ``None`` if it costs nothing or is not known.
    kind
        Why it failed; empty if it did not, or was stopped by somebody. A run that its place has
        stopped by itself, such as for its time, has failed.
    reason
        The same in words; for a run that was stopped by somebody, that it was.
    """

    metrics: Mapping[str, list[float]] = field(default_factory=dict)
    cost: float | None = None
    kind: str = ""
    reason: str = ""


def look_at(batches: Mapping[int, TaskBatch], rows: Iterable[TaskRow]) -> Look:
    """Look how far runs are.

    Raises
    ------
    TgError
        The place cannot be asked.
    """
    states: dict[int, RunState] = {}
    errors: dict[int, TgError] = {}
    by_batch: dict[int, dict[str, list[int]]] = {}
    for row in rows:
        by_batch.setdefault(row.batch, {}).setdefault(row.run_id, []).append(row.number)
    for number, numbers in by_batch.items():
        try:
            found = batches[number].states(numbers)
            states |= {one: state for run_id, state in found.items() for one in numbers[run_id]}
        except TgError as exc:
            if Refusal.of(exc) is not Refusal.TASK:
                raise
            # one that cannot be read must not hide the others
            _look_at_each(batches[number], numbers, states, errors)
    return Look(states=states, errors=errors)


def _look_at_each(
    batch: TaskBatch,
    numbers: Mapping[str, list[int]],
    states: dict[int, RunState],
    errors: dict[int, TgError],
) -> None:
    for run_id, those in numbers.items():
        try:
            states |= dict.fromkeys(those, batch.run(run_id).state)
        except RunNotFoundError:
            continue
        except TgError as exc:
            if Refusal.of(exc) is not Refusal.TASK:
                raise
            errors |= dict.fromkeys(those, exc)


def outcome_of(batch: TaskBatch, run_id: str) -> Outcome:
    """Look what came out of a run that has ended.

    Raises
    ------
    TgError
        It cannot be looked up.
    """
    run = batch.run(run_id)
    metrics = run.metric_values()
    cost = batch.cost(run)
    reason = ""
    try:
        run.wait(timeout_seconds=0)  # a completed run then removes what it has no need of any more
    except RunError as exc:
        reason = str(exc)
    state = run.state
    if state is RunState.COMPLETED:
        return Outcome(metrics=metrics, cost=cost)
    unnamed = FailureKind.TASK if state is RunState.FAILED else ""
    return Outcome(metrics=metrics, cost=cost, kind=run.failure_kind or unnamed, reason=reason)


def histories_of(
    batches: Mapping[int, TaskBatch], rows: Iterable[TaskRow], metric: str
) -> dict[int, list[float]]:
    """Read a metric of many runs, as far as it can be read now."""
    histories = {}
    for row in rows:
        try:
            histories[row.number] = (
                batches[row.batch].run(row.run_id).metric_values().get(metric, [])
            )
        except TgError:
            continue  # a look at what runs is missed, and the next one comes soon
    return histories
