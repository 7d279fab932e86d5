"""Where a result is read from: an archive on this machine, or a place far away."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Protocol

from ..._core.archive_index import Entry
from ..._core.archive_reader import ArchiveReader

__all__ = ["LocalArchive", "ResultFiles", "ResultSource"]


class ResultFiles(Protocol):
    """The files of a result, read one by one; `ArchiveReader` is one."""

    def entries(self) -> list[Entry]:
        """List files and folders."""

    def is_folder(self, name: str) -> bool:
        """Whether it is a folder, and no file; `ResultError` if it is neither."""

    def read(self, name: str) -> bytes:
        """Read one file; `ResultError` if there is none."""

    def extract(self, name: str, target_folder: Path, /) -> Path:
        """Put a file, or a folder with all that is in it, into a folder on disk."""


class ResultSource(Protocol):
    """A result that `ResultLoader` opens. It can be pickled, and used by several threads."""

    @property
    def label(self) -> str:
        """What users see of it: a path or an address."""

    @property
    def identity(self) -> str:
        """Something that another result does not have, also not one at the same place."""

    def files(self) -> ResultFiles:
        """Give its files, for the thread that asks.

        Raises
        ------
        ArchiveError
            It is not there, truncated or hostile.
        """

    def fetch(self) -> Path:
        """Give the whole as an archive on this machine."""


class LocalArchive:
    """An archive on this machine.

    Parameters
    ----------
    path
        The archive.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._readers = threading.local()

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._path,)

    @property
    def label(self) -> str:
        """Its path."""
        return str(self._path)

    @property
    def identity(self) -> str:
        """Its path and how the file is at the moment."""
        status = self._path.stat()
        return f"{self._path.resolve()} {status.st_mtime_ns} {status.st_size} {status.st_ino}"

    def files(self) -> ArchiveReader:
        """Give a reader: one moves through its file, so each thread and each fork has its own."""
        owner = getattr(self._readers, "owner", None)
        if owner != os.getpid():
            self._readers.reader = ArchiveReader(self._path)
            self._readers.owner = os.getpid()
        reader: ArchiveReader = self._readers.reader
        return reader

    def fetch(self) -> Path:
        """Give its path."""
        return self._path
