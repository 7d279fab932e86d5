"""Many training jobs, looked up at once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable

from ..._core.errors import RunNotFoundError
from ...contract.run_state import RunState
from .aws import AwsClients
from .aws_errors import translated

__all__ = ["job_states"]

_PAGE = 100  # of ListTrainingJobs
_FEW = 2
# the part of a name that all runs of a batch share
_OF_BATCH = re.compile(r"-([0-9a-f]{8}-)[0-9a-f]{12}(?:-r\d+)?\Z")


def job_states(
    clients: AwsClients, names: Iterable[str], describe: Callable[[str], RunState]
) -> dict[str, RunState]:
    """Tell how far jobs are; one that is not there is left out.

    A page of ``ListTrainingJobs`` holds a hundred jobs: as many jobs of a batch cost one request.

    Parameters
    ----------
    clients
        The connections.
    names
        The jobs.
    describe
        Looks up a single one; raises `RunNotFoundError` if it is not there.

    Raises
    ------
    AwsError
        SageMaker does not say.
    """
    by_batch: dict[str, set[str]] = {}
    for name in names:
        parts = _OF_BATCH.search(name)
        by_batch.setdefault(parts[1] if parts else "", set()).add(name)
    found: dict[str, RunState] = {}
    for shared, wanted in by_batch.items():
        if shared and len(wanted) > _FEW:
            found |= _listed(clients, shared, wanted)
        # the list may not have one yet that was created right now
        for name in sorted(wanted - found.keys()):
            with contextlib.suppress(RunNotFoundError):
                found[name] = describe(name)
    return found


def _listed(clients: AwsClients, shared: str, wanted: set[str]) -> dict[str, RunState]:
    pages = (
        clients.client("sagemaker")
        .get_paginator("list_training_jobs")
        .paginate(
            NameContains=shared,
            SortBy="CreationTime",
            SortOrder="Descending",
            PaginationConfig={"PageSize": _PAGE},
        )
    )
    found: dict[str, RunState] = {}
    with translated("sagemaker.ListTrainingJobs"):
        for page in pages:
            for job in page["TrainingJobSummaries"]:
                if job["TrainingJobName"] in wanted:
                    found[job["TrainingJobName"]] = RunState(job["TrainingJobStatus"])
            if len(found) == len(wanted):
                break
    return found
