"""The training that a command runs."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

import typer

from ..common._core.errors import ConfigError, DatasetNotFoundError
from ..common._core.loc import Loc
from ..common._core.suggestions import did_you_mean
from ..common.contract.task import TrainingTask
from ..common.delivery.sagemaker.routine import SagemakerRoutine
from ..common.delivery.sweep.sweep import Sweep
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
        reference, (SagemakerRoutine, TrainingTask), "a SagemakerRoutine or a task", _advice
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
            f"{reference} is a task, and has to be given {' and '.join(missing)}",
            hint="Say what it is trained on: --project NAME --dataset NAME; or name a routine.",
        )
    _check_data(project, dataset)
    return SagemakerRoutine(found, dataset, project)


def _check_data(project: str, dataset: str) -> None:
    """Say which of the two names is wrong."""
    datasets = Loc.data_cache_path / "datasets"
    there = sorted(path.name for path in datasets.glob("*/"))
    if project not in there:
        name = PurePath(project).name
        what = (
            f"has no data: there is no folder {datasets / project}"
            if name == project
            else "is a path, and not the name of a project"
        )
        raise ConfigError(
            f"--project {project} {what}",
            hint=f"The data of a project stand in {datasets / 'NAME'}. "
            f"{did_you_mean(name, there, what='projects')}",
        )
    if not (datasets / project / dataset).exists():
        folder = datasets / project
        there = sorted(path.name for path in folder.iterdir())
        raise DatasetNotFoundError(
            f"there is no dataset {dataset!r} in {folder}",
            hint=did_you_mean(dataset, there, what="datasets"),
        )


def _advice(value: object) -> str:
    if isinstance(value, Sweep):
        return "That is a sweep: tg sweep run starts it."
    return ""
