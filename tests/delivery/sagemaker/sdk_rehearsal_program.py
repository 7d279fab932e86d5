"""Programs that drive the SageMaker SDK against a rehearsal, as one would drive it in the cloud.

They run in an interpreter that has the SDK; the rehearsal is in another process, and is found by
the variables of the environment.
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import boto3

from tg.common import Loc
from tg.common._core.errors import TgError
from tg.common.delivery.execution import ResultLoader
from tg.common.delivery.sagemaker import ContinuousRange, RemoteOptions, SagemakerRoutine

HYPERPARAMETERS = {"weight:float": 0.3}
INSTANCE_TYPE = "ml.m5.large"


def routine_of(task_class: str) -> SagemakerRoutine:
    sys.path.insert(0, str(Path.cwd()))
    from shop import tasks

    task = getattr(tasks, task_class)()
    routine = SagemakerRoutine(task, "tea.parquet", "tea", bucket=os.environ["SHOP_BUCKET"])
    routine.config.settings.channels = {"more": "more"}
    return routine


def parity() -> dict[str, Any]:
    """Train the same job by the remote executor, and by the SDK's trainer."""
    routine = routine_of("SumTask")
    remote = routine.remote(RemoteOptions(instance_type=INSTANCE_TYPE, metrics=["total"]))
    own_name = remote.execute(HYPERPARAMETERS)
    own = asked(own_name)
    trainer = routine.config.model_trainer(
        instance_type=INSTANCE_TYPE,
        image=own["AlgorithmSpecification"]["TrainingImage"],
        hyperparameters=HYPERPARAMETERS,
        metrics=["total"],
    )
    trainer.train()
    their_name = trainer._latest_training_job.training_job_name
    return {
        "ours": {**shown(own_name), **opened(remote.load_result(own_name))},
        "theirs": {**shown(their_name), **opened(remote.load_result(their_name))},
        "names": [own_name, their_name],
    }


def failure() -> dict[str, Any]:
    """Train a job that raises."""
    routine = routine_of("FailingTask")
    tuner = routine.config.tuner({"weight": [1.0]}, "total", max_jobs=1)
    try:
        tuner.tune()
    except Exception as exc:
        return {"error": str(exc), "type": type(exc).__name__}
    return {"error": "", "type": ""}


def refusal() -> dict[str, Any]:
    """Ask for a trainer whose role has the rights that a training needs, and no more."""
    try:
        routine_of("SumTask").config.model_trainer(
            instance_type=INSTANCE_TYPE, image="registry.example/tea:1"
        )
    except TgError as exc:
        return {"error": str(exc), "type": type(exc).__name__}
    return {"error": "", "type": ""}


def tuning() -> dict[str, Any]:
    """Let the SDK's tuner search, and train its best cell again by the remote executor."""
    routine = routine_of("SumTask")
    tuner = routine.config.tuner(
        {"weight:float": ContinuousRange(low=0.1, high=0.9), "folds": [1, 3]},
        "total",
        strategy="Random",
        max_jobs=3,
        max_parallel_jobs=2,
        instance_type=INSTANCE_TYPE,
        environment={"COLOUR": "green"},
        tags={"team": "tea"},
    )
    tuner.tune()
    best = tuner.best_training_job()
    job = asked(best)
    values = {k: v for k, v in job["HyperParameters"].items() if not k.startswith("_")}
    remote = routine.remote(RemoteOptions(instance_type=INSTANCE_TYPE, metrics=["total"]))
    own_name = remote.execute(values)
    result = remote.load_result(best)
    return {
        "ours": {**shown(own_name), **opened(remote.load_result(own_name))},
        "theirs": {**shown(best), **opened(result)},
        "images": [image_of(own_name), image_of(best)],
        "values": values,
        "given": job["HyperParameters"],
        "applied": result.manifest.hyperparameters,
        "environment": job["Environment"],
        "tuning_job": tuner.latest_tuning_job.hyper_parameter_tuning_job_name,
        "table": tuner.analytics().dataframe().to_dict("records"),
    }


def asked(name: str) -> dict[str, Any]:
    client = boto3.client("sagemaker")
    described: dict[str, Any] = client.describe_training_job(TrainingJobName=name)
    return described


def image_of(name: str) -> str:
    return str(asked(name)["AlgorithmSpecification"]["TrainingImage"])


def shown(name: str) -> dict[str, Any]:
    """Give what the service says of a job, without what differs by name."""
    described = asked(name)
    uri = described["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    copy = Path("whole.tar.gz")
    boto3.client("s3").download_file(bucket, key, str(copy))
    with tarfile.open(copy) as archive:
        members = archive.getnames()
    return {
        "status": described["TrainingJobStatus"],
        "metrics_of_the_service": {
            metric["MetricName"]: metric["Value"].hex()
            for metric in described["FinalMetricDataList"]
        },
        "channels": [channel["ChannelName"] for channel in described["InputDataConfig"]],
        "members": members,
        "path": uri.replace(name, "JOB"),
    }


def opened(result: ResultLoader) -> dict[str, Any]:
    return {
        "list": result.list(),
        "metrics": {name: value.hex() for name, value in result.metrics.items()},
        "total": result.unpickle("runs/0/model.pkl").total.hex(),
        "type": str(type(result.unpickle("runs/0/model.pkl"))),
        "data": result.get_path("runs/0/result_df.parquet").read_bytes().hex(),
    }


if __name__ == "__main__":
    comparison = globals()[sys.argv[1]]()
    (Loc.root_path / "comparison.json").write_text(json.dumps(comparison, default=str))
