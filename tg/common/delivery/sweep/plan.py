"""The tasks of a sweep, each with its name and its parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._core.errors import ConfigError, NamingError
from ...contract.task import TrainingTask
from .plain_value import plain_value

__all__ = ["SweepPlan"]

_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """The tasks of a sweep.

    Attributes
    ----------
    tasks
        Name to task, in the order in which they are started.
    parameters
        Name to what the task was built of, as plain values.
    """

    tasks: Mapping[str, TrainingTask]
    parameters: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(
        cls,
        tasks: Mapping[str, TrainingTask] | Iterable[TrainingTask],
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> SweepPlan:
        """Take tasks as a user has them.

        Parameters
        ----------
        tasks
            What an autonamer built, other tasks with ``info["name"]``, or names to tasks.
        parameters
            Name to what the task was built of; an autonamer's tasks bring it with them.

        Raises
        ------
        ConfigError
            There is no task, or something among them is none.
        NamingError
            A task has no name, or several have the same.

        Example
        -------
        >>> SweepPlan.of([])
        Traceback (most recent call last):
        tg.common._core.errors.ConfigError: the sweep has no tasks. Give one or more.
        """
        if not isinstance(tasks, Iterable):
            raise ConfigError(
                f"the tasks of a sweep are several, not a {type(tasks).__name__}",
                hint="Give a list of them, or names to tasks.",
            )
        if parameters is None:
            parameters = getattr(tasks, "parameters", None) or {}
        named = dict(tasks) if isinstance(tasks, Mapping) else _by_name(list(tasks))
        if not named:
            raise ConfigError("the sweep has no tasks", hint="Give one or more.")
        wrong = [name for name, task in named.items() if not isinstance(task, TrainingTask)]
        if wrong:
            raise ConfigError(
                f"of the sweep's tasks these are none: {_listed(wrong)}; the first is a "
                f"{type(named[wrong[0]]).__name__}",
                hint="Give objects of a subclass of TrainingTask.",
            )
        unnamed = [name for name in named if not isinstance(name, str) or not name]
        if unnamed:
            raise NamingError(
                f"tasks cannot be called {_listed(map(repr, unnamed))}", hint="Give texts."
            )
        unwritten = [name for name in named if not _is_utf8(name)]
        if unwritten:
            raise NamingError(
                f"tasks cannot be called {_listed(map(ascii, unwritten))}: that is no text that "
                "a journal could hold",
                hint="Name them without the bytes of a file's name that are no UTF-8.",
            )
        shown = {name: _shown(parameters, name) for name in named}
        return cls(tasks=named, parameters=shown)


def _shown(parameters: Any, name: str) -> Any:
    own = parameters.get(name, {}) if isinstance(parameters, Mapping) else parameters
    if isinstance(parameters, Mapping) and isinstance(own, Mapping):
        return plain_value(own)
    raise ConfigError(
        f"the parameters of the task {name!r} cannot be looked up: {own!r} is no mapping",
        hint="Give a mapping of each task's name to a mapping of its parameters.",
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _by_name(tasks: list[Any]) -> dict[str, TrainingTask]:
    names = [_name(task) for task in tasks]
    unnamed = [str(place) for place, name in enumerate(names) if not name]
    if unnamed:
        raise NamingError(
            f"{len(unnamed)} of {len(names)} tasks have no name: those at {_listed(unnamed)}",
            hint='Set task.info["name"], or build them with an Autonamer.',
        )
    wrong = [repr(name) for name in names if not isinstance(name, str)]
    if wrong:
        raise NamingError(f"tasks cannot be called {_listed(wrong)}", hint="Give texts.")
    twice = [f"{name!r} ({count}x)" for name, count in Counter(names).items() if count > 1]
    if twice:
        raise NamingError(
            f"several tasks have the same name: {_listed(twice)}",
            hint="Give each its own; an Autonamer does.",
        )
    return dict(zip(names, tasks, strict=True))


def _name(task: Any) -> Any:
    info = getattr(task, "info", None)
    return info.get("name", "") if isinstance(info, Mapping) else ""


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(map(str, known[:_SHOWN])) + more
