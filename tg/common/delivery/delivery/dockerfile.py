"""A Dockerfile that was rendered, cut where one image ends and the next begins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..._core.errors import ConfigError
from ..._core.templates import render

__all__ = ["Dockerfile", "system_packages"]

_STAGE = "dependencies"
# a line that follows a backslash goes on with an instruction that stands above
_FROM = re.compile(r"(?<!\\\n)^[ \t]*FROM[ \t].*$", re.IGNORECASE | re.MULTILINE)
_ARG = re.compile(r"(?<!\\\n)^[ \t]*ARG[ \t].*$", re.IGNORECASE | re.MULTILINE)
_STAGE_NAME = re.compile(rf"[ \t]AS[ \t]+{_STAGE}\s*$", re.IGNORECASE)
_MARK = "# the dependencies are installed here"
_APT_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(:[a-z0-9-]+)?(=[A-Za-z0-9.+~:-]+)?\Z")


@dataclass(frozen=True, kw_only=True)
class Dockerfile:
    """The text of an image, in parts.

    Attributes
    ----------
    prologue
        What stands before the stage ``dependencies``.
    head
        That stage, up to where the libraries are installed.
    steps
        That stage, from there on.
    final
        What stands after the stage.
    """

    prologue: str
    head: str
    steps: str
    final: str

    @classmethod
    def of(cls, template: str, values: Mapping[str, str]) -> Dockerfile:
        """Fill in a template.

        Parameters
        ----------
        template
            Its text; ``${install_dependencies}`` stands in a stage called ``dependencies``.
        values
            The other placeholders.

        Raises
        ------
        ConfigError
            A placeholder is unknown, or one that has a value is missing, or there is no such
            stage.
        """
        text = render(
            template,
            {**values, "install_dependencies": _MARK},
            name="Dockerfile",
            required=[name for name, value in values.items() if value] + ["install_dependencies"],
        )
        stages = list(_FROM.finditer(text))
        for stage, following in zip(stages, [*stages[1:], None], strict=True):
            if _STAGE_NAME.search(stage.group()):
                end = following.start() if following else len(text)
                head, mark, steps = text[stage.start() : end].partition(_MARK)
                if mark and following:
                    return cls(
                        prologue=text[: stage.start()], head=head, steps=steps, final=text[end:]
                    )
        raise ConfigError(
            f"the Dockerfile has no stage {_STAGE!r} that installs the dependencies, with another "
            "stage after it",
            hint="Keep `FROM ${base_image} AS dependencies` … `${install_dependencies}` … "
            "`FROM dependencies` of DOCKERFILE_TEMPLATE.",
        )

    def dependencies(self, install: str) -> str:
        """Give the text up to the end of the stage ``dependencies``.

        Parameters
        ----------
        install
            The instruction that installs them.
        """
        return f"{self.prologue}{self.head}{install}{self.steps}"

    @property
    def before_installation(self) -> str:
        """The text up to where they are installed."""
        return f"{self.prologue}{self.head}"

    def after_installation(self, image: str, install: str) -> str:
        """Give the text from there on, where an image has all that stands before.

        Parameters
        ----------
        image
            That image.
        install
            The instruction that adds what was installed.
        """
        # an image keeps all that was set, except for the arguments of its build
        lines = [f"FROM {image} AS {_STAGE}", *_ARG.findall(self.head), install]
        return self.prologue + "\n".join(lines) + self.steps

    def image(self, dependencies: str) -> str:
        """Give the text of the whole, where an image has all dependencies."""
        return f"{self.prologue}FROM {dependencies} AS {_STAGE}\n{self.final}"

    def __str__(self) -> str:
        return f"{self.dependencies(_MARK)}{self.final}"


def system_packages(names: Sequence[str]) -> str:
    """Give the instruction that installs Debian packages.

    Parameters
    ----------
    names
        Packages of the base image's distribution, ``name`` or ``name=version``.

    Raises
    ------
    ConfigError
        A name is no package's.

    Example
    -------
    >>> system_packages([])
    ''
    """
    if isinstance(names, str):
        raise ConfigError(f"{names!r} is a text", hint=f"Give a list of packages: [{names!r}].")
    for name in names:
        if not _APT_PACKAGE.match(name):
            raise ConfigError(
                f"{name!r} is not the name of a Debian package",
                hint="Give names such as 'libgomp1' or 'git=1:2.39.5-0+deb12u2'.",
            )
    if not names:
        return ""
    return (
        "RUN apt-get update"
        " && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "
        + " ".join(sorted(set(names)))
        + " && rm -rf /var/lib/apt/lists/*"
    )
