"""Starting trainings in containers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..._core.errors import EngineError, EngineUnavailableError
from ...contract.run_state import RunState
from ..docker.container_user import user_options
from ..docker.containers import Containers, ContainerSpec, Mount
from ..docker.engine import DockerEngine
from ..docker.labels import Kind, Label
from ..runtime.folders import CONTAINER_BASE, TrainingFolders
from .container_options import ContainerOptions
from .container_run import ContainerRun
from .launcher import Training
from .local_launcher import LocalLauncher
from .local_run import training_folders
from .place import OwnMachine
from .process_identity import submitter
from .provenance import provenance_of
from .run_folder import RunFolder
from .training_variables import without_bars

__all__ = ["ContainerLauncher"]

# Process 1 of a container ignores a SIGTERM that it does not handle yet, and does not reap what
# others leave behind: the engine's own small init does both.
_INIT = ("--init",)
# kept whole and readable by `docker logs`, whatever the engine does with logs otherwise
_LOGGING = ("--log-driver", "json-file", "--log-opt", "max-size=1024g")


@dataclass(frozen=True, kw_only=True)
class ContainerLauncher(OwnMachine, LocalLauncher):
    """Starts trainings in containers, which go on without this process.

    A container is called as its run is.

    Attributes
    ----------
    image
        The code and its libraries, by the image's digest.
    image_hash
        The hash of all that decides what is in it.
    options
        What a container may take.
    engine
        Where they run.
    """

    kind = "container"

    image: str
    image_hash: str
    options: ContainerOptions
    engine: DockerEngine = field(default_factory=DockerEngine)

    def record(self) -> dict[str, Any]:
        """Give all that :meth:`open` needs, as JSON."""
        return {
            **super().record(),
            "image": self.image,
            "image_hash": self.image_hash,
            "options": asdict(self.options),
            "program": self.engine.program,
        }

    @classmethod
    def _fields(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **super()._fields(record),
            "image": record["image"],
            "image_hash": record["image_hash"],
            "options": ContainerOptions(**record["options"]),
            "engine": DockerEngine(record["program"]),
        }

    @property
    def _engine(self) -> DockerEngine:
        return self.engine

    def _start(self, folder: RunFolder, training: Training) -> ContainerRun:
        run = ContainerRun(folder, self.engine)
        run.begin(
            training.fingerprint,
            executor=self.kind,
            is_running=self.is_running,
            launch=lambda checkpoints: self._launch(folder, training, checkpoints),
        )
        return run

    def _launch(self, folder: RunFolder, training: Training, checkpoints: Path) -> None:
        """Make the folders of the contract and start the container.

        Raises
        ------
        EngineError
            The engine refuses; nothing was started.
        """
        channels = self._channels_of(training)
        folders = training_folders(folder)
        folders.create(training.hyperparameters, channels)
        spec = self._spec(folder, (*_folders(folders, checkpoints), *_channels(folders, channels)))
        # before it starts: a submitter that is killed right after that must leave no run unlimited
        folder.update(
            details={
                **submitter(),
                "image": self.image,
                "timeout_seconds": self.options.timeout_seconds,
                "checkpoints": str(checkpoints),
            }
        )
        try:
            Containers(self.engine).start(spec)
        except EngineUnavailableError:
            raise
        except EngineError as exc:
            raise EngineError(
                f"no container could be started: {exc.what}", hint=_advice(exc)
            ) from exc
        folder.update(state=RunState.IN_PROGRESS)

    def _spec(self, folder: RunFolder, mounts: tuple[Mount, ...]) -> ContainerSpec:
        options = self.options
        return ContainerSpec(
            name=folder.run_id,
            image=self.image,
            command=("train",),
            labels={
                Label.KIND: Kind.RUN,
                Label.RUN: folder.run_id,
                Label.CONTENT_HASH: self.image_hash,
            },
            mounts=mounts,
            environment={
                "HOME": "/tmp",  # noqa: S108 the container's own; the user has no home there
                "USER": "training",
                "TG_PROVENANCE": json.dumps(provenance_of(folder, self.provenance)),
                **without_bars(),
                **_limit(options),
                **options.variables,
            },
            options=(*user_options(self.engine), *_INIT, *_LOGGING, *options.arguments),
        )


def _folders(training: TrainingFolders, checkpoints: Path) -> list[Mount]:
    return [
        Mount(source=training.base / "input", target=f"{CONTAINER_BASE}/input"),
        Mount(source=training.model, target=f"{CONTAINER_BASE}/model"),
        Mount(source=training.output, target=f"{CONTAINER_BASE}/output"),
        Mount(source=checkpoints.absolute(), target=f"{CONTAINER_BASE}/checkpoints"),
    ]


def _channels(training: TrainingFolders, channels: Mapping[str, Path]) -> list[Mount]:
    """Mount data where they lie, read-only; nothing is copied."""
    mounts = []
    for name, data in channels.items():
        source = data.resolve()
        # the place must be there, or the engine makes it, as root
        place = training.input_data / name
        place.mkdir(parents=True, exist_ok=True)
        target = f"{CONTAINER_BASE}/input/data/{name}"
        if not source.is_dir():
            (place / data.name).touch()
            target = f"{target}/{data.name}"
        mounts.append(Mount(source=source, target=target, is_read_only=True))
    return mounts


def _limit(options: ContainerOptions) -> dict[str, str]:
    if options.timeout_seconds is None:
        return {}
    return {"TG_TIMEOUT_SECONDS": f"{options.timeout_seconds:g}"}


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
