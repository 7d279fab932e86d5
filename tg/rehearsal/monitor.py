"""What stands before all services: it counts requests, and lets some of them go wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .calls import CallCounter, Calls
from .faults import Faults, cut_connection
from .gateway import Application, StartResponse
from .operation_name import is_own, operation_name

__all__ = ["Monitor"]

_QUERY_SERVICES = ("iam", "sts", "ec2", "cloudformation", "autoscaling")


class Monitor:
    """A WSGI application before another one.

    Parameters
    ----------
    services
        Answers what does not go wrong.
    counter
        Counts; the cloud's own requests are not counted.
    faults
        What goes wrong.
    """

    def __init__(self, services: Application, counter: CallCounter, faults: Faults) -> None:
        self._services = services
        self._counter = counter
        self._faults = faults

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if is_own(environ):
            return self._services(environ, start_response)
        operation = operation_name(environ)
        size = int(environ.get("CONTENT_LENGTH") or 0)
        self._counter.add(operation, Calls(count=1, received_bytes=size))
        self._faults.delay(operation)
        if self._faults.breaks_request(operation):
            environ["wsgi.input"].read(size // 2)
            cut_connection(environ)
            return [b""]
        refusal = self._faults.refusal(operation)
        if refusal is not None:
            environ["wsgi.input"].read(size)  # or the client may still write when all is closed
            return _refuse(start_response, operation, *refusal)
        answer = self._services(environ, start_response)
        if self._faults.loses_answer(operation):
            for _ in answer:
                pass
            getattr(answer, "close", lambda: None)()
            cut_connection(environ)
            return [b""]
        return self._counted(operation, answer)

    def _counted(self, operation: str, answer: Iterable[bytes]) -> Iterator[bytes]:
        try:
            for chunk in answer:
                self._counter.add(operation, Calls(sent_bytes=len(chunk)))
                yield chunk
        finally:
            getattr(answer, "close", lambda: None)()


def _refuse(
    start_response: StartResponse, operation: str, status: int, code: str, message: str
) -> list[bytes]:
    service = operation.partition(".")[0]
    if service == "s3":
        kind, text = "application/xml", f"<Error><Code>{code}</Code><Message>{message}</Message>"
        text += "</Error>"
    elif service in _QUERY_SERVICES:
        kind, error = "text/xml", f"<Code>{code}</Code><Message>{message}</Message>"
        text = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
    else:
        kind = "application/x-amz-json-1.1"
        text = json.dumps({"__type": code, "message": message})
    body = text.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    start_response(f"{status} Refused", headers)
    return [body]
