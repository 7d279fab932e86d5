"""Every error that users meet.

::

    TgError
    ├── ConfigError                 an argument that cannot be used (also a ValueError)
    │   ├── NamingError             a name or version that is illegal, or names that collide
    │   ├── GridError               cells of a grid whose tasks cannot be built
    │   ├── HyperparameterError     a path that leads nowhere, a value of the wrong type
    │   ├── PriceUnknownError       what it would cost cannot be said
    │   ├── CostLimitError          it could cost more than it may
    │   └── DataError               a dataset that cannot be trained on
    │       ├── DatasetNotFoundError
    │       └── ColumnNotFoundError
    ├── MissingDependencyError      an optional library is needed (also an ImportError)
    ├── PackagingError              the code cannot be packed
    │   ├── UnpicklableError        ... because of one value in the payload
    │   ├── SourceError             ... because of one source file
    │   └── DependencyError         ... because of a library it needs
    ├── FormatError                 a stored file cannot be read
    │   ├── ArchiveError            ... damaged, truncated or hostile
    │   ├── ProtocolError           ... written by a newer version of this library
    │   └── PythonVersionError      ... written by another Python
    ├── StorageError                the disk is full, or a file or folder cannot be written
    ├── ResultError                 a result does not hold what was asked for
    ├── CommandError                an external command failed
    ├── EnvironmentSetupError       the environment of a run could not be made
    ├── EngineError                 the container engine refused something
    │   └── EngineUnavailableError  ... there is none, or it does not answer
    ├── ImageBuildError             an image could not be built
    ├── PushError                   an image could not be brought to a registry
    ├── AwsError                    AWS refused a request, or could not be asked
    │   ├── AwsConnectionError      ... it does not answer
    │   ├── AwsCredentialsError     ... there are no credentials, or they have expired
    │   ├── AwsNotFoundError        ... what was named is not there
    │   ├── AwsPermissionError      ... this identity may not do it
    │   ├── AwsQuotaError           ... a limit of the account is reached
    │   ├── AwsServiceError         ... it failed itself, and did nothing
    │   └── AwsThrottledError       ... it was asked too often
    ├── SweepError                  a sweep cannot go on
    │   ├── SweepNotFoundError      ... there is none of that name
    │   ├── SweepBusyError          ... another process drives it
    │   └── SweepPausedError        ... until something else works again; nothing is lost
    └── RunError                    a run did not end well
        ├── RunNotFoundError
        ├── RunTimeoutError
        ├── RunCancelledError
        └── TrainingFailedError     the task itself raised or exited
            ├── CapacityError       ... did not start, as there was no machine for it
            ├── InfrastructureError ... was ended by a failure of where it ran
            ├── MemoryLimitError    ... was killed, as it took more memory than it had
            └── TrainingTimeoutError    ... was ended, as it took longer than it might
"""

from __future__ import annotations

from collections.abc import Mapping

from .aws_error import (
    AwsConnectionError,
    AwsCredentialsError,
    AwsError,
    AwsNotFoundError,
    AwsPermissionError,
    AwsQuotaError,
    AwsServiceError,
    AwsThrottledError,
)
from .run_error import (
    CapacityError,
    InfrastructureError,
    MemoryLimitError,
    RunCancelledError,
    RunError,
    RunNotFoundError,
    RunTimeoutError,
    SweepBusyError,
    SweepError,
    SweepNotFoundError,
    SweepPausedError,
    TrainingFailedError,
    TrainingTimeoutError,
)
from .tg_error import TgError

