"""Which of many things are too new to be removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .errors import ConfigError

__all__ = ["Retention"]


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What is kept for its age.

    Attributes
    ----------
    older_than_days
        Things of this age or younger are kept.
    keep
        As many of the newest things of each name are kept.

    Raises
    ------
    ConfigError
        One of them is negative.

    Example
    -------
    >>> from datetime import UTC, datetime
    >>> things = [("a", datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2, 3)]
    >>> now = datetime(2026, 1, 4, tzinfo=UTC)
    >>> Retention(keep=1).reasons(things, now)
    ['', '', 'the newest of its name']
    >>> Retention(older_than_days=2, keep=0).reasons(things, now)
    ['', 'not older than 2 days', 'not older than 2 days']
    """

    older_than_days: float = 0.0
    keep: int = 0

    def __post_init__(self) -> None:
        # not a number is neither
        if not self.older_than_days >= 0 or self.keep < 0:
            raise ConfigError(
                f"nothing is older than {self.older_than_days!r} days, or one of the "
                f"{self.keep!r} newest",
                hint="Give a number of days and a number of things, each 0 or more.",
            )

    def reasons(self, things: Sequence[tuple[str, datetime]], now: datetime) -> list[str]:
        """Say for each thing why it is kept; nothing if it may go.

        Parameters
        ----------
        things
            The name of each, and when it was made.
        now
            The time that counts.
        """
        newest = self._newest(things)
        limit = timedelta(days=min(self.older_than_days, timedelta.max.days))
        reasons = []
        for index, (_, made_at) in enumerate(things):
            if index in newest:
                count = f"one of the {self.keep} newest" if self.keep > 1 else "the newest"
                reasons.append(f"{count} of its name")
            elif self.older_than_days and now - made_at <= limit:
                reasons.append(f"not older than {self.older_than_days:g} days")
            else:
                reasons.append("")
        return reasons

    def _newest(self, things: Sequence[tuple[str, datetime]]) -> set[int]:
        places: dict[str, list[int]] = {}
        for index in sorted(range(len(things)), key=lambda i: things[i][1], reverse=True):
            places.setdefault(things[index][0], []).append(index)
        return {index for same_name in places.values() for index in same_name[: self.keep]}
