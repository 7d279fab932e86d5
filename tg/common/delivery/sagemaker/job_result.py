"""What a training job has left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..._core.errors import ResultError
from ..execution.result_loader import ResultLoader
from .aws import AwsClients
from .result_copy import ResultCopy
from .result_download import RemoteResult

__all__ = ["open_job_result"]


def open_job_result(
    clients: AwsClients, described: Mapping[str, Any], results_folder: Path
) -> ResultLoader:
    """Open the result of a job that has ended: its copy on this machine, or where it is.

    Parameters
    ----------
    clients
        The services.
    described
        What SageMaker says of the job.
    results_folder
        Below it copies are kept, in a folder for each job.

    Raises
    ------
    ResultError
        The job has left nothing.
    AwsError
        It cannot be read.
    ArchiveError
        It is damaged.
    """
    name = described["TrainingJobName"]
    uri = (described.get("ModelArtifacts") or {}).get("S3ModelArtifacts")
    if not uri:
        raise ResultError(
            f"run {name} has left no result: it is {described['TrainingJobStatus']}",
            hint="Its log tells how far it came; a submission of the same resumes from its "
            "checkpoints.",
        )
    # another account, or a rehearsal, may have had a job of that name, or even of that ARN
    origin = f"{described['TrainingJobArn']} {described['CreationTime'].timestamp()}"
    path = results_folder / name / "output" / "model.tar.gz"
    copy = ResultCopy(path=path, origin=origin)
    if copy.is_there:
        return ResultLoader(copy.path)
    return ResultLoader(RemoteResult(clients, uri, copy=copy))
