"""The SDK's trainer and tuner go the remote executor's path, and come to the same result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from executor_suite import LISTING

from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.rehearsal]

PROGRAM = Path(__file__).with_name("sdk_rehearsal_program.py")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    for name in ("moto", "boto3", "bcrypt"):
        pytest.importorskip(name, reason="the extra [rehearsal] is not installed")
    with Rehearsal() as rehearsal:
        yield rehearsal


@pytest.fixture
def run_program(
    run_sdk: Callable[..., dict[str, Any]], tea_shop: Path, cloud: Rehearsal
) -> Callable[..., dict[str, Any]]:
    """Run one of the programs in a project, with the rehearsal for the cloud."""

    def run(name: str, **variables: str) -> dict[str, Any]:
        # the SDK wants the role to have rights that no training here needs
        own = {"SHOP_BUCKET": cloud.bucket, "SAGEMAKER_VALIDATE_ROLE": "false"}
        return run_sdk(PROGRAM, name, {**cloud.environment, **own, **variables})

    return run


def test_the_sdks_trainer_comes_to_the_result_of_the_remote_executor(
    run_program: Callable[..., dict[str, Any]],
) -> None:
    compared = run_program("parity")
    assert compared["ours"] == compared["theirs"]
    assert compared["theirs"]["status"] == "Completed"
    assert compared["theirs"]["list"] == LISTING
    assert compared["theirs"]["metrics"] == {"total": (1.0 / 3 * 0.3).hex()}
    assert compared["names"][0] != compared["names"][1]
    # the log was followed to its end
    assert f"###METRIC###total:{1.0 / 3 * 0.3}###" in compared["log"]


def test_the_sdks_tuner_searches_over_the_image_of_the_remote_executor(
    cloud: Rehearsal, run_program: Callable[..., dict[str, Any]]
) -> None:
    compared = run_program("tuning")
    # the cell that it found best, trained again by hand, has the same result bit for bit
    assert compared["ours"] == compared["theirs"]
    assert compared["images"][0] == compared["images"][1]
    weight, folds = float(compared["values"]["weight:float"]), int(compared["values"]["folds"])
    assert compared["theirs"]["metrics"] == {"total": (1.0 / 3 * weight).hex()}
    # the task was given typed values, and nothing of the tuner's own
    assert compared["given"]["_tuning_objective_metric"] == "total"
    assert compared["applied"] == {"weight": repr(weight), "folds": repr(folds)}
    assert compared["environment"]["COLOUR"] == "green"
    assert re.fullmatch(r"SumTask-[0-9a-f]{8}-\d{6}-\d{4}", compared["tuning_job"])
    table = compared["table"]
    assert len(table) == 3
    best = max(table, key=lambda row: row["FinalObjectiveValue"])
    assert float(best["weight:float"]) == weight
    assert cloud.calls("sagemaker.CreateHyperParameterTuningJob").count == 1


def test_a_search_whose_trainings_fail_says_so(
    run_program: Callable[..., dict[str, Any]],
) -> None:
    failed = run_program("failure")
    assert "All training jobs failed" in failed["error"], failed


def test_a_role_that_the_sdk_refuses_is_an_error_with_a_way_out(
    run_program: Callable[..., dict[str, Any]],
) -> None:
    refused = run_program("refusal", SAGEMAKER_VALIDATE_ROLE="true")
    assert refused["type"] == "ConfigError"
    assert "SAGEMAKER_VALIDATE_ROLE=false" in refused["error"]
    assert "ec2:CreateNetworkInterface" in refused["error"]
