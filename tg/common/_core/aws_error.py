"""What AWS refuses."""

from __future__ import annotations

from .tg_error import TgError

__all__ = [
    "AwsConnectionError",
    "AwsCredentialsError",
    "AwsError",
    "AwsNotFoundError",
    "AwsPermissionError",
    "AwsQuotaError",
    "AwsServiceError",
    "AwsThrottledError",
]


class AwsError(TgError):
    """AWS refused a request, or could not be asked.

    Attributes
    ----------
    code
        What AWS calls the error, such as ``NoSuchBucket``; the name of the client's own error if
        no answer came.
    operation
        What was asked for, such as ``PutObject``, or what it was good for.
    """

    def __init__(self, what: str, *, code: str = "", operation: str = "", hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.code = code
        self.operation = operation


class AwsConnectionError(AwsError):
    """AWS does not answer."""


class AwsCredentialsError(AwsError):
    """There are no AWS credentials, or they are wrong or have expired."""


class AwsNotFoundError(AwsError):
    """What was named is not there."""


class AwsPermissionError(AwsError):
    """The identity that asks may not do it."""


class AwsQuotaError(AwsError):
    """A limit of the account is reached."""


class AwsServiceError(AwsError):
    """AWS itself failed; the same request may go well later."""


class AwsThrottledError(AwsError):
    """AWS was asked too often."""
