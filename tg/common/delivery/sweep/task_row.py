"""One task of a sweep, as the journal has it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .task_state import TaskState

__all__ = ["COLUMNS", "TaskRow"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRow:
    """One task, how far it is, and what came out of it.

    Attributes
    ----------
    number
        Its place in the sweep, from 0.
    name
        What it is called.
    parameters
        What it was built of, as plain values.
    batch
        The number of the batch that it is started with.
    fingerprint
        Tells its training from every other.
    state
        How far it is.
    attempt
        Which try the run is, from 1.
    place
        Which of the batch's places the run is at, or is next to be.
    run_id
        The run; empty before one was announced.
    failures
        Kind of failure to how many runs failed so.
    kind
        Why it is in that state: a :class:`.failure_kind.FailureKind`, a :class:`.refusal.Refusal`
        or a :class:`.cause.Cause`; empty if there is nothing to be said.
    reason
        The same in words.
    metrics
        The last value of each metric.
    cost
        What its runs that have ended have cost, in US dollars; ``None`` if that is not known.
    reused
        Whether the result is that of an earlier sweep.
    started_utc, ended_utc
        When the run was announced and when it was seen to have ended, in ISO 8601. Clocks step:
        the order of events is that of the journal.
    """

    number: int
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 0
    fingerprint: str = ""
    state: TaskState = TaskState.WAITING
    attempt: int = 1
    place: int = 0
    run_id: str = ""
    failures: Mapping[str, int] = field(default_factory=dict)
    kind: str = ""
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: float | None = None
    reused: bool = False
    started_utc: str = ""
    ended_utc: str = ""

    def but(self, **changes: Any) -> TaskRow:
        """Give the row with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def summary(self) -> str:
        """The reason in one line: of a traceback the error itself, or else its kind."""
        return self.reason.strip().rpartition("\n")[2] or self.kind

    def again(self) -> TaskRow:
        """Give the row as it is when the task is to be run again, as another run."""
        return self.but(
            state=TaskState.WAITING,
            attempt=self.attempt + bool(self.run_id),
            run_id="",
            failures={},
            kind="",
            reason="",
            metrics={},
            reused=False,
            ended_utc="",
        )

    def values(self) -> tuple[Any, ...]:
        """Give the columns as the journal stores them."""
        return tuple(
            json.dumps(dict(value)) if name in _JSON else value
            for name, value in ((name, getattr(self, name)) for name in COLUMNS)
        )

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> TaskRow:
        """Read what :meth:`values` gave.

        Raises
        ------
        ValueError
            It is nothing of the kind.
        """
        fields = dict(zip(COLUMNS, values, strict=True))
        for name in _JSON:
            fields[name] = json.loads(fields[name]) if fields[name] != "{}" else {}
        return cls(
            **fields | {"state": TaskState(fields["state"]), "reused": bool(fields["reused"])}
        )


COLUMNS = tuple(one.name for one in dataclasses.fields(TaskRow))
_JSON = frozenset({"parameters", "failures", "metrics"})
