"""What moto does on its own where the rehearsal answers in its place.

A test that fails here says that moto has learned something: what replaces it is to be looked at
again before the pinned version is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def bare() -> Iterator[Callable[[str], Any]]:
    """Clients of moto's server without the rehearsal."""
    import boto3
    from botocore.config import Config

    from tg.rehearsal.server import CloudServer, forget_everything, simulated_services

    forget_everything()
    server = CloudServer(simulated_services())
    server.start()
    made = []

    def make(service: str) -> Any:
        made.append(
            boto3.session.Session().client(
                service,
                region_name="us-east-1",
                endpoint_url=server.url,
                aws_access_key_id="x",
                aws_secret_access_key="x",
                config=Config(proxies={}, retries={"total_max_attempts": 1}),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()
    server.stop()
    forget_everything()


def request(name: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": "nothing",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=(.*)"}],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/nobody",
        "OutputDataConfig": {"S3OutputPath": "s3://no-such-bucket/out"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Environment": {"A": "1"},
    }


def test_the_version_is_the_one_that_was_looked_at() -> None:
    import moto

    assert moto.__version__ == "5.2.5"


def test_moto_runs_nothing_and_says_that_it_is_done(bare: Callable[[str], Any]) -> None:
    sagemaker = bare("sagemaker")
    sagemaker.create_training_job(**request("ghost"))
    job = sagemaker.describe_training_job(TrainingJobName="ghost")
    assert job["TrainingJobStatus"] == "Completed"
    assert job["ModelArtifacts"]["S3ModelArtifacts"].startswith("s3://no-such-bucket/")
    assert not job.get("Environment")
    metrics = job["AlgorithmSpecification"]["MetricDefinitions"]
    assert [metric["Name"] for metric in metrics] != ["auc"]


def test_moto_takes_a_name_twice_and_any_role_and_bucket(bare: Callable[[str], Any]) -> None:
    sagemaker = bare("sagemaker")
    sagemaker.create_training_job(**request("twice"))
    sagemaker.create_training_job(**request("twice"))
    sagemaker.create_training_job(**request("no_such_name_is_legal_" + "x" * 60))


@pytest.mark.parametrize("operation", ["stop_training_job", "delete_training_job"])
def test_moto_does_not_stop_or_delete_jobs(bare: Callable[[str], Any], operation: str) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        getattr(bare("sagemaker"), operation)(TrainingJobName="ghost")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500


def test_moto_knows_no_quotas_of_sagemaker(bare: Callable[[str], Any]) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError):
        bare("service-quotas").list_service_quotas(ServiceCode="sagemaker")


def test_motos_registry_is_elsewhere_and_its_token_opens_nothing(
    bare: Callable[[str], Any],
) -> None:
    registry = bare("ecr")
    made = registry.create_repository(repositoryName="a/b")["repository"]
    assert made["repositoryUri"] == "123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b"
    [data] = registry.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"].endswith(".amazonaws.com")
    assert data["expiresAt"].year == 2015


def test_what_is_read_of_motos_state_is_where_it_was(bare: Callable[[str], Any]) -> None:
    from moto.backends import get_backend

    bare("s3").create_bucket(Bucket="canary-bucket")
    bare("s3").put_object(Bucket="canary-bucket", Key="a/b", Body=b"x")
    bare("iam").create_role(RoleName="canary", AssumeRolePolicyDocument="{}")
    account = "123456789012"
    assert "a/b" in list(get_backend("s3")[account]["aws"].buckets["canary-bucket"].keys)
    arns = [role.arn for role in get_backend("iam")[account]["aws"].roles.values()]
    assert f"arn:aws:iam::{account}:role/canary" in arns


def test_whom_a_bucket_is_to_belong_to_is_not_heeded(bare: Any) -> None:
    storage = bare("s3")
    storage.create_bucket(Bucket="of-one-account")
    storage.head_bucket(Bucket="of-one-account", ExpectedBucketOwner="999999999999")


def test_moto_does_not_simulate_policies(bare: Callable[[str], Any]) -> None:
    from botocore.parsers import ResponseParserError

    # its error is a page of HTML, which no client can read
    with pytest.raises(ResponseParserError, match="500 Internal Server Error"):
        bare("iam").simulate_principal_policy(
            PolicySourceArn="arn:aws:iam::123456789012:role/canary", ActionNames=["s3:GetObject"]
        )


def test_moto_does_not_update_jobs(bare: Callable[[str], Any]) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        bare("sagemaker").update_training_job(TrainingJobName="ghost")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500


def test_moto_gives_a_bucket_to_clients_of_any_region(bare: Callable[[str], Any]) -> None:
    storage = bare("s3")
    place = {"LocationConstraint": "eu-west-1"}
    storage.create_bucket(Bucket="far-canary", CreateBucketConfiguration=place)
    storage.put_object(Bucket="far-canary", Key="k", Body=b"x")
    assert storage.head_bucket(Bucket="far-canary")["ResponseMetadata"]["RetryAttempts"] == 0


def test_what_is_read_of_motos_regions_and_policies_is_where_it_was(
    bare: Callable[[str], Any],
) -> None:
    from moto.backends import get_backend

    account = "123456789012"
    statement = '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}'
    document = f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'
    place = {"LocationConstraint": "eu-central-1"}
    bare("s3").create_bucket(Bucket="region-canary", CreateBucketConfiguration=place)
    assert get_backend("s3")[account]["aws"].buckets["region-canary"].region_name == "eu-central-1"
    roles = bare("iam")
    roles.create_role(RoleName="policies", AssumeRolePolicyDocument="{}")
    roles.put_role_policy(RoleName="policies", PolicyName="p", PolicyDocument=document)
    made = roles.create_policy(PolicyName="m", PolicyDocument=document)["Policy"]["Arn"]
    roles.attach_role_policy(RoleName="policies", PolicyArn=made)
    roles.create_user(UserName="u")
    roles.create_group(GroupName="g")
    roles.add_user_to_group(GroupName="g", UserName="u")
    backend = get_backend("iam")[account]["aws"]
    [role] = [role for role in backend.roles.values() if role.name == "policies"]
    assert list(role.policies.values()) == [document]
    [managed] = role.managed_policies.values()
    assert [version.document for version in managed.versions if version.is_default] == [document]
    [group], [user] = backend.groups.values(), backend.users.values()
    assert group.users == [user]
    assert (dict(group.policies), dict(group.managed_policies)) == ({}, {})


def test_moto_takes_a_role_of_another_account(
    bare: Callable[[str], Any],
) -> None:
    sagemaker = bare("sagemaker")
    theirs = {**request("theirs"), "RoleArn": "arn:aws:iam::999999999999:role/theirs"}
    sagemaker.create_training_job(**theirs)
