"""What belongs to somebody else, or was never allowed, is refused before it costs anything."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]


@pytest.fixture
def theirs(cloud: Rehearsal) -> str:
    name = f"theirs-{secrets.token_hex(4)}"
    cloud.add_foreign_bucket(name)
    return name


def refusal(call: Callable[[], object]) -> tuple[str, int]:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


CALLS: dict[str, Callable[[Any, str], object]] = {
    "put": lambda s3, name: s3.put_object(Bucket=name, Key="k", Body=b"x" * 200_000),
    "get": lambda s3, name: s3.get_object(Bucket=name, Key="k"),
    "list": lambda s3, name: s3.list_objects_v2(Bucket=name),
    "parts": lambda s3, name: s3.create_multipart_upload(Bucket=name, Key="k"),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_bucket_of_somebody_else_is_closed(client: Clients, theirs: str, what: str) -> None:
    storage = client("s3")
    assert refusal(lambda: CALLS[what](storage, theirs)) == ("AccessDenied", 403)


def test_a_look_at_a_bucket_of_somebody_else_is_forbidden_without_a_word(
    client: Clients, theirs: str
) -> None:
    storage = client("s3")
    assert refusal(lambda: storage.head_bucket(Bucket=theirs)) == ("403", 403)


def test_the_name_of_somebody_elses_bucket_is_taken(client: Clients, theirs: str) -> None:
    storage = client("s3")
    assert refusal(lambda: storage.create_bucket(Bucket=theirs)) == ("BucketAlreadyExists", 409)
    assert theirs not in str(storage.list_buckets()["Buckets"])


def test_data_of_somebody_else_are_not_found_by_a_job(
    client: Clients, asked: Asked, theirs: str
) -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{theirs}/data"}}
    request = asked(InputDataConfig=[{"ChannelName": "training", "DataSource": source}])
    sagemaker = client("sagemaker")
    assert refusal(lambda: sagemaker.create_training_job(**request))[0] == "ValidationException"


@pytest.mark.docker
def test_a_result_cannot_be_stored_with_somebody_else(
    client: Clients, asked: Asked, ended: Ended, image: str, theirs: str
) -> None:
    request = asked(image, OutputDataConfig={"S3OutputPath": f"s3://{theirs}/out"})
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"]


def test_a_role_of_another_account_cannot_be_passed(client: Clients, asked: Asked) -> None:
    from botocore.exceptions import ClientError

    request = asked(RoleArn="arn:aws:iam::999999999999:role/theirs")
    with pytest.raises(ClientError, match="Cross-account pass role is not allowed") as caught:
        client("sagemaker").create_training_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("attached", ["inline", "managed"])
def test_permissions_can_be_asked_for_before_they_are_missed(
    client: Clients, attached: str
) -> None:
    roles, name = client("iam"), f"r-{secrets.token_hex(4)}"
    arn = roles.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    statements = [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::mine/*"},
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    if attached == "inline":
        roles.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    else:
        made = roles.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        roles.attach_role_policy(RoleName=name, PolicyArn=made)
    actions = ["s3:GetObject", "s3:DeleteObject", "logs:PutLogEvents", "iam:PassRole"]

    def decisions(**more: Any) -> list[str]:
        answer = roles.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=actions, ResourceArns=["arn:aws:s3:::mine/a"], **more
        )
        assert not answer["IsTruncated"]
        results = answer["EvaluationResults"]
        assert [result["EvalActionName"] for result in results] == actions
        return [result["EvalDecision"] for result in results]

    assert decisions() == ["allowed", "explicitDeny", "implicitDeny", "implicitDeny"]
    passed = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": ["sagemaker.amazonaws.com"],
        "ContextKeyType": "string",
    }
    assert decisions(ContextEntries=[passed])[-1] == "allowed"


def test_the_rehearsals_own_role_may_do_what_a_training_needs(
    cloud: Rehearsal, client: Clients
) -> None:
    actions = ["s3:GetObject", "s3:PutObject", "logs:PutLogEvents", "ecr:BatchGetImage"]
    answer = client("iam").simulate_principal_policy(
        PolicySourceArn=cloud.role_arn, ActionNames=actions
    )
    assert {each["EvalDecision"] for each in answer["EvaluationResults"]} == {"allowed"}


def test_permissions_of_nobody_are_not_told(client: Clients) -> None:
    roles = client("iam")
    with pytest.raises(roles.exceptions.NoSuchEntityException):
        roles.simulate_principal_policy(
            PolicySourceArn="arn:aws:iam::123456789012:role/nobody", ActionNames=["s3:GetObject"]
        )


def test_a_role_without_permissions_cannot_read_the_data_of_its_job(
    cloud: Rehearsal, client: Clients, asked: Asked
) -> None:
    from botocore.exceptions import ClientError

    client("s3").put_object(Bucket=cloud.bucket, Key="needed/a", Body=b"1")
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    name = f"poor-{secrets.token_hex(4)}"
    made = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{cloud.bucket}/needed"}}
    request = asked(
        RoleArn=made["Role"]["Arn"],
        InputDataConfig=[{"ChannelName": "training", "DataSource": source}],
    )
    with pytest.raises(ClientError, match=f'"s3:ListBucket" permissions on bucket "{cloud.bucket}'):
        client("sagemaker").create_training_job(**request)
