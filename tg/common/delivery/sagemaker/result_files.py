"""The files of a result in S3, in an archive or one by one."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from ..._core.archive_index import Entry
from ..._core.archive_names import Limits, checked_name
from ..._core.archive_reader import ArchiveReader
from ..._core.archive_writer import Member, write_tar_gz
from ..._core.errors import ArchiveError, AwsNotFoundError, ResultError
from ..._core.files import atomic_write
from ..._core.suggestions import did_you_mean
from .aws_errors import translated
from .s3_layout import S3Place
from .s3_object import S3Object

__all__ = ["ArchivedFiles", "FilesInS3", "LooseFiles", "fetch_object"]

_THREADS = 10
_BEGINNING = 1 << 20  # within so many bytes archives of this library name what is in them


class FilesInS3(Protocol):
    """What archives and folders of objects have in common."""

    def __init__(self, client: Any, place: S3Place) -> None: ...

    @property
    def identity(self) -> str:
        """What no other result has, also not one at the same place."""

    @property
    def are_listed(self) -> bool:
        """Whether it takes little to tell all their names."""

    def entries(self) -> list[Entry]:
        """List them."""

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder."""

    def read(self, name: str) -> bytes:
        """Read one."""

    def extract(self, name: str, target_folder: Path) -> Path:
        """Put one, or a folder of them, into a folder on disk."""

    def download(self, path: Path) -> None:
        """Fetch all of them as one archive."""


class ArchivedFiles:
    """An archive, read by ranges."""

    def __init__(self, client: Any, place: S3Place) -> None:
        self._client = client
        self._place = place
        self._origin = S3Object(client, place)
        # what an archive asks of a file, a raw one has as well
        opened = lambda: cast(BinaryIO, self._origin.file())  # noqa: E731 (opens it anew)
        self._archive = ArchiveReader(opened, label=str(place))

    @property
    def identity(self) -> str:
        """The object's place and version."""
        return f"{self._place} {self._origin.etag} {self._origin.size}"

    @property
    def are_listed(self) -> bool:
        """Whether the beginning of the archive tells what is in it."""
        return self._archive.is_listed_within(_BEGINNING)

    def entries(self) -> list[Entry]:
        """List the members."""
        return self._archive.entries()

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder, reading no further than needed."""
        return self._archive.is_folder(name)

    def read(self, name: str) -> bytes:
        """Read one file."""
        return self._archive.read(name)

    def extract(self, name: str, target_folder: Path) -> Path:
        """Put a file or a folder into a folder on disk."""
        return self._archive.extract(name, target_folder)

    def download(self, path: Path) -> None:
        """Fetch the archive as it is."""
        fetch_object(self._client, self._place, path)


class LooseFiles:
    """Objects below a place, one for each file."""

    are_listed = True

    def __init__(self, client: Any, place: S3Place) -> None:
        self._client = client
        self._folder = S3Place(bucket=place.bucket, key=place.key.rstrip("/"))
        self._prefix = f"{self._folder.key}/" if self._folder.key else ""
        self._objects = {self._name(item["Key"]): item for item in self._listing()}
        if not self._objects:
            raise AwsNotFoundError(
                f"there are no files below {place}",
                code="NoSuchKey",
                operation="s3.ListObjectsV2",
                hint="Has the training ended, and did it write to the model folder?",
            )

    @property
    def identity(self) -> str:
        """The place and the versions of all objects."""
        known = sorted((i["Key"], i.get("ETag"), i["Size"]) for i in self._objects.values())
        return f"{self._folder} {hashlib.sha256(repr(known).encode()).hexdigest()}"

    def entries(self) -> list[Entry]:
        """List the files."""
        return [
            Entry(name=name, size=int(item["Size"]), is_dir=False, offset=0)
            for name, item in self._objects.items()
        ]

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder."""
        if name in self._objects:
            return False
        if not any(known.startswith(f"{name}/") for known in self._objects):
            raise self._missing(name)
        return True

    def read(self, name: str) -> bytes:
        """Read one file."""
        if name not in self._objects:
            raise self._missing(name)
        return S3Object(self._client, self._place(name)).read()

    def extract(self, name: str, target_folder: Path) -> Path:
        """Put a file or a folder into a folder on disk, several files at a time."""
        inside = [known for known in self._objects if known.startswith(f"{name}/")]
        wanted = [name] if name in self._objects else inside
        if not wanted:
            raise self._missing(name)
        self._fetch({known: target_folder / known for known in wanted})
        return target_folder / name

    def download(self, path: Path) -> None:
        """Make one archive of them."""
        with tempfile.TemporaryDirectory(prefix="tg-result-") as scratch:
            # by number: the names may be those of no file
            files = {name: Path(scratch, str(i)) for i, name in enumerate(self._objects)}
            self._fetch(files)
            members = (Member(name=name, content=file) for name, file in files.items())
            write_tar_gz(path, members, small_first=True)

    def _fetch(self, files: dict[str, Path]) -> None:
        def fetch(item: tuple[str, Path]) -> None:
            fetch_object(self._client, self._place(item[0]), item[1])

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(fetch, files.items()))

    def _place(self, name: str) -> S3Place:
        return S3Place(bucket=self._folder.bucket, key=self._objects[name]["Key"])

    def _missing(self, name: str) -> ResultError:
        return ResultError(
            f"there is no {name!r} below {self._folder}",
            hint=did_you_mean(name, self._objects, what="files"),
        )

    def _listing(self) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._folder.bucket, Prefix=self._prefix
        )
        with translated("s3.ListObjectsV2"):
            for page in pages:
                for item in page.get("Contents", ()):
                    if not item["Key"].endswith("/"):  # the console's empty folders
                        yield item

    def _name(self, key: str) -> str:
        name = key.removeprefix(self._prefix)
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


def fetch_object(client: Any, place: S3Place, path: Path) -> None:
    """Fetch an object into a file, whole or not at all, large ones in parts."""

    def fill(file: BinaryIO) -> None:
        with translated("s3.GetObject"):
            client.download_fileobj(place.bucket, place.key, file)

    # no sync: what a power cut tears can be fetched again, and fails its checksum
    atomic_write(path, fill, sync=False)
