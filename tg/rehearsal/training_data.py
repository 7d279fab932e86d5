"""What the hosts of a job find when they start: channels and checkpoints."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .job_storage import JobStorage
from .pipe_channel import PipeChannel, is_pipe
from .training_container import HostFolders

__all__ = ["TrainingData"]


class TrainingData:
    """Moves data between storage and the hosts of one job.

    Parameters
    ----------
    storage
        Where data and checkpoints are.
    request
        The request that created the job.
    hosts
        The names of its hosts.
    """

    def __init__(
        self, storage: JobStorage, request: Mapping[str, Any], hosts: Sequence[str]
    ) -> None:
        self.checkpoint_uri = str(request.get("CheckpointConfig", {}).get("S3Uri", ""))
        self._storage = storage
        self._request = request
        self._hosts = list(hosts)
        self._pipes: list[PipeChannel] = []
        # by host: name to time and size of the checkpoints that are stored
        self._stored: dict[str, dict[str, tuple[int, int]]] = {}

    def prepare(self, base: Path) -> list[HostFolders]:
        """Make the folders of all hosts below an empty one, and fill them."""
        self._stored.clear()
        folders = [HostFolders(base=base / host, host=host) for host in self._hosts]
        for number, host in enumerate(folders):
            host.create(self._request, self._hosts)
            for channel in self._request.get("InputDataConfig", []):
                self._fill(host, channel, number)
            if self.checkpoint_uri:
                self._storage.fetch_folder(self.checkpoint_uri, host.checkpoints)
        return folders

    def keep_checkpoints(self, hosts: Sequence[HostFolders]) -> None:
        """Store the checkpoints that are new."""
        if self.checkpoint_uri:
            for host in hosts:
                stored = self._stored.setdefault(host.host, {})
                self._storage.store_changes(host.checkpoints, self.checkpoint_uri, stored)

    def clear(self, folder: Path) -> None:
        """Feed no more pipes, and remove a folder; the containers have ended."""
        for pipe in self._pipes:
            pipe.close()
        self._pipes.clear()
        shutil.rmtree(folder, ignore_errors=True)

    def _fill(self, host: HostFolders, channel: Mapping[str, Any], number: int) -> None:
        """Give one host the data of one channel."""
        folder, count = host.channel(channel["ChannelName"]), len(self._hosts)
        if is_pipe(channel, self._request):
            found = self._storage.objects(channel, number, count)
            opened = functools.partial(self._storage.streams, found)
            self._pipes.append(PipeChannel(folder.parent, channel, opened))
        else:
            self._storage.fetch_channel(channel, folder, number, count)
