"""Starting a training in a container."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..._core.errors import EngineError, EngineUnavailableError
from ...contract.run_state import RunState
from ..delivery.training_image import Image
from ..docker.containers import Containers, ContainerSpec, Mount
from ..docker.engine import DockerEngine
from ..docker.labels import Kind, Label
from ..runtime.folders import TrainingFolders
from .container_options import ContainerOptions
from .local_run import training_folders
from .process_identity import submitter
from .provenance import provenance_of
from .request import TrainingRequest
from .run_folder import RunFolder
from .training_variables import without_bars

__all__ = ["launch_container"]

_BASE = "/opt/ml"
# Process 1 of a container ignores a SIGTERM that it does not handle yet, and does not reap what
# others leave behind: the engine's own small init does both.
_INIT = ("--init",)
# kept whole and readable by `docker logs`, whatever the engine does with logs otherwise
_LOGGING = ("--log-driver", "json-file", "--log-opt", "max-size=1024g")


def launch_container(
    request: TrainingRequest,
    image: Image,
    options: ContainerOptions,
    *,
    folder: RunFolder,
    checkpoints: Path,
    engine: DockerEngine,
) -> None:
    """Make the folders of the contract and start the container, which is called as the run is.

    Parameters
    ----------
    request
        What to train.
    image
        The code and its libraries.
    options
        What the container may take.
    folder
        What is kept of the run.
    checkpoints
        The folder that stands for ``/opt/ml/checkpoints``.
    engine
        Where it runs.

    Raises
    ------
    EngineError
        The engine refuses; nothing was started.
    """
    training = training_folders(folder)
    training.create(request.hyperparameters, channels=request.channels)
    user = _user(engine)
    spec = ContainerSpec(
        name=folder.run_id,
        image=image.id,
        command=("train",),
        labels={
            Label.KIND: Kind.RUN,
            Label.RUN: folder.run_id,
            Label.CONTENT_HASH: image.content_hash,
        },
        mounts=(*_folders(training, checkpoints), *_channels(training, request)),
        environment={
            "HOME": "/tmp",  # noqa: S108 the container's own; the user has no home there
            "USER": "training",
            "TG_PROVENANCE": json.dumps(provenance_of(folder)),
            **without_bars(),
            **_limit(options),
            **options.variables,
        },
        options=(*user, *_INIT, *_LOGGING, *options.arguments),
    )
    # before it starts: a submitter that is killed right after that must leave no run unlimited
    folder.update(
        details={
            **submitter(),
            "image": image.id,
            "timeout_seconds": options.timeout_seconds,
            "checkpoints": str(checkpoints),
        }
    )
    try:
        Containers(engine).start(spec)
    except EngineUnavailableError:
        raise
    except EngineError as exc:
        raise EngineError(f"no container could be started: {exc.what}", hint=_advice(exc)) from exc
    folder.update(state=RunState.IN_PROGRESS)


def _folders(training: TrainingFolders, checkpoints: Path) -> list[Mount]:
    return [
        Mount(source=training.base / "input", target=f"{_BASE}/input"),
        Mount(source=training.model, target=f"{_BASE}/model"),
        Mount(source=training.output, target=f"{_BASE}/output"),
        Mount(source=checkpoints.absolute(), target=f"{_BASE}/checkpoints"),
    ]


def _channels(training: TrainingFolders, request: TrainingRequest) -> list[Mount]:
    """Mount data where they lie, read-only; nothing is copied."""
    mounts = []
    for name, data in request.channels.items():
        source = data.resolve()
        # the place must be there, or the engine makes it, as root
        place = training.input_data / name
        place.mkdir(parents=True, exist_ok=True)
        target = f"{_BASE}/input/data/{name}"
        if not source.is_dir():
            (place / data.name).touch()
            target = f"{target}/{data.name}"
        mounts.append(Mount(source=source, target=target, is_read_only=True))
    return mounts


def _limit(options: ContainerOptions) -> dict[str, str]:
    if options.timeout_seconds is None:
        return {}
    return {"TG_TIMEOUT_SECONDS": f"{options.timeout_seconds:g}"}


def _user(engine: DockerEngine) -> tuple[str, ...]:
    """Have files belong to the user: an engine that runs as the user does so by itself."""
    if not hasattr(os, "getuid") or "rootless" in engine.security_options:
        return ()
    user = ("--user", f"{os.getuid()}:{os.getgid()}")
    return (*user, "--userns", "host") if "userns" in engine.security_options else user


def _advice(error: EngineError) -> str:
    said = str(error).lower()
    if "bind source path does not exist" in said or "bind mount" in said:
        return (
            "The engine does not see this machine's files: is it on another machine, or is the "
            "folder not shared with its virtual machine?"
        )
    if "could not select device driver" in said or "nvidia" in said:
        return "The engine has no GPU to give: install the NVIDIA container toolkit, or drop gpus."
    return error.hint
