"""A kind of place where trainings run, and what can be said of it."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

from ..._core.errors import RunNotFoundError
from ...contract.run_state import RunState
from .run import Run

__all__ = ["OwnMachine", "OwnProcess", "Place", "PlaceOfRuns"]


class Place:
    """What is so of a place unless it says otherwise, before anything runs there."""

    @property
    def max_parallel(self) -> int | None:
        """How many trainings can run at once at most; ``None`` if only the place can tell."""
        return None

    @property
    def usual_parallel(self) -> int | None:
        """How many run at once if nobody says how many; ``None`` if as many as the place takes."""
        return self.max_parallel

    @property
    def is_local(self) -> bool:
        """Whether its runs are on this machine, so that to look at them takes nobody's time."""
        return False

    @property
    def places(self) -> Sequence[str]:
        """What can be tried one after the other where there is no capacity: instance types."""
        return ("",)

    def worst_cost(self, place: int = 0) -> float | None:
        """Give what one run may cost at most, in US dollars; ``None`` if it costs nothing."""
        del place
        return None


class OwnMachine(Place):
    """The machine that this process is on."""

    @property
    def usual_parallel(self) -> int:
        """As many as there are processors for this process."""
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    @property
    def is_local(self) -> bool:
        """They are on this machine."""
        return True


class OwnProcess(OwnMachine):
    """The very process that starts them."""

    @property
    def max_parallel(self) -> int:
        """One: this process does nothing else meanwhile."""
        return 1

    @property
    def usual_parallel(self) -> int:
        """One."""
        return 1


class PlaceOfRuns(Place, ABC):
    """A place that knows its runs."""

    @abstractmethod
    def run(self, run_id: str) -> Run:
        """Find a run again, from any process.

        Raises
        ------
        RunNotFoundError
            There is none of that id.
        """

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        """Look up many runs at once; one that is not there is left out."""
        found = {}
        for run_id in run_ids:
            with contextlib.suppress(RunNotFoundError):
                found[run_id] = self.run(run_id).state
        return found

    def ended(self, run_ids: Iterable[str]) -> dict[str, bool]:
        """Look which of many runs have ended; one that is not there is left out.

        What came out of one that has may still have to be kept: its state tells.
        """
        return {run_id: state.is_final for run_id, state in self.states(run_ids).items()}

    def listen(self, told: Callable[[], None] | None) -> None:
        """Have it told whenever a run may have ended that is started from now on here.

        A place that does not see its runs end never tells: look at them now and then as well.

        Parameters
        ----------
        told
            Called by any thread, and to return at once; ``None`` to hear no more.
        """
        del told

    def cost(self, run: Run) -> float | None:
        """Give what a run has cost, in US dollars; ``None`` if it costs nothing or is not known."""
        del run
        return None
