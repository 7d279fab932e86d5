"""The image of a package."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..._core.errors import ConfigError
from ..._core.logger import Logger
from ..._core.templates import read_template
from ..docker.engine import DockerEngine
from ..docker.images import ImageStore
from .base_image import find_base_image
from .dependency_image import DependencyImage
from .dependency_list import DependencyList
from .dockerfile import Dockerfile, system_packages
from .image_context import render_run_file
from .image_name import ImageName, legal_image_name, legal_tag
from .image_requirements import ImageRequirements
from .packaging import Package, Packaging
from .training_image import Image, TrainingImage

__all__ = ["Containering"]

_RUN_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*\Z")
_TAKEN = ("bin", "code", "unpacked")  # what stands beside it in the image, or while it is made
_PYTHON = re.compile(r"3\.\d+\Z")


class Containering:
    """Makes the image of a package.

    Parameters
    ----------
    name
        The image's name.
    tag
        Its tag; ``None`` for the package's version.

    Attributes
    ----------
    dependencies
        Lists of requirements of the image's dependency layer, beside what the package needs;
        ``None`` for the package's lock alone.
    dockerfile_template
        The text of the Dockerfile, with placeholders; ``DOCKERFILE_TEMPLATE``, or your own.
    run_file_name
        What the script that starts the training is called in the image.
    python_version
        The minor version of Python, such as ``"3.11"``.
    base_image
        What the image builds on; ``TG_BASE_IMAGE`` or ``python:X.Y-slim`` if ``None``.
    platform
        The image's platform, such as ``"linux/amd64"``; the engine's own if ``None``.
    apt_packages
        Debian packages that are installed first, ``"name"`` or ``"name=version"``.
    build_steps
        Instructions of a Dockerfile that follow the dependencies, such as ``"RUN …"``.
    builder
        ``"buildkit"`` or ``"classic"``; ``TG_BUILDER``, or BuildKit where it is there, if ``None``.
    build_network
        The network that the steps of a build use; the engine's default if ``None``.
    engine
        Where the image is made.
    silent
        Whether to say nothing.

    Example
    -------
    >>> containering = Containering("tea", "1")
    >>> containering.apt_packages = ["libgomp1"]
    >>> containering.run_file_name
    'train.py'
    """

    def __init__(self, name: str, tag: str | None) -> None:
        self.image_name = name
        self.image_tag = tag
        self.dependencies: Sequence[DependencyList] | None = None
        self.dockerfile_template = read_template("sagemaker/Dockerfile")
        self.run_file_name = "train.py"
        self.python_version = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.base_image: str | None = None
        self.platform: str | None = None
        self.apt_packages: Sequence[str] = ()
        self.build_steps: Sequence[str] = ()
        self.builder: str | None = None
        self.build_network: str | None = None
        self.engine = DockerEngine()
        self.silent = False
        self._packaging: Packaging | None = None

    @classmethod
    def from_packaging(cls, packaging: Packaging) -> Containering:
        """Name the image as the package is named, and make it of that."""
        version = packaging.version
        containering = cls(
            legal_image_name(packaging.name), None if version is None else legal_tag(version)
        )
        containering.dependencies = packaging.dependencies
        containering.silent = packaging.silent
        containering._packaging = packaging
        return containering

    def make_container(self, package: Package | None = None) -> Image:
        """Build the image, or find the one that was built of the same content.

        A code edit adds one small layer to an image that holds the lock; unchanged code builds
        nothing. Progress goes to the log, unless `silent`.

        Parameters
        ----------
        package
            What it is made of; the packaging's own, made now, if ``None``.

        Raises
        ------
        ConfigError
            The template, the platform or another setting cannot be used; nothing was built.
        EngineUnavailableError
            There is no engine.
        ImageBuildError
            A step failed; what it printed is in the error.
        """
        if package is None:
            if self._packaging is None:
                raise ConfigError(
                    "there is no package to make an image of",
                    hint="Give one, or use Containering.from_packaging(packaging).",
                )
            package = self._packaging.make_package()
        return self.training_image(package).make(self.engine, self.builder, self._on_line)

    def training_image(self, package: Package, *, may_be_recent: bool = False) -> TrainingImage:
        """Fix all that decides what is in the image, without making it.

        Its hash holds the package, all settings as they are now, and the base image, which is
        pulled if need be.

        Parameters
        ----------
        package
            What it is made of.
        may_be_recent
            Whether the engine need not be asked for the base image again if it was in the last
            minute: for finding out whether an image is there that was made of it.

        Raises
        ------
        ConfigError
            The template, the platform or another setting cannot be used.
        EngineError
            The base image is not there, or the engine.
        """
        name = self._name(package)
        dockerfile = self._dockerfile(package.path.name)
        base = find_base_image(
            ImageStore(self.engine),
            self.base_image_name,
            self.platform,
            self._on_line,
            may_be_recent=may_be_recent,
        )
        dependencies = DependencyImage(
            dockerfile=dockerfile,
            base=base,
            base_name=self.base_image_name,
            requirements=ImageRequirements.of(package.manifest, self.dependencies, base.platform),
            python_version=self.python_version,
            platform=self.platform,
            network=self.build_network,
        )
        return TrainingImage(
            package=package,
            dockerfile=dockerfile,
            dependencies=dependencies,
            name=name,
            run_file_name=self.run_file_name,
        )

    def render_dockerfile(self, package_file: Path) -> str:
        """Give the Dockerfile for a package, with a comment where the lock is installed.

        Parameters
        ----------
        package_file
            The package's archive; it lies beside the Dockerfile when the image is built.

        Raises
        ------
        ConfigError
            The template has a placeholder that is not known, or lacks one.
        """
        return str(self._dockerfile(package_file.name))

    def render_run_file(self, module_name: str) -> str:
        """Give the script that starts the training in the image.

        Parameters
        ----------
        module_name
            The package's root module.
        """
        return render_run_file(module_name, self.run_file_name)

    @property
    def base_image_name(self) -> str:
        """The base image that is asked for."""
        configured = self.base_image or os.environ.get("TG_BASE_IMAGE")
        return configured or f"python:{self.python_version}-slim"

    def _name(self, package: Package) -> ImageName:
        tag = self.image_tag
        return ImageName(
            self.image_name, legal_tag(package.manifest.version) if tag is None else tag
        )

    def _dockerfile(self, package_file: str) -> Dockerfile:
        if not _RUN_FILE.match(self.run_file_name) or self.run_file_name in (package_file, *_TAKEN):
            raise ConfigError(
                f"the run file may not be called {self.run_file_name!r}",
                hint="Give a file name such as 'train.py'.",
            )
        if isinstance(self.build_steps, str):
            raise ConfigError(
                f"build_steps is a text: {self.build_steps!r}", hint="Give a list of instructions."
            )
        if not isinstance(self.python_version, str) or not _PYTHON.match(self.python_version):
            raise ConfigError(
                f"python_version is {self.python_version!r}",
                hint="Give a minor version as a text, such as '3.11'.",
            )
        values = {
            "base_image": self.base_image_name,
            "system_packages": system_packages(self.apt_packages),
            "build_steps": "\n".join(self.build_steps),
            "package_file": package_file,
        }
        return Dockerfile.of(self.dockerfile_template, values)

    @property
    def _on_line(self) -> Callable[[str], None] | None:
        return None if self.silent else Logger.plain
