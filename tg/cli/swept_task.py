"""The sweep that a run is of, and what it knows of the run's task."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..common._core.errors import TgError
from ..common.delivery.sweep.journal import Journal
from ..common.delivery.sweep.journal_file import journal_path, sweep_names
from ..common.delivery.sweep.stored_sweep import StoredSweep

__all__ = ["SweptTask", "runs_of_task", "swept_task"]

_TRY = re.compile(r"-r\d+$")  # of a second run of a task, and further ones


@dataclass(frozen=True, kw_only=True)
class SweptTask:
    """A task of a sweep.

    Attributes
    ----------
    sweep
        The name of the sweep.
    parameters
        What the task was built of.
    is_own
        Whether the sweep has run it, and has not taken its result over from another.
    """

    sweep: str
    parameters: Mapping[str, Any]
    is_own: bool


def swept_task(run_id: str) -> SweptTask | None:
    """Find the task that a run is of in the sweeps of this project; ``None`` if it is of none.

    Parameters
    ----------
    run_id
        The run, also one that failed and was followed by another.
    """
    taken_over = None
    wanted = _TRY.sub("", run_id)
    for name in sweep_names() if run_id else ():
        with contextlib.suppress(TgError):  # a journal that cannot be read hides no result
            for row in StoredSweep(journal_path(name)).rows():
                if _TRY.sub("", row.run_id) != wanted:
                    continue
                found = SweptTask(sweep=name, parameters=row.parameters, is_own=not row.reused)
                if found.is_own:
                    return found
                taken_over = taken_over or found
    return taken_over


def runs_of_task(task: str) -> dict[str, str]:
    """Give the latest runs of the tasks of a name, by the sweep that has it in this project."""
    found = {}
    for sweep in sweep_names():
        with contextlib.suppress(TgError), Journal(journal_path(sweep)) as journal:
            row = journal.row(task)
            if row is not None and row.run_id:
                found[sweep] = row.run_id
    return found
