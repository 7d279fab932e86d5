"""Many tasks that share one package and one place to run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from .place import PlaceOfRuns
from .recorded_kind import recorded_class, recorded_kind
from .run import Run

__all__ = ["TaskBatch", "open_batch"]


class TaskBatch(PlaceOfRuns):
    """Many tasks, packed and built once, each of which is started when its turn has come.

    The id of a run is known before it is started, and to start it again is to find it: whoever
    notes the id first and dies then has lost nothing and starts nothing twice. Several threads and
    processes may use one batch.

    The tasks are pickled when the batch is made: what becomes of the objects later does not matter.
    Nothing else is made before :meth:`prepare`; what needs the package only
    (:meth:`fingerprint`, :meth:`run_id`) makes no more than that.

    Notes
    -----
    A run whose starter was killed before it had launched anything is launched by whoever starts it
    next. If instead somebody asks for its state first, it has failed, with
    :attr:`FailureKind.INTERRUPTED`: the next attempt has another id.

    ``wait`` on a run that has completed also removes its checkpoints, where the place does not do
    so by itself: a training of the same fingerprint then begins anew.
    """

    @property
    @abstractmethod
    def names(self) -> Sequence[str]:
        """The tasks."""

    @abstractmethod
    def prepare(self) -> None:
        """Pack, build and send what all tasks share, unless it is there.

        Raises
        ------
        ConfigError, PackagingError, ImageBuildError, AwsError
            Something cannot work; nothing was started.
        """

    @abstractmethod
    def packed_as(self, other: TaskBatch) -> TaskBatch:
        """Give these tasks with the package, image and data of another batch.

        Nothing is packed: they run the code that the others run, whatever has become of its source.
        Only what they hold by value, such as classes of a notebook, is as it is now.

        Parameters
        ----------
        other
            A batch of the same executor, or one that was opened.

        Raises
        ------
        ConfigError
            The other one runs elsewhere, has other data, or lacks modules that these tasks need.
        """

    @abstractmethod
    def fingerprint(self, name: str) -> str:
        """Tell a task's training from every other: by its code, fields and data.

        It is the same in every batch and every place. Attempts of one fingerprint resume from the
        checkpoints that an unfinished one has left.
        """

    @abstractmethod
    def run_id(self, name: str, attempt: int = 1) -> str:
        """Give the id that a task's run has; from the second attempt on it ends with ``-r2``.

        It is made of the task's name, code, fields and data, the batch's id, and the kind of
        place; the place that :meth:`start` is given is no part of it.
        """

    @abstractmethod
    def start(self, name: str, attempt: int = 1, place: int = 0) -> Run:
        """Start a task's training, or find the one of this id, and return at once.

        Parameters
        ----------
        name
            The task.
        attempt
            Which try it is, from 1.
        place
            Which of :attr:`places`; of no account if the run is there.

        Raises
        ------
        AwsQuotaError, CapacityError, AwsThrottledError
            Not now: nothing was started.
        FormatError
            The pickled task is gone or damaged; nothing was started.
        AwsError, EngineError
            It is refused. If the answer is lost, it may have been started: start it again to find
            it.
        """

    def record(self) -> dict[str, Any]:
        """Give all that a new process needs to go on, as JSON; prepares the batch if need be.

        Its ``kind`` tells :func:`open_batch` which class opens it: a kind of batch adds what else
        its ``open`` needs. Variables that the options give by value are in it; those that they
        give by name alone are looked up again.
        """
        return {"kind": recorded_kind(type(self))}

    @classmethod
    @abstractmethod
    def open(cls, record: Mapping[str, Any]) -> TaskBatch:
        """Go on with what :meth:`record` gave, in a new process.

        No module of the user's is needed: what is started runs the package that was made.

        Raises
        ------
        FormatError, ProtocolError
            It is no such record, or a newer version wrote it.
        """


def open_batch(record: Mapping[str, Any]) -> TaskBatch:
    """Go on with a batch that another process has recorded, whichever kind it is.

    Parameters
    ----------
    record
        What :meth:`TaskBatch.record` gave, as JSON keeps it.

    Raises
    ------
    FormatError
        It is no such record, or of a kind that this version does not know.

    Example
    -------
    >>> open_batch({"kind": "os:system"})
    Traceback (most recent call last):
        ...
    tg.common._core.errors.FormatError: there is no TaskBatch of the kind 'os:system'. ...
    """
    kind = record.get("kind") if isinstance(record, Mapping) else None
    return recorded_class(kind, TaskBatch, of_users=True).open(record)  # type: ignore[type-abstract]
