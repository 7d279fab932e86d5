"""The hashes of large files, which are not read anew as long as they are the same."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["FILE_HASHES", "FileHashes"]

# File systems count time in steps, of two seconds at most: what was written this shortly before it
# was read may be written again and look the same.
_RACY_NS = 2_000_000_000
_MOST = 100_000


class _State(NamedTuple):
    """What a file looks like from outside."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int  # no program can set it back, as copying tools do with the other one

    @classmethod
    def of(cls, status: os.stat_result) -> _State:
        return cls(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


class FileHashes:
    """Gives the SHA-256 of files, each of which is read once in this process.

    A hash holds as long as path, device, inode, size and both times of the file are the same. It is
    not kept if the file changed while it was read, or less than two seconds before. May be used by
    several threads at a time.

    Parameters
    ----------
    most
        So many files are remembered; then those that were read first are forgotten.
    clock_ns
        Gives the time, in nanoseconds since 1970.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "leaves.csv")
    >>> path.write_bytes(b"green") and FileHashes().sha256(path, path.stat())[:8]
    'ba4788b2'
    """

    def __init__(self, *, most: int = _MOST, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._most = most
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._known: dict[str, tuple[_State, str]] = {}

    def sha256(self, path: Path, status: os.stat_result) -> str:
        """Give the hash of a file, as hexadecimal digits.

        Parameters
        ----------
        path
            The file.
        status
            What ``stat`` said of it just now.

        Raises
        ------
        OSError
            It cannot be read.
        """
        if self._owner != os.getpid():  # after a fork, in which another thread may have held it
            self._lock, self._owner = threading.Lock(), os.getpid()
        key, state = str(path.absolute()), _State.of(status)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] == state:
            return known[1]
        began_ns = self._clock_ns()
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            after = _State.of(os.fstat(stream.fileno()))
        is_settled = max(state.modified_ns, state.changed_ns) <= began_ns - _RACY_NS
        if after == state and is_settled:
            self._keep(key, state, digest)
        return digest

    def _keep(self, key: str, state: _State, digest: str) -> None:
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = state, digest
            if len(self._known) > self._most:
                self._known.pop(next(iter(self._known)))


# those of this process
FILE_HASHES = FileHashes()
