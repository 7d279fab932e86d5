"""A listing of jobs leaves out what the service's own leaves out, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tg.rehearsal.training_listing import listing
from tg.rehearsal.training_record import COMPLETED, TrainingRecord


def record(number: int, *, is_done: bool) -> TrainingRecord:
    name = f"job-{number}"
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    request = {"TrainingJobName": name, "ResourceConfig": resources}
    arn = f"arn:aws:sagemaker:us-east-1:1:training-job/{name}"
    made = TrainingRecord(request, arn, lambda: 1_000.0 + number)
    if is_done:
        made.enter("Completed", "", status=COMPLETED)
    return made


RECORDS = [record(number, is_done=number % 2 == 0) for number in range(6)]


def names(**request: Any) -> list[str]:
    answer = listing(RECORDS, request)
    return [entry["TrainingJobName"] for entry in answer["TrainingJobSummaries"]]


def test_the_newest_come_first_unless_asked_otherwise() -> None:
    assert names() == [f"job-{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert names(SortBy="Name") == [f"job-{number}" for number in range(6)]
    assert names(SortBy="CreationTime", SortOrder="Descending")[0] == "job-5"


def test_a_status_is_looked_for_in_what_a_limited_listing_has_taken() -> None:
    assert names(StatusEquals="Completed") == ["job-4", "job-2", "job-0"]
    assert names(StatusEquals="Completed", MaxResults=2) == ["job-4"]


def test_all_pages_together_hold_every_job_of_a_status() -> None:
    found: list[str] = []
    request: dict[str, Any] = {"StatusEquals": "Completed", "MaxResults": 2}
    while True:
        answer = listing(RECORDS, request)
        found += [entry["TrainingJobName"] for entry in answer["TrainingJobSummaries"]]
        if "NextToken" not in answer:
            break
        request["NextToken"] = answer["NextToken"]
    assert found == ["job-4", "job-2", "job-0"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"NameContains": "JOB-3"}, ["job-3"]),
        ({"CreationTimeAfter": 1_003.5}, ["job-5", "job-4"]),
        ({"CreationTimeBefore": 1_001.0}, ["job-0"]),
        ({"WarmPoolStatusEquals": "Available"}, []),
    ],
)
def test_jobs_are_found_by_name_time_and_pool(
    request_: dict[str, Any], expected: list[str]
) -> None:
    assert names(**request_) == expected
