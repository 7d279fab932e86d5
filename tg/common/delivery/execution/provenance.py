"""Where a result comes from."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from ..._core.loc import Loc
from ..delivery.commit import Commit
from .run_folder import RunFolder

__all__ = ["git_provenance", "provenance_of"]


def provenance_of(folder: RunFolder, project: Mapping[str, Any]) -> dict[str, Any]:
    """Say where a run comes from: executor, id, time, machine.

    Nothing that names a person is in it.

    Parameters
    ----------
    folder
        What is kept of the run.
    project
        What :func:`git_provenance` said when its package was made.
    """
    record = folder.read()
    return {
        "run_id": record.run_id,
        "executor": record.executor,
        "started_at": record.started_at,
        "platform": platform.platform(),
        **project,
    }


def git_provenance() -> dict[str, Any]:
    """Say which commit the project is at; nothing where there is none."""
    commit = Commit.of(Loc.root_path)
    return {} if commit is None else {"git_commit": commit.hash, "git_dirty": commit.is_dirty}
