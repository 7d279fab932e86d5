"""Training in this very process."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ..._core.errors import RunError, TgError, TrainingFailedError
from ...contract.environment import InMemoryTrainingEnvironment
from ...contract.metric_line import metric_line
from ...contract.run_state import RunState
from ..runtime.artifacts import ArtifactFolder
from ..runtime.folders import MAIN_CHANNEL, TRACEBACK_LIMIT, dataset_in
from ..runtime.package_archive import load_package
from ..runtime.package_manifest import read_manifest
from ..runtime.result_folder import ResultFolder
from ..runtime.unpickling import unpickle
from .attached import AttachedRun
from .launcher import Training
from .local_launcher import LocalLauncher
from .model_folder import ModelFolder
from .place import OwnProcess
from .process_identity import submitter
from .provenance import provenance_of
from .run_folder import RunFolder

__all__ = ["AttachedLauncher", "AttachedTraining"]


class AttachedTraining:
    """Trains a task here.

    Parameters
    ----------
    task
        A copy of the user's, which is changed.
    channels
        Name to file or folder of the data.
    hyperparameters
        ``path.to.field:type`` to text.

    Attributes
    ----------
    env
        Where the training writes; ``env.result`` is what users get.
    applied
        The hyperparameters that were set on it.
    """

    def __init__(
        self, task: Any, channels: Mapping[str, Path], hyperparameters: Mapping[str, str]
    ) -> None:
        self.task = task
        self.env = _AttachedEnvironment(channels)
        self._dataset = channels[MAIN_CHANNEL]
        self._hyperparameters = hyperparameters
        self.applied: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Train.

        Returns
        -------
        dict
            Metrics, artifacts by run, and log lines.

        Raises
        ------
        TgError
            Whatever of ours the task raised.
        TrainingFailedError
            The task raised something else, which is its cause.
        """
        dataset = self._dataset
        if self._hyperparameters:
            self.applied = self.task.apply_hyperparameters(self._hyperparameters)
        try:
            data = dataset_in(dataset) if dataset.is_dir() else dataset
            self.task.run_with_environment(data, self.env)
        except TgError:
            raise
        except (Exception, SystemExit) as exc:
            raise TrainingFailedError(
                f"the training raised {type(exc).__name__}: {exc}",
                traceback_tail=traceback.format_exc()[-TRACEBACK_LIMIT:],
                hint="Its own traceback stands above.",
            ) from exc
        return self.env.result


@dataclass(frozen=True, kw_only=True)
class AttachedLauncher(OwnProcess, LocalLauncher):
    """Trains in this process, one at a time, and keeps results as every place does.

    Attributes
    ----------
    task
        A copy of the task that is trained if a training brings no job of its own.
    has_code
        Whether this process has the user's code; if not, jobs are opened with the package's.
    """

    kind = "attached"

    task: Any = field(default=None, repr=False)
    has_code: bool = True

    @classmethod
    def _fields(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        return {**super()._fields(record), "has_code": False}

    def _start(self, folder: RunFolder, training: Training) -> AttachedRun:
        """Train, and keep the result; an error of the training is raised by ``wait``."""
        with folder.lock():
            if folder.has_record and folder.read().state is not RunState.PENDING:
                return AttachedRun(folder)
            task = self._task_of(training)
            folder.write_pending(self.kind, submitter())
            folder.update(state=RunState.IN_PROGRESS)
        here = AttachedTraining(task, self.channels, training.hyperparameters)
        here.env.write_to(folder.log_file)
        error = None
        try:
            here.run()
            _keep(folder, self.package_path, self.provenance, here)
            folder.update(state=RunState.COMPLETED)
        except TgError as exc:
            error = exc
        except Exception as exc:  # noqa: BLE001 an artifact's own __reduce__ may raise anything
            error = RunError(
                f"the training has ended well, but its result cannot be kept: {exc!r}",
                hint="Store artifacts that can be pickled.",
            )
            error.__cause__ = exc
        except BaseException:
            folder.update(state=RunState.STOPPED)
            raise
        finally:
            folder.remove_work()
            here.env.stop_writing()
        if error is not None:
            tail = getattr(error, "traceback_tail", "") or str(error)
            folder.update(state=RunState.FAILED, failure=tail)
        return AttachedRun(folder, error)

    def _task_of(self, training: Training) -> Any:
        if training.payload is None:
            return self.task
        data = training.payload.path.read_bytes()
        if self.has_code:
            return unpickle(data, live=True).task
        return unpickle(data, load_package(self.package_path).renaming).task


class _AttachedEnvironment(InMemoryTrainingEnvironment):
    """In memory, with data where they lie."""

    def __init__(self, channels: Mapping[str, Path]) -> None:
        super().__init__()
        self._channels = {
            name: path if path.is_dir() else path.parent for name, path in channels.items()
        }
        self.artifacts: dict[tuple[tuple[str | int, ...], str], Any] = {}
        self._file: TextIO | None = None

    def write_to(self, log_file: Path) -> None:
        """Write the log to a file as well from now on, with metrics in the form of every log."""
        self._file = log_file.open("w", encoding="utf-8", errors="backslashreplace")

    def stop_writing(self) -> None:
        """Close that file."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def log(self, message: str) -> None:
        """Write the line, and keep it."""
        super().log(message)
        self._write(message)

    def output_metric(self, name: str, value: float) -> None:
        """Keep the metric and write ``###name:value``."""
        file, self._file = self._file, None
        super().output_metric(name, value)
        self._file = file
        self._write(metric_line(name, value))

    def _write(self, line: str) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk; the line was shown all the same
                self._file.write(f"{line}\n")
                self._file.flush()

    @property
    def channels(self) -> Mapping[str, Path]:
        """The folders that hold the data."""
        return self._channels

    def store_artifact(self, path: Sequence[str | int], name: str, value: Any) -> None:
        """Keep the value, and that it is one."""
        super().store_artifact(path, name, value)
        self.artifacts[tuple(path), name] = value


def _keep(
    folder: RunFolder, package: Path, project: Mapping[str, Any], training: AttachedTraining
) -> None:
    manifest, env = read_manifest(package), training.env
    result = ResultFolder(folder.work / "model")
    result.write_package(package)
    result.write_properties(manifest.properties("", ""))
    result.write_task(training.task)
    artifacts = ArtifactFolder(result.root)
    for (path, name), value in env.artifacts.items():
        artifacts.store(path, name, value)
    result.write_summary(
        manifest,
        metrics={name: float(value) for name, value in env.result["metrics"].items()},
        hyperparameters=training.applied,
        provenance=provenance_of(folder, project),
    )
    folder.archive(ModelFolder(result.root))
