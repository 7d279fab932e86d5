"""What becomes of runs, and of sweeps of them."""

from __future__ import annotations

from .tg_error import TgError

__all__ = [
    "CapacityError",
    "InfrastructureError",
    "MemoryLimitError",
    "RunCancelledError",
    "RunError",
    "RunNotFoundError",
    "RunTimeoutError",
    "SweepBusyError",
    "SweepError",
    "SweepNotFoundError",
    "SweepPausedError",
    "TrainingFailedError",
    "TrainingTimeoutError",
]


class SweepError(TgError):
    """A sweep cannot go on."""


class SweepNotFoundError(SweepError):
    """There is no sweep of that name."""


class SweepBusyError(SweepError):
    """Another process drives the sweep; this one may watch it."""


class SweepPausedError(SweepError):
    """A sweep waits for something else to work again; nothing is lost, and it can be reopened.

    What does not work is its cause.
    """


class RunError(TgError):
    """A run did not end well."""


class RunNotFoundError(RunError):
    """There is no run of that name."""


class RunTimeoutError(RunError):
    """A run did not end in time."""


class RunCancelledError(RunError):
    """A run was cancelled."""


class TrainingFailedError(RunError):
    """The training itself failed.

    Attributes
    ----------
    exit_code
        What the training process returned; ``None`` when it ran in this process.
    traceback_tail
        The end of the training's own traceback, at most 1,024 characters.
    """

    def __init__(
        self, what: str, *, exit_code: int | None = None, traceback_tail: str = "", hint: str = ""
    ) -> None:
        super().__init__(what, hint=hint)
        self.exit_code = exit_code
        self.traceback_tail = traceback_tail


class CapacityError(TrainingFailedError):
    """The training did not start, as there was no machine for it."""


class InfrastructureError(TrainingFailedError):
    """The training was ended by a failure of where it ran, not by its own."""


class MemoryLimitError(TrainingFailedError):
    """The training was killed, as it took more memory than it had."""


class TrainingTimeoutError(TrainingFailedError):
    """The training was ended, as it took longer than it might."""
