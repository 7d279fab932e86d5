"""An archive, an unpacked copy or an environment that is kept on this machine."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ..._core.errors import TgError
from ...contract.manifest import PackageManifest
from ..runtime.package_manifest import manifest_file, read_manifest
from .folder_users import FolderUsers

__all__ = ["StoredKind", "StoredThing", "read_archive", "read_environment", "read_unpacked"]

_ENVIRONMENT = re.compile(r"(py\d+)-([0-9a-f]{20})\Z")
_UNPACKED = re.compile(r"[0-9a-f]{32}\Z")
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{12}\.tmp\Z")


class StoredKind(StrEnum):
    """What a stored thing is."""

    ARCHIVE = "archive"
    UNPACKED = "unpacked"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, kw_only=True)
class StoredThing:
    """What is known of one of them.

    Attributes
    ----------
    kind
        Which of them.
    path
        The file or folder.
    name
        The package's name; of an environment, the Python that made it, such as ``py311``.
    version
        The package's version; of an environment, the key of its lock.
    content_hash
        The package's content hash; empty for environments.
    size_bytes
        Of its files.
    made_at
        When it was written.
    fault
        Why it cannot be used; empty if it can.
    users
        The ids of the processes that were started with it.
    """

    kind: StoredKind
    path: Path
    name: str
    version: str
    content_hash: str
    size_bytes: int
    made_at: datetime
    fault: str = ""
    users: tuple[int, ...] = ()

    @property
    def is_temporary(self) -> bool:
        """Whether somebody is writing or removing it, or was killed in doing so."""
        return bool(_TEMPORARY.match(self.path.name))

    @property
    def is_ours(self) -> bool:
        """Whether this library made it for sure."""
        return bool(self.version) or self.is_temporary

    def matches(self, patterns: Sequence[str]) -> bool:
        """Whether its name, or its name and version, are asked for; by no patterns, all are."""
        names = (self.name, f"{self.name}__{self.version}", f"{self.name}:{self.version}")
        return not patterns or any(
            fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns
        )


def read_archive(path: Path, users: FolderUsers) -> StoredThing:  # noqa: ARG001 no process has it
    """Look at an archive.

    Raises
    ------
    FileNotFoundError
        It is gone.
    """
    try:
        manifest, fault = read_manifest(path), ""
    except (TgError, OSError) as exc:
        manifest, fault = None, _said(exc)
    return _package(StoredKind.ARCHIVE, path, manifest, fault, ())


def read_unpacked(path: Path, users: FolderUsers) -> StoredThing:
    """Look at an unpacked copy; `FileNotFoundError` if it is gone."""
    manifest, fault = None, "not unpacked by this library"
    file = manifest_file(path) if _UNPACKED.match(path.name) else None
    if file is not None:
        try:
            manifest, fault = PackageManifest.from_json(file.read_bytes(), where=str(file)), ""
        except (TgError, OSError) as exc:
            fault = _said(exc)
    return _package(StoredKind.UNPACKED, path, manifest, fault, users.of(path))


def read_environment(path: Path, users: FolderUsers) -> StoredThing:
    """Look at an environment; `FileNotFoundError` if it is gone."""
    named = _ENVIRONMENT.match(path.name)
    record = path / "complete.json"
    fault = "" if named else "not made by this library"
    if named:
        try:
            json.loads(record.read_bytes())["folder"]
        except (OSError, ValueError, KeyError, TypeError):
            fault = "unfinished"
    return StoredThing(
        kind=StoredKind.ENVIRONMENT,
        path=path,
        name=named.group(1) if named else path.name,
        version=named.group(2) if named else "",
        content_hash="",
        size_bytes=_size(path),
        made_at=_written_at(record if record.exists() else path),
        fault=fault,
        users=users.of(path),
    )


def _package(
    kind: StoredKind,
    path: Path,
    manifest: PackageManifest | None,
    fault: str,
    users: tuple[int, ...],
) -> StoredThing:
    return StoredThing(
        kind=kind,
        path=path,
        name=manifest.name if manifest else path.name,
        version=manifest.version if manifest else "",
        content_hash=manifest.content_hash if manifest else "",
        size_bytes=_size(path),
        made_at=_written_at(path),
        fault=fault,
        users=users,
    )


def _said(error: TgError | OSError) -> str:
    return error.what if isinstance(error, TgError) else str(error)


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _size(path: Path) -> int:
    """Add up the sizes of a folder's files; those that go away meanwhile count nothing."""
    size = 0
    with contextlib.suppress(OSError):
        if not path.is_dir():
            return path.stat().st_size
        with os.scandir(path) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    own = entry.stat(follow_symlinks=False).st_size
                    size += _size(Path(entry)) if is_folder else own
    return size
