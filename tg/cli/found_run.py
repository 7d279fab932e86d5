"""The run, or the result, that a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..common._core.errors import ConfigError, RunNotFoundError
from ..common._core.loc import Loc
from ..common._core.suggestions import did_you_mean, nearest
from ..common.delivery.execution.kept_run import open_run
from ..common.delivery.execution.result_loader import ResultLoader
from ..common.delivery.execution.run import Run
from ..common.delivery.execution.run_folder import RunFolder
from ..common.delivery.sagemaker.aws import AwsClients
from ..common.delivery.sagemaker.remote_run import RemoteRun
from .output import Output
from .swept_task import runs_of_task

__all__ = [
    "Project",
    "Remote",
    "ResultName",
    "RunName",
    "find_folder",
    "find_result",
    "find_run",
    "run_folders",
    "tell_of_project",
]


def _that_begin(incomplete: str) -> list[str]:
    """Complete the id of a run for a shell."""
    return [folder.run_id for folder in run_folders() if folder.run_id.startswith(incomplete)]


RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="The run's id.", autocompletion=_that_begin)
]
ResultName = Annotated[
    str,
    typer.Argument(
        metavar="RESULT",
        help="A run's id, or the path of a model.tar.gz.",
        autocompletion=_that_begin,
    ),
]
Project = Annotated[
    str | None, typer.Option("--project", metavar="NAME", help="Only runs of this project.")
]
Remote = Annotated[bool, typer.Option("--remote", help="It is a training job at SageMaker.")]

_RUNS = "output"


def run_folders(project: str | None = None) -> list[RunFolder]:
    """Give all that is kept of runs on this machine, the latest first.

    Parameters
    ----------
    project
        Only its runs; those of all projects if ``None``.
    """
    records = Loc.data_cache_path.glob(f"sagemaker/*/{_RUNS}/*/run.json")
    found = [RunFolder(path.parent) for path in records if project in (None, _project_of(path))]
    return sorted(found, key=lambda folder: folder.path.stat().st_ctime_ns, reverse=True)


def find_run(name: str, project: str | None = None, *, remote: bool = False) -> Run:
    """Find a run by its id.

    Raises
    ------
    RunNotFoundError
        There is none.
    ConfigError
        Several projects have one of that id.
    """
    if remote:
        run = RemoteRun(name, AwsClients(), _projects() / (project or "remote") / _RUNS)
        run.describe()
        return run
    return open_run(find_folder(name, project))


def find_folder(name: str, project: str | None = None) -> RunFolder:
    """Find what is kept on this machine of a run, by its id.

    Raises
    ------
    RunNotFoundError
        There is none.
    ConfigError
        There is no such project, or several have a run of that id.
    """
    if project is not None and project not in _project_names():
        raise ConfigError(
            f"there is no project {project!r} in {_projects()}",
            hint=did_you_mean(project, _project_names(), what="projects"),
        )
    found = [folder for folder in run_folders(project) if folder.run_id == name]
    if len(found) > 1:
        projects = ", ".join(sorted(_project_of(folder.path / "run.json") for folder in found))
        raise ConfigError(
            f"there is a run {name!r} in several projects: {projects}",
            hint="Name one of them: --project NAME.",
        )
    if not found:
        where = _projects() if project is None else _projects() / project
        raise RunNotFoundError(
            f"there is no run {name!r} in {where}",
            hint=f"{_meant(name, project)}"
            "`tg runs` lists those of this machine; --remote asks SageMaker.",
        )
    return found[0]


def _meant(name: str, project: str | None) -> str:
    """Say which run may be meant."""
    tasks = runs_of_task(name)
    if tasks:
        runs = " ".join(f"Its run in the sweep {sweep} is {run}." for sweep, run in tasks.items())
        return f"That is a task. {runs} "
    like = nearest(name, (folder.run_id for folder in run_folders(project)))
    return f"Did you mean {like!r}? " if like else ""


def tell_of_project(output: Output, project: str | None) -> None:
    """Say that there is no such project, where there is none."""
    names = _project_names()
    if project is not None and project not in names:
        output.say(
            f"There is no project {project!r} in {_projects()}. "
            f"{did_you_mean(project, names, what='projects')}"
        )


def find_result(name: str, project: str | None = None, *, remote: bool = False) -> ResultLoader:
    """Open the result of a run, or an archive.

    Raises
    ------
    RunError
        There is no such run, or it has no result.
    ArchiveError
        The archive is damaged.
    """
    path = Path(name)
    if not remote and path.is_file():
        return ResultLoader(path)
    return find_run(name, project, remote=remote).result()


def _projects() -> Path:
    return Loc.data_cache_path / "sagemaker"


def _project_names() -> list[str]:
    return sorted(path.parent.name for path in _projects().glob(f"*/{_RUNS}"))


def _project_of(record: Path) -> str:
    return record.parents[2].name
