"""The rights that the policies give are those that the code needs: each of them, and no other."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common._core.errors import ConfigError, RunCancelledError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.common.delivery.sagemaker.policies import Policies, render_policies
from tg.common.ml.training_core import FunctionTask

ROOM = Path(__file__).parents[3] / "tg/common/delivery/sagemaker"
# the services that are asked for, and what their actions begin with
SERVICES = {
    "ecr": "ecr",
    "iam": "iam",
    "logs": "logs",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "service-quotas": "servicequotas",
    "sts": "sts",
}
# "Actions, resources, and condition keys" of the service authorization reference; what is not
# here is called as its operation is
ACTIONS = {
    "s3.HeadBucket": {"s3:ListBucket"},
    "s3.HeadObject": {"s3:GetObject"},
    "s3.ListObjectsV2": {"s3:ListBucket"},
    "s3.DeleteObjects": {"s3:DeleteObject"},
    "s3.CreateMultipartUpload": {"s3:PutObject"},
    "s3.UploadPart": {"s3:PutObject"},
    "s3.CompleteMultipartUpload": {"s3:PutObject"},
    "sts.GetCallerIdentity": set(),  # nobody can be kept from it
    "sagemaker.CreateTrainingJob": {
        "sagemaker:CreateTrainingJob",
        "sagemaker:AddTags",
        "iam:PassRole",
    },
}
# boto3's transfers ask for these, and abort what fails
TRANSFERS = {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
TRANSFERS |= {"AbortMultipartUpload", "PutObject", "HeadObject", "GetObject"}
# "IAM permissions for pushing an image" of the ECR user guide
PUSH = {"CompleteLayerUpload", "UploadLayerPart", "InitiateLayerUpload", "PutImage"}
PUSH |= {"BatchCheckLayerAvailability", "BatchGetImage"}
# what the engine and the pusher ask a registry for, and what of it that is in ECR
REGISTRY = {
    "Login": set[str](),
    "StartUpload": {"ecr:InitiateLayerUpload"},
    "UploadLayer": {"ecr:UploadLayerPart"},
    "FinishUpload": {"ecr:CompleteLayerUpload"},
    "HeadLayer": {"ecr:BatchCheckLayerAvailability"},
    "HeadManifest": {"ecr:BatchGetImage"},
    "GetManifest": {"ecr:BatchGetImage"},
    "PutManifest": {"ecr:PutImage"},
}


def policies(**changes: str) -> Policies:
    values = {
        "account": "123456789012",
        "region": "eu-central-1",
        "bucket": "tea-data",
        "project": "green",
    }
    return render_policies(**{**values, **changes})


def actions_of(policy: str) -> set[str]:
    found: set[str] = set()
    for statement in json.loads(policy)["Statement"]:
        listed = statement["Action"]
        found |= {listed} if isinstance(listed, str) else set(listed)
    return found


def actions_for(operation: str) -> set[str]:
    service, _, name = operation.partition(".")
    if service == "registry":
        return REGISTRY[name]
    return ACTIONS.get(operation, {f"{SERVICES[service]}:{name}"})


def operations_of(service: str) -> set[str]:
    session = pytest.importorskip("botocore.session")
    return set(session.get_session().get_service_model(service).operation_names)


def operations_in_the_code() -> set[str]:
    """Find what clients are asked for: methods and texts that are called as an operation is."""
    botocore = pytest.importorskip("botocore")
    names = {
        botocore.xform_name(operation): f"{service}.{operation}"
        for service in SERVICES
        for operation in operations_of(service)
    }
    del names["search"]  # of regular expressions
    return {names[word] for word in _words() if word in names}


def _words() -> Iterator[str]:
    for path in ROOM.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {  # what a module calls its own
            constant
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            for constant in ast.walk(node)
        }
        for node in ast.walk(tree):
            if node in named:
                continue
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_whoever_submits_may_do_what_the_code_asks_for_and_nothing_else() -> None:
    needed = {action for asked in operations_in_the_code() for action in actions_for(asked)}
    needed |= {action for name in TRANSFERS for action in actions_for(f"s3.{name}")}
    needed |= {f"ecr:{name}" for name in PUSH}
    assert actions_of(policies().submitter) == needed


def test_a_training_may_do_what_the_guide_says_and_nothing_else() -> None:
    # "CreateTrainingJob API: execution role permissions" of the SageMaker developer guide
    assert actions_of(policies().role) == {
        "cloudwatch:PutMetricData",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
    }


@pytest.mark.parametrize("name", ["submitter", "role"])
def test_no_right_reaches_beyond_project_account_and_region(name: str) -> None:
    everywhere = set()
    for statement in json.loads(getattr(policies(), name))["Statement"]:
        listed = statement["Resource"]
        for resource in [listed] if isinstance(listed, str) else listed:
            if resource == "*":
                everywhere |= actions_of(json.dumps({"Statement": [statement]}))
            elif resource.startswith("arn:aws:s3"):
                objects = resource.startswith("arn:aws:s3:::tea-data/sagemaker/green/")
                assert objects or statement["Action"] == "s3:ListBucket"
            else:
                region = "" if resource.startswith("arn:aws:iam:") else "eu-central-1"
                assert resource.split(":")[3:5] == [region, "123456789012"]
    # these know no resources (service authorization reference)
    assert everywhere <= {
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        "sagemaker:ListTrainingJobs",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListServiceQuotas",
    }


def test_other_parts_of_aws_have_other_addresses() -> None:
    assert "arn:aws-cn:s3:::tea-data" in policies(region="cn-north-1").submitter
    assert "arn:aws-us-gov:iam::" in policies(region="us-gov-west-1").submitter


@pytest.mark.parametrize(
    "change",
    [
        {"account": "12"},
        {"region": 'eu-central-1"'},
        {"bucket": "*"},
        {"project": '*"'},
        {"role_name": "a/*"},
        {"repository": "*"},
    ],
)
def test_what_would_widen_a_policy_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        policies(**change)


def test_they_are_written_as_files(tmp_path: Path) -> None:
    paths = policies().write(tmp_path / "policies")
    assert [path.name for path in paths] == ["submitter.json", "role.json", "trust.json"]
    assert all(json.loads(path.read_text())["Version"] == "2012-10-17" for path in paths)


def test_iam_takes_them(cloud: Any) -> None:
    import boto3

    made = policies()
    iam = boto3.session.Session().client("iam")
    iam.create_policy(PolicyName="submitter", PolicyDocument=made.submitter)
    iam.create_role(RoleName="training-grounds", AssumeRolePolicyDocument=made.trust)
    iam.put_role_policy(RoleName="training-grounds", PolicyName="role", PolicyDocument=made.role)
    iam.close()


def waits(data: Any, env: Any, *, seconds: float = 0.0) -> dict[str, float]:
    import time

    env.log("here")
    time.sleep(seconds)
    return {"rows": float(len(data))}


@pytest.mark.docker
@pytest.mark.rehearsal
@pytest.mark.slow
def test_the_whole_path_asks_for_nothing_that_is_not_allowed(project: Path) -> None:
    from tg.rehearsal import Rehearsal

    folder = project / "datasets" / "green"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": range(3)}).to_parquet(folder / "d.parquet")
    with Rehearsal(grace_seconds=2) as cloud:
        routine = SagemakerRoutine(
            FunctionTask(waits),
            "d.parquet",
            "green",
            datasets_folder=project / "datasets",
            bucket=cloud.bucket,
            role=cloud.role_arn,
        )
        routine.config.containering.silent = True
        executor = routine.remote(RemoteOptions(metrics=["rows"], tags={"tea": "green"}))
        run_id = executor.execute()
        cost = executor.run(run_id).cost
        assert cost is not None
        assert cost.billed_seconds == executor.run(run_id).billable_seconds
        assert 0 < cost.total_usd < 1
        assert executor.load_result(run_id).metrics == {"rows": 3.0}
        run = executor.submit({"seconds:float": "600"})
        for line in run.logs():
            if line.endswith("here"):
                break
        run.cancel()
        with pytest.raises(RunCancelledError):
            run.wait(timeout_seconds=300)
        asked = cloud.operations
        allowed = actions_of(policies().submitter)
        assert {action for one in asked for action in actions_for(one)} <= allowed
        assert "sagemaker.StopTrainingJob" in asked
