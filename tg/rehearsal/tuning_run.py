"""The course of one tuning job, from its first training to its last."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from .hyperparameter_search import candidates, grid_size
from .service_error import ServiceError
from .training_record import COMPLETED, FAILED, STOPPED, TrainingRecord
from .tuning_record import TunedTraining, TuningRecord
from .tuning_rules import training_request

__all__ = ["TuningRun"]

_LOGGER = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
# after so many trainings that ended without the objective, no more are started
_PATIENCE = 5
_NO_METRIC = (
    "No objective metrics found after running {count} training jobs. Please ensure that the custom "
    "algorithm is emitting the objective metric as defined by the regular expression provided."
)
_ALL_FAILED = "All training jobs failed. Please look at their failure reasons for details."


class TuningRun:
    """Runs one tuning job: starts trainings, as many at once as it may, until it is over.

    Trainings are not stopped early, whatever ``TrainingJobEarlyStoppingType`` is: the service
    promises no more.

    Parameters
    ----------
    record
        The tuning job.
    create
        Starts a training as it is asked for, and gives its record.
    """

    def __init__(
        self, record: TuningRecord, create: Callable[[dict[str, Any]], TrainingRecord]
    ) -> None:
        self._record = record
        self._create = create
        config = record.config
        limits = config["ResourceLimits"]
        self._most = int(
            limits.get("MaxNumberOfTrainingJobs") or grid_size(config["ParameterRanges"]) or 0
        )
        self._parallel = int(limits["MaxParallelTrainingJobs"])
        self._seconds = limits.get("MaxRuntimeInSeconds")
        self._candidates: Iterator[dict[str, str]] = candidates(
            config["Strategy"], config["ParameterRanges"], config.get("RandomSeed")
        )
        self._next = next(self._candidates, None)
        self._began = time.monotonic()

    def run(self) -> None:
        """Run it to its end."""
        try:
            status, reason = self._search()
            self._stop_trainings()
        except ServiceError as exc:
            status, reason = FAILED, exc.message
            self._stop_trainings()
        except Exception as exc:  # a thread's error is nobody's: the job tells it
            _LOGGER.warning("the rehearsal of %s broke", self._record.name, exc_info=True)
            status, reason = FAILED, f"InternalServerError: {exc!r}"
        self._record.end(status, reason)

    def _search(self) -> tuple[str, str]:
        """Start trainings until it is over; give the status and the reason of a failure."""
        record = self._record
        while True:
            trainings = record.trainings
            running = [one for one in trainings if not one.has_ended]
            if record.stop_requested.is_set() or self._is_late():
                return STOPPED, ""
            if self._is_satisfied(trainings):
                return COMPLETED, ""
            reason = self._failure(trainings, bool(running))
            if reason:
                return FAILED, reason
            if not running and self._is_exhausted(len(trainings)):
                return COMPLETED, ""
            for _ in range(self._parallel - len(running)):
                if self._is_exhausted(len(record.trainings)) or not self._start():
                    break
            record.stop_requested.wait(_POLL_SECONDS)

    def _start(self) -> bool:
        """Start the next training; if there are no instances for it now, it is tried again."""
        number = len(self._record.trainings) + 1
        name = f"{self._record.name}-{number:03d}-{secrets.token_hex(4)}"
        values = self._next or {}
        try:
            training = self._create(training_request(self._record.request, name, values))
        except ServiceError as exc:
            if exc.code == "ResourceLimitExceeded":
                return False
            raise
        self._record.add(training, values)
        self._next = next(self._candidates, None)
        return True

    def _is_exhausted(self, count: int) -> bool:
        return self._next is None or count >= self._most

    def _is_late(self) -> bool:
        return self._seconds is not None and time.monotonic() - self._began > self._seconds

    def _is_satisfied(self, trainings: list[TunedTraining]) -> bool:
        """Whether a criterion of completion is met."""
        criteria = self._record.config.get("TuningJobCompletionCriteria", {})
        target = criteria.get("TargetObjectiveMetricValue")
        best = self._record.best(trainings)
        if target is not None and best is not None and best.value is not None:
            is_greater = self._record.objective["Type"] == "Maximize"
            if best.value >= target if is_greater else best.value <= target:
                return True
        most = criteria.get("BestObjectiveNotImproving", {}).get(
            "MaxNumberOfTrainingJobsNotImproving"
        )
        return most is not None and self._record.not_improving >= most

    def _failure(self, trainings: list[TunedTraining], is_running: bool) -> str:
        """Tell why it makes no sense to go on, if so."""
        ended = [one for one in trainings if one.has_ended]
        if any(one.value is not None for one in ended):
            return ""
        is_last = not is_running and self._is_exhausted(len(trainings))
        if not ended or (len(ended) < _PATIENCE and not is_last):
            return ""
        if all(one.record.status == FAILED for one in ended):
            return _ALL_FAILED
        return _NO_METRIC.format(count=len(ended))

    def _stop_trainings(self) -> None:
        """Stop what still runs, and wait for its end: results are kept."""
        running = [one.record for one in self._record.trainings if not one.has_ended]
        for training in running:
            training.request_stop()
        for training in running:
            training.ended.wait()
