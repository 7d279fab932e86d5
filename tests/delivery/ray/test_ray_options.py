"""What can be told without a cluster, and without Ray."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common import Loc
from tg.common._core.errors import (
    ConfigError,
    EngineError,
    EngineUnavailableError,
    MissingDependencyError,
)
from tg.common.delivery.ray import RayExecutor, RayOptions
from tg.common.delivery.ray.jobs import RayJobs
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.ml.training_core import FunctionTask


def train(data: Any, env: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"libraries": "conda"}, "libraries is 'conda'"),
        ({"cpus": -1}, "cpus is -1"),
        ({"cpus": "2"}, "cpus is '2'"),
        ({"gpus": True}, "gpus is True"),
        ({"resources": {"tpu": None, "fpga": -1}}, "fpga"),
        ({"cpus": 0}, "would run on the head"),
        ({"shared_folder": "here"}, "absolute path"),
    ],
)
def test_a_wrong_option_is_told_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RayOptions(**options)


def test_options_survive_a_journal() -> None:
    options = RayOptions(
        address="http://head:8265", shared_folder=Path("/all"), gpus=1, memory_gib=0.5, cpus=0
    )
    again = RayOptions(**options.record())
    assert again.record() == options.record()
    assert again.request == {"entrypoint_num_gpus": 1, "entrypoint_memory": 2**29}


def test_without_ray_the_error_says_what_to_install_before_anything_is_packed(
    project: Path, monkeypatch: pytest.MonkeyPatch, write_files: Callable[..., None]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.job_submission", None)
    folder = Loc.data_cache_path / "datasets" / "tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    executor = RayExecutor(SagemakerRoutine(FunctionTask(train), "d.parquet", "tea"))
    with pytest.raises(MissingDependencyError, match=r"training-grounds\[ray\]"):
        executor.submit()
    assert not executor.runs_folder.exists()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("status code 500: No available agent, please try again later.", EngineUnavailableError),
        ("status code 400: no such field", EngineError),
    ],
)
def test_a_cluster_that_is_not_ready_is_asked_again_one_that_refuses_is_not(
    said: str, error: type[EngineError]
) -> None:
    class Client:
        def list_jobs(self) -> None:
            raise RuntimeError(said)

    jobs = RayJobs("http://head:8265")
    jobs._known = Client()
    with pytest.raises(EngineError, match="refuses list_jobs") as caught:
        jobs.all()
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("address", "job"), [("http://head:40404", "tea-1"), ("http://head:8265", "tea-404-1")]
)
def test_a_number_in_a_name_is_no_missing_job(address: str, job: str) -> None:
    # else a cluster that stumbles over one request ends a run that goes on, and is paid
    class Client:
        status = 500

        def get_job_info(self, job_id: str) -> None:
            raise RuntimeError(f"Request failed with status code {self.status}: no {job_id} 404.")

        stop_job = get_job_info

    jobs = RayJobs(address)
    jobs._known = Client()
    for ask in (jobs.info, jobs.stop):
        with pytest.raises(EngineError, match="status code 500"):
            ask(job)
    Client.status = 404
    assert jobs.info(job) is None
    jobs.stop(job)


def test_a_task_is_no_routine() -> None:
    with pytest.raises(ConfigError, match="takes a routine, not FunctionTask"):
        RayExecutor(FunctionTask(train))  # type: ignore[arg-type]
