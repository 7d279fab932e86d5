"""What a request asks for."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import parse_qs

__all__ = ["OWN_KEY", "is_own", "operation_name", "region_of", "service_of"]

# the access key of the cloud's own work, such as storing a job's result
OWN_KEY = "service"
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_FORM = "application/x-www-form-urlencoded"
# of S3: method, whether there is a key, a query parameter that is there, operation (S3 API
# reference, Actions); the first that fits
_S3 = (
    ("PUT", True, "uploadId", "UploadPart"),
    ("PUT", True, "tagging", "PutObjectTagging"),
    ("PUT", True, "", "PutObject"),
    ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"),
    ("GET", True, "uploadId", "ListParts"),
    ("GET", True, "tagging", "GetObjectTagging"),
    ("GET", True, "", "GetObject"),
    ("HEAD", True, "", "HeadObject"),
    ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("DELETE", True, "", "DeleteObject"),
    ("POST", False, "delete", "DeleteObjects"),
    ("GET", False, "list-type", "ListObjectsV2"),
    ("GET", False, "uploads", "ListMultipartUploads"),
    ("GET", False, "location", "GetBucketLocation"),
    ("GET", False, "", "ListObjects"),
    ("HEAD", False, "", "HeadBucket"),
    ("PUT", False, "", "CreateBucket"),
    ("DELETE", False, "", "DeleteBucket"),
)


def is_own(environ: dict[str, Any]) -> bool:
    """Whether the cloud itself asks."""
    found = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    return found is not None and found.group(1) == OWN_KEY


def service_of(environ: dict[str, Any]) -> str:
    """Give the service that a request is signed for; storage if it is not signed."""
    found = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    return found.group(3) if found else "s3"


def region_of(environ: dict[str, Any]) -> str:
    """Give the region that a request is signed for; empty if it is not signed.

    Example
    -------
    >>> scope = "AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/s3/aws4_request"
    >>> region_of({"HTTP_AUTHORIZATION": scope})
    'eu-west-1'
    """
    found = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    return found.group(2) if found else ""


def operation_name(environ: dict[str, Any]) -> str:
    """Give service and operation of a request, such as ``s3.PutObject``.

    Example
    -------
    >>> operation_name(
    ...     {"REQUEST_METHOD": "GET", "PATH_INFO": "/bucket", "QUERY_STRING": "list-type=2"}
    ... )
    's3.ListObjectsV2'
    """
    service = service_of(environ)
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        return f"{service}.{target.rpartition('.')[2]}"
    if service == "s3":
        return f"s3.{_storage_operation(environ)}"
    if str(environ.get("CONTENT_TYPE", "")).startswith(_FORM):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        [action] = parse_qs(body.decode(errors="replace")).get("Action", [""])
        return f"{service}.{action}"
    return f"{service}.{environ.get('REQUEST_METHOD', '')}"


def _storage_operation(environ: dict[str, Any]) -> str:
    method = str(environ["REQUEST_METHOD"])
    bucket, _, key = str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")
    query = parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
    if not bucket:
        return "ListBuckets"
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "UploadPartCopy" if "uploadId" in query else "CopyObject"
    for wanted, has_key, parameter, name in _S3:
        fits = method == wanted and bool(key) is has_key
        if fits and (not parameter or parameter in query):
            return name
    return method
