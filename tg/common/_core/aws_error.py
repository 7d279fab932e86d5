"""What AWS refuses."""

from __future__ import annotations

from typing import Self

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

    def reworded(self, what: str, *, hint: str) -> Self:
        """Make the same error in the words of who knows more of what was wanted.

        Example
        -------
        >>> error = AwsNotFoundError("there is no such key", code="NoSuchKey")
        >>> error.reworded("there is no result yet", hint="Wait for the training.").code
        'NoSuchKey'
        """
        return type(self)(what, code=self.code, operation=self.operation, hint=hint)


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
