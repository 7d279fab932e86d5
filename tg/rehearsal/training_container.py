"""One host of a training job: its folders and its container."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common._core.errors import TgError
from ..common.delivery.docker.container_user import user_options
from ..common.delivery.docker.containers import Containers, ContainerSpec, Mount
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.runtime.folders import CONTAINER_BASE
from .pipe_channel import is_pipe

__all__ = ["HostFolders", "TrainingContainer", "container_of"]

_GROUP = "homogeneousCluster"
# --init would swallow what an image does as process 1; the service adds none
_LOGGING = ("--log-driver", "json-file")


@dataclass(frozen=True, kw_only=True)
class HostFolders:
    """The folders that a host's container sees.

    Attributes
    ----------
    base
        Where they are on this machine.
    host
        The host's name, ``algo-1``.
    """

    base: Path
    host: str

    @property
    def model(self) -> Path:
        """What becomes the model."""
        return self.base / "model"

    @property
    def output(self) -> Path:
        """Further output, and the reason of a failure."""
        return self.base / "output"

    @property
    def checkpoints(self) -> Path:
        """What is kept while it runs."""
        return self.base / "checkpoints"

    def channel(self, name: str) -> Path:
        """Where a channel's data are."""
        return self.base / "input" / "data" / name

    def create(self, request: Mapping[str, Any], hosts: list[str]) -> None:
        """Make them, with the settings that the service writes.

        After the developer guide of Amazon SageMaker, How Amazon SageMaker Provides Training
        Information.
        """
        for folder in (self.model, self.output / "data", self.checkpoints):
            folder.mkdir(parents=True)
        config = self.base / "input" / "config"
        config.mkdir(parents=True)
        kind = request["ResourceConfig"].get("InstanceType", "")
        mode = request["AlgorithmSpecification"].get("TrainingInputMode", "File")
        channels = request.get("InputDataConfig", [])
        self.channel("").mkdir(parents=True)
        for channel in channels:
            if not is_pipe(channel, request):
                self.channel(channel["ChannelName"]).mkdir(parents=True)
        settings: dict[str, Any] = {
            "hyperparameters": request.get("HyperParameters", {}),
            "inputdataconfig": {
                channel["ChannelName"]: {
                    "TrainingInputMode": channel.get("InputMode", mode),
                    "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                        "S3DataDistributionType", "FullyReplicated"
                    ),
                    "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                }
                for channel in channels
            },
            "resourceconfig": {
                "current_host": self.host,
                "current_instance_type": kind,
                "current_group_name": _GROUP,
                "hosts": hosts,
                "instance_groups": [
                    {"instance_group_name": _GROUP, "instance_type": kind, "hosts": hosts}
                ],
                "network_interface_name": "eth0",
            },
        }
        for name, content in settings.items():
            (config / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def failure(self) -> str:
        """Give what the training wrote of its failure; empty if nothing."""
        try:
            text = (self.output / "failure").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return text.strip()


def container_of(
    engine: DockerEngine,
    folders: HostFolders,
    request: Mapping[str, Any],
    *,
    name: str,
    image: str,
    labels: Mapping[str, str],
    variables: Mapping[str, str],
    network: str,
) -> ContainerSpec:
    """Describe a host's container.

    Parameters
    ----------
    engine
        Where it will be.
    folders
        What it sees.
    request
        The request that created the job.
    name, image, labels
        The container's name, image and labels.
    variables
        What the service adds to its environment.
    network
        The job's own network; the engine's default one if empty.
    """
    algorithm = request["AlgorithmSpecification"]
    entry = tuple(algorithm.get("ContainerEntrypoint", ()))
    command = tuple(algorithm.get("ContainerArguments", () if entry else ("train",)))
    checkpoints = request.get("CheckpointConfig", {}).get(
        "LocalPath", f"{CONTAINER_BASE}/checkpoints"
    )
    # root is root in the container, as at the service
    user = user_options(engine) if getattr(os, "getuid", int)() else ()
    options = ["--hostname", folders.host, *_LOGGING, *user]
    if network:
        options += ["--network", network, "--network-alias", folders.host]
    elif request.get("EnableNetworkIsolation"):
        options += ["--network", "none"]
    options += ["--entrypoint", entry[0]] if entry else []
    return ContainerSpec(
        name=name,
        image=image,
        command=(*entry[1:], *command),
        labels=labels,
        mounts=(
            Mount(source=folders.base / "input", target=f"{CONTAINER_BASE}/input"),
            Mount(source=folders.model, target=f"{CONTAINER_BASE}/model"),
            Mount(source=folders.output, target=f"{CONTAINER_BASE}/output"),
            Mount(source=folders.checkpoints, target=checkpoints.rstrip("/")),
        ),
        # a user that the image does not know has no home there
        environment={
            **({"HOME": "/tmp"} if user else {}),  # noqa: S108 the container's own
            **variables,
            **request.get("Environment", {}),
        },
        options=tuple(options),
    )


class TrainingContainer:
    """A container that runs, and is followed to its end in a thread of its own.

    Parameters
    ----------
    containers
        Where it is.
    spec
        What it is.
    folders
        What it sees.
    on_line
        Called with each line that it prints.
    """

    def __init__(
        self,
        containers: Containers,
        spec: ContainerSpec,
        folders: HostFolders,
        on_line: Callable[[str], None],
    ) -> None:
        self.folders = folders
        self.exit_code: int | None = None
        self.is_out_of_memory = False
        self.trouble = ""
        self._containers = containers
        self._name = spec.name
        self._on_line = on_line
        containers.start(spec)
        self._thread = threading.Thread(target=self._follow, name=spec.name, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended and all its lines were read."""
        return not self._thread.is_alive()

    @property
    def has_failed(self) -> bool:
        """Whether it has ended otherwise than well."""
        return self.has_ended and self.exit_code != 0

    def signal(self, name: str) -> None:
        """Send it a signal."""
        if not self.has_ended:
            self._containers.signal(self._name, name)

    def remove(self) -> None:
        """Remove it, running or not."""
        self._containers.remove(self._name)
        self._thread.join()

    def _follow(self) -> None:
        try:
            for line in self._containers.logs(self._name):
                self._on_line(line)
            state = self._containers.inspect(self._name)
            if state is None:
                self.trouble = "the container is not there any more"
            else:
                self.exit_code = state.exit_code
                self.is_out_of_memory = state.is_out_of_memory
        except TgError as exc:
            self.trouble = str(exc)
