"""What is installed into an image."""

from __future__ import annotations

import platform as this_platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ...contract.manifest import PackageManifest
from .dependency_list import DependencyList
from .machine import machine_of

__all__ = ["ImageRequirements"]


@dataclass(frozen=True, kw_only=True)
class ImageRequirements:
    """The lines of the installer's files.

    Attributes
    ----------
    lines
        What is asked for.
    constraints
        What holds for whatever that needs in turn; empty if the lines are all there is.
    is_complete
        Whether the lines are all that is to be installed.
    """

    lines: tuple[str, ...]
    constraints: tuple[str, ...]
    is_complete: bool

    @classmethod
    def of(
        cls,
        manifest: PackageManifest,
        dependencies: Sequence[DependencyList] | None,
        platform: str,
    ) -> ImageRequirements:
        """Choose between the package's lock and what it was made from.

        The lock is taken as it is for an image of this machine's own platform. For another one it
        holds as far as the same libraries are needed there.

        Parameters
        ----------
        manifest
            The package's.
        dependencies
            What the user wants in the image; what the package does not ask for is added.
        platform
            The image's, such as ``linux/amd64``.
        """
        wanted = DependencyList.merge(dependencies).requirements if dependencies else ()
        further = [line for line in wanted if line not in manifest.requirements]
        if not further and _is_native(platform):
            return cls(lines=manifest.lock, constraints=(), is_complete=manifest.lock_is_complete)
        named = {_name(line) for line in further}
        return cls(
            lines=tuple(sorted([*_others(manifest.requirements, named), *further])),
            # a constraint may not be a URL
            constraints=tuple(x for x in _others(manifest.lock, named) if "@" not in x),
            is_complete=False,
        )


def _is_native(platform: str) -> bool:
    return sys.platform == "linux" and machine_of(platform) == machine_of(this_platform.machine())


def _others(lines: Sequence[str], names: set[str]) -> list[str]:
    return [line for line in lines if _name(line) not in names]


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)
