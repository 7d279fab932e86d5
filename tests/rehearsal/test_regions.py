"""A region that was forgotten or mistaken shows here, as it would at Amazon."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]
Elsewhere = Callable[..., Any]

OTHER = "eu-west-1"


@pytest.fixture
def elsewhere(cloud: Rehearsal) -> Iterator[Elsewhere]:
    """Clients of another region."""
    import boto3
    from botocore.config import Config

    made = []

    def make(service: str, **settings: Any) -> Any:
        session = boto3.session.Session(region_name=OTHER)
        made.append(session.client(service, config=Config(**settings)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def far(cloud: Rehearsal) -> str:
    """A bucket of another region."""
    name = f"far-{secrets.token_hex(4)}"
    cloud.add_bucket(name, OTHER)
    return name


def code_of(call: Callable[[], object]) -> tuple[str, str]:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_job_is_known_in_its_own_region_alone(
    client: Clients, elsewhere: Elsewhere, asked: Asked, ended: Ended
) -> None:
    request = asked()
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    there = elsewhere("sagemaker")
    code, message = code_of(lambda: there.describe_training_job(TrainingJobName=name))
    assert (code, message) == ("ValidationException", "Requested resource not found.")
    assert name not in str(there.list_training_jobs(NameContains=name))
    # the name is free there, as names are unique within a region
    made = there.create_training_job(**request)
    assert f":{OTHER}:" in made["TrainingJobArn"]
    ended(name)


def test_a_repository_is_known_in_its_own_region_alone(
    cloud: Rehearsal, client: Clients, elsewhere: Elsewhere
) -> None:
    made = elsewhere("ecr").create_repository(repositoryName="far/images")["repository"]
    assert made["repositoryUri"] == f"{cloud.registry}/far/images"
    here = client("ecr")
    call = lambda: here.describe_images(repositoryName="far/images")  # noqa: E731
    assert code_of(call)[0] == "RepositoryNotFoundException"


def test_a_bucket_elsewhere_says_where_it_is_and_boto3_goes_there(
    cloud: Rehearsal, client: Clients, far: str
) -> None:
    import urllib.error
    import urllib.request

    storage = client("s3")
    storage.put_object(Bucket=far, Key="k", Body=b"1")
    assert storage.head_bucket(Bucket=far)["BucketRegion"] == OTHER
    # what a client sees that does not go there by itself
    request = urllib.request.Request(f"{cloud.endpoint_url}/{far}/k", method="GET")
    scope = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request, Signature=x"
    request.add_header("Authorization", scope)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=60)
    with caught.value as answer:
        assert answer.code == 301
        assert answer.headers["x-amz-bucket-region"] == OTHER
        assert b"<Code>PermanentRedirect</Code>" in answer.read()


def test_data_in_another_region_are_not_found_by_a_job(
    client: Clients, asked: Asked, far: str
) -> None:
    client("s3").put_object(Bucket=far, Key="data/a", Body=b"1")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{far}/data"}}
    request = asked(InputDataConfig=[{"ChannelName": "training", "DataSource": source}])
    sagemaker = client("sagemaker")
    code, message = code_of(lambda: sagemaker.create_training_job(**request))
    assert code == "ValidationException"
    assert "ensure that the bucket exists in the selected region (us-east-1)" in message


@pytest.mark.docker
def test_a_result_cannot_be_stored_in_another_region(
    client: Clients, asked: Asked, ended: Ended, image: str, far: str
) -> None:
    request = asked(image, OutputDataConfig={"S3OutputPath": f"s3://{far}/out"})
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    assert "BucketRegionError: bucket must be in the same region" in job["FailureReason"]


@pytest.mark.docker
def test_a_job_of_another_region_logs_and_runs_there(
    elsewhere: Elsewhere, asked: Asked, image: str, far: str
) -> None:
    sagemaker = elsewhere("sagemaker")
    request = asked(image, OutputDataConfig={"S3OutputPath": f"s3://{far}/out"})
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    job = sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed", job
    streams = elsewhere("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
    )
    assert len(streams["logStreams"]) == 1
