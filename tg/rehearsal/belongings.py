"""Folder and processes of a rehearsal, which go when it goes, or when its process is killed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from ..common._core.errors import EngineUnavailableError
from ..common.delivery.docker.engine import DockerEngine
from .guardian import start_guardian
from .ownership import FOLDER_PREFIX, note_owner, remove_images

__all__ = ["Belongings"]


class Belongings:
    """Makes the folder, and has it guarded from then on.

    Parameters
    ----------
    engine
        Where the containers are.

    Attributes
    ----------
    folder
        An empty folder.
    """

    def __init__(self, engine: DockerEngine) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self._engine = engine
        self._pids: list[int] = []
        self._registry_host = ""
        note_owner(self.folder)
        self._guardian = start_guardian(engine, self.folder / "guardian.log")

    def add_process(self, pid: int) -> None:
        """Have a process ended with the rehearsal's own, should that be killed."""
        self._pids.append(pid)
        note_owner(self.folder, self._pids, self._registry_host)

    def add_registry(self, pid: int, host: str) -> None:
        """Have a registry ended as well; the engine's images of its name go with it."""
        self._registry_host = host
        self.add_process(pid)

    def remove(self) -> None:
        """Remove the folder and the registry's images; the processes have been ended."""
        if self._registry_host:
            with contextlib.suppress(EngineUnavailableError):
                remove_images(self._engine, self._registry_host)
        shutil.rmtree(self.folder, ignore_errors=True)
        with self._guardian:
            self._guardian.kill()
