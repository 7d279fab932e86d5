"""What a sweep does and finds, for those who watch MLflow."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..._core.errors import ConfigError, RunNotFoundError, SweepError, TgError
from ..._core.file_lock import FileLock
from ..._core.logger import Logger
from ..execution.result_loader import ResultLoader
from ..execution.run import Run
from .histories import with_last
from .journal import Journal
from .mlflow_log import MlflowLog, mlflow_client
from .stored_sweep import StoredSweep
from .task_row import TaskRow
from .task_state import TaskState

__all__ = ["MlflowMirror"]

_SMALL = ("metrics.json", "task.json", "manifest.json")
_FAILURES = 3
_LOCK_SECONDS = 30.0


class MlflowMirror:
    """Copies parameters, metrics and artifacts of sweeps to MLflow.

    The sweep is a run, and each of its trainings one below it: with its parameters, all values of
    its metrics as steps, small files of its result, and tags ``tg.run``, ``tg.state``,
    ``tg.attempt`` and others. What is there is found again by its tags: to mirror a sweep twice
    changes nothing. Give it to ``Sweep(..., mirror=...)``, or call :meth:`mirror` at any time.

    Needs the extra ``mlflow``, which is MLflow's client alone: it writes to a server. To write to
    a database without a server, install ``sqlalchemy`` and ``alembic`` as well, or all of MLflow.

    Parameters
    ----------
    tracking_uri
        Where MLflow keeps its runs; what ``MLFLOW_TRACKING_URI`` says if not given.
    experiment
        The experiment; it is made if it is not there.
    artifacts
        Which files of a result are copied: names as ``result.list()`` has them, or patterns such as
        ``"runs/*/metrics.pkl"``; ``()`` for none.
    max_artifact_bytes
        Larger files are left out.
    live
        Whether metrics are copied while trainings run, and not only at their end.

    Raises
    ------
    ConfigError
        `artifacts` is a text.

    Example
    -------
    >>> MlflowMirror("http://mlflow.example:5000", "tea", artifacts=["metrics.json"])
    MlflowMirror('http://mlflow.example:5000', 'tea')
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        experiment: str = "training-grounds",
        *,
        artifacts: Sequence[str] = _SMALL,
        max_artifact_bytes: int = 1_000_000,
        live: bool = True,
    ) -> None:
        if isinstance(artifacts, str):
            raise ConfigError(
                f"artifacts is a text: {artifacts!r}", hint="Give a list of names or patterns."
            )
        self.tracking_uri = tracking_uri
        self.experiment = experiment
        self.artifacts = tuple(artifacts)
        self.max_artifact_bytes = max_artifact_bytes
        self.live = live
        self._logs: dict[str, MlflowLog] = {}
        self._mirroring = threading.Lock()

    def __repr__(self) -> str:
        return f"MlflowMirror({self.tracking_uri!r}, {self.experiment!r})"

    def mirror(self, sweep: StoredSweep) -> str:
        """Copy what MLflow does not have yet, whoever drives the sweep.

        Parameters
        ----------
        sweep
            The sweep, such as ``Sweep.open(name)``.

        Returns
        -------
        str
            The id of the sweep's run in MLflow.

        Raises
        ------
        MissingDependencyError
            MLflow is not installed.
        SweepError
            MLflow does not answer or refuses something; or another process mirrors the sweep. Call
            it again: what was copied is there.
        """
        lock = FileLock(sweep.journal_path.with_name("mirror.lock"), timeout_seconds=_LOCK_SECONDS)
        with self._mirroring, lock:
            try:
                log = self._log_of(sweep)
                failures = self._mirror_tasks(sweep, log)
                log.describe_sweep(sweep.status())
            except TgError:
                raise
            except Exception as exc:
                # what it is called there may have changed: all is looked up again
                self._logs.pop(str(sweep.journal_path), None)
                raise SweepError(
                    f"the sweep {sweep.name} cannot be mirrored to {self._place}: {exc}",
                    hint="See to MLflow, then mirror it again: nothing is written twice.",
                ) from exc
        if failures:
            name, first = next(iter(failures.items()))
            raise SweepError(
                f"{len(failures)} tasks of the sweep {sweep.name} cannot be mirrored to "
                f"{self._place}, such as {name}: {first}",
                hint="See to MLflow, then mirror it again: nothing is written twice.",
            ) from first
        return log.parent

    @property
    def _place(self) -> str:
        return "MLflow" if self.tracking_uri is None else f"MLflow at {self.tracking_uri}"

    def _log_of(self, sweep: StoredSweep) -> MlflowLog:
        key = str(sweep.journal_path)
        if key not in self._logs:
            with Journal(sweep.journal_path) as journal:
                identity = journal.about().get("identity", "")
            client = mlflow_client(self.tracking_uri)
            self._logs[key] = MlflowLog(client, self.experiment, str(sweep.name), identity[:32])
        return self._logs[key]

    def _mirror_tasks(self, sweep: StoredSweep, log: MlflowLog) -> dict[str, Exception]:
        """Mirror each task; one that MLflow refuses does not hide the others."""
        failures: dict[str, Exception] = {}
        for row in sweep.rows():
            if not row.run_id or log.has_end(row):
                continue
            try:
                self._mirror_task(sweep, log, row)
            except TgError:
                raise
            except Exception as exc:
                failures[row.name] = exc
                if len(failures) == _FAILURES:
                    raise
        return failures

    def _mirror_task(self, sweep: StoredSweep, log: MlflowLog, row: TaskRow) -> None:
        run_id = log.begin(row)
        if not row.state.is_final and (not self.live or row.state is TaskState.STARTING):
            return
        run = _run_of(sweep, row)
        histories = _histories(run)
        if row.state.is_final:
            # of a run far away the last lines may come later; what came of a completed one is known
            is_known = row.state is TaskState.COMPLETED
            last = {n: v for n, v in row.metrics.items() if is_known or n not in histories}
            histories = with_last(histories, last)
        log.log_metrics(run_id, histories, utc=row.ended_utc if row.state.is_final else "")
        if row.state.is_final:
            if row.state is TaskState.COMPLETED and run is not None:
                self._copy_artifacts(log, run_id, run)
            log.end(row)

    def _copy_artifacts(self, log: MlflowLog, run_id: str, run: Run) -> None:
        if not self.artifacts:
            return
        try:
            for name, file in self._chosen(run.result()):
                folder = PurePosixPath(name).parent.as_posix()
                log.log_artifact(run_id, file, "" if folder == "." else folder)
        except TgError as exc:
            Logger.warning(f"The result of {run.id} is not mirrored: {exc}")

    def _chosen(self, result: ResultLoader) -> Iterator[tuple[str, Path]]:
        # what is too large is told by the manifest, and need not be fetched for that
        sizes = result.manifest.files
        for name in result.list():
            if name.endswith("/") or sizes.get(name, 0) > self.max_artifact_bytes:
                continue
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.artifacts):
                file = result.get_path(name)
                if file.stat().st_size <= self.max_artifact_bytes:
                    yield name, file


def _run_of(sweep: StoredSweep, row: TaskRow) -> Run | None:
    try:
        return sweep.run_at(row)
    except RunNotFoundError:
        return None  # it was removed, or was not started yet


def _histories(run: Run | None) -> dict[str, list[float]]:
    if run is None:
        return {}
    try:
        return run.metric_values()
    except TgError as exc:
        Logger.warning(f"The metrics of {run.id} cannot be read: {exc}")
        return {}
