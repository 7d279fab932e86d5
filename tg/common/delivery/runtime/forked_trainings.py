"""The processes that were forked to train, until it is known how they ended."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .told_number import EXIT_CODE, tell_number

__all__ = ["ForkedTrainings"]


class ForkedTrainings:
    """Leaves the exit codes of trainings that could not leave them: of those that were killed.

    Where there is no room for that, it is tried again with each :meth:`reap`.
    """

    def __init__(self) -> None:
        self._folders: dict[int, Path | None] = {}
        self._untold: dict[Path, int] = {}

    def __len__(self) -> int:
        return len(self._folders) + len(self._untold)

    @property
    def are_untold(self) -> bool:
        """Whether there are exit codes that could not be left yet."""
        return bool(self._untold)

    def expect(self, folder: Path) -> None:
        """Make ready for a training that is about to be forked.

        Parameters
        ----------
        folder
            That of its run. One of the same run that was killed while it was started has nothing to
            say any more.
        """
        for pid, other in self._folders.items():
            if other == folder:
                self._folders[pid] = None
        self._untold.pop(folder, None)
        with contextlib.suppress(OSError):
            (folder / EXIT_CODE).unlink()

    def add(self, pid: int, folder: Path) -> None:
        """Take note of one."""
        self._folders[pid] = folder

    def reap(self) -> bool:
        """See which have ended.

        Returns
        -------
        bool
            Whether an exit code was left.
        """
        for pid in list(self._folders):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                folder = self._folders.pop(pid)
                if folder is not None and not (folder / EXIT_CODE).exists():
                    self._untold[folder] = os.waitstatus_to_exitcode(status)
        before = len(self._untold)
        for folder, code in list(self._untold.items()):
            with contextlib.suppress(OSError):
                if folder.is_dir():  # a run that was removed needs none
                    tell_number(folder, EXIT_CODE, code)
                del self._untold[folder]
        return len(self._untold) < before
