"""Results in S3, listed and read without fetching the rest."""

from __future__ import annotations

import builtins
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._core.archive_index import Entry
from ..._core.errors import AwsNotFoundError
from ..._core.files import atomic_write
from ..._core.loc import Loc
from ..execution.result_source import LocalArchive, ResultFiles
from .aws import AwsClients
from .result_copy import ResultCopy
from .result_files import ArchivedFiles, FilesInS3, LooseFiles, fetch_object
from .s3_layout import S3Place, parse_s3_uri

__all__ = ["RemoteResult", "download_result"]

_ARCHIVE_ENDS = (".tar.gz", ".tgz")


class RemoteResult:
    """The result of a training in S3: one archive, or its files one by one.

    Of files one by one, what is asked for is fetched. Archives that this library makes have their
    small files first: listing one and reading a small file takes the first megabyte, whatever the
    size. Of other archives, such as SageMaker's own, all that stands before a file has to be read,
    and to list a large one it is fetched as a whole, once.

    It is a source for `ResultLoader`; several threads may use it, and it can be pickled.

    Parameters
    ----------
    clients
        The connections.
    uri
        What SageMaker calls ``S3ModelArtifacts``: ``s3://…/model.tar.gz``, or the folder of the
        files of a job whose output is not compressed.
    copy
        Where the whole goes when it is asked for; to the user's cache if ``None``.

    Raises
    ------
    NamingError
        It is no place in S3.
    AwsNotFoundError
        There is no such object or bucket.
    ArchiveError
        The archive is damaged.
    """

    def __init__(self, clients: AwsClients, uri: str, *, copy: ResultCopy | None = None) -> None:
        self.place = parse_s3_uri(uri)
        self._clients = clients
        self._uri = uri
        self._copy = copy
        self._lock = threading.RLock()
        self._local: LocalArchive | None = None
        self._open()

    def __reduce__(self) -> tuple[object, ...]:
        return _reopened, (self._clients, self._uri, self._copy)

    def __repr__(self) -> str:
        return f"<RemoteResult {self.place}>"

    @property
    def label(self) -> str:
        """Its address."""
        return str(self.place)

    @property
    def identity(self) -> str:
        """Its address and version."""
        return self._identity

    def files(self) -> ResultFiles:
        """Give its files: those of the copy, once there is one."""
        return self if self._local is None else self._local.files()

    def list(self) -> list[str]:
        """Name the files of the result.

        Example
        -------
        ``remote.list()`` gives ``['manifest.json', 'metrics.json', 'runs/0/model.pkl', …]``.
        """
        return sorted(entry.name for entry in self.entries() if not entry.is_dir)

    def entries(self) -> builtins.list[Entry]:
        """List files and folders with their sizes."""
        with self._lock:
            if not self._source.are_listed:
                # all of it has to be read for that: then at least it stays here
                self.fetch()
            if self._local is not None:
                return self._local.files().entries()
            return self._source.entries()

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder, and no file."""
        with self._lock:
            return self._current().is_folder(name)

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
        with self._lock:
            return self._current().read(name)

    def extract(self, name: str, target_folder: Path) -> Path:
        """Put a file, or a folder with all that is in it, into a folder on disk.

        Raises
        ------
        ResultError
            There is no such name.
        StorageError
            It cannot be written.
        """
        with self._lock:
            return self._current().extract(name.rstrip("/"), target_folder)

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

    def fetch(self) -> Path:
        """Fetch all of it, unless that was done, and give the archive on this machine."""
        with self._lock:
            if self._local is None:
                copy = self._copy or self._cached_copy()
                if not copy.is_there:
                    copy.begin()
                    self.download(copy.path)
                    copy.finish()
                self._local = LocalArchive(copy.path)
            return self._local.fetch()

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

    def _open(self) -> None:
        is_archive = self.place.key.endswith(_ARCHIVE_ENDS)
        kind: type[FilesInS3] = ArchivedFiles if is_archive else LooseFiles
        with _explained(self.place):
            self._source = kind(self._clients.client("s3"), self.place)
        self._identity = self._source.identity
        self._owner = os.getpid()

    def _current(self) -> ResultFiles:
        if self._local is not None:
            return self._local.files()
        if self._owner != os.getpid():  # after a fork: connections are the parent's
            self._open()
        return self._source

    def _cached_copy(self) -> ResultCopy:
        digest = hashlib.sha256(self.identity.encode()).hexdigest()[:32]
        path = Loc.user_cache_path / "results" / digest / "model.tar.gz"
        return ResultCopy(path=path, origin=self.identity)


def _reopened(clients: AwsClients, uri: str, copy: ResultCopy | None) -> RemoteResult:
    return RemoteResult(clients, uri, copy=copy)


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
        fetch_object(clients.client("s3"), place, Path(path))
    return Path(path)


@contextmanager
def _explained(place: S3Place) -> Iterator[None]:
    try:
        yield
    except AwsNotFoundError as exc:
        raise exc.reworded(
            f"there is no result at {place}: {exc.what}",
            hint="Has the training ended? Check the bucket, the region and the account.",
        ) from exc
