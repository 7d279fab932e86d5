"""Starting a training in a fresh interpreter."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from ..._core.errors import ConfigError
from ..._core.process import Child, start
from ...contract.run_state import RunState
from ..delivery.packaging import Package
from ..runtime.package_archive import unpack_package
from .environments import PythonEnvironment
from .local_run import training_folders
from .process_identity import process_identity, submitter
from .provenance import provenance_of
from .request import TrainingRequest
from .run_folder import RunFolder
from .training_variables import without_bars

__all__ = ["launch"]


def launch(
    request: TrainingRequest,
    package: Package,
    environment: PythonEnvironment,
    folder: RunFolder,
    checkpoints: Path,
) -> Child:
    """Make the folders of the contract and start the interpreter.

    Parameters
    ----------
    request
        What to train.
    package
        The code, packed.
    environment
        The interpreter and its libraries.
    folder
        What is kept of the run.
    checkpoints
        The folder that stands for ``/opt/ml/checkpoints``.

    Raises
    ------
    ConfigError
        The cache is in a folder that cannot stand in ``PYTHONPATH``.
    """
    code = unpack_package(package.path)
    if os.pathsep in str(code):
        raise ConfigError(
            f"the cache folder {code} has {os.pathsep!r} in its path",
            hint="Set TG_CACHE to a folder without it: Python splits search paths there.",
        )
    training = training_folders(folder)
    training.create(request.hyperparameters, channels=request.channels)
    for name, data in request.channels.items():
        _link_data(data, training.input_data / name)
    training.checkpoints.rmdir()
    training.checkpoints.symlink_to(checkpoints, target_is_directory=True)
    # the run's own: the one it was made from may be cleaned away before the training needs it
    package_file = folder.work / package.path.name
    shutil.copyfile(package.path, package_file)
    root = package.manifest.module_name
    child = start(
        [str(environment.python), "-m", f"{root}.tg.common.delivery.runtime.main", root],
        cwd=folder.work,
        env={
            "PYTHONPATH": str(code),
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
            "PYTHONHOME": None,
            "VIRTUAL_ENV": None,
            **without_bars(),
            "SAGEMAKER_BASE_DIR": str(training.base),
            "TG_PACKAGE_FILE": str(package_file),
            "TG_PROVENANCE": json.dumps(provenance_of(folder)),
            "TG_RUN_FOLDER": str(folder.path),
        },
        output_path=folder.log_file,
    )
    folder.update(
        state=RunState.IN_PROGRESS,
        details={
            **submitter(),
            "pid": child.pid,
            "process": process_identity(child.pid),
            "checkpoints": str(checkpoints),
        },
    )
    return child


def _link_data(data: Path, channel: Path) -> None:
    target = data.resolve()
    if target.is_dir():
        channel.symlink_to(target, target_is_directory=True)
        return
    channel.mkdir()
    (channel / data.name).symlink_to(target)
