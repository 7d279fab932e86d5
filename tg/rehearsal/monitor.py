"""What stands before all services: it counts requests, and lets some of them go wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .calls import CallCounter, Calls
from .faults import Faults, cut_connection
from .gateway import Application, StartResponse
from .operation_name import is_own, operation_name
from .refusals import Refusal

__all__ = ["Monitor"]

_PART_BYTES = 65_536


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
    named
        Gives service and operation of a request.
    is_own
        Whether a request is the cloud's own.
    """

    def __init__(
        self,
        services: Application,
        counter: CallCounter,
        faults: Faults,
        *,
        named: Callable[[dict[str, Any]], str] = operation_name,
        is_own: Callable[[dict[str, Any]], bool] = is_own,
    ) -> None:
        self._services = services
        self._named = named
        self._is_own = is_own
        self._counter = counter
        self._faults = faults

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self._is_own(environ):
            return self._services(environ, start_response)
        operation = self._named(environ)
        size = int(environ.get("CONTENT_LENGTH") or 0)
        self._counter.add(operation, Calls(count=1, received_bytes=size))
        is_chunked = bool(environ.get("wsgi.input_terminated"))
        if is_chunked:
            counted = functools.partial(self._count_received, operation)
            environ["wsgi.input"] = _CountedInput(environ["wsgi.input"], counted)
        self._faults.delay(operation)
        if self._faults.breaks_request(operation):
            environ["wsgi.input"].read(_PART_BYTES if is_chunked else size // 2)
            cut_connection(environ)
            return [b""]
        refusal = self._faults.refusal(operation)
        if refusal is not None:
            # or the client may still write when all is closed
            _drain(environ["wsgi.input"], None if is_chunked else size)
            return _refuse(start_response, refusal)
        answer = self._services(environ, start_response)
        if self._faults.loses_answer(operation):
            for _ in answer:
                pass
            getattr(answer, "close", lambda: None)()
            cut_connection(environ)
            return [b""]
        return self._counted(operation, answer)

    def _count_received(self, operation: str, size: int) -> None:
        self._counter.add(operation, Calls(received_bytes=size))

    def _counted(self, operation: str, answer: Iterable[bytes]) -> Iterator[bytes]:
        try:
            for chunk in answer:
                self._counter.add(operation, Calls(sent_bytes=len(chunk)))
                yield chunk
        finally:
            getattr(answer, "close", lambda: None)()


class _CountedInput:
    """A body whose length is known only when it has been read."""

    def __init__(self, source: Any, counted: Callable[[int], None]) -> None:
        self._source = source
        self._counted = counted

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all."""
        chunk: bytes = self._source.read(size)
        self._counted(len(chunk))
        return chunk


def _drain(source: Any, size: int | None) -> None:
    left = size
    while left is None or left > 0:
        chunk = source.read(_PART_BYTES if left is None else min(left, _PART_BYTES))
        if not chunk:
            return
        left = None if left is None else left - len(chunk)


def _refuse(start_response: StartResponse, refusal: Refusal) -> list[bytes]:
    headers = [
        ("Content-Type", refusal.content_type),
        ("Content-Length", str(len(refusal.body))),
    ]
    start_response(f"{refusal.status} Refused", headers)
    return [refusal.body]
