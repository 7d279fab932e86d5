"""The copy of a result that was fetched to this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..._core.files import atomic_write

__all__ = ["ResultCopy"]

_PROTOCOL = 1


@dataclass(frozen=True, kw_only=True)
class ResultCopy:
    """A place for a copy, with a note beside it that says of what it is one.

    The names of jobs are made of what is trained: another account, or a rehearsal, may have a job
    of the same name, whose result is another one.

    Attributes
    ----------
    path
        The archive.
    origin
        What no other result has, also not one of the same name.
    """

    path: Path
    origin: str

    @property
    def is_there(self) -> bool:
        """Whether it was fetched, and is of this very result."""
        try:
            note = json.loads(self._note.read_bytes())
            return self.path.is_file() and note == self._noted
        except (OSError, ValueError):
            return False

    def begin(self) -> None:
        """Forget what it was a copy of, as it is about to be replaced."""
        self._note.unlink(missing_ok=True)

    def finish(self) -> None:
        """Note of what it is a copy, now that it is whole."""
        atomic_write(self._note, json.dumps(self._noted).encode(), sync=False)

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def _noted(self) -> dict[str, object]:
        return {"protocol": _PROTOCOL, "origin": self.origin}
