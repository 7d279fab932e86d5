"""Files and folders that are whole or not there, whoever else writes at the same time."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from .errors import ConfigError, StorageError
from .file_lock import lock_folder, try_lock

__all__ = ["atomic_folder", "atomic_write", "storage_errors", "unique_folder"]

# a temporary file is locked right after it is made; one this old and unlocked has no writer
_ABANDONED_SECONDS = 60.0
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


def atomic_write(
    path: str | os.PathLike[str],
    content: bytes | Callable[[BinaryIO], object],
    *,
    sync: bool = True,
    lasting: bool = True,
) -> None:
    """Write a file so that others see the old one or the new one, never a part.

    The bytes go to a temporary file in the same folder, which is renamed at the end. Of several
    writers at once, the last one wins. What a killed writer left is removed by the next one.

    Parameters
    ----------
    path
        The file; its folder is made if need be.
    content
        The bytes, or a function that writes them to a binary stream.
    sync
        Whether the bytes reach the disk before the rename, so that not even a power cut leaves a
        part.
    lasting
        Whether the rename reaches the disk as well, so that a power cut does not bring the old file
        back; not without `sync`.

    Raises
    ------
    StorageError
        The file cannot be written; the ``OSError`` is its cause, `path` is as it was.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> atomic_write(folder / "a.txt", b"whole")
    >>> (folder / "a.txt").read_bytes()
    b'whole'
    """
    target = Path(path)
    temporary = _temporary_name(target)
    try:
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(target)
            stream = _create(temporary)
        with storage_errors(target, temporary), stream:
            _fill(stream, content)
            stream.flush()
            if sync:
                os.fsync(stream.fileno())
        with storage_errors(target):
            temporary.replace(target)
        if sync and lasting:
            _sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Fill a folder that appears under its name only when it is complete.

    Of several that fill the same folder at once, the first to end wins; the others discard
    theirs, without an error, and find the winner's at `path`.

    Parameters
    ----------
    path
        The folder; there must be none yet, or it counts as the winner's.

    Yields
    ------
    Path
        A fresh folder beside `path`.

    Raises
    ------
    StorageError
        The folder cannot be made or moved; the ``OSError`` is its cause.
    """
    target = Path(path)
    temporary = _temporary_name(target)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target)
        temporary.mkdir()
    handle = lock_folder(temporary)
    try:
        with storage_errors(target, temporary):
            yield temporary
        with storage_errors(target):
            _rename_unless_there(temporary, target)
    finally:
        if handle is not None:
            os.close(handle)
        shutil.rmtree(temporary, ignore_errors=True)


def unique_folder(parent: str | os.PathLike[str], prefix: str) -> Path:
    """Make a new folder that nobody else has.

    Parameters
    ----------
    parent
        Where it is made; made itself if need be.
    prefix
        How its name begins.

    Returns
    -------
    Path
        The new, empty folder.

    Raises
    ------
    ConfigError
        `prefix` is not a part of a file name.
    StorageError
        The folder cannot be made.

    Example
    -------
    >>> import tempfile
    >>> unique_folder(tempfile.mkdtemp(), "run-").name[:4]
    'run-'
    """
    if prefix != os.path.basename(prefix) or "\0" in prefix:  # noqa: PTH119 - Path drops "/."
        raise ConfigError(f"the prefix {prefix!r} is no file name", hint="Leave the '/' out.")
    folder = Path(parent)
    while True:
        unique = folder / f"{prefix}{secrets.token_hex(6)}"
        with storage_errors(unique):
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                unique.mkdir()
                return unique


def _temporary_name(target: Path) -> Path:
    return target.with_name(f"{_temporary_prefix(target)}{secrets.token_hex(6)}.tmp")


def _temporary_prefix(target: Path) -> str:
    if not target.name:
        raise ConfigError(f"{target} is no place for a file", hint="Give a path with a name.")
    # a name may have 255 bytes, a character at most four
    return f".{target.name[:50]}."


def _create(path: Path) -> IO[bytes]:
    # not `tempfile`: the file gets the permissions that the user's umask gives to any other
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o666)
    with contextlib.suppress(OSError):
        try_lock(handle)
    return os.fdopen(handle, "wb")


def _rename_unless_there(temporary: Path, target: Path) -> None:
    try:
        temporary.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _fill(stream: IO[bytes], content: bytes | Callable[[BinaryIO], object]) -> None:
    if callable(content):
        content(stream)  # type: ignore[arg-type] # what `fdopen` returns is a BinaryIO
    else:
        stream.write(content)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where folders can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_abandoned(target: Path) -> None:
    """Remove what killed writers of `target` left: old, and locked by nobody."""
    prefix = _temporary_prefix(target)
    candidates: list[Path] = []
    with contextlib.suppress(PermissionError), os.scandir(target.parent) as entries:
        candidates = [
            Path(entry)
            for entry in entries
            if entry.name.startswith(prefix) and entry.name.endswith(".tmp")
        ]
    for path in candidates:
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                _remove_if_unlocked(path)


def _remove_if_unlocked(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        if not try_lock(handle):
            return
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    finally:
        os.close(handle)


@contextmanager
def storage_errors(target: Path, temporary: Path | None = None) -> Iterator[None]:
    """Say which file could not be written, within a ``with`` block.

    Parameters
    ----------
    target
        The file.
    temporary
        Where it is written first, by code that may use a network or other files as well: only what
        befell this one or the disk is meant then.

    Raises
    ------
    StorageError
        It cannot be written; the ``OSError`` is its cause.
    """
    try:
        yield
    except OSError as exc:
        if temporary is None or exc.errno in _DISK_ERRORS or _is_in(temporary, exc.filename):
            raise StorageError(
                f"{target} cannot be written: {exc.strerror or exc}",
                hint="Free some space or choose another folder; nothing was left behind.",
            ) from exc
        raise


def _is_in(folder: Path, filename: object) -> bool:
    return isinstance(filename, str | os.PathLike) and Path(filename).is_relative_to(folder)
