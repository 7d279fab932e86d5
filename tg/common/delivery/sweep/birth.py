"""How a sweep comes into being: packed once, then written down whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..._core.errors import SweepError, SweepNotFoundError
from ..execution.task_batch import TaskBatch
from ..naming.legal_name import suffixed_name
from ..naming.target import SAGEMAKER_JOB
from .driver_lock import driving
from .earlier import with_earlier
from .journal import Journal
from .journal_file import journal_path, sweeps_folder
from .plan import SweepPlan
from .settings import SweepSettings
from .sweep_title import sweep_title
from .task_row import TaskRow

__all__ = ["bring_into_being", "identity_of"]

_DIGEST = 10


def bring_into_being(
    plan: SweepPlan,
    executor: Any,
    settings: SweepSettings,
    *,
    path: Path | None,
    rerun: bool,
) -> tuple[Path, TaskBatch | None]:
    """Pack what all tasks share, and write the journal, unless that is there.

    Parameters
    ----------
    plan
        The tasks.
    executor
        Where they run.
    settings
        What the sweep may do.
    path
        Where the journal is to be; if not given, that depends on the tasks.
    rerun
        Whether tasks are run again that have a result.

    Returns
    -------
    tuple
        Where the journal is, and the batch if the journal is new.

    Raises
    ------
    SweepError
        There is another sweep of that name.
    SweepBusyError
        Another process drives it.
    """
    batch: TaskBatch = executor.batch(dict(plan.tasks))
    batch.prepare()
    fingerprints = {name: batch.fingerprint(name) for name in plan.tasks}
    identity = identity_of(batch)
    if path is None:
        title = sweep_title(plan.tasks)
        path = journal_path(suffixed_name(title, identity[:_DIGEST], target=SAGEMAKER_JOB))
    with driving(path):
        if _is_there(path):
            _take_up(path, identity, fingerprints, rerun=rerun)
            return path, None
        rows = [
            TaskRow(
                number=number,
                name=name,
                parameters=plan.parameters.get(name, {}),
                fingerprint=fingerprint,
            )
            for number, (name, fingerprint) in enumerate(fingerprints.items())
        ]
        rows = with_earlier(rows, batch, sweeps_folder(), besides=path.parent.name, rerun=rerun)
        Journal.create(
            path,
            about={"settings": settings.to_json(), "identity": identity},
            batches={0: batch.record()},
            rows=rows,
        ).close()
    return path, batch


def identity_of(batch: TaskBatch) -> str:
    """Tell a sweep by the ids of its runs: these are of the code, the tasks, and the place.

    Parameters
    ----------
    batch
        Its tasks.
    """
    content = json.dumps(sorted(batch.run_id(name) for name in batch.names))
    return hashlib.sha256(content.encode()).hexdigest()


def _is_there(path: Path) -> bool:
    try:
        Journal(path).close()
    except SweepNotFoundError:
        return False
    return True


def _take_up(path: Path, identity: str, fingerprints: Mapping[str, str], *, rerun: bool) -> None:
    """Go on with a sweep, if it is the same one."""
    name = path.parent.name
    with Journal(path, "write") as journal:
        rows = journal.rows()
        known = {row.name: row.fingerprint for row in rows if row.batch == 0}
        if known != fingerprints:
            raise SweepError(
                f"there is another sweep called {name}: {_difference(known, fingerprints)}",
                hint=f"Sweep.open({name!r}) goes on with that one. Or choose another name: tasks "
                "that have not changed take their results over.",
            )
        if journal.about().get("identity") != identity:
            raise SweepError(
                f"the sweep {name} was begun at another place than it is to go on at",
                hint=f"Sweep.open({name!r}) goes on where it was begun. Or choose another name.",
            )
        if rerun:
            journal.write([row.again() for row in rows if row.state.is_final])


def _difference(known: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    new = [name for name in wanted if name not in known]
    gone = [name for name in known if name not in wanted]
    changed = [name for name in wanted if name in known and known[name] != wanted[name]]
    kinds = {"new": new, "gone": gone, "changed": changed}
    why = " (code, fields, or data)" if changed else ""
    counts = ", ".join(
        f"{len(names)} {'is' if len(names) == 1 else 'are'} {what}, such as {names[0]}"
        for what, names in kinds.items()
        if names
    )
    return f"of its tasks {counts}{why}"
