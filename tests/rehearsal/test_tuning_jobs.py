"""A search for hyperparameters can be tried out here, with its limits, endings and refusals."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.docker.engine import DockerEngine
from tg.rehearsal import Rehearsal
from tg.rehearsal.hyperparameter_search import candidates

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]
Tune = Callable[..., dict[str, Any]]
Members = Callable[[str], dict[str, bytes]]

# reports its hyperparameter x as the score, unless it is asked for something else
PROGRAM = r"""#!/usr/bin/env python3
import json, pathlib, sys, time
base = pathlib.Path("/opt/ml")
asked = json.loads((base / "input/config/hyperparameters.json").read_text())
(base / "model/asked.json").write_text(json.dumps(asked))
time.sleep(float(asked.get("sleep", "0")))
if asked.get("mood") == "bad":
    sys.exit(1)
if asked.get("mood") != "silent":
    print(f"score={asked['x']};", flush=True)
"""
CATEGORICAL = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2", "3"]}]}
CONTINUOUS = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.5", "MaxValue": "2"}]}


@pytest.fixture(scope="module")
def tuned_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    context = tmp_path_factory.mktemp("tuned-image")
    (context / "train").write_text(PROGRAM)
    (context / "train").chmod(0o755)
    own = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    base = os.environ.get("TG_BASE_IMAGE") or own
    name = f"tg-tuning-test-{secrets.token_hex(4)}:1"
    # an image of its own: another session may build, use and remove the same at this moment
    text = f"FROM {base}\nCOPY train /usr/local/bin/train\nLABEL test={name}\n"
    (context / "Dockerfile").write_text(text)
    engine = DockerEngine()
    engine.call(["build", "--tag", name, str(context)], env={"DOCKER_BUILDKIT": "0"})
    yield name
    engine.call(["image", "rm", name])


@pytest.fixture
def wanted(cloud: Rehearsal) -> Tune:
    """Arguments of ``create_hyper_parameter_tuning_job``."""

    def make(
        ranges: dict[str, Any],
        strategy: str = "Random",
        *,
        image: str = "no-such-image:1",
        most: int | None = None,
        parallel: int = 2,
        static: dict[str, str] | None = None,
        definition: dict[str, Any] | None = None,
        **config: Any,
    ) -> dict[str, Any]:
        limits = {"MaxParallelTrainingJobs": parallel}
        limits |= {"MaxNumberOfTrainingJobs": most} if most else {}
        return {
            "HyperParameterTuningJobName": f"tune-{secrets.token_hex(4)}",
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                "ResourceLimits": limits,
                "ParameterRanges": ranges,
                **config,
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": static or {},
                "AlgorithmSpecification": {
                    "TrainingImage": image,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*?);"}],
                },
                "RoleArn": cloud.role_arn,
                "OutputDataConfig": {"S3OutputPath": f"s3://{cloud.bucket}/tuned"},
                "ResourceConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 10,
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                **(definition or {}),
            },
        }

    return make


@pytest.fixture
def over(client: Clients) -> Callable[[str], dict[str, Any]]:
    """Wait for the end of a tuning job, and describe it."""
    sagemaker = client("sagemaker")

    def wait(name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 300
        while True:
            job: dict[str, Any] = sagemaker.describe_hyper_parameter_tuning_job(
                HyperParameterTuningJobName=name
            )
            if "HyperParameterTuningEndTime" in job:
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.1)

    return wait


@pytest.fixture
def tuned(client: Clients, wanted: Tune, over: Callable[[str], dict[str, Any]]) -> Tune:
    """Run a tuning job to its end."""

    def run(*args: Any, **kwargs: Any) -> dict[str, Any]:
        request = wanted(*args, **kwargs)
        client("sagemaker").create_hyper_parameter_tuning_job(**request)
        return over(request["HyperParameterTuningJobName"])

    return run


def trainings(client: Clients, name: str, **asked: Any) -> list[dict[str, Any]]:
    found = client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, MaxResults=100, **asked
    )
    return list(found["TrainingJobSummaries"])


def most_at_once(found: list[dict[str, Any]]) -> int:
    """How many trainings there were at the same time, by what is told of them."""
    moments = [(entry["CreationTime"], 1) for entry in found]
    moments += [(entry["TrainingEndTime"], -1) for entry in found]
    return max(itertools.accumulate(step for _, step in sorted(moments)))


@pytest.mark.docker
def test_a_search_runs_its_trainings_and_finds_the_best(
    client: Clients, wanted: Tune, over: Callable[[str], dict[str, Any]], members: Members,
    tuned_image: str,
) -> None:  # fmt: skip
    request = wanted(CONTINUOUS, "Bayesian", image=tuned_image, most=4, static={"sleep": "0.5"})
    request["Tags"] = [{"Key": "team", "Value": "tea"}]
    name = request["HyperParameterTuningJobName"]
    sagemaker = client("sagemaker")
    arn = sagemaker.create_hyper_parameter_tuning_job(**request)["HyperParameterTuningJobArn"]
    assert arn.endswith(f":hyper-parameter-tuning-job/{name}")
    job = over(name)
    assert most_at_once(trainings(client, name)) == 2
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    found = trainings(client, name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [entry["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for entry in found]
    assert values == sorted(values, reverse=True)
    assert all(0.5 <= value <= 2 for value in values)
    assert len(set(values)) == 4
    assert values == [float(entry["TunedHyperParameters"]["x"]) for entry in found]
    best = job["BestTrainingJob"]
    assert best == {**found[0], "TuningJobName": name}
    assert best["TrainingJobName"].startswith(f"{name}-00")
    assert "OverallBestTrainingJob" not in job
    training = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert training["TuningJobArn"] == arn
    # what the container was given is what the service says that it was given
    asked = {"_tuning_objective_metric": "score", "sleep": "0.5", **best["TunedHyperParameters"]}
    assert training["HyperParameters"] == asked
    stored = members(training["ModelArtifacts"]["S3ModelArtifacts"])
    assert json.loads(stored["asked.json"]) == asked
    tags = sagemaker.list_tags(ResourceArn=training["TrainingJobArn"])["Tags"]
    assert tags == request["Tags"] == sagemaker.list_tags(ResourceArn=arn)["Tags"]


@pytest.mark.docker
def test_a_grid_has_each_cell_once(client: Clients, tuned: Tune, tuned_image: str) -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "x", "Values": ["1", "2"]},
            {"Name": "y", "Values": ["a", "b"]},
        ]
    }
    job = tuned(ranges, "Grid", image=tuned_image, parallel=4)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    found = trainings(client, job["HyperParameterTuningJobName"])
    cells = sorted(tuple(entry["TunedHyperParameters"].values()) for entry in found)
    assert cells == [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b")]
    # of equals the first is the best
    assert job["BestTrainingJob"]["TunedHyperParameters"]["x"] == "2"


@pytest.mark.docker
def test_failed_trainings_are_counted_and_the_search_goes_on(
    client: Clients, tuned: Tune, tuned_image: str
) -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "mood", "Values": ["bad", "silent", "good"]},
            {"Name": "x", "Values": ["1"]},
        ]
    }
    job = tuned(ranges, "Grid", image=tuned_image, parallel=3)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    counted = job["TrainingJobStatusCounters"]
    assert (counted["Completed"], counted["NonRetryableError"], counted["InProgress"]) == (2, 1, 0)
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 2}
    assert job["BestTrainingJob"]["TunedHyperParameters"]["mood"] == "good"
    listed = trainings(
        client, job["HyperParameterTuningJobName"], SortBy="FinalObjectiveMetricValue"
    )
    assert [entry["TunedHyperParameters"]["mood"] for entry in listed] == ["good"]


@pytest.mark.docker
@pytest.mark.parametrize(
    ("mood", "reason"),
    [("bad", "All training jobs failed"), ("silent", "No objective metrics found after running 2")],
)
def test_a_search_without_any_objective_fails_and_says_why(
    tuned: Tune, tuned_image: str, mood: str, reason: str
) -> None:
    job = tuned(CONTINUOUS, image=tuned_image, most=2, static={"mood": mood})
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(reason)
    assert "BestTrainingJob" not in job


@pytest.mark.docker
def test_a_search_ends_when_its_target_is_reached(tuned: Tune, tuned_image: str) -> None:
    criteria = {"TargetObjectiveMetricValue": 0.4}
    job = tuned(
        CONTINUOUS, image=tuned_image, most=50, parallel=1, TuningJobCompletionCriteria=criteria
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 1


@pytest.mark.docker
def test_a_search_ends_when_nothing_gets_better(tuned: Tune, tuned_image: str) -> None:
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    same = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1"]}]}
    job = tuned(same, image=tuned_image, most=50, parallel=1, TuningJobCompletionCriteria=criteria)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    details = job["TuningJobCompletionDetails"]
    assert details["NumberOfTrainingJobsObjectiveNotImproving"] == 3


@pytest.mark.docker
def test_a_stopped_search_stops_its_trainings_and_keeps_what_is_done(
    client: Clients, wanted: Tune, over: Callable[[str], dict[str, Any]], tuned_image: str
) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "sleep", "Values": ["0", "300", "301"]}]}
    request = wanted(ranges, "Grid", image=tuned_image, static={"x": "1"})
    name = request["HyperParameterTuningJobName"]
    sagemaker = client("sagemaker")
    sagemaker.create_hyper_parameter_tuning_job(**request)
    while not (
        job := sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    ).get("BestTrainingJob"):
        time.sleep(0.05)
    assert job["HyperParameterTuningJobStatus"] == "InProgress"
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = over(name)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Completed"] == 1
    assert job["TrainingJobStatusCounters"]["InProgress"] == 0
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"sleep": "0"}
    with pytest.raises(ClientError, match="status Stopped"):
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


@pytest.mark.docker
def test_a_warm_start_knows_the_best_of_its_parents(
    client: Clients, wanted: Tune, tuned: Tune, over: Callable[[str], dict[str, Any]],
    tuned_image: str,
) -> None:  # fmt: skip
    one = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["9"]}]}
    parent = tuned(one, image=tuned_image, most=1)["HyperParameterTuningJobName"]
    request = wanted(CATEGORICAL, "Random", image=tuned_image, most=1)
    request["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": parent}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    client("sagemaker").create_hyper_parameter_tuning_job(**request)
    job = over(request["HyperParameterTuningJobName"])
    assert job["OverallBestTrainingJob"]["TuningJobName"] == parent
    assert job["BestTrainingJob"]["TuningJobName"] == request["HyperParameterTuningJobName"]


@pytest.mark.docker
def test_trainings_wait_for_instances_that_others_use(
    cloud: Rehearsal, client: Clients, asked: Callable[..., dict[str, Any]], wanted: Tune,
    over: Callable[[str], dict[str, Any]], tuned_image: str,
) -> None:  # fmt: skip
    cloud.quotas["ml.m5.large"] = 1
    try:
        sagemaker = client("sagemaker")
        with pytest.raises(ClientError, match="ResourceLimitExceeded") as caught:
            sagemaker.create_hyper_parameter_tuning_job(**wanted(CATEGORICAL, most=2))
        assert "asks for 2 Instances" in str(caught.value)
        other = asked(tuned_image, HyperParameters={"x": "1", "sleep": "2"})
        sagemaker.create_training_job(**other)
        request = wanted(CATEGORICAL, image=tuned_image, most=2, parallel=1)
        sagemaker.create_hyper_parameter_tuning_job(**request)
        job = over(request["HyperParameterTuningJobName"])
        assert job["TrainingJobStatusCounters"]["Completed"] == 2
        ended = sagemaker.describe_training_job(TrainingJobName=other["TrainingJobName"])
        first = trainings(client, job["HyperParameterTuningJobName"], SortBy="CreationTime")[0]
        assert first["CreationTime"] >= ended["TrainingEndTime"]
    finally:
        del cloud.quotas["ml.m5.large"]


@pytest.mark.docker
def test_tuning_jobs_are_listed_tagged_and_deleted(client: Clients, tuned: Tune) -> None:
    names = [  # their image is not there: they fail at once
        tuned(CATEGORICAL, most=1)["HyperParameterTuningJobName"] for _ in range(3)
    ]
    sagemaker = client("sagemaker")
    pages = sagemaker.get_paginator("list_hyper_parameter_tuning_jobs").paginate(
        NameContains="tune-", StatusEquals="Failed", PaginationConfig={"PageSize": 2}
    )
    listed = [
        entry["HyperParameterTuningJobName"]
        for page in pages
        for entry in page["HyperParameterTuningJobSummaries"]
    ]
    assert listed == sorted(listed)
    assert set(names) <= set(listed)
    asked = {"HyperParameterTuningJobName": names[0]}
    arn = sagemaker.describe_hyper_parameter_tuning_job(**asked)["HyperParameterTuningJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    sagemaker.delete_hyper_parameter_tuning_job(**asked)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_hyper_parameter_tuning_job(**asked)


@pytest.mark.docker
def test_a_name_is_used_once(client: Clients, wanted: Tune) -> None:
    request = wanted(CATEGORICAL, most=1)
    client("sagemaker").create_hyper_parameter_tuning_job(**request)
    with pytest.raises(ClientError, match="ResourceInUse"):
        client("sagemaker").create_hyper_parameter_tuning_job(**request)


def continuous(**values: str) -> dict[str, Any]:
    entry = {"Name": "x", "MinValue": "0.1", "MaxValue": "1", **values}
    return {"ContinuousParameterRanges": [entry]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranges": {}}, "must be between 1 and 30"),
        ({"most": None}, "MaxNumberOfTrainingJobs is required"),
        ({"strategy": "Best"}, "enum value set"),
        ({"strategy": "Hyperband"}, "plays neither"),
        ({"strategy": "Grid", "ranges": CONTINUOUS}, "categorical hyperparameters only"),
        ({"strategy": "Grid", "most": 7}, "number of combinations of the grid, 3"),
        ({"static": {"x": "1"}}, "defined more than once"),
        ({"ranges": continuous(MinValue="2")}, "must not exceed"),
        ({"ranges": continuous(MinValue="low")}, "could not convert"),
        ({"ranges": continuous(MinValue="0", ScalingType="Logarithmic")}, "greater than 0"),
        ({"ranges": continuous(ScalingType="ReverseLogarithmic")}, "within 0<=x<1.0"),
        ({"definition": {"RoleArn": f"arn:aws:iam::{'1' * 12}:role/none"}}, "[Rr]ole"),
        ({"definition": {"EnableManagedSpotTraining": True}}, "MaxWaitTimeInSeconds"),
        (
            {"definition": {"OutputDataConfig": {"S3OutputPath": "s3://no-such-bucket-here/x"}}},
            "does not exist",
        ),
        (
            {
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "loss"},
            },
            "'loss' is not in the metric definitions",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    client: Clients, wanted: Tune, changes: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"ranges": CATEGORICAL, "most": 3, **changes}
    with pytest.raises(ClientError, match=message) as caught:
        client("sagemaker").create_hyper_parameter_tuning_job(**wanted(**arguments))
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_an_objective_without_a_definition_is_refused_in_the_services_words(
    client: Clients, wanted: Tune
) -> None:
    request = wanted(CATEGORICAL, most=3)
    del request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    with pytest.raises(ClientError, match="Provide a metric in the metric definitions"):
        client("sagemaker").create_hyper_parameter_tuning_job(**request)


@pytest.mark.docker
def test_a_search_ends_with_the_rehearsal(tuned_image: str) -> None:
    # in a process of its own: one rehearsal is open in this one
    program = f"""
