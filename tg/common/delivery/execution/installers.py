"""Who makes a virtual environment and fills it: uv, or venv and pip."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..delivery.index_settings import uv_settings

__all__ = ["Installer", "PipInstaller", "UvInstaller", "python_of"]

# What a user set for other installations must not lead this one elsewhere.
_ENVIRONMENT: Mapping[str, str | None] = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_PREFIX": None,
    "PIP_REQUIRE_VIRTUALENV": None,
    "PIP_TARGET": None,
    "PIP_USER": "0",
    "PYTHONHOME": None,
    "PYTHONPATH": None,
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "VIRTUAL_ENV": None,
}

_Run = Callable[[Sequence[str], Mapping[str, str | None]], None]


class Installer(Protocol):
    """Makes and fills environments; a command that fails raises `CommandError`."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    def create(self, path: Path) -> None:
        """Make an environment, of the Python that runs now, in an empty folder."""

    def fill(self, path: Path, requirements: Path, *, resolve: bool) -> None:
        """Install what a file lists, and with `resolve` what that needs in turn; compile it."""


class UvInstaller:
    """uv, with the indexes that pip is told to use.

    Parameters
    ----------
    run
        Runs a command with changes to the environment variables.
    uv
        The program.
    """

    name = "uv"

    def __init__(self, run: _Run, uv: str) -> None:
        self._run = run
        self._uv = uv
        self._env = {**_ENVIRONMENT, **uv_settings()}

    def create(self, path: Path) -> None:
        """Make an environment, of the Python that runs now, in an empty folder."""
        # the folder is there already, and ours alone
        options = ["--quiet", "--no-project", "--allow-existing", "--python", sys.executable]
        self._run([self._uv, "venv", *options, str(path)], self._env)

    def fill(self, path: Path, requirements: Path, *, resolve: bool) -> None:
        """Install what a file lists, and with `resolve` what that needs in turn; compile it."""
        # without bytecode, every run of a read-only environment would compile again
        options = ["--compile-bytecode", "--python", str(python_of(path)), *_exactly(resolve)]
        self._run(
            [self._uv, "pip", "install", *options, "--requirement", str(requirements)], self._env
        )


class PipInstaller:
    """The standard library's venv, and pip in it, which compiles by itself.

    Parameters
    ----------
    run
        Runs a command with changes to the environment variables.
    """

    name = "pip"

    def __init__(self, run: _Run) -> None:
        self._run = run

    def create(self, path: Path) -> None:
        """Make an environment, of the Python that runs now, in an empty folder."""
        self._run([sys.executable, "-m", "venv", str(path)], _ENVIRONMENT)

    def fill(self, path: Path, requirements: Path, *, resolve: bool) -> None:
        """Install what a file lists, and with `resolve` what that needs in turn; compile it."""
        pip = [str(python_of(path)), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
        self._run([*pip, *_exactly(resolve), "--requirement", str(requirements)], _ENVIRONMENT)


def python_of(path: Path) -> Path:
    """Return the interpreter of an environment; the link itself, as what it leads to is another.

    Example
    -------
    >>> python_of(Path("env")).parent.name in ("bin", "Scripts")
    True
    """
    return path / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _exactly(resolve: bool) -> list[str]:
    return [] if resolve else ["--no-deps"]
