"""Results in S3, listed and read without fetching the rest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from ..._core.archive_names import Limits, checked_name
from ..._core.archive_reader import ArchiveReader
from ..._core.archive_writer import Member, write_tar_gz
from ..._core.errors import ArchiveError, AwsNotFoundError, ResultError
from ..._core.files import atomic_write
from ..._core.suggestions import did_you_mean
from .aws import AwsClients
from .aws_errors import translated
from .s3_layout import S3Place, parse_s3_uri
from .s3_object import S3Object

__all__ = ["RemoteResult", "download_result"]

_ARCHIVE_ENDS = (".tar.gz", ".tgz")
_THREADS = 10


class RemoteResult:
    """The result of a training in S3: one archive, or its files one by one.

    Archives that this library makes have their small files first: listing one and reading a small
    file takes the first megabyte, whatever the size. Of other archives all that stands before a
    file has to be read; what was read once is not fetched again.

    Not to be used by several threads at a time.

    Parameters
    ----------
    clients
        The connections.
    uri
        What SageMaker calls ``S3ModelArtifacts``: ``s3://…/model.tar.gz``, or the folder of the
        files of a job whose output is not compressed.

    Raises
    ------
    NamingError
        It is no place in S3.
    AwsNotFoundError
        There is no such object or bucket.
    ArchiveError
        The archive is damaged.
    """

    def __init__(self, clients: AwsClients, uri: str) -> None:
        self.place = parse_s3_uri(uri)
        is_archive = self.place.key.endswith(_ARCHIVE_ENDS)
        source: type[_Source] = _ArchiveSource if is_archive else _FolderSource
        with _explained(self.place):
            self._source = source(clients.client("s3"), self.place)

    def __repr__(self) -> str:
        return f"<RemoteResult {self.place}>"

    def list(self) -> list[str]:
        """Name the files of the result.

        Example
        -------
        ``remote.list()`` gives ``['manifest.json', 'metrics.json', 'runs/0/model.pkl', …]``.
        """
        return sorted(self._source.names())

    def read(self, name: str) -> bytes:
        """Read one file.

        Parameters
        ----------
        name
            As `list` has it.

        Raises
        ------
        ResultError
            There is no such file.
        ArchiveError
            The archive is damaged, or was replaced meanwhile.
        """
        return self._source.read(name)

    def get_path(self, name: str, folder: Path | str) -> Path:
        """Fetch one file into a folder, whole or not at all.

        Parameters
        ----------
        name
            As `list` has it.
        folder
            Made if need be.

        Returns
        -------
        Path
            ``folder / name``.

        Raises
        ------
        ResultError
            There is no such file.
        StorageError
            It cannot be written.
        """
        content = self.read(name)
        target = Path(folder) / name
        atomic_write(target, content, sync=False)
        return target

    def download(self, path: Path | str) -> Path:
        """Fetch all of it as one archive for `ResultLoader`, whole or not at all.

        Parameters
        ----------
        path
            The archive to be made or replaced.

        Raises
        ------
        AwsError
            It cannot be fetched; what was at `path` is as it was.
        StorageError
            It cannot be written.
        """
        with _explained(self.place):
            self._source.download(Path(path))
        return Path(path)


def download_result(clients: AwsClients, uri: str, path: Path | str) -> Path:
    """Fetch a result as one archive, whole or not at all.

    Parameters
    ----------
    clients, uri
        As for `RemoteResult`.
    path
        The archive to be made or replaced.

    Raises
    ------
    AwsError
        It cannot be fetched.
    StorageError
        It cannot be written.
    """
    place = parse_s3_uri(uri)
    if not place.key.endswith(_ARCHIVE_ENDS):
        return RemoteResult(clients, uri).download(path)
    with _explained(place):
        _fetch_object(clients.client("s3"), place, Path(path))
    return Path(path)


class _Source(Protocol):
    def __init__(self, client: Any, place: S3Place) -> None: ...

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...

    def download(self, path: Path) -> None: ...


class _ArchiveSource:
    def __init__(self, client: Any, place: S3Place) -> None:
        self._client = client
        self._place = place
        origin = S3Object(client, place)
        # what an archive asks of a file, a raw one has as well
        self._archive = ArchiveReader(lambda: cast(BinaryIO, origin.file()), label=str(place))

    def names(self) -> list[str]:
        return [entry.name for entry in self._archive.entries() if not entry.is_dir]

    def read(self, name: str) -> bytes:
        return self._archive.read(name)

    def download(self, path: Path) -> None:
        _fetch_object(self._client, self._place, path)


class _FolderSource:
    def __init__(self, client: Any, place: S3Place) -> None:
        self._client = client
        self._folder = S3Place(bucket=place.bucket, key=place.key.rstrip("/"))
        self._keys = dict(self._listing())
        if not self._keys:
            raise AwsNotFoundError(
                f"there are no files below {place}",
                code="NoSuchKey",
                operation="s3.ListObjectsV2",
                hint="Has the training ended, and did it write to the model folder?",
            )

    def names(self) -> list[str]:
        return list(self._keys)

    def read(self, name: str) -> bytes:
        if name not in self._keys:
            raise ResultError(
                f"there is no {name!r} below {self._folder}",
                hint=did_you_mean(name, self._keys, what="files"),
            )
        with translated("s3.GetObject"):
            answer = self._client.get_object(Bucket=self._folder.bucket, Key=self._keys[name])
            body: bytes = answer["Body"].read()
        return body

    def download(self, path: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="tg-result-") as scratch:
            # by number: the names may be those of no file
            files = {name: Path(scratch, str(i)) for i, name in enumerate(self._keys)}
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(lambda item: self._fetch(*item), files.items()))
            members = (Member(name=name, content=file) for name, file in files.items())
            write_tar_gz(path, members, small_first=True)

    def _fetch(self, name: str, path: Path) -> None:
        place = S3Place(bucket=self._folder.bucket, key=self._keys[name])
        _fetch_object(self._client, place, path)

    def _listing(self) -> Iterator[tuple[str, str]]:
        prefix = f"{self._folder.key}/" if self._folder.key else ""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._folder.bucket, Prefix=prefix
        )
        with translated("s3.ListObjectsV2"):
            for page in pages:
                for item in page.get("Contents", ()):
                    if not item["Key"].endswith("/"):  # the console's empty folders
                        yield self._name(item["Key"].removeprefix(prefix)), item["Key"]

    def _name(self, name: str) -> str:
        try:
            if checked_name(name, Limits()) == name:
                return name
            why = "it has '.' or empty parts"
        except ValueError as exc:
            why = str(exc)
        raise ArchiveError(
            f"the result {self._folder} is refused: it has a file {name!r}, and {why}",
            hint="A training of this library writes no such names: who did?",
        )


def _fetch_object(client: Any, place: S3Place, path: Path) -> None:
    def fill(file: BinaryIO) -> None:
        with translated("s3.GetObject"):
            client.download_fileobj(place.bucket, place.key, file)

    # no sync: what a power cut tears can be fetched again, and fails its checksum
    atomic_write(path, fill, sync=False)


@contextmanager
def _explained(place: S3Place) -> Iterator[None]:
    try:
        yield
    except AwsNotFoundError as exc:
        raise AwsNotFoundError(
            f"there is no result at {place}: {exc.what}",
            code=exc.code,
            operation=exc.operation,
            hint="Has the training ended? Check the bucket, the region and the account.",
        ) from exc
