"""The class of a batch, noted in a journal and found again."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from ..._core.errors import ConfigError, ProtocolError
from ..execution.task_batch import TaskBatch

__all__ = ["batch_of", "executor_of", "kind_of"]


def kind_of(batch: TaskBatch) -> str:
    """Name the class of a batch.

    Returns
    -------
    str
        ``module:class``.
    """
    return f"{type(batch).__module__}:{type(batch).__qualname__}"


def batch_of(kind: str, record: Mapping[str, Any]) -> TaskBatch:
    """Go on with a batch in a new process.

    Parameters
    ----------
    kind
        As :func:`kind_of` gave it.
    record
        As the batch gave it.

    Raises
    ------
    ProtocolError
        This version knows no such class.
    """
    module, _, name = kind.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as exc:
        raise ProtocolError(
            f"the sweep runs by {kind!r}, which cannot be imported: {exc}",
            hint="Use the version of training-grounds, and the extras, that it was begun with.",
        ) from exc
    if not isinstance(found, type) or not issubclass(found, TaskBatch):
        raise ProtocolError(
            f"the sweep runs by {kind!r}, which is no batch of tasks",
            hint="Use the version of training-grounds that it was begun with.",
        )
    return found.open(record)


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
    if callable(getattr(routine_or_executor, "batch", None)):
        return routine_or_executor
    process = getattr(routine_or_executor, "process", None)
    if callable(process) and not isinstance(routine_or_executor, type):
        return executor_of(process())
    raise ConfigError(
        f"a sweep cannot run by {routine_or_executor!r}",
        hint="Give a routine, or one of its executors: routine.local(), routine.remote().",
    )
