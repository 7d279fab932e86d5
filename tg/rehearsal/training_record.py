"""What the service knows of one training job."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from .warm_pool import WarmPool, kept_seconds

__all__ = ["TrainingRecord"]

IN_PROGRESS, COMPLETED, FAILED = "InProgress", "Completed", "Failed"
STOPPING, STOPPED = "Stopping", "Stopped"
ENDED = frozenset({COMPLETED, FAILED, STOPPED})
_REASON_CHARACTERS = 1_024
_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
    "WarmPoolStatus",
)
_DEFAULTS = {
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}
# in which a job that has begun has no instances, and pays for none
_WAITING = {"Starting", "Restarting"}
# the market's price changes; the rehearsal's is always this part of that on demand
SPOT_PRICE_SHARE = 0.3
# of the request, what DescribeTrainingJob does not repeat
_NOT_DESCRIBED = {"Tags", "SessionChainingConfig"}


class TrainingRecord:
    """The state of a job, as ``DescribeTrainingJob`` tells it.

    After the API reference of Amazon SageMaker, DescribeTrainingJob.

    Parameters
    ----------
    request
        The request that created it.
    arn
        Its name in the cloud.
    clock
        Gives the time, seconds since 1970 UTC.
    """

    def __init__(
        self, request: Mapping[str, Any], arn: str, clock: Callable[[], float] = time.time
    ) -> None:
        self.request = request
        self.arn = arn
        self.tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
        self.stop_requested = threading.Event()
        self.abandoned = threading.Event()
        self.interruption = threading.Event()
        self.breakdown = threading.Event()
        self.pool = WarmPool(request, clock) if kept_seconds(request) else None
        self.ended = threading.Event()
        self._clock = clock
        self._lock = threading.Lock()
        self._created = clock()
        self._changed = self._created
        self._began: float | None = None
        self._finished: float | None = None
        self._status = IN_PROGRESS
        self._transitions: list[dict[str, Any]] = []
        self._reason = ""
        self._artifacts = ""
        self._metrics: dict[str, dict[str, Any]] = {}
        self.enter("Starting", "Starting the training job")

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.request["TrainingJobName"])

    @property
    def region(self) -> str:
        """Where it runs."""
        return self.arn.split(":")[3]

    @property
    def created(self) -> float:
        """When it was created, seconds since 1970 UTC."""
        return self._created

    @property
    def status(self) -> str:
        """Its ``TrainingJobStatus``."""
        return self._status

    @property
    def instances(self) -> tuple[str, int]:
        """Type and number of its instances."""
        resources = self.request["ResourceConfig"]
        return resources.get("InstanceType", ""), int(resources.get("InstanceCount", 1))

    def enter(self, secondary: str, message: str, *, status: str = "") -> None:
        """Go to another secondary status, and to another status if one is given."""
        with self._lock:
            self._enter(secondary, message, status)
        if status in ENDED:
            self.ended.set()

    def _enter(self, secondary: str, message: str, status: str) -> None:
        now = self._clock()
        if self._transitions:
            self._transitions[-1]["EndTime"] = now
        self._transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        if secondary == "Downloading" and self._began is None:
            self._began = now
        self._changed = now
        if status:
            self._status = status
        if status in ENDED:
            self._finished = now
            self._transitions[-1]["EndTime"] = now
            if self.pool is not None:
                self.pool.settle(is_completed=status == COMPLETED)

    def request_stop(self) -> None:
        """Note that it is to be stopped; once is enough."""
        with self._lock:
            if self._status != IN_PROGRESS:
                return
            # at once: it may end at this moment, and nothing comes after that
            self._enter("Stopping", "Stopping the training job", STOPPING)
        self.stop_requested.set()

    def abandon(self) -> None:
        """Note that nobody waits for its end any more."""
        self.abandoned.set()
        self.request_stop()

    def fail(self, reason: str) -> None:
        """End it, with a reason."""
        self._reason = reason[:_REASON_CHARACTERS]
        self.enter("Failed", "Training job failed", status=FAILED)

    def keep_artifacts(self, uri: str) -> None:
        """Note where its model is."""
        self._artifacts = uri

    def measure(self, name: str, value: float) -> None:
        """Note a metric; the last value is the one that is told."""
        with self._lock:
            self._metrics[name] = {"MetricName": name, "Value": value, "Timestamp": self._clock()}

    def describe(self) -> dict[str, Any]:
        """Give the answer of ``DescribeTrainingJob``."""
        with self._lock:
            last = self._transitions[-1]
            answer = {
                **_DEFAULTS,
                **{key: value for key, value in self.request.items() if key not in _NOT_DESCRIBED},
                "TrainingJobArn": self.arn,
                "TrainingJobStatus": self._status,
                "SecondaryStatus": last["Status"],
                "SecondaryStatusTransitions": [dict(entry) for entry in self._transitions],
                "CreationTime": self._created,
                "LastModifiedTime": self._changed,
                "FinalMetricDataList": list(self._metrics.values()),
            }
            if self._artifacts:
                answer["ModelArtifacts"] = {"S3ModelArtifacts": self._artifacts}
            if self._reason:
                answer["FailureReason"] = self._reason
            if self._began is not None:
                answer["TrainingStartTime"] = self._began
            if self._finished is not None:
                answer["TrainingEndTime"] = self._finished
                if self._began is not None:
                    answer.update(self._times(self._began))
            if self.pool is not None:
                answer["WarmPoolStatus"] = self.pool.describe()
            return answer

    def _times(self, began: float) -> dict[str, int]:
        """Tell how long it had instances, and what of it is paid: each instance by itself."""
        held = sum(
            entry["EndTime"] - entry["StartTime"]
            for entry in self._transitions
            if entry["StartTime"] >= began and entry["Status"] not in _WAITING
        )
        share = SPOT_PRICE_SHARE if self.request.get("EnableManagedSpotTraining") else 1
        seconds = max(1, math.ceil(held))
        return {
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": max(1, math.ceil(seconds * share)),
        }

    def summary(self) -> dict[str, Any]:
        """Give its entry in the answer of ``ListTrainingJobs``."""
        whole = self.describe()
        return {key: whole[key] for key in _SUMMARY if key in whole}
