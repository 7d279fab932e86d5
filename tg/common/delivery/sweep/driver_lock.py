"""Who drives a sweep: one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._core.errors import StorageError, SweepBusyError
from ..._core.file_lock import FileLock, is_locked

__all__ = ["driving", "is_driven", "lock_path"]

_SECONDS = 1.0


def lock_path(journal: Path) -> Path:
    """Give what the process that drives a sweep holds locked.

    Parameters
    ----------
    journal
        The sweep's journal, which need not be there.
    """
    return journal.with_name("driver.lock")


@contextmanager
def driving(journal: Path) -> Iterator[None]:
    """Be the one that drives a sweep, within a ``with`` block.

    Raises
    ------
    SweepBusyError
        Another process does.
    StorageError
        There can be no lock.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(FileLock(lock_path(journal), timeout_seconds=_SECONDS))
        except StorageError as exc:
            if exc.__cause__ is not None:
                raise
            name = journal.parent.name
            raise SweepBusyError(
                f"the sweep {name} is driven by another process: {exc.what}",
                hint=f"Watch it with Sweep.open({name!r}).table(); or end that process, then "
                "run().",
            ) from exc
        yield


def is_driven(journal: Path) -> bool:
    """Whether a process drives a sweep, as whoever may read its folder can see."""
    return is_locked(lock_path(journal))
