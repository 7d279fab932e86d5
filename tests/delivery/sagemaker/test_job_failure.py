"""Who is to blame for a failed training decides whether it is tried again, and what a user does."""

from __future__ import annotations

from typing import Any

import pytest

from tg.common._core.errors import (
    CapacityError,
    InfrastructureError,
    MemoryLimitError,
    RunCancelledError,
    RunError,
    TrainingFailedError,
    TrainingTimeoutError,
)
from tg.common.delivery.execution.failure_kind import FailureKind
from tg.common.delivery.sagemaker.job_failure import failure_kind_of, failure_of


def described(status: str, secondary: str = "", reason: str = "") -> dict[str, Any]:
    return {
        "TrainingJobName": "tea-1",
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary or status,
        "FailureReason": reason,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
    }


@pytest.mark.parametrize(
    ("job", "kind", "error", "said"),
    [
        (
            described("Failed", reason="CapacityError: Unable to provision capacity."),
            FailureKind.CAPACITY,
            CapacityError,
            r"there was no ml\.g5\.xlarge",
        ),
        (
            described("Failed", reason="InternalServerError: We encountered an error."),
            FailureKind.ENGINE,
            InfrastructureError,
            "The task is not to blame",
        ),
        (
            described("Failed", reason="AlgorithmError: OutOfMemoryError, exit code: 137"),
            FailureKind.MEMORY,
            MemoryLimitError,
            "more memory",
        ),
        (
            described("Failed", reason="AlgorithmError: CapacityError: no tea"),
            FailureKind.TASK,
            TrainingFailedError,
            "no tea",
        ),
        (described("Failed"), FailureKind.TASK, TrainingFailedError, "gives no reason"),
        (
            described("Stopped", "MaxRuntimeExceeded"),
            FailureKind.TIMEOUT,
            TrainingTimeoutError,
            "longer than 60 seconds",
        ),
        (
            described("Stopped", "MaxWaitTimeExceeded"),
            FailureKind.TIMEOUT,
            TrainingTimeoutError,
            "longer than 90 seconds",
        ),
        (
            described("Stopped", "Interrupted"),
            FailureKind.INTERRUPTED,
            InfrastructureError,
            "spot instances were taken away",
        ),
        (described("Stopped"), None, RunCancelledError, "was stopped"),
    ],
)
def test_a_failure_has_its_kind_and_its_error(
    job: dict[str, Any], kind: FailureKind | None, error: type[RunError], said: str
) -> None:
    assert failure_kind_of(job) is kind
    found = failure_of(job)
    assert type(found) is error
    with pytest.raises(error, match=said):
        raise found


@pytest.mark.parametrize("status", ["InProgress", "Stopping", "Completed"])
def test_what_runs_or_has_completed_did_not_fail(status: str) -> None:
    assert failure_kind_of(described(status)) is None
    assert failure_of(described(status)) is None
