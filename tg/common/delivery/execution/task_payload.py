"""Tasks on their way to runs that share one package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._core.errors import ConfigError, FormatError, UnpicklableError
from ..._core.files import atomic_write
from ..delivery.payload import pickle_payload

__all__ = ["TaskPayload", "TaskPayloads"]

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class TaskPayload:
    """One task, pickled with the job that runs it.

    Attributes
    ----------
    digest
        The SHA-256 of its pickle, as hexadecimal digits.
    path
        Its file, which is called by its content.
    """

    digest: str
    path: Path

    @classmethod
    def at(cls, folder: Path, digest: str) -> TaskPayload:
        """Say where the payload of a digest stands."""
        # a file's writer looks at all others of its folder: there are never many in one
        return cls(digest=digest, path=folder / digest[:2] / f"{digest[:32]}.pkl")

    def is_there(self) -> bool:
        """Whether the file holds what it is called by."""
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest() == self.digest
        except OSError:
            return False

    def check(self) -> None:
        """Raise if the file is gone or damaged.

        Raises
        ------
        FormatError
            It is.
        """
        if not self.is_there():
            raise FormatError(
                f"the pickled task {self.path} is gone or damaged",
                hint="Make the batch again of the same tasks: it writes the file again, and finds "
                "the runs that were started.",
            )


@dataclass(frozen=True, kw_only=True)
class TaskPayloads:
    """The pickles of many tasks.

    Attributes
    ----------
    data
        Name to pickle.
    modules
        All modules that any of them leads to.
    """

    data: Mapping[str, bytes]
    modules: frozenset[str]

    @classmethod
    def of(cls, jobs: Mapping[str, Any]) -> TaskPayloads:
        """Pickle jobs, as they are now.

        Raises
        ------
        ConfigError
            There is none, or one has no name.
        UnpicklableError
            Some cannot be pickled; each is named, with what is wrong.
        """
        if not jobs:
            raise ConfigError("there are no tasks", hint="Give a mapping of name to task.")
        nameless = [name for name in jobs if not isinstance(name, str) or not name]
        if nameless:
            raise ConfigError(
                f"a task is called {nameless[0]!r}", hint="Give each a text for a name."
            )
        data, modules, failures = {}, set[str](), dict[str, UnpicklableError]()
        for name, job in jobs.items():
            try:
                payload = pickle_payload(job, name=name)
            except UnpicklableError as exc:
                failures[name] = exc
                continue
            data[name] = payload.data
            modules |= payload.modules
        if failures:
            raise _unpicklable(failures, len(jobs))
        return cls(data=data, modules=frozenset(modules))

    def write(self, folder: Path) -> dict[str, TaskPayload]:
        """Write each to a file that is called by its content, unless it is there.

        Raises
        ------
        StorageError
            The disk is full, or the folder cannot be written.
        """
        written = {}
        for name, data in self.data.items():
            payload = TaskPayload.at(folder, hashlib.sha256(data).hexdigest())
            if not payload.is_there():
                # not forced to the disk one by one: whoever starts a run looks at the content
                atomic_write(payload.path, data, sync=False)
            written[name] = payload
        return written


def _unpicklable(failures: Mapping[str, UnpicklableError], count: int) -> UnpicklableError:
    lines = [f"{name!r}: {error.what}" for name, error in failures.items()]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"and {len(lines) - _SHOWN} more: {', '.join(list(failures)[_SHOWN:])}"]
    first = next(iter(failures.values()))
    return UnpicklableError(
        f"{len(failures)} of {count} tasks cannot be pickled:\n" + "\n".join(lines),
        path=first.path,
        hint=first.hint,
    )
