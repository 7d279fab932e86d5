"""A request that SageMaker would refuse is refused here, with the code that a program looks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]


def refusal(client: Clients, **request: Any) -> tuple[str, str]:
    """Give code and message of the refusal of a job; nothing is checked on the client's side."""
    from botocore.exceptions import ClientError

    sagemaker = client("sagemaker")
    with pytest.raises(ClientError) as caught:
        sagemaker.create_training_job(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_name_of_64_characters_is_refused(client: Clients, asked: Asked) -> None:
    code, message = refusal(client, **asked(TrainingJobName="x" * 64))
    assert code == "ValidationException"
    assert "at 'trainingJobName' failed to satisfy constraint" in message
    assert "length less than or equal to 63" in message


@pytest.mark.parametrize("name", ["a_b", "-a", "a-", "a/b", "é"])
def test_a_name_with_other_characters_is_refused(client: Clients, asked: Asked, name: str) -> None:
    code, message = refusal(client, **asked(TrainingJobName=name))
    assert code == "ValidationException"
    assert "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}" in message


def test_several_faults_are_counted(client: Clients, asked: Asked) -> None:
    request = asked(TrainingJobName="a_b", HyperParameters={"k": "v" * 2_501})
    _, message = refusal(client, **request)
    assert message.startswith("2 validation errors detected: ")


def test_more_than_100_hyperparameters_are_refused(client: Clients, asked: Asked) -> None:
    request = asked(HyperParameters={f"k{number}": "v" for number in range(101)})
    assert "less than or equal to 100" in refusal(client, **request)[1]


def test_an_unknown_instance_type_is_refused(client: Clients, asked: Asked) -> None:
    request = asked()
    request["ResourceConfig"]["InstanceType"] = "ml.m5.tiny"
    code, message = refusal(client, **request)
    assert code == "ValidationException"
    assert "Member must satisfy enum value set" in message


def test_a_role_that_is_not_there_is_refused(client: Clients, asked: Asked) -> None:
    request = asked(RoleArn="arn:aws:iam::123456789012:role/nobody")
    code, message = refusal(client, **request)
    assert code == "ValidationException"
    assert message.startswith("Could not assume role arn:aws:iam::123456789012:role/nobody.")


def test_a_role_that_the_service_may_not_take_is_refused(client: Clients, asked: Asked) -> None:
    role = client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument="{}")["Role"]
    assert "Could not assume role" in refusal(client, **asked(RoleArn=role["Arn"]))[1]


def test_a_bucket_that_is_not_there_is_refused(client: Clients, asked: Asked) -> None:
    request = asked(OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/out"})
    assert refusal(client, **request)[0] == "ValidationException"


@pytest.mark.parametrize("bucket", ["no-such-bucket", ""])
def test_a_channel_without_data_is_refused(
    cloud: Rehearsal, client: Clients, asked: Asked, bucket: str
) -> None:
    uri = f"s3://{bucket or cloud.bucket}/nothing-here"
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    request = asked(InputDataConfig=[{"ChannelName": "training", "DataSource": source}])
    code, message = refusal(client, **request)
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{uri}"')


@pytest.mark.parametrize("waits", [None, 599])
def test_spot_needs_a_wait_that_is_long_enough(
    client: Clients, asked: Asked, waits: int | None
) -> None:
    stopping = {"MaxRuntimeInSeconds": 600}
    if waits is not None:
        stopping["MaxWaitTimeInSeconds"] = waits
    request = asked(EnableManagedSpotTraining=True, StoppingCondition=stopping)
    code, message = refusal(client, **request)
    assert code == "ValidationException"
    assert "Invalid MaxWaitTimeInSeconds" in message


def test_the_name_of_a_job_that_was_is_refused(client: Clients, asked: Asked, ended: Ended) -> None:
    request = asked()
    client("sagemaker").create_training_job(**request)
    ended(request["TrainingJobName"])  # or else it counts for the quota of another test
    code, message = refusal(client, **request)
    assert code == "ResourceInUse"
    assert request["TrainingJobName"] in message


@pytest.mark.parametrize("operation", ["describe", "stop", "delete"])
def test_a_job_that_is_not_there_is_not_found(client: Clients, operation: str) -> None:
    from botocore.exceptions import ClientError

    call = getattr(client("sagemaker"), f"{operation}_training_job")
    with pytest.raises(ClientError, match="Requested resource not found") as caught:
        call(TrainingJobName="nobody")
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.docker
def test_a_quota_is_a_limit_of_what_runs_at_once(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    cloud.quotas["ml.m5.large"] = 1
    try:
        first = asked(image, HyperParameters={"sleep": "60"})
        client("sagemaker").create_training_job(**first)
        code, message = refusal(client, **asked(image))
        assert code == "ResourceLimitExceeded"
        assert "'ml.m5.large for training job usage' is 1 Instances" in message
        client("sagemaker").stop_training_job(TrainingJobName=first["TrainingJobName"])
        ended(first["TrainingJobName"])
        second = asked(image)
        client("sagemaker").create_training_job(**second)
        ended(second["TrainingJobName"])
    finally:
        cloud.quotas.clear()


@pytest.mark.docker
def test_jobs_are_listed_tagged_and_deleted(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    sagemaker = client("sagemaker")
    names = [f"listed-{number}" for number in range(3)]
    for name in names:
        tags = [{"Key": "kind", "Value": name}]
        sagemaker.create_training_job(**asked("no-such-image:1", TrainingJobName=name, Tags=tags))
    for name in names:
        arn = ended(name)["TrainingJobArn"]
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "kind", "Value": name}]
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="listed", SortBy="Name", StatusEquals="Failed", MaxResults=2
    )
    found = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    assert found == names
    sagemaker.delete_training_job(TrainingJobName="listed-1")
    left = sagemaker.list_training_jobs(NameContains="listed")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in left] == ["listed-2", "listed-0"]
