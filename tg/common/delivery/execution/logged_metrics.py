"""Metrics, read out of a log file while it grows."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ...contract.metric_line import reported_metrics

__all__ = ["LoggedMetrics"]


class LoggedMetrics:
    r"""Collects what a log reports; what was read once is not read again.

    Several threads may use it.

    Parameters
    ----------
    path
        The log; it need not be there yet.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "log.txt")
    >>> metrics = LoggedMetrics(path)
    >>> _ = path.write_text("###METRIC###loss:0.5###\n")
    >>> metrics.values()
    {'loss': [0.5]}
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._file_id = 0
        self._values: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def values(self) -> dict[str, list[float]]:
        """Give all values that were reported so far, by name, in the order of the log."""
        with self._lock:
            return self._read()

    def _read(self) -> dict[str, list[float]]:
        rest = ""
        try:
            with self._path.open("rb") as file:
                self._begin_at(file.fileno(), file.seek(0, os.SEEK_END))
                file.seek(self._position)
                for raw in file:
                    line = raw.decode("utf-8", "replace")
                    if not raw.endswith(b"\n"):  # more of it may come
                        rest = line
                        break
                    self._position += len(raw)
                    _collect(line, self._values)
        except FileNotFoundError:
            return {}
        values = {name: list(numbers) for name, numbers in self._values.items()}
        _collect(rest, values)
        return values

    def _begin_at(self, descriptor: int, size: int) -> None:
        """Begin anew with another file at the same path."""
        file_id = os.fstat(descriptor).st_ino
        if file_id != self._file_id or size < self._position:
            self._file_id, self._position, self._values = file_id, 0, {}


def _collect(line: str, values: dict[str, list[float]]) -> None:
    for name, value in reported_metrics(line):
        values.setdefault(name, []).append(value)
