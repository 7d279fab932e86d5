"""What SageMaker is asked for, and what it would refuse; held to the API reference's rules."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import ConfigError
from tg.common.delivery.sagemaker.remote_options import RemoteOptions
from tg.common.delivery.sagemaker.s3_layout import S3Layout
from tg.common.delivery.sagemaker.training_job import TrainingJob

# TrainingJobName of CreateTrainingJob
JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
ROLE = "arn:aws:iam::123456789012:role/service-role/training"


def job(**changes: Any) -> TrainingJob:
    values: dict[str, Any] = {
        "base_name": "SumTask",
        "content_hash": "abc",
        "data_hash": "def",
        "image_uri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/tea@sha256:00",
        "role_arn": ROLE,
        "channels": {"training": "s3://b/sagemaker/p/datasets/d.parquet"},
        "layout": S3Layout("tea-data", "p"),
        "hyperparameters": {"weight:float": "2.0"},
        "options": RemoteOptions(),
    }
    return TrainingJob(**{**values, **changes})


@given(st.text(min_size=1), st.integers(1, 999))
def test_a_name_is_legal_and_the_same_for_the_same_training(base: str, attempt: int) -> None:
    name = job(base_name=base).name(attempt)
    assert JOB_NAME.fullmatch(name)
    assert name == job(base_name=base).name(attempt)


@pytest.mark.parametrize(
    "change",
    [
        {"content_hash": "abd"},
        {"data_hash": "dee"},
        {"hyperparameters": {"weight:float": "2.5"}},
        {"layout": S3Layout("tea-data", "q")},
        {"options": RemoteOptions(instance_type="ml.m5.xlarge")},
        {"options": RemoteOptions(environment={"A": "1"})},
    ],
)
def test_another_training_has_another_name(change: dict[str, Any]) -> None:
    assert job(**change).name() != job().name()


def test_the_same_training_from_another_registry_has_the_same_name_and_checkpoints() -> None:
    moved = job(image_uri="elsewhere/tea@sha256:00")
    assert moved.name() == job().name()
    assert moved.fingerprint == job().fingerprint
    # a longer time limit resumes from the same checkpoints
    longer = job(options=RemoteOptions(max_runtime_seconds=7_200))
    assert longer.fingerprint == job().fingerprint
    assert longer.name() != job().name()


def test_the_request_says_all_that_was_asked_for() -> None:
    options = RemoteOptions(
        instance_type="ml.g5.xlarge",
        instance_count=2,
        volume_gib=50,
        max_runtime_seconds=3_600,
        max_wait_seconds=7_200,
        metrics=["roc_auc_score_test"],
        environment={"A": "1"},
        tags={"team": "tea"},
        subnets=["subnet-1"],
        security_group_ids=["sg-1"],
        volume_kms_key="k1",
        output_kms_key="k2",
        max_attempts=3,
        input_mode="FastFile",
        compression="NONE",
    )
    request = job(options=options).request("tea-1", {"TG_PROVENANCE": "{}"})
    assert request["TrainingJobName"] == "tea-1"
    assert request["HyperParameters"] == {"weight:float": "2.0"}
    (metric,) = request["AlgorithmSpecification"]["MetricDefinitions"]
    line = "2026-01-31 16:37:43.1 INFO: ###METRIC###roc_auc_score_test:0.85###"
    found = re.search(metric["Regex"], line)
    assert found is not None
    assert found.group(1) == "0.85"
    assert request["ResourceConfig"] == {
        "InstanceType": "ml.g5.xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": 50,
        "VolumeKmsKeyId": "k1",
    }
    assert request["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 3_600,
        "MaxWaitTimeInSeconds": 7_200,
    }
    assert request["EnableManagedSpotTraining"] is True
    assert request["OutputDataConfig"] == {
        "S3OutputPath": "s3://tea-data/sagemaker/p/output",
        "CompressionType": "NONE",
        "KmsKeyId": "k2",
    }
    assert request["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert request["RetryStrategy"] == {"MaximumRetryAttempts": 3}
    assert request["Tags"] == [{"Key": "team", "Value": "tea"}]
    assert request["Environment"]["A"] == "1"
    assert request["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    (channel,) = request["InputDataConfig"]
    assert channel["ChannelName"] == "training"
    without = job(options=RemoteOptions(with_checkpoints=False)).request("tea-1", {})
    assert "CheckpointConfig" not in without
    assert "VpcConfig" not in without


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"role_arn": None}, "the role is None"),
        ({"role_arn": "training"}, "the role is 'training'"),
        ({"hyperparameters": {f"p{n}": "1" for n in range(101)}}, "101 hyperparameters"),
        ({"hyperparameters": {"p": "x" * 2_501}}, "2,501 characters"),
        ({"channels": {f"c{n}": "s3://b/x" for n in range(21)}}, "21 channels"),
    ],
)
def test_what_sagemaker_would_refuse_is_refused_here(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        job(**change)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"instance_type": "m5.large"}, "no instance type 'm5.large'"),
        ({"instance_count": 0}, "instance_count is 0"),
        ({"volume_gib": 20_000}, "from 1 to 16,384"),
        ({"max_runtime_seconds": 29 * 86_400}, "max_runtime_seconds"),
        ({"max_wait_seconds": 60}, "less than max_runtime_seconds"),
        ({"keep_alive_seconds": 60, "max_wait_seconds": 90_000}, "spot instances"),
        ({"subnets": ["subnet-1"]}, "Give both or none"),
        ({"metrics": "total"}, "metrics is a text"),
        ({"metrics": [str(n) for n in range(41)]}, "41 metrics"),
        ({"tags": {"aws:mine": "1"}}, "aws:mine"),
        ({"environment": {"A": "x" * 513}}, "513 characters"),
        ({"environment": ["NOT_SET_ANYWHERE"]}, "NOT_SET_ANYWHERE"),
        ({"input_mode": "Files"}, "Choose of File"),
        ({"compression": "ZIP"}, "Choose of GZIP"),
        ({"max_attempts": 31}, "max_attempts is 31"),
    ],
)
def test_a_wrong_option_is_told_before_anything_happens(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        RemoteOptions(**options)
