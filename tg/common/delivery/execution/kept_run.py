"""Runs on this machine, found again by what is kept of them."""

from __future__ import annotations

from collections.abc import Callable

from ..._core.errors import FormatError, MissingDependencyError
from ..docker.engine import DockerEngine
from .attached import AttachedRun
from .container_run import ContainerRun
from .local_run import LocalRun
from .process import ProcessRun
from .recorded_kind import recorded_class
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
    MissingDependencyError
        What its executor needs is not installed here.
    """
    kinds: dict[str, Callable[[RunFolder], Run]] = {
        "attached": AttachedRun,
        "process": ProcessRun,
        "container": lambda found: ContainerRun(found, engine or DockerEngine()),
    }
    record = folder.read()
    if record.executor in kinds:
        return kinds[record.executor](folder)
    try:
        kind = recorded_class(record.opener.get("kind"), LocalRun)  # type: ignore[type-abstract]
    except FormatError as exc:
        raise MissingDependencyError(
            f"run {folder.run_id!r} was made by the executor {record.executor!r}, which is not "
            "installed here",
            hint="Use the version of training-grounds, and its extras, that started the run.",
        ) from exc
    return kind.open(folder, record.opener)
