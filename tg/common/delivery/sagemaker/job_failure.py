"""What the end of a training job means, by what SageMaker says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..._core.errors import (
    CapacityError,
    InfrastructureError,
    MemoryLimitError,
    RunCancelledError,
    RunError,
    TrainingFailedError,
    TrainingTimeoutError,
)
from ...contract.run_state import RunState
from ..execution.failure_kind import FailureKind

__all__ = ["failure_kind_of", "failure_of"]

# how a FailureReason begins, and who is to blame ("DescribeTrainingJob" of the SageMaker API
# reference, and "Troubleshooting errors" of its guide); the task's own text comes after
# "AlgorithmError: ", so that it cannot pass for one of these
_BEGINNINGS = (
    ("CapacityError", FailureKind.CAPACITY),
    ("InsufficientCapacity", FailureKind.CAPACITY),
    ("InternalServerError", FailureKind.ENGINE),
    ("InternalServiceError", FailureKind.ENGINE),
)
_OUT_OF_MEMORY = "OutOfMemory"
# of SecondaryStatus
_TOO_LONG = "MaxRuntimeExceeded"
_WAITED = "MaxWaitTimeExceeded"
_INTERRUPTED = "Interrupted"
_RESUMES = "it resumes from its checkpoints"


def failure_kind_of(described: Mapping[str, Any]) -> FailureKind | None:
    """Tell what is to blame for the failure of a job; ``None`` unless it failed.

    What SageMaker has stopped by itself, such as for its time, has failed as well.

    Parameters
    ----------
    described
        What ``DescribeTrainingJob`` says.

    Example
    -------
    >>> reason = "CapacityError: Unable to provision requested ML compute capacity."
    >>> failure_kind_of({"TrainingJobStatus": "Failed", "FailureReason": reason}).value
    'capacity'
    """
    state, detail = RunState(described["TrainingJobStatus"]), described.get("SecondaryStatus")
    if not state.is_final or state is RunState.COMPLETED:
        return None
    if detail in (_TOO_LONG, _WAITED):
        return FailureKind.TIMEOUT
    if detail == _INTERRUPTED:
        return FailureKind.INTERRUPTED
    if state is RunState.STOPPED:
        return None
    reason = _reason(described)
    for beginning, kind in _BEGINNINGS:
        if reason.startswith(beginning):
            return kind
    return FailureKind.MEMORY if _OUT_OF_MEMORY in reason else FailureKind.TASK


def failure_of(described: Mapping[str, Any]) -> RunError | None:
    """Make the error that the end of a job is; ``None`` if it completed, or has not ended.

    A job that somebody stopped is one as well: a `RunCancelledError`.

    Parameters
    ----------
    described
        What ``DescribeTrainingJob`` says.
    """
    kind = failure_kind_of(described)
    if kind is not None:
        return _ERRORS[kind](described)
    if RunState(described["TrainingJobStatus"]) is not RunState.STOPPED:
        return None
    name = described["TrainingJobName"]
    return RunCancelledError(f"run {name} was stopped", hint=f"Submit it again: {_RESUMES}.")


def _interruption(described: Mapping[str, Any]) -> RunError:
    return InfrastructureError(
        f"run {described['TrainingJobName']} was ended: its spot instances were taken away",
        traceback_tail=_reason(described),
        hint=f"Submit it again: {_RESUMES}.",
    )


def _no_capacity(described: Mapping[str, Any]) -> RunError:
    resources = described.get("ResourceConfig") or {}
    kind = resources.get("InstanceType") or "instance"
    return CapacityError(
        f"run {described['TrainingJobName']} did not start: {_reason(described)}",
        traceback_tail=_reason(described),
        hint=f"Submit it again later, or with another instance_type: there was no {kind} to be "
        "had.",
    )


def _failed_place(described: Mapping[str, Any]) -> RunError:
    return InfrastructureError(
        f"run {described['TrainingJobName']} was ended by a failure of SageMaker: "
        f"{_reason(described)}",
        traceback_tail=_reason(described),
        hint=f"The task is not to blame. Submit it again: {_RESUMES}.",
    )


def _timeout(described: Mapping[str, Any]) -> RunError:
    name, limits = described["TrainingJobName"], described.get("StoppingCondition") or {}
    if described.get("SecondaryStatus") == _WAITED:
        return TrainingTimeoutError(
            f"run {name} was ended: waiting for spot instances and training took longer than "
            f"{limits.get('MaxWaitTimeInSeconds')} seconds",
            hint=f"Allow more max_wait_seconds and submit it again: {_RESUMES}.",
        )
    return TrainingTimeoutError(
        f"run {name} was ended: it took longer than {limits.get('MaxRuntimeInSeconds')} seconds",
        hint=f"Allow more max_runtime_seconds and submit it again: {_RESUMES}.",
    )


def _own_failure(described: Mapping[str, Any]) -> RunError:
    return TrainingFailedError(
        _failed(described),
        traceback_tail=_reason(described),
        hint=f"The end of its traceback:\n{_reason(described)}",
    )


def _out_of_memory(described: Mapping[str, Any]) -> RunError:
    return MemoryLimitError(
        _failed(described),
        traceback_tail=_reason(described),
        hint="Take an instance_type with more memory, or smaller batches. The end of its "
        f"traceback:\n{_reason(described)}",
    )


def _failed(described: Mapping[str, Any]) -> str:
    last_line = _reason(described).rpartition("\n")[2]
    return f"run {described['TrainingJobName']} failed: {last_line}"


def _reason(described: Mapping[str, Any]) -> str:
    return str(described.get("FailureReason") or "SageMaker gives no reason").strip()


_ERRORS: dict[FailureKind, Callable[[Mapping[str, Any]], RunError]] = {
    FailureKind.TASK: _own_failure,
    FailureKind.MEMORY: _out_of_memory,
    FailureKind.TIMEOUT: _timeout,
    FailureKind.CAPACITY: _no_capacity,
    FailureKind.INTERRUPTED: _interruption,
    FailureKind.ENGINE: _failed_place,
}
