"""What an image needs of this machine."""

from __future__ import annotations

import platform as this_platform
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..._core.errors import (
    ConfigError,
    EngineError,
    EngineUnavailableError,
    MissingDependencyError,
    StorageError,
)
from ..delivery.containering import Containering
from ..delivery.machine import machine_of
from ..docker.builder import find_builder
from ..docker.inspection import inspect, parsed
from .check import Finding

__all__ = ["LocalMachine"]

_GB = 1_000_000_000
_HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
_OFFICIAL = re.compile(r"(?:.*/)?python:(3\.\d+)\b")  # as the official images are called
_ASK_PYTHON = "import sys; print('%d.%d' % sys.version_info[:2])"
_PYTHON_SECONDS = 60.0
_OTHER_PYTHON = (
    "What is pickled by one Python may not open in another: choose a base image with Python "
    f"{_HERE}, by containering.base_image or TG_BASE_IMAGE, or train with the Python of the image."
)


class LocalMachine:
    """Looks at this machine, its container engine, and the base of an image.

    Each look gives what it found, or raises the error that a build is refused with.

    Parameters
    ----------
    containering
        Describes the image, and knows the engine.
    engine_bytes
        How much room the engine is to have: the usual libraries take 1 GB in an image, and as much
        again while it is made.
    work_bytes
        How much room there is to be for packages and for what a build is made of.
    """

    def __init__(
        self,
        containering: Containering,
        *,
        engine_bytes: int = 4 * _GB,
        work_bytes: int = _GB,
    ) -> None:
        self._containering = containering
        self._engine = containering.engine
        self._engine_bytes = engine_bytes
        self._work_bytes = work_bytes

    def engine(self) -> Finding:
        """Look whether a container engine answers, and what builds there.

        Raises
        ------
        EngineUnavailableError
            There is none, or it does not answer.
        """
        version = self._engine.version()
        builder = find_builder(self._engine, self._containering.builder)
        return Finding(text=f"Docker {version} answers; images are built with {builder.kind}")

    def python(self) -> Finding:
        """Look whether the image has the Python that is used here.

        Raises
        ------
        ConfigError
            It has another one, or none.
        """
        wanted, base = self._containering.python_version, self._containering.base_image_name
        if wanted != _HERE:
            raise ConfigError(
                f"the image is to have Python {wanted}, and this is Python {_HERE}",
                hint=_OTHER_PYTHON,
            )
        found = self._python_of(base)
        if not found:
            return Finding(
                text=f"{_HERE} here; the base image {base} is not here yet",
                doubt=f"Is there Python {_HERE} in it? `docker pull {base}` gets it to be looked "
                "at.",
            )
        if found != _HERE:
            raise ConfigError(
                f"the base image {base} has Python {found}, and this is Python {_HERE}",
                hint=_OTHER_PYTHON,
            )
        return Finding(text=f"{_HERE} here and in {base}")

    def platform(self, platform: str) -> Finding:
        """Look whether the engine builds for a platform without emulating it.

        Parameters
        ----------
        platform
            The image's, such as ``linux/amd64``.

        Raises
        ------
        EngineUnavailableError
            No engine answers.
        """
        form = "{{.Server.Os}}/{{.Server.Arch}}"
        own = self._engine.call(["version", "--format", form]).output.strip()
        text = f"{platform}; the engine's own is {own}"
        if machine_of(own) == machine_of(platform):
            return Finding(text=text)
        return Finding(
            text=text,
            doubt=f"Images for {platform} are emulated here, which is slow, where it works at all: "
            f"try `docker run --rm --platform {platform} {self._containering.base_image_name} "
            "uname -m`.",
        )

    def engine_room(self) -> Finding:
        """Look for room where the engine keeps images.

        Raises
        ------
        StorageError
            There is not enough.
        EngineUnavailableError
            No engine answers.
        """
        told = self._engine.call(["info", "--format", "{{.DockerRootDir}}"]).output.strip()
        if this_platform.system() != "Linux" or not Path(told).is_dir():
            return Finding(
                text=f"images are kept in {told} of another machine, or of a virtual one",
                doubt="`docker system df` tells what they take there.",
            )
        return _room(Path(told), self._engine_bytes, "`tg images prune` removes old images.")

    def work_room(self) -> Finding:
        """Look for room for packages and for what a build is made of.

        Raises
        ------
        StorageError
            There is not enough.
        """
        folder = Path(tempfile.gettempdir())
        return _room(folder, self._work_bytes, "Delete something, or set TMPDIR to another disk.")

    def _python_of(self, base: str) -> str:
        """Ask the base image for its Python; by its name if it is not here."""
        found = inspect(self._engine, "image", [base])
        if not found:
            named = _OFFICIAL.match(base)
            return named.group(1) if named else ""
        variables = parsed("an image", lambda: _variables(found[0]))
        if "PYTHON_VERSION" in variables:  # official images tell it
            return ".".join(variables["PYTHON_VERSION"].split(".")[:2])
        args = ["run", "--rm", "--network", "none", "--entrypoint", "python3", base]
        try:
            told = self._engine.call([*args, "-c", _ASK_PYTHON], timeout_seconds=_PYTHON_SECONDS)
        except EngineUnavailableError:
            raise
        except EngineError as exc:
            raise MissingDependencyError(
                f"the base image {base} has no python3 that runs: {exc.what}",
                hint="Choose one that has it, by containering.base_image or TG_BASE_IMAGE.",
            ) from exc
        return told.output.strip()


def _variables(image: Mapping[str, Any]) -> dict[str, str]:
    pairs = (image.get("Config") or {}).get("Env") or ()
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _room(folder: Path, wanted_bytes: int, hint: str) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        return Finding(
            text=f"the room in {folder} could not be looked up: {exc.strerror or exc}",
            doubt=f"There are to be {wanted_bytes / _GB:g} GB.",
        )
    text = f"{free / _GB:.1f} GB are free in {folder}"
    if free < wanted_bytes:
        raise StorageError(f"{text}, and a build may take {wanted_bytes / _GB:g} GB", hint=hint)
    return Finding(text=text)
