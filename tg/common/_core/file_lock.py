"""A lock between processes, which ends with its holder."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from .errors import StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["FileLock", "is_locked", "lock_folder", "try_lock"]

_FIRST_STEP_SECONDS = 0.01
_LONGEST_STEP_SECONDS = 0.25


class FileLock:
    """A lock between processes and threads, held within a ``with`` block.

    The operating system frees it when its holder ends, however that ends; the file stays.

    Parameters
    ----------
    path
        The lock's file; its folder is made if need be.
    timeout_seconds
        How long to wait for another holder; ``None`` for ever.
    clock, sleep
        Where time comes from.

    Raises
    ------
    StorageError
        Another process holds the lock for longer than `timeout_seconds`, or there can be no file.

    Example
    -------
    >>> import tempfile
    >>> with FileLock(Path(tempfile.mkdtemp()) / "a.lock", timeout_seconds=1):
    ...     "alone"
    'alone'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        timeout_seconds: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = Path(path)
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._sleep = sleep
        self._handle: int | None = None

    def __enter__(self) -> FileLock:
        if self._handle is not None:
            raise StorageError(
                f"this lock of {self._path} is held already",
                hint="Make one FileLock for each `with`.",
            )
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as exc:
            raise StorageError(
                f"the lock {self._path} cannot be made: {exc.strerror}",
                hint="Choose a folder that can be written.",
            ) from exc
        try:
            self._acquire(handle)
        except OSError as exc:
            os.close(handle)
            raise StorageError(
                f"{self._path} cannot be locked: {exc.strerror}",
                hint="Choose a folder on a local disk, such as with TG_CACHE.",
            ) from exc
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        _held.add(self)
        _let_children_go()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        _held.discard(self)
        if handle is not None:
            os.close(handle)

    def _acquire(self, handle: int) -> None:
        began = self._clock()
        step = _FIRST_STEP_SECONDS
        while not try_lock(handle):
            left = step
            if self._timeout_seconds is not None:
                left = self._timeout_seconds - (self._clock() - began)
            if left <= 0:
                raise StorageError(
                    f"another process held {self._path} for more than "
                    f"{self._timeout_seconds:g} seconds{_holder(handle)}",
                    hint="Let it end, or end it.",
                )
            self._sleep(min(step, left))
            step = min(2 * step, _LONGEST_STEP_SECONDS)
        _sign(handle)


def try_lock(handle: int, *, shared: bool = False) -> bool:
    """Lock an open file or folder, unless another has it; closing it, or dying, frees it.

    Parameters
    ----------
    handle
        The file or folder.
    shared
        Whether others may have the same lock, if they share it too; Windows knows no such locks.

    Returns
    -------
    bool
        ``False`` if another has it.

    Raises
    ------
    OSError
        The file system has no locks.
    """
    try:
        if sys.platform == "win32":
            # far beyond the end, so that the file can still be read
            os.lseek(handle, 1 << 30, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_locked(path: str | os.PathLike[str]) -> bool:
    """Whether a process holds a :class:`FileLock`; any number may ask, and reading is enough.

    Example
    -------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.lock"
    >>> with FileLock(file):
    ...     is_locked(file)
    True
    >>> is_locked(file)
    False
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not try_lock(handle, shared=True)
    except OSError:
        return False  # a file system without locks: nobody has one
    finally:
        os.close(handle)


def lock_folder(folder: Path) -> int | None:
    """Mark a folder as being used, until what this gives is closed or this process dies.

    Returns
    -------
    int or None
        An open handle; ``None`` where folders cannot be opened.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        try_lock(handle)
    return handle


# a forked child has the open files of its parent, and would hold its locks for as long as it lives
_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


@functools.cache
def _let_children_go() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_let_go)


def _let_go() -> None:
    for lock in list(_held):
        lock._close()  # noqa: SLF001 - the parent's lock stays: it has the file open as well


def _sign(handle: int) -> None:
    """Write down who holds the lock, for the message to those who wait in vain."""
    with contextlib.suppress(OSError):
        os.lseek(handle, 0, os.SEEK_SET)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())


def _holder(handle: int) -> str:
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        holder = os.read(handle, 20).decode(errors="replace").strip()
    except OSError:
        return ""
    return f" (process {holder})" if holder.isdigit() else ""
