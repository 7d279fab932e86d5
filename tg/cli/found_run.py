"""The run, or the result, that a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..common._core.errors import ConfigError, RunNotFoundError
from ..common._core.loc import Loc
from ..common.delivery.execution.kept_run import open_run
from ..common.delivery.execution.result_loader import ResultLoader
from ..common.delivery.execution.run import Run
from ..common.delivery.execution.run_folder import RunFolder
from ..common.delivery.sagemaker.aws import AwsClients
from ..common.delivery.sagemaker.remote_run import RemoteRun

__all__ = ["Project", "Remote", "ResultName", "RunName", "find_result", "find_run", "run_folders"]


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
    found = [folder for folder in run_folders(project) if folder.run_id == name]
    if len(found) > 1:
        projects = ", ".join(sorted(_project_of(folder.path / "run.json") for folder in found))
        raise ConfigError(
            f"there is a run {name!r} in several projects: {projects}",
            hint="Name one of them: --project NAME.",
        )
    if not found:
        raise RunNotFoundError(
            f"there is no run {name!r} in {_projects()}",
            hint="`tg runs` lists those of this machine; --remote asks SageMaker.",
        )
    return open_run(found[0])


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


def _project_of(record: Path) -> str:
    return record.parents[2].name
