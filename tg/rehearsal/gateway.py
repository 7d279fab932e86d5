"""What stands before the simulated services and answers what they cannot."""

from __future__ import annotations

import io
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .operation_name import region_of
from .service_error import ServiceError

__all__ = ["Application", "Gateway", "Operation", "StartResponse"]

# what WSGI calls these (PEP 3333)
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
# takes the request's JSON and gives the answer's; None leaves the request to the services
Operation = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]

_JSON = "application/x-amz-json-1.1"
# what services call the image registry of an account in a region
_REGISTRY_HOST = re.compile(rb"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_REGISTRY_TARGET = "AmazonEC2ContainerRegistry_V20150921."


class Gateway:
    """A WSGI application before another one.

    Parameters
    ----------
    services
        Answers all that is not answered here.
    operations
        Gives those of a region, by the value of the header ``X-Amz-Target``, such as
        ``SageMaker.CreateTrainingJob``. One that gives ``None`` leaves the request to `services`.
    real_registry
        Gives the address of the registry that is there.
    """

    def __init__(
        self,
        services: Application,
        operations: Callable[[str], Mapping[str, Operation]],
        real_registry: Callable[[], str],
    ) -> None:
        self._services = services
        self._operations = operations
        self._real_registry = real_registry

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        operation = self._operations(region_of(environ)).get(target)
        if operation is not None:
            answer = self._answer(operation, environ)
            if answer is not None:
                return _respond(start_response, *answer)
        if target.startswith(_REGISTRY_TARGET):
            return self._with_real_registry(environ, start_response)
        return self._services(environ, start_response)

    def _answer(self, operation: Operation, environ: dict[str, Any]) -> tuple[int, bytes] | None:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            answer = operation(json.loads(body or b"{}"))
        except ServiceError as exc:
            return exc.status, exc.body
        return None if answer is None else (200, json.dumps(answer).encode())

    def _with_real_registry(
        self, environ: dict[str, Any], start_response: StartResponse
    ) -> list[bytes]:
        """Pass a request on, and put the real registry's address into the answer."""
        status, headers = "", []

        def keep(line: str, pairs: list[tuple[str, str]], _error: object = None) -> None:
            nonlocal status, headers
            status, headers = line, pairs

        chunks = self._services(environ, keep)
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        if _REGISTRY_HOST.search(body):
            body = _REGISTRY_HOST.sub(self._real_registry().encode(), body)
        kept = [(key, value) for key, value in headers if key.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body)))])
        return [body]


def _respond(start_response: StartResponse, status: int, body: bytes) -> list[bytes]:
    headers = [
        ("Content-Type", _JSON),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", secrets.token_hex(16)),
    ]
    start_response(f"{status} {'OK' if status == 200 else 'Error'}", headers)
    return [body]
