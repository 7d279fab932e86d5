"""A K-fold training that is killed goes on from its last finished fold."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from tg.common._core.errors import TrainingFailedError
from tg.common.delivery.sagemaker import SagemakerProcessExecutor, SagemakerRoutine
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft

EVALUATION = """
    import os
    import time

    from tg.common.ml import single_frame_training as sft

    CALLS = []

    def gated(model, features, labels):
        '''Waits in the third fold, evaluated twice each, until a file is gone.'''
        CALLS.append(1)
        while len(CALLS) == 5 and os.path.exists("GATE"):
            time.sleep(0.01)
        return sft.Evaluation.binary_classification(model, features, labels)
"""


def executor_for(project: Path) -> SagemakerProcessExecutor:
    import gates

    task = sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("target"),
        model_provider=sft.ModelProvider(
            # unseeded on purpose: the state of the random numbers is part of a checkpoint
            sft.ModelConstructor("sklearn.ensemble:RandomForestClassifier", n_estimators=5),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
        ),
        evaluator=gates.gated,
        splitter=sft.FoldSplitter(4),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score),
    )
    return SagemakerRoutine(task, "d.parquet", "p", datasets_folder=project / "ds").process()


@pytest.mark.slow
def test_after_kill_9_the_finished_folds_are_kept(
    project: Path, write_files: Callable[..., None]
) -> None:
    gate = project / "gate"
    write_files({"gates.py": EVALUATION.replace("GATE", str(gate))})
    (project / "ds" / "p").mkdir(parents=True)
    load_breast_cancer(as_frame=True).frame.to_parquet(project / "ds" / "p" / "d.parquet")
    gate.touch()
    broken = executor_for(project).submit()
    for line in broken.logs():
        if line.endswith("Starting stage 3/4"):
            break
    kept = {}
    for name in ("0", "1"):
        folder = broken._folder.work / "opt" / "ml" / "model" / "runs" / name
        kept[name] = pd.read_parquet(folder / "result_df.parquet")
    os.killpg(broken._folder.read().details["pid"], signal.SIGKILL)
    with pytest.raises(TrainingFailedError, match="SIGKILL"):
        broken.wait(timeout_seconds=60)
    gate.unlink()

    resumed = executor_for(project).submit().wait(timeout_seconds=120)
    log = "\n".join(resumed.logs())
    assert "Starting stage 1/4" not in log
    assert "Starting stage 4/4" in log
    result = resumed.result()
    for name, frame in kept.items():
        pd.testing.assert_frame_equal(result.result_df_of(int(name)), frame)
    assert {f"runs/{fold}/model.pkl" for fold in range(4)} <= set(result.list())
