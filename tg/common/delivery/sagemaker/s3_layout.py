"""Where a project's data, results and checkpoints stand in S3."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ..._core.errors import ConfigError, NamingError

__all__ = ["S3Layout", "S3Place", "checked_bucket", "checked_project", "parse_s3_uri"]

# "General purpose bucket naming rules" of the S3 user guide
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]\Z")
_RESERVED_BEGINNINGS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
# "CreateTrainingJob" of the SageMaker API reference
_JOB = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}\Z")
_LONGEST_KEY_BYTES = 1_024


@dataclass(frozen=True, kw_only=True)
class S3Place:
    """A bucket and a key in it.

    Attributes
    ----------
    bucket
        Its name.
    key
        The key of an object, or what the keys of several begin with; may be empty.
    """

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> S3Place:
        """Give the place below; `name` may have several parts."""
        key = f"{self.key.rstrip('/')}/{name}".lstrip("/")
        return S3Place(bucket=self.bucket, key=_checked_key(key))


def parse_s3_uri(uri: str) -> S3Place:
    """Split ``s3://BUCKET/KEY``.

    Raises
    ------
    NamingError
        It has another form, or no bucket may be called so.

    Example
    -------
    >>> parse_s3_uri("s3://tea-data/green/leaves.parquet").key
    'green/leaves.parquet'
    """
    scheme, separator, rest = uri.partition("://")
    if scheme != "s3" or not separator:
        raise NamingError(
            f"{uri!r} is no place in S3", hint="Write s3://BUCKET/KEY, such as s3://tea/leaves."
        )
    bucket, _, key = rest.partition("/")
    return S3Place(bucket=checked_bucket(bucket), key=_checked_key(key))


class S3Layout:
    """The documented layout of a project in a bucket.

    Parameters
    ----------
    bucket
        Its name.
    project
        The project's name: letters, digits, dots, dashes and underscores.

    Raises
    ------
    NamingError
        No bucket or no project may be called so.

    Example
    -------
    >>> layout = S3Layout("tea-data", "green")
    >>> str(layout.dataset("leaves.parquet"))
    's3://tea-data/sagemaker/green/datasets/leaves.parquet'
    >>> layout.output
    's3://tea-data/sagemaker/green/output'
    """

    def __init__(self, bucket: str, project: str) -> None:
        self.project = checked_project(project)
        self.bucket = checked_bucket(bucket)
        self._root = S3Place(bucket=bucket, key="") / f"sagemaker/{project}"

    def __repr__(self) -> str:
        return f"S3Layout({self.bucket!r}, {self.project!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, S3Layout) and other._root == self._root

    def __hash__(self) -> int:
        return hash(self._root)

    @property
    def datasets(self) -> str:
        """Below it stand the datasets; with a slash at the end."""
        return f"{self._root / 'datasets'}/"

    @property
    def output(self) -> str:
        """Below it stand the results, a folder for each job; what SageMaker is given."""
        return str(self._root / "output")

    @property
    def checkpoints(self) -> str:
        """Below it stand the checkpoints, a folder for each training."""
        return str(self._root / "checkpoints")

    def dataset(self, name: str) -> S3Place:
        """Give the place of a dataset: a file's object, or the folder of its objects.

        Raises
        ------
        ConfigError
            It is no path below the project's datasets.
        """
        parts = name.split("/")
        if not name or any(part in ("", ".", "..") for part in parts):
            raise ConfigError(
                f"the dataset {name!r} is no path below the project's folder of datasets",
                hint="Use names with single slashes between them, such as 'green/leaves.parquet'.",
            )
        return self._root / "datasets" / name

    def payload(self, digest: str) -> S3Place:
        """Give the place of a task that travels by itself, by the hash of its pickle."""
        return self._root / "payloads" / f"{digest[:32]}.pkl"

    def result(self, job_name: str) -> S3Place:
        """Give the place of a job's archive.

        Raises
        ------
        NamingError
            No training job may be called so.
        """
        return self._output_of(job_name) / "model.tar.gz"

    def uncompressed_result(self, job_name: str) -> S3Place:
        """Give the folder of a job's files where they are not archived."""
        place = self._output_of(job_name) / "model"
        return S3Place(bucket=place.bucket, key=f"{place.key}/")

    def _output_of(self, job_name: str) -> S3Place:
        if not _JOB.match(job_name):
            raise NamingError(
                f"no training job may be called {job_name!r}",
                hint="Names have at most 63 letters, digits and dashes, no dash first or last.",
            )
        return self._root / "output" / job_name / "output"


def checked_project(name: str) -> str:
    """Give the name of a project if it can be that of a folder, here and in a bucket.

    Raises
    ------
    NamingError
        It cannot.
    """
    if not isinstance(name, str) or not _PROJECT.match(name):
        raise NamingError(
            f"the project name {name!r} cannot stand in a path",
            hint="Use letters, digits, dots, dashes and underscores.",
        )
    return name


def checked_bucket(bucket: str) -> str:
    """Give the name of a bucket if one may be called so.

    Raises
    ------
    NamingError
        None may.
    """
    why = _unfit(bucket)
    if why:
        raise NamingError(
            f"no bucket may be called {bucket!r}: {why}",
            hint="Give its name alone, as the S3 console shows it, without s3:// and folders.",
        )
    return bucket


def _unfit(bucket: object) -> str:
    """Say what is wrong with a bucket's name; nothing if it is right."""
    if not isinstance(bucket, str):
        return f"it is a {type(bucket).__name__}"
    if not 3 <= len(bucket) <= 63:
        return "it must have 3 to 63 characters"
    if not _BUCKET.match(bucket):
        return (
            "lower-case letters, digits, dashes and single dots alone are allowed, no dash or "
            "dot at its ends"
        )
    if bucket.startswith(_RESERVED_BEGINNINGS) or bucket.endswith(_RESERVED_ENDS):
        return "its beginning or end is reserved by AWS"
    try:
        ipaddress.IPv4Address(bucket)
    except ValueError:
        return ""
    return "it has the form of an IP address"


def _checked_key(key: str) -> str:
    try:
        length = len(key.encode())
    except UnicodeEncodeError as exc:
        raise NamingError(
            f"{key!r} cannot stand in S3: it is no text", hint="Rename the file."
        ) from exc
    if length > _LONGEST_KEY_BYTES:
        raise NamingError(
            f"the key {key[:60]}… has {length} bytes; S3 allows {_LONGEST_KEY_BYTES}",
            hint="Use shorter names of folders and files.",
        )
    return key
