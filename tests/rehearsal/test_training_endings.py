"""Stops, limits, interruptions and several hosts: what users cannot try out for free elsewhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]
Members = Callable[[str], dict[str, bytes]]
Until = Callable[..., dict[str, Any]]


def stages(job: dict[str, Any]) -> list[str]:
    return [entry["Status"] for entry in job["SecondaryStatusTransitions"]]


def says(client: Clients, name: str) -> Callable[[object], bool]:
    """Whether the job has printed something."""
    logs = client("logs")

    def look(_: object) -> bool:
        streams = logs.describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
        )
        return bool(streams["logStreams"])

    return look


@pytest.fixture(autouse=True)
def _log_group(client: Clients) -> None:
    """Have the group from the start, so that it can be looked at before a job has written."""
    logs = client("logs")
    try:
        logs.create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    except logs.exceptions.ResourceAlreadyExistsException:
        return


def test_a_stopped_job_keeps_the_model_that_it_saved_in_time(
    client: Clients, asked: Asked, ended: Ended, until: Until, members: Members, image: str
) -> None:
    request = asked(image, HyperParameters={"sleep": "300"})
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    until(name, says(client, name))
    client("sagemaker").stop_training_job(TrainingJobName=name)
    assert client("sagemaker").describe_training_job(TrainingJobName=name)["TrainingJobStatus"] in (
        "Stopping",
        "Stopped",
    )
    job = ended(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert stages(job)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert members(job["ModelArtifacts"]["S3ModelArtifacts"])["stopped.txt"] == b"in time"


def test_a_job_that_ignores_the_signal_is_killed(
    client: Clients, asked: Asked, ended: Ended, until: Until, image: str
) -> None:
    request = asked(image, HyperParameters={"sleep": "300", "deaf": "yes"})
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    until(name, says(client, name))
    client("sagemaker").stop_training_job(TrainingJobName=name)
    assert ended(name)["TrainingJobStatus"] == "Stopped"


def test_a_job_that_takes_too_long_is_stopped_and_says_so(
    client: Clients, asked: Asked, ended: Ended, members: Members, image: str
) -> None:
    request = asked(image, HyperParameters={"sleep": "300"})
    # a busy machine needs a while until the program listens to signals
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 10}
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert "stopped.txt" in members(job["ModelArtifacts"]["S3ModelArtifacts"])


def test_a_spot_job_is_waited_for_no_longer_than_asked(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(
        image,
        HyperParameters={"sleep": "60"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 3, "MaxWaitTimeInSeconds": 3},
    )
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    # the wait began when the job was created, before it ran
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_an_interrupted_spot_job_goes_on_from_its_checkpoint(
    cloud: Rehearsal,
    client: Clients,
    asked: Asked,
    ended: Ended,
    until: Until,
    members: Members,
    image: str,
) -> None:
    uri = f"s3://{cloud.bucket}/kept"
    request = asked(
        image,
        HyperParameters={"count_to": "25", "holds_at": "5"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
        CheckpointConfig={"S3Uri": uri, "LocalPath": "/opt/ml/checkpoints"},
    )
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    storage = client("s3")

    def has_kept(_: object) -> bool:
        return "Contents" in storage.list_objects_v2(Bucket=cloud.bucket, Prefix="kept/count")

    until(name, has_kept)
    cloud.interrupt(name)
    job = ended(name)
    assert job["TrainingJobStatus"] == "Completed"
    assert stages(job).count("Interrupted") == 1
    assert stages(job).count("Training") == 2
    model = members(job["ModelArtifacts"]["S3ModelArtifacts"])
    assert 0 < int(model["began_at"]) < 25
    assert storage.get_object(Bucket=cloud.bucket, Key="kept/count")["Body"].read() == b"25"


def test_several_hosts_see_each_other_and_their_files_become_one_model(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended, members: Members, image: str
) -> None:
    for number in range(4):
        client("s3").put_object(Bucket=cloud.bucket, Key=f"shards/{number}.csv", Body=b"x")
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{cloud.bucket}/shards/",
        "S3DataDistributionType": "ShardedByS3Key",
    }
    request = asked(
        image,
        HyperParameters={"peers": "yes"},
        InputDataConfig=[{"ChannelName": "training", "DataSource": {"S3DataSource": source}}],
    )
    request["ResourceConfig"]["InstanceCount"] = 2
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    model = members(job["ModelArtifacts"]["S3ModelArtifacts"])
    for host in ("algo-1", "algo-2"):
        peers = json.loads(model[f"peers-{host}.json"])
        assert set(peers) == {"algo-1", "algo-2"}
        assert len(set(peers.values())) == 2
        seen = json.loads(model[f"seen-{host}.json"])
        assert seen["config"]["resourceconfig"]["current_host"] == host
        data = [name for name in seen["files"] if name.startswith("input/data/")]
        assert len(data) == 2
    streams = client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs",
        logStreamNamePrefix=f"{request['TrainingJobName']}/",
    )["logStreams"]
    assert [stream["logStreamName"].split("/")[1][:6] for stream in streams] == ["algo-1", "algo-2"]


def test_if_one_host_fails_the_job_fails_with_its_reason(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(
        image, HyperParameters={"failure": "no rows", "failing_host": "algo-2", "sleep": "1"}
    )
    request["ResourceConfig"]["InstanceCount"] = 2
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    assert job["FailureReason"] == "AlgorithmError: no rows, exit code: 1"


def test_an_uncompressed_result_can_be_fetched_file_by_file(
    cloud: Rehearsal, client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(image)
    request["OutputDataConfig"]["CompressionType"] = "NONE"
    client("sagemaker").create_training_job(**request)
    job = ended(request["TrainingJobName"])
    key = f"out/{request['TrainingJobName']}/output/model/"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{cloud.bucket}/{key}"
    answer = client("s3").get_object(Bucket=cloud.bucket, Key=f"{key}seen-algo-1.json")
    assert "config" in json.loads(answer["Body"].read())


def test_a_job_leaves_nothing_in_the_engine(
    client: Clients, asked: Asked, ended: Ended, image: str
) -> None:
    request = asked(image)
    request["ResourceConfig"]["InstanceCount"] = 2
    name = request["TrainingJobName"]
    client("sagemaker").create_training_job(**request)
    ended(name)
    for listing in (["ps", "--all", "--format", "{{.Names}}"], ["network", "ls"]):
        shown = subprocess.run(["docker", *listing], capture_output=True, text=True, check=True)
        assert name not in shown.stdout
