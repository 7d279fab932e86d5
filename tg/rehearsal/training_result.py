"""What a training leaves: its result in storage, or the reason of its failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .job_storage import JobStorage
from .training_container import TrainingContainer

__all__ = ["failure_reason", "result_uri", "store_output", "store_result"]

_REASON_CHARACTERS = 1_024
_NO_MEMORY = (
    "ClientError: Please use an instance type with more memory, or reduce the size of job data "
    "processed on an instance., exit code: 137"
)


def result_uri(request: Mapping[str, Any]) -> str:
    """Give the address below which a job's result is."""
    settings = request["OutputDataConfig"]
    return f"{settings['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"


def store_result(
    storage: JobStorage, request: Mapping[str, Any], containers: Sequence[TrainingContainer]
) -> str:
    """Store model and output of all hosts of a job.

    After the API reference of Amazon SageMaker, OutputDataConfig.

    Returns
    -------
    str
        Where the model is.
    """
    base = result_uri(request)
    store_output(storage, request, containers)
    models = [container.folders.model for container in containers]
    if _is_plain(request):
        storage.store_files(models, f"{base}/model/")
        return f"{base}/model/"
    storage.store_archive(models, f"{base}/model.tar.gz")
    return f"{base}/model.tar.gz"


def store_output(
    storage: JobStorage, request: Mapping[str, Any], containers: Sequence[TrainingContainer]
) -> None:
    """Store the output of all hosts of a job beside its model; also of a job that has failed."""
    base = result_uri(request)
    outputs = [container.folders.output / "data" for container in containers]
    outputs = [folder for folder in outputs if any(folder.iterdir())]
    if _is_plain(request):
        storage.store_files(outputs, f"{base}/data/")
    elif outputs:
        storage.store_archive(outputs, f"{base}/output.tar.gz")


def _is_plain(request: Mapping[str, Any]) -> bool:
    return bool(request["OutputDataConfig"].get("CompressionType") == "NONE")


def failure_reason(culprits: Sequence[TrainingContainer]) -> str:
    """Tell why a job failed, in the service's words.

    Parameters
    ----------
    culprits
        The containers that failed by themselves.
    """
    container = next((c for c in culprits if c.folders.failure()), culprits[0])
    if container.exit_code is None:
        return f"InternalServerError: {container.trouble}"
    if container.is_out_of_memory:
        return _NO_MEMORY
    head, tail = "AlgorithmError: ", f", exit code: {container.exit_code}"
    room = _REASON_CHARACTERS - len(head) - len(tail)
    return f"{head}{container.folders.failure()[:room]}{tail}"
