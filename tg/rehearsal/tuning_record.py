"""What the service knows of one tuning job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .training_record import (
    COMPLETED,
    ENDED,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    STOPPING,
    TrainingRecord,
)

__all__ = ["TunedTraining", "TuningRecord"]

_REASON_CHARACTERS = 1_024
_RETRYABLE = ("InternalServerError", "CapacityError")
# of the request, what DescribeHyperParameterTuningJob does not repeat
_NOT_DESCRIBED = {"Tags"}
_SUMMARY = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobArn",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "HyperParameterTuningEndTime",
    "LastModifiedTime",
    "TrainingJobStatusCounters",
    "ObjectiveStatusCounters",
)
_OF_TRAINING = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "TrainingJobStatus",
    "FailureReason",
)


@dataclass(frozen=True, kw_only=True)
class TunedTraining:
    """One training of a tuning job.

    Attributes
    ----------
    record
        The training job.
    values
        Its tuned hyperparameters.
    objective
        The metric that is looked for.
    """

    record: TrainingRecord
    values: Mapping[str, str]
    objective: Mapping[str, str]

    @property
    def has_ended(self) -> bool:
        """Whether its job has ended."""
        return self.record.status in ENDED

    @property
    def value(self) -> float | None:
        """The objective's last value in a training that has ended, and not failed."""
        if self.record.status not in (COMPLETED, STOPPED):
            return None
        for metric in self.record.describe()["FinalMetricDataList"]:
            if metric["MetricName"] == self.objective["MetricName"]:
                return float(metric["Value"])
        return None

    @property
    def objective_status(self) -> str:
        """Its ``ObjectiveStatus``."""
        if not self.has_ended:
            return "Pending"
        return "Failed" if self.value is None else "Succeeded"

    @property
    def counter(self) -> str:
        """Which of the ``TrainingJobStatusCounters`` it is counted in."""
        status = self.record.status
        if status == FAILED:
            reason = self.record.describe().get("FailureReason", "")
            return "RetryableError" if reason.startswith(_RETRYABLE) else "NonRetryableError"
        return status if status in (COMPLETED, STOPPED) else "InProgress"

    def summary(self, tuning_job: str, definition: str | None) -> dict[str, Any]:
        """Give its ``HyperParameterTrainingJobSummary``."""
        described = self.record.describe()
        answer: dict[str, Any] = {
            **{key: described[key] for key in _OF_TRAINING if key in described},
            "TuningJobName": tuning_job,
            "TunedHyperParameters": dict(self.values),
            "ObjectiveStatus": self.objective_status,
        }
        if definition is not None:
            answer["TrainingJobDefinitionName"] = definition
        if self.value is not None:
            answer["FinalHyperParameterTuningJobObjectiveMetric"] = {
                **self.objective,
                "Value": self.value,
            }
        return answer


