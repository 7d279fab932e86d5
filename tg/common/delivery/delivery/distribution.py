"""One installed distribution, as its metadata describe it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..._core.errors import DependencyError
from ..._core.redaction import redact
from .module_origin import is_site_packages
from .requirement import canonical, parse_requirement

__all__ = ["InstalledDistribution"]

_HEADER = re.compile(r"^(Name|Version|Requires-Dist):[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class InstalledDistribution:
    """A library that is installed here.

    Attributes
    ----------
    name
        As its metadata write it.
    version
        With its local part, such as ``"2.13.0+cpu"``.
    requires
        Its own requirements (PEP 508), extras and markers included.
    metadata_path
        Its ``.dist-info`` or ``.egg-info``.
    """

    name: str
    version: str
    requires: tuple[str, ...]
    metadata_path: Path

    @classmethod
    def read(cls, metadata_path: Path) -> InstalledDistribution:
        """Read the metadata of a distribution (core metadata 2.x, PEP 566).

        Raises
        ------
        DependencyError
            They cannot be read, or lack a name or a version.
        """
        file = _metadata_file(metadata_path)
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError as exc:
            raise _broken(metadata_path, f"{file.name} cannot be read: {exc.strerror}") from exc
        head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0].replace("\r\n", "\n")
        values: dict[str, list[str]] = {"Name": [], "Version": [], "Requires-Dist": []}
        for match in _HEADER.finditer(head):
            values[match[1]].append(match[2].strip())
        for key in ("Name", "Version"):
            if not values[key] or not values[key][0]:
                raise _broken(metadata_path, f"its metadata have no {key}")
        requires = values["Requires-Dist"] or _legacy_requires(metadata_path)
        return cls(
            name=values["Name"][0],
            version=values["Version"][0],
            requires=tuple(requires),
            metadata_path=metadata_path,
        )

    @cached_property
    def key(self) -> str:
        """The name as the index compares it."""
        return canonical(self.name)

    @cached_property
    def is_editable(self) -> bool:
        """Whether its code is the user's own source, which travels."""
        if self.metadata_path.name.endswith(".egg-info"):
            # ``setup.py develop`` leaves the metadata beside the source
            return not is_site_packages(self.metadata_path)
        info = self._direct_url.get("dir_info")
        return isinstance(info, dict) and info.get("editable") is True

    @cached_property
    def requirement(self) -> str:
        """What installs the same again: a pin, or the URL that it came from (PEP 610).

        Raises
        ------
        DependencyError
            It came from a file of this machine, or from a URL that holds a secret.
        """
        direct = self._direct_url
        url = direct.get("url")
        if not isinstance(url, str) or self.is_editable:
            return f"{self.key}=={self.version}"
        if url.startswith("file:"):
            return self._requirement_of_file(url)
        return self._requirement_of_url(_without_user(url), direct)

    def _requirement_of_file(self, url: str) -> str:
        # conda builds leave the path of the machine that built them; their version is on the index
        if self._read("INSTALLER").strip() == "conda":
            return f"{self.key}=={self.version}"
        raise DependencyError(
            f"{self.name} {self.version} was installed from {url}, which no other machine has",
            hint=f"Install it with `pip install -e`, so that its source travels, or from an index; "
            f"or name {self.name!r} in a DependencyList.",
        )

    def _requirement_of_url(self, url: str, direct: Mapping[str, Any]) -> str:
        vcs, archive = direct.get("vcs_info"), direct.get("archive_info")
        fragments = []
        if isinstance(vcs, dict):
            url = f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'HEAD')}"
        elif isinstance(archive, dict):
            hashes = archive.get("hashes")
            if isinstance(hashes, dict) and "sha256" in hashes:
                fragments.append(f"sha256={hashes['sha256']}")
        if direct.get("subdirectory"):
            fragments.append(f"subdirectory={direct['subdirectory']}")
        text = f"{self.key} @ {url}{'#' if fragments else ''}{'&'.join(fragments)}"
        parse_requirement(text, where=f"what is installed of {self.name!r}")
        return text

    @cached_property
    def _direct_url(self) -> Mapping[str, Any]:
        text = self._read("direct_url.json")
        if not text:
            return {}
        try:
            direct = json.loads(text)
        except ValueError as exc:
            raise _broken(self.metadata_path, "direct_url.json is no JSON") from exc
        return direct if isinstance(direct, dict) else {}

    def _read(self, name: str) -> str:
        try:
            return (self.metadata_path / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""  # these files are optional


def _metadata_file(path: Path) -> Path:
    if path.name.endswith(".dist-info"):
        return path / "METADATA"
    return path / "PKG-INFO" if path.is_dir() else path


def _legacy_requires(path: Path) -> list[str]:
    """Read the requirements of an ``.egg-info``, which stand in a file of their own."""
    if not (path / "requires.txt").is_file():
        return []
    from importlib.metadata import PathDistribution  # noqa: PLC0415 - 20 ms that few need

    return PathDistribution(path).requires or []


def _without_user(url: str) -> str:
    """Take the user out of a URL; the ``git`` of an ssh URL is no secret."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if at and (parts.scheme not in ("ssh", "git+ssh") or ":" in user):
        parts = parts._replace(netloc=host)
    return urlunsplit(parts)


def _broken(path: Path, why: str) -> DependencyError:
    name = path.name.partition("-")[0].removesuffix(".egg-info")
    return DependencyError(
        f"the installation of {name!r} is broken: {redact(why)} ({path})",
        hint=f"Install it again: `python -m pip install --force-reinstall {name}`.",
    )
