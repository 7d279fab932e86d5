"""`tg run`: one training, in any place."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from ..common._core.errors import ConfigError
from ..common.delivery.execution.following import follow_run
from ..common.delivery.execution.run import Executor, Run
from ..common.delivery.sagemaker.remote_options import RemoteOptions
from ..common.delivery.sagemaker.routine import SagemakerRoutine
from .command import command
from .output import Output
from .routine_reference import Dataset, Task, TaskProject, load_routine

__all__ = ["PlaceKind", "register_run"]


class PlaceKind(StrEnum):
    """Where a training runs."""

    ATTACHED = "attached"
    PROCESS = "process"
    LOCAL = "local"
    REMOTE = "remote"


PlaceOption = Annotated[
    PlaceKind,
    typer.Option(
        "--place",
        help="In this process, in a fresh interpreter, in a container, or at SageMaker.",
    ),
]
InstanceType = Annotated[
    str | None, typer.Option("--instance-type", metavar="TYPE", help="Of a remote training.")
]
MaxRuntime = Annotated[
    int | None,
    typer.Option("--max-runtime", metavar="SECONDS", help="How long a remote training may run."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A hyperparameter, such as alpha:float=0.1; may be given several times.",
    ),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return as soon as it has started.")]


def register_run(app: typer.Typer) -> None:
    """Add ``run`` to the commands."""

    @command(app, "run")
    def run(
        output: Output,
        task: Task,
        *,
        place: PlaceOption = PlaceKind.PROCESS,
        settings: Settings = None,
        project: TaskProject = None,
        dataset: Dataset = None,
        instance_type: InstanceType = None,
        max_runtime: MaxRuntime = None,
        no_wait: NoWait = False,
    ) -> None:
        """Train, follow the log on standard error, and show the metrics."""
        hyperparameters = _hyperparameters(settings or ())
        with contextlib.redirect_stdout(sys.stderr):  # what trains here may print
            routine = load_routine(task, project=project, dataset=dataset)
            executor = _executor_at(
                routine, place, instance_type=instance_type, max_runtime=max_runtime
            )
            started = executor.submit(hyperparameters)
            if not no_wait:
                _follow(output, started)
            metrics = {} if no_wait else started.result().metrics
        values = {"run": started.id, "state": started.state, "metrics": metrics}
        if output.as_json:
            output.document(values)
            return
        output.line(f"run: {started.id}")
        output.line(f"state: {values['state']}")
        for name, value in metrics.items():
            output.line(f"{name}: {value}")


def _follow(output: Output, run: Run) -> None:
    """Show the log until the run ends; Ctrl-C ends it, and that is said."""
    try:
        follow_run(run, output.say)
    except KeyboardInterrupt:
        output.say(f"Interrupted: the run {run.id} was asked to stop, and is {run.state}.")
        raise


def _executor_at(
    routine: SagemakerRoutine,
    place: PlaceKind,
    *,
    instance_type: str | None,
    max_runtime: int | None,
) -> Executor:
    """Give a routine's executor for a place, with the settings that are of use there."""
    given = {"instance_type": instance_type, "max_runtime_seconds": max_runtime}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if place is PlaceKind.REMOTE:
        return routine.remote(RemoteOptions(**options))
    if options:
        flags = {"instance_type": "--instance-type", "max_runtime_seconds": "--max-runtime"}
        chosen = " and ".join(flags[name] for name in options)
        raise ConfigError(
            f"{chosen} cannot be chosen for the place {place}",
            hint="That is a setting of SageMaker's trainings: --place remote.",
        )
    executors = {
        PlaceKind.ATTACHED: routine.attached,
        PlaceKind.PROCESS: routine.process,
        PlaceKind.LOCAL: routine.local,
    }
    return executors[place]()


def _hyperparameters(settings: Sequence[str]) -> dict[str, str]:
    values = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key or not equals:
            raise ConfigError(
                f"the setting {setting!r} is no hyperparameter",
                hint="Write it as --set KEY=VALUE, such as --set alpha:float=0.1.",
            )
        if key in values:
            raise ConfigError(f"{key} is set twice", hint="Leave out one of the two.")
        values[key] = value
    return values
