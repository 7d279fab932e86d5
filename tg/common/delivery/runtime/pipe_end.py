"""The end of a pipe that outlives code which closes what it did not open."""

from __future__ import annotations

import contextlib
import os

__all__ = ["PipeEnd"]


class PipeEnd:
    """Writes to a pipe as long as its handle is that pipe.

    A training may close all handles and open files of its own, which get the same numbers: nothing
    is written into those.

    Parameters
    ----------
    handle
        The end to write to. Programs that this process starts do not get it.

    Example
    -------
    >>> told, tell = os.pipe()
    >>> PipeEnd(tell).tell(b"done")
    >>> os.read(told, 10)
    b'done'
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._is = _identity(handle)
        os.set_inheritable(handle, False)

    def tell(self, data: bytes) -> None:
        """Write to it, if anybody may read it."""
        with contextlib.suppress(OSError):
            if _identity(self._handle) == self._is:
                os.write(self._handle, data)

    def close(self) -> None:
        """Write no more."""
        with contextlib.suppress(OSError):
            if _identity(self._handle) == self._is:
                os.close(self._handle)


def _identity(handle: int) -> tuple[int, int]:
    status = os.fstat(handle)
    return status.st_dev, status.st_ino
