"""The file of a journal: how it is opened, and what its faults are called."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..._core.errors import (
    FormatError,
    NamingError,
    StorageError,
    SweepError,
    SweepNotFoundError,
    TgError,
)
from ..._core.loc import Loc
from ..._core.protocol import check_protocol
from ..._core.suggestions import did_you_mean
from .task_row import COLUMNS

__all__ = [
    "PROTOCOL",
    "check_whole",
    "connect",
    "journal_path",
    "storage_errors",
    "sweep_names",
    "sweeps_folder",
]

PROTOCOL = 2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FILE = "journal.db"
_WAIT_SECONDS = 30.0
_FIND_AGAIN = (
    "Move its folder away and run the same sweep again: runs are found by their ids, "
    "so none is started twice."
)
_SCHEMA = f"""
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE batches (batch INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE tasks (
    {", ".join(COLUMNS)}, PRIMARY KEY (number), UNIQUE (name)
);
CREATE TABLE transitions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    utc TEXT NOT NULL, task INTEGER NOT NULL, state TEXT NOT NULL,
    attempt INTEGER NOT NULL, place INTEGER NOT NULL, run_id TEXT NOT NULL,
    kind TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE requests (sequence INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL);
"""


def sweeps_folder() -> Path:
    """Give the folder of the project's sweeps."""
    return Loc.data_cache_path / "sweeps"


def journal_path(name: str, folder: Path | None = None) -> Path:
    """Give the place of a sweep's journal.

    Parameters
    ----------
    name
        The sweep.
    folder
        The folder of sweeps; the project's if not given.

    Raises
    ------
    NamingError
        A sweep cannot be called so.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise NamingError(
            f"a sweep cannot be called {name!r}",
            hint="Use at most 100 letters, digits, dots, dashes and underscores.",
        )
    return (folder or sweeps_folder()) / name / _FILE


def sweep_names(folder: Path | None = None) -> list[str]:
    """Name the sweeps there are."""
    return sorted(path.parent.name for path in (folder or sweeps_folder()).glob(f"*/{_FILE}"))


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a journal.

    Parameters
    ----------
    path
        The file.
    mode
        ``"create"`` where there may be none, ``"write"``, or ``"read"``, which looks at no more of
        it than what is read.

    Raises
    ------
    SweepNotFoundError
        There is none.
    SweepError
        ``"create"``, and there is one.
    ProtocolError
        Another version wrote it, in a way that this one does not read.
    FormatError
        It is damaged.
    StorageError
        It cannot be read or written.
    """
    if mode == "create":
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StorageError(
                f"the journal {path} cannot be made: {exc.strerror}",
                hint="Choose a project folder that can be written.",
            ) from exc
    elif not path.exists():
        raise _not_found(path)
    with storage_errors(path):
        connection = _connected(path, mode)
        try:
            _prepare(connection, path, mode)
        except BaseException:
            connection.close()
            raise
        return connection


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    if mode != "read" or os.access(path.parent, os.W_OK):
        # a reader, too, may have to bring the file in order after a crash
        options = "mode=rwc" if mode == "create" else "mode=rw"
    elif path.with_name(f"{path.name}-wal").exists():
        options = "mode=ro"  # somebody else's, who drives it: most of it may be in that file
    else:
        options = "mode=ro&immutable=1"
    address = f"{path.resolve().as_uri()}?{options}"
    connection = sqlite3.connect(
        address, uri=True, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    if mode == "read":
        connection.execute("PRAGMA query_only=ON")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, mode: str) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        # its maker died before it had written anything, or is about to
        if mode != "create":
            raise _not_found(path)
        connection.execute("PRAGMA journal_mode=WAL")
    else:
        _check(connection, path, tables)
        if mode != "read":
            check_whole(connection, path)
        if mode == "create":
            raise SweepError(
                f"there is a sweep called {path.parent.name!r} already",
                hint=f"Sweep.open({path.parent.name!r}) goes on with it; or choose another name.",
            )
    if mode != "read":
        # what is committed has reached the disk, also through a power cut
        connection.execute("PRAGMA synchronous=FULL")
    if not tables:
        connection.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute("INSERT INTO about VALUES ('protocol', ?)", (str(PROTOCOL),))


def _check(connection: sqlite3.Connection, path: Path, tables: set[str]) -> None:
    protocol = connection.execute(
        "SELECT value FROM about WHERE key = 'protocol'" if "about" in tables else "SELECT 'none'"
    ).fetchone()
    if protocol is None or not str(protocol[0]).isdigit():
        raise FormatError(f"{path} is no journal of a sweep", hint=_FIND_AGAIN)
    check_protocol(int(protocol[0]), PROTOCOL, f"the journal {path}")


def check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Look at all of a journal, which takes longer the more there is.

    Raises
    ------
    FormatError
        It is damaged.
    """
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found[0] != "ok":
        raise FormatError(f"the journal {path} is damaged: {found[0]}", hint=_FIND_AGAIN)


def _not_found(path: Path) -> TgError:
    name = path.parent.name
    others = [one for one in sweep_names(path.parent.parent) if one != name]  # it may be empty
    return SweepNotFoundError(
        f"there is no sweep called {name!r} in {path.parent.parent}",
        hint=did_you_mean(name, others, what="sweeps"),
    )


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Say what is wrong with a journal.

    Raises
    ------
    StorageError
        It cannot be read or written: a full disk, a place that is read-only, a lock.
    FormatError
        What is in the file is no journal, or no longer.
    """
    try:
        yield
    except sqlite3.OperationalError as exc:
        if "no such" in str(exc):
            raise FormatError(f"{path} is no journal of a sweep: {exc}", hint=_FIND_AGAIN) from exc
        raise StorageError(
            f"the journal {path} cannot be used: {exc}",
            hint="Free some space, or make it writable; what was written is kept. "
            "Then Sweep.open goes on.",
        ) from exc
    except sqlite3.DatabaseError as exc:
        raise FormatError(f"the journal {path} is damaged: {exc}", hint=_FIND_AGAIN) from exc
