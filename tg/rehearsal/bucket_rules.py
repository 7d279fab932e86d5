"""Whose buckets are whose, and in which region they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from .account import ACCOUNT
from .gateway import Application, StartResponse
from .operation_name import is_own, operation_name, region_of, service_of
from .s3_uri import split_s3_uri

__all__ = ["BucketRules", "StorageGate", "regions_of_buckets"]

_REDIRECT = (
    "The bucket you are attempting to access must be addressed using the specified endpoint. "
    "Please send all future requests to this endpoint."
)
_TAKEN = (
    "The requested bucket name is not available. The bucket namespace is shared by all users of "
    "the system. Please select a different name and try again."
)
# what is asked of no region's endpoint in particular
_EVERYWHERE = {"s3.CreateBucket", "s3.GetBucketLocation"}


def regions_of_buckets() -> Mapping[str, str]:
    """Give the buckets of this account, with their regions."""
    from moto.backends import get_backend  # noqa: PLC0415 an optional library

    buckets = get_backend("s3")[ACCOUNT]["aws"].buckets
    return {name: bucket.region_name for name, bucket in list(buckets.items())}


class BucketRules:
    """Tells what storage refuses because of a bucket.

    After the Amazon S3 API reference, Error responses.

    Attributes
    ----------
    foreign
        Names of buckets of other accounts; each of them is closed to this one.
    """

    def __init__(self) -> None:
        self.foreign: set[str] = set()

    def refusal(
        self, bucket: str, operation: str, region: str
    ) -> tuple[HTTPStatus, str, str, str] | None:
        """Give status, code, message and the bucket's region if a request is refused."""
        if bucket in self.foreign:
            if operation == "s3.CreateBucket":
                return HTTPStatus.CONFLICT, "BucketAlreadyExists", _TAKEN, ""
            return HTTPStatus.FORBIDDEN, "AccessDenied", "Access Denied", ""
        there = regions_of_buckets().get(bucket, "")
        if there and region and there != region and operation not in _EVERYWHERE:
            return HTTPStatus.MOVED_PERMANENTLY, "PermanentRedirect", _REDIRECT, there
        return None

    def upload_trouble(self, uri: str, region: str) -> str:
        """Say why a job in some region cannot store anything at an address; empty if it can."""
        bucket, _ = split_s3_uri(uri)
        if bucket in self.foreign:
            return "AccessDenied: Access Denied"
        there = regions_of_buckets().get(bucket)
        if there is None:
            return "NoSuchBucket: The specified bucket does not exist"
        if there != region:
            return "BucketRegionError: bucket must be in the same region as the job"
        return ""

    def is_readable(self, bucket: str, region: str) -> bool:
        """Whether a job in some region can read from a bucket."""
        return bucket not in self.foreign and regions_of_buckets().get(bucket) == region


class StorageGate:
    """A WSGI application before another one: refuses what the rules of buckets forbid.

    Parameters
    ----------
    services
        Answers what is allowed.
    rules
        The rules.
    """

    def __init__(self, services: Application, rules: BucketRules) -> None:
        self._services = services
        self._rules = rules

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        bucket, _, key = str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")
        if not bucket or service_of(environ) != "s3" or is_own(environ):
            return self._services(environ, start_response)
        # "Verifying bucket ownership with bucket owner condition" of the S3 user guide
        owner = environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", ACCOUNT)
        found = self._rules.refusal(bucket, operation_name(environ), region_of(environ))
        if found is None and owner != ACCOUNT:
            found = HTTPStatus.FORBIDDEN, "AccessDenied", "Access Denied", ""
        if found is None:
            return self._services(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, code, message, region = found
        text = f"<Error><Code>{code}</Code><Message>{message}</Message>"
        text += f"<BucketName>{escape(bucket)}</BucketName><Key>{escape(key)}</Key></Error>"
        # an answer to HEAD has no body: the client makes the code of the status
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else text.encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        headers += [("x-amz-bucket-region", region)] if region else []
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]
