"""What an error of a place means for the sweep."""

from __future__ import annotations

import errno
from enum import StrEnum

from ..._core.errors import (
    AwsConnectionError,
    AwsCredentialsError,
    AwsError,
    AwsNotFoundError,
    AwsPermissionError,
    AwsQuotaError,
    AwsServiceError,
    AwsThrottledError,
    CapacityError,
    EngineUnavailableError,
    EnvironmentSetupError,
    MissingDependencyError,
    StorageError,
)

__all__ = ["Refusal"]


class Refusal(StrEnum):
    """Why something was not done, and so what to do next."""

    QUOTA = "quota"  # an own run has to end first
    THROTTLE = "throttle"  # later, and more slowly
    CAPACITY = "capacity"  # elsewhere, or later
    SILENCE = "silence"  # it may have been done: ask again, under the same id
    PAUSE = "pause"  # nothing will be done before the user has done something
    TASK = "task"  # it is this task's own fault

    @classmethod
    def of(cls, error: BaseException) -> Refusal:
        """Tell what an error means.

        Example
        -------
        >>> Refusal.of(AwsThrottledError("too fast")).value, Refusal.of(ValueError()).value
        ('throttle', 'task')
        """
        if isinstance(error, AwsError) and "capacity" in f"{error.code}".lower():
            return cls.CAPACITY
        if isinstance(error, OSError) and error.errno in _OUT_OF_ROOM:
            return cls.PAUSE
        for kinds, refusal in _MEANINGS:
            if isinstance(error, kinds):
                return refusal
        return cls.TASK


# this machine has no more of something, for all tasks alike: of disk, files, processes
_OUT_OF_ROOM = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EAGAIN,
    }
)

_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], Refusal], ...] = (
    ((AwsQuotaError,), Refusal.QUOTA),
    ((AwsThrottledError,), Refusal.THROTTLE),
    ((CapacityError,), Refusal.CAPACITY),
    ((AwsConnectionError, AwsServiceError, EngineUnavailableError, TimeoutError), Refusal.SILENCE),
    (
        (
            AwsCredentialsError,
            AwsPermissionError,
            AwsNotFoundError,
            # libraries that are wanted here, for all tasks alike
            EnvironmentSetupError,
            MissingDependencyError,
            StorageError,
            MemoryError,
        ),
        Refusal.PAUSE,
    ),
)
