"""What came out of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._core.errors import RunError, TgError
from ...contract.run_state import RunState
from ..execution.failure_kind import FailureKind
from ..execution.run import Run
from ..execution.task_batch import TaskBatch
from .histories import with_last
from .plain_text import error_text
from .refusal import Refusal

__all__ = ["Outcome", "outcome_of"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of a run.

    Attributes
    ----------
    state
        How it has ended; ``None`` if it cannot be read.
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

    state: RunState | None = None
    metrics: Mapping[str, list[float]] = field(default_factory=dict)
    cost: float | None = None
    kind: str = ""
    reason: str = ""


def outcome_of(batch: TaskBatch, run_id: str) -> Outcome:
    """Look what came out of a run that has ended.

    Raises
    ------
    TgError
        It cannot be looked up.
    TimeoutError
        It goes on after all.
    """
    run = batch.run(run_id)
    cost = batch.cost(run)
    reason = ""
    try:
        run.wait(timeout_seconds=0)  # a completed run then removes what it has no need of any more
    except RunError as exc:
        reason = error_text(exc)
    state = run.state
    if not state.is_final:
        raise TimeoutError(f"run {run_id} was seen to have ended, and is {state.value}")
    if state is RunState.COMPLETED:
        # the last lines of a log far away come up to a minute late, and nobody looks again
        last = {} if batch.is_local else _last_metrics(run)
        return Outcome(state=state, metrics=with_last(run.metric_values(), last), cost=cost)
    unnamed = FailureKind.TASK if state is RunState.FAILED else ""
    kind = run.failure_kind or unnamed
    metrics = run.metric_values()
    return Outcome(state=state, metrics=metrics, cost=cost, kind=kind, reason=reason)


def _last_metrics(run: Run) -> Mapping[str, float]:
    """Read the metrics in the result of a run; none if it has none that can be read."""
    try:
        return run.result().metrics
    except TgError as exc:
        if Refusal.of(exc) in (Refusal.SILENCE, Refusal.THROTTLE):
            raise  # it is asked again
        return {}
