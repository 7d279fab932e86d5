"""The training that a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common._core.errors import ConfigError
from ..common.contract.task import TrainingTask
from ..common.delivery.sagemaker.routine import SagemakerRoutine
from .task_reference import load_reference

__all__ = ["Dataset", "Task", "TaskProject", "load_routine"]

Task = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="module:attribute or file.py[:attribute] of a SagemakerRoutine or a task, or of a "
        "function that gives one.",
    ),
]
TaskProject = Annotated[
    str | None, typer.Option("--project", metavar="NAME", help="The project of a task.")
]
Dataset = Annotated[
    str | None,
    typer.Option("--dataset", metavar="NAME", help="The dataset of a task, in its project's."),
]


def load_routine(
    reference: str, *, project: str | None = None, dataset: str | None = None
) -> SagemakerRoutine:
    """Give a routine that is named, or make one for a task.

    Parameters
    ----------
    reference
        ``module:attribute`` or ``file.py[:attribute]``.
    project, dataset
        Of a task; a routine has its own.

    Raises
    ------
    ConfigError
        It is not there or something else, or does not go with `project` and `dataset`.
    """
    found = load_reference(
        reference, (SagemakerRoutine, TrainingTask), "a SagemakerRoutine or a task"
    )
    given = {"--project": project, "--dataset": dataset}
    if isinstance(found, SagemakerRoutine):
        chosen = [option for option, value in given.items() if value is not None]
        if chosen:
            raise ConfigError(
                f"{reference} is a routine, which has a project and a dataset of its own",
                hint=f"Leave out {' and '.join(chosen)}, or name a task.",
            )
        return found
    if project is None or dataset is None:
        missing = [option for option, value in given.items() if value is None]
        raise ConfigError(
            f"{reference} is a task, and {' and '.join(missing)} is not given",
            hint="Say what it is trained on: --project NAME --dataset NAME; or name a routine.",
        )
    return SagemakerRoutine(found, dataset, project)
