"""Starting trainings on a Ray cluster."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..._core.files import atomic_write
from ...contract.run_state import RunState
from ..execution.kept_run import open_run
from ..execution.launcher import Training
from ..execution.local_launcher import LocalLauncher
from ..execution.local_run import GRACE_SECONDS, training_folders
from ..execution.process_identity import submitter
from ..execution.process_launch import link_data
from ..execution.provenance import provenance_of
from ..execution.recorded_kind import recorded_kind
from ..execution.run import Run
from ..execution.run_folder import RunFolder
from ..execution.training_variables import without_bars
from ..runtime.folders import JOB_CHANNEL
from .jobs import JobLookup, RayJob, RayJobs
from .options import RayOptions
from .run import RayRun

__all__ = ["RayLauncher", "open_ray_run"]

_SCRIPT = "start.sh"


@dataclass(frozen=True, kw_only=True)
class RayLauncher(LocalLauncher):
    """Starts trainings in jobs of a Ray cluster, which go on without this process.

    All that it names is where the nodes see it.

    Attributes
    ----------
    code
        The folder that holds the package's root module.
    root
        The package's root module.
    lock
        The libraries that the package needs.
    resolves
        Whether the installer looks for what these need in turn.
    options
        Which cluster, and what a training takes of it.
    shown_in
        The project's own folder of runs, where links lead to those of the cluster.
    """

    kind = "ray"

    code: Path
    root: str
    lock: tuple[str, ...]
    resolves: bool
    options: RayOptions
    shown_in: Path

    def record(self) -> dict[str, Any]:
        """Give all that :meth:`open` needs, as JSON."""
        return {
            **super().record(),
            "code": str(self.code),
            "root": self.root,
            "lock": list(self.lock),
            "resolves": self.resolves,
            "options": self.options.record(),
            "shown_in": str(self.shown_in),
        }

    @classmethod
    def _fields(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **super()._fields(record),
            "code": Path(record["code"]),
            "root": record["root"],
            "lock": tuple(record["lock"]),
            "resolves": record["resolves"],
            "options": RayOptions(**record["options"]),
            "shown_in": Path(record["shown_in"]),
        }

    @cached_property
    def jobs(self) -> RayJobs:
        """The cluster."""
        return RayJobs(self.options.address)

    def run(self, run_id: str) -> Run:
        """Find a run of the project again, whichever executor ran it."""
        return open_ray_run(RunFolder.find(self.runs_folder, run_id), self.jobs)

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        """Look up many runs at once; the cluster is asked once."""
        seen = _Seen(self.jobs)
        found = {}
        for run_id in run_ids:
            folder = RunFolder.known(self.runs_folder, run_id)
            if folder is not None:
                found[run_id] = open_ray_run(folder, self.jobs, seen).state
        return found

    def _start(self, folder: RunFolder, training: Training) -> RayRun:
        run = RayRun(folder, self.jobs)
        folder.show_in(self.shown_in)
        run.begin(
            training.fingerprint,
            executor=self.kind,
            is_running=self.is_running,
            launch=lambda checkpoints: self._launch(folder, training, checkpoints),
            opener=self._opener,
        )
        return run

    @property
    def _opener(self) -> dict[str, Any]:
        return {"kind": recorded_kind(RayRun), "address": self.jobs.location}

    def _launch(self, folder: RunFolder, training: Training, checkpoints: Path) -> None:
        """Make the folders of the contract and submit the job."""
        channels = self._channels_of(training)
        folders = training_folders(folder)
        folders.create(training.hyperparameters, channels, checkpoints=checkpoints)
        for name, data in channels.items():
            if name == JOB_CHANNEL:  # it may be where only this machine sees it
                (folders.input_data / name).mkdir()
                shutil.copyfile(data, folders.input_data / name / data.name)
            else:
                link_data(data, folders.input_data / name)
        script = folder.work / _SCRIPT
        atomic_write(script, self._script(folder).encode())
        script.chmod(0o600)  # it may hold a user's secrets
        folder.update(details={**submitter(), "checkpoints": str(checkpoints)})
        self.jobs.start(
            folder.run_id,
            f"exec sh {shlex.quote(str(script.absolute()))}",
            asks=self.options.request,
            runtime_env=self._runtime_env,
            metadata={"training": self.name, "log": str(folder.log_file.absolute())},
        )

    def _script(self, folder: RunFolder) -> str:
        """Write what a node runs: without a shell in between, which would not pass signals on."""
        options = self.options
        variables = {
            "PYTHONPATH": str(self.code.absolute()),
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
            **without_bars(),
            "SAGEMAKER_BASE_DIR": str(training_folders(folder).base.absolute()),
            "TG_PACKAGE_FILE": str(self.package_path.absolute()),
            "TG_PROVENANCE": json.dumps(provenance_of(folder, self.provenance)),
            "TG_RUN_FOLDER": str(folder.path.absolute()),
            **options.variables,
        }
        if options.timeout_seconds is not None:
            variables["TG_TIMEOUT_SECONDS"] = f"{options.timeout_seconds:g}"
        # an environment that Ray has made stands first in PATH
        python = options.python if options.libraries == "none" else "python"
        module = f"{self.root}.tg.common.delivery.runtime.main"
        command = ["env", *(f"{name}={value}" for name, value in variables.items())]
        command += [python, "-m", module, self.root]
        work, log = (shlex.quote(str(path.absolute())) for path in (folder.work, folder.log_file))
        return f"cd {work} || exit 1\nexec {shlex.join(command)} >> {log} 2>&1\n"

    @property
    def _runtime_env(self) -> dict[str, Any]:
        # how long Ray waits between SIGTERM and SIGKILL
        made: dict[str, Any] = {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(int(GRACE_SECONDS))}}
        if self.options.libraries == "uv" and self.lock:
            exactly = [] if self.resolves else ["--no-deps"]
            made["uv"] = {"packages": list(self.lock), "uv_pip_install_options": exactly}
        return made


def open_ray_run(folder: RunFolder, jobs: RayJobs, seen: JobLookup | None = None) -> Run:
    """Give the run that a folder is kept of, whichever executor started it.

    Parameters
    ----------
    folder
        What is kept of it.
    jobs
        The cluster that it is on, if it is on one.
    seen
        What tells of its job; the cluster if not given.

    Raises
    ------
    FormatError, ProtocolError
        The record is damaged or of a newer version.
    """
    if folder.read().executor == RayLauncher.kind:
        return RayRun(folder, jobs, seen)
    return open_run(folder)


class _Seen:
    """All jobs of a cluster, looked up when the first is asked for."""

    def __init__(self, jobs: RayJobs) -> None:
        self._jobs = jobs

    @cached_property
    def _all(self) -> dict[str, RayJob]:
        return self._jobs.all()

    def info(self, job_id: str) -> RayJob | None:
        """Tell of a job; ``None`` if there is none."""
        # one that was submitted since is asked for by its name
        return self._all.get(job_id) or self._jobs.info(job_id)
