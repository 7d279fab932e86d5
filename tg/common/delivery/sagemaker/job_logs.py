"""The log of a training job, line by line while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ..._core.errors import AwsError
from .aws import AwsClients
from .aws_errors import translated

__all__ = ["JobLogs"]

_GROUP = "/aws/sagemaker/TrainingJobs"
_CALL_SECONDS = 1.0
# so many calls in a row that bring nothing end a log whose job has ended: lines come late
_QUIET_CALLS = 3
# the status is asked for after so many calls for lines
_LINES_A_STATUS = 4


class JobLogs:
    """Reads CloudWatch, at one call a second at most.

    Parameters
    ----------
    clients
        The services.
    job_name
        The training job.
    host_count
        The number of its instances, each of which has a stream of its own.
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
        self._logs = clients.client("logs")
        self._job_name = job_name
        self._host_count = host_count
        self._sleep = sleep
        self._clock = clock
        self._last_call = -_CALL_SECONDS
        self._streams: list[str] = []
        self._seen: set[str] = set()
        self._since_ms = 0
        self._token: str | None = None

    def follow(self, has_ended: Callable[[], bool]) -> Iterator[str]:
        """Give the lines, those to come as well; those of several hosts with the host's name.

        Parameters
        ----------
        has_ended
            Asks whether the job has ended; it counts as a call.
        """
        ended = False
        quiet = calls = 0
        while not (ended and quiet >= _QUIET_CALLS):
            if not ended and calls % (_LINES_A_STATUS + 1) == _LINES_A_STATUS:
                self._pace()
                ended = has_ended()
                quiet = 0
            else:
                lines = self._next_lines()
                quiet = 0 if lines else quiet + 1
                yield from lines
            calls += 1

    def _next_lines(self) -> list[str]:
        """Make one call, and give what it brings."""
        self._pace()
        if len(self._streams) < self._host_count and not self._token:
            found = self._find_streams()
            if len(found) > len(self._streams):
                self._streams = found
                self._since_ms = 0  # a host that was late has lines from before
                self._pace()
            if not self._streams:
                return []
        request: dict[str, Any] = {
            "logGroupName": _GROUP,
            "logStreamNames": self._streams,
            "startTime": self._since_ms,
        }
        if self._token:
            request["nextToken"] = self._token
        with translated("logs.FilterLogEvents"):
            response = self._logs.filter_log_events(**request)
        self._token = response.get("nextToken")
        return [self._line(event) for event in response["events"] if self._is_new(event)]

    def _find_streams(self) -> list[str]:
        try:
            with translated("logs.DescribeLogStreams"):
                response = self._logs.describe_log_streams(
                    logGroupName=_GROUP, logStreamNamePrefix=f"{self._job_name}/"
                )
        except AwsError as exc:
            if exc.code == "ResourceNotFoundException":  # the account's first job makes the group
                return []
            raise
        return sorted(stream["logStreamName"] for stream in response["logStreams"])

    def _is_new(self, event: dict[str, Any]) -> bool:
        if event["eventId"] in self._seen:
            return False
        self._seen.add(event["eventId"])
        self._since_ms = max(self._since_ms, int(event["timestamp"]))
        return True

    def _line(self, event: dict[str, Any]) -> str:
        text = str(event["message"]).rstrip("\n")
        if self._host_count == 1:
            return text
        host = event["logStreamName"].rpartition("/")[2].rpartition("-")[0]
        return f"{host} | {text}"

    def _pace(self) -> None:
        left = self._last_call + _CALL_SECONDS - self._clock()
        if left > 0:
            self._sleep(left)
        self._last_call = self._clock()
