"""The executor that a sweep is given, as such or by its routine."""

from __future__ import annotations

from typing import Any

from ..._core.errors import ConfigError

__all__ = ["executor_of"]


def executor_of(routine_or_executor: Any) -> Any:
    """Give the executor that is meant.

    Parameters
    ----------
    routine_or_executor
        An executor, or a routine, of which that is taken which runs in processes here.

    Raises
    ------
    ConfigError
        It is neither.
    """
    if not isinstance(routine_or_executor, type):
        if callable(getattr(routine_or_executor, "batch", None)):
            return routine_or_executor
        process = getattr(routine_or_executor, "process", None)
        if callable(process):
            return executor_of(process())
    raise ConfigError(
        f"a sweep cannot run by {routine_or_executor!r}",
        hint="Give a routine, or one of its executors: routine.local(), routine.remote().",
    )
