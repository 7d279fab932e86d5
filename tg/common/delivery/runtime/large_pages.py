"""Memory in large pages, of which a forked process has to be told less."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from pathlib import Path

__all__ = ["settle_memory"]

_COLLAPSE = 25  # MADV_COLLAPSE of madvise(2), since Linux 6.1
_LARGE_PAGE = 2 << 20


def settle_memory() -> None:
    """Prepare the memory of this process, which is going to be forked many times.

    What is there by now, garbage too, is not looked at by the garbage collector any more, which
    would have each forked process copy it. On Linux it is put into large pages: to fork is to copy
    one line for each page. What is mostly empty stays as it is, for its holes would be filled.
    Where the system has none of that, nothing happens.

    Example
    -------
    >>> settle_memory()
    >>> gc.get_freeze_count() > 0
    True
    >>> gc.unfreeze()
    """
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):
        madvise = ctypes.CDLL(None).madvise
        for start, size in _own_memory():
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _COLLAPSE)


def _own_memory() -> list[tuple[int, int]]:
    """Give the address and size of what is no file's and mostly in use, by proc_pid_smaps(5)."""
    found = []
    start = size = 0
    for line in Path("/proc/self/smaps").read_text(encoding="ascii", errors="replace").splitlines():
        first, *words = line.split()
        if not first.endswith(":"):
            is_own = words[0] == "rw-p" and words[4:] in ([], ["[heap]"])
            begin, _, end = first.partition("-")
            start = int(begin, 16)
            size = int(end, 16) - start if is_own else 0
        elif first == "Rss:" and size >= _LARGE_PAGE and 2 * int(words[0]) * 1024 > size:
            found.append((start, size))
    return found
