"""`tg runs` and `tg logs`: what has been started on this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from ..common._core.errors import EngineError, FormatError, MissingDependencyError, StorageError
from ..common.delivery.execution.kept_run import open_run
from ..common.delivery.execution.run_folder import RunFolder
from .command import command, group
from .found_run import Project, Remote, RunName, find_run, run_folders, tell_of_project
from .log_so_far import log_so_far
from .options import Names
from .output import Column, Output, clock_text, duration_text

__all__ = ["register_logs", "runs"]

NoFollow = Annotated[
    bool, typer.Option("--no-follow", help="Show what there is by now, and return.")
]
_COLUMNS = (
    Column(title="RUN", key="run"),
    Column(title="STATE", key="state"),
    Column(title="STARTED", key="started"),
    Column(title="PLACE", key="executor", is_spare=True),
    Column(title="PROJECT", key="project", is_spare=True),
    Column(title="TOOK", key="took", is_spare=True),
)


def _list_all(output: Output) -> None:
    list_runs(output)


runs = group(
    _list_all,
    help_text="Show or stop what was started on this machine.",
    meant="tg runs list {0}, or tg logs {0}",
)


@command(runs, "list")
def list_runs(output: Output, *, names: Names = None, project: Project = None) -> None:
    """Show runs, the latest first."""
    found = [
        _row(folder)
        for folder in run_folders(project)
        if not names or any(fnmatchcase(folder.run_id, name) for name in names)
    ]
    if output.as_json:
        output.document({"runs": found})
    elif found:
        output.table("Runs", _COLUMNS, [_shown(row) for row in found])
        for problem in dict.fromkeys(row["problem"] for row in found if row["problem"]):
            output.say(f"A state may have changed since: {problem}")
    else:
        output.line("There are none.")
        tell_of_project(output, project)


@command(runs, "cancel")
def cancel_run(
    output: Output, run: RunName, *, project: Project = None, remote: Remote = False
) -> None:
    """Ask a run to stop: it keeps its checkpoints, or is killed 120 seconds later."""
    found = find_run(run, project, remote=remote)
    found.cancel()
    if output.as_json:
        output.document({"run": found.id, "state": found.state})
    else:
        output.line(f"{found.id}: {found.state}")


def register_logs(app: typer.Typer) -> None:
    """Add ``logs`` to the commands."""

    @command(app, "logs")
    def logs(
        output: Output,
        run: RunName,
        *,
        no_follow: NoFollow = False,
        project: Project = None,
        remote: Remote = False,
    ) -> None:
        """Show the log of a run, and go on until it ends; Ctrl-C leaves the run alone."""
        found = find_run(run, project, remote=remote)
        lines = log_so_far(found, project) if no_follow else found.logs()
        if output.as_json:
            output.document({"run": found.id, "lines": list(lines)})
            return
        for line in lines:
            output.line(line)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row as people read it: their own clock, and no more of it than they need."""
    begin, end = row["started_at"], row["ended_at"]
    took = ""
    if begin and end:
        length = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
        took = duration_text(length.total_seconds())
    return {**row, "started": clock_text(begin, datetime.now(UTC)), "took": took}


def _row(folder: RunFolder) -> dict[str, Any]:
    row = {"run": folder.run_id, "project": folder.path.parents[1].name, "path": str(folder.path)}
    problem = ""
    try:
        try:
            _ = open_run(folder).state  # one that has ended meanwhile is settled
        except (EngineError, MissingDependencyError, StorageError) as exc:
            problem = str(exc)  # what is recorded of it is shown all the same
        record = folder.read()
    except FormatError as exc:
        unknown = dict.fromkeys(("executor", "started_at", "ended_at", "problem"), "")
        return {**row, **unknown, "state": exc.what}
    return {
        **row,
        "executor": record.executor,
        "state": str(record.state),
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "problem": problem,
    }
