"""What a fresh interpreter adds to a training, beside a bare one that imports the same stack."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.ratios import report, seconds_of
from tg.common.delivery.execution.environments import EnvironmentCache
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.ml.training_core import FunctionTask

ROUNDS = 5
STACK = "import pandas, sklearn.linear_model, pyarrow.parquet, cloudpickle, jsonpickle, numpy"


def train(data: pd.DataFrame, env: Any) -> dict[str, float]:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(data[["x"]], data["y"])
    env.store_artifact(["runs", 0], "model", model)
    return {"score": float(model.score(data[["x"]], data["y"]))}


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(temporary)
        os.environ["TG_ROOT"] = str(folder)
        data = folder / "datasets" / "p" / "d.parquet"
        data.parent.mkdir(parents=True)
        pd.DataFrame({"x": range(100), "y": range(100)}).to_parquet(data)
        routine = SagemakerRoutine(
            FunctionTask(train), "d.parquet", "p", datasets_folder=folder / "datasets"
        )
        attached, process = routine.attached(), routine.process()
        process.execute()  # makes the environment and the package
        attached.execute()
        lock = routine.config.packaging.make_package().manifest.lock
        python = EnvironmentCache().get(lock).python
        added, bare = [], []
        for _ in range(ROUNDS):
            added.append(seconds_of(process.execute) - seconds_of(attached.execute))
            bare.append(
                seconds_of(lambda: subprocess.run([python, "-c", STACK], cwd=folder, check=True))
            )
    report("process minus attached / a bare interpreter", added, bare, target="<= 2")


if __name__ == "__main__":
    main()
