"""What boto3 raises, in the library's own types."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..._core.errors import (
    AwsConnectionError,
    AwsCredentialsError,
    AwsError,
    AwsServiceError,
    AwsThrottledError,
    ConfigError,
    TgError,
)
from ..._core.redaction import Redactor
from .aws_codes import CONNECTION_HINT, LOG_IN_HINT, NAME_HINT, meaning_of

__all__ = ["aws_error", "is_transient", "translated"]

_TRANSIENT = (AwsConnectionError, AwsServiceError, AwsThrottledError)
_CREDENTIAL_ERRORS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "SSOError",
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "LoginError",
    "NoAuthTokenError",
}
_ARGUMENT_ERRORS = {
    "ProfileNotFound",
    "NoRegionError",
    "InvalidRegionError",
    "ParamValidationError",
    "UnknownServiceError",
    "InvalidConfigError",
    "ConfigParseError",
    "InvalidRetryConfigurationError",
    "InvalidRetryModeError",
}
_KEYS = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}\b")
_SIGNED = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"']+", re.IGNORECASE)


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turn what boto3 raises within into this library's errors; secrets are not shown.

    Parameters
    ----------
    operation
        What is being asked for, such as ``PutObject``.

    Raises
    ------
    AwsError
        Or the type of it that fits; what boto3 raised is its cause.
    ConfigError
        The request cannot be made: an argument, the profile or the region is wrong.

    Example
    -------
    >>> with translated("PutObject"):
    ...     pass
    """
    try:
        yield
    except TgError:
        raise
    except Exception as exc:
        origin = _foreign(exc)
        if origin is None:
            raise
        raise _typed(origin, operation) from exc


def _foreign(error: BaseException) -> Exception | None:
    """Find boto3's own error; its transfers wrap it in another one."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (optional)

    pending: BaseException | None = error
    while pending is not None:
        if isinstance(pending, BotoCoreError | ClientError):
            found: Exception = pending
            return found
        if not type(pending).__module__.startswith(("boto3.", "s3transfer.")):
            return None
        following = pending.__cause__ or pending.__context__
        if following is None and isinstance(pending, Exception):
            return pending
        pending = following
    return None


def _typed(error: Exception, operation: str) -> TgError:
    from botocore import exceptions  # noqa: PLC0415 (optional)

    name = type(error).__name__
    said = _shown(error)
    if isinstance(error, exceptions.ClientError):
        answer = error.response.get("Error", {})
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        return aws_error(str(answer.get("Code", "")), answer.get("Message", ""), operation, status)
    broken = (
        exceptions.HTTPClientError,
        exceptions.ConnectionError,
        exceptions.IncompleteReadError,
    )
    if isinstance(error, broken):
        return AwsConnectionError(
            f"AWS does not answer {operation}: {said}",
            code=name,
            operation=operation,
            hint=CONNECTION_HINT,
        )
    if name in _CREDENTIAL_ERRORS:
        what = f"there are no usable AWS credentials for {operation}: {said}"
        return AwsCredentialsError(what, code=name, operation=operation, hint=LOG_IN_HINT)
    if name in _ARGUMENT_ERRORS:
        return ConfigError(f"AWS cannot be asked ({operation}): {said}", hint=NAME_HINT)
    return AwsError(f"{operation} failed: {said}", code=name, operation=operation)


def aws_error(code: str, message: str, operation: str, status: int = 0) -> AwsError:
    """Make the error that fits what a service answered.

    Parameters
    ----------
    code
        What the service calls it.
    message
        What it says.
    operation
        What was asked for.
    status
        The HTTP status, if it is known.

    Example
    -------
    >>> type(aws_error("ExpiredToken", "it is old", "PutObject")).__name__
    'AwsCredentialsError'
    """
    said = _shown(message) or "no reason was given"
    what = f"AWS refused {operation} with {code or 'an unknown error'}: {said}"
    kind, hint = meaning_of(code, message, status)
    return kind(what, code=code, operation=operation, hint=hint)


def is_transient(error: BaseException) -> bool:
    """Whether the same request may go well a little later.

    Example
    -------
    >>> is_transient(aws_error("SlowDown", "", "s3.PutObject"))
    True
    >>> is_transient(aws_error("AccessDenied", "", "s3.PutObject"))
    False
    """
    return isinstance(error, _TRANSIENT)


def _shown(said: object) -> str:
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    text = Redactor(os.environ.get(name, "") for name in names)(str(said))
    return _SIGNED.sub(r"\1***", _KEYS.sub("***", text))
