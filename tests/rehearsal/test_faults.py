"""Faults come when they are asked for, in the words of the services, and are gone after that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tg.common import errors
from tg.rehearsal import Rehearsal

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]


@pytest.fixture(autouse=True)
def _well_again(cloud: Rehearsal) -> Iterator[None]:
    yield
    cloud.faults.clear()


@pytest.fixture
def hasty(cloud: Rehearsal) -> Iterator[Clients]:
    """Clients that try once."""
    import boto3
    from botocore.config import Config

    made = []

    def make(service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        made.append(boto3.session.Session().client(service, config=config))
        return made[-1]

    yield make
    for one in made:
        one.close()


def code_of(call: Callable[[], object]) -> tuple[str, int]:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


CALLS: dict[str, Callable[[Clients], object]] = {
    "sagemaker.ListTrainingJobs": lambda client: client("sagemaker").list_training_jobs(),
    "s3.ListBuckets": lambda client: client("s3").list_buckets(),
    "sts.GetCallerIdentity": lambda client: client("sts").get_caller_identity(),
    "logs.DescribeLogGroups": lambda client: client("logs").describe_log_groups(),
    "ecr.DescribeRepositories": lambda client: client("ecr").describe_repositories(),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("throttle", {("ThrottlingException", 400), ("SlowDown", 503)}),
        ("server_error", {("InternalFailure", 500), ("InternalError", 500)}),
        ("expired_token", {("ExpiredTokenException", 400), ("ExpiredToken", 400)}),
    ],
)
def test_a_refusal_has_the_services_code_and_happens_as_often_as_asked(
    cloud: Rehearsal,
    hasty: Clients,
    operation: str,
    fault: str,
    expected: set[tuple[str, int]],
) -> None:
    call = CALLS[operation]
    getattr(cloud.faults, fault)(operation, times=2)
    assert code_of(lambda: call(hasty)) in expected
    assert code_of(lambda: call(hasty)) in expected
    call(hasty)


def test_a_client_that_tries_again_does_not_notice(cloud: Rehearsal, client: Clients) -> None:
    cloud.faults.throttle("s3.*", times=2)
    cloud.faults.server_error("sagemaker.ListTrainingJobs")
    before = cloud.calls("s3.ListBuckets")
    client("s3").list_buckets()
    client("sagemaker").list_training_jobs()
    assert (cloud.calls("s3.ListBuckets") - before).count == 3


def test_a_lost_answer_means_that_it_was_done(
    cloud: Rehearsal, hasty: Clients, asked: Asked
) -> None:
    from botocore.exceptions import BotoCoreError

    request = asked()
    name = request["TrainingJobName"]
    cloud.faults.drop_after("sagemaker.CreateTrainingJob")
    sagemaker = hasty("sagemaker")
    with pytest.raises(BotoCoreError):
        sagemaker.create_training_job(**request)
    assert sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobName"] == name
    assert code_of(lambda: sagemaker.create_training_job(**request))[0] == "ResourceInUse"


def test_an_upload_that_breaks_off_leaves_nothing(cloud: Rehearsal, hasty: Clients) -> None:
    from botocore.exceptions import BotoCoreError

    storage = hasty("s3")
    cloud.faults.drop_during("s3.PutObject")
    with pytest.raises(BotoCoreError):
        storage.put_object(Bucket=cloud.bucket, Key="broken", Body=b"x" * 5_000_000)
    assert "Contents" not in storage.list_objects_v2(Bucket=cloud.bucket, Prefix="broken")


def test_a_slow_service_is_slow(cloud: Rehearsal, client: Clients) -> None:
    storage = client("s3")
    cloud.faults.slow("s3.ListBuckets", seconds=0.3, times=1)
    began = time.monotonic()
    storage.list_buckets()
    assert time.monotonic() - began >= 0.3


def test_jobs_fail_when_there_are_no_instances(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended
) -> None:
    cloud.faults.no_capacity("ml.m5.*")
    request = asked()
    client("sagemaker").create_training_job(**request)
    assert ended(request["TrainingJobName"])["FailureReason"].startswith("CapacityError: ")


@pytest.mark.parametrize("fault", ["throttle", "server_error", "expired_token", "access_denied"])
def test_a_fault_can_be_aimed_at_the_third_request(
    cloud: Rehearsal, hasty: Clients, fault: str
) -> None:
    storage = hasty("s3")
    getattr(cloud.faults, fault)("s3.ListBuckets", times=1, after=2)
    before = cloud.faults.happened
    storage.list_buckets()
    storage.list_buckets()
    assert code_of(storage.list_buckets)[1] >= 400
    storage.list_buckets()
    assert cloud.faults.happened - before == 1


def test_a_third_part_can_break_off_and_is_sent_again(
    cloud: Rehearsal, client: Clients, tmp_path: Any
) -> None:
    path = tmp_path / "parts"
    path.write_bytes(b"x" * 30_000_000)
    cloud.faults.drop_during("s3.UploadPart", after=2)
    before = cloud.calls("s3.UploadPart")
    storage = client("s3")
    storage.upload_file(str(path), cloud.bucket, "parts")
    assert (cloud.calls("s3.UploadPart") - before).count == 5  # four parts, one of them twice
    assert storage.head_object(Bucket=cloud.bucket, Key="parts")["ContentLength"] == 30_000_000


def test_permission_can_be_denied_for_one_operation(cloud: Rehearsal, hasty: Clients) -> None:
    cloud.faults.access_denied("sagemaker.ListTrainingJobs")
    code, status = code_of(lambda: hasty("sagemaker").list_training_jobs())
    assert (code, status) == ("AccessDeniedException", 400)


def test_the_quotas_and_the_identity_can_be_throttled(cloud: Rehearsal, hasty: Clients) -> None:
    for operation, call in {
        "servicequotas.ListServiceQuotas": lambda: hasty("service-quotas").list_service_quotas(
            ServiceCode="sagemaker"
        ),
        "iam.GetRole": lambda: hasty("iam").get_role(RoleName="nobody"),
    }.items():
        cloud.faults.throttle(operation)
        assert code_of(call)[0] == "ThrottlingException"


@pytest.mark.parametrize("values", [{"after": -1}, {"times": 0}])
def test_a_fault_that_can_never_happen_is_refused(cloud: Rehearsal, values: dict[str, int]) -> None:
    with pytest.raises(errors.ConfigError):
        cloud.faults.throttle("*", **values)


def test_a_fault_that_never_happens_is_refused(cloud: Rehearsal) -> None:
    with pytest.raises(errors.ConfigError, match="0 times"):
        cloud.faults.throttle("*", times=0)


def test_calls_are_counted_with_their_bytes(cloud: Rehearsal, client: Clients) -> None:
    storage = client("s3")
    before = cloud.calls("s3.PutObject"), cloud.calls("s3.GetObject"), cloud.calls("s3.*")
    storage.put_object(Bucket=cloud.bucket, Key="counted", Body=b"x" * 100_000)
    answer = storage.get_object(Bucket=cloud.bucket, Key="counted", Range="bytes=10-29")
    assert answer["Body"].read() == b"x" * 20
    put, got = cloud.calls("s3.PutObject") - before[0], cloud.calls("s3.GetObject") - before[1]
    assert (put.count, got.count, got.sent_bytes) == (1, 1, 20)
    assert 100_000 <= put.received_bytes < 101_000
    assert (cloud.calls("s3.*") - before[2]).count == 2


def test_parts_of_a_large_upload_are_counted_one_by_one(
    cloud: Rehearsal, client: Clients, tmp_path: Any
) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * 20_000_000)
    before, closed = cloud.calls("s3.UploadPart"), cloud.calls("s3.CompleteMultipartUpload")
    client("s3").upload_file(str(path), cloud.bucket, "large")
    parts = cloud.calls("s3.UploadPart") - before
    assert parts.count == 3
    assert parts.received_bytes >= 20_000_000
    assert (cloud.calls("s3.CompleteMultipartUpload") - closed).count == 1


@pytest.mark.docker
def test_what_the_cloud_does_itself_is_neither_counted_nor_disturbed(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    before = cloud.calls("s3.PutObject")
    cloud.faults.server_error("s3.*", times=None)
    request = asked(image)
    client("sagemaker").create_training_job(**request)
    assert ended(request["TrainingJobName"])["TrainingJobStatus"] == "Completed"
    assert cloud.calls("s3.PutObject") == before
