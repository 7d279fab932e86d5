"""A sweep that is opened again runs as it was begun: its place is what it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common.delivery.execution.attached_launch import AttachedLauncher
from tg.common.delivery.execution.batch_executor import BatchExecutor
from tg.common.delivery.execution.container_launch import ContainerLauncher
from tg.common.delivery.execution.container_options import ContainerOptions
from tg.common.delivery.execution.launcher import Launcher
from tg.common.delivery.execution.place import OwnMachine, Place
from tg.common.delivery.execution.process_launch import ProcessLauncher
from tg.common.delivery.ray import RayExecutor, RayOptions
from tg.common.delivery.ray.launcher import RayLauncher
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.remote_launcher import RemoteLauncher
from tg.common.delivery.sagemaker.s3_layout import S3Layout
from tg.common.ml.training_core import FunctionTask

REMOTE = RemoteOptions(fallback_instance_types=("ml.m5.xlarge",), max_runtime_seconds=3600)
RAY = RayOptions(address="http://head:8265")
CONTENT: dict[str, Any] = {"lock": (), "root": "tea", "resolves": False}


@pytest.fixture
def routine(project: Path) -> SagemakerRoutine:
    folder = project / "datasets" / "tea"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    task = FunctionTask(lambda data, env: None)
    return SagemakerRoutine(task, "d.parquet", "tea", datasets_folder=project / "datasets")


def local(folder: Path) -> dict[str, Any]:
    return {"name": "tea", "package_path": folder, "channels": {}, "runs_folder": folder}


def remote(folder: Path) -> RemoteLauncher:
    return RemoteLauncher(
        name="tea",
        image_uri="image",
        image_hash="0",
        channels={},
        data_hash="1",
        role_arn=None,
        layout=S3Layout("bucket", "tea"),
        options=REMOTE,
        runs_folder=folder,
        clients=AwsClients(region="us-east-1"),
    )


PLACES: dict[
    str, tuple[Callable[[SagemakerRoutine], BatchExecutor], Callable[[Path], Launcher]]
] = {
    "attached": (lambda r: r.attached(), lambda f: AttachedLauncher(**local(f))),
    "process": (lambda r: r.process(), lambda f: ProcessLauncher(**local(f), **CONTENT)),
    "container": (
        lambda r: r.local(),
        lambda f: ContainerLauncher(
            **local(f), image="i", image_hash="0", options=ContainerOptions()
        ),
    ),
    "remote": (lambda r: r.remote(REMOTE), remote),
    "ray": (
        lambda r: RayExecutor(r, RAY),
        lambda f: RayLauncher(**local(f), **CONTENT, code=f, options=RAY, shown_in=f),
    ),
}


def facts(place: Place) -> dict[str, Any]:
    return {
        "max_parallel": place.max_parallel,
        "usual_parallel": place.usual_parallel,
        "is_local": place.is_local,
        "places": tuple(place.places),
        "costs": [place.worst_cost(number) for number in range(len(place.places))],
    }


@pytest.mark.parametrize("kind", PLACES)
def test_what_is_so_of_a_place_is_so_whoever_has_opened_it(
    routine: SagemakerRoutine, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # else a sweep whose driver was killed goes on with more runs at once, or with fewer
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    executor_of, launcher_of = PLACES[kind]
    launcher = launcher_of(tmp_path)
    assert launcher.kind == kind
    expected = facts(executor_of(routine).place)
    assert facts(launcher) == expected
    assert facts(type(launcher).open(launcher.record())) == expected


def test_a_cluster_takes_as_many_as_are_given_to_it() -> None:
    # the processors of the laptop that drives a sweep say nothing about those of the cluster
    assert facts(Place())["usual_parallel"] is None
    assert facts(OwnMachine())["usual_parallel"] >= 1
