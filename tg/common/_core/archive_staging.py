"""Members gathered in a temporary folder and moved to their target when all of them are there."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ConfigError, StorageError
from .files import atomic_folder, unique_folder

__all__ = ["StagingFolder", "staged", "staged_fresh"]


class StagingFolder:
    """Writes members below a folder that nobody else writes to.

    Files get mode 0644 and folders 0755, whatever the umask.

    Parameters
    ----------
    root
        The folder, empty.
    label
        What error messages call the archive.
    """

    def __init__(self, root: Path, label: str) -> None:
        self._root = str(root)
        self._label = label
        self.folders: dict[str, None] = {}
        self.files: list[str] = []

    def add_folder(self, name: str) -> None:
        """Make a folder, and those that it is in.

        Raises
        ------
        StorageError
            It cannot be made.
        """
        if not name or name in self.folders:
            return
        self.add_folder(name.rpartition("/")[0])
        try:
            path = f"{self._root}/{name}"
            os.mkdir(path)  # noqa: PTH102 (thousands of members: os is twice as fast as Path)
            os.chmod(path, 0o755)  # noqa: PTH101, S103 (others may look, as in any installed tree)
        except OSError as exc:
            raise self._error(name, exc) from exc
        self.folders[name] = None

    def add_file(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file.

        Raises
        ------
        StorageError
            The disk is full, or its file system takes two names for one.
        """
        self.add_folder(name.rpartition("/")[0])
        try:
            path = f"{self._root}/{name}"
            with open(path, "xb") as file:  # noqa: PTH123 (as above)
                for chunk in chunks:
                    file.write(chunk)
            os.chmod(path, 0o644)  # noqa: PTH101 (as above)
        except OSError as exc:
            raise self._error(name, exc) from exc
        self.files.append(name)

    def _error(self, name: str, exc: OSError) -> StorageError:
        if isinstance(exc, FileExistsError):
            hint = "This disk takes two of the archive's names for one; read them one by one."
        else:
            hint = "Free some space or choose another folder; nothing was left behind."
        return StorageError(
            f"{name!r} from the archive {self._label} cannot be written ({exc.strerror or exc})",
            hint=hint,
        )


@contextmanager
def staged_fresh(target: Path, label: str) -> Iterator[StagingFolder]:
    """Fill a folder that comes into being complete, and only if there was no error.

    Raises
    ------
    ConfigError
        The target is there and not an empty folder.
    """
    if os.path.lexists(target) and (
        target.is_symlink() or not target.is_dir() or any(target.iterdir())
    ):
        raise ConfigError(
            f"{target}, where {label} is to be extracted, is there already",
            hint="Name a folder that does not exist, or an empty one.",
        )
    with atomic_folder(target) as root:
        yield StagingFolder(root, label)
        root.chmod(0o755)


@contextmanager
def staged(target: Path, label: str) -> Iterator[StagingFolder]:
    """Fill a folder that may have other files; files of the same names are replaced whole.

    Raises
    ------
    ConfigError
        There is a link or a file where a folder is needed, or a folder in a file's place.
    """
    if not os.path.lexists(target):
        with staged_fresh(target, label) as staging:
            yield staging
        return
    if not target.is_dir():
        raise _in_the_way(target)
    root = unique_folder(target, ".extract-")
    try:
        staging = StagingFolder(root, label)
        yield staging
        _merge(staging, root, target)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _merge(staging: StagingFolder, root: Path, target: Path) -> None:
    for name in (*staging.folders, *staging.files):
        place = target / name
        # lstat: what a link points to is not ours to fill; a link in a file's place is replaced
        if os.path.lexists(place) and (
            stat.S_ISDIR(place.lstat().st_mode) != (name in staging.folders)
        ):
            raise _in_the_way(place)
    try:
        for name in staging.folders:
            folder = target / name
            if not folder.is_dir():
                folder.mkdir(exist_ok=True)
                folder.chmod(0o755)
        for name in staging.files:
            (root / name).replace(target / name)
    except OSError as exc:
        raise StorageError(
            f"{target} cannot be written ({exc})", hint="Check its permissions and its disk."
        ) from exc


def _in_the_way(place: Path) -> ConfigError:
    return ConfigError(
        f"{place} is a file, a folder or a link where something else is to be extracted",
        hint="Move it away, or name another folder.",
    )
