"""Packages opened straight from their archive."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType

from ..._core.archive_reader import ArchiveReader
from ..._core.errors import ArchiveError
from ..._core.files import atomic_folder
from ..._core.loc import Loc
from ...contract.manifest import PackageManifest
from .entry_point import EntryPoint
from .package_manifest import manifest_file, no_package

__all__ = ["load_package", "unpack_package"]

_MOUNTING = threading.Lock()


def load_package(path: Path | str, *, any_python: bool = False) -> EntryPoint:
    """Make a package importable in this process, without installing it.

    Any number of packages and of their versions live side by side, and beside today's code. A
    package whose root module is here already with other content is given a root of its own.

    A package is code: load only what you trust.

    Parameters
    ----------
    path
        The archive.
    any_python
        Load it also if another minor version of Python packed it.

    Returns
    -------
    EntryPoint
        ``load_resource("job")`` gives what is in the package.

    Raises
    ------
    ArchiveError
        It is damaged, hostile or no package.
    ProtocolError
        A newer version of this library made it.
    PythonVersionError
        Another minor version of Python made it.
    """
    folder, file = _unpack(Path(path))
    manifest = PackageManifest.from_json(file.read_bytes(), where=str(path))
    if not (folder / manifest.module_name / "__init__.py").is_file():
        raise ArchiveError(
            f"package {path} does not hold its module {manifest.module_name}",
            hint="It is damaged: make it again.",
        )
    with _MOUNTING:
        root = _mount(folder / manifest.module_name, manifest)
    return EntryPoint(root.__name__, any_python=any_python)


def unpack_package(path: Path | str) -> Path:
    """Unpack a package into the user's cache, once for each content.

    Returns
    -------
    pathlib.Path
        The folder that holds the root module; it can stand in ``PYTHONPATH``.

    Raises
    ------
    ArchiveError
        The archive is damaged, hostile or no package.
    """
    return _unpack(Path(path))[0]


def _unpack(path: Path) -> tuple[Path, Path]:
    """Give the folder, and the manifest's file in it."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise ArchiveError(f"package {path} cannot be read: {exc}", hint="Check the path.") from exc
    target = Loc.user_cache_path / "packages" / digest[:32]
    if not target.is_dir():
        with atomic_folder(target) as fresh:
            ArchiveReader(path).extract_all(fresh)
    folders = [folder for folder in target.iterdir() if folder.is_dir()]
    file = manifest_file(target)
    if len(folders) != 1 or file is None:
        raise no_package(path)
    return folders[0], file


def _mount(folder: Path, manifest: PackageManifest) -> ModuleType:
    name = manifest.module_name
    for candidate in (name, f"{name}__{manifest.content_hash[:12]}"):
        present = sys.modules.get(candidate)
        if present is None:
            return _import_root(candidate, folder)
        if _holds(present, manifest):
            return present
    return importlib.import_module(f"{name}__{manifest.content_hash[:12]}")


def _holds(module: ModuleType, manifest: PackageManifest) -> bool:
    for folder in getattr(module, "__path__", ()):
        file = Path(folder, "resources", PackageManifest.FILE_NAME)
        if file.is_file():
            here = PackageManifest.from_json(file.read_bytes(), where=str(file))
            return here.content_hash == manifest.content_hash
    return False


def _import_root(name: str, folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ArchiveError(f"{folder} is no Python package", hint="Make the package again.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
