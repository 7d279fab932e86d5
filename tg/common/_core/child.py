"""A command that runs."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from .command_output import FileOutput, LineBuffer, Output, PipeOutput
from .errors import CommandError, ConfigError
from .process_group import ProcessGroup
from .redaction import Redactor

__all__ = ["Child", "not_started", "start"]

_TAIL_CHARACTERS = 65_536
_POLL_SECONDS = 0.1


class Child:
    """A command that runs; made by `start`.

    Its output waits in a pipe: read `lines`, or `wait`, or the command stops when the pipe is
    full. With an `output_path` it never stops, and it outlives this process.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        argv: tuple[str, ...],
        output: Output,
        buffer: LineBuffer,
    ) -> None:
        self.argv = argv
        self._process = process
        self._group = ProcessGroup(process)
        self._output = output
        self._buffer = buffer
        self._followed = False

    @property
    def pid(self) -> int:
        """The process id, which is the id of its process group as well."""
        return self._process.pid

    @property
    def command_line(self) -> str:
        """The command as one would type it, shortened, without secrets."""
        return _command_line(self.argv)

    @property
    def tail(self) -> str:
        """The last 65,536 characters of the output that was read so far, without secrets."""
        return self._buffer.tail

    def poll(self) -> int | None:
        """Return the exit code, or ``None`` while the command runs."""
        return self._process.poll()

    def wait(self, timeout_seconds: float | None = None) -> int | None:
        """Wait for the end; output that nobody follows is read into `tail`.

        Returns
        -------
        int or None
            The exit code; ``None`` if the command still runs after `timeout_seconds`.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        if not self._followed:
            for _ in self.read_until(deadline):
                pass
        try:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            return self._process.wait(left)
        except subprocess.TimeoutExpired:
            return None

    def lines(self) -> Iterator[str]:
        """Yield each line of output as it comes, until the command has ended."""
        self._followed = True
        try:
            for lines in self.read_until(None):
                yield from lines
        finally:
            self._followed = False

    def terminate(self, grace_seconds: float = 10.0) -> int:
        """Ask the command and all its children to end; kill what is left after `grace_seconds`."""
        self._group.terminate(grace_seconds)
        self._output.close()
        return self._process.wait()

    def kill(self) -> int:
        """End the command and all its children at once."""
        return self.terminate(grace_seconds=0.0)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.poll() is None:
            self.terminate()
        self._output.close()

    def read_until(
        self, deadline: float | None, stop: threading.Event | None = None
    ) -> Iterator[list[str]]:
        """Yield lines until the output ends, `deadline` passes or `stop` is set."""
        while True:
            left = _POLL_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0 or (stop is not None and stop.is_set()):
                return
            # asked before reading: what a command printed before its end is read after it
            ended = self.poll() is not None
            chunk = self._output.read(min(left, _POLL_SECONDS), ended=ended)
            if chunk is None:
                yield self._buffer.finish()
                return
            yield self._buffer.feed(chunk)


def start(
    argv: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str | None] | None = None,
    secrets: Iterable[str] = (),
    stdin_text: str | None = None,
    output_path: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start a command in a process group of its own.

    Parameters
    ----------
    argv
        The program and its arguments, one string each; no shell reads them.
    cwd
        The folder it runs in; ``None`` for the current one.
    env
        Added to this process's environment; a value of ``None`` removes the variable.
    secrets
        Values that are replaced by ``***`` in lines and errors.
    stdin_text
        What it reads on its standard input, which is empty otherwise.
    output_path
        A file that the output is appended to, as it is, instead of a pipe. The command then needs
        no reader; `Child.lines` follows the file.
    pass_fds
        Open handles that it inherits.

    Returns
    -------
    Child
        The running command.

    Raises
    ------
    CommandError
        The program cannot be started.
    """
    words = _checked(argv)
    redactor = Redactor(secrets)
    shown = tuple(map(redactor, words))
    environment = _environment(env)
    sink, written = (subprocess.PIPE, 0) if output_path is None else _open_sink(output_path, shown)
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL if stdin_text is None else subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    except (OSError, ValueError) as exc:
        raise not_started(shown, cwd, exc) from exc
    finally:
        if output_path is not None:
            os.close(sink)
    output = PipeOutput(process) if output_path is None else FileOutput(output_path, written)
    if stdin_text is not None:
        _feed(process, stdin_text)
    return Child(process, shown, output, LineBuffer(redactor, _TAIL_CHARACTERS))


def _checked(argv: Sequence[str]) -> list[str]:
    if isinstance(argv, str) or not argv or not all(isinstance(word, str) for word in argv):
        raise ConfigError(
            f"a command is a non-empty list of strings, not {type(argv).__name__}",
            hint="Write ['git', 'status'], not 'git status'; turn paths into strings.",
        )
    return list(argv)


def _environment(changes: Mapping[str, str | None] | None) -> dict[str, str] | None:
    if changes is None:
        return None
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _open_sink(path: Path, shown: tuple[str, ...]) -> tuple[int, int]:
    """Open `path` for appending; return it and the bytes that stand there already."""
    try:
        sink = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError as exc:
        raise CommandError(
            f"the output of {_command_line(shown)} cannot go to {path}: {exc.strerror}",
            hint="Make the folder first, or choose one that can be written.",
        ) from exc
    return sink, os.fstat(sink).st_size


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    def write() -> None:
        stream = process.stdin
        if stream is not None:
            # a command may end without reading all of it; its exit code tells whether it should
            with contextlib.suppress(OSError), contextlib.closing(stream):
                stream.write(text.encode())

    threading.Thread(target=write, name=f"stdin-{process.pid}", daemon=True).start()


def not_started(
    shown: tuple[str, ...], cwd: str | os.PathLike[str] | None, exc: OSError | ValueError
) -> CommandError:
    """Make the error that says why a command cannot be started.

    Parameters
    ----------
    shown
        The command, without secrets.
    cwd
        The folder that it was to run in, if one was given.
    exc
        What the system said.
    """
    if cwd is not None and not Path(cwd).is_dir():
        what, hint = f"there is no folder {cwd} to run it in", "Make the folder first."
    elif isinstance(exc, FileNotFoundError):
        what = f"there is no program {shown[0]!r}"
        hint = "Install it, or put its folder on PATH."
    elif isinstance(exc, PermissionError):
        what, hint = f"{shown[0]!r} may not be run", "Make it executable."
    else:
        what, hint = str(exc), ""
    return CommandError(f"the command {_command_line(shown)} cannot be started: {what}", hint=hint)


def _command_line(argv: tuple[str, ...]) -> str:
    line = shlex.join(argv)
    return f"`{line if len(line) <= 400 else line[:400] + ' …'}`"
