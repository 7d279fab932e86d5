"""The git commit that a project is at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..._core.errors import CommandError
from ..._core.process import run

__all__ = ["Commit"]

_GIT_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Where a checkout is.

    Attributes
    ----------
    hash
        The commit's hash.
    is_dirty
        Whether tracked files have been changed since.
    """

    hash: str
    is_dirty: bool

    @classmethod
    def of(cls, root: Path) -> Commit | None:
        """Ask git; ``None`` where there is no git, no repository or no commit yet."""
        if not any((folder / ".git").exists() for folder in (root, *root.parents)):
            return None
        try:
            commit = run(["git", "rev-parse", "HEAD"], cwd=root, timeout_seconds=_GIT_SECONDS)
            status = run(
                ["git", "status", "--porcelain", "--untracked-files=no"],
                cwd=root,
                timeout_seconds=_GIT_SECONDS,
            )
        except CommandError:
            return None
        return cls(hash=commit.output.strip(), is_dirty=bool(status.output.strip()))

    def __str__(self) -> str:
        return f"{self.hash}-dirty" if self.is_dirty else self.hash
