"""The git commit that a project is at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..._core.errors import CommandError
from ..._core.process import run

__all__ = ["Commit"]

_GIT_SECONDS = 10
_OID = "# branch.oid "
_HASH = re.compile(r"[0-9a-f]{40,64}\Z")


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
        args = ["status", "--porcelain=v2", "--branch", "--untracked-files=no"]
        lines: list[str] = []
        try:
            run(
                ["git", *args],
                cwd=root,
                env={"GIT_OPTIONAL_LOCKS": "0"},  # the user's own git may be at work
                timeout_seconds=_GIT_SECONDS,
                on_line=lines.append,
            )
        except CommandError:
            return None
        # "Porcelain Format Version 2" of git-status
        found = next((line for line in lines if line.startswith(_OID)), "").removeprefix(_OID)
        if not _HASH.match(found):
            return None
        return cls(hash=found, is_dirty=any(not line.startswith("#") for line in lines if line))

    def __str__(self) -> str:
        return f"{self.hash}-dirty" if self.is_dirty else self.hash
