"""Packages installed with pip."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

from ..._core.logger import Logger
from ..._core.process import run
from ...contract.manifest import PackageManifest
from .entry_point import EntryPoint
from .package_manifest import read_manifest

__all__ = ["install_package_and_get_loader"]


def install_package_and_get_loader(
    filepath: Path | str,
    try_uninstall_existing: bool = False,
    silent: bool = False,
    *,
    target: Path | str | None = None,
) -> EntryPoint:
    """Install a package with pip and import it.

    Its dependencies are installed with it. Versions of one package are distributions of their own
    and stay side by side.

    Parameters
    ----------
    filepath
        The archive.
    try_uninstall_existing
        Whether to uninstall other versions of the package first.
    silent
        Whether to keep from showing what pip says.
    target
        Install into this folder, and import from it, rather than into this Python's environment.

    Returns
    -------
    EntryPoint
        ``load_resource("job")`` gives what is in the package.

    Raises
    ------
    CommandError
        pip failed; its output is in the error.
    ArchiveError, ProtocolError
        It is no package that this version reads.
    """
    manifest = read_manifest(filepath)
    if try_uninstall_existing:
        _uninstall_others(manifest, silent=silent)
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    options = ["--target", str(target), "--upgrade"] if target else ["--force-reinstall"]
    run([*pip, *options, str(Path(filepath).resolve())], on_line=_listener(silent=silent))
    if target and str(target) not in sys.path:
        sys.path.append(str(target))
    for name in [n for n in sys.modules if _is_below(n, manifest.module_name)]:
        del sys.modules[name]  # what was imported of an earlier installation is not there any more
    importlib.invalidate_caches()
    return EntryPoint(manifest.module_name)


def _uninstall_others(manifest: PackageManifest, *, silent: bool) -> None:
    prefix = f"{manifest.name}__"
    others = [
        distribution.metadata["Name"]
        for distribution in importlib.metadata.distributions()
        if any(
            line.startswith(prefix)
            for line in (distribution.read_text("top_level.txt") or "").splitlines()
        )
    ]
    if others:
        pip = [sys.executable, "-m", "pip", "uninstall", "--yes"]
        run([*pip, *others], on_line=_listener(silent=silent))


def _listener(*, silent: bool) -> Callable[[str], None] | None:
    return None if silent else Logger.plain


def _is_below(module: str, root: str) -> bool:
    return module == root or module.startswith(root + ".")
