"""The sweep that a command runs."""

from __future__ import annotations

from collections.abc import Mapping

from ..common._core.errors import ConfigError
from ..common.contract.task import TrainingTask
from ..common.delivery.sagemaker.routine import SagemakerRoutine
from ..common.delivery.sweep.journal_file import sweep_names
from ..common.delivery.sweep.sweep import Sweep
from .task_reference import load_reference

__all__ = ["load_sweep"]


def load_sweep(reference: str) -> Sweep:
    """Give a sweep that is named by its code.

    Parameters
    ----------
    reference
        ``module:attribute`` or ``file.py[:attribute]``.

    Raises
    ------
    ConfigError
        It is not there or something else.
    """
    try:
        found: Sweep = load_reference(reference, Sweep, "a Sweep", _advice)
    except ConfigError as exc:
        is_no_code = exc.__cause__ is None or isinstance(exc.__cause__, ModuleNotFoundError)
        if is_no_code and reference in sweep_names():
            raise ConfigError(
                f"{reference!r} is a sweep that was run before, and no code that makes one",
                hint=f"Go on with it: tg sweep resume {reference}.",
            ) from exc
        raise
    return found


def _advice(value: object) -> str:
    """Say how something becomes a sweep."""
    several = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(several, list | tuple) and several and isinstance(several[0], TrainingTask):
        return "Tasks need a place to run: have it give Sweep(tasks, routine)."
    if isinstance(value, SagemakerRoutine | TrainingTask):
        return "That is one training: tg run starts it. A sweep is Sweep(tasks, routine)."
    return ""
