"""A job that comes to a training as data."""

from __future__ import annotations

from typing import Any, ClassVar

from ..._core.errors import ResultError
from ..._core.logger import Logger
from .entry_point import EntryPoint
from .folders import JOB_CHANNEL, TrainingFolders, dataset_in
from .stopping import StopSignal
from .unpickling import unpickle

__all__ = ["ChannelJob"]


class ChannelJob:
    """Runs the job that lies in a channel of its own: one package serves many tasks.

    The package holds this job and the code that all of the tasks lead to; each run is given one
    small file more than its data.
    """

    takes_runtime: ClassVar[bool] = True

    def run(
        self, *, entry_point: EntryPoint, folders: TrainingFolders, stop: StopSignal | None = None
    ) -> None:
        """Load the job with the package's code, and run it.

        Parameters
        ----------
        entry_point
            The package.
        folders
            Where the job and data are and results go.
        stop
            The request to stop.

        Raises
        ------
        DatasetNotFoundError
            No job was sent.
        ResultError
            What was sent is damaged, or no job.
        """
        file = dataset_in(folders.input_data / JOB_CHANNEL)
        Logger.info(f"Loading the job of this run, {file.name}")
        manifest = entry_point.manifest
        job: Any = unpickle(file.read_bytes(), entry_point.renaming, python=manifest.python)
        if not getattr(job, "takes_runtime", False):
            raise ResultError(
                f"{file} holds a {type(job).__name__}, which is no job",
                hint="The platform sent another file: start the run again.",
            )
        Logger.info(f"Job of type {type(job)} is loaded")
        job.run(entry_point=entry_point, folders=folders, stop=stop)
