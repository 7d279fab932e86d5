"""What can be said of a kind of place before anything runs there."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Place"]


class Place:
    """What is so of a place unless it says otherwise."""

    @property
    def max_parallel(self) -> int | None:
        """How many trainings can run at once at most; ``None`` if only the place can tell."""
        return None

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
