"""The log of one host of a job, and the metrics in it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["GROUP", "JobLog", "MetricReader"]

GROUP = "/aws/sagemaker/TrainingJobs"
_FLUSH_SECONDS = 0.2
# PutLogEvents: events of a request, their bytes with 26 for each, and the bytes of one
_EVENTS, _BYTES, _EVENT_BYTES, _OVERHEAD = 10_000, 1_000_000, 250_000, 26


class MetricReader:
    """Finds metrics in lines.

    Parameters
    ----------
    definitions
        ``MetricDefinitions`` of a job.
    measure
        Called with name and value of each.

    Example
    -------
    >>> reader = MetricReader([{"Name": "auc", "Regex": "auc=([0-9.]+)"}], print)
    >>> reader.read("epoch 1 auc=0.75")
    auc 0.75
    """

    def __init__(
        self, definitions: Sequence[Mapping[str, str]], measure: Callable[[str, float], None]
    ) -> None:
        self._patterns = [(entry["Name"], re.compile(entry["Regex"])) for entry in definitions]
        self._measure = measure

    def read(self, line: str) -> None:
        """Find all metrics in one line."""
        for name, pattern in self._patterns:
            for found in pattern.finditer(line):
                try:
                    self._measure(name, float(found.group(1)))
                except (IndexError, TypeError, ValueError):
                    continue  # the service leaves out what is no number


class JobLog:
    """Writes lines to a stream of CloudWatch Logs, several at once.

    Parameters
    ----------
    client
        A client of the service.
    stream
        The stream's name; it appears with the first line.
    """

    def __init__(self, client: Any, stream: str) -> None:
        self._client = client
        self._stream = stream
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._is_over = threading.Event()
        self._is_there = False
        self._thread = threading.Thread(target=self._flush_often, name="rehearsal-log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Add a line."""
        # an event may not be empty
        raw = (line or " ").encode(errors="replace")
        parts = [raw[at : at + _EVENT_BYTES] for at in range(0, len(raw), _EVENT_BYTES)]
        now = int(time.time() * 1_000)
        with self._lock:
            self._events += [
                {"timestamp": now, "message": part.decode(errors="replace")} for part in parts
            ]

    def close(self) -> None:
        """Write what is left."""
        self._is_over.set()
        self._thread.join()
        self._flush()

    def _flush_often(self) -> None:
        while not self._is_over.wait(_FLUSH_SECONDS):
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            events, self._events = self._events, []
        while events:
            count = _fitting(events)
            self._make_stream()
            self._client.put_log_events(
                logGroupName=GROUP, logStreamName=self._stream, logEvents=events[:count]
            )
            events = events[count:]

    def _make_stream(self) -> None:
        if self._is_there:
            return
        from botocore.exceptions import ClientError  # noqa: PLC0415 an optional library

        try:
            self._client.create_log_group(logGroupName=GROUP)
        except ClientError as exc:
            # another job may have made it; a client's own exceptions are made twice where two
            # threads ask for them at once, and are not the same then
            if exc.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        self._client.create_log_stream(logGroupName=GROUP, logStreamName=self._stream)
        self._is_there = True


def _fitting(events: Sequence[Mapping[str, Any]]) -> int:
    """Tell how many events one request takes."""
    size = 0
    for count, event in enumerate(events[:_EVENTS]):
        size += len(event["message"].encode()) + _OVERHEAD
        if size > _BYTES and count:
            return count
    return min(len(events), _EVENTS)
