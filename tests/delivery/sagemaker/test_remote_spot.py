"""A spot training that is interrupted in every fold ends as one that was not.

If it fails, a training on cheap instances pays for its folds twice, or gives other numbers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tg.common.contract import RunState
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import FoldSplitter, MetricPool
from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal, pytest.mark.slow]

FOLDS = 3
# what it waits for comes however busy the machine is
MODEL = """
    import os
    import time
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression


    class HeldRegression(LogisticRegression):
        '''Waits to be interrupted, each time that it was not so the time before.'''

        def fit(self, X, y, sample_weight=None):
            if "HELD" in os.environ:
                with Path("/opt/ml/checkpoints/tries").open("a") as file:
                    file.write("x")
                    count = file.tell()
                if count % 2:
                    print("held", flush=True)
                    time.sleep(600)
            return super().fit(X, y, sample_weight)
"""


@pytest.fixture
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal(grace_seconds=0.5, checkpoint_seconds=0.2) as cloud:
        yield cloud


@pytest.fixture
def routine(cloud: Rehearsal, project: Path, write_files: Callable[..., None]) -> SagemakerRoutine:
    write_files({"far/__init__.py": "", "far/model.py": MODEL})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(120, 3)), columns=["a", "b", "c"])
    frame["label"] = (frame["a"] + draw.normal(size=120) > 0).astype(float)
    frame.to_parquet(folder / "d.parquet")
    task = sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(sft.ModelConstructor("far.model:HeldRegression")),
        evaluator=sft.Evaluation.binary_classification,
        splitter=FoldSplitter(fold_count=FOLDS),
        metrics_pool=MetricPool().add_sklearn(roc_auc_score),
        silent=True,
    )
    routine = SagemakerRoutine(
        task,
        "d.parquet",
        "p",
        datasets_folder=project / "datasets",
        bucket=cloud.bucket,
        role=cloud.role_arn,
    )
    routine.config.containering.silent = True
    return routine


def stages(job_name: str) -> tuple[list[int], int]:
    """Which folds were begun so far, in all containers of the job, and how often it was held."""
    client = AwsClients().client("logs")
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName="/aws/sagemaker/TrainingJobs"
    )
    try:
        events: list[dict[str, Any]] = [event for page in pages for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return [], 0  # the first job of an account makes the group
    events = [event for event in events if event["logStreamName"].startswith(f"{job_name}/")]
    events.sort(key=lambda event: event["timestamp"])
    found = [re.search(rf"Starting stage (\d+)/{FOLDS}", event["message"]) for event in events]
    held = sum(event["message"].strip() == "held" for event in events)
    return [int(match.group(1)) for match in found if match], held


def test_a_training_interrupted_in_each_fold_equals_one_that_was_not(
    cloud: Rehearsal, routine: SagemakerRoutine
) -> None:
    unbroken = routine.remote(RemoteOptions()).submit()
    spot = RemoteOptions(
        max_runtime_seconds=600, max_wait_seconds=1200, environment={"HELD": "yes"}
    )
    run = routine.remote(spot).submit()
    assert run.id != unbroken.id
    begun: list[int] = []
    for fold in range(1, FOLDS + 1):
        # the fold in which the one before was interrupted is begun again, and no other
        begun += [fold] if fold == 1 else [fold - 1, fold]
        deadline = time.monotonic() + 300
        while (found := stages(run.id)) != (begun, fold):
            assert found[0] == begun[: len(found[0])]
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        cloud.interrupt(run.id)
    run.wait(300)
    assert stages(run.id) == ([*begun, FOLDS], FOLDS)
    unbroken.wait(300)
    assert cloud.job_count == 2
    history = [step["Status"] for step in run.describe()["SecondaryStatusTransitions"]]
    assert history.count("Interrupted") == FOLDS
    assert (run.state, unbroken.state) == (RunState.COMPLETED, RunState.COMPLETED)
    ours, theirs = run.result(), unbroken.result()
    assert ours.metrics == theirs.metrics
    assert ours.list() == theirs.list()
    for fold in range(FOLDS):
        name = f"runs/{fold}/result_df.parquet"
        pd.testing.assert_frame_equal(
            pd.read_parquet(ours.get_path(name)), pd.read_parquet(theirs.get_path(name))
        )
