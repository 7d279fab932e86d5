"""Where a result comes from."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..._core.loc import Loc
from ..delivery.commit import Commit
from .run_folder import RunFolder

__all__ = ["RecentProvenance", "git_provenance", "provenance_of"]

_RECENT_SECONDS = 1.0


def provenance_of(folder: RunFolder, project: Mapping[str, Any]) -> dict[str, Any]:
    """Say where a run comes from: executor, id, time, machine.

    Nothing that names a person is in it.

    Parameters
    ----------
    folder
        What is kept of the run.
    project
        What :func:`git_provenance` said when its package was made.
    """
    record = folder.read()
    return {
        "run_id": record.run_id,
        "executor": record.executor,
        "started_at": record.started_at,
        "platform": platform.platform(),
        **project,
    }


def git_provenance() -> dict[str, Any]:
    """Say which commit the project is at; nothing where there is none.

    Git is asked once a second at most: of many trainings that are submitted one right after the
    other, the later ones may be told of a change within that second too late.
    """
    return _PROVENANCE.of(Loc.root_path)


class RecentProvenance:
    """What git said last, for a second; shared by all threads.

    Parameters
    ----------
    clock
        Gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: tuple[Path, float, dict[str, Any]] | None = None

    def of(self, root: Path) -> dict[str, Any]:
        """Say which commit a folder is at."""
        with self._lock:  # others wait for the answer instead of asking as well
            if self._last is None or not self._is_recent(self._last, root):
                asked_at = self._clock()
                commit = Commit.of(root)
                known = {"git_commit": commit.hash, "git_dirty": commit.is_dirty} if commit else {}
                self._last = root, asked_at, known
            return dict(self._last[2])

    def _is_recent(self, last: tuple[Path, float, dict[str, Any]], root: Path) -> bool:
        return last[0] == root and self._clock() - last[1] < _RECENT_SECONDS


_PROVENANCE = RecentProvenance()
