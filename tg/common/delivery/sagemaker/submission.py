"""What tells one submission of a training from every other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..._core.errors import NamingError
from ..._core.files import atomic_write

__all__ = ["SubmissionNote", "check_same_training"]

_PROTOCOL = 1


class SubmissionNote:
    """A note on this machine that a training was asked for and its result not fetched yet.

    It is written before SageMaker is asked, so that whoever submits the same after a crash is given
    the training that completed meanwhile, instead of paying for another one.

    Parameters
    ----------
    runs_folder
        Where runs are kept on this machine.
    job_name
        The job.
    """

    def __init__(self, runs_folder: Path, job_name: str) -> None:
        self._path = runs_folder / job_name / "submission.json"

    @property
    def is_open(self) -> bool:
        """Whether the result is still to be fetched."""
        return self._path.is_file()

    def open(self) -> None:
        """Write it.

        Raises
        ------
        StorageError
            It cannot be written.
        """
        if not self.is_open:
            content = json.dumps({"protocol": _PROTOCOL}).encode()
            # no sync: a training runs longer than the system takes to write it to the disk
            atomic_write(self._path, content, sync=False)

    def close(self) -> None:
        """Remove it, if it is there."""
        self._path.unlink(missing_ok=True)


def check_same_training(described: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Refuse a job that has the name of ours and does something else.

    The name is made of a hash of all this: none but a job that somebody made by hand differs. The
    role and the image's digest may differ, as they do not change what is trained.

    Parameters
    ----------
    described
        What ``DescribeTrainingJob`` says of it.
    request
        What ``CreateTrainingJob`` was asked for.

    Raises
    ------
    NamingError
        It is another training.
    """
    found, wanted = _essentials(described), _essentials(request)
    for what, value in wanted.items():
        if found[what] != value:
            name = request["TrainingJobName"]
            raise NamingError(
                f"the name {name!r} is taken by another training job: its {what} is "
                f"{found[what]!r}, not {value!r}",
                hint="Somebody made it by hand. Give yours another name: "
                "SagemakerRoutine(..., name=...).",
            )


def _essentials(job: Mapping[str, Any]) -> dict[str, Any]:
    channels = {
        channel["ChannelName"]: channel["DataSource"].get("S3DataSource", {}).get("S3Uri", "")
        for channel in job.get("InputDataConfig") or ()
    }
    resources = job.get("ResourceConfig") or {}
    return {
        "output": str((job.get("OutputDataConfig") or {}).get("S3OutputPath", "")).rstrip("/"),
        "data": channels,
        "hyperparameters": dict(job.get("HyperParameters") or {}),
        "instances": (resources.get("InstanceType"), resources.get("InstanceCount")),
    }
