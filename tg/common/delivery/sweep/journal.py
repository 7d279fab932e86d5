"""What a sweep has done and is about to do, on disk."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from ..._core.errors import FormatError
from .journal_file import check_whole, connect, storage_errors
from .status import SweepStatus
from .task_row import COLUMNS, TaskRow
from .task_state import TaskState
from .transition import Transition

__all__ = ["Journal"]

_ROWS = f"SELECT {', '.join(COLUMNS)} FROM tasks"  # noqa: S608 - names of this module's own
_UPDATE = (
    f"UPDATE tasks SET {', '.join(f'{name} = ?' for name in COLUMNS)} "  # noqa: S608
    "WHERE number = ?"
)
_INSERT = f"INSERT INTO tasks VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_BATCH = "INSERT INTO batches VALUES (?, ?)"
_FEW = 100
_TRANSITION = (
    "INSERT INTO transitions (utc, task, state, attempt, place, run_id, kind, reason) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def _now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """What a sweep has done and is about to do: an SQLite database in WAL mode.

    Whatever is written is on disk when the method returns. One process writes; any number reads
    meanwhile.

    Parameters
    ----------
    path
        The file.
    mode
        ``"write"`` or ``"read"``; :meth:`create` makes a new one.
    now
        The clock.

    Raises
    ------
    SweepNotFoundError, ProtocolError, FormatError, StorageError
        As :func:`.journal_file.connect`.
    """

    def __init__(
        self, path: Path, mode: str = "read", *, now: Callable[[], datetime] = _now
    ) -> None:
        self.path = path
        self._now = now
        self._lock = threading.Lock()
        self._connection = connect(path, mode)

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        about: Mapping[str, str],
        batches: Mapping[int, Mapping[str, Any]],
        rows: Iterable[TaskRow],
        now: Callable[[], datetime] = _now,
    ) -> Journal:
        """Make a journal, in one transaction: there is a whole one or none.

        Parameters
        ----------
        path
            The file.
        about
            What else is to be known of the sweep.
        batches
            Number to record.
        rows
            The tasks.
        now
            The clock.

        Raises
        ------
        SweepError
            There is one already.
        """
        journal = cls(path, "create", now=now)
        try:
            with journal._committed(begin=False) as connection:
                connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
                for number, record in batches.items():
                    connection.execute(_BATCH, (number, json.dumps(record)))
                connection.executemany(_INSERT, (row.values() for row in rows))
        except BaseException:
            journal.close()
            raise
        return journal

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._connection.close()

    @property
    def name(self) -> str:
        """The sweep."""
        return self.path.parent.name

    def about(self) -> dict[str, str]:
        """Give what else is known of the sweep."""
        return dict(self._read("SELECT key, value FROM about"))

    def batches(self) -> dict[int, dict[str, Any]]:
        """Give the records of the batches."""
        return {
            number: json.loads(record)
            for number, record in self._read("SELECT batch, record FROM batches")
        }

    def check(self) -> None:
        """Look at the whole file.

        Raises
        ------
        FormatError
            It is damaged.
        """
        with self._lock, storage_errors(self.path):
            check_whole(self._connection, self.path)

    def rows(self) -> list[TaskRow]:
        """Give all tasks in their order."""
        return self._rows("ORDER BY number")

    def row(self, name: str) -> TaskRow | None:
        """Give one task, or ``None`` if there is none of that name."""
        return next(iter(self._rows("WHERE name = ?", (name,))), None)

    def names(self) -> list[str]:
        """Name all tasks in their order."""
        return [name for (name,) in self._read("SELECT name FROM tasks ORDER BY number")]

    def rows_of(self, fingerprints: Set[str]) -> list[TaskRow]:
        """Give the tasks of some fingerprints that were started, in their order."""
        started = self._read("SELECT number, fingerprint FROM tasks WHERE run_id != ''")
        found = sorted(number for number, one in started if one in fingerprints)
        if len(found) > _FEW:
            return [row for row in self.rows() if row.fingerprint in fingerprints and row.run_id]
        return [row for number in found for row in self._rows("WHERE number = ?", (number,))]

    def transitions(self, after: int = 0) -> list[Transition]:
        """Give all changes in their order, or those after one."""
        found = self._read(
            "SELECT sequence, utc, task, state, attempt, place, run_id, kind, reason "
            "FROM transitions WHERE sequence > ? ORDER BY sequence",
            (after,),
        )
        names = tuple(Transition.__dataclass_fields__)
        return [
            Transition(**dict(zip(names, values, strict=True)) | {"state": TaskState(values[3])})
            for values in found
        ]

    def status(self) -> SweepStatus:
        """Count the tasks."""
        counts: dict[TaskState, int] = {}
        reused, spent = 0, 0.0
        for state, count, of_them, cost in self._read(
            "SELECT state, COUNT(*), SUM(reused), TOTAL(cost) FROM tasks GROUP BY state"
        ):
            counts[TaskState(state)] = count
            reused += of_them
            spent += cost
        about = self.about()
        return SweepStatus(
            name=self.name,
            counts=counts,
            reused=reused,
            spent=spent,
            ended_by=about.get("ended_by", ""),
            planned=int(about.get("planned", 0)),
        )

    def write(self, rows: Sequence[TaskRow]) -> None:
        """Note what has become of tasks, and what is about to be done with them."""
        utc = self._now().isoformat()
        with self._committed() as connection:
            connection.executemany(_UPDATE, ((*row.values(), row.number) for row in rows))
            connection.executemany(
                _TRANSITION,
                (
                    (
                        utc,
                        row.number,
                        row.state,
                        row.attempt,
                        row.place,
                        row.run_id,
                        row.kind,
                        row.reason,
                    )
                    for row in rows
                ),
            )

    def add(self, number: int, record: Mapping[str, Any], rows: Iterable[TaskRow]) -> None:
        """Take up further tasks, with the batch that they are started with."""
        with self._committed() as connection:
            connection.execute(_BATCH, (number, json.dumps(record)))
            connection.executemany(_INSERT, (row.values() for row in rows))

    def note(self, **about: str) -> None:
        """Note something of the whole sweep."""
        with self._committed() as connection:
            connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", about.items())

    def request(self, what: str) -> None:
        """Ask whoever drives the sweep for something."""
        with self._committed() as connection:
            connection.execute("INSERT INTO requests (what) VALUES (?)", (what,))

    def requests(self) -> list[str]:
        """Give what was asked for and not done yet."""
        return [what for (what,) in self._read("SELECT what FROM requests ORDER BY sequence")]

    def forget_requests(self) -> None:
        """Note that all that was asked for is done."""
        with self._committed() as connection:
            connection.execute("DELETE FROM requests")

    def _rows(self, which: str, values: Sequence[Any] = ()) -> list[TaskRow]:
        try:
            return [TaskRow.of(found) for found in self._read(f"{_ROWS} {which}", values)]
        except (ValueError, TypeError) as exc:
            raise FormatError(
                f"the journal {self.path} has a task that cannot be read: {exc}",
                hint="Use a newer version of training-grounds.",
            ) from exc

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock, storage_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _committed(self, *, begin: bool = True) -> Iterator[sqlite3.Connection]:
        """Do all or nothing of what the block does."""
        with self._lock, storage_errors(self.path):
            if begin:
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
