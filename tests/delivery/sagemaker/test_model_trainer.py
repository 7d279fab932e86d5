from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from executor_suite import LISTING

from tg.common import Loc
from tg.common._core.errors import ConfigError, MissingDependencyError
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.delivery.sagemaker.trainer_options import TrainerOptions
from tg.common.ml.training_core import FunctionTask

PROGRAM = Path(__file__).with_name("sdk_program.py")


def train(data: pd.DataFrame, env: Any, *, factor: float = 1.0) -> dict[str, float]:
    return {"total": float(data["x"].sum() * factor)}


@pytest.fixture
def routine(project: Path) -> SagemakerRoutine:
    folder = Loc.data_cache_path / "datasets" / "tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1, 2]}).to_parquet(folder / "tea.parquet")
    return SagemakerRoutine(FunctionTask(train), "tea.parquet", "tea")


def test_without_the_sdk_the_error_says_what_to_install(
    routine: SagemakerRoutine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sagemaker", None)
    with pytest.raises(MissingDependencyError, match=re.escape("training-grounds[sagemaker]")):
        routine.config.model_trainer()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instance_typ": "local_cpu"}, "Did you mean 'instance_type'"),
        ({"instance_type": "m5.xlarge"}, "no instance type 'm5.xlarge'"),
        ({"instance_count": 0}, "instance_count is 0"),
        ({"instance_count": True}, "instance_count is True"),
        ({"metrics": "total"}, "metrics is a text"),
        ({"checkpoint_uri": "s3://b/c"}, "local mode has no checkpoint_uri"),
        ({"max_runtime_seconds": 60}, "local mode has no max_runtime_seconds"),
        ({"instance_type": "ml.m5.large", "output_uri": "b/c"}, "output_uri is 'b/c'"),
        ({"environment": ["TG_NOT_SET_HERE"]}, "TG_NOT_SET_HERE"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_built(
    routine: SagemakerRoutine, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        routine.config.model_trainer(**options)


def test_the_place_follows_from_the_instance_type() -> None:
    assert TrainerOptions().is_local
    assert TrainerOptions(instance_type="local_gpu").is_local
    assert not TrainerOptions(instance_type="ml.g5.xlarge").is_local


@pytest.fixture
def run_program(
    run_sdk: Callable[..., dict[str, Any]], tea_shop: Path
) -> Callable[[str], dict[str, Any]]:
    """Run one of the programs, in a project, without anything of AWS."""
    return lambda name: run_sdk(PROGRAM, name)


@pytest.fixture
def _compose() -> None:
    """The SDK looks for Compose in this order."""
    plugin = ["docker", "compose", "version"]
    if shutil.which("docker-compose") is None and (
        subprocess.run(plugin, capture_output=True, check=False).returncode != 0
    ):
        pytest.skip("the SDK's local mode needs Docker Compose: apt-get install docker-compose")


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.usefixtures("_compose")
def test_the_sdk_trains_the_same_image_to_the_same_result(
    run_program: Callable[[str], dict[str, Any]],
) -> None:
    compared = run_program("parity")
    assert compared["ours"] == compared["theirs"]
    assert compared["theirs"]["list"] == LISTING
    assert compared["theirs"]["metrics"] == {"total": 1.0 / 3 * 0.3}
    assert compared["images"][0] == compared["images"][1]
    # the folder's name is that of the SDK's container: two trainers never share one
    assert compared["names"][0] == compared["names"][1]
    assert not compared["sdk_in_lock"]


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.usefixtures("_compose")
def test_a_training_that_fails_in_the_sdk_shows_its_traceback_and_exit_code(
    run_program: Callable[[str], dict[str, Any]],
) -> None:
    compared = run_program("failure")
    assert "exited with code: 1" in compared["error"]
    assert "ValueError: the price of tea is unknown" in compared["log"]


@pytest.mark.slow
@pytest.mark.docker  # needs no engine, but the environment that the tests of engines make
def test_what_sagemaker_is_asked_for(run_program: Callable[[str], dict[str, Any]]) -> None:
    (asked,) = run_program("request")["requests"]
    name = asked.pop("TrainingJobName")
    assert re.fullmatch(r"A-job-whose-name-is-lo[A-Za-z0-9-]*-[0-9a-f]{12}-\d{14}", name)
    assert len(name) <= 63
    data = "s3://shop-bucket/sagemaker/tea/datasets"
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in asked.pop("InputDataConfig")
    }
    assert channels == {"training": f"{data}/tea.parquet", "more": f"{data}/more"}
    assert asked == {
        "HyperParameters": {"weight:float": "0.3"},
        "AlgorithmSpecification": {
            "TrainingImage": "registry.example/tea:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "a+b", "Regex": r"###METRIC###a\+b:(.*?)###"}],
        },
        "RoleArn": "arn:aws:iam::111111111111:role/train",
        "OutputDataConfig": {
            "S3OutputPath": "s3://shop-bucket/sagemaker/tea/output",
            "CompressionType": "GZIP",
        },
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 2,
            "VolumeSizeInGB": 50,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {
            "S3Uri": "s3://shop-bucket/checkpoints",
            "LocalPath": "/opt/ml/checkpoints",
        },
        "Environment": {"TQDM_DISABLE": "1", "COLOUR": "green"},
        "Tags": [{"Key": "team", "Value": "tea"}],
    }


@pytest.mark.slow
@pytest.mark.docker  # as above
def test_what_cannot_be_is_refused_before_an_image_is_made(
    run_program: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_DOCKER", "/nowhere/docker")
    refused = run_program("refusals")
    for case, error, message in (
        ("no image", "ConfigError", "needs an image in a registry"),
        ("no field", "HyperparameterError", "wieght"),
        ("no bucket", "ConfigError", "there is no bucket"),
        ("no data", "DatasetNotFoundError", "coffee.parquet"),
        ("odd path", "ConfigError", "has ':' in it"),
    ):
        assert refused[case][0] == error, refused[case]
        assert message in refused[case][1]
