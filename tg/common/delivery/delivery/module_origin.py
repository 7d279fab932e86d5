"""Where a module comes from: Python itself, an installed library, or the user's own source."""

from __future__ import annotations

import enum
import importlib.machinery
import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType

__all__ = [
    "ModuleOrigin",
    "OriginKind",
    "find_file",
    "install_folder",
    "is_site_packages",
    "is_standard_library",
    "origin",
]

_SITE_FOLDERS = {"site-packages", "dist-packages"}
_SUFFIXES = importlib.machinery.all_suffixes()


class OriginKind(enum.StrEnum):
    """Where a module comes from."""

    BUILTIN = "builtin"
    """Compiled into the interpreter."""
    STDLIB = "stdlib"
    """The standard library."""
    INSTALLED = "installed"
    """A library that an installer put there."""
    LOCAL = "local"
    """The user's own source; editable installs are this as well."""
    RUNTIME = "runtime"
    """Made while the program runs: it has no file."""
    MISSING = "missing"
    """There is no such module."""


@dataclass(frozen=True, kw_only=True)
class ModuleOrigin:
    """Where a top-level module comes from.

    Attributes
    ----------
    kind
        What it is.
    paths
        The folder of a package, several for a namespace package, or the file of a module; empty if
        there is none. Of a namespace package that is local in part, the local folders.
    is_namespace
        Whether it is a package without an ``__init__.py``.
    """

    kind: OriginKind
    paths: tuple[Path, ...] = ()
    is_namespace: bool = False

    @property
    def path(self) -> Path | None:
        """The first of `paths`."""
        return self.paths[0] if self.paths else None


def origin(name: str) -> ModuleOrigin:
    """Find out where a module comes from, without importing it.

    Parameters
    ----------
    name
        A top-level or dotted name; only its first part counts.

    Returns
    -------
    ModuleOrigin
        Its kind and place; a module of the user's that hides one of the standard library is local.

    Example
    -------
    >>> [str(origin(name).kind) for name in ("json", "packaging.version", "no_such_module")]
    ['stdlib', 'installed', 'missing']
    """
    top = name.partition(".")[0]
    if top in sys.builtin_module_names:
        return ModuleOrigin(kind=OriginKind.BUILTIN)
    module = sys.modules.get(top)
    spec = _spec(top, module)
    if spec is None:
        return ModuleOrigin(kind=OriginKind.MISSING) if module is None else _made_here(module)
    if spec.origin in ("built-in", "frozen"):
        return ModuleOrigin(kind=OriginKind.STDLIB)
    folders = _folders(spec)
    if spec.has_location and spec.origin:
        file = Path(spec.origin)
        return ModuleOrigin(kind=_kind(file), paths=folders[:1] or (file,))
    if not folders:
        return ModuleOrigin(kind=OriginKind.RUNTIME)
    local = tuple(folder for folder in folders if _kind(folder) is OriginKind.LOCAL)
    kind = OriginKind.LOCAL if local else _kind(folders[0])
    return ModuleOrigin(kind=kind, paths=local or folders, is_namespace=True)


def is_standard_library(name: str) -> bool:
    """Whether a name is one of the standard library's.

    Example
    -------
    >>> is_standard_library("xml.etree"), is_standard_library("pandas")
    (True, False)
    """
    return name.partition(".")[0] in sys.stdlib_module_names


def is_site_packages(path: str | os.PathLike[str]) -> bool:
    """Whether a path lies in a folder that installers fill.

    That is a ``site-packages`` or ``dist-packages`` of an environment, of the system or of the
    user, or a folder given to ``pip install --target``, which holds the records of its libraries.

    Example
    -------
    >>> is_site_packages("/usr/lib/python3/dist-packages/yaml/__init__.py")
    True
    >>> is_site_packages("/home/me/project/mine.py")
    False
    """
    return install_folder(path) is not None


