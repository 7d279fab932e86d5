"""How a search comes into being: packed once, for whatever it may choose later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ..._core.errors import SweepError, SweepNotFoundError, TgError
from ..._core.logger import Logger
from ..execution.task_batch import TaskBatch, open_batch
from .birth import identity_of
from .driver_lock import driving
from .journal import Journal
from .plan import SweepPlan
from .search_space import SearchSpace
from .settings import SweepSettings

__all__ = ["CellBuilder", "SearchBirth"]

_PREFIX = "T"  # no longer than those of trials
_PACKED = 0


class CellBuilder(Protocol):
    """Builds tasks of parameters, and names them: an autonamer."""

    def build_cells(
        self, cells: Iterable[Mapping[str, Any]], *, prefix: str | None = None
    ) -> list[Any]:
        """Build a task of each cell."""


class SearchBirth:
    """Packs what all trials of a search share, and writes its journal, unless they are there.

    The package holds what tasks lead to that cover the space: for each value of a list there is
    one, which is never run. By these it is seen later whether tasks are still built as they were.

    Parameters
    ----------
    space
        What is searched.
    builder
        Builds the tasks.
    executor
        Where they run.
    """

    def __init__(self, space: SearchSpace, builder: CellBuilder, executor: Any) -> None:
        self._space = space
        self._builder = builder
        self._executor = executor

    def bring_about(self, path: Path, settings: SweepSettings, trials: int) -> TaskBatch:
        """Begin the search, or take it up.

        Parameters
        ----------
        path
            The journal.
        settings
            What the search may do.
        trials
            How many there are to be.

        Returns
        -------
        TaskBatch
            It has the package that all trials run.

        Raises
        ------
        SweepError
            There is another sweep of that name, or tasks are not built any more as they were.
        SweepBusyError
            Another process drives it.
        ConfigError
            It was begun at another place, or with other data.
        """
        with driving(path):
            try:
                journal = Journal(path, "write")
            except SweepNotFoundError:
                return self._begin(path, settings, trials)
            with journal:
                return self._take_up(journal, trials)

    def _begin(self, path: Path, settings: SweepSettings, trials: int) -> TaskBatch:
        batch = self._covering()
        batch.prepare()
        about = {
            "settings": settings.to_json(),
            "identity": identity_of(batch),
            "search": self._space.to_json(),
            "planned": str(trials),
        }
        Journal.create(path, about=about, batches={_PACKED: batch.record()}, rows=[]).close()
        return batch

    def _take_up(self, journal: Journal, trials: int) -> TaskBatch:
        known, wanted = journal.about().get("search", "no search"), self._space.to_json()
        if known != wanted:
            raise SweepError(
                f"there is another sweep called {journal.name}, which searches elsewhere: {known}",
                hint="Choose another name.",
            )
        packed = open_batch(journal.batches()[_PACKED])
        self._compare(packed, journal.name)
        journal.note(planned=str(trials))
        return packed

    def _compare(self, packed: TaskBatch, name: str) -> None:
        """See whether further trials would be what the earlier ones are."""
        fresh = self._covering()
        now = _fingerprints(fresh.packed_as(packed))
        if now != _fingerprints(packed):
            if _fingerprints(self._covering().packed_as(packed)) != now:
                Logger.debug(f"the tasks of the search {name} are built otherwise each time")
                return
            raise SweepError(
                f"the tasks of the search {name} are not built any more as they were when it "
                "began: their fields, or code that they hold by value, have changed",
                hint="Undo that, or choose another name. What there is can be read with "
                f"Sweep.open({name!r}).",
            )
        if _is_edited(fresh, now):
            Logger.warning(
                f"the code has changed since the search {name} began: its trials go on with the "
                "package that was made then. To search with the new code, choose another name."
            )

    def _covering(self) -> TaskBatch:
        tasks = self._builder.build_cells(self._space.cover(), prefix=_PREFIX)
        batch: TaskBatch = self._executor.batch(dict(SweepPlan.of(tasks).tasks))
        return batch


def _fingerprints(batch: TaskBatch) -> dict[str, str]:
    return {name: batch.fingerprint(name) for name in batch.names}


def _is_edited(fresh: TaskBatch, packed: Mapping[str, str]) -> bool:
    try:
        return _fingerprints(fresh) != packed
    except TgError as exc:  # what cannot be packed now does not matter: it was packed before
        Logger.debug(f"the code cannot be compared: {exc}")
        return False
