"""What is kept on this machine of packages: archives, unpacked copies, environments."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ..._core.errors import StorageError
from ..._core.file_lock import FileLock
from ..._core.loc import Loc
from ..._core.retention import Retention
from .folder_users import FolderUsers
from .stored_thing import (
    StoredKind,
    StoredThing,
    read_archive,
    read_environment,
    read_unpacked,
)

__all__ = ["PackageStore"]

# nobody writes or removes one folder for so long
_WRITING_TIME = timedelta(hours=1)
_Reader = Callable[[Path, FolderUsers], StoredThing]


class PackageStore:
    """Lists and removes what is kept of packages.

    Parameters
    ----------
    archives
        The folder of archives; ``Loc.temp_path / "packages"`` if ``None``.
    cache
        The folder with ``packages`` and ``environments``; ``Loc.user_cache_path`` if ``None``.

    Example
    -------
    >>> PackageStore(Path("/no/archives"), Path("/no/cache")).things()
    []
    """

    def __init__(self, archives: Path | None = None, cache: Path | None = None) -> None:
        self.archives = archives or Loc.temp_path / "packages"
        self.cache = cache or Loc.user_cache_path

    def things(self, kinds: Sequence[StoredKind] = ()) -> list[StoredThing]:
        """Give what is here, the newest of each kind first.

        Parameters
        ----------
        kinds
            What to look for; everything if empty.
        """
        places: dict[StoredKind, tuple[Iterator[Path], _Reader]] = {
            StoredKind.ARCHIVE: (_archives_in(self.archives), read_archive),
            StoredKind.UNPACKED: (_folders_in(self.cache / "packages"), read_unpacked),
            StoredKind.ENVIRONMENT: (_folders_in(self.cache / "environments"), read_environment),
        }
        users = FolderUsers()
        found: list[StoredThing] = []
        for kind in kinds or StoredKind:
            paths, read = places[kind]
            things = []
            for path in paths:
                with contextlib.suppress(FileNotFoundError):  # it was removed just now
                    things.append(read(path, users))
            found += sorted(things, key=lambda thing: thing.made_at, reverse=True)
        return found

    def reasons(
        self,
        things: Sequence[StoredThing],
        retention: Retention,
        now: datetime,
        *,
        with_unknown: bool = False,
    ) -> list[str]:
        """Say for each thing why it is kept; nothing if it may go.

        Parameters
        ----------
        things
            As listed.
        retention
            What is kept for its age.
        now
            The time that counts.
        with_unknown
            Whether that goes as well of which it is not sure that this library made it.
        """
        # what cannot be used is none of the newest, and does not count as one
        whole = [thing for thing in things if not thing.fault]
        aged = retention.reasons([(f"{t.kind}:{t.name}", t.made_at) for t in whole], now)
        ages = dict(zip((thing.path for thing in whole), aged, strict=True))
        young = Retention(older_than_days=retention.older_than_days)

        def reason(thing: StoredThing) -> str:
            if thing.users:
                return f"used by process {thing.users[0]}"
            if not thing.is_ours and not with_unknown:
                return thing.fault
            if thing.is_temporary and now - thing.made_at < _WRITING_TIME:
                return "it may be being written"
            return ages.get(thing.path) or young.reasons([("", thing.made_at)], now)[0]

        return [reason(thing) for thing in things]

    def remove(self, thing: StoredThing) -> str:
        """Remove one; nobody ever sees a part of it.

        Returns
        -------
        str
            Why it was kept; empty if it is gone, also if another process was faster.

        Raises
        ------
        StorageError
            It cannot be removed.
        """
        try:
            if thing.kind is StoredKind.ENVIRONMENT and thing.version:
                return _remove_environment(thing.path)
            _remove(thing.path)
            if thing.kind is StoredKind.ARCHIVE:
                with contextlib.suppress(OSError):  # other packages are beside it
                    thing.path.parent.rmdir()
        except OSError as exc:
            raise StorageError(
                f"{thing.path} cannot be removed: {exc.strerror or exc}",
                hint="Does it belong to another user?",
            ) from exc
        return ""


def _archives_in(folder: Path) -> Iterator[Path]:
    # Packaging writes each into a folder that is named after its content
    yield from sorted(path for path in folder.glob("*/*.tar.gz") if path.is_file())


def _folders_in(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        yield from sorted(p for p in folder.iterdir() if p.is_dir() and not p.is_symlink())


def _remove_environment(path: Path) -> str:
    with contextlib.ExitStack() as stack:
        try:
            # whoever makes an environment holds its lock
            stack.enter_context(FileLock(path.with_suffix(".lock"), timeout_seconds=0.0))
        except StorageError as exc:
            if exc.__cause__ is not None:
                raise
            return "it is being made"
        _remove(path)
    return ""


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not path.is_dir():
            path.unlink()
            return
        # gone from its place at once: who looks meanwhile finds nothing, and makes it anew
        doomed = path.with_name(f".{path.name[:50]}.{secrets.token_hex(6)}.tmp")
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
