"""What tells whether a file is still the one that was read."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["ABSENT", "FileState", "read_file", "state_of"]


class FileState(NamedTuple):
    """A part of what ``os.stat`` says of a file or folder.

    Attributes
    ----------
    mtime_ns
        When its content was changed, in nanoseconds since 1970.
    size
        In bytes.
    inode
        Its number on its file system.
    """

    mtime_ns: int
    size: int
    inode: int


ABSENT = FileState(0, -1, -1)


def state_of(path: str) -> FileState:
    """Look at a file or folder; :data:`ABSENT` if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 hundreds of these are on the fast path
    except OSError:
        return ABSENT
    return FileState(status.st_mtime_ns, status.st_size, status.st_ino)


def read_file(path: str) -> tuple[bytes, FileState]:
    """Read a file, and look at it before, so that no change in between is missed.

    Raises
    ------
    OSError
        It cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(handle)
        parts = [os.read(handle, status.st_size + 1)]
        # a read may give less than it was asked for, and a file may have grown since
        while len(parts[-1]) > 0 and sum(map(len, parts)) != status.st_size:
            parts.append(os.read(handle, 1 << 20))
    finally:
        os.close(handle)
    return b"".join(parts), FileState(status.st_mtime_ns, status.st_size, status.st_ino)
