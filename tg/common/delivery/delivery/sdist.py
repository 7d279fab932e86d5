"""The files of a source distribution, as setuptools would lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..._core.templates import read_template, render
from .package_name import PackageName

__all__ = ["SourceDistribution"]


@dataclass(frozen=True, kw_only=True)
class SourceDistribution:
    """A pure Python sdist: one root package and its metadata.

    The layout is that of the "Source distribution format" specification of packaging.python.org;
    the ``.egg-info`` folder is setuptools' own habit.

    Attributes
    ----------
    package
        Its names.
    python
        The minor version of Python it is for.
    requirements
        What it needs, in the form of PEP 508.
    files
        Path below the root package to content.
    """

    package: PackageName
    python: str
    requirements: Sequence[str]
    files: Mapping[str, bytes]

    def members(self) -> dict[str, bytes]:
        """Give path to content of everything in the archive, in the order of the archive."""
        code = {f"{self.package.module}/{path}": data for path, data in self.files.items()}
        metadata = self._metadata(code)
        folder = self.package.sdist_folder
        return {f"{folder}/{path}": data for path, data in sorted({**metadata, **code}.items())}

    def _metadata(self, code: Mapping[str, bytes]) -> dict[str, bytes]:
        values = self._values(code)
        pkg_info = self._render("PKG-INFO", values)
        egg_info = f"{self.package.distribution.replace('-', '_')}.egg-info"
        requires = "".join(f"{requirement}\n" for requirement in self.requirements)
        metadata = {
            "PKG-INFO": pkg_info,
            "pyproject.toml": self._render("pyproject.toml", values),
            "setup.cfg": b"[egg_info]\ntag_build = \ntag_date = 0\n",
            f"{egg_info}/PKG-INFO": pkg_info,
            f"{egg_info}/dependency_links.txt": b"\n",
            f"{egg_info}/requires.txt": requires.encode(),
            f"{egg_info}/top_level.txt": f"{self.package.module}\n".encode(),
        }
        sources = sorted([*code, *metadata, f"{egg_info}/SOURCES.txt"])
        metadata[f"{egg_info}/SOURCES.txt"] = ("\n".join(sources) + "\n").encode()
        return metadata

    def _values(self, code: Mapping[str, bytes]) -> dict[str, str]:
        folders = {path.rpartition("/")[0] for path in code if path.endswith(".py")}
        packages = sorted(
            folder.replace("/", ".")
            for folder in folders
            if all(part.isidentifier() for part in folder.split("/"))
        )
        return {
            "distribution": self.package.distribution,
            "version": self.package.distribution_version,
            "module": self.package.module,
            "summary": f"Training {self.package.name}, version {self.package.version}",
            "python": self.python,
            "requirements": "\n".join(f"    {_quoted(r)}," for r in self.requirements),
            "requires_dist": "\n".join(f"Requires-Dist: {r}" for r in self.requirements),
            "packages": "\n".join(f'    "{package}",' for package in packages),
        }

    def _render(self, name: str, values: Mapping[str, str]) -> bytes:
        return render(read_template(f"package/{name}.template"), values, name=name).encode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
