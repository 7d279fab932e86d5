"""Trainings at SageMaker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..._core.errors import (
    AwsError,
    RunNotFoundError,
    RunTimeoutError,
)
from ...contract.run_state import RunState
from ..execution.failure_kind import FailureKind
from ..execution.result_loader import ResultLoader
from ..execution.run import Run
from .aws import AwsClients
from .aws_errors import is_transient, translated
from .cost import RunCost, cost_of
from .job_failure import failure_kind_of, failure_of
from .job_logs import JobLogs
from .job_metrics import JobMetrics
from .job_result import open_job_result
from .patience import Patience
from .prices import Prices
from .s3_deletion import delete_below
from .s3_layout import parse_s3_uri
from .submission import SubmissionNote

__all__ = ["RemoteRun"]

_POLL_SECONDS = 5.0
_LOG_SECONDS = 60.0  # after its end the last lines of a job have come
_NOT_FOUND = "Requested resource not found"
# of a request while waiting: what waits asks again itself
_WAITING_ATTEMPTS = 2
_LOGGER = logging.getLogger(__name__)


class RemoteRun(Run):
    """A training job, found by its name alone from any process.

    Parameters
    ----------
    job_name
        The job.
    clients
        The services.
    results_folder
        Where results are kept on this machine.
    prices
        What instances cost, as in `RemoteOptions`.
    sleep, clock
        Wait some seconds; give the time in seconds.
    """

    def __init__(
        self,
        job_name: str,
        clients: AwsClients,
        results_folder: Path,
        *,
        prices: Prices | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job_name = job_name
        self._clients = clients
        self._results_folder = results_folder
        self._prices = prices
        self._sleep = sleep
        self._clock = clock
        self._metric_values: JobMetrics | None = None
        self._final: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """The job's name."""
        return self._job_name

    @property
    def state(self) -> RunState:
        """How far it is.

        Raises
        ------
        RunNotFoundError
            There is no such job.
        AwsError
            SageMaker does not say.
        """
        return RunState(self.describe()["TrainingJobStatus"])

    @property
    def failure_kind(self) -> FailureKind | None:
        """What is to blame for its failure; ``None`` unless it failed.

        A job that ran or waited longer than it might is ``Stopped`` for SageMaker, and has failed
        with ``TIMEOUT`` all the same: ``MaxRuntimeExceeded`` and ``MaxWaitTimeExceeded`` in
        "DescribeTrainingJob" of the SageMaker API reference.
        """
        return failure_kind_of(self.describe())

    @property
    def billable_seconds(self) -> int | None:
        """What is paid for, in seconds of each instance; ``None`` before it is known."""
        seconds = self.describe().get("BillableTimeInSeconds")
        return None if seconds is None else int(seconds)

    @property
    def cost(self) -> RunCost | None:
        """What it has cost; ``None`` before that is known.

        Raises
        ------
        PriceUnknownError
            There is no price of its instances: give one in `RemoteOptions`.
        """
        return cost_of(self.describe(), self._clients.region, self._prices)

    @property
    def metrics(self) -> dict[str, float]:
        """What SageMaker has picked up from the log so far, by name."""
        self._final = None  # they may come after the end as well
        found = self.describe().get("FinalMetricDataList") or []
        return {metric["MetricName"]: float(metric["Value"]) for metric in found}

    def describe(self) -> Mapping[str, Any]:
        """Give all that SageMaker says of it.

        Raises
        ------
        RunNotFoundError
            There is no such job.
        """
        return self._described(self._clients)

    def _described(self, clients: AwsClients) -> Mapping[str, Any]:
        if self._final is not None:
            return self._final
        client = clients.client("sagemaker")
        try:
            with translated("sagemaker.DescribeTrainingJob"):
                described: Mapping[str, Any] = client.describe_training_job(
                    TrainingJobName=self._job_name
                )
        except AwsError as exc:
            if exc.code == "ValidationException" and _NOT_FOUND in str(exc):
                raise RunNotFoundError(
                    f"there is no training job {self._job_name!r} in {self._clients.region}",
                    hint="Check the name, the region and the account.",
                ) from exc
            raise
        # from then on nothing of it changes but the metrics
        if (
            RunState(described["TrainingJobStatus"]).is_final
            and "BillableTimeInSeconds" in described
        ):
            self._final = described
        return described

    def logs(self) -> Iterator[str]:
        """Follow the log in CloudWatch; a line is seen within two seconds after it was written.

        Lines of several hosts begin with the host's name.
        """
        described = self.describe()
        hosts = int(described["ResourceConfig"]["InstanceCount"])
        logs = JobLogs(self._clients, self._job_name, hosts, sleep=self._sleep, clock=self._clock)
        if _ended_long_ago(described):
            return logs.read()
        return logs.follow(lambda: RunState(self._watched(None)["TrainingJobStatus"]).is_final)

    def metric_values(self) -> dict[str, list[float]]:
        """Give every value that was reported so far, by name, in the order of the log.

        CloudWatch is asked once a second at most, for new ones only: who asks sooner, waits.
        """
        if self._metric_values is None:
            hosts = int(self.describe()["ResourceConfig"]["InstanceCount"])
            self._metric_values = JobMetrics(
                self._clients, self._job_name, hosts, sleep=self._sleep, clock=self._clock
            )
        return self._metric_values.values()

    def wait(self, timeout_seconds: float | None = None) -> RemoteRun:
        """Wait until it ends, also while the network or SageMaker fails for some minutes."""
        deadline = None if timeout_seconds is None else self._clock() + timeout_seconds
        while True:
            described = self._watched(deadline)
            if RunState(described["TrainingJobStatus"]).is_final:
                _raise_for(described)
                self._tidy(described)
                return self
            left = _POLL_SECONDS if deadline is None else deadline - self._clock()
            if left <= 0:
                raise RunTimeoutError(
                    f"run {self.id} has not ended within {timeout_seconds} seconds",
                    hint="It goes on: wait again, or cancel it.",
                )
            self._sleep(min(left, _POLL_SECONDS))

    def _watched(self, deadline: float | None) -> Mapping[str, Any]:
        """Describe it; while that is not to be had, ask again until the deadline."""
        clients = self._clients.with_attempts(_WAITING_ATTEMPTS)
        patience = Patience(sleep=self._sleep, clock=self._clock)
        try:
            return patience.ask(lambda: self._described(clients), deadline)
        except AwsError as exc:
            what = f"run {self.id} cannot be watched: {exc.what}"
            hint = f"{exc.hint} The training goes on: wait again, in any process, by its name."
            if deadline is not None and is_transient(exc):
                raise RunTimeoutError(what, hint=hint) from exc
            raise exc.reworded(what, hint=hint) from exc

    def _tidy(self, described: Mapping[str, Any]) -> None:
        try:
            self.discard_checkpoints(described)
        except AwsError as exc:  # it has completed, and the next submission discards them as well
            _LOGGER.warning("the checkpoints of %s are still there: %s", self.id, exc)

    def discard_checkpoints(self, described: Mapping[str, Any]) -> None:
        """Delete what a completed training does not need any more.

        The same training, submitted again, then begins anew.

        Parameters
        ----------
        described
            What SageMaker says of it.
        """
        uri = (described.get("CheckpointConfig") or {}).get("S3Uri")
        if uri and RunState(described["TrainingJobStatus"]) is RunState.COMPLETED:
            delete_below(self._clients.client("s3"), parse_s3_uri(uri))

    def cancel(self) -> None:
        """Ask SageMaker to stop it: it keeps its checkpoints, or is killed 120 s later."""
        if self.state.is_final:
            return
        try:
            with translated("sagemaker.StopTrainingJob"):
                self._clients.client("sagemaker").stop_training_job(TrainingJobName=self._job_name)
        except AwsError:
            if not self.state.is_final:  # it may have ended in between
                raise

    def result(self) -> ResultLoader:
        """Open the result where it is: what is asked for is fetched, the whole by its ``path``."""
        described = self._ended()
        _raise_for(described)
        loader = open_job_result(self._clients, described, self._results_folder)
        SubmissionNote(self._results_folder, self._job_name).close()
        return loader

    def partial_result(self) -> ResultLoader:
        """Open what a training has left, however it ended.

        Of one that was stopped SageMaker keeps what it had written by then, of one that failed
        nothing as a rule.

        Raises
        ------
        RunTimeoutError
            It has not ended.
        ResultError
            It has left nothing.
        """
        return open_job_result(self._clients, self._ended(), self._results_folder)

    def _ended(self) -> Mapping[str, Any]:
        described = self.describe()
        state = RunState(described["TrainingJobStatus"])
        if not state.is_final:
            raise RunTimeoutError(
                f"run {self.id} is {state.value}", hint="Wait for it: run.wait().result()."
            )
        return described


def _ended_long_ago(described: Mapping[str, Any]) -> bool:
    """Whether all of its log has come by now."""
    ended = described.get("TrainingEndTime")
    age = None if ended is None else datetime.now(UTC) - ended
    return age is not None and age.total_seconds() > _LOG_SECONDS


def _raise_for(described: Mapping[str, Any]) -> None:
    error = failure_of(described)
    if error is not None:
        raise error
