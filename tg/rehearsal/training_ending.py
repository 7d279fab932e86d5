"""How a try of a training ends, and in which words the service says so."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

__all__ = [
    "BROKEN",
    "LIMITS",
    "NO_CAPACITY",
    "NO_IMAGE",
    "Ending",
    "upload_reason",
]

NO_IMAGE = (
    "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
    "permissions are incorrect."
)
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a "
    "different ML instance type."
)
BROKEN = "InternalServerError: We encountered an internal error. Please try again."


class Ending(Enum):
    """Why a try has ended."""

    DONE = auto()
    FAILED = auto()
    STOPPED = auto()
    TOO_LONG = auto()
    WAITED = auto()
    INTERRUPTED = auto()
    BROKEN = auto()


# secondary status and message
LIMITS: Mapping[Ending, tuple[str, str]] = MappingProxyType(
    {
        Ending.TOO_LONG: (
            "MaxRuntimeExceeded",
            "Training job runtime exceeded MaxRuntimeInSeconds provided",
        ),
        Ending.WAITED: (
            "MaxWaitTimeExceeded",
            "Training job wait time exceeded MaxWaitTimeInSeconds provided",
        ),
    }
)


def upload_reason(uri: str, trouble: str) -> str:
    """Say that a result could not be stored.

    Example
    -------
    >>> upload_reason("s3://mine/out", "NoSuchBucket: The specified bucket does not exist")[:52]
    'ClientError: Artifact upload failed:Unable to upload'
    """
    return f"ClientError: Artifact upload failed:Unable to upload file to {uri} ({trouble})"
