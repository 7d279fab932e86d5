"""Starting trainings in fresh interpreters."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..._core.errors import ConfigError
from ..._core.process import Child, start
from ...contract.run_state import RunState
from ..runtime.package_archive import unpack_package
from ..runtime.told_number import PID
from .environments import EnvironmentCache, PythonEnvironment
from .launcher import Training
from .local_launcher import LocalLauncher
from .local_run import training_folders
from .place import OwnMachine
from .process import ProcessRun
from .process_identity import process_identity, signal_group, submitter
from .provenance import provenance_of
from .run import Run
from .run_folder import RunFolder
from .training_variables import without_bars
from .warm_interpreter import WarmInterpreter

__all__ = ["ProcessLauncher", "link_data"]

_ANSWER_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class ProcessLauncher(OwnMachine, LocalLauncher):
    """Starts trainings in fresh interpreters, which go on without this process.

    Attributes
    ----------
    lock
        The libraries that the package needs.
    root
        The package's root module.
    resolves
        Whether the environment holds more than the lock says, as the installer found out.
    environments
        Where virtual environments are kept.

    Raises
    ------
    ConfigError
        The cache is in a folder that cannot stand in ``PYTHONPATH``.
    """

    kind = "process"

    lock: tuple[str, ...]
    root: str
    resolves: bool
    environments: EnvironmentCache = field(default_factory=EnvironmentCache, repr=False)
    # this process reaps what it started, and sees how that ended
    _started: dict[str, ProcessRun] = field(default_factory=dict, init=False, repr=False)
    _listeners: list[Callable[[], None]] = field(default_factory=list, init=False, repr=False)
    _making: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @cached_property
    def environment(self) -> PythonEnvironment:
        """The interpreter and its libraries; made when it is first asked for, if need be."""
        # not to look at runs: what they need may be gone since, and to make it again takes minutes
        return self.environments.get(self.lock, resolve=self.resolves)

    def prepare(self) -> None:
        """Make the virtual environment, unless it is there.

        Raises
        ------
        EnvironmentSetupError
            It cannot be made.
        """
        _ = self.environment

    def ended(self, run_ids: Iterable[str]) -> dict[str, bool]:
        """Look which of many runs have ended; one that is not there is left out."""
        return {run_id: self.run(run_id).has_ended for run_id in self._known(run_ids)}

    def listen(self, told: Callable[[], None] | None) -> None:
        """Have it told whenever a run ends that is forked from now on."""
        self._listeners[:] = [] if told is None else [told]

    def run(self, run_id: str) -> Run:
        """Find a run of the project again, whichever executor ran it."""
        started = self._started.get(run_id)
        if started is None:
            return super().run(run_id)
        if started.state.is_final:
            self._started.pop(run_id, None)
        return started

    def record(self) -> dict[str, Any]:
        """Give all that :meth:`open` needs, as JSON."""
        return {
            **super().record(),
            "lock": list(self.lock),
            "resolves": self.resolves,
            "root": self.root,
        }

    @classmethod
    def _fields(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **super()._fields(record),
            "lock": tuple(record["lock"]),
            "root": record["root"],
            "resolves": record["resolves"],
        }

    @cached_property
    def _code(self) -> Path:
        code = unpack_package(self.package_path)
        if os.pathsep in str(code):
            raise ConfigError(
                f"the cache folder {code} has {os.pathsep!r} in its path",
                hint="Set TG_CACHE to a folder without it: Python splits search paths there.",
            )
        return code

    def _start(self, folder: RunFolder, training: Training) -> ProcessRun:
        run = ProcessRun(folder)

        def launch(checkpoints: Path) -> None:
            child = self._launch(folder, training, checkpoints)
            if child is not None:
                run.follow(child)
                self._started[run.id] = run

        run.begin(
            training.fingerprint, executor=self.kind, is_running=self.is_running, launch=launch
        )
        return self._started.get(run.id, run)

    def _launch(self, folder: RunFolder, training: Training, checkpoints: Path) -> Child | None:
        """Make the folders of the contract and start the process; give it if it is this one's."""
        channels = self._channels_of(training)
        folders = training_folders(folder)
        folders.create(training.hyperparameters, channels, checkpoints=checkpoints)
        for name, data in channels.items():
            link_data(data, folders.input_data / name)
        # the run's own: the one it was made from may be cleaned away before the training needs it
        package_file = folder.work / self.package_path.name
        shutil.copyfile(self.package_path, package_file)
        variables = {
            "SAGEMAKER_BASE_DIR": str(folders.base),
            "TG_PACKAGE_FILE": str(package_file),
            "TG_PROVENANCE": json.dumps(provenance_of(folder, self.provenance)),
            "TG_RUN_FOLDER": str(folder.path),
        }
        # one of many: the others need the same libraries
        if training.payload is not None and self._fork(folder, variables, checkpoints):
            return None
        child = start(
            [str(self.environment.python), "-m", self._module, self.root],
            cwd=folder.work,
            env={**self._variables, **variables},
            output_path=folder.log_file,
        )
        try:
            self._note(folder, checkpoints, child.pid)
        except BaseException:
            child.kill()  # nobody would find it
            raise
        return child

    def _fork(self, folder: RunFolder, variables: Mapping[str, str], checkpoints: Path) -> bool:
        """Start it from the interpreter that is kept warm, if that can be."""
        with self._making:
            warm = self._warm
        forked = warm.fork(variables, folder=folder.work, log=folder.log_file)
        if forked is None:
            return False
        pid = folder.wait_for_number(PID, _ANSWER_SECONDS) if forked.pid is None else forked.pid
        if pid is None:
            return False  # the interpreter was killed before it could start this one
        server = {
            "server": forked.server_pid,
            "server_process": process_identity(forked.server_pid),
        }
        try:
            self._note(folder, checkpoints, pid, server)
        except BaseException:
            signal_group(pid, signal.SIGKILL)  # nobody would find it
            raise
        return True

    def _note(
        self,
        folder: RunFolder,
        checkpoints: Path,
        pid: int,
        server: Mapping[str, Any] | None = None,
    ) -> None:
        folder.update(
            state=RunState.IN_PROGRESS,
            details={
                **submitter(),
                **(server or {}),
                "pid": pid,
                "process": process_identity(pid),
                "checkpoints": str(checkpoints),
            },
        )

    @cached_property
    def _warm(self) -> WarmInterpreter:
        return WarmInterpreter(
            self.environment.python,
            self.root,
            self._variables,
            folder=self._code,
            lessons=self._code.parent / "imports.txt",  # as long as the package is unpacked there
            on_end=self._tell,
        )

    def _tell(self) -> None:
        for told in tuple(self._listeners):
            told()

    @property
    def _variables(self) -> dict[str, str | None]:
        """What every training of the package has in its environment."""
        return {
            "PYTHONPATH": str(self._code),
            "PYTHONUNBUFFERED": "1",
            # all that it imports lies in the cache, where to compile it once is enough
            "PYTHONDONTWRITEBYTECODE": None,
            "PYTHONNOUSERSITE": "1",
            "PYTHONHOME": None,
            "VIRTUAL_ENV": None,
            **without_bars(),
        }

    @property
    def _module(self) -> str:
        return f"{self.root}.tg.common.delivery.runtime.main"


def link_data(data: Path, channel: Path) -> None:
    """Make a channel of data where they lie: the folder itself, or one with the file in it."""
    target = data.resolve()
    if target.is_dir():
        channel.symlink_to(target, target_is_directory=True)
        return
    channel.mkdir()
    (channel / data.name).symlink_to(target)
