"""The listing of training jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .paging import page
from .training_record import TrainingRecord

__all__ = ["listing"]

_NAME = "TrainingJobSummaries"


def listing(records: Iterable[TrainingRecord], request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the answer of ``ListTrainingJobs``.

    After the API reference of Amazon SageMaker, ListTrainingJobs: if a status and a number of
    results are asked for, so many jobs of any status are taken, and those of that status told.

    Parameters
    ----------
    records
        All jobs.
    request
        The request, which was checked.
    """
    status = request.get("StatusEquals")
    is_late = bool(status) and "MaxResults" in request
    entries = [record.summary() for record in records if _is_asked(record, request)]
    if not is_late:
        entries = [entry for entry in entries if status in (None, entry["TrainingJobStatus"])]
    key = {"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(
        request.get("SortBy", ""), "CreationTime"
    )
    # the newest first if nothing is asked
    ascending = request.get("SortOrder", "Ascending" if "SortBy" in request else "Descending")
    entries.sort(key=lambda entry: entry[key], reverse=ascending == "Descending")
    answer = page(_NAME, entries, request)
    if is_late:
        answer[_NAME] = [entry for entry in answer[_NAME] if entry["TrainingJobStatus"] == status]
    return answer


def _is_asked(record: TrainingRecord, request: Mapping[str, Any]) -> bool:
    changed = record.describe()["LastModifiedTime"]
    pool = None if record.pool is None else record.pool.status
    return (
        request.get("NameContains", "").lower() in record.name.lower()
        and request.get("WarmPoolStatusEquals", pool) == pool
        and record.created > request.get("CreationTimeAfter", 0.0)
        and record.created < request.get("CreationTimeBefore", float("inf"))
        and changed > request.get("LastModifiedTimeAfter", 0.0)
        and changed < request.get("LastModifiedTimeBefore", float("inf"))
    )
