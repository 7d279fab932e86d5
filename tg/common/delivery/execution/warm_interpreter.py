"""An interpreter that is kept warm, from which trainings start without importing anything."""

from __future__ import annotations

import io
import json
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._core.errors import CommandError
from ..._core.process import start

__all__ = ["ForkedProcess", "WarmInterpreter"]

_log = logging.getLogger(__name__)
# it holds the memory of all that it has imported
_IDLE_SECONDS = 30.0
_CHUNK = 4096
_START_SECONDS = 120.0
# a request that waited for nearly as long is refused: nobody waits for its answer any more
_FORK_SECONDS = 110.0


@dataclass(frozen=True, kw_only=True)
class ForkedProcess:
    """What is known of a process that was forked for a training.

    Attributes
    ----------
    pid
        Its id, which is that of its process group as well; ``None`` if the answer was lost: it may
        run, and then says so itself.
    server_pid
        The process that waits for its end.
    """

    pid: int | None
    server_pid: int


class WarmInterpreter:
    """Starts a server of :mod:`..runtime.fork_server` when it is needed, and asks it.

    The server ends when nothing was asked for half a minute, or with this process; what it has
    started goes on.

    Parameters
    ----------
    python
        The interpreter.
    root
        The package's root module.
    environment
        Variables of the server, over those of this process; ``None`` removes one.
    folder
        The server's working directory, which holds nothing that could be imported by mistake.
    lessons
        The file that tells the server what trainings of the package have imported before.
    on_end
        Called by a thread of its own when a training has ended.
    """

    def __init__(
        self,
        python: Path,
        root: str,
        environment: Mapping[str, str | None],
        *,
        folder: Path,
        lessons: Path,
        on_end: Callable[[], None],
    ) -> None:
        self._python = python
        self._root = root
        self._environment = environment
        self._folder = folder
        self._lessons = lessons
        self._on_end = on_end
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._server_pid = 0
        self._timer: threading.Timer | None = None
        self._asked_at = 0.0
        self._is_of_use = hasattr(os, "fork")

    def fork(
        self, environment: Mapping[str, str], *, folder: Path, log: Path
    ) -> ForkedProcess | None:
        """Start a training.

        Parameters
        ----------
        environment
            Its variables, over those of the server.
        folder
            Its working directory.
        log
            Where its output goes; made as soon as it is about to be started.

        Returns
        -------
        ForkedProcess or None
            ``None`` if it was not started, and needs a fresh interpreter.
        """
        if self._owner != os.getpid():
            # this process was forked: to ask the same server would mix up whose the answers are
            self._owner, self._lock, self._timer = os.getpid(), threading.Lock(), None
            self._close()
        with self._lock:
            if not self._is_of_use or not self._is_up():
                return None
            request = {
                "environment": dict(environment),
                "folder": str(folder),
                "log": str(log),
                "until": time.monotonic() + _FORK_SECONDS,
            }
            log.touch()
            answer = self._ask(request)
            self._asked_at = time.monotonic()
            self._close_when_idle()
            if answer is not None and "refused" in answer:
                _log.info("Trainings start in fresh interpreters: %s", answer["refused"])
                self._is_of_use = False
                self._close()
                return None
            if answer is None:
                self._close()  # what it says now would be taken for another answer
            pid = None if answer is None else int(answer["pid"])
            return ForkedProcess(pid=pid, server_pid=self._server_pid)

    def close(self) -> None:
        """Let the server end when its trainings have."""
        with self._lock:
            self._close()

    def _is_up(self) -> bool:
        """Start the server unless it runs; one that cannot start is not tried again."""
        if self._channel is not None and not _has_gone(self._channel):
            return True
        self._close()
        ours, theirs = socket.socketpair()
        told, tell = os.pipe()
        ends = os.fdopen(told, "rb", buffering=0)
        try:
            with start(
                [*self._command, str(theirs.fileno()), str(tell), str(self._lessons)],
                cwd=self._folder,
                env=self._environment,
                output_path=Path(os.devnull),
                pass_fds=[theirs.fileno(), tell],
            ) as starter:
                starter.wait()  # it leaves the server behind
            listener = threading.Thread(target=self._listen, args=[ends], name="ends", daemon=True)
            listener.start()
        except BaseException as exc:
            ours.close()
            ends.close()
            if not isinstance(exc, CommandError):
                raise
            _log.info("Trainings start in fresh interpreters: %s", exc)
            self._is_of_use = False
            return False
        finally:
            theirs.close()
            os.close(tell)
        ours.settimeout(_START_SECONDS)
        self._channel = ours
        hello = self._receive()
        if hello is None:
            _log.info("Trainings start in fresh interpreters: the warm one has ended at once")
            self._is_of_use = False
            self._close()
            return False
        self._server_pid = int(hello["pid"])
        return True

    def _listen(self, ends: io.FileIO) -> None:
        """Pass on that trainings have ended, until the server and all of them are gone."""
        with ends:
            while ends.read(_CHUNK):
                self._on_end()

    @property
    def _command(self) -> list[str]:
        module = f"{self._root}.tg.common.delivery.runtime.fork_server"
        return [str(self._python), "-m", module, self._root]

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        if self._channel is None:
            return None
        try:
            self._channel.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            return None
        return self._receive()

    def _receive(self) -> dict[str, Any] | None:
        line = b""
        while not line.endswith(b"\n"):
            try:
                chunk = self._channel.recv(_CHUNK) if self._channel is not None else b""
            except OSError:
                return None
            if not chunk:
                return None
            line += chunk
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _close_when_idle(self, left_seconds: float = _IDLE_SECONDS) -> None:
        if self._timer is None:
            self._timer = threading.Timer(left_seconds, self._close_if_idle)
            self._timer.daemon = True
            self._timer.start()

    def _close_if_idle(self) -> None:
        with self._lock:
            self._timer = None
            left = _IDLE_SECONDS - (time.monotonic() - self._asked_at)
            if left > 0:
                self._close_when_idle(left)
            else:
                self._close()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def _has_gone(channel: socket.socket) -> bool:
    """Whether the other side has closed it: it says nothing of its own accord."""
    return bool(select.select([channel], [], [], 0)[0])
