"""`tg sweep`: many trainings as one thing."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..common._core.errors import ConfigError, FormatError, StorageError, SweepError, TgError
from ..common.delivery.sweep.journal_file import journal_path, sweep_names
from ..common.delivery.sweep.progress import SweepProgress
from ..common.delivery.sweep.status import SweepStatus
from ..common.delivery.sweep.stored_sweep import StoredSweep
from ..common.delivery.sweep.sweep import Sweep
from ..common.delivery.sweep.task_row import TaskRow
from ..common.delivery.sweep.task_state import TaskState
from .command import command, group
from .output import Column, Output
from .sweep_reference import load_sweep
from .way_on import interrupted, undriven, way_on

__all__ = ["sweeps"]

_FAILED = 1
_WATCH_SECONDS = 1.0
_COLUMNS = (
    Column(title="TASK", key="task"),
    Column(title="STATE", key="state"),
    Column(title="METRICS", key="metrics"),
    Column(title="TRY", key="attempt"),
    Column(title="RUN", key="run"),
)
_SWEEPS = (Column(title="SWEEP", key="sweep"), Column(title="STATE", key="state"))


def _that_begin(incomplete: str) -> list[str]:
    """Complete the name of a sweep for a shell."""
    return [name for name in sweep_names() if name.startswith(incomplete)]


SweepName = Annotated[
    str, typer.Argument(metavar="NAME", help="The sweep.", autocompletion=_that_begin)
]
MaxParallel = Annotated[
    int | None,
    typer.Option("--max-parallel", min=1, metavar="N", help="How many runs may go on at once."),
]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost", metavar="USD", help="What it may cost at most.")
]
Metric = Annotated[
    str | None, typer.Option("--metric", metavar="NAME", help="What tasks are compared by.")
]
Lowest = Annotated[bool, typer.Option("--lowest", help="The lowest value is the best.")]


def _list_all(output: Output) -> None:
    list_sweeps(output)


sweeps = group(
    _list_all,
    help_text="Run many trainings as one thing that outlives this process.",
    meant="tg sweep status {0}, or tg sweep run {0} if it names code",
)


@command(sweeps, "list")
def list_sweeps(output: Output) -> None:
    """Show the sweeps of this project."""
    found = [_listed(name) for name in sweep_names()]
    if output.as_json:
        output.document({"sweeps": found})
    elif found:
        output.table("Sweeps", _SWEEPS, found)
        if any(row["is_done"] is False and not row["is_driven"] for row in found):
            output.say("Go on with one that nobody drives: tg sweep resume SWEEP.")
    else:
        output.line("There are none.")


@command(sweeps, "run")
def run_sweep(
    output: Output,
    sweep: Annotated[
        str,
        typer.Argument(
            metavar="SWEEP",
            help="module:attribute or file.py[:attribute] of a Sweep, or of a function that gives "
            "one.",
        ),
    ],
) -> None:
    """Do all that is left to do; Ctrl-C leaves the runs alone, and the same command goes on."""
    with contextlib.redirect_stdout(sys.stderr):
        found = load_sweep(sweep)
        with _interruptible(output, found):
            status = found.run()
    _conclude(output, found, status)


@command(sweeps, "resume")
def resume_sweep(
    output: Output,
    name: SweepName,
    *,
    max_parallel: MaxParallel = None,
    max_cost: MaxCost = None,
    only_left: Annotated[
        bool, typer.Option("--only-left", help="Leave tasks alone that failed or were cancelled.")
    ] = False,
) -> None:
    """Go on with a sweep from its journal, and try again what failed or was cancelled."""
    given = {"max_parallel": max_parallel, "max_cost": max_cost}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    sweep = Sweep.open(name, **changes)
    with contextlib.redirect_stdout(sys.stderr), _interruptible(output, sweep):
        status = sweep.run() if only_left else sweep.resume()
    _conclude(output, sweep, status)


@command(sweeps, "status")
def show_status(
    output: Output,
    name: SweepName,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until all tasks are done.")
    ] = False,
) -> None:
    """Show how far a sweep is, whoever drives it."""
    sweep = Sweep.open(name)
    if follow:
        with SweepProgress() as progress:
            while not (status := sweep.status()).is_done:
                progress(status)
                if not status.is_driven:
                    raise SweepError(undriven(status), hint=way_on(status))
                time.sleep(_WATCH_SECONDS)
            progress(status)
    _show(output, sweep, sweep.status())


@command(sweeps, "cancel")
def cancel_sweep(output: Output, name: SweepName) -> None:
    """End all its runs, and start nothing any more."""
    sweep = Sweep.open(name)
    with contextlib.redirect_stdout(sys.stderr):
        sweep.cancel()
    _show(output, sweep, sweep.status())


@command(sweeps, "report")
def write_report(
    output: Output,
    name: SweepName,
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="PATH", help="NAME.html here if left out.")
    ] = None,
    metric: Metric = None,
    lowest: Lowest = False,
) -> None:
    """Write one HTML file with tables and plots."""
    path = Sweep.open(name).report(
        to or Path(f"{name}.html"), metric=metric, higher_is_better=not lowest
    )
    if output.as_json:
        output.document({"path": str(path.absolute())})
    else:
        output.line(str(path))


@command(sweeps, "best")
def show_best(
    output: Output,
    name: SweepName,
    *,
    metric: Metric = None,
    lowest: Lowest = False,
    count: Annotated[int, typer.Option("--count", min=1, metavar="N", help="How many.")] = 10,
) -> None:
    """Show the tasks that did best."""
    sweep = Sweep.open(name)
    table = sweep.best(metric, count, higher_is_better=not lowest)
    rows = {row.name: row for row in sweep.rows()}
    status = sweep.status()
    values = {"sweep": name, "is_driven": status.is_driven, "is_done": status.is_done}
    _rows(output, values, [rows[task] for task in table.index])
    _tell(output, status)


@contextlib.contextmanager
def _interruptible(output: Output, sweep: Sweep) -> Iterator[None]:
    """Say how it goes on, where Ctrl-C ends the driving."""
    try:
        yield
    except KeyboardInterrupt:
        try:
            output.say(interrupted(sweep.status()))
        except TgError:  # it has no journal before it is packed
            output.say("Interrupted: nothing was started. The same command begins again.")
        raise


def _conclude(output: Output, sweep: Sweep, status: SweepStatus) -> None:
    """Show how it ended; a task without a result is a failed command."""
    _show(output, sweep, status)
    missing = status[TaskState.FAILED] or status[TaskState.CANCELLED] or not status.is_done
    if missing or status.ended_by:
        raise typer.Exit(_FAILED)


def _show(output: Output, sweep: Sweep, status: SweepStatus) -> None:
    if not output.as_json:
        output.line(str(status).strip("<>"))
    values = {
        "sweep": status.name,
        "counts": {str(state): count for state, count in status.counts.items()},
        "spent": status.spent,
        "ended_by": status.ended_by,
        "is_driven": status.is_driven,
    }
    _rows(output, values, sweep.rows())
    _tell(output, status)


def _tell(output: Output, status: SweepStatus) -> None:
    """Say that nothing will come of the rest by itself."""
    if not (output.as_json or status.is_done or status.is_driven):
        text = undriven(status)
        output.say(f"{text[0].upper()}{text[1:]}. {way_on(status)}")


def _rows(output: Output, values: dict[str, Any], rows: list[TaskRow]) -> None:
    if output.as_json:
        output.document({**values, "tasks": [_document(row) for row in rows]})
    elif rows:
        output.table("Tasks", _COLUMNS, [_row(row) for row in rows])


def _document(row: TaskRow) -> dict[str, Any]:
    return {
        "task": row.name,
        "parameters": dict(row.parameters),
        "state": str(row.state),
        "metrics": dict(row.metrics),
        "attempt": row.attempt,
        "run": row.run_id,
        "cost": row.cost,
        "reason": row.reason,
    }


def _row(row: TaskRow) -> dict[str, Any]:
    shown = ", ".join(f"{name}={value:.6g}" for name, value in row.metrics.items())
    failed = row.state is TaskState.FAILED
    return {**_document(row), "metrics": row.summary if failed or not shown else shown}


def _listed(name: str) -> dict[str, Any]:
    row: dict[str, Any] = {"sweep": name, "is_driven": None, "is_done": None}
    try:
        status = StoredSweep(journal_path(name)).status()
    except (SweepError, FormatError, StorageError, ConfigError) as exc:
        return {**row, "state": exc.what}
    state = str(status).strip("<>").removeprefix(f"sweep {name}: ")
    if not (status.is_done or status.is_driven):
        state = f"{state}; nobody drives it"
    return {**row, "state": state, "is_driven": status.is_driven, "is_done": status.is_done}
