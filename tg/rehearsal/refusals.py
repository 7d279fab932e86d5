"""How services refuse a request: status, code and message, in each one's own form."""

from __future__ import annotations

import json
from dataclasses import dataclass

__all__ = ["TROUBLES", "Refusal", "Trouble", "refusal_of"]

_QUERY_SERVICES = ("iam", "sts", "ec2", "cloudformation", "autoscaling")
_INTERNAL = "We encountered an internal error. Please try again."


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A kind of refusal that all services know, and what each calls it.

    Attributes
    ----------
    storage, registry, other
        Status, code and message: of S3, of an image registry, and of all other services.
    """

    storage: tuple[int, str, str]
    registry: tuple[int, str, str]
    other: tuple[int, str, str]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A refusal as it is sent.

    Attributes
    ----------
    status
        The HTTP status.
    content_type
        Of the body.
    body
        The text.
    """

    status: int
    content_type: str
    body: bytes


# Amazon S3 API reference, Error responses; OCI Distribution Specification, Error codes; Amazon
# ECR user guide, Troubleshooting errors with Docker commands; common errors of the other services
TROUBLES = {
    "throttle": Trouble(
        storage=(503, "SlowDown", "Please reduce your request rate."),
        registry=(429, "TOOMANYREQUESTS", "Rate exceeded"),
        other=(400, "ThrottlingException", "Rate exceeded"),
    ),
    "server error": Trouble(
        storage=(500, "InternalError", _INTERNAL),
        registry=(500, "UNKNOWN", _INTERNAL),
        other=(500, "InternalFailure", _INTERNAL),
    ),
    "expired token": Trouble(
        storage=(400, "ExpiredToken", "The provided token has expired."),
        registry=(
            403,
            "DENIED",
            "Your authorization token has expired. Reauthenticate and try again.",
        ),
        other=(
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
    ),
    "access denied": Trouble(
        storage=(403, "AccessDenied", "Access Denied"),
        registry=(403, "DENIED", "requested access to the resource is denied"),
        other=(400, "AccessDeniedException", "User is not authorized to perform: {action}"),
    ),
}


def refusal_of(kind: str, operation: str) -> Refusal:
    """Write a refusal as the service of an operation writes it.

    Parameters
    ----------
    kind
        A key of `TROUBLES`.
    operation
        Such as ``s3.PutObject``.

    Example
    -------
    >>> refusal_of("throttle", "sagemaker.CreateTrainingJob").body
    b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
    """
    service, _, name = operation.partition(".")
    trouble = TROUBLES[kind]
    if service == "registry":
        status, code, message = trouble.registry
        text = json.dumps({"errors": [{"code": code, "message": message}]})
        return Refusal(status=status, content_type="application/json", body=text.encode())
    if service == "s3":
        status, code, message = trouble.storage
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return Refusal(status=status, content_type="application/xml", body=text.encode())
    status, code, message = trouble.other
    message = message.format(action=f"{service}:{name}")
    if service in _QUERY_SERVICES:
        error = f"<Code>{code}</Code><Message>{message}</Message>"
        text = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
        return Refusal(status=status, content_type="text/xml", body=text.encode())
    text = json.dumps({"__type": code, "message": message})
    kind_of_json = "application/x-amz-json-1.1"
    return Refusal(status=status, content_type=kind_of_json, body=text.encode())
