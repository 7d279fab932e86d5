"""Runs on this machine, found again by what is kept of them."""

from __future__ import annotations

from collections.abc import Callable

from ..._core.errors import RunNotFoundError
from ..docker.engine import DockerEngine
from .attached import AttachedRun
from .container_run import ContainerRun
from .process import ProcessRun
from .run import Run
from .run_folder import RunFolder

__all__ = ["open_run"]


def open_run(folder: RunFolder, engine: DockerEngine | None = None) -> Run:
    """Give the run that a folder is kept of, whichever executor started it.

    Parameters
    ----------
    folder
        What is kept of it.
    engine
        Where its container would be; the engine of this machine if ``None``.

    Raises
    ------
    FormatError, ProtocolError
        The record is damaged or of a newer version.
    RunNotFoundError
        This version does not know its executor.
    """
    kinds: dict[str, Callable[[RunFolder], Run]] = {
        "attached": AttachedRun,
        "process": ProcessRun,
        "container": lambda found: ContainerRun(found, engine or DockerEngine()),
    }
    executor = folder.read().executor
    if executor not in kinds:
        raise RunNotFoundError(
            f"run {folder.run_id!r} was made by the executor {executor!r}, unknown to this version",
            hint="Use a newer version of training-grounds.",
        )
    return kinds[executor](folder)
