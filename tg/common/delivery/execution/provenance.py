"""Where a result comes from."""

from __future__ import annotations

import platform
from typing import Any

from ..._core.errors import CommandError
from ..._core.loc import Loc
from ..._core.process import run
from .run_folder import RunFolder

__all__ = ["provenance_of"]


def provenance_of(folder: RunFolder) -> dict[str, Any]:
    """Say where a run comes from: executor, id, time, machine, and the git commit if there is one.

    Nothing that names a person is in it.
    """
    record = folder.read()
    return {
        "run_id": record.run_id,
        "executor": record.executor,
        "started_at": record.started_at,
        "platform": platform.platform(),
        **_git(),
    }


def _git() -> dict[str, Any]:
    root = Loc.root_path
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return {}
    try:
        commit = run(["git", "rev-parse", "HEAD"], cwd=root, timeout_seconds=10).output.strip()
        status = run(
            ["git", "status", "--porcelain", "--untracked-files=no"], cwd=root, timeout_seconds=10
        ).output
    except CommandError:  # no git here, or no commit yet: the package itself tells what ran
        return {}
    return {"git_commit": commit, "git_dirty": bool(status.strip())}