import boto3
from tg.rehearsal import Rehearsal
with Rehearsal(grace_seconds=1.0) as cloud:
    request = {{
        "HyperParameterTuningJobName": "left",
        "HyperParameterTuningJobConfig": {{
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {{"Type": "Maximize", "MetricName": "score"}},
            "ResourceLimits": {{"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 2}},
            "ParameterRanges": {CONTINUOUS!r},
        }},
        "TrainingJobDefinition": {{
            "StaticHyperParameters": {{"sleep": "300"}},
            "AlgorithmSpecification": {{
                "TrainingImage": {tuned_image!r},
                "TrainingInputMode": "File",
                "MetricDefinitions": [{{"Name": "score", "Regex": "score=(.*?);"}}],
            }},
            "RoleArn": cloud.role_arn,
            "OutputDataConfig": {{"S3OutputPath": "s3://" + cloud.bucket + "/tuned"}},
            "ResourceConfig": {{
                "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1
            }},
            "StoppingCondition": {{"MaxRuntimeInSeconds": 600}},
        }},
    }}
    client = boto3.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**request)
    while not client.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]:
        pass
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    shown = ["docker", "ps", "--all", "--quiet", "--filter", f"ancestor={tuned_image}"]
    assert not subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()


SCALINGS = st.sampled_from(["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"])


