"""Which failures are worth another try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..._core.errors import ConfigError

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How many runs of one task may end in a failure of one kind, before the task has failed.

    Another try is another run, called as the first with ``-r2``, ``-r3`` and so on.

    Attributes
    ----------
    interrupted
        The place took the machine away.
    capacity
        There was no machine. Each further try is at the next place, where there are several.
    engine
        What runs trainings failed, not the training.
    task
        The training itself failed; it would most likely fail again.
    memory
        It took more memory than it had.
    timeout
        It took longer than it might.

    Raises
    ------
    ConfigError
        A number is less than 1.

    Example
    -------
    >>> policy = RetryPolicy(task=2)
    >>> policy.allows("task", {"task": 1}), policy.allows("task", {"task": 2})
    (True, False)
    """

    interrupted: int = 20
    capacity: int = 20
    engine: int = 3
    task: int = 1
    memory: int = 1
    timeout: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int) or value < 1:
                raise ConfigError(
                    f"{name}={value!r} is no number of tries",
                    hint="Give 1 for no further try, or more.",
                )

    def allows(self, kind: str, failures: Mapping[str, int]) -> bool:
        """Whether a task whose runs failed so far like this gets another one.

        Parameters
        ----------
        kind
            How the last one failed: a :class:`.failure_kind.FailureKind`, or another reason.
        failures
            Kind to number of failures, the last one included.
        """
        # a kind that is not known here is not the place's fault for all that is known
        limit = getattr(self, kind, self.task)
        return failures.get(kind, 0) < int(limit)
