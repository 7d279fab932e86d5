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

    What is there by now is not looked at by the garbage collector any more, which would have each
    forked process copy it. On Linux it is put into large pages: to fork is to copy one line for
    each page. Where the system has none of that, nothing happens.
    """
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):
        madvise = ctypes.CDLL(None).madvise
        for start, size in _own_memory():
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _COLLAPSE)


def _own_memory() -> list[tuple[int, int]]:
    """Give the address and size of what is no file's, by proc_pid_maps(5)."""
    found = []
    for line in Path("/proc/self/maps").read_text(encoding="ascii", errors="replace").splitlines():
        span, access, _offset, _device, _inode, *name = line.split()
        start, _, end = span.partition("-")
        size = int(end, 16) - int(start, 16)
        if access == "rw-p" and name in ([], ["[heap]"]) and size >= _LARGE_PAGE:
            found.append((int(start, 16), size))
    return found
