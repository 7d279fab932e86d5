"""What the codes mean that AWS refuses with, and what to do about each."""

from __future__ import annotations

import re

from ..._core.errors import (
    AwsCredentialsError,
    AwsError,
    AwsNotFoundError,
    AwsPermissionError,
    AwsQuotaError,
    AwsServiceError,
    AwsThrottledError,
)

__all__ = ["CONNECTION_HINT", "LOG_IN_HINT", "NAME_HINT", "meaning_of"]

LOG_IN_HINT = "Log in again (`aws sso login`), or check AWS_PROFILE and the files in ~/.aws."
_PERMISSION = "Ask for the permission that it names, or use another profile."
_QUOTA = "Wait until what runs has ended, or ask for more in the console, Service Quotas."
_THROTTLED = "Ask again later, with fewer requests at a time."
_SERVICE = (
    "Ask again later; https://health.aws.amazon.com tells of outages. What was submitted is found "
    "again by the same submission."
)
_REGION = "Is it in another region? Set AWS_REGION to that one."
CONNECTION_HINT = (
    "Check the network, the proxy and the region; AWS_ENDPOINT_URL, if it is set, must name a "
    "server that runs."
)
_CLOCK = "Set this machine's clock: AWS accepts a difference of five to fifteen minutes."
NAME_HINT = "Check the name, the region and the account."

# by service: S3 and EC2 have their own names for what the others call alike
_CODES: dict[type[AwsError], tuple[str, frozenset[str]]] = {
    AwsCredentialsError: (
        LOG_IN_HINT,
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
        NAME_HINT,
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
    AwsServiceError: (
        _SERVICE,
        frozenset(
            [
                "InternalError",
                "InternalFailure",
                "InternalServerError",
                "InternalServerException",
                "InternalServiceError",
                "ServerException",
                "ServiceUnavailable",
                "ServiceUnavailableException",
                "Unavailable",
                "RequestTimeout",
                "RequestTimeoutException",
                "500",
                "502",
                "503",
                "504",
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
# the answer to HEAD has no body, and so no code but its status ("HeadObject" of the S3 API
# reference): of those that S3 gives with 400 these are the ones that HEAD can meet
_NO_REASON = "400"
_HEAD_REFUSED = (
    "S3 does not say why here. Most likely the credentials have expired: log in again "
    "(`aws sso login`). Or the bucket is in another region: set AWS_REGION to that one."
)
_CLOCK_CODES = {"RequestTimeTooSkewed", "RequestExpired"}
# services other than S3 have no code for it: "Signature expired: A is now earlier than B"
_CLOCK_WORDS = re.compile(r"signature (?:expired|not yet current)", re.IGNORECASE)
_SERVER_ERROR = 500  # and above: the service is to blame (RFC 9110, 15.6)


def meaning_of(code: str, message: str, status: int = 0) -> tuple[type[AwsError], str]:
    """Give the type of error that a refusal is, and what to do about it.

    Parameters
    ----------
    code
        What the service calls it.
    message
        What it says.
    status
        The HTTP status, if it is known.

    Example
    -------
    >>> meaning_of("ExpiredToken", "it is old")[0].__name__
    'AwsCredentialsError'
    """
    if code in _CLOCK_CODES or _CLOCK_WORDS.search(message):
        return AwsCredentialsError, _CLOCK
    # the services of one protocol put a namespace in front, as "com.amazonaws#NoSuchThing"
    plain = code.rpartition("#")[2]
    for kind, (hint, codes) in _CODES.items():
        if plain in codes:
            return kind, hint
    if plain == _NO_REASON:
        return AwsCredentialsError, _HEAD_REFUSED
    if status >= _SERVER_ERROR:
        return AwsServiceError, _SERVICE
    return AwsError, _OTHER_HINTS.get(plain, "")
