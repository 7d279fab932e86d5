"""What the image of a package is made of."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .dependency_list import DependencyList
from .packaging import Packaging
from .templates import read_template, render

__all__ = ["Containering"]


class Containering:
    """Describes the image of a package.

    Parameters
    ----------
    name
        The image's name.
    tag
        Its tag; ``None`` for the package's version.

    Attributes
    ----------
    dependencies
        Lists of requirements of the image's dependency layer; ``None`` for the package's lock.
    dockerfile_template
        The text of the Dockerfile, with placeholders.
    run_file_name
        What the script that starts the training is called in the image.
    python_version
        The minor version of Python, such as ``"3.11"``.
    base_image
        What the image builds on; ``TG_BASE_IMAGE`` or ``python:X.Y-slim`` if ``None``.
    silent
        Whether to say nothing.
    """

    def __init__(self, name: str, tag: str | None) -> None:
        self.image_name = name
        self.image_tag = tag
        self.dependencies: Sequence[DependencyList] | None = None
        self.dockerfile_template = read_template("sagemaker/Dockerfile")
        self.run_file_name = "train.py"
        self.python_version = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.base_image: str | None = None
        self.silent = False

    @classmethod
    def from_packaging(cls, packaging: Packaging) -> Containering:
        """Name the image as the package is named."""
        containering = cls(packaging.name.lower(), packaging.version)
        containering.dependencies = packaging.dependencies
        containering.silent = packaging.silent
        return containering

    def render_dockerfile(self, package_file: Path) -> str:
        """Give the Dockerfile for a package.

        Parameters
        ----------
        package_file
            The package's archive; it lies beside the Dockerfile when the image is built.

        Raises
        ------
        ConfigError
            The template has a placeholder that is not known.
        """
        configured = self.base_image or os.environ.get("TG_BASE_IMAGE")
        values = {
            "base_image": configured or f"python:{self.python_version}-slim",
            "package_file": package_file.name,
            "run_file": self.run_file_name,
        }
        return render(self.dockerfile_template, values, name="Dockerfile")

    def render_run_file(self, module_name: str) -> str:
        """Give the script that starts the training in the image.

        Parameters
        ----------
        module_name
            The package's root module.
        """
        text = read_template("sagemaker/train.py.template")
        return render(text, {"module": module_name}, name=self.run_file_name)