class TuningRecord:
    """The state of a tuning job, as ``DescribeHyperParameterTuningJob`` tells it.

    After the API reference of Amazon SageMaker, DescribeHyperParameterTuningJob.

    Parameters
    ----------
    request
        The request that created it.
    arn
        Its name in the cloud.
    parents
        The tuning jobs whose trainings count as its own where it asks for the overall best one.
    clock
        Gives the time, seconds since 1970 UTC.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        arn: str,
        parents: Sequence[TuningRecord] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.request = request
        self.arn = arn
        self.tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
        self.stop_requested = threading.Event()
        self._parents = parents
        self._clock = clock
        self._lock = threading.Lock()
        self._created = self._changed = clock()
        self._finished: float | None = None
        self._status = IN_PROGRESS
        self._reason = ""
        self._trainings: list[TunedTraining] = []

    @property
    def name(self) -> str:
        """The tuning job's name."""
        return str(self.request["HyperParameterTuningJobName"])

    @property
    def created(self) -> float:
        """When it was created, seconds since 1970 UTC."""
        return self._created

    @property
    def status(self) -> str:
        """Its ``HyperParameterTuningJobStatus``."""
        return self._status

    @property
    def config(self) -> Mapping[str, Any]:
        """How it searches."""
        config: Mapping[str, Any] = self.request["HyperParameterTuningJobConfig"]
        return config

    @property
    def objective(self) -> Mapping[str, str]:
        """The metric that it looks for."""
        objective: Mapping[str, str] = self.config["HyperParameterTuningJobObjective"]
        return objective

    @property
    def trainings(self) -> list[TunedTraining]:
        """Its trainings, the oldest first."""
        with self._lock:
            return list(self._trainings)

    def add(self, record: TrainingRecord, values: Mapping[str, str]) -> None:
        """Note a training that it has started."""
        training = TunedTraining(record=record, values=values, objective=self.objective)
        with self._lock:
            self._trainings.append(training)
            self._changed = self._clock()

    def request_stop(self) -> None:
        """Note that it is to be stopped."""
        with self._lock:
            if self._status == IN_PROGRESS:
                self._status = STOPPING
                self._changed = self._clock()
        self.stop_requested.set()

    def end(self, status: str, reason: str = "") -> None:
        """End it, with a reason if it failed."""
        with self._lock:
            self._status = status
            self._reason = reason[:_REASON_CHARACTERS]
            self._finished = self._changed = self._clock()

    def best(self, trainings: Sequence[TunedTraining]) -> TunedTraining | None:
        """Give the best of some trainings; of equal ones, the first."""
        sign = 1 if self.objective["Type"] == "Maximize" else -1
        found = [(sign * one.value, one) for one in trainings if one.value is not None]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    @property
    def not_improving(self) -> int:
        """How many trainings have ended since the best one."""
        ended = [one for one in self.trainings if one.value is not None]
        ended.sort(key=lambda one: one.record.describe()["TrainingEndTime"])
        best = self.best(ended)
        return len(ended) - 1 - ended.index(best) if best is not None else 0

    def training_summary(self, training: TunedTraining) -> dict[str, Any]:
        """Give the summary of one of its trainings."""
        definition = self.request["TrainingJobDefinition"].get("DefinitionName")
        return training.summary(self.name, definition)

    def describe(self) -> dict[str, Any]:
        """Give the answer of ``DescribeHyperParameterTuningJob``."""
        trainings = self.trainings
        counters = ["Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"]
        counted = [one.counter for one in trainings]
        judged = [one.objective_status for one in trainings]
        seconds = [one.record.describe().get("TrainingTimeInSeconds", 0) for one in trainings]
        answer = {
            **{key: value for key, value in self.request.items() if key not in _NOT_DESCRIBED},
            "HyperParameterTuningJobArn": self.arn,
            "HyperParameterTuningJobStatus": self._status,
            "CreationTime": self._created,
            "LastModifiedTime": self._changed,
            "TrainingJobStatusCounters": {name: counted.count(name) for name in counters},
            "ObjectiveStatusCounters": {
                name: judged.count(name) for name in ("Succeeded", "Pending", "Failed")
            },
            "TuningJobCompletionDetails": {
                "NumberOfTrainingJobsObjectiveNotImproving": self.not_improving
            },
            "ConsumedResources": {"RuntimeInSeconds": sum(seconds)},
        }
        if self._finished is not None:
            answer["HyperParameterTuningEndTime"] = self._finished
        if self._reason:
            answer["FailureReason"] = self._reason
        best = self.best(trainings)
        if best is not None:
            answer["BestTrainingJob"] = self.training_summary(best)
        overall = self._overall_best()
        if overall is not None:
            answer["OverallBestTrainingJob"] = overall
        return answer

    def summary(self) -> dict[str, Any]:
        """Give its entry in the answer of ``ListHyperParameterTuningJobs``."""
        whole = self.describe()
        return {
            **{key: whole[key] for key in _SUMMARY if key in whole},
            "Strategy": self.config["Strategy"],
            "ResourceLimits": self.config["ResourceLimits"],
        }

    def _overall_best(self) -> dict[str, Any] | None:
        """Give the best training of this and its parents, which only some warm starts have."""
        kind = self.request.get("WarmStartConfig", {}).get("WarmStartType")
        if kind != "IdenticalDataAndAlgorithm":
            return None
        owners = [*self._parents, self]
        best = self.best([one for owner in owners for one in owner.trainings])
        if best is None:
            return None
        owner = next(one for one in owners if best in one.trainings)
        return owner.training_summary(best)