def install_folder(path: str | os.PathLike[str]) -> Path | None:
    """Return the folder of installed libraries that a path lies in, if it does."""
    text = os.fspath(path)
    folder = _site_folder(os.path.dirname(text))  # noqa: PTH120 - asked for each import, and quick
    if folder is not None:
        return folder
    for entry in map(str, sys.path):
        if entry and text.startswith(entry.rstrip(os.sep) + os.sep) and _is_recorded(entry, text):
            return Path(entry)
    return None


def find_file(name: str) -> tuple[Path, ...]:
    """Return the files that importing a dotted name of an installed package would run last.

    Regular packages answer with their first file; below a namespace package the name is followed
    through the folders.

    Parameters
    ----------
    name
        Such as ``"google.cloud.storage"``.

    Returns
    -------
    tuple of Path
        One file; or the folders, if the name ends at a namespace package; or nothing.
    """
    parts = name.split(".")
    spec = _spec(parts[0], sys.modules.get(parts[0]))
    if spec is None:
        return ()
    if spec.has_location and spec.origin:
        return (Path(spec.origin),)
    folders = _folders(spec)
    for part in parts[1:]:
        file = _module_file(folders, part)
        if file is not None:
            return (file,)
        below = tuple(folder / part for folder in folders if (folder / part).is_dir())
        if not below:
            break  # an attribute of the namespace, or not there
        folders = below
    return folders


def _spec(top: str, module: ModuleType | None) -> importlib.machinery.ModuleSpec | None:
    if module is not None:
        spec = getattr(module, "__spec__", None)
        return spec if isinstance(spec, importlib.machinery.ModuleSpec) else None
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None  # a broken finder of somebody's: nothing can be said


def _folders(spec: importlib.machinery.ModuleSpec) -> tuple[Path, ...]:
    """List the folders of a package; finders of editable installs add some that do not exist."""
    return tuple(Path(f) for f in spec.submodule_search_locations or () if Path(f).is_dir())


def _made_here(module: ModuleType) -> ModuleOrigin:
    """Tell a script, which has a file but no spec, from a module that has neither."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not Path(file).is_file():
        return ModuleOrigin(kind=OriginKind.RUNTIME)
    return ModuleOrigin(kind=_kind(Path(file)), paths=(Path(file).absolute(),))


def _kind(path: Path) -> OriginKind:
    text = str(path)
    # libraries of the system lie below the standard library's folder; records are read last
    if _site_folder(os.path.dirname(text)) is not None:  # noqa: PTH120 - asked for each import
        return OriginKind.INSTALLED
    if text.startswith(_standard_folders()):
        return OriginKind.STDLIB
    return OriginKind.INSTALLED if is_site_packages(path) else OriginKind.LOCAL


def _module_file(folders: Iterable[Path], name: str) -> Path | None:
    for folder in folders:
        for suffix in _SUFFIXES:
            for file in (folder / name / f"__init__{suffix}", folder / f"{name}{suffix}"):
                if file.is_file():
                    return file
    return None


@cache
def _standard_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({paths["stdlib"] + os.sep, paths["platstdlib"] + os.sep})


@lru_cache(maxsize=4096)
def _site_folder(folder: str) -> Path | None:
    # `site` is not imported here: under `python -S` that would change `sys.path`
    user_site = getattr(sys.modules.get("site"), "USER_SITE", None)
    path = Path(folder)
    for parent in (path, *path.parents):
        if parent.name in _SITE_FOLDERS or str(parent) == user_site:
            return parent
    return None


def _is_recorded(folder: str, path: str) -> bool:
    """Whether an installer's record in a folder names a file in it, or below it (PEP 376)."""
    relative = Path(path).relative_to(folder).as_posix()
    wanted = re.compile(rb"^" + re.escape(relative).encode() + rb"[,/]", re.MULTILINE)
    try:
        with os.scandir(folder) as entries:
            records = [Path(e) / "RECORD" for e in entries if e.name.endswith(".dist-info")]
        return any(record.is_file() and wanted.search(record.read_bytes()) for record in records)
    except OSError:
        return False
