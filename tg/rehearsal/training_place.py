"""Where training jobs run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.delivery.docker.engine import DockerEngine
from .bucket_rules import BucketRules
from .faults import Faults
from .job_storage import JobStorage

__all__ = ["TrainingPlace"]


@dataclass(frozen=True, kw_only=True)
class TrainingPlace:
    """Where trainings run.

    Attributes
    ----------
    engine
        Runs the containers.
    storage
        Holds data and results.
    logs
        Gives the client of CloudWatch Logs in a region.
    folder
        An empty folder for the jobs' files.
    rehearsal_id
        A part of the containers' names.
    labels
        Labels of all containers and networks.
    faults
        What goes wrong with the jobs.
    rules
        Whose buckets are whose.
    image_id
        Gives the id of an image by the name that a job has for it, after pulling it if need be.
    slots
        As many as jobs may run at once; the others wait in ``Starting``.
    grace_seconds
        Between SIGTERM and SIGKILL.
    checkpoint_seconds
        Between two looks for checkpoints.
    """

    engine: DockerEngine
    storage: JobStorage
    logs: Callable[[str], Any]
    folder: Path
    rehearsal_id: str
    labels: Mapping[str, str]
    faults: Faults
    rules: BucketRules
    image_id: Callable[[str], str]
    slots: threading.Semaphore
    grace_seconds: float
    checkpoint_seconds: float
