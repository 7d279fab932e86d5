"""An interpreter that has imported what trainings need, and forks one for each of them."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from .entry_point import EntryPoint
from .forked_trainings import ForkedTrainings
from .import_lessons import ImportLessons
from .large_pages import settle_memory
from .main import __file__ as main_file
from .main import flush_output, tell_exit_code, train
from .pipe_end import PipeEnd
from .stopping import StopRequested

__all__ = ["ForkServer"]

_CHUNK = 65_536
_ROOM_SECONDS = 1.0


class ForkServer:
    """Answers each request, a line of JSON, with the id of a new process that trains.

    First it tells its own id, once it is ready. A request has the process's ``environment``, its
    working ``folder``, its ``log``, and ``until`` when somebody waits for it, in seconds of this
    system's monotonic clock. The answer is ``{"pid": int}``, or ``{"refused": why}``.
    When the other side has gone, the server ends with the last of its trainings. Each leaves its
    exit code in its folder; the server does it for those that were killed.

    Parameters
    ----------
    module_name
        The root module of the package.
    channel
        Where requests come from.
    ends
        A pipe, which gets a byte whenever a training has ended.
    lessons
        What trainings of the package import.
    """

    def __init__(
        self, module_name: str, channel: socket.socket, ends: int, lessons: ImportLessons
    ) -> None:
        self._module_name = module_name
        self._channel = channel
        self._place = str(Path.cwd())
        self._received = b""
        self._trainings = ForkedTrainings()
        self._ends = PipeEnd(ends)
        self._lessons = lessons
        self._wake, wake_end = os.pipe()
        for end in (self._wake, wake_end, ends):
            os.set_blocking(end, False)
        channel.set_inheritable(False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self.entry_point = EntryPoint(module_name)
        self._say({"pid": os.getpid()})

    def serve(self) -> bool:
        """Answer requests until nobody asks any more.

        Returns
        -------
        bool
            Whether this is a process that was forked, and is to train now.
        """
        if self._lessons.recall():
            settle_memory()
        while True:
            sources: list[Any] = [self._channel, self._wake, *self._lessons.handles]
            ready = select.select(sources, [], [], self._patience)[0]
            self._reap()
            for handle in set(self._lessons.handles) & set(ready):
                if self._lessons.learn(handle):
                    settle_memory()
            if self._channel in ready:
                chunk = self._receive()
                if not chunk:
                    break
                self._received += chunk
                while b"\n" in self._received:
                    line, _, self._received = self._received.partition(b"\n")
                    if self._answer(json.loads(line)):
                        return True
        self._channel.close()
        while self._trainings:
            select.select([self._wake], [], [], self._patience)
            self._reap()
        return False

    def tell_end(self) -> None:
        """Tell whoever waits for it that a training has ended."""
        self._ends.tell(b".")

    @property
    def _patience(self) -> float | None:
        """How many seconds it waits for something to happen."""
        return _ROOM_SECONDS if self._trainings.are_untold else None

    def _receive(self) -> bytes:
        try:
            return self._channel.recv(_CHUNK)
        except ConnectionError:
            return b""

    def _answer(self, request: dict[str, Any]) -> bool:
        others = threading.active_count() - 1
        if others:
            # a lock that another thread holds would be held for ever in the new process
            self._lessons.forget()
            self._say({"refused": f"{others} threads run that a library has started"})
            return False
        if time.monotonic() > request["until"]:
            self._say({"refused": "the warm one was busy for too long"})
            return False
        tell = self._lessons.pipe()
        folder = Path(request["environment"]["TG_RUN_FOLDER"])
        self._trainings.expect(folder)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            self._become(request, tell)
            return True
        self._trainings.add(pid, folder)
        if tell is not None:
            tell.close()
        self._say({"pid": pid})
        return False

    def _say(self, answer: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            self._channel.sendall(json.dumps(answer).encode() + b"\n")

    def _become(self, request: dict[str, Any], tell: PipeEnd | None) -> None:
        """Make this forked process what a fresh interpreter would be."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._wake)
        self._channel.close()
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.chdir(request["folder"])
        os.environ.update(request["environment"])
        sys.argv[:] = [str(main_file), self._module_name]
        if not sys.flags.safe_path and self._place in sys.path:
            # as `python -m` does: code is found where a training works, not where this was started
            sys.path[sys.path.index(self._place)] = request["folder"]
        if "numpy" in sys.modules:
            # all would draw the same numbers
            sys.modules["numpy"].random.seed()
        self._lessons.tell_at_end(tell)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake, _CHUNK):
                pass
        if self._trainings.reap():
            self.tell_end()


def _detach() -> None:
    """Go on as nobody's child: whoever started this need not wait for its end."""
    if os.fork():
        os._exit(0)
    os.setsid()


def _serve(module_name: str, channel: int, ends: int, lessons_file: Path) -> NoReturn:
    _detach()
    lessons = ImportLessons(module_name, lessons_file)
    server = ForkServer(module_name, socket.socket(fileno=channel), ends, lessons)
    if not server.serve():
        sys.exit()
    exit_code = None
    try:
        exit_code = train(module_name, open_package=lambda _name: server.entry_point)
    finally:
        _leave(server, exit_code)


def _leave(server: ForkServer, exit_code: int | None) -> NoReturn:
    """End a forked process as the standard library's multiprocessing does.

    To take apart all that the server has imported would last longer than a short training. The exit
    code is told last of all: once it is there the run has ended, whether or not this process is
    gone.
    """
    with contextlib.suppress(StopRequested):  # what is asked for is what happens
        threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    flush_output()
    if exit_code is None:
        os._exit(1)
    with contextlib.suppress(OSError):  # the server leaves it as soon as there is room
        tell_exit_code(exit_code)
    server.tell_end()
    os._exit(exit_code)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
