"""The operations of SageMaker that have to do with tuning jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from .account import ACCOUNT
from .gateway import Operation
from .paging import page
from .service_error import ServiceError
from .training_jobs import TrainingJobs
from .training_record import ENDED, IN_PROGRESS, TrainingRecord
from .tuning_record import TunedTraining, TuningRecord
from .tuning_rules import check_tuning, training_request
from .tuning_run import TuningRun
from .validation import check_request

__all__ = ["TuningJobs"]

_TARGET = "SageMaker."
_JOB_ARN = ":hyper-parameter-tuning-job/"


class TuningJobs:
    """All tuning jobs of a region.

    Their trainings are jobs like any other. ``Bayesian`` searches at random here; see
    :func:`.hyperparameter_search.candidates`.

    Parameters
    ----------
    region
        The region that it plays.
    jobs
        The region's training jobs.
    check_account
        Checks that role, buckets and data of a training's request are there.
    """

    def __init__(
        self,
        region: str,
        jobs: TrainingJobs,
        check_account: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._region = region
        self._jobs = jobs
        self._check_account = check_account
        self._trainings = jobs.operations
        self._lock = threading.Lock()
        self._records: dict[str, TuningRecord] = {}
        self._tuning_of: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations, by their targets; some are those of training jobs with more to tell."""
        named: dict[str, Operation] = {
            "CreateHyperParameterTuningJob": self._create,
            "DescribeHyperParameterTuningJob": self._describe,
            "StopHyperParameterTuningJob": self._stop,
            "DeleteHyperParameterTuningJob": self._delete,
            "ListHyperParameterTuningJobs": self._list,
            "ListTrainingJobsForHyperParameterTuningJob": self._list_trainings,
            "DescribeTrainingJob": self._describe_training,
            "ListTags": self._list_tags,
            "AddTags": self._add_tags,
            "DeleteTags": self._delete_tags,
        }
        return {f"{_TARGET}{name}": operation for name, operation in named.items()}

    def cancel(self) -> None:
        """Take no more tuning jobs, and start no more trainings."""
        with self._lock:
            self._is_closed = True
        for record in list(self._records.values()):
            record.request_stop()

    def settle(self, deadline: float) -> None:
        """Wait until all have ended, or until a moment by the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _create(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        check_tuning(request)
        name = request["HyperParameterTuningJobName"]
        self._check_account(training_request(request, name, {}))
        arn = f"arn:aws:sagemaker:{self._region}:{ACCOUNT}{_JOB_ARN}{name}"
        parents = self._parents(request)
        self._check_quota(request)
        with self._lock:
            if name in self._records:
                raise ServiceError(
                    "ResourceInUse",
                    "Hyperparameter tuning job names must be unique within an AWS account and "
                    f"region, and a tuning job with this name already exists ({arn})",
                )
            if self._is_closed:
                raise ServiceError("ServiceUnavailable", "The rehearsal is over.", 503)
            record = self._records[name] = TuningRecord(request, arn, parents)
            run = TuningRun(record, lambda asked: self._start(record, asked))
            thread = threading.Thread(target=run.run, name=f"rehearsal-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return {"HyperParameterTuningJobArn": arn}

    def _start(self, tuning: TuningRecord, request: dict[str, Any]) -> TrainingRecord:
        """Start a training of a tuning job."""
        name = request["TrainingJobName"]
        self._tuning_of[name] = tuning.arn
        self._trainings[f"{_TARGET}CreateTrainingJob"](request)
        record = self._jobs.find(name)
        if record is None:
            raise ServiceError("ValidationException", f"The training job {name} was deleted.")
        return record

    def _parents(self, request: Mapping[str, Any]) -> list[TuningRecord]:
        named = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
        found = []
        for entry in named:
            parent = self._records.get(entry.get("HyperParameterTuningJobName", ""))
            if parent is None or parent.status not in ENDED:
                raise ServiceError(
                    "ValidationException",
                    f"A parent of a warm start is not there or has not ended: {entry}",
                )
            found.append(parent)
        return found

    def _check_quota(self, request: Mapping[str, Any]) -> None:
        """Refuse what can never run; what others use now is waited for."""
        training = training_request(request, "", {})
        resources = training["ResourceConfig"]
        limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
        kind = resources.get("InstanceType", "")
        asked = int(limits["MaxParallelTrainingJobs"]) * int(resources.get("InstanceCount", 1))
        limit = self._jobs.quotas.get(kind)
        if limit is not None and asked > limit:
            usage = "training job usage"
            if training.get("EnableManagedSpotTraining"):
                usage = f"spot {usage}"
            raise ServiceError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind} for {usage}' is {limit} Instances, and "
                f"the tuning job asks for {asked} Instances at once. Please use AWS Service Quotas "
                "to request an increase for this quota.",
            )

    def _found(self, name: str) -> TuningRecord:
        record = self._records.get(name)
        if record is None:
            raise ServiceError(
                "ResourceNotFound", f"There is no hyperparameter tuning job with the name {name}."
            )
        return record

    def _named(self, operation: str, request: Mapping[str, Any]) -> TuningRecord:
        check_request(operation, request)
        return self._found(request["HyperParameterTuningJobName"])

    def _describe(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._named("DescribeHyperParameterTuningJob", request).describe()

    def _stop(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        record = self._named("StopHyperParameterTuningJob", request)
        if record.status != IN_PROGRESS:
            raise ServiceError(
                "ValidationException",
                f"The request was rejected because the tuning job is in status {record.status}.",
            )
        record.request_stop()
        return {}

    def _delete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        record = self._named("DeleteHyperParameterTuningJob", request)
        if record.status not in ENDED:
            raise ServiceError(
                "ResourceInUse",
                f"The tuning job {record.arn} is in status {record.status} and cannot be deleted.",
            )
        with self._lock:
            self._records.pop(record.name, None)
        return {}

    def _list(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        check_request("ListHyperParameterTuningJobs", request)
        entries = [
            entry
            for entry in (record.summary() for record in list(self._records.values()))
            if _is_asked(entry, request)
        ]
        keys = {"CreationTime": "CreationTime", "Status": "HyperParameterTuningJobStatus"}
        by = request.get("SortBy", "")
        _sort(entries, keys.get(by, "HyperParameterTuningJobName"), request)
        return page("HyperParameterTuningJobSummaries", entries, request)

    def _list_trainings(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        record = self._named("ListTrainingJobsForHyperParameterTuningJob", request)
        trainings = record.trainings
        by = request.get("SortBy", "Name")
        if by == "FinalObjectiveMetricValue":
            # as documented, those that have no value are left out
            trainings = [one for one in trainings if one.value is not None]
        entries = [record.training_summary(one) for one in trainings if _has_status(one, request)]
        if by == "FinalObjectiveMetricValue":
            is_down = request.get("SortOrder", "Ascending") == "Descending"
            metric = "FinalHyperParameterTuningJobObjectiveMetric"
            entries.sort(key=lambda entry: entry[metric]["Value"], reverse=is_down)
        else:
            keys = {"CreationTime": "CreationTime", "Status": "TrainingJobStatus"}
            _sort(entries, keys.get(by, "TrainingJobName"), request)
        return page("TrainingJobSummaries", entries, request)

    def _describe_training(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._trainings[f"{_TARGET}DescribeTrainingJob"](request) or {}
        arn = self._tuning_of.get(request["TrainingJobName"])
        return {**answer, "TuningJobArn": arn} if arn else answer

    def _list_tags(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        record = self._tagged(request)
        if record is None:
            return self._trainings[f"{_TARGET}ListTags"](request)
        return {"Tags": [{"Key": key, "Value": value} for key, value in record.tags.items()]}

    def _add_tags(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        record = self._tagged(request)
        if record is None:
            return self._trainings[f"{_TARGET}AddTags"](request)
        record.tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return self._list_tags(request)

    def _delete_tags(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        record = self._tagged(request)
        if record is None:
            return self._trainings[f"{_TARGET}DeleteTags"](request)
        for key in request["TagKeys"]:
            record.tags.pop(key, None)
        return {}

    def _tagged(self, request: Mapping[str, Any]) -> TuningRecord | None:
        arn = str(request.get("ResourceArn", ""))
        return self._found(arn.rpartition("/")[2]) if _JOB_ARN in arn else None


def _sort(entries: list[dict[str, Any]], key: str, request: Mapping[str, Any]) -> None:
    is_down = request.get("SortOrder", "Ascending") == "Descending"
    entries.sort(key=lambda entry: entry[key], reverse=is_down)


def _has_status(training: TunedTraining, request: Mapping[str, Any]) -> bool:
    return bool(request.get("StatusEquals", training.record.status) == training.record.status)


def _is_asked(entry: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return bool(
        request.get("NameContains", "").lower() in entry["HyperParameterTuningJobName"].lower()
        and request.get("StatusEquals", entry["HyperParameterTuningJobStatus"])
        == entry["HyperParameterTuningJobStatus"]
        and entry["CreationTime"] > request.get("CreationTimeAfter", 0.0)
        and entry["CreationTime"] < request.get("CreationTimeBefore", float("inf"))
        and entry["LastModifiedTime"] > request.get("LastModifiedTimeAfter", 0.0)
        and entry["LastModifiedTime"] < request.get("LastModifiedTimeBefore", float("inf"))
    )
