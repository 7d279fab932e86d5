"""What a package that was made can import."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..._core.archive_reader import ArchiveReader
from ...contract.manifest import PackageManifest
from ..delivery.installed import infer
from ..delivery.module_origin import OriginKind, origin
from ..runtime.package_manifest import read_manifest

__all__ = ["PackageContents"]


class PackageContents:
    """The source and the libraries of a package.

    Parameters
    ----------
    path
        The archive.

    Raises
    ------
    ArchiveError
        It is gone, damaged, or no package; when it is first looked at.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def lacks(self, modules: Iterable[str], *, libraries: bool = True) -> list[str]:
        """Find the modules that are here, and that code of the package cannot import.

        Parameters
        ----------
        modules
            Dotted names; what is not to be found here either is no module.
        libraries
            Whether libraries count, or the user's own source alone.

        Returns
        -------
        list of str
            Sorted.
        """
        wanted = set(modules)
        own = {name for name in wanted if self._travels(name)}
        lacking = {name for name in own if _is_here(name) and name not in self._modules}
        if libraries:
            for name, owners in infer(wanted - own).providers.items():
                if not self._pinned.intersection(owners):
                    lacking.add(name)
        return sorted(lacking)

    def _travels(self, name: str) -> bool:
        top = name.partition(".")[0]
        return top in self._manifest.travellers or origin(top).kind is OriginKind.LOCAL

    @cached_property
    def _manifest(self) -> PackageManifest:
        return read_manifest(self._path)

    @cached_property
    def _modules(self) -> frozenset[str]:
        found = set[str]()
        for name in ArchiveReader(self._path).names():
            parts = PurePosixPath(name).with_suffix("").parts[2:]  # below SDIST_FOLDER/ROOT_MODULE
            # a folder is a module as well
            found.update(".".join(parts[: depth + 1]) for depth in range(len(parts)))
        return frozenset(found)

    @cached_property
    def _pinned(self) -> frozenset[str]:
        return frozenset(canonicalize_name(Requirement(line).name) for line in self._manifest.lock)


def _is_here(name: str) -> bool:
    top, _, rest = name.partition(".")
    if not rest:
        return bool(origin(top).paths)
    below = [path.joinpath(*rest.split(".")) for path in origin(top).paths]
    return any(path.is_dir() or path.with_name(f"{path.name}.py").is_file() for path in below)
