"""One submission is one training: told from that of others, found after a lost answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import AwsConnectionError, AwsCredentialsError, NamingError
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.job_creation import create_job
from tg.common.delivery.sagemaker.patience import Patience
from tg.common.delivery.sagemaker.submission import SubmissionNote, check_same_training

IN_USE = '{"__type": "ResourceInUse", "message": "a job with this name already exists"}'
JSON = "application/x-amz-json-1.1"


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "tea-1",
        "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/tea",
        "OutputDataConfig": {"S3OutputPath": "s3://tea-data/output"},
        "HyperParameters": {"sugar": "1"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 9},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }


def test_a_job_that_was_there_is_given_if_it_is_the_same_training(answers: Any) -> None:
    answers.give(400, IN_USE, JSON)
    there = asked(RoleArn="arn:aws:iam::123456789012:role/other")
    assert create_job(AwsClients(), asked(), lambda: there) == there


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"OutputDataConfig": {"S3OutputPath": "s3://other/output"}}, "its output is 's3://other"),
        ({"HyperParameters": {"sugar": "2"}}, "its hyperparameters is"),
        ({"ResourceConfig": {"InstanceType": "ml.p4d", "InstanceCount": 1}}, r"ml\.p4d"),
    ],
)
def test_a_job_of_our_name_that_trains_something_else_is_refused(
    answers: Any, changes: dict[str, Any], said: str
) -> None:
    answers.give(400, IN_USE, JSON)
    with pytest.raises(NamingError, match=said) as caught:
        create_job(AwsClients(), asked(), lambda: asked(**changes))
    assert "name=" in caught.value.hint


def test_a_folder_named_with_a_slash_is_the_same_place() -> None:
    there = asked(OutputDataConfig={"S3OutputPath": "s3://tea-data/output/"})
    check_same_training(there, asked())


def test_when_nothing_answers_it_is_told_that_the_job_may_be_there(answers: Any) -> None:
    answers.give(0, "")
    with pytest.raises(AwsConnectionError, match="'tea-1' was created is not known") as caught:
        create_job(AwsClients(attempts=1), asked(), lambda: pytest.fail("nobody is asked"))
    assert "the same submission finds it" in caught.value.hint


def test_a_note_stays_until_the_result_was_fetched(tmp_path: Path) -> None:
    note = SubmissionNote(tmp_path, "tea-1")
    assert not note.is_open
    note.open()
    note.open()
    assert SubmissionNote(tmp_path, "tea-1").is_open
    note.close()
    note.close()
    assert not note.is_open


class Passing:
    """Time that passes when it is slept."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_an_outage_is_waited_out_and_a_refusal_is_not() -> None:
    time = Passing()
    patience = Patience(60, sleep=time.sleep, clock=time.clock)

    def down_for_20_seconds() -> str:
        if time.now < 20:
            raise AwsConnectionError("nobody answers")
        return "Completed"

    assert patience.ask(down_for_20_seconds) == "Completed"
    assert 20 <= time.now < 40

    def refuse() -> str:
        raise AwsCredentialsError("they have expired")

    began = time.now
    with pytest.raises(AwsCredentialsError):
        patience.ask(refuse)
    assert time.now == began


def test_an_outage_without_an_end_is_told_at_the_deadline() -> None:
    time = Passing()
    patience = Patience(60, sleep=time.sleep, clock=time.clock)

    def down() -> str:
        raise AwsConnectionError("nobody answers")

    with pytest.raises(AwsConnectionError):
        patience.ask(down, deadline=10)
    assert time.now == 10
    with pytest.raises(AwsConnectionError):
        patience.ask(down)
    assert time.now == 70
