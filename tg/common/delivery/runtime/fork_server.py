"""An interpreter that has imported what trainings need, and forks one for each of them."""

from __future__ import annotations

import atexit
import contextlib
import importlib
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
from .main import __file__ as main_file
from .main import main

__all__ = ["ForkServer"]

_CHUNK = 65_536
# the first trainings tell what they have imported; from then on it is there before they start
_PUPILS = 2


class ForkServer:
    """Answers each request, a line of JSON, with the id of a new process that trains.

    First it tells its own id, once it is ready. A request has the process's ``environment``, its
    working ``folder``, its ``log``, and ``until`` when somebody waits for it, in seconds of this
    system's monotonic clock. The answer is ``{"pid": int}``, or ``{"refused": why}``.
    When the other side has gone, the server ends with the last of its trainings, whose exit codes
    it leaves in their folders.

    Parameters
    ----------
    module_name
        The root module of the package.
    channel
        Where requests come from.
    """

    def __init__(self, module_name: str, channel: socket.socket) -> None:
        self._module_name = module_name
        self._channel = channel
        self._place = str(Path.cwd())
        self._received = b""
        self._folders: dict[int, Path] = {}
        self._lessons: dict[int, bytes] = {}
        self._pupils = 0
        self._wake, wake_end = os.pipe()
        for end in (self._wake, wake_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        EntryPoint(module_name)
        self._say({"pid": os.getpid()})

    def serve(self) -> bool:
        """Answer requests until nobody asks any more.

        Returns
        -------
        bool
            Whether this is a process that was forked, and is to train now.
        """
        while True:
            sources: list[Any] = [self._channel, self._wake, *self._lessons]
            ready = select.select(sources, [], [])[0]
            self._reap()
            for lesson in self._lessons.keys() & set(ready):
                self._learn(lesson)
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
        while self._folders:
            select.select([self._wake], [], [])
            self._reap()
        return False

    def _receive(self) -> bytes:
        try:
            return self._channel.recv(_CHUNK)
        except ConnectionError:
            return b""

    def _answer(self, request: dict[str, Any]) -> bool:
        others = threading.active_count() - 1
        if others:
            # a lock that another thread holds would be held for ever in the new process
            self._say({"refused": f"{others} threads run that a library has started"})
            return False
        if time.monotonic() > request["until"]:
            self._say({"refused": "the warm one was busy for too long"})
            return False
        told, tell = os.pipe() if self._pupils < _PUPILS else (None, None)
        ready, begun = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            for handle in (ready, begun, told):
                if handle is not None:
                    os.close(handle)
            self._become(request, tell)
            return True
        os.close(begun)
        os.read(ready, 1)  # until it is a process group, which whoever is told of it can signal
        os.close(ready)
        self._folders[pid] = Path(request["environment"]["TG_RUN_FOLDER"])
        if told is not None and tell is not None:
            os.close(tell)
            self._pupils += 1
            self._lessons[told] = b""
        self._say({"pid": pid})
        return False

    def _say(self, answer: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            self._channel.sendall(json.dumps(answer).encode() + b"\n")

    def _become(self, request: dict[str, Any], tell: int | None) -> None:
        """Make this forked process what a fresh interpreter would be."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for handle in (self._wake, *self._lessons):
            os.close(handle)
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
        if tell is not None:
            known = frozenset(sys.modules)
            # the pipe is closed by the end of this process, whatever ends it
            atexit.register(_tell_modules, tell, known, self._module_name)

    def _learn(self, lesson: int) -> None:
        """Read what a training has imported; when all of it is there, import the same."""
        chunk = os.read(lesson, _CHUNK)
        if chunk:
            self._lessons[lesson] += chunk
            return
        os.close(lesson)
        names = self._lessons.pop(lesson).decode().split()
        for name in names:
            # made by something else than an import, or not to be had without the training
            with contextlib.suppress(Exception):
                importlib.import_module(name)

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake, _CHUNK):
                pass
        for pid in list(self._folders):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                folder = self._folders.pop(pid)
                code = folder / "exit_code"
                # one that was killed could not leave it itself; a removed run needs none
                with contextlib.suppress(OSError):
                    if not code.exists():
                        code.write_text(str(os.waitstatus_to_exitcode(status)), encoding="ascii")


def _tell_modules(handle: int, known: frozenset[str], root: str) -> None:
    names = [name for name in list(sys.modules) if name not in known and _is_shared(name, root)]
    with contextlib.suppress(OSError):
        os.write(handle, "\n".join(names).encode())
    os.close(handle)


def _is_shared(name: str, root: str) -> bool:
    """Whether it is a library's module.

    The user's own may look at the training's folders, draw numbers or note the time when they are
    imported: each training does that for itself, as in an interpreter of its own.
    """
    if name.startswith("__"):
        return False
    return name.startswith(f"{root}.tg.common.") or not name.startswith(f"{root}.")


def _detach() -> None:
    """Go on as nobody's child: whoever started this need not wait for its end."""
    if os.fork():
        os._exit(0)
    os.setsid()


def _serve(module_name: str, handle: int) -> NoReturn:
    _detach()
    server = ForkServer(module_name, socket.socket(fileno=handle))
    if not server.serve():
        sys.exit()
    exit_code = 1
    try:
        main(module_name)
    except SystemExit as exc:
        exit_code = exc.code if isinstance(exc.code, int) else 1
    finally:
        _leave(exit_code)


def _leave(exit_code: int) -> NoReturn:
    """End a forked process as the standard library's multiprocessing does.

    To take apart all that the server has imported would last longer than a short training.
    """
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(exit_code)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
