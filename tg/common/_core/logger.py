"""The log that a training writes: one line an event, for people or for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TextIO

__all__ = ["Logger", "TrainingLogger"]


class TrainingLogger:
    """Writes lines such as ``2022-12-20 17:37:25.113050 INFO: Starting stage 1/1``.

    Nothing is set up before the first line. Lines go to what ``sys.stdout`` is at that moment, so
    that notebooks and tests see them.

    Parameters
    ----------
    stream
        Where lines go; ``None`` for the current ``sys.stdout``.
    clock
        Gives the local time of a line.

    Example
    -------
    >>> from datetime import datetime
    >>> log = TrainingLogger(clock=lambda: datetime(2022, 12, 20, 17, 37, 25, 113050))
    >>> log.info("Starting stage 1/1")
    2022-12-20 17:37:25.113050 INFO: Starting stage 1/1
    >>> with log.context(job="LR1"):
    ...     log.warning("slow", fold=3)
    2022-12-20 17:37:25.113050 WARNING: slow [job=LR1 fold=3]
    >>> log.use_json()
    >>> log.info("done", fold=3)
    {"time": "2022-12-20T17:37:25.113050", "level": "INFO", "message": "done", "fold": 3}
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], datetime] = datetime.now
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._json = False
        self._context: ContextVar[dict[str, Any]] = ContextVar("tg_log_context")

    def use_json(self) -> None:
        """Write one JSON object a line from now on; context becomes its fields."""
        self._json = True

    def use_text(self) -> None:
        """Write the documented text lines from now on (the default)."""
        self._json = False

    @contextmanager
    def context(self, **values: Any) -> Iterator[None]:
        """Add `values` to every line written within, in this thread or task."""
        token = self._context.set({**self._context.get({}), **values})
        try:
            yield
        finally:
            self._context.reset(token)

    def debug(self, message: object, **values: Any) -> None:
        """Write a line of level DEBUG."""
        self._log("DEBUG", message, values)

    def info(self, message: object, **values: Any) -> None:
        """Write a line of level INFO."""
        self._log("INFO", message, values)

    def warning(self, message: object, **values: Any) -> None:
        """Write a line of level WARNING."""
        self._log("WARNING", message, values)

    def error(self, message: object, **values: Any) -> None:
        """Write a line of level ERROR."""
        self._log("ERROR", message, values)

    def plain(self, line: str) -> None:
        """Write `line` as it is: output of others that is passed on, or a listing."""
        stream = self._stream or sys.stdout
        stream.write(line + "\n")
        stream.flush()

    def _log(self, level: str, message: object, values: dict[str, Any]) -> None:
        keys = {**self._context.get({}), **values}
        now = self._clock()
        if self._json:
            record = {"time": now.isoformat(timespec="microseconds"), "level": level}
            self.plain(json.dumps({**record, "message": str(message), **keys}, default=str))
            return
        suffix = " [" + " ".join(f"{k}={v}" for k, v in keys.items()) + "]" if keys else ""
        stamp = now.isoformat(sep=" ", timespec="microseconds")
        self.plain(f"{stamp} {level}: {message}{suffix}")


Logger = TrainingLogger()
