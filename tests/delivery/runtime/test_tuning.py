"""What a tuner adds for itself never reaches a task, and its trainings do not mix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.runtime.folders import TrainingFolders
from tg.common.delivery.runtime.tuning import OBJECTIVE_KEY, own_hyperparameters


def folders_with(path: Path, values: dict[str, str]) -> TrainingFolders:
    folders = TrainingFolders(path)
    folders.create(values)
    return folders


def test_a_task_sees_none_of_what_the_platform_adds(tmp_path: Path) -> None:
    added = {OBJECTIVE_KEY: '"average loss"', "sagemaker_job_name": '"x"'}
    folders = folders_with(tmp_path, {"alpha:float": "0.5", **added})
    assert folders.hyperparameters() == {"alpha:float": "0.5"}
    assert folders.tuning_objective() == "average loss"
    assert folders_with(tmp_path, {"alpha": "1"}).tuning_objective() is None


@pytest.mark.parametrize("name", ["model.name", "model.name:str"])
def test_texts_in_the_quotes_of_json_are_read_where_a_tuner_wrote_them(
    tmp_path: Path, name: str
) -> None:
    folders = folders_with(tmp_path, {OBJECTIVE_KEY: "auc", name: '"adam"', "x:json": '"adam"'})
    assert folders.hyperparameters() == {name: "adam", "x:json": '"adam"'}
    # without a tuner nobody else has written them: what the user gave is what the task gets
    assert folders_with(tmp_path, {name: '"adam"'}).hyperparameters() == {name: '"adam"'}


@given(st.dictionaries(st.text(), st.text()))
def test_no_text_is_lost_or_breaks_the_reading(values: dict[str, str]) -> None:
    own = own_hyperparameters({OBJECTIVE_KEY: "auc", **values})
    assert OBJECTIVE_KEY not in own
    for key, value in own.items():
        assert value in (values[key], _read(values[key]))


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def test_trainings_of_one_tuner_do_not_read_each_others_checkpoints(tmp_path: Path) -> None:
    first, second = TrainingFolders(tmp_path), TrainingFolders(tmp_path)
    first.separate_checkpoints("t-001")
    second.separate_checkpoints("t-002")
    (first.checkpoints / "fold-0.pkl").write_bytes(b"1")
    assert second.checkpoints.is_dir()
    assert not list(second.checkpoints.iterdir())
