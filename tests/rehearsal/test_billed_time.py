"""What is said to be paid is what instances were held for, so that a rehearsed cost is true."""

from __future__ import annotations

from typing import Any

from tg.rehearsal.training_record import COMPLETED, SPOT_PRICE_SHARE, TrainingRecord


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def lived(*stages: tuple[str, float], **request: Any) -> dict[str, Any]:
    """Give what is told of a job that was in stages for some seconds each."""
    clock = Clock()
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    request = {"TrainingJobName": "j", "ResourceConfig": resources, **request}
    record = TrainingRecord(request, "arn:aws:sagemaker:us-east-1:1:training-job/j", clock)
    clock.now += 100  # waits for its first instances
    for stage, seconds in stages:
        record.enter(stage, "")
        clock.now += seconds
    record.enter("Completed", "", status=COMPLETED)
    return record.describe()


def test_an_instance_is_paid_from_the_download_to_the_end_of_the_upload() -> None:
    job = lived(("Downloading", 10), ("Training", 30.2), ("Uploading", 5))
    assert job["TrainingTimeInSeconds"] == job["BillableTimeInSeconds"] == 46
    assert job["TrainingEndTime"] - job["TrainingStartTime"] <= 46


def test_the_wait_for_new_spot_instances_is_not_paid_and_the_price_is_lower() -> None:
    stages = [("Downloading", 10), ("Training", 40), ("Interrupted", 2), ("Starting", 500)]
    again = [("Downloading", 8), ("Training", 35), ("Uploading", 5)]
    job = lived(*stages, *again, EnableManagedSpotTraining=True)
    assert job["TrainingTimeInSeconds"] == 100
    assert job["BillableTimeInSeconds"] == 100 * SPOT_PRICE_SHARE


def test_a_job_that_never_had_an_instance_pays_nothing() -> None:
    job = lived()
    assert "BillableTimeInSeconds" not in job
    assert "TrainingStartTime" not in job
