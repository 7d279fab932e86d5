"""An error as a service of the cloud answers it."""

from __future__ import annotations

import json

__all__ = ["ServiceError"]


class ServiceError(Exception):
    """What a service answers to a request that it refuses.

    Not an error of this library: a client sees it as a ``ClientError`` with this code.

    Parameters
    ----------
    code
        Such as ``ValidationException``.
    message
        The service's text.
    status
        The HTTP status.

    Example
    -------
    >>> ServiceError("ResourceInUse", "There is one.").body
    b'{"__type": "ResourceInUse", "message": "There is one."}'
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    @property
    def body(self) -> bytes:
        """The answer in the JSON protocol (AWS JSON 1.1, operation errors)."""
        return json.dumps({"__type": self.code, "message": self.message}).encode()
