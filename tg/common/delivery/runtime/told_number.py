"""A number that a training leaves in the folder of its run."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["EXIT_CODE", "PID", "tell_number"]

EXIT_CODE, PID = "exit_code", "pid"


def tell_number(folder: Path, what: str, number: int) -> None:
    """Leave a number for whoever was not watching; whole or not at all.

    Raises
    ------
    OSError
        There is no room for it.

    Example
    -------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> tell_number(folder, EXIT_CODE, 3)
    >>> [(file.name, file.read_text()) for file in folder.iterdir()]
    [('exit_code', '3')]
    """
    temporary = folder / f".{what}.{os.getpid()}"
    try:
        temporary.write_text(str(number), encoding="ascii")
        temporary.replace(folder / what)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
