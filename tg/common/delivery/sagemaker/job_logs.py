"""The log of a training job, line by line while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ..._core.errors import AwsError
from .aws import AwsClients
from .aws_errors import translated
from .patience import Patience

__all__ = ["JobLogs"]

_GROUP = "/aws/sagemaker/TrainingJobs"
# 0.71 calls a second for lines and 0.18 for all else: less than one, and no line waits for long
_LINES_SECONDS = 1.4
_ELSE_SECONDS = 5.6
_PAGE_SECONDS = 0.2  # of a log that has been whole for long: there is nobody to hurry after
# so many calls in a row that bring nothing end a log whose job has ended: lines come late
_QUIET_CALLS = 3
# lines come that much after others which were written later: of one host, and of several
_OVERLAP_MS, _OVERLAP_OF_HOSTS_MS = 2_000, 10_000
_STREAMS = 100  # as many as one FilterLogEvents takes


class JobLogs:
    """Reads CloudWatch, at less than one call a second.

    Parameters
    ----------
    clients
        The services.
    job_name
        The training job.
    host_count
        The number of its instances, each of which has a stream of its own.
    phrase
        Only lines with this in them; all if it is empty.
    sleep, clock
        Wait some seconds; give the time in seconds.
    """

    def __init__(
        self,
        clients: AwsClients,
        job_name: str,
        host_count: int,
        *,
        phrase: str = "",
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = clients.client("logs")
        self._job_name = job_name
        self._host_count = host_count
        self._filter = {"filterPattern": f'"{phrase}"'} if phrase else {}
        self._sleep = sleep
        self._clock = clock
        self._overlap_ms = _OVERLAP_MS if host_count == 1 else _OVERLAP_OF_HOSTS_MS
        self._patience = Patience(sleep=sleep, clock=clock)
        self._due = clock()
        self._else_due = clock() + _ELSE_SECONDS
        self._streams: list[str] = []
        self._late_streams: list[str] = []
        self._seen: dict[str, int] = {}
        self._newest_ms = 0
        self._page: dict[str, Any] | None = None

    def follow(self, has_ended: Callable[[], bool]) -> Iterator[str]:
        """Give the lines, those to come as well; those of several hosts with the host's name.

        Parameters
        ----------
        has_ended
            Asks whether the job has ended; it counts as a call.
        """
        ended, quiet = False, 0
        asked_last = False
        while not (ended and quiet >= _QUIET_CALLS):
            if not ended and self._clock() >= self._else_due:
                self._else_due = self._clock() + _ELSE_SECONDS
                asked_last = not asked_last or self._knows_all_streams
                if asked_last:
                    ended, quiet = has_ended(), 0
                if not self._knows_all_streams and (ended or not asked_last):
                    self._find_streams()
            lines = self._next_lines()
            if lines:
                quiet = 0
            elif self._page is None:
                quiet += 1
            yield from lines

    def read(self) -> Iterator[str]:
        """Give the lines that are there, and that were not given yet."""
        is_due = self._clock() >= self._else_due
        if not self._streams or (is_due and not self._knows_all_streams):
            self._else_due = self._clock() + _ELSE_SECONDS
            self._find_streams()
        while self._streams:
            yield from self._call()
            if self._page is None:
                return
            self._sleep(_PAGE_SECONDS)

    @property
    def _knows_all_streams(self) -> bool:
        return len(self._streams) >= min(self._host_count, _STREAMS)

    def _next_lines(self) -> list[str]:
        """Wait for its turn, make a call, and give what it brings."""
        left = self._due - self._clock()
        if left > 0:
            self._sleep(left)
        self._due = self._clock() + _LINES_SECONDS
        if not self._streams:
            self._find_streams()
            self._else_due += _LINES_SECONDS if self._streams else 0  # a second call in this turn
        return self._call() if self._streams else []

    def _call(self) -> list[str]:
        """Ask for a page of lines."""
        request = self._page or self._first_page()
        response = self._patience.ask(lambda: self._answer(request))
        token = response.get("nextToken")
        events = [event for event in response["events"] if event["eventId"] not in self._seen]
        for event in events:
            self._seen[event["eventId"]] = int(event["timestamp"])
        self._newest_ms = max([self._newest_ms, *(int(e["timestamp"]) for e in events)])
        self._page = {**request, "nextToken": token} if token else None
        if self._page is None:  # what comes next begins so late that these cannot come again
            since = self._newest_ms - self._overlap_ms
            self._seen = {key: at for key, at in self._seen.items() if at >= since}
        return [self._line(event) for event in sorted(events, key=lambda e: int(e["timestamp"]))]

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        with translated("logs.FilterLogEvents"):
            answer: dict[str, Any] = self._logs.filter_log_events(
                logGroupName=_GROUP, **self._filter, **request
            )
        return answer

    def _first_page(self) -> dict[str, Any]:
        if self._late_streams:  # they have lines from before
            late, self._late_streams = self._late_streams, []
            return {"logStreamNames": late, "startTime": 0}
        since = max(0, self._newest_ms - self._overlap_ms)
        return {"logStreamNames": self._streams, "startTime": since}

    def _find_streams(self) -> None:
        try:
            with translated("logs.DescribeLogStreams"):
                pages = self._logs.get_paginator("describe_log_streams").paginate(
                    logGroupName=_GROUP, logStreamNamePrefix=f"{self._job_name}/"
                )
                found = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except AwsError as exc:
            if exc.code == "ResourceNotFoundException":  # the account's first job makes the group
                return
            raise
        found = sorted(found)[:_STREAMS]
        if self._streams:
            self._late_streams += [name for name in found if name not in self._streams]
        self._streams = found

    def _line(self, event: dict[str, Any]) -> str:
        text = str(event["message"]).rstrip("\n")
        if self._host_count == 1:
            return text
        host = event["logStreamName"].rpartition("/")[2].rpartition("-")[0]
        return f"{host} | {text}"
