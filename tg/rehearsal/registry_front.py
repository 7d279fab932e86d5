"""What stands before the image registry, so that its requests have names and can go wrong."""

from __future__ import annotations

import base64
import binascii
import contextlib
import http.client
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .gateway import StartResponse

__all__ = ["OWN_USER", "RegistryProxy", "is_own_pull", "registry_operation"]

# the user of the cloud's own work: pulling the image of a job
OWN_USER = "service"
_CHUNK_BYTES = 1_048_576
_ANSWER_SECONDS = 600.0
# by the end of the path and the method (OCI Distribution Specification, Endpoints)
_OPERATIONS = (
    (re.compile(r"/v2/?"), {"GET": "Login", "HEAD": "Login"}),
    (re.compile(r"/v2/.+/blobs/uploads/?"), {"POST": "StartUpload"}),
    (
        re.compile(r"/v2/.+/blobs/uploads/[^/]+"),
        {
            "PATCH": "UploadLayer",
            "PUT": "FinishUpload",
            "GET": "GetUpload",
            "DELETE": "CancelUpload",
        },
    ),
    (
        re.compile(r"/v2/.+/blobs/[^/]+"),
        {"HEAD": "HeadLayer", "GET": "GetLayer", "DELETE": "DeleteLayer"},
    ),
    (
        re.compile(r"/v2/.+/manifests/[^/]+"),
        {
            "HEAD": "HeadManifest",
            "GET": "GetManifest",
            "PUT": "PutManifest",
            "DELETE": "DeleteManifest",
        },
    ),
    (re.compile(r"/v2/.+/tags/list"), {"GET": "ListTags"}),
)
# of one connection, not of the message (RFC 9110, 7.6.1)
_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "expect", "te", "trailer"}


def registry_operation(environ: dict[str, Any]) -> str:
    """Give the name of a request to a registry.

    Example
    -------
    >>> path = "/v2/team/images/manifests/latest"
    >>> registry_operation({"REQUEST_METHOD": "PUT", "PATH_INFO": path})
    'registry.PutManifest'
    """
    path, method = str(environ["PATH_INFO"]), str(environ["REQUEST_METHOD"])
    for pattern, names in _OPERATIONS:
        if pattern.fullmatch(path):
            return f"registry.{names.get(method, method)}"
    return f"registry.{method}"


def is_own_pull(environ: dict[str, Any]) -> bool:
    """Whether the cloud itself asks."""
    kind, _, token = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    try:
        user = base64.b64decode(token).partition(b":")[0]
    except (ValueError, binascii.Error):
        return False
    return kind.lower() == "basic" and user == OWN_USER.encode()


class RegistryProxy:
    """A WSGI application that passes requests on to a registry, as they are.

    Parameters
    ----------
    port
        Where the registry is on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)
        with contextlib.ExitStack() as unless_answered:
            unless_answered.callback(connection.close)
            answer = _passed_on(connection, environ)
            unless_answered.pop_all()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        start_response(f"{answer.status} {answer.reason}", kept)
        return _chunks(connection, answer)


def _passed_on(
    connection: http.client.HTTPConnection, environ: dict[str, Any]
) -> http.client.HTTPResponse:
    query = str(environ.get("QUERY_STRING", ""))
    target = str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
    connection.putrequest(
        str(environ["REQUEST_METHOD"]),
        f"{target}?{query}" if query else target,
        skip_host=True,
        skip_accept_encoding=True,
    )
    for name, value in _headers(environ):
        connection.putheader(name, value)
    is_chunked = "chunked" in str(environ.get("HTTP_TRANSFER_ENCODING", "")).lower()
    if is_chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    body = _body(environ, is_chunked=is_chunked)
    connection.endheaders(body, encode_chunked=is_chunked)
    return connection.getresponse()


def _headers(environ: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        name = key.removeprefix("HTTP_").replace("_", "-").title()
        if key.startswith("HTTP_") and name.lower() not in _HOP:
            yield name, str(value)
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            yield key.replace("_", "-").title(), str(environ[key])


def _body(environ: dict[str, Any], *, is_chunked: bool) -> Iterator[bytes]:
    source = environ["wsgi.input"]
    left = None if is_chunked else int(environ.get("CONTENT_LENGTH") or 0)
    while left is None or left > 0:
        try:
            chunk = source.read(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
        except OSError as exc:  # the server knows what to do about a client that has gone
            raise ConnectionAbortedError("the client broke off") from exc
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk


def _chunks(
    connection: http.client.HTTPConnection, answer: http.client.HTTPResponse
) -> Iterator[bytes]:
    try:
        while chunk := answer.read(_CHUNK_BYTES):
            yield chunk
    finally:
        answer.close()
        connection.close()