__all__ = [
    "ArchiveError",
    "AwsConnectionError",
    "AwsCredentialsError",
    "AwsError",
    "AwsNotFoundError",
    "AwsPermissionError",
    "AwsQuotaError",
    "AwsServiceError",
    "AwsThrottledError",
    "CapacityError",
    "ColumnNotFoundError",
    "CommandError",
    "ConfigError",
    "CostLimitError",
    "DataError",
    "DatasetNotFoundError",
    "DependencyError",
    "EngineError",
    "EngineUnavailableError",
    "EnvironmentSetupError",
    "FormatError",
    "GridError",
    "HyperparameterError",
    "ImageBuildError",
    "InfrastructureError",
    "MemoryLimitError",
    "MissingDependencyError",
    "NamingError",
    "PackagingError",
    "PriceUnknownError",
    "ProtocolError",
    "PushError",
    "PythonVersionError",
    "ResultError",
    "RunCancelledError",
    "RunError",
    "RunNotFoundError",
    "RunTimeoutError",
    "SourceError",
    "StorageError",
    "SweepBusyError",
    "SweepError",
    "SweepNotFoundError",
    "SweepPausedError",
    "TgError",
    "TrainingFailedError",
    "TrainingTimeoutError",
    "UnpicklableError",
]


class ConfigError(TgError, ValueError):
    """An argument cannot be used."""


class NamingError(ConfigError):
    """A name or version is illegal, or two names collide."""


class GridError(ConfigError):
    """Tasks of a grid's cells cannot be built.

    Attributes
    ----------
    failures
        The name of each such cell, to what its build raised.
    """

    def __init__(
        self, what: str, *, failures: Mapping[str, str] | None = None, hint: str = ""
    ) -> None:
        super().__init__(what, hint=hint)
        self.failures = dict(failures or {})


class HyperparameterError(ConfigError):
    """A hyperparameter's path leads nowhere or its value has the wrong type."""


class PriceUnknownError(ConfigError):
    """There is no price for what is asked for."""


class CostLimitError(ConfigError):
    """It could cost more than it may."""


class DataError(ConfigError):
    """A dataset cannot be trained on."""


class DatasetNotFoundError(DataError):
    """There is no dataset where it is expected."""


class ColumnNotFoundError(DataError):
    """A dataset lacks a column."""


class MissingDependencyError(TgError, ImportError):
    """An optional library is needed."""


class PackagingError(TgError):
    """The code cannot be packed."""


class UnpicklableError(PackagingError):
    """A value in the payload cannot be pickled.

    Attributes
    ----------
    path
        Where it stands, such as ``job.task.model_provider.constructor.callback``.
    """

    def __init__(self, what: str, *, path: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.path = path


class SourceError(PackagingError):
    """A source file cannot travel."""


class DependencyError(PackagingError):
    """A library that the code needs cannot be named or pinned."""


class FormatError(TgError):
    """A stored file cannot be read."""


class ArchiveError(FormatError):
    """An archive is damaged, truncated or hostile."""


class ProtocolError(FormatError):
    """A stored file has a protocol number this version does not know."""


class PythonVersionError(FormatError):
    """A stored file was made by another minor version of Python."""


class StorageError(TgError):
    """The disk is full, or a file or folder cannot be written or locked.

    The ``OSError`` is its cause.
    """


class ResultError(TgError):
    """A result does not hold what was asked for."""


class CommandError(TgError):
    """An external command failed.

    Attributes
    ----------
    exit_code
        The command's exit code; ``None`` if it could not be started or was ended by a timeout.
    output
        The tail of what it printed.
    has_timed_out
        Whether it was ended as it took longer than it might.
    """

    def __init__(
        self,
        what: str,
        *,
        exit_code: int | None = None,
        output: str = "",
        has_timed_out: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(what, hint=hint)
        self.exit_code = exit_code
        self.output = output
        self.has_timed_out = has_timed_out


class EnvironmentSetupError(TgError):
    """The environment of a run could not be made."""


class EngineError(TgError):
    """The container engine refused something, or did it only in part."""


class EngineUnavailableError(EngineError):
    """There is no container engine, or it does not answer."""


class ImageBuildError(TgError):
    """An image could not be built.

    Attributes
    ----------
    step
        The instruction of the Dockerfile that failed; empty if it was none.
    output
        The end of what that step printed.
    """

    def __init__(self, what: str, *, step: str = "", output: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.step = step
        self.output = output


class PushError(TgError):
    """An image could not be brought to a registry.

    Attributes
    ----------
    reference
        Where it was to go: the repository and the tag.
    output
        The end of what the engine printed.
    """

    def __init__(self, what: str, *, reference: str = "", output: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.reference = reference
        self.output = output
