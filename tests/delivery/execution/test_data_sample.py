"""Other data are other trainings, also where their size and time are those of the old ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tg.common.delivery.execution.data_sample import sample_of
from tg.common.delivery.execution.request import TrainingRequest
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.ml.training_core import FunctionTask


def _train(data: Path, env: object) -> None:
    """Do nothing."""


def request_of(project: Path) -> TrainingRequest:
    task = FunctionTask(_train)
    routine = SagemakerRoutine(task, "d", "p", datasets_folder=project / "datasets", name="x")
    return routine.config.request(None)


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (315_532_800, 315_532_800))  # as archives unpack that are to be reproducible


@pytest.mark.parametrize("name", ["d", "d/part.npy"])
@pytest.mark.parametrize("size", [1, 65_536, 65_537, 1_000_000])
def test_no_result_of_other_data_is_taken_for_a_result_of_these(
    project: Path, name: str, size: int
) -> None:
    path = project / "datasets/p" / name
    write(path, b"1" * size)
    before = request_of(project).data_fingerprint()
    assert request_of(project).data_fingerprint() == before
    write(path, b"2" * size)
    assert request_of(project).data_fingerprint() != before


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 70_000, 10_000_000])
def test_both_ends_of_a_file_count(tmp_path: Path, size: int) -> None:
    path = tmp_path / "f"
    samples = set()
    for place in {0, max(0, size - 1)}:
        data = bytearray(size)
        if size:
            data[place] = 1
        path.write_bytes(data)
        samples.add(sample_of(path, size))
    assert len(samples) == (2 if size > 1 else 1)


def test_what_cannot_be_read_is_told_by_its_training(tmp_path: Path) -> None:
    assert sample_of(tmp_path / "gone", 1) == ""
