"""The folder that becomes the archive of a result."""

from __future__ import annotations

import contextlib
import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonpickle

from ..._core.logger import Logger
from ...contract.manifest import MetricsManifest, PackageManifest, ResultManifest

__all__ = ["PACKAGE_FILE", "ResultFolder"]

PACKAGE_FILE = "package.tag.gz"  # the documented name


class ResultFolder:
    """Writes what stands beside a task's artifacts.

    These are the package (``package.tag.gz``), what is known of it (``package.json``), the task
    (``task.json``), the metrics (``metrics.json``) and a manifest (``manifest.json``).

    Parameters
    ----------
    root
        The folder; it is made if it is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._task_name = ""
        root.mkdir(parents=True, exist_ok=True)

    def write_package(self, package_file: Path, *, is_own: bool = False) -> None:
        """Put the package's archive in.

        Parameters
        ----------
        package_file
            The archive.
        is_own
            Whether nobody else needs the file: it is not copied then, where that can be.
        """
        target = self.root / PACKAGE_FILE
        if is_own:
            with contextlib.suppress(OSError):  # it is on another disk, or somebody else's
                target.unlink(missing_ok=True)
                target.hardlink_to(package_file)
                return
        shutil.copyfile(package_file, target)

    def write_properties(self, properties: Mapping[str, str]) -> None:
        """Put in what is known of the package."""
        self._write("package.json", json.dumps(properties))

    def write_task(self, task: object) -> None:
        """Describe the task as JSON; that is for people, the pickle is for machines."""
        info = getattr(task, "info", None)
        self._task_name = str(info.get("name", "")) if isinstance(info, Mapping) else ""
        try:
            text: str = jsonpickle.encode(task, indent=1, keys=True)
        except Exception as exc:  # noqa: BLE001 a description must not end a training
            Logger.warning(f"The task could not be jsonpickled: {exc!r}")
            text = json.dumps({"py/repr": repr(task)})
        self._write("task.json", text)

    def write_summary(
        self,
        package: PackageManifest,
        *,
        metrics: Mapping[str, float],
        hyperparameters: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> None:
        """Write metrics and manifest; to be called last, for the manifest lists all files."""
        reported = MetricsManifest(metrics=dict(metrics))
        (self.root / MetricsManifest.FILE_NAME).write_bytes(reported.to_json())
        files = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        manifest = ResultManifest(
            package=vars(package),
            package_file=PACKAGE_FILE,
            python=platform.python_version(),
            task_name=self._task_name,
            hyperparameters={path: repr(value) for path, value in hyperparameters.items()},
            provenance=provenance,
            files={path.relative_to(self.root).as_posix(): path.stat().st_size for path in files},
        )
        (self.root / ResultManifest.FILE_NAME).write_bytes(manifest.to_json())

    def _write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text + "\n", encoding="utf-8")
