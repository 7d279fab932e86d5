"""`tg result`: what came out of a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from ..common._core.errors import ConfigError, StorageError
from ..common._core.files import atomic_folder, atomic_write
from .command import command, group
from .found_run import Project, Remote, ResultName, find_result
from .output import Output
from .swept_task import swept_task

__all__ = ["results"]

Member = Annotated[str, typer.Argument(metavar="NAME", help="As `tg result ls` has it.")]
Target = Annotated[
    Path | None,
    typer.Option("--to", metavar="PATH", help="Where to; here, under its own name, if left out."),
]

results = group(
    help_text="Look into the result of a run; one file is had without the others.",
    meant="tg result show {}",
)


@command(results, "ls")
def list_members(
    output: Output, result: ResultName, *, project: Project = None, remote: Remote = False
) -> None:
    """Show the names of all that is in it."""
    names = find_result(result, project, remote=remote).list()
    if output.as_json:
        output.document({"names": names})
        return
    for name in names:
        output.line(name)


@command(results, "show")
def show_result(
    output: Output, result: ResultName, *, project: Project = None, remote: Remote = False
) -> None:
    """Show metrics, hyperparameters, and what it was made from.

    Hyperparameters are what was set for this run; of a run of a sweep there are the parameters that
    its task was built of instead, as the sweep has them.
    """
    loader = find_result(result, project, remote=remote)
    package = loader.manifest.package_manifest
    provenance = dict(loader.manifest.provenance)
    swept = swept_task(str(provenance.get("run_id", "")))
    values = {
        "package": package.module_name,
        "content_hash": package.content_hash,
        "python": loader.manifest.python,
        "task": loader.manifest.task_name,
        "sweep": swept.sweep if swept else "",
        "parameters": dict(swept.parameters) if swept else {},
        "hyperparameters": dict(loader.manifest.hyperparameters),
        "provenance": provenance,
        "metrics": loader.metrics,
    }
    if output.as_json:
        output.document(values)
        return
    for key, value in values.items():
        if not value and key != "metrics":
            continue  # nothing was set, or nobody knows
        if isinstance(value, dict):
            output.line(f"{key}:" if value else f"{key}: none")
            for name, one in value.items():
                output.line(f"  {name}: {one}")
        else:
            output.line(f"{key}: {value}")


@command(results, "get")
def get_member(
    output: Output,
    result: ResultName,
    member: Member,
    *,
    to: Target = None,
    project: Project = None,
    remote: Remote = False,
) -> None:
    """Copy a file, or a folder, out of it; what is there already is not replaced."""
    found = find_result(result, project, remote=remote).get_path(member)
    target = (to or Path(found.name)).absolute()
    if target.exists():
        raise ConfigError(
            f"there is something at {target} already", hint="Give another place: --to PATH."
        )
    try:
        if found.is_dir():
            with atomic_folder(target) as folder:
                shutil.copytree(found, folder, dirs_exist_ok=True)
        else:
            with found.open("rb") as source:
                atomic_write(target, lambda stream: shutil.copyfileobj(source, stream))
    except OSError as exc:
        raise StorageError(
            f"{member} cannot be written to {target}: {exc}", hint="Give another place: --to PATH."
        ) from exc
    if output.as_json:
        output.document({"path": str(target)})
    else:
        output.line(str(target))
