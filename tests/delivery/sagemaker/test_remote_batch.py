"""Many tasks at SageMaker over one image: what is sent, what is asked, and what is found again."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import ConfigError, RunNotFoundError
from tg.common.contract import RunState
from tg.common.delivery.execution import FailureKind, open_batch
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.rehearsal import Rehearsal

TASKS = """
    from tg.common.contract import TrainingTask


    class Scaling(TrainingTask):
        def __init__(self, factor, fails=False):
            super().__init__()
            self.factor = factor
            self.fails = fails

        def run_with_environment(self, data, env):
            if self.fails:
                raise ValueError("the scale is broken")
            env.store_artifact(["runs", 0], "training_task", self)
            env.output_metric("scaled", self.factor * float(data.read_text()))
"""
TYPES = {"instance_type": "ml.m5.large", "fallback_instance_types": ["ml.m5.xlarge"]}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal() as cloud:
        yield cloud


@pytest.fixture
def make(
    request: pytest.FixtureRequest, project: Path, write_files: Callable[..., None]
) -> Callable[..., Any]:
    cloud: Rehearsal = request.getfixturevalue("cloud")
    write_files({"far/__init__.py": "", "far/tasks.py": TASKS})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    (folder / "number.txt").write_text("4.0")

    def batch(*factors: float, fails: bool = False, **options: Any) -> Any:
        task = importlib.import_module("far.tasks").Scaling
        routine = SagemakerRoutine(
            task(0),
            "number.txt",
            "p",
            datasets_folder=project / "datasets",
            bucket=cloud.bucket,
            role=cloud.role_arn,
        )
        routine.config.containering.silent = True
        tasks = {f"factor-{factor:g}": task(factor, fails) for factor in factors}
        options = {"max_runtime_seconds": 3_600, **TYPES, **options}
        return routine.remote(RemoteOptions(**options)).batch(tasks)

    return batch


@pytest.mark.docker
@pytest.mark.rehearsal
@pytest.mark.slow
def test_each_task_is_one_small_object_and_all_are_looked_up_at_once(
    make: Any, cloud: Rehearsal, project: Path
) -> None:
    batch = make(1, 2, 3, 4)
    batch.prepare()
    objects, image = cloud.calls("s3.PutObject"), cloud.image_bytes
    runs = [batch.start(name, place=number % 2) for number, name in enumerate(batch.names)]
    sent = cloud.calls("s3.PutObject")
    assert sent.count - objects.count == 4
    assert cloud.image_bytes == image
    ids = [batch.run_id(name) for name in batch.names]
    assert [run.id for run in runs] == ids
    for run in runs:
        run.wait(timeout_seconds=300)
    listed, described = (
        cloud.calls(f"sagemaker.{name}").count
        for name in ("ListTrainingJobs", "DescribeTrainingJob")
    )
    assert batch.states(ids) == dict.fromkeys(ids, RunState.COMPLETED)
    assert cloud.calls("sagemaker.ListTrainingJobs").count == listed + 1
    assert cloud.calls("sagemaker.DescribeTrainingJob").count == described
    types = [run.describe()["ResourceConfig"]["InstanceType"] for run in runs]
    assert types == ["ml.m5.large", "ml.m5.xlarge"] * 2
    assert [run.result().metrics["scaled"] for run in runs] == [4.0, 8.0, 12.0, 16.0]
    assert runs[1].result().task.factor == 2
    costs = [batch.cost(run) for run in runs]
    assert all(0 < cost < batch.worst_cost(1) for cost in costs)
    assert batch.worst_cost(0) < batch.worst_cost(1)


@pytest.mark.docker
@pytest.mark.rehearsal
@pytest.mark.slow
def test_another_process_finds_a_job_also_if_it_was_started_elsewhere(
    make: Any, cloud: Rehearsal
) -> None:
    batch = make(5)
    run = batch.start("factor-5", place=1)
    before = cloud.calls("sagemaker.CreateTrainingJob").count
    opened = open_batch(json.loads(json.dumps(batch.record())))
    assert opened.start("factor-5").id == run.id == opened.run_id("factor-5")
    assert cloud.calls("sagemaker.CreateTrainingJob").count == before + 1  # which is refused
    run.wait(timeout_seconds=300)
    assert opened.run(run.id).result().metrics == {"scaled": 20.0}
    with pytest.raises(RunNotFoundError):
        opened.run("nothing-of-that-name")
    assert opened.states([run.id, "nothing-of-that-name"]) == {run.id: RunState.COMPLETED}


@pytest.mark.docker
@pytest.mark.rehearsal
@pytest.mark.slow
def test_a_failure_at_sagemaker_says_what_is_to_blame(make: Any) -> None:
    batch = make(1, fails=True)
    run = batch.start("factor-1")
    with pytest.raises(Exception, match="scale is broken"):
        run.wait(timeout_seconds=300)
    assert run.failure_kind is FailureKind.TASK


def test_instance_types_to_fall_back_to_are_no_other_training() -> None:
    options = RemoteOptions(prices=0.5, fallback_instance_types=["ml.m5.xlarge", "ml.m4.xlarge"])
    assert options.instance_types == ("ml.m5.large", "ml.m5.xlarge", "ml.m4.xlarge")
    second = options.at(1)
    assert (second.instance_type, list(second.fallback_instance_types)) == ("ml.m5.xlarge", [])
    # a price alone is that of the first type, and of no other
    assert second.prices == {"ml.m5.large": 0.5}
    with pytest.raises(ConfigError, match=r"m5\.xlarge"):
        RemoteOptions(fallback_instance_types="ml.m5.xlarge")
    with pytest.raises(ConfigError, match="large"):
        RemoteOptions(fallback_instance_types=["large"])
