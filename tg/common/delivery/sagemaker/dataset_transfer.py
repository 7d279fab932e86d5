"""One dataset on its way to S3: what is there, what is missing, and what completes it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from ..._core.errors import AwsNotFoundError
from .aws_errors import translated
from .local_dataset import DatasetFile, LocalDataset
from .s3_deletion import delete_objects
from .s3_layout import S3Place
from .s3_sending import HASH_KEY

__all__ = ["DatasetLocation", "FileTransfer", "FolderTransfer", "Transfer"]

_THREADS = 10  # as many connections as one upload of a large file takes
_MARK = ".tg-complete-"


@dataclass(frozen=True, kw_only=True)
class DatasetLocation:
    """A dataset in S3.

    Attributes
    ----------
    uri
        The object, or with a slash at its end the folder of objects.
    uploaded_bytes
        What was sent now; 0 if all of it was there.
    content_hash
        The SHA-256 of the file, or of the names and hashes of a folder's files.
    """

    uri: str
    uploaded_bytes: int
    content_hash: str


class Transfer(Protocol):
    """One dataset on its way.

    Attributes
    ----------
    place
        Where it goes.
    missing
        What is to be sent; known when it has begun.
    """

    place: S3Place
    missing: list[tuple[DatasetFile, S3Place]]

    def begin(self) -> None:
        """Find out what is to be sent."""

    def finish(self) -> None:
        """Do what is to be done when that was sent."""

    @property
    def location(self) -> DatasetLocation:
        """Where it is."""


class FileTransfer:
    """A file, which becomes one object."""

    def __init__(self, local: LocalDataset, place: S3Place, client: Any) -> None:
        self.place = place
        self.missing: list[tuple[DatasetFile, S3Place]] = []
        self._file = local.files[0]
        self._client = client

    def begin(self) -> None:
        """Ask whether the object is there."""
        if not _is_there(self._client, self.place, self._file):
            self.missing = [(self._file, self.place)]

    def finish(self) -> None:
        """Do nothing: the object is whole."""

    @property
    def location(self) -> DatasetLocation:
        """Where it is."""
        return DatasetLocation(
            uri=str(self.place),
            uploaded_bytes=sum(file.size for file, _ in self.missing),
            content_hash=self._file.sha256,
        )


class FolderTransfer:
    """A folder, which becomes an object for each file and an empty one that marks it as whole."""

    def __init__(self, local: LocalDataset, place: S3Place, client: Any) -> None:
        self.place = place
        self.missing: list[tuple[DatasetFile, S3Place]] = []
        self._local = local
        self._client = client
        self._prefix = f"{place.key}/"
        self._mark = f"{place.key}{_MARK}{local.content_hash}"
        self._is_done = False
        self._surplus: list[str] = []

    def begin(self) -> None:
        """List what is there, and take the mark away if it is not the same."""
        marks, objects = self._listing()
        wanted = {place.key: file for file, place in self._targets()}
        if list(marks) == [self._mark] and _is_untouched(objects, wanted, marks[self._mark]):
            self._is_done = True
            return
        delete_objects(self._client, self.place.bucket, list(marks))
        self.missing = self._missing(objects)
        self._surplus = [key for key in objects if key not in wanted]

    def finish(self) -> None:
        """Remove what is not in the folder any more, and mark the rest as whole."""
        if not self._is_done:
            delete_objects(self._client, self.place.bucket, self._surplus)
            with translated("s3.PutObject"):
                self._client.put_object(Bucket=self.place.bucket, Key=self._mark, Body=b"")

    @property
    def location(self) -> DatasetLocation:
        """Where it is."""
        return DatasetLocation(
            uri=f"{self.place}/",
            uploaded_bytes=sum(file.size for file, _ in self.missing),
            content_hash=self._local.content_hash,
        )

    def _targets(self) -> list[tuple[DatasetFile, S3Place]]:
        return [(file, self.place / file.name) for file in self._local.files]

    def _listing(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """List the marks and the objects; "." stands right before "/" in the order of keys."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.place.bucket,
            Prefix=self.place.key,
            StartAfter=f"{self.place.key}{_MARK}",
        )
        marks: dict[str, Any] = {}
        objects: dict[str, Any] = {}
        with translated("s3.ListObjectsV2"):
            for page in pages:
                for item in page.get("Contents", ()):
                    if item["Key"].startswith(f"{self.place.key}{_MARK}"):
                        marks[item["Key"]] = item
                    elif item["Key"].startswith(self._prefix):
                        objects[item["Key"]] = item
                    elif item["Key"] > self._prefix:  # another dataset whose name begins alike
                        return marks, objects
        return marks, objects

    def _missing(self, objects: dict[str, Any]) -> list[tuple[DatasetFile, S3Place]]:
        targets = self._targets()
        alike = [t for t in targets if objects.get(t[1].key, {}).get("Size") == t[0].size]
        with ThreadPoolExecutor(_THREADS) as pool:
            found = pool.map(lambda t: _is_there(self._client, t[1], t[0]), alike)
            there = {t[1].key for t, is_there in zip(alike, found, strict=True) if is_there}
        return [target for target in targets if target[1].key not in there]


def _is_there(client: Any, place: S3Place, file: DatasetFile) -> bool:
    try:
        with translated("s3.HeadObject"):
            head = client.head_object(Bucket=place.bucket, Key=place.key)
    except AwsNotFoundError:
        return False  # also if there is no bucket, which sending will tell
    same: bool = head["Metadata"].get(HASH_KEY) == file.sha256 and (
        head["ContentLength"] == file.size
    )
    return same


def _is_untouched(
    objects: Mapping[str, Any], wanted: Mapping[str, DatasetFile], mark: Mapping[str, Any]
) -> bool:
    """Whether the objects are those that were there when the mark was written."""
    return objects.keys() == wanted.keys() and all(
        item["Size"] == wanted[key].size and item["LastModified"] <= mark["LastModified"]
        for key, item in objects.items()
    )
