"""`tg init`: a small project to start from."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Annotated

import typer

from ..common._core.errors import ConfigError, StorageError
from ..common._core.files import atomic_write
from ..common._core.templates import read_template, render
from .command import command
from .output import Output

__all__ = ["register_init"]

# what is written, below the project: the template that it is made of
_FILES = {
    "README.md": "README.md.template",
    "pyproject.toml": "pyproject.toml.template",
    "environment.env": "environment.env.template",
    ".gitignore": "gitignore.template",
    "make_dataset.py": "make_dataset.py.template",
    "routines.py": "routines.py.template",
    "trainings/__init__.py": "trainings/__init__.py.template",
    "trainings/ridge.py": "trainings/ridge.py.template",
}
# that of a project in S3, of a folder and of a distribution
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")

Place = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where to; it is made if it is not there.")
]
ProjectName = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="The project's name; the folder's if left out."),
]


def register_init(app: typer.Typer) -> None:
    """Add ``init`` to the commands."""

    @command(app, "init")
    def init(output: Output, folder: Place = Path(), *, name: ProjectName = None) -> None:
        """Write a project with one training that runs; no file that is there is replaced."""
        files = _files(folder, name)
        with contextlib.ExitStack() as undo:
            for path, text in files.items():
                undo.callback(path.unlink, missing_ok=True)
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                except OSError as exc:
                    raise StorageError(
                        f"the folder {path.parent} cannot be made: {exc.strerror}",
                        hint="Choose another place.",
                    ) from exc
                atomic_write(path, text.encode())
            undo.pop_all()  # all are there
        if output.as_json:
            output.document({"folder": str(folder.absolute()), "files": [str(p) for p in files]})
            return
        for path in files:
            output.line(str(path))
        output.say(f"What to do next stands in {folder / 'README.md'}.")


def _files(folder: Path, name: str | None) -> dict[Path, str]:
    """Render all files, and see that none is there."""
    called = name or folder.absolute().name.lower().replace("_", "-").replace(" ", "-")
    if not _NAME.match(called):
        raise ConfigError(
            f"no project can be called {called!r}",
            hint="Use at most 64 small letters, digits and inner dashes: --name NAME.",
        )
    there = [target for target in _FILES if (folder / target).exists()]
    if there:
        raise ConfigError(
            f"there is a project in {folder.absolute()} already: {', '.join(there)}",
            hint="Choose an empty folder: tg init FOLDER.",
        )
    return {
        folder / target: render(
            read_template(f"project/{template}"), {"name": called}, name=template
        )
        for target, template in _FILES.items()
    }
