"""Folders for files that builds and containers are given, secrets among them, for a moment."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._core.file_lock import lock_folder, try_lock

__all__ = ["scratch_folder"]

_PREFIX = "tg-scratch-"
# a folder is locked right after it is made; one this old and unlocked has nobody
_ABANDONED_SECONDS = 60.0


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder that only this user may look into, and remove it.

    A process that is killed cannot remove its own: the next one does.

    Example
    -------
    >>> with scratch_folder() as folder:
    ...     (folder / "token").write_text("secret") > 0
    True
    >>> folder.exists()
    False
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        handle = lock_folder(Path(name))
        try:
            yield Path(name)
        finally:
            if handle is not None:
                os.close(handle)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or time.time() - folder.stat().st_mtime < _ABANDONED_SECONDS:
                continue
            handle = os.open(folder, os.O_RDONLY)  # refused if it is another user's
            try:
                if try_lock(handle):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
