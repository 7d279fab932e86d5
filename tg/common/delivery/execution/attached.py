"""Trainings in this very process."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..._core.errors import RunError, RunTimeoutError, TgError, TrainingFailedError
from ...contract.environment import InMemoryTrainingEnvironment
from ...contract.run_state import RunState
from ..delivery.packaging import Package
from ..runtime.artifacts import ArtifactFolder
from ..runtime.folders import TRACEBACK_LIMIT, dataset_in
from ..runtime.result_folder import ResultFolder
from .model_folder import ModelFolder
from .process_identity import submitter, submitter_is_alive
from .provenance import provenance_of
from .request import TrainingRequest
from .result_loader import ResultLoader
from .run import Run
from .run_folder import RunFolder

__all__ = ["AttachedRun", "AttachedTraining"]


class AttachedTraining:
    """Trains a copy of the task, so that the user's own is not changed.

    Parameters
    ----------
    request
        What to train.

    Attributes
    ----------
    env
        Where the training writes; ``env.result`` is what users get.
    task
        The copy.
    applied
        The hyperparameters that were set on it.
    """

    def __init__(self, request: TrainingRequest) -> None:
        self._request = request
        self.env = _AttachedEnvironment(request.channels)
        self.task = request.copy_task()
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
        dataset = self._request.dataset
        if self._request.hyperparameters:
            self.applied = self.task.apply_hyperparameters(self._request.hyperparameters)
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


class AttachedRun(Run):
    """A training that took place in this process and was kept like any other.

    Parameters
    ----------
    folder
        What is kept of it.
    error
        What the training raised, where this process ran it.
    """

    def __init__(self, folder: RunFolder, error: TgError | None = None) -> None:
        self._folder = folder
        self._error = error

    @classmethod
    def start(cls, request: TrainingRequest) -> AttachedRun:
        """Pack the code as it is, train, and keep the result.

        An error of the training is raised by :meth:`wait`, as in every other place.
        """
        package = request.packaging.make_package()
        training = AttachedTraining(request)
        runs = request.runs_folder
        folder = RunFolder.create(runs, request.name, "attached", details=submitter())
        folder.update(state=RunState.IN_PROGRESS)
        error = None
        try:
            training.run()
            _keep(folder, package, training)
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
            lines = "".join(f"{line}\n" for line in training.env.result["log"])
            folder.log_file.write_text(lines, encoding="utf-8")
        if error is not None:
            tail = getattr(error, "traceback_tail", "") or str(error)
            folder.update(state=RunState.FAILED, failure=tail)
        return cls(folder, error)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._folder.run_id

    @property
    def state(self) -> RunState:
        """How it ended; failed also if its process died on the way."""
        record = self._folder.read()
        if not record.state.is_final and not submitter_is_alive(record.details):
            reason = "the process that trained ended before the training did"
            record = self._folder.update(state=RunState.FAILED, failure=reason)
        return record.state

    def logs(self) -> Iterator[str]:
        """Give the lines of its log."""
        if self._folder.log_file.exists():
            yield from self._folder.log_file.read_text(encoding="utf-8").splitlines()

    def wait(self, timeout_seconds: float | None = None) -> AttachedRun:
        """Give this run back, or raise what the training raised."""
        del timeout_seconds
        if self._error is not None:
            raise self._error
        if not self.state.is_final:
            raise RunTimeoutError(
                f"run {self.id} goes on in another process", hint="Wait for it there."
            )
        self._folder.raise_for_state()
        return self

    def cancel(self) -> None:
        """Do nothing: it has ended."""

    def result(self) -> ResultLoader:
        """Open the result."""
        return self._folder.result()


class _AttachedEnvironment(InMemoryTrainingEnvironment):
    """In memory, with data where they lie."""

    def __init__(self, channels: Mapping[str, Path]) -> None:
        super().__init__()
        self._channels = {
            name: path if path.is_dir() else path.parent for name, path in channels.items()
        }
        self.artifacts: dict[tuple[tuple[str | int, ...], str], Any] = {}

    @property
    def channels(self) -> Mapping[str, Path]:
        """The folders that hold the data."""
        return self._channels

    def store_artifact(self, path: Sequence[str | int], name: str, value: Any) -> None:
        """Keep the value, and that it is one."""
        super().store_artifact(path, name, value)
        self.artifacts[tuple(path), name] = value


def _keep(folder: RunFolder, package: Package, training: AttachedTraining) -> None:
    manifest, env = package.manifest, training.env
    result = ResultFolder(folder.work / "model")
    result.write_package(package.path)
    result.write_properties(manifest.properties("", ""))
    result.write_task(training.task)
    artifacts = ArtifactFolder(result.root)
    for (path, name), value in env.artifacts.items():
        artifacts.store(path, name, value)
    result.write_summary(
        manifest,
        metrics={name: float(value) for name, value in env.result["metrics"].items()},
        hyperparameters=training.applied,
        provenance=provenance_of(folder),
    )
    folder.archive(ModelFolder(result.root))
