"""Packages that are kept as long as the runs that need them."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from ..._core.errors import PackagingError
from ..._core.files import atomic_write

__all__ = ["kept_package"]

_DIGITS = 16


def kept_package(path: Path, folder: Path) -> Path:
    """Copy a package to where nothing removes it, unless it is there.

    Parameters
    ----------
    path
        The package.
    folder
        Where copies are kept, each in a folder that is called by its content.

    Returns
    -------
    pathlib.Path
        The copy, which is called as the package is.

    Raises
    ------
    PackagingError
        The package was removed meanwhile.
    StorageError
        The copy cannot be written.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        kept = folder / digest[:_DIGITS] / path.name
        if not kept.is_file():
            with path.open("rb") as file:
                atomic_write(kept, lambda stream: shutil.copyfileobj(file, stream))
    except OSError as exc:
        raise PackagingError(f"the package {path} is gone: {exc}", hint="Make it again.") from exc
    return kept
