"""What breaks at the service, and what is left of it then: retries, reasons, outputs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tg.common import errors
from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]
Until = Callable[..., dict[str, Any]]
Members = Callable[[str], dict[str, bytes]]

INTERNAL = "InternalServerError: We encountered an internal error. Please try again."


@pytest.fixture(autouse=True)
def _well_again(cloud: Rehearsal) -> Iterator[None]:
    yield
    cloud.faults.clear()


def stages(job: dict[str, Any]) -> list[str]:
    return [entry["Status"] for entry in job["SecondaryStatusTransitions"]]


def counting(
    cloud: Rehearsal, asked: Asked, image: str, how: dict[str, str], **more: Any
) -> dict[str, Any]:
    """Ask for a job that counts, ten in a second, and keeps the count."""
    request = asked(image, HyperParameters=how, **more)
    uri = f"s3://{cloud.bucket}/mishaps/{request['TrainingJobName']}"
    request["CheckpointConfig"] = {"S3Uri": uri, "LocalPath": "/opt/ml/checkpoints"}
    return request


def test_a_job_whose_instance_breaks_fails_with_the_services_words(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    cloud.faults.breakdown()
    request = asked(image, HyperParameters={"sleep": "60"})
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", INTERNAL)


def test_a_retry_goes_on_from_what_was_stored_before_the_break(
    cloud: Rehearsal,
    client: Clients,
    asked: Asked,
    ended: Ended,
    until: Until,
    members: Members,
    image: str,
) -> None:
    # it waits in its first attempt, so that the break meets it however busy the machine is
    how = {"count_to": "20", "holds_at": "5"}
    request = counting(cloud, asked, image, how, RetryStrategy={"MaximumRetryAttempts": 1})
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    storage, kept = client("s3"), f"mishaps/{name}/count"

    def has_kept(_: object) -> bool:
        return "Contents" in storage.list_objects_v2(Bucket=cloud.bucket, Prefix=kept)

    until(name, has_kept)
    cloud.break_down(name)
    job = ended(name)
    assert job["TrainingJobStatus"] == "Completed", job
    assert job["RetryStrategy"] == {"MaximumRetryAttempts": 1}
    shown = stages(job)
    again = shown.index("Restarting")
    assert shown[again : again + 4] == ["Restarting", "Starting", "Downloading", "Training"]
    model = members(job["ModelArtifacts"]["S3ModelArtifacts"])
    assert 0 < int(model["began_at"]) <= 5
    # nothing is told to a container that breaks: it has had no time to save a model
    assert "stopped.txt" not in model


def test_a_job_is_tried_again_no_more_often_than_asked(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    cloud.faults.breakdown(times=None)
    request = asked(
        image, HyperParameters={"sleep": "60"}, RetryStrategy={"MaximumRetryAttempts": 2}
    )
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["FailureReason"] == INTERNAL
    assert stages(job).count("Training") == 3


def test_an_error_of_the_training_itself_is_not_tried_again(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(
        image, HyperParameters={"failure": "no rows"}, RetryStrategy={"MaximumRetryAttempts": 3}
    )
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["FailureReason"].startswith("AlgorithmError")
    assert stages(job).count("Training") == 1


def test_interruptions_can_be_asked_for_before_the_job_is_there(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    # jobs of other tests may still go on: these have names of their own
    cloud.faults.interruption("early-*", times=1, seconds=1.0)
    plain = asked(image)
    spot = counting(
        cloud,
        asked,
        image,
        {"count_to": "200"},  # on a busy machine a container is seen late
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
    )
    for request in (plain, spot):
        request["TrainingJobName"] = f"early-{request['TrainingJobName']}"
        client("sagemaker").create_training_job(**request)
        job = ended(request["TrainingJobName"])
        assert job["TrainingJobStatus"] == "Completed"
        assert stages(job).count("Interrupted") == (1 if request is spot else 0)


def test_only_instances_of_jobs_that_are_there_break(cloud: Rehearsal) -> None:
    with pytest.raises(errors.RunNotFoundError, match="nobody"):
        cloud.break_down("nobody")


def test_a_failed_job_keeps_its_output_but_no_model(
    cloud: Rehearsal,
    client: Clients,
    asked: Asked,
    ended: Ended,
    members: Members,
    image: str,
) -> None:
    request = asked(image, HyperParameters={"output": "as far as it came", "failure": "no rows"})
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    job = ended(name)
    assert stages(job)[-2:] == ["Uploading", "Failed"]
    uri = f"s3://{cloud.bucket}/out/{name}/output/output.tar.gz"
    assert members(uri) == {"extra.txt": b"as far as it came"}
    found = client("s3").list_objects_v2(Bucket=cloud.bucket, Prefix=f"out/{name}/")["Contents"]
    assert [entry["Key"].rpartition("/")[2] for entry in found] == ["output.tar.gz"]


def test_the_model_of_an_earlier_job_is_a_channel_of_the_next(
    cloud: Rehearsal,
    client: Clients,
    asked: Asked,
    ended: Ended,
    members: Members,
    image: str,
) -> None:
    sagemaker, first = client("sagemaker"), asked(image)
    sagemaker.create_training_job(**first)
    model = ended(first["TrainingJobName"])["ModelArtifacts"]["S3ModelArtifacts"]
    channel = {
        "ChannelName": "model",
        "ContentType": "application/x-sagemaker-model",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": model}},
    }
    second = asked(image, InputDataConfig=[channel])
    sagemaker.create_training_job(**second)
    job = ended(second["TrainingJobName"])
    assert "model.tar.gz" in members(job["ModelArtifacts"]["S3ModelArtifacts"])


def test_what_is_told_of_a_job_is_in_order_and_has_its_times(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(image)
    request["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "auc", "Regex": "auc=([0-9.]+);"},
        {"Name": "never", "Regex": "never=([0-9.]+)"},
    ]
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    entries = job["SecondaryStatusTransitions"]
    for earlier, later in itertools.pairwise(entries):
        assert earlier["StartTime"] <= earlier["EndTime"] == later["StartTime"]
    assert entries[0]["StartTime"] >= job["CreationTime"]
    assert entries[-1]["EndTime"] == job["TrainingEndTime"] == job["LastModifiedTime"]
    [metric] = job["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("auc", 0.75)
    assert job["TrainingStartTime"] <= metric["Timestamp"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert job["EnableManagedSpotTraining"] is False
