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
    AwsNotFoundError,
    AwsPermissionError,
    AwsQuotaError,
    AwsThrottledError,
    ConfigError,
    TgError,
)
from ..._core.redaction import Redactor

__all__ = ["aws_error", "translated"]

_LOG_IN = "Log in again (`aws sso login`), or check AWS_PROFILE and the files in ~/.aws."
_PERMISSION = "Ask for the permission that it names, or use another profile."
_QUOTA = "Wait until what runs has ended, or ask for more in the console, Service Quotas."
_THROTTLED = "Ask again later, with fewer requests at a time."
_REGION = "Is it in another region? Set AWS_REGION to that one."
_CONNECTION = (
    "Check the network, the proxy and the region; AWS_ENDPOINT_URL, if it is set, must name a "
    "server that runs."
)
_CLOCK = "Set this machine's clock: AWS accepts a difference of five to fifteen minutes."
_NAME = "Check the name, the region and the account."

# by service: S3 and EC2 have their own names for what the others call alike
_CODES: dict[type[AwsError], tuple[str, frozenset[str]]] = {
    AwsCredentialsError: (
        _LOG_IN,
        frozenset(
            [
                "ExpiredToken",
                "ExpiredTokenException",
                "TokenRefreshRequired",
                "InvalidToken",
                "AuthFailure",
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                "InvalidAccessKeyId",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                "IncompleteSignature",
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
            ]
        ),
    ),
    AwsPermissionError: (
        _PERMISSION,
        frozenset(
            [
                "AccessDenied",
                "AccessDeniedException",
                "UnauthorizedOperation",
                "AllAccessDisabled",
                "AccountProblem",
                "KMSAccessDeniedException",
                "KMS.AccessDeniedException",
                "403",
                "Forbidden",
            ]
        ),
    ),
    AwsNotFoundError: (
        _NAME,
        frozenset(
            [
                "NoSuchBucket",
                "NoSuchKey",
                "NoSuchUpload",
                "NoSuchEntity",
                "NoSuchVersion",
                "404",
                "NotFound",
                "ResourceNotFound",
                "ResourceNotFoundException",
                "RepositoryNotFoundException",
                "ImageNotFoundException",
                "LifecyclePolicyNotFoundException",
            ]
        ),
    ),
    AwsQuotaError: (
        _QUOTA,
        frozenset(
            [
                "ResourceLimitExceeded",
                "LimitExceeded",
                "LimitExceededException",
                "TooManyBuckets",
                "ServiceQuotaExceededException",
            ]
        ),
    ),
    AwsThrottledError: (
        _THROTTLED,
        frozenset(
            [
                "Throttling",
                "ThrottlingException",
                "ThrottledException",
                "RequestThrottled",
                "SlowDown",
                "RequestThrottledException",
                "RequestLimitExceeded",
                "TooManyRequestsException",
                "BandwidthLimitExceeded",
                "429",
            ]
        ),
    ),
}
_OTHER_HINTS = {
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
}
_CLOCK_CODES = {"RequestTimeTooSkewed", "RequestExpired"}
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
        return aws_error(str(answer.get("Code", "")), answer.get("Message", ""), operation)
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
            hint=_CONNECTION,
        )
    if name in _CREDENTIAL_ERRORS:
        what = f"there are no usable AWS credentials for {operation}: {said}"
        return AwsCredentialsError(what, code=name, operation=operation, hint=_LOG_IN)
    if name in _ARGUMENT_ERRORS:
        return ConfigError(f"AWS cannot be asked ({operation}): {said}", hint=_NAME)
    return AwsError(f"{operation} failed: {said}", code=name, operation=operation)


def aws_error(code: str, message: str, operation: str) -> AwsError:
    """Make the error that fits what a service answered.

    Parameters
    ----------
    code
        What the service calls it.
    message
        What it says.
    operation
        What was asked for.

    Example
    -------
    >>> type(aws_error("ExpiredToken", "it is old", "PutObject")).__name__
    'AwsCredentialsError'
    """
    said = _shown(message) or "no reason was given"
    what = f"AWS refused {operation} with {code or 'an unknown error'}: {said}"
    if code in _CLOCK_CODES:
        return AwsCredentialsError(what, code=code, operation=operation, hint=_CLOCK)
    # the services of one protocol put a namespace in front, as "com.amazonaws#NoSuchThing"
    plain = code.rpartition("#")[2]
    for kind, (hint, codes) in _CODES.items():
        if plain in codes:
            return kind(what, code=code, operation=operation, hint=hint)
    hint = _OTHER_HINTS.get(plain, "")
    return AwsError(what, code=code, operation=operation, hint=hint)


def _shown(said: object) -> str:
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    text = Redactor(os.environ.get(name, "") for name in names)(str(said))
    return _SIGNED.sub(r"\1***", _KEYS.sub("***", text))
