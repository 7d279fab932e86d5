"""One sweep as MLflow has it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._core.errors import MissingDependencyError
from .status import SweepStatus
from .task_row import TaskRow
from .task_state import TaskState

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["MlflowLog", "mlflow_client", "mlflow_names"]

# what one request may hold: "Log Batch" in MLflow's REST API
_METRICS, _PARAMETERS = 1_000, 100
_PAGE = 1_000
_NAME_CHARACTERS = 250
_VALUE_CHARACTERS = 5_000
_ILLEGAL = re.compile(r"[^\w\-. /]")
_ENDS = {
    TaskState.COMPLETED: "FINISHED",
    TaskState.STOPPED: "FINISHED",  # by a rule, and its metrics count
    TaskState.FAILED: "FAILED",
    TaskState.CANCELLED: "KILLED",
}


def mlflow_client(tracking_uri: str | None) -> MlflowClient:
    """Open a store of MLflow.

    Parameters
    ----------
    tracking_uri
        Where it is; what MLflow itself is told by its environment if ``None``.

    Raises
    ------
    MissingDependencyError
        MLflow is not installed.
    """
    try:
        from mlflow import MlflowClient  # noqa: PLC0415 an optional library
    except ImportError as exc:
        raise MissingDependencyError(
            "a sweep can be mirrored to MLflow only where that is installed",
            hint="Install it: pip install 'training-grounds[mlflow]'.",
        ) from exc
    return MlflowClient(tracking_uri)


def mlflow_names(names: Iterable[str]) -> dict[str, str]:
    """Say what parameters or metrics are called in MLflow, which does not take every character.

    Example
    -------
    >>> mlflow_names(["loss", "f1[a]", "f1(a)"])
    {'loss': 'loss', 'f1[a]': 'f1_a_', 'f1(a)': 'f1_a_.2'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        legal = base = _legal(name)
        number = 2
        while legal in taken:
            legal = f"{base[: _NAME_CHARACTERS - 8]}.{number}"
            number += 1
        taken.add(legal)
        found[name] = legal
    return found


class MlflowLog:
    """Writes a sweep to an experiment: a run for the sweep, and below it one for each run of ours.

    Runs are found again by their tags, so that nothing is written twice, whoever writes.

    Parameters
    ----------
    client
        The store.
    experiment
        The name of the experiment; it is made if it is not there.
    sweep
        What the sweep is called.
    identity
        Tells the sweep from others of that name.
    """

    def __init__(self, client: MlflowClient, experiment: str, sweep: str, identity: str) -> None:
        self._client = client
        self._tags = {"tg.sweep": sweep, "tg.sweep_identity": identity}
        self._experiment = _experiment_id(client, experiment)
        self._runs: dict[str, str] = {}
        self._begun: set[str] = set()
        self._ended: set[tuple[str, str]] = set()
        self._counts: dict[tuple[str, str], int] = {}
        self.parent = ""
        for run in self._stored():
            tags = run.data.tags
            if tags.get("tg.kind") == "sweep":
                self.parent = run.info.run_id
            elif "tg.run" in tags:
                self._runs[tags["tg.run"]] = run.info.run_id
                if run.info.status != "RUNNING":
                    self._ended.add((tags["tg.run"], tags.get("tg.state", "")))
        if not self.parent:
            self.parent = client.create_run(
                self._experiment, run_name=sweep, tags={**self._tags, "tg.kind": "sweep"}
            ).info.run_id

    def has_end(self, row: TaskRow) -> bool:
        """Whether all is written of a task whose run has ended."""
        return (row.run_id, str(row.state)) in self._ended

    def begin(self, row: TaskRow) -> str:
        """Make the run of a task with its parameters, unless it is there, and give its id."""
        if row.run_id in self._begun:
            return self._runs[row.run_id]
        if row.attempt > 1:
            self._give_up(row)
        if row.run_id not in self._runs:
            run = self._client.create_run(
                self._experiment,
                start_time=_milliseconds(row.started_utc),
                run_name=row.name,
                tags={**self._tags, **_tags_of(row), "mlflow.parentRunId": self.parent},
            )
            self._runs[row.run_id] = run.info.run_id
        # who made it may have been ended before it had written them; the same again is no change
        self._log_parameters(self._runs[row.run_id], row.parameters)
        self._begun.add(row.run_id)
        return self._runs[row.run_id]

    def log_metrics(
        self, run_id: str, histories: Mapping[str, list[float]], *, utc: str = ""
    ) -> None:
        """Write those values of each metric that are not there yet, each with its step."""
        from mlflow.entities import Metric  # noqa: PLC0415 an optional library

        names = mlflow_names(histories)
        new = []
        for name, values in histories.items():
            known = self._count(run_id, names[name])
            at = _milliseconds("" if known else utc)  # never before those that are there
            new += [
                Metric(names[name], float(values[step]), at, step)
                for step in range(known, len(values))
            ]
            self._counts[run_id, names[name]] = max(known, len(values))
        try:
            for start in range(0, len(new), _METRICS):
                self._client.log_batch(run_id, metrics=new[start : start + _METRICS])
        except BaseException:
            for name in names.values():  # nobody knows what was written: look it up again
                self._counts.pop((run_id, name), None)
            raise

    def log_artifact(self, run_id: str, file: Path, folder: str) -> None:
        """Write a file; one that is there is written over."""
        self._client.log_artifact(run_id, str(file), folder or None)

    def end(self, row: TaskRow) -> None:
        """Write that a run has ended; to be called last."""
        self._log_tags(self._runs[row.run_id], _tags_of(row))
        end = _milliseconds(row.ended_utc)
        self._client.set_terminated(self._runs[row.run_id], _ENDS[row.state], end)
        self._ended.add((row.run_id, str(row.state)))

    def describe_sweep(self, status: SweepStatus) -> None:
        """Write how far the sweep is."""
        counts = {f"tg.{state}": str(status[state]) for state in TaskState}
        tags = {**counts, "tg.ended_by": status.ended_by, "tg.spent": f"{status.spent:.4f}"}
        self._log_tags(self.parent, tags)
        if status.is_done:
            self._client.set_terminated(self.parent, "FAILED" if status["failed"] else "FINISHED")
        elif status.ended_by:
            self._client.set_terminated(self.parent, "KILLED")
        else:
            self._client.update_run(self.parent, "RUNNING")

    def _log_parameters(self, run_id: str, parameters: Mapping[str, Any]) -> None:
        from mlflow.entities import Param  # noqa: PLC0415 an optional library

        names = mlflow_names(parameters)
        texts = {names[name]: str(value) for name, value in parameters.items()}
        found = [Param(name, text[:_VALUE_CHARACTERS]) for name, text in texts.items()]
        for start in range(0, len(found), _PARAMETERS):
            self._client.log_batch(run_id, params=found[start : start + _PARAMETERS])

    def _log_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag  # noqa: PLC0415 an optional library

        self._client.log_batch(run_id, tags=[RunTag(name, text) for name, text in tags.items()])

    def _give_up(self, row: TaskRow) -> None:
        """End the runs of a task that another one has taken the place of, unless they have."""
        # by the task's name it cannot be asked: that may hold both kinds of quotes
        for run in self._stored("attributes.status = 'RUNNING'"):
            tags = run.data.tags
            if tags.get("tg.task") == row.name and tags.get("tg.run") != row.run_id:
                self._client.set_tag(run.info.run_id, "tg.state", "failed")
                self._client.set_terminated(run.info.run_id, "FAILED")

    def _stored(self, condition: str = "") -> Iterable[Any]:
        # the name of a sweep is that of a folder, and its identity a number: neither has quotes
        conditions = [f"tags.`{name}` = '{text}'" for name, text in self._tags.items()]
        conditions += [condition] if condition else []
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment], " and ".join(conditions), max_results=_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def _count(self, run_id: str, name: str) -> int:
        """Count the values of a metric that are there."""
        if (run_id, name) not in self._counts:
            steps = [one.step for one in self._client.get_metric_history(run_id, name)]
            self._counts[run_id, name] = max(steps, default=-1) + 1
        return self._counts[run_id, name]


def _experiment_id(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except Exception:
        found = client.get_experiment_by_name(name)  # another process was faster
        if found is None:
            raise
        return str(found.experiment_id)


def _tags_of(row: TaskRow) -> dict[str, str]:
    return {
        "tg.kind": "task",
        "tg.task": row.name,
        "tg.run": row.run_id,
        "tg.state": str(row.state),
        "tg.attempt": str(row.attempt),
        "tg.failure_kind": row.kind,
        "tg.reason": row.reason[:_VALUE_CHARACTERS],
        "tg.reused": str(row.reused),
        "tg.cost": "" if row.cost is None else f"{row.cost:.4f}",
    }


def _legal(name: str) -> str:
    # a name must also be that of a file: "a/../b" and "/a" are none
    parts = [part for part in _ILLEGAL.sub("_", name).split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[:_NAME_CHARACTERS] or "_"


def _milliseconds(utc: str) -> int:
    seconds = datetime.fromisoformat(utc).timestamp() if utc else time.time()
    return int(1_000 * seconds)