@given(st.tuples(st.floats(1e-12, 0.99), st.floats(1e-12, 0.99)), SCALINGS, st.integers(0, 2**31))
def test_drawn_numbers_lie_in_their_range_on_every_scale(
    ends: tuple[float, float], scaling: str, seed: int
) -> None:
    low, high = sorted(ends)
    entry = {"Name": "x", "MinValue": repr(low), "MaxValue": repr(high), "ScalingType": scaling}
    drawing = candidates("Random", {"ContinuousParameterRanges": [entry]}, seed)
    assert all(low <= float(next(drawing)["x"]) <= high for _ in range(5))


@given(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), st.integers(0, 2**31))
def test_drawn_whole_numbers_lie_in_their_range(ends: tuple[int, int], seed: int) -> None:
    low, high = sorted(ends)
    for scaling in ("Auto", "Linear", "Logarithmic"):
        entry = {"Name": "x", "MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}
        drawing = candidates("Bayesian", {"IntegerParameterRanges": [entry]}, seed)
        assert all(low <= int(next(drawing)["x"]) <= high for _ in range(5))


def test_a_seed_repeats_a_search_and_no_value_comes_twice_while_there_are_others() -> None:
    first, again = (candidates("Random", CATEGORICAL, 7) for _ in range(2))
    drawn = [next(first)["x"] for _ in range(3)]
    assert drawn == [next(again)["x"] for _ in range(3)]
    assert sorted(drawn) == ["1", "2", "3"]
