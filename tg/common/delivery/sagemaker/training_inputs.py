"""What a training is made of on this machine: its data and its code."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..._core.errors import DataError, DatasetNotFoundError
from ..delivery.installed import unmet
from ..delivery.packaging import Package, Packaging
from .check import Finding

__all__ = ["look_at_data", "look_at_package"]

_LARGE_BYTES = 20_000_000
_SHOWN = 5


def look_at_data(path: Path) -> Finding:
    """Look whether there is a dataset; its content is not read.

    Raises
    ------
    DatasetNotFoundError
        There is none.
    DataError
        It is an empty folder, or cannot be looked at.
    """
    try:
        if not path.exists():
            raise DatasetNotFoundError(
                f"there is no dataset at {path}",
                hint="Put it there, or give another folder, project or file name.",
            )
        files = [found for found in path.rglob("*") if found.is_file()] if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in files)
    except OSError as exc:
        raise DataError(
            f"the dataset {path} cannot be looked at: {exc.strerror or exc}",
            hint="Check its permissions.",
        ) from exc
    if not files:
        raise DataError(
            f"the dataset {path} is an empty folder", hint="A training needs data to start."
        )
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    return Finding(text=f"{path}: {count}, {size:,} bytes")


def look_at_package(packaging: Packaging) -> Finding:
    """Pack the code into a folder that is removed again, and look at what would travel.

    Raises
    ------
    UnpicklableError
        The task cannot be pickled; the error names the attribute.
    SourceError
        A file that is needed cannot travel.
    DependencyError
        A requirement cannot be named or pinned.
    """
    trial = copy.copy(packaging)
    trial.silent = True
    with tempfile.TemporaryDirectory(prefix="tg-lint-") as folder:
        trial.folder = Path(folder)
        package = trial.make_package()
    files, locked = package.report.files, package.manifest.lock
    text = (
        f"{len(files)} files, {sum(files.values()):,} bytes, of "
        f"{', '.join(package.manifest.travellers)}; {len(locked)} libraries; "
        f"{len(package.report.left_out)} files stay at home"
    )
    return Finding(text=text, doubt=" ".join(_doubts(package)))


def _doubts(package: Package) -> Iterator[str]:
    manifest, report = package.manifest, package.report
    gaps = unmet(manifest.requirements)
    if gaps:
        yield (
            f"Asked for, but not installed here like that: {_some(gaps)}. The image gets what the "
            "index has then; install the same here to know what it is."
        )
    loose = [line for line in manifest.lock if "==" not in line and "@" not in line]
    if loose and not gaps:
        yield f"Not pinned: {_some(loose)}. Pin them, or install them here."
    if report.missing:
        yield (
            f"Imported, but not found here: {_some(report.missing)}. If the training needs them, "
            "install them or add them to the dependencies; imports in `try` may stay so."
        )
    total = sum(report.files.values())
    if total > _LARGE_BYTES:
        largest = sorted(report.files, key=lambda name: -report.files[name])
        yield (
            f"This is much for code: {_some(largest[:_SHOWN])} are the largest files. Leave data "
            "out by packaging.exclude."
        )


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
