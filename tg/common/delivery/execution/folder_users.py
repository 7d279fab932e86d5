"""Which processes were started with a folder."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FolderUsers"]

_PROCESSES = Path("/proc")


class FolderUsers:
    """The processes of this moment, by the folders that they were started with.

    A training runs with the interpreter of its environment, and has its package in ``PYTHONPATH``.
    Nothing is known where there is no ``/proc`` (proc(5)), nor of processes that belong to others.

    Example
    -------
    >>> FolderUsers().of(Path("/no/such/folder"))
    ()
    """

    def __init__(self) -> None:
        own = os.getpid()
        self._started = {
            int(process.name): _read(process / "cmdline") + _read(process / "environ")
            for process in _PROCESSES.glob("[0-9]*")
            if int(process.name) != own
        }

    def of(self, folder: Path) -> tuple[int, ...]:
        """Give the ids of the processes with the folder in their command line or environment."""
        wanted = os.fsencode(folder.absolute()) + b"/"
        return tuple(sorted(pid for pid, words in self._started.items() if wanted in words))


def _read(path: Path) -> bytes:
    try:
        # each argument and each variable ends with a zero byte, each path of a list with a colon
        return path.read_bytes().replace(b"\0", b"/\0").replace(b":", b"/:")
    except OSError:
        return b""
