"""A dataset on this machine: its files and their hashes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..._core.errors import DataError, DatasetNotFoundError
from ..._core.file_hashes import FILE_HASHES
from .s3_layout import S3Place

__all__ = ["DatasetFile", "LocalDataset"]

_NO_TEXT = ("Cc", "Cs")  # control characters, and what stands for bytes that are no UTF-8
_NO_XML = "\ufffe\uffff"


@dataclass(frozen=True, kw_only=True)
class DatasetFile:
    """One file.

    Attributes
    ----------
    name
        Relative to the dataset, with slashes.
    path
        Where it is.
    size
        In bytes.
    modified_ns
        When it was last changed, before it was read for the hash.
    sha256
        Of its bytes, as hexadecimal digits.
    """

    name: str
    path: Path
    size: int
    modified_ns: int
    sha256: str

    def check_unchanged(self) -> None:
        """Raise if the file is no longer what was hashed.

        Raises
        ------
        DataError
            It has changed, or is gone.
        """
        try:
            status = self.path.stat()
        except OSError as exc:
            raise _unreadable(self.path, exc) from exc
        if (status.st_size, status.st_mtime_ns) != (self.size, self.modified_ns):
            raise DataError(
                f"{self.path} changed while it was uploaded",
                hint="Let whatever writes it finish first.",
            )


@dataclass(frozen=True, kw_only=True)
class LocalDataset:
    """A file, or a folder with all that is in it.

    Attributes
    ----------
    files
        In the order of their names.
    is_folder
        Whether it is a folder.
    content_hash
        The file's SHA-256, or that of the names and hashes of a folder's files.
    """

    files: tuple[DatasetFile, ...]
    is_folder: bool
    content_hash: str

    @classmethod
    def of(cls, path: Path, place: S3Place | None = None) -> LocalDataset:
        """Read the dataset, as far as it is not known yet: see :mod:`..._core.file_hashes`.

        Parameters
        ----------
        path
            The file or the folder.
        place
            Where it is to go, if it is known: names that are too long there are refused.

        Raises
        ------
        DatasetNotFoundError
            There is no such file or folder.
        DataError
            The folder is empty, or something in it is no file, cannot be read, or has a name that
            is none in S3; names are looked at first.
        NamingError
            The key of a file would be too long.

        Example
        -------
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.csv").write_text("1") and LocalDataset.of(folder).files[0].name
        'a.csv'
        """
        if not path.exists():
            raise DatasetNotFoundError(
                f"there is no dataset at {path}",
                hint="Check the folder of datasets, the project and the name.",
            )
        if not path.is_dir():
            _check_name(path, path.name)
            file = _file(path, path.name)
            return cls(files=(file,), is_folder=False, content_hash=file.sha256)
        names = {found.relative_to(path).as_posix(): found for found in sorted(_walk(path))}
        for name, found in names.items():
            _check_name(found, name)
            if place is not None:
                _ = place / name
        files = tuple(_file(found, name) for name, found in names.items())
        if not files:
            raise DataError(
                f"the dataset {path} is an empty folder", hint="A training needs data to start."
            )
        named = json.dumps([[file.name, file.sha256] for file in files])
        digest = hashlib.sha256(named.encode()).hexdigest()
        return cls(files=files, is_folder=True, content_hash=digest)


def _walk(folder: Path) -> Iterator[Path]:
    def fail(exc: OSError) -> None:
        raise _unreadable(folder, exc) from exc

    for parent, folders, names in os.walk(folder, onerror=fail):
        for name in folders:
            if Path(parent, name).is_symlink():
                raise DataError(
                    f"{Path(parent, name)} is a link to a folder",
                    hint="Put the files themselves there: a link may lead anywhere.",
                )
        yield from (Path(parent, name) for name in names)


def _check_name(path: Path, name: str) -> None:
    """Refuse what S3 takes for no text, or what its listings, which are XML 1.0, cannot hold."""
    if not any(unicodedata.category(c) in _NO_TEXT or c in _NO_XML for c in name):
        return
    shown = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    raise DataError(
        f"the dataset has a file {shown!r}, whose name cannot stand in S3",
        hint="Rename it: UTF-8, without control characters and line breaks.",
    )


def _file(path: Path, name: str) -> DatasetFile:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is no regular file", hint="Leave it out of the dataset.")
        digest = FILE_HASHES.sha256(path, status)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return DatasetFile(
        name=name,
        path=path,
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
        sha256=digest,
    )


def _unreadable(path: Path, exc: OSError) -> DataError:
    return DataError(
        f"the dataset's {path} cannot be read: {exc.strerror or exc}",
        hint="Check that it is there, and its permissions.",
    )
