"""Many tasks that share a package and a place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..._core.errors import ConfigError, FormatError, StorageError
from ..._core.protocol import check_protocol
from ...contract.run_state import RunState
from ..naming.legal_name import job_name
from .batch_source import BatchSource, FreshSource, RecordedSource
from .launcher import Launcher, Training
from .request import digest_of
from .run import Run
from .task_batch import TaskBatch
from .task_payload import TaskPayload

__all__ = ["PackageBatch"]

_PROTOCOL = 1
_BATCH_DIGITS, _RUN_DIGITS = 8, 12


class PackageBatch(TaskBatch):
    """Many tasks that share a package, an image and data; made by an executor's ``batch``.

    Parameters
    ----------
    payloads
        Name to pickled task.
    source
        What they share.
    batch_id
        Tells the batch from others of the same tasks.
    """

    def __init__(
        self, payloads: Mapping[str, TaskPayload], source: BatchSource, batch_id: str = ""
    ) -> None:
        self._payloads = dict(payloads)
        self._source = source
        self._batch_id = batch_id
        self._preparing = threading.Lock()
        self._told: Callable[[], None] | None = None

    @property
    def source(self) -> BatchSource:
        """What the tasks share."""
        return self._source

    @property
    def names(self) -> Sequence[str]:
        """The tasks."""
        return tuple(self._payloads)

    @property
    def max_parallel(self) -> int | None:
        """How many can run at once at most."""
        return self._source.place.max_parallel

    @property
    def usual_parallel(self) -> int | None:
        """How many run at once if nobody says how many."""
        return self._source.place.usual_parallel

    @property
    def is_local(self) -> bool:
        """Whether its runs are on this machine."""
        return self._source.place.is_local

    @property
    def places(self) -> Sequence[str]:
        """What can be tried one after the other where there is no capacity: instance types."""
        return self._source.place.places

    def prepare(self) -> None:
        """Pack, build and send what all tasks share, unless it is there."""
        self._launcher.prepare()

    def packed_as(self, other: TaskBatch) -> PackageBatch:
        """Give these tasks with the package, image and data of another batch."""
        if not isinstance(other, PackageBatch) or not isinstance(self._source, FreshSource):
            raise ConfigError(
                "these tasks cannot be given the package of the others: they have one, or the "
                "others have none",
                hint="Ask a batch that an executor has just made.",
            )
        other.prepare()
        with self._preparing:
            self._source.check_packed_as(other.source)
        return PackageBatch(self._payloads, other.source, self._batch_id)

    def fingerprint(self, name: str) -> str:
        """Tell a task's training from every other: by its code, fields and data."""
        payload = self._payload(name)
        with self._preparing:
            shared = (self._source.content_hash, self._source.data_fingerprint)
        return digest_of(*shared, payload.digest)

    def run_id(self, name: str, attempt: int = 1) -> str:
        """Give the id that a task's run has; from the second attempt on it ends with ``-r2``."""
        return self._id(name, self.fingerprint(name), attempt)

    def start(self, name: str, attempt: int = 1, place: int = 0) -> Run:
        """Start a task's training, or find the one of this id, and return at once."""
        if not 0 <= place < len(self.places):
            raise ConfigError(
                f"there is no place {place} for the task {name!r}",
                hint=f"Give a number below {len(self.places)}: {', '.join(self.places)}.",
            )
        fingerprint = self.fingerprint(name)
        training = Training(
            fingerprint=fingerprint,
            run_id=self._id(name, fingerprint, attempt),
            payload=self._payload(name),
            place=place,
        )
        launcher = self._launcher
        launcher.listen(self._tell)
        try:
            return launcher.start(training)
        except FileNotFoundError as exc:
            raise StorageError(
                f"{training.run_id} cannot be started: {exc}",
                hint="If it was removed from data-cache: make the tasks again, which packs them "
                "once more.",
            ) from exc

    def run(self, run_id: str) -> Run:
        """Find a run again, from any process."""
        return self._launcher.run(run_id)

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        """Look up many runs at once; one that is not there is left out."""
        return self._launcher.states(run_ids)

    def ended(self, run_ids: Iterable[str]) -> dict[str, bool]:
        """Look which of many runs have ended; one that is not there is left out."""
        return self._launcher.ended(run_ids)

    def listen(self, told: Callable[[], None] | None) -> None:
        """Have it told whenever a run may have ended that is started from now on here."""
        self._told = told

    def worst_cost(self, place: int = 0) -> float | None:
        """Give what one run may cost at most, in US dollars; ``None`` if it costs nothing."""
        return self._source.place.worst_cost(place)

    def cost(self, run: Run) -> float | None:
        """Give what a run has cost, in US dollars; ``None`` if it costs nothing or is not known."""
        return self._launcher.cost(run)

    def record(self) -> dict[str, Any]:
        """Give all that a new process needs to go on, as JSON; prepares the batch if need be."""
        launcher = self._launcher
        return {
            **super().record(),
            "protocol": _PROTOCOL,
            "batch_id": self._batch_id,
            "tasks": {
                name: {"digest": payload.digest, "path": str(payload.path)}
                for name, payload in self._payloads.items()
            },
            "shared": {
                "scope": self._source.scope,
                "content_hash": self._source.content_hash,
                "data_fingerprint": self._source.data_fingerprint,
                "package": str(self._source.package_path),
                "launcher": launcher.record(),
            },
        }

    @classmethod
    def open(cls, record: Mapping[str, Any]) -> PackageBatch:
        """Go on with what :meth:`record` gave, in a new process.

        Raises
        ------
        FormatError
            It is no such record.
        ProtocolError
            A newer version of this library wrote it.
        """
        try:
            check_protocol(record["protocol"], _PROTOCOL, "the record of a batch")
            payloads = {
                name: TaskPayload(digest=task["digest"], path=Path(task["path"]))
                for name, task in record["tasks"].items()
            }
            source = RecordedSource(record["shared"])
            return cls(payloads, source, record["batch_id"])
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            raise FormatError(
                f"this is no record of a batch: {exc!r}",
                hint="It is damaged, or was not made by this library: make the batch again.",
            ) from exc

    def _tell(self) -> None:
        told = self._told
        if told is not None:
            told()

    @property
    def _launcher(self) -> Launcher:
        with self._preparing:  # by one thread, once
            return self._source.launcher

    def _payload(self, name: str) -> TaskPayload:
        try:
            return self._payloads[name]
        except KeyError:
            raise ConfigError(
                f"the batch has no task {name!r}",
                hint=f"It has {len(self._payloads)}: {', '.join(list(self._payloads)[:10])}, ...",
            ) from None

    def _id(self, name: str, fingerprint: str, attempt: int) -> str:
        # the first part of the digits is that of all of the batch's runs: they are listed by it
        batch = digest_of(self._source.scope, self._batch_id)[:_BATCH_DIGITS]
        own = digest_of(self._source.scope, self._batch_id, name, fingerprint)[:_RUN_DIGITS]
        tail = f"{batch}-{own}" if attempt == 1 else f"{batch}-{own}-r{attempt}"
        return job_name(name.lower(), tail)
