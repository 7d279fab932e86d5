"""Removing what a training has left, whatever it made of it."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

__all__ = ["remove_folder"]


def remove_folder(path: Path) -> None:
    """Remove a folder with all in it, also in folders that may not be written to.

    What belongs to another user stays, as does a folder that is not there.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp(), "a")
    >>> (folder / "b").mkdir(parents=True)
    >>> (folder / "b").chmod(0)
    >>> remove_folder(folder)
    >>> folder.exists()
    False
    """
    # nested deeper than functions may be, on Python 3.11
    with contextlib.suppress(RecursionError):
        shutil.rmtree(path, ignore_errors=True)
        if path.is_dir():
            _allow_writing(path)
            shutil.rmtree(path, ignore_errors=True)


def _allow_writing(path: Path) -> None:
    _allow(path)
    for parent, names, _ in os.walk(path):
        for name in names:
            _allow(Path(parent, name))


def _allow(folder: Path) -> None:
    if not folder.is_symlink():
        with contextlib.suppress(OSError):
            folder.chmod(0o700)
