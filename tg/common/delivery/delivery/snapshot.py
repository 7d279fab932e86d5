"""Whether the files that a package was made of are still the same."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from .file_state import FileState, read_file, state_of
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
        Path to what it looked like.
    digests
        Path to SHA-256, of files that were written only just before.
    search_path
        ``sys.path`` at that time.
    """

    states: Mapping[str, FileState]
    digests: Mapping[str, bytes]
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
        states = dict(travellers.states)
        digests = {}
        for tree in travellers.trees.values():
            for path, file in tree.files.items():
                if states[file].mtime_ns > started_ns - _RACY_NS:
                    digests[file] = hashlib.sha256(travellers.sources[path]).digest()
            states.update((folder, state_of(folder)) for folder in tree.folders)
        # what is installed decides what is pinned
        states.update((entry, state_of(entry)) for entry in filter(is_site_packages, sys.path))
        return cls(states=states, digests=digests, search_path=tuple(sys.path))

    def is_current(self) -> bool:
        """Whether all of it is as it was."""
        return (
            self.search_path == tuple(sys.path)
            and all(state_of(path) == state for path, state in self.states.items())
            and all(_digest(path) == digest for path, digest in self.digests.items())
        )


def _digest(path: str) -> bytes:
    try:
        return hashlib.sha256(read_file(path)[0]).digest()
    except OSError:
        return b""
