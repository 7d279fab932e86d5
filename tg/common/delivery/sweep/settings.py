"""What a sweep may do, fixed before it does anything."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ..._core.errors import ConfigError, ProtocolError
from .pace import Pace
from .retry import RetryPolicy
from .stopping import MedianStopping

__all__ = ["SweepSettings"]


_KEPT = {"retry": RetryPolicy, "stopping": MedianStopping, "pace": Pace}


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """What a sweep may do.

    Attributes
    ----------
    max_parallel
        How many runs may go on at once; what is usual at the place if not given.
    max_cost
        US dollars: no run is started that could bring the sum beyond it.
    deadline
        From then on nothing is started, and what runs is ended. A duration counts from the first
        start of the sweep.
    retry
        Which failures are worth another try.
    stopping
        The rule by which runs are ended early.
    fail_fast
        Whether the first task that fails ends the sweep.
    pace
        How often what is asked.

    Raises
    ------
    ConfigError
        A setting makes no sense.
    """

    max_parallel: int | None = None
    max_cost: float | None = None
    deadline: datetime | timedelta | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    stopping: MedianStopping | None = None
    fail_fast: bool = False
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        if self.max_parallel is not None and (
            not _is_number(self.max_parallel, int) or self.max_parallel < 1
        ):
            raise ConfigError(
                f"max_parallel={self.max_parallel!r} lets nothing run",
                hint="Give 1 or more, or None for as many as the place allows.",
            )
        if self.max_cost is not None and (
            not _is_number(self.max_cost, int | float) or not self.max_cost > 0
        ):
            raise ConfigError(
                f"max_cost={self.max_cost!r} lets nothing run",
                hint="Give US dollars, or None for no ceiling.",
            )
        if not isinstance(self.fail_fast, bool):
            raise ConfigError(
                f"fail_fast={self.fail_fast!r} is neither true nor false",
                hint="Give fail_fast=True, or leave it out.",
            )
        for name, kind in _KEPT.items():
            value = getattr(self, name)
            # one of a class of the user's own could not be made again in another process
            if type(value) is not kind and not (value is None and name == "stopping"):
                raise ConfigError(
                    f"{name}={value!r} is no {kind.__name__} as a journal keeps it",
                    hint=f"Give {name}={kind.__name__}(...); classes of your own are not kept.",
                )
        if not isinstance(self.deadline, datetime | timedelta | None):
            raise ConfigError(
                f"deadline={self.deadline!r} is neither a time nor a duration",
                hint="Give a datetime with a time zone, or a timedelta such as timedelta(hours=3).",
            )
        if isinstance(self.deadline, datetime) and self.deadline.tzinfo is None:
            raise ConfigError(
                f"the deadline {self.deadline.isoformat()} has no time zone",
                hint="Write deadline.astimezone(), or give a timedelta.",
            )

    def begun(self, now: datetime) -> SweepSettings:
        """Let a deadline that is a duration count from the first start, which is at `now`."""
        if not isinstance(self.deadline, timedelta):
            return self
        try:
            deadline = now + self.deadline
        except OverflowError as exc:
            raise ConfigError(
                f"the deadline would be {self.deadline} after the first start",
                hint="Give None for no deadline.",
            ) from exc
        return dataclasses.replace(self, deadline=deadline)

    def to_json(self) -> str:
        """Write the settings for the journal."""
        deadline = self.deadline
        return json.dumps(
            {
                "max_parallel": self.max_parallel,
                "max_cost": self.max_cost,
                "deadline": deadline.isoformat() if isinstance(deadline, datetime) else None,
                "retry": dataclasses.asdict(self.retry),
                "stopping": self.stopping and dataclasses.asdict(self.stopping),
                "fail_fast": self.fail_fast,
                "pace": dataclasses.asdict(self.pace),
            }
        )

    @classmethod
    def of_json(cls, text: str) -> SweepSettings:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ProtocolError
            A newer version wrote it.
        """
        try:
            stored: dict[str, Any] = json.loads(text)
            deadline = stored["deadline"]
            changes: dict[str, Any] = {
                "deadline": deadline and datetime.fromisoformat(deadline).astimezone(UTC),
                "retry": RetryPolicy(**stored["retry"]),
                "stopping": stored["stopping"] and MedianStopping(**stored["stopping"]),
                "pace": Pace(**stored["pace"]),
            }
            return cls(**stored | changes)
        except (KeyError, TypeError, ValueError) as exc:
            raise ProtocolError(
                f"the settings of this sweep are not known to this version: {exc}",
                hint="Use a newer version of training-grounds.",
            ) from exc


def _is_number(value: Any, kinds: Any) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)
