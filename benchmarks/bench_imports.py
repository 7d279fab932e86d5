"""Importing the SageMaker room and building a config, beside importing pandas and scikit-learn."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.ratios import compare

ROUNDS = 7

OURS = """
import json, sys, time
start = time.perf_counter()
from tg.common.contract import TrainingTask
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (SagemakerAttachedExecutor, SagemakerConfig, SagemakerJob,
                                          SagemakerOptions, SagemakerProcessExecutor)

class Task(TrainingTask):
    def run_with_environment(self, data, env):
        pass

job = SagemakerJob(Task())
packaging = Packaging("Task", "0", {"job": job})
containering = Containering.from_packaging(packaging)
options = SagemakerOptions(None, None, "project", ".", "data.parquet")
SagemakerProcessExecutor(SagemakerConfig(job, packaging, containering, options))
seconds = time.perf_counter() - start
heavy = {"boto3", "botocore", "sagemaker", "docker"} & set(sys.modules)
print(json.dumps([seconds, sorted(heavy)]))
"""
THEIRS = """
import json, time
start = time.perf_counter()
import pandas, sklearn
print(json.dumps([time.perf_counter() - start, []]))
"""


def fresh(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    seconds, heavy = json.loads(done.stdout)
    if heavy:
        raise SystemExit(f"these must not be loaded: {heavy}")
    return float(seconds)


def main() -> None:
    compare(
        "import and build a config / import pandas, sklearn",
        lambda: fresh(OURS),
        lambda: fresh(THEIRS),
        rounds=ROUNDS,
        target="<= 1.3",
    )


if __name__ == "__main__":
    main()
