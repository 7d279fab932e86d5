"""The operations of SageMaker that have to do with training jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from .account import ACCOUNT
from .bucket_rules import BucketRules
from .gateway import Operation
from .service_error import ServiceError
from .training_listing import listing
from .training_record import ENDED, TrainingRecord
from .validation import check_account, check_request, check_rules

__all__ = ["TrainingJobs"]

_TARGET = "SageMaker."
_JOB_ARN = ":training-job/"


class TrainingJobs:
    """All training jobs of a rehearsal.

    Parameters
    ----------
    region
        The region that it plays.
    quotas
        Instance type to how many of them may be in use at once; unlimited where there is no entry.
    rules
        Whose buckets are whose.
    run
        Runs one job to its end; called in a thread of its own.
    """

    def __init__(
        self,
        region: str,
        quotas: MutableMapping[str, int],
        rules: BucketRules,
        run: Callable[[TrainingRecord], None],
    ) -> None:
        self.quotas = quotas
        self._region = region
        self._rules = rules
        self._run = run
        self._lock = threading.Lock()
        self._records: dict[str, TrainingRecord] = {}
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations, by their targets."""
        named: dict[str, Operation] = {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": self._describe,
            "StopTrainingJob": self._stop,
            "DeleteTrainingJob": self._delete,
            "UpdateTrainingJob": self._update,
            "ListTrainingJobs": self._list,
            "ListTags": self._list_tags,
            "AddTags": self._add_tags,
            "DeleteTags": self._delete_tags,
        }
        return {f"{_TARGET}{name}": operation for name, operation in named.items()}

    def find(self, name: str) -> TrainingRecord | None:
        """Give the job of that name, if there is one."""
        return self._records.get(name)

    @property
    def count(self) -> int:
        """How many jobs were taken."""
        return len(self._threads)

    def cancel(self) -> None:
        """Take no more jobs, and give up those that run."""
        with self._lock:
            self._is_closed = True
        for record in list(self._records.values()):
            record.abandon()

    def settle(self, deadline: float) -> None:
        """Wait until all have ended, or until a moment by the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _create(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        check_request("CreateTrainingJob", request)
        check_rules(request)
        name = request["TrainingJobName"]
        arn = f"arn:aws:sagemaker:{self._region}:{ACCOUNT}:training-job/{name}"
        check_account(request, self._region, self._rules)
        with self._lock:
            if name in self._records:
                raise ServiceError(
                    "ResourceInUse",
                    "Training job names must be unique within an AWS account and region, and a "
                    f"training job with this name already exists ({arn})",
                )
            self._check_quota(request)
            if self._is_closed:
                raise ServiceError("ServiceUnavailable", "The rehearsal is over.", 503)
            record = self._records[name] = TrainingRecord(request, arn)
            self._reuse_pool(record)
            thread = threading.Thread(
                target=self._run, args=(record,), name=f"rehearsal-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        return {"TrainingJobArn": arn}

    def _reuse_pool(self, new: TrainingRecord) -> None:
        """Let a job have kept instances of an earlier one, if there are any of its kind."""
        for record in self._records.values():
            if record.pool is not None and record.pool.take(new.name, new.request):
                return

    def _check_quota(self, request: Mapping[str, Any]) -> None:
        resources = request["ResourceConfig"]
        kind, count = resources.get("InstanceType", ""), int(resources.get("InstanceCount", 1))
        limit = self.quotas.get(kind)
        is_spot = bool(request.get("EnableManagedSpotTraining"))
        used = sum(
            record.instances[1]
            for record in self._records.values()
            if record.instances[0] == kind
            and record.status not in ENDED
            and bool(record.request.get("EnableManagedSpotTraining")) == is_spot
        )
        if limit is not None and used + count > limit:
            usage = "spot training job usage" if is_spot else "training job usage"
            raise ServiceError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind} for {usage}' is {limit} Instances, with "
                f"current utilization of {used} Instances and a request delta of {count} "
                "Instances. Please use AWS Service Quotas to request an increase for this quota. "
                "If AWS Service Quotas is not available, contact AWS support to request an "
                "increase for this quota.",
            )

    def _describe(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._found("DescribeTrainingJob", request).describe()

    def _stop(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        record = self._found("StopTrainingJob", request)
        if record.status in ENDED:
            raise ServiceError(
                "ValidationException",
                f"The request was rejected because the training job is in status {record.status}.",
            )
        record.request_stop()
        return {}

    def _delete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        record = self._found("DeleteTrainingJob", request)
        if record.status not in ENDED:
            raise ServiceError(
                "ResourceInUse",
                f"The training job {record.arn} is in status {record.status} and cannot be "
                "deleted.",
            )
        if record.pool is not None and record.pool.status == "Available":
            raise ServiceError(
                "ResourceInUse",
                f"The training job {record.arn} retains an available warm pool and cannot be "
                "deleted.",
            )
        with self._lock:
            self._records.pop(record.name, None)
        return {}

    def _update(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        record = self._found("UpdateTrainingJob", request)
        seconds = request.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds")
        if seconds is not None and (record.pool is None or not record.pool.change(int(seconds))):
            raise ServiceError(
                "ValidationException",
                "KeepAlivePeriodInSeconds can be updated only while the training job has a warm "
                "pool that is in use or available.",
            )
        return {"TrainingJobArn": record.arn}

    def _found(self, operation: str, request: Mapping[str, Any]) -> TrainingRecord:
        check_request(operation, request)
        record = self._records.get(request["TrainingJobName"])
        if record is None:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return record

    def _list(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        check_request("ListTrainingJobs", request)
        return listing(list(self._records.values()), request)

    def _list_tags(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        record = self._tagged(request)
        if record is None:
            return None
        return {"Tags": [{"Key": key, "Value": value} for key, value in record.tags.items()]}

    def _add_tags(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        record = self._tagged(request)
        if record is None:
            return None
        record.tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return self._list_tags(request)

    def _delete_tags(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        record = self._tagged(request)
        if record is None:
            return None
        for key in request["TagKeys"]:
            record.tags.pop(key, None)
        return {}

    def _tagged(self, request: Mapping[str, Any]) -> TrainingRecord | None:
        arn = str(request.get("ResourceArn", ""))
        if _JOB_ARN not in arn:
            return None
        record = self._records.get(arn.rpartition("/")[2])
        if record is None:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return record
