"""A channel whose data flow into the container instead of lying there."""

from __future__ import annotations

import errno
import gzip
import os
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..common._core.errors import ConfigError

__all__ = ["PipeChannel", "is_pipe", "records_of"]

_CHUNK_BYTES = 1_048_576
_POLL_SECONDS = 0.05
# head and alignment of a record (MXNet, Record IO)
_MAGIC, _ALIGNMENT = 0xCED7230A, 4


def is_pipe(channel: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether a channel of a job is read in pipe mode."""
    mode = request["AlgorithmSpecification"].get("TrainingInputMode", "File")
    return bool(channel.get("InputMode", mode) == "Pipe")


def records_of(content: bytes) -> bytes:
    """Wrap an object in one record.

    Example
    -------
    >>> records_of(b"12345").hex(" ", 4)
    '0a23d7ce 05000000 31323334 35000000'
    """
    padding = -len(content) % _ALIGNMENT
    return struct.pack("<II", _MAGIC, len(content)) + content + b"\0" * padding


class PipeChannel:
    """Feeds all objects of a channel, one after the other, into a named pipe for each epoch.

    After the developer guide of Amazon SageMaker, Setting Up Training Jobs to Access Datasets: the
    pipe of the first epoch is ``NAME_0``; the next one is there when that has been read.

    Parameters
    ----------
    folder
        Where the pipes are, ``input/data``.
    channel
        An entry of ``InputDataConfig``.
    objects
        Opens the objects, in their order; called for each epoch.

    Raises
    ------
    ConfigError
        This machine has no named pipes.
    """

    def __init__(
        self,
        folder: Path,
        channel: Mapping[str, Any],
        objects: Callable[[], Iterable[IO[bytes]]],
    ) -> None:
        if not hasattr(os, "mkfifo"):
            raise ConfigError("this machine has no named pipes", hint="Use the mode File.")
        self._folder = folder
        self._name = str(channel["ChannelName"])
        self._is_compressed = channel.get("CompressionType") == "Gzip"
        self._is_wrapped = channel.get("RecordWrapperType") == "RecordIO"
        self._objects = objects
        self._is_over = threading.Event()
        self._pipe(0)
        self._thread = threading.Thread(target=self._feed, name=f"pipe-{self._name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Feed no more; the container has ended."""
        self._is_over.set()
        self._thread.join()

    def _feed(self) -> None:
        epoch = 0
        while True:
            path = self._pipe(epoch)
            target = self._awaited_reader(path)
            if target is None:
                return
            self._pipe(epoch + 1)
            try:
                with os.fdopen(target, "wb", buffering=0) as file:
                    for chunk in self._chunks():
                        _write(file, chunk)
            except BrokenPipeError:
                pass  # whoever read it has had enough
            path.unlink(missing_ok=True)
            epoch += 1

    def _pipe(self, epoch: int) -> Path:
        path = self._folder / f"{self._name}_{epoch}"
        if not path.exists():
            os.mkfifo(path)
            path.chmod(0o666)  # whoever the container's user is
        return path

    def _awaited_reader(self, path: Path) -> int | None:
        """Open a pipe as soon as somebody reads it; ``None`` if nobody will."""
        while not self._is_over.wait(_POLL_SECONDS):
            try:
                target = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as exc:
                if exc.errno == errno.ENXIO:  # no reader yet (fifo(7))
                    continue
                return None
            os.set_blocking(target, True)
            return target
        return None

    def _chunks(self) -> Iterator[bytes]:
        for source in self._objects():
            with source:
                content: Any = gzip.GzipFile(fileobj=source) if self._is_compressed else source
                if self._is_wrapped:
                    yield records_of(content.read())
                    continue
                while chunk := content.read(_CHUNK_BYTES):
                    yield chunk


def _write(file: Any, chunk: bytes) -> None:
    """Write all: an unbuffered file may take a part."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]
