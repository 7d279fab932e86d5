"""What moves between storage and the folders of a job."""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ..common._core.errors import DataError
from .s3_uri import split_s3_uri

__all__ = ["JobStorage"]

_GZIP_LEVEL = 6


class JobStorage:
    """Reads channels and writes results.

    Parameters
    ----------
    client
        A client of S3.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def fetch_channel(
        self, channel: Mapping[str, Any], folder: Path, host_number: int, host_count: int
    ) -> None:
        """Write a channel's objects below a folder.

        After the API reference of Amazon SageMaker, S3DataSource.

        Parameters
        ----------
        channel
            An entry of ``InputDataConfig``.
        folder
            Where it goes.
        host_number, host_count
            Which host of how many this one is: data may be divided between them.

        Raises
        ------
        DataError
            There is nothing at its address, or it is described in a way that is not played here.
        """
        for bucket, key, name in self.objects(channel, host_number, host_count):
            self._fetch(bucket, key, name, folder)

    def objects(
        self, channel: Mapping[str, Any], host_number: int, host_count: int
    ) -> list[tuple[str, str, str]]:
        """Give bucket, key and name of a host's objects; see `fetch_channel`.

        Raises
        ------
        DataError
            There is nothing at its address, or it is described in a way that is not played here.
        """
        source = channel["DataSource"]["S3DataSource"]
        uri, kind = source["S3Uri"], source.get("S3DataType", "S3Prefix")
        if kind == "S3Prefix":
            found = list(self._below(uri))
        elif kind == "ManifestFile":
            found = list(self._of_manifest(uri))
        else:
            raise DataError(f"a rehearsal reads no channel of type {kind!r}", hint="Use S3Prefix.")
        if not found:
            raise DataError(f"there is nothing at {uri}", hint="Upload the dataset first.")
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            found = found[host_number::host_count]
        return found

    def streams(self, objects: Iterable[tuple[str, str, str]]) -> Iterator[IO[bytes]]:
        """Open objects, one after the other."""
        for bucket, key, _ in objects:
            body: IO[bytes] = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            yield body

    def fetch_folder(self, uri: str, folder: Path) -> None:
        """Write all objects below an address to a folder; nothing there is no error."""
        for bucket, key, name in self._below(f"{uri.rstrip('/')}/"):
            self._fetch(bucket, key, name, folder)

    def store_changes(self, folder: Path, uri: str, known: dict[str, tuple[int, int]]) -> None:
        """Store the files of a folder that are not as they were.

        Parameters
        ----------
        folder
            The folder.
        uri
            Where they go.
        known
            Name to time and size of what is stored already; brought up to date.
        """
        bucket, prefix = split_s3_uri(f"{uri.rstrip('/')}/")
        for path in _files(folder):
            name = path.relative_to(folder).as_posix()
            try:
                status = path.stat()
                state = status.st_mtime_ns, status.st_size
                if known.get(name) != state:
                    self._client.upload_file(str(path), bucket, f"{prefix}{name}")
                    known[name] = state
            except FileNotFoundError:
                continue  # it was renamed or removed meanwhile; the next time shows what is there

    def store_files(self, folders: Sequence[Path], uri: str) -> None:
        """Store all files of some folders one by one; the first folder wins."""
        bucket, prefix = split_s3_uri(f"{uri.rstrip('/')}/")
        for name, path in _merged(folders).items():
            if not path.is_dir():
                self._client.upload_file(str(path), bucket, f"{prefix}{name}")

    def store_archive(self, folders: Sequence[Path], uri: str) -> None:
        """Store all of some folders as one archive; the first folder wins."""
        bucket, key = split_s3_uri(uri)
        with tempfile.TemporaryFile(dir=folders[0].parent) as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_GZIP_LEVEL) as archive:
                for name, path in _merged(folders).items():
                    archive.add(path, name, recursive=False)
            file.seek(0)
            self._client.upload_fileobj(file, bucket, key)

    def _fetch(self, bucket: str, key: str, name: str, folder: Path) -> None:
        if name.endswith("/") or not name:
            return  # consoles make such objects to show a folder
        path = folder.joinpath(*PurePosixPath(name).parts)
        if ".." in PurePosixPath(name).parts:
            raise DataError(f"the key {key!r} leads out of its folder", hint="Rename the object.")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._client.download_file(bucket, key, str(path))

    def _below(self, uri: str) -> Iterator[tuple[str, str, str]]:
        """Give bucket, key and name of what starts with an address."""
        bucket, prefix = split_s3_uri(uri)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for entry in page.get("Contents", ()):
                yield bucket, entry["Key"], _name(entry["Key"], prefix)

    def _of_manifest(self, uri: str) -> Iterator[tuple[str, str, str]]:
        bucket, key = split_s3_uri(uri)
        entries = json.loads(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        prefix = entries[0]["prefix"]
        for name in entries[1:]:
            yield (*split_s3_uri(f"{prefix}{name}"), name)


def _name(key: str, prefix: str) -> str:
    """Give the name that an object has below its channel's folder.

    Example
    -------
    >>> _name("a/data/x/y.csv", "a/data"), _name("a/data/x.csv", "a/data/")
    ('x/y.csv', 'x.csv')
    >>> _name("a/data.csv", "a/data.csv"), _name("a/data-1.csv", "a/da")
    ('data.csv', 'data-1.csv')
    """
    if not prefix or prefix.endswith("/"):
        return key[len(prefix) :]
    if key.startswith(f"{prefix}/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file():
                yield path


def _merged(folders: Sequence[Path]) -> dict[str, Path]:
    """Give files and folders by name, without what is no file: sockets and pipes."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() or path.is_dir():
                found.setdefault(path.relative_to(folder).as_posix(), path)
    return found
