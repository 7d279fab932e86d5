"""What a training job has reported so far."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...contract.metric_line import METRIC_MARK, reported_metrics
from .aws import AwsClients
from .job_logs import JobLogs

__all__ = ["JobMetrics"]

_CALL_SECONDS = 1.0


class JobMetrics:
    """Reads the metrics of a job out of its log; what was read once is not asked for again.

    SageMaker itself keeps the last value of a metric only, and picks it up late.

    Parameters
    ----------
    clients
        The services.
    job_name
        The training job.
    host_count
        The number of its instances.
    sleep, clock
        Wait some seconds; give the time in seconds.
    """

    def __init__(
        self,
        clients: AwsClients,
        job_name: str,
        host_count: int,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = JobLogs(
            clients, job_name, host_count, phrase=METRIC_MARK, sleep=sleep, clock=clock
        )
        self._sleep = sleep
        self._clock = clock
        self._asked_at = clock() - _CALL_SECONDS
        self._values: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def values(self) -> dict[str, list[float]]:
        """Give all values by name, in the order of the log; whoever asks often waits in between.

        Raises
        ------
        AwsError
            CloudWatch does not give them.
        """
        with self._lock:
            left = self._asked_at + _CALL_SECONDS - self._clock()
            if left > 0:
                self._sleep(left)
            self._asked_at = self._clock()
            for line in self._logs.read():
                for name, value in reported_metrics(line):
                    self._values.setdefault(name, []).append(value)
            return {name: list(numbers) for name, numbers in self._values.items()}
