"""The image that holds a base, its packages and a lock: made once, shared by many trainings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from ..._core.templates import read_template, render
from ..docker.images import ImageRecord
from ..docker.labels import DEPENDENCIES_REPOSITORY
from .build_secrets import SECRETS_PLACE
from .dockerfile import Dockerfile
from .image_requirements import ImageRequirements

__all__ = ["FILES_PLACE", "DependencyImage"]

FILES_PLACE = "/run/tg/files"
_PROTOCOL = 1


@dataclass(frozen=True, kw_only=True)
class DependencyImage:
    """All of an image but the package's code.

    Attributes
    ----------
    dockerfile
        The rendered template.
    base
        The base image.
    base_name
        What that was asked for as.
    requirements
        What is installed.
    python_version
        The minor version of Python that the base must have.
    platform
        The platform asked for; ``None`` for the engine's own.
    network
        The network of the steps; ``None`` for the engine's default.
    """

    dockerfile: Dockerfile
    base: ImageRecord
    base_name: str
    requirements: ImageRequirements
    python_version: str
    platform: str | None
    network: str | None

    @property
    def key(self) -> str:
        """The hash of all that decides what is in it."""
        parts = [
            _PROTOCOL,
            self.base.id,
            self.dockerfile.dependencies(""),
            self.install_script,
            self.requirements.lines,
            self.requirements.constraints,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]

    @property
    def reference(self) -> str:
        """Its name and tag."""
        return f"{DEPENDENCIES_REPOSITORY}:{self.key}"

    @property
    def python_numbers(self) -> tuple[int, int]:
        """The minor version of Python as numbers."""
        major, _, minor = self.python_version.partition(".")
        return int(major), int(minor)

    @property
    def install_script(self) -> str:
        """What installs the lock, in the image's own shell."""
        options = ["--no-deps"] if self.requirements.is_complete else []
        if self.requirements.constraints:
            options.append(f"--constraint {FILES_PLACE}/constraints.txt")
        values = {
            "base_image": self.base_name,
            "python_version": self.python_version,
            "secrets": SECRETS_PLACE,
            "options": " ".join(options),
        }
        return render(read_template("sagemaker/install.sh"), values, name="install.sh")

    @property
    def files(self) -> dict[str, str]:
        """What the installation reads, by file name."""
        return {
            "install.sh": self.install_script,
            "requirements.txt": "".join(f"{line}\n" for line in self.requirements.lines),
            "constraints.txt": "".join(f"{line}\n" for line in self.requirements.constraints),
        }
