"""Datasets, brought to S3 once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._core.errors import AwsNotFoundError, AwsPermissionError
from .aws import AwsClients
from .aws_errors import translated
from .local_dataset import DatasetFile, LocalDataset
from .s3_deletion import delete_objects
from .s3_layout import S3Layout, S3Place
from .s3_sending import HASH_KEY, S3Sending

__all__ = ["DatasetLocation", "upload_dataset"]

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


def upload_dataset(
    clients: AwsClients,
    layout: S3Layout,
    name: str,
    path: Path | str,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    part_bytes: int = 16 << 20,
) -> DatasetLocation:
    """Bring a file or a folder to the project's datasets, as far as it is not there.

    A file becomes one object, which holds its hash and appears whole or not at all. A folder
    becomes one object for each file; what is there and not in the folder is removed. While a
    folder's objects are changed, an empty object beside them, whose name has the folder's hash, is
    missing; it is written last. So a folder that is there costs one listing, and one that is there
    in part is completed by the next call.

    Parameters
    ----------
    clients
        The connections.
    layout
        Where the project's datasets stand.
    name
        The dataset, relative to the project's datasets.
    path
        The file or the folder on this machine.
    on_progress
        Called with the bytes sent so far and the bytes to send, from several threads but one at a
        time; never if nothing is sent.
    part_bytes
        Files of this size and more are sent in parts of this size, several at a time; 5 MiB at
        least.

    Returns
    -------
    DatasetLocation
        Where it is.

    Raises
    ------
    DatasetNotFoundError
        There is no such file or folder.
    DataError
        The folder is empty, or a file changed while it was sent.
    AwsNotFoundError
        There is no such bucket.
    AwsPermissionError
        The bucket is somebody else's, or this identity may not read or write there.
    """
    local = LocalDataset.of(Path(path))
    place = layout.dataset(name)
    sending = S3Sending(clients.client("s3"), part_bytes, on_progress)
    upload = _FolderUpload if local.is_folder else _FileUpload
    with _explained(place):
        return upload(local, place, sending, clients.client("s3")).run()


class _FileUpload:
    def __init__(
        self, local: LocalDataset, place: S3Place, sending: S3Sending, client: Any
    ) -> None:
        self._file = local.files[0]
        self._place = place
        self._sending = sending
        self._client = client

    def run(self) -> DatasetLocation:
        sent = 0
        if not _is_there(self._client, self._place, self._file):
            sent = self._sending.send([(self._file, self._place)])
        return DatasetLocation(
            uri=str(self._place), uploaded_bytes=sent, content_hash=self._file.sha256
        )


class _FolderUpload:
    def __init__(
        self, local: LocalDataset, place: S3Place, sending: S3Sending, client: Any
    ) -> None:
        self._local = local
        self._place = place
        self._sending = sending
        self._client = client
        self._prefix = f"{place.key}/"

    def run(self) -> DatasetLocation:
        marks, objects = self._listing()
        wanted = {place.key: file for file, place in self._targets()}
        mark = f"{self._place.key}{_MARK}{self._local.content_hash}"
        sent = 0
        if list(marks) != [mark] or not _is_untouched(objects, wanted, marks[mark]):
            delete_objects(self._client, self._place.bucket, list(marks))
            missing = self._missing(objects)
            sent = self._sending.send(missing)
            delete_objects(
                self._client, self._place.bucket, [key for key in objects if key not in wanted]
            )
            with translated("s3.PutObject"):
                self._client.put_object(Bucket=self._place.bucket, Key=mark, Body=b"")
        return DatasetLocation(
            uri=f"{self._place}/", uploaded_bytes=sent, content_hash=self._local.content_hash
        )

    def _targets(self) -> list[tuple[DatasetFile, S3Place]]:
        return [(file, self._place / file.name) for file in self._local.files]

    def _listing(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """List the marks and the objects; "." stands right before "/" in the order of keys."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._place.bucket,
            Prefix=self._place.key,
            StartAfter=f"{self._place.key}{_MARK}",
        )
        marks: dict[str, Any] = {}
        objects: dict[str, Any] = {}
        with translated("s3.ListObjectsV2"):
            for page in pages:
                for item in page.get("Contents", ()):
                    if item["Key"].startswith(f"{self._place.key}{_MARK}"):
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


@contextmanager
def _explained(place: S3Place) -> Iterator[None]:
    """Say which bucket a refusal is about."""
    try:
        yield
    except AwsNotFoundError as exc:
        raise AwsNotFoundError(
            f"there is no bucket {place.bucket!r} for the dataset {place}",
            code=exc.code,
            operation=exc.operation,
            hint="Create it in the region of the trainings, or check its name and the account.",
        ) from exc
    except AwsPermissionError as exc:
        arn = f"arn:aws:s3:::{place.bucket}"
        raise AwsPermissionError(
            f"the dataset cannot be brought to {place}: {exc.what}",
            code=exc.code,
            operation=exc.operation,
            hint=f"The bucket may be somebody else's. Otherwise ask for s3:ListBucket on {arn} and "
            f"s3:GetObject, s3:PutObject and s3:DeleteObject on {arn}/sagemaker/*.",
        ) from exc
