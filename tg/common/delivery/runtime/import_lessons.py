"""What the trainings of a package import, learned from the first of them."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ..._core.errors import StorageError
from ..._core.files import atomic_write
from .pipe_end import PipeEnd

__all__ = ["ImportLessons"]

_CHUNK = 65_536
# the first trainings tell what they have imported; from then on it is there before they start
_PUPILS = 2


class ImportLessons:
    """Has a process that forks trainings import what they need, before they are forked.

    The first trainings tell by a pipe what they have imported. It is kept in a file as well, for
    the next process that forks trainings of the package.

    Parameters
    ----------
    root
        The root module of the package.
    file
        Where the names of modules are kept, a line each.

    Example
    -------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "imports.txt")
    >>> _ = file.write_text("colorsys")
    >>> ImportLessons("root", file).recall(), "colorsys" in sys.modules
    (True, True)
    """

    def __init__(self, root: str, file: Path) -> None:
        self._root = root
        self._file = file
        self._pupils = 0
        self._reports: dict[int, bytes] = {}

    @property
    def handles(self) -> list[int]:
        """The ends of pipes from which there is something to :meth:`learn`."""
        return list(self._reports)

    def recall(self) -> bool:
        """Import what trainings of the package have imported before.

        Returns
        -------
        bool
            Whether anything was imported.
        """
        try:
            names = self._file.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError):
            return False
        self.forget()  # should an import end this process, the next one does not fall for it
        _import_all(names)
        self._keep()
        return bool(names)

    def forget(self) -> None:
        """Have the next one start without what was learned."""
        with contextlib.suppress(OSError):
            self._file.unlink()

    def pipe(self) -> PipeEnd | None:
        """Give the end of a pipe for a training that is to tell; ``None`` if enough have told."""
        if self._pupils == _PUPILS:
            return None
        self._pupils += 1
        told, tell = os.pipe()
        self._reports[told] = b""
        return PipeEnd(tell)

    def tell_at_end(self, tell: PipeEnd | None) -> None:
        """Tell at the end of this process, which was forked, what it has imported."""
        for told in self._reports:
            os.close(told)
        self._reports.clear()
        if tell is not None:
            # the pipe is closed by the end of this process, whatever ends it
            atexit.register(_tell, tell, frozenset(sys.modules), self._root)

    def learn(self, handle: int) -> bool:
        """Read what a training has imported; when all of it is there, import the same.

        Returns
        -------
        bool
            Whether anything was imported.
        """
        chunk = os.read(handle, _CHUNK)
        if chunk:
            self._reports[handle] += chunk
            return False
        os.close(handle)
        names = self._reports.pop(handle).decode().split()
        if names:
            _import_all(names)
            self._keep()
        return bool(names)

    def _keep(self) -> None:
        if not self._file.parent.is_dir():
            return  # it was cleared away: to make it again would look like a package
        known = [name for name in sys.modules if _is_shared(name, self._root)]
        with contextlib.suppress(StorageError):  # then the next one learns it anew
            atomic_write(self._file, "\n".join(known).encode(), sync=False)


def _import_all(names: Iterable[str]) -> None:
    collects = gc.isenabled()
    gc.disable()  # it would look at ever more objects, all of which stay: a fifth of the time
    for name in names:
        # made by something else than an import, or not to be had without the training
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if collects:
        gc.enable()


def _tell(end: PipeEnd, known: frozenset[str], root: str) -> None:
    names = [name for name in list(sys.modules) if name not in known and _is_shared(name, root)]
    end.tell("\n".join(names).encode())
    end.close()


def _is_shared(name: str, root: str) -> bool:
    """Whether it is a library's module.

    The user's own may look at the training's folders, draw numbers or note the time when they are
    imported: each training does that for itself, as in an interpreter of its own.
    """
    if name.startswith("__"):
        return False
    return name.startswith(f"{root}.tg.common.") or not name.startswith(f"{root}.")
