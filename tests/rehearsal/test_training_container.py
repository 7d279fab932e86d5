"""What users rehearse is what they pay for later: the contract between service and container."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]
Members = Callable[[str], dict[str, bytes]]


def test_a_training_runs_as_a_container_and_its_model_is_in_storage(
    cloud: Rehearsal,
    client: Clients,
    asked: Asked,
    ended: Ended,
    members: Members,
    image: str,
) -> None:
    client("s3").put_object(Bucket=cloud.bucket, Key="data/set/a.csv", Body=b"1,2")
    client("s3").put_object(Bucket=cloud.bucket, Key="data/set/sub/b.csv", Body=b"3,4")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{cloud.bucket}/data/set"}
    request = asked(
        image,
        HyperParameters={"output": "more", "rate": "0.1"},
        Environment={"SAID": "aloud"},
        InputDataConfig=[{"ChannelName": "training", "DataSource": {"S3DataSource": source}}],
    )
    request["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "auc", "Regex": "auc=([0-9.]+);"}
    ]
    name = request["TrainingJobName"]

    created = client("sagemaker").create_training_job(**request)
    job = ended(name)

    assert created["TrainingJobArn"] == job["TrainingJobArn"]
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    stages = [entry["Status"] for entry in job["SecondaryStatusTransitions"]]
    assert stages == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] >= 1
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("auc", 0.75)]
    base = f"s3://{cloud.bucket}/out/{name}/output"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{base}/model.tar.gz"
    model = members(f"{base}/model.tar.gz")
    assert (model["a.csv"], model["b.csv"]) == (b"1,2", b"3,4")
    assert members(f"{base}/output.tar.gz") == {"extra.txt": b"more"}
    seen = json.loads(model["seen-algo-1.json"])
    assert seen["config"]["hyperparameters"] == {"output": "more", "rate": "0.1"}
    assert seen["config"]["inputdataconfig"]["training"]["TrainingInputMode"] == "File"
    assert seen["config"]["resourceconfig"]["hosts"] == ["algo-1"]
    assert {"input/data/training/a.csv", "input/data/training/sub/b.csv"} <= set(seen["files"])
    assert seen["environment"]["TRAINING_JOB_NAME"] == name


def test_the_log_is_in_the_group_and_stream_where_it_is_looked_for(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(image, Environment={"SAID": "aloud"})
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    ended(name)
    logs, group = client("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")
    [stream] = streams["logStreams"]
    assert stream["logStreamName"].startswith(f"{name}/algo-1-")
    events = logs.get_log_events(
        logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    lines = [event["message"].strip() for event in events]
    assert lines == ["auc=0.25;", "auc=0.75;", "", "said by algo-1 aloud"]


def test_a_failure_is_told_in_the_services_words(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(image, HyperParameters={"failure": "ValueError: no rows", "exit": "3"})
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: ValueError: no rows, exit code: 3"
    assert "ModelArtifacts" not in job or not job["ModelArtifacts"].get("S3ModelArtifacts")


def test_a_long_failure_is_cut_as_the_service_cuts_it(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(image, HyperParameters={"failure": "x" * 2_000})
    client("sagemaker").create_training_job(**request)
    assert len(ended(request["TrainingJobName"])["FailureReason"]) == 1_024


def test_an_image_that_is_nowhere_is_a_failed_job(
    client: Clients, asked: Asked, ended: Ended
) -> None:
    request = asked("tg-rehearsal-no-such-image:1")
    client("sagemaker").create_training_job(**request)
    assert "Cannot pull algorithm container" in ended(request["TrainingJobName"])["FailureReason"]
