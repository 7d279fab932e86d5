"""Which distributions are installed, by name and by the files they own; read only as needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..._core.errors import DependencyError
from .distribution import InstalledDistribution
from .module_origin import install_folder
from .requirement import canonical

__all__ = ["DistributionIndex"]


@dataclass(kw_only=True)
class _Folder:
    """The distributions of one folder of ``sys.path``, until the folder changes."""

    changed_ns: int
    metadata: dict[str, list[Path]]
    owners: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    read: dict[Path, InstalledDistribution] = field(default_factory=dict)


class DistributionIndex:
    """Finds distributions in the folders of ``sys.path``.

    ``importlib.metadata.packages_distributions`` reads the file list of every distribution; here
    those that are named like the module are looked into first, and the search ends at the owner.
    Answers are kept until the modification time of their folder changes, as every installer makes
    it.

    Parameters
    ----------
    path
        The folders; ``None`` for ``sys.path`` as it is at each question.

    Example
    -------
    >>> DistributionIndex().find("Packaging").name
    'packaging'
    """

    def __init__(self, path: Iterable[str] | None = None) -> None:
        self._path = None if path is None else list(path)
        self._folders: dict[str, _Folder] = {}

    def find(self, name: str) -> InstalledDistribution | None:
        """Return the distribution of a name; the first one on the path, as importing would.

        Raises
        ------
        DependencyError
            Its metadata are broken, or there are two of them in one folder.
        """
        key = canonical(name)
        for entry in sys.path if self._path is None else self._path:
            folder = self._folder(entry or os.curdir)
            found = folder.metadata.get(key, []) if folder else []
            if len(found) > 1:
                raise DependencyError(
                    f"{name!r} is installed twice in one folder: "
                    f"{' and '.join(str(path) for path in found)}",
                    hint=f"Install it again: `python -m pip install --force-reinstall {name}`.",
                )
            if folder and found:
                return _read(folder, found[0])
        return None

    def owners(self, file: Path, module: str) -> tuple[InstalledDistribution, ...]:
        """Return the distributions that a file or folder of a module belongs to.

        Parameters
        ----------
        file
            The file of a module, which has one owner; or the folder of a namespace package, which
            may have many.
        module
            Its dotted name: where to look first, and what an old record without a list of files
            is compared with.

        Raises
        ------
        DependencyError
            The metadata of an owner are broken.
        """
        site = install_folder(file)
        folder = self._folder(str(site)) if site else None
        if site is None or folder is None:
            return ()
        key = file.relative_to(site).as_posix() + ("/" if file.is_dir() else ",")
        found = folder.owners.get(key)
        if found is None:
            found = tuple(_search(folder, key, module)) or _search_elsewhere(folder, module)
            folder.owners[key] = found
        return tuple(_read(folder, path) for path in found)

    def _folder(self, entry: str) -> _Folder | None:
        try:
            changed_ns = os.stat(entry).st_mtime_ns  # noqa: PTH116 - asked at each question
            known = self._folders.get(entry)
            if known is None or known.changed_ns != changed_ns:
                known = _Folder(changed_ns=changed_ns, metadata=_list_metadata(entry))
                self._folders[entry] = known
        except OSError:
            return None  # `sys.path` may name what is not there, and archives
        return known


def _list_metadata(entry: str) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for name in sorted(os.listdir(entry)):  # noqa: PTH208 - a thousand names: no Path for each
        stem, dot, kind = name.rpartition(".")
        # pip renames what it removes to "~..."
        if dot and kind in ("dist-info", "egg-info") and not name.startswith("~"):
            found.setdefault(canonical(stem.partition("-")[0]), []).append(Path(entry, name))
    return found


def _read(folder: _Folder, path: Path) -> InstalledDistribution:
    distribution = folder.read.get(path)
    if distribution is None:
        distribution = folder.read[path] = InstalledDistribution.read(path)
    return distribution


def _search(folder: _Folder, key: str, module: str) -> Iterator[Path]:
    wanted = key.encode()
    for name in _by_likeness(folder.metadata, module):
        for path in folder.metadata[name]:
            if _owns(path, name, wanted, module):
                yield path
                if key.endswith(","):
                    return  # a file has one owner


def _by_likeness(names: Iterable[str], module: str) -> list[str]:
    """Order distributions by how much their names resemble a module's.

    The letters of a module stand in this order in most distributions' names: ``sklearn`` in
    ``scikit-learn``, ``yaml`` in ``pyyaml``, ``PIL`` in ``pillow``.
    """
    dotted = canonical(module)
    last = dotted.rpartition("-")[2] if "." in module else dotted

    def rank(name: str) -> tuple[int, int]:
        if name in (dotted, last):
            return 0, 0
        if last in name or name.startswith(dotted.partition("-")[0]):
            return 1, len(name)
        letters = iter(name)
        if all(letter in letters for letter in last):
            return 2, len(name)
        return 3, len(name)

    return sorted(names, key=rank)


def _owns(path: Path, name: str, wanted: bytes, module: str) -> bool:
    """Whether a distribution's list of files has one that begins with `wanted`."""
    record = _bytes(path / "RECORD")
    if record is not None:
        return record.startswith(wanted) or b"\n" + wanted in record
    files = _bytes(path / "installed-files.txt")
    if files is not None:
        return b"../" + wanted.rstrip(b",") in files.replace(b"\\", b"/")
    # Debian takes the lists of files away
    top = module.partition(".")[0]
    names = _bytes(path / "top_level.txt")
    if names is not None:
        return top.encode() in names.split()
    return name == canonical(top)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _search_elsewhere(folder: _Folder, module: str) -> tuple[Path, ...]:
    """Ask the standard library, which knows layouts that are rare by now."""
    from importlib.metadata import packages_distributions  # noqa: PLC0415 - 20 ms that few need

    names = packages_distributions().get(module.partition(".")[0], [])
    found = [folder.metadata.get(canonical(name), []) for name in dict.fromkeys(names)]
    return tuple(path for paths in found for path in paths)
