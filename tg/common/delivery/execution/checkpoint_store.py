"""Where unfinished trainings leave their checkpoints for the next run of the very same training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..._core.file_lock import FileLock
from ..._core.files import storage_errors
from .folder_removal import remove_folder

__all__ = ["CheckpointStore"]

_CLAIM_SECONDS = 60.0


class CheckpointStore:
    """One folder for each training, held by one run at a time.

    Parameters
    ----------
    root
        The folder of these folders.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def claim(self, training: str, run_id: str, is_running: Callable[[str], bool]) -> Path:
        """Give a run the folder of its training, with what an unfinished run left there.

        If another run of the very same training holds it and still runs, the new one gets an empty
        folder of its own.

        Parameters
        ----------
        training
            Tells the training from every other: its code, hyperparameters and data.
        run_id
            The run.
        is_running
            Whether a run, by its id, still runs.

        Returns
        -------
        pathlib.Path
            The folder; it is there.

        Raises
        ------
        StorageError
            There is no room, or no right to write there.
        """
        owner_file = self._root / f"{training}.owner"
        with FileLock(self._root / f"{training}.lock", timeout_seconds=_CLAIM_SECONDS):
            owner = owner_file.read_text(encoding="utf-8") if owner_file.is_file() else ""
            folder = self._root / training
            # a run that begins again, after its starter was killed, is not in its own way
            if owner not in ("", run_id) and is_running(owner):
                folder = self._root / f"{training}-{run_id}"
            else:
                # a part of it, from a killed writer or a power cut, names no run that goes on
                with storage_errors(owner_file):
                    owner_file.write_text(run_id, encoding="utf-8")
            folder.mkdir(parents=True, exist_ok=True)
            return folder

    def discard(self, folder: Path) -> None:
        """Remove what a completed run does not need any more."""
        remove_folder(folder)
