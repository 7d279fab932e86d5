"""Waiting for a run, with its log before one's eyes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from ..._core.errors import RunError
from ..._core.logger import Logger
from .run import Run

__all__ = ["follow_run"]


def follow_run(run: Run, on_line: Callable[[str], object] | None = None) -> str:
    """Pass the log on line by line, and wait; Ctrl-C ends the training as well.

    Parameters
    ----------
    run
        The training.
    on_line
        Gets each line; the library's log, with the run's id before it, if ``None``.

    Returns
    -------
    str
        The run's id.

    Raises
    ------
    TrainingFailedError
        The training failed; the end of its traceback is in the error.
    RunCancelledError
        It was cancelled.
    """
    try:
        for line in run.logs():
            if on_line is None:
                Logger.plain(f"{run.id} | {line}")
            else:
                on_line(line)
        run.wait()
    except KeyboardInterrupt:
        run.cancel()
        with contextlib.suppress(RunError):
            run.wait()
        raise
    return run.id
