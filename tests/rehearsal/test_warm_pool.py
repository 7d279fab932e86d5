"""Kept instances are used by the next job of their kind, and paid for while they wait."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tg.rehearsal.warm_pool import WarmPool

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def job(seconds: int = 600, **resources: Any) -> dict[str, Any]:
    return {
        "RoleArn": "r",
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 10,
            "KeepAlivePeriodInSeconds": seconds,
            **resources,
        },
    }


def test_a_pool_waits_for_its_time_and_is_paid_for_it() -> None:
    clock = Clock()
    pool = WarmPool(job(), clock)
    assert pool.describe() == {"Status": "InUse"}
    pool.settle(is_completed=True)
    clock.now += 599
    assert pool.describe() == {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 599}
    clock.now += 500
    ended = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 600}
    assert pool.describe() == ended
    assert not pool.take("late", job())


def test_a_pool_goes_to_one_job_of_its_kind() -> None:
    clock = Clock()
    pool = WarmPool(job(), clock)
    assert not pool.take("early", job())
    pool.settle(is_completed=True)
    clock.now += 60
    assert not pool.take("larger", job(InstanceType="ml.m5.xlarge"))
    assert not pool.take("other", {**job(), "RoleArn": "another"})
    assert pool.take("next", job(seconds=0))
    assert not pool.take("after", job())
    clock.now += 60
    assert pool.describe() == {
        "Status": "Reused",
        "ReusedByJob": "next",
        "ResourceRetainedBillableTimeInSeconds": 60,
    }


def test_a_failed_job_keeps_nothing() -> None:
    pool = WarmPool(job(), Clock())
    pool.settle(is_completed=False)
    assert pool.describe()["Status"] == "Terminated"


def test_the_time_of_a_pool_can_be_changed_until_it_is_gone() -> None:
    clock = Clock()
    pool = WarmPool(job(), clock)
    pool.settle(is_completed=True)
    clock.now += 100
    assert pool.change(0)
    clock.now += 1
    assert pool.status == "Terminated"
    assert not pool.change(600)


@pytest.mark.docker
@pytest.mark.rehearsal
def test_a_second_job_uses_the_first_ones_instances(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    sagemaker, prefix = client("sagemaker"), f"warm-{secrets.token_hex(4)}"
    names = [f"{prefix}-{number}" for number in range(2)]
    for name in names:
        request = asked(image, TrainingJobName=name)
        request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = 3_600
        sagemaker.create_training_job(**request)
        ended(name)
    first = sagemaker.describe_training_job(TrainingJobName=names[0])["WarmPoolStatus"]
    assert (first["Status"], first["ReusedByJob"]) == ("Reused", names[1])
    free = sagemaker.list_training_jobs(NameContains=prefix, WarmPoolStatusEquals="Available")
    assert [entry["TrainingJobName"] for entry in free["TrainingJobSummaries"]] == [names[1]]
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="warm pool"):
        sagemaker.delete_training_job(TrainingJobName=names[1])
    sagemaker.update_training_job(
        TrainingJobName=names[1], ResourceConfig={"KeepAlivePeriodInSeconds": 0}
    )
    told = sagemaker.describe_training_job(TrainingJobName=names[1])
    assert told["WarmPoolStatus"]["Status"] == "Terminated"
    sagemaker.delete_training_job(TrainingJobName=names[1])
