"""What a package is called: by its user, by Python, by pip."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..._core.errors import NamingError

__all__ = ["PackageName", "check_name", "check_version"]

_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*\Z")
_MAX_NAME = 100
_MAX_VERSION = 64
_HASH_DIGITS = 16


def check_name(name: str) -> str:
    """Give `name` back if a package may be called so.

    Raises
    ------
    NamingError
        With a name that would do.
    """
    if isinstance(name, str) and _NAME.match(name) and not keyword.iskeyword(name):
        if len(name) <= _MAX_NAME:
            return name
        raise NamingError(
            f"the package name {name[:20]}... has {len(name)} characters",
            hint=f"Use {_MAX_NAME} at most.",
        )
    better = re.sub(r"[^A-Za-z0-9]+", "_", str(name)).strip("_")
    better = better if better[:1].isalpha() and not keyword.iskeyword(better) else f"task_{better}"
    raise NamingError(
        f"the package name {name!r} is not a Python identifier of ASCII letters, digits and inner "
        "underscores",
        hint=f"Call it {better.rstrip('_')!r}.",
    )


def check_version(version: str) -> str:
    """Give `version` back if a package may have it.

    Raises
    ------
    NamingError
        With the rule.
    """
    if isinstance(version, str) and _VERSION.match(version) and len(version) <= _MAX_VERSION:
        return version
    raise NamingError(
        f"the package version {version!r} is not made of letters and digits, in parts that are "
        f"separated by dots, {_MAX_VERSION} characters at most",
        hint="Give a version such as '0' or '1.2', or none: then it is the hash of the content.",
    )


@dataclass(frozen=True, kw_only=True)
class PackageName:
    """A package's name and version, and all that is derived from them.

    Attributes
    ----------
    name, version
        As the user gave them.

    Example
    -------
    >>> package = PackageName(name="SingleFrameTrainingTask", version="0")
    >>> package.module
    'SingleFrameTrainingTask__0'
    >>> package.sdist_file
    'singleframetrainingtask_0-0.tar.gz'
    """

    name: str
    version: str

    def __post_init__(self) -> None:
        check_name(self.name)
        check_version(self.version)

    @classmethod
    def from_hash(cls, name: str, content_hash: str) -> PackageName:
        """Give the package the hash of its content for a version."""
        return cls(name=name, version=f"h{content_hash[:_HASH_DIGITS]}")

    @property
    def module(self) -> str:
        """The root module: ``NAME__VERSION``."""
        return f"{self.name}__{self.version.replace('.', '_')}"

    @property
    def distribution(self) -> str:
        """What pip calls it; it holds the version, so that versions are installed side by side."""
        return canonicalize_name(self.module)

    @property
    def distribution_version(self) -> str:
        """The version in pip's eyes (PEP 440), as a local version where it is none by itself."""
        try:
            return str(Version(self.version))
        except InvalidVersion:
            return str(Version(f"0+{self.version}"))

    @property
    def sdist_folder(self) -> str:
        """The folder in the sdist, by the sdist file name rules of PEP 625."""
        return f"{self.distribution.replace('-', '_')}-{self.distribution_version}"

    @property
    def sdist_file(self) -> str:
        """The file name of the sdist (PEP 625)."""
        return f"{self.sdist_folder}.tar.gz"
