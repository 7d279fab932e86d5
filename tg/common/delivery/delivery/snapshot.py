"""Whether the files that a package was made of are still the same."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .module_origin import is_site_packages
from .travellers import Travellers

__all__ = ["Snapshot"]

# A file that was written this shortly before we looked, or later, may be written again without a
# new time: file systems count in steps of up to 10 ms (and 2 s on FAT, where we cannot help it).
_RACY_NS = 50_000_000


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What files, folders and the installation looked like.

    Attributes
    ----------
    states
        Path to what ``os.stat`` said of it.
    digests
        Path to SHA-256, of files that were written only just before.
    search_path
        ``sys.path`` at that time.
    """

    states: dict[str, tuple[int, int, int]]
    digests: dict[str, bytes]
    search_path: tuple[str, ...]

    @classmethod
    def of(cls, travellers: Travellers, *, started_ns: int) -> Snapshot:
        """Remember what `travellers` were read from.

        Parameters
        ----------
        travellers
            What was read.
        started_ns
            When reading began, as ``time.time_ns`` tells it.
        """
        states: dict[str, tuple[int, int, int]] = {}
        digests: dict[str, bytes] = {}
        for tree in travellers.trees.values():
            for folder in tree.folders:
                states[str(folder)] = _state(str(folder))
            for path, file in tree.files.items():
                state = _state(str(file))
                states[str(file)] = state
                if state[0] > started_ns - _RACY_NS:
                    digests[str(file)] = hashlib.sha256(travellers.sources[path]).digest()
        for entry in filter(is_site_packages, sys.path):
            states[entry] = _state(entry)  # what is installed decides what is pinned
        return cls(states=states, digests=digests, search_path=tuple(sys.path))

    def is_current(self) -> bool:
        """Whether all of it is as it was."""
        return (
            self.search_path == tuple(sys.path)
            and all(_state(path) == state for path, state in self.states.items())
            and all(_digest(path) == digest for path, digest in self.digests.items())
        )


def _state(path: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path or ".")  # noqa: PTH116 a thousand of these are on the fast path
    except OSError:
        return (0, -1, -1)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _digest(path: str) -> bytes:
    try:
        return hashlib.sha256(Path(path).read_bytes()).digest()
    except OSError:
        return b""
